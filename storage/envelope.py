"""Values reduced to columns of equal width: what a plot of any span draws, and what an hour's count counts.

A chunk that lies in one column answers with its header; only the others are opened. All of it is one question to the
database, which answers without the interpreter: a reader has to share that with whoever records and judges. Called
with a cursor by the reader, on the caller's thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from storage.door import Connection, rows
from storage.roster import KINDS, Kind
from telemetry import Quality

_HERE = "channel IN (SELECT unnest($channels)) AND t1 >= $start AND t0 < $stop"
_WITHIN = "(t0 >= $start AND t1 < $stop AND (t0 - $origin) // $width = (t1 - $origin) // $width)"
_SUMS = "min(low) AS low, max(high) AS high, sum(total) AS total, sum(valid)::BIGINT AS valid, sum(n)::BIGINT AS n"

_HEADERS = f"""
SELECT channel, (t0 - $origin) // $width AS bucket, lo AS low, hi AS high, total, valid, n
FROM _every_chunk WHERE {_HERE} AND {_WITHIN}
"""
_ROLLUPS = f"""
SELECT channel, (cell - $origin) // $width, CASE WHEN valid > 0 THEN low END, CASE WHEN valid > 0 THEN high END,
    CASE WHEN valid > 0 THEN total END, valid, n
FROM (
    SELECT channel, unnest(cells) AS cell, unnest(counts) AS n, unnest(valids) AS valid, unnest(los) AS low,
        unnest(his) AS high, unnest(totals) AS total
    FROM _rollup WHERE {_HERE})
WHERE cell >= $start AND cell < $stop
"""
_OPENED = f"""
SELECT channel, (t - $origin) // $width AS bucket, min(v) FILTER (good), max(v) FILTER (good), sum(v) FILTER (good),
    count(*) FILTER (good), count(*)
FROM (
    SELECT channel, t, v::DOUBLE AS v, q IS NULL OR q & {int(Quality.INVALID)} = 0 AS good
    FROM (
        SELECT channel, unnest(b.times) AS t, unnest(c.{{kind}}) AS v, unnest(c.quality) AS q
        FROM (SELECT * FROM _every_chunk WHERE {_HERE} AND NOT {_WITHIN} AND {{kind}} IS NOT NULL) c
        JOIN (
            SELECT id, times FROM _every_block
            WHERE grp IN (SELECT id FROM _group WHERE list_has_any(channels, $channels))
                AND t1 >= $start AND t0 < $stop) b ON b.id = c.block)
    WHERE t >= $start AND t < $stop AND v IS NOT NULL)
GROUP BY channel, bucket
"""
_REDUCED = f"""
SELECT place, bucket, {_SUMS}
FROM ({{parts}}) JOIN (SELECT unnest($channels) AS channel, unnest($places) AS place) USING (channel)
GROUP BY place, bucket ORDER BY place, bucket
"""
_TYPES = "SELECT DISTINCT type FROM _channel WHERE id IN (SELECT unnest(?::INTEGER[]))"


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """Columns of one channel that hold a value: (m,) arrays.

    ``bucket`` numbers them from the first one on; ``low``, ``high`` and ``total`` are of the ``valid`` values among
    the ``n`` present, NaN where there is none.
    """

    bucket: npt.NDArray[np.int64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    total: npt.NDArray[np.float64]
    valid: npt.NDArray[np.int64]
    n: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """``start`` <= t < ``stop``, cut into columns of ``width``, of which each begins at a whole number of widths since
    1970. Microseconds.
    """

    start: int
    stop: int
    width: int

    @property
    def origin(self) -> int:
        """Where the first column begins, at ``start`` or before it."""
        return self.start // self.width * self.width


def reduce_channels(cursor: Connection, places: Mapping[int, int], grid: Grid) -> dict[int, Reduced]:
    """What lies in each column of ``grid``, by place; ``places`` says which place each channel's number has.

    Several numbers may share a place: a channel whose definition changed, or that several sessions recorded.
    """
    numbers = list(places)
    kinds: set[Kind] = {KINDS[kind] for (kind,) in rows(cursor, _TYPES, [numbers])}
    parts = [_HEADERS, _ROLLUPS, *(_OPENED.format(kind=kind) for kind in sorted(kinds))]
    given: dict[str, Any] = {
        "channels": numbers,
        "places": list(places.values()),
        "start": grid.start,
        "stop": grid.stop,
        "width": grid.width,
        "origin": grid.origin,
    }
    table = cursor.sql(_REDUCED.format(parts=" UNION ALL ".join(parts)), params=given).to_arrow_table()
    place, bucket, low, high, total, valid, n = (column.to_numpy() for column in table.columns)
    borders = np.flatnonzero(np.diff(place)) + 1
    cuts = [np.split(one, borders) for one in (bucket, low, high, total, valid, n)]
    return {
        int(one[0]): Reduced(*parts) for one, *parts in zip(np.split(place, borders), *cuts, strict=True) if len(one)
    }
