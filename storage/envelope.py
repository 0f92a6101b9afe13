"""Values reduced to columns of equal width: what a plot of any span draws, and what an hour's count counts.

A chunk that lies in one column answers with its header, summed up in SQL; only where others are in the way are they
fetched, as Arrow, and reduced here. Called with a cursor by the reader, on the caller's thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from storage.columns import KINDS, Lists
from storage.door import Connection, rows
from telemetry import Quality

Keys = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

OPENED_VALUES = 4_000_000
"""Values opened at once, at the most: some 100 MB while they are reduced."""

_HERE = "channel IN (SELECT unnest($channels)) AND t1 >= $start AND t0 < $stop"
_WITHIN = "(t0 >= $start AND t1 < $stop AND (t0 - $origin) // $width = (t1 - $origin) // $width)"
_SUMS = "min(low) AS low, max(high) AS high, sum(total) AS total, sum(valid)::BIGINT AS valid, sum(n)::BIGINT AS n"

# Chunks that cross a border, or reach out of the span, have no bucket here.
_HEADERS = f"""
SELECT channel, CASE WHEN {_WITHIN} THEN (t0 - $origin) // $width END AS bucket, lo AS low, hi AS high, total, valid, n
FROM _every_chunk WHERE {_HERE}
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
_COLUMNS = f"""
SELECT place, bucket, {_SUMS}
FROM ({{parts}}) JOIN (SELECT unnest($channels) AS channel, unnest($places) AS place) USING (channel)
GROUP BY place, bucket
"""
_VALUES = f"""
SELECT c.channel, b.times, c.f4, c.f8, c.i8, c.u8, c.quality
FROM (SELECT * FROM _every_chunk WHERE {_HERE} AND NOT {_WITHIN}) c
JOIN (
    SELECT id, times FROM _every_block
    WHERE grp IN (SELECT id FROM _group WHERE list_has_any(channels, $channels))
        AND t1 >= $start AND t0 < $stop) b ON b.id = c.block
"""


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """Columns of one channel that hold a value: (m,) arrays.

    ``bucket`` numbers them from the first one on; ``low``, ``high`` and ``total`` are of the ``valid`` values among
    the ``n`` present, NaN where there is none.
    """

    bucket: Keys
    low: Values
    high: Values
    total: Values
    valid: Keys
    n: Keys


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
    given: dict[str, Any] = {
        "channels": list(places),
        "places": list(places.values()),
        "start": grid.start,
        "stop": grid.stop,
        "width": grid.width,
        "origin": grid.origin,
    }
    parts = [_HEADERS, _ROLLUPS] if rows(cursor, "SELECT channel FROM _rollup LIMIT 1") else [_HEADERS]
    table = cursor.sql(_COLUMNS.format(parts=" UNION ALL ".join(parts)), params=given).to_arrow_table()
    opened = table["bucket"].is_null()
    found = [_Columns(*(column.to_numpy() for column in table.filter(pc.invert(opened)).columns))]
    crossing = dict(zip(*(table.filter(opened)[name].to_pylist() for name in ("place", "n")), strict=True))
    del given["places"]
    for some in _portions(places, crossing):
        values = cursor.sql(_VALUES, params={**given, "channels": some}).to_arrow_table().combine_chunks()
        for kind in KINDS:
            missing = values[kind].null_count
            if missing < len(values):
                # A copy of every list is left out where all are of one kind.
                of_kind = values.filter(values[kind].is_valid()) if missing else values
                found.append(_opened(of_kind, kind, places, grid))
    return _by_place(_merged(found))


def _portions(places: Mapping[int, int], crossing: Mapping[int, int]) -> Iterator[list[int]]:
    """The channels that have to be opened, so many at once as memory allows."""
    some: list[int] = []
    room = OPENED_VALUES
    counted: set[int] = set()
    for channel, place in places.items():
        values = crossing.get(place, 0) if place not in counted else 0
        if place not in crossing:
            continue
        counted.add(place)
        if some and values > room:
            yield some
            some, room = [], OPENED_VALUES
        some.append(channel)
        room -= values
    if some:
        yield some


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Columns of several places, (m,) arrays; NaN where there is no valid value."""

    place: Keys
    bucket: Keys
    low: Values
    high: Values
    total: Values
    valid: Keys
    n: Keys


def _opened(table: pa.Table, kind: str, places: Mapping[int, int], grid: Grid) -> _Columns:
    """The values of chunks of one kind, reduced."""
    times, values = Lists(table, "times"), Lists(table, kind)
    owners = np.fromiter((places[one] for one in table["channel"].to_pylist()), np.int64, len(table))
    keep = (times.flat >= grid.start) & (times.flat < grid.stop)
    if values.missing is not None:
        keep &= ~values.missing
    bucket = (times.flat - grid.origin) // grid.width
    owner = np.repeat(owners, times.lengths)
    real, good = values.flat, _good(table, times.offsets)
    if not keep.all():
        bucket, owner, real, good = bucket[keep], owner[keep], real[keep], good[keep]
    return _reduce(owner, bucket, real.astype(np.float64, copy=False), good)


def _reduce(place: Keys, bucket: Keys, real: Values, good: npt.NDArray[np.bool_]) -> _Columns:
    """A column for every run of values of one place and bucket; a place may have several of a bucket."""
    if not len(place):
        return _Columns(place, bucket, real, real, real, place, place)
    starts = np.concatenate([[0], np.flatnonzero((np.diff(place) != 0) | (np.diff(bucket) != 0)) + 1])
    n = np.diff(starts, append=len(place))
    if good.all():
        low, high, total, valid = real, real, real, n
    else:
        low, high, total = np.where(good, real, np.inf), np.where(good, real, -np.inf), np.where(good, real, 0.0)
        valid = np.add.reduceat(good.astype(np.int64), starts)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = np.add.reduceat(total, starts)
    lows, highs = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    lows[valid == 0] = highs[valid == 0] = np.nan
    return _Columns(place[starts], bucket[starts], lows, highs, sums, valid, n)


def _merged(parts: Sequence[_Columns]) -> _Columns:
    """One column a place and bucket, in order."""
    joined = [np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(_Columns)]
    order = np.lexsort((joined[1], joined[0]))
    place, bucket, low, high, total, valid, n = (one[order] for one in joined)
    starts = np.concatenate([[0], np.flatnonzero((np.diff(place) != 0) | (np.diff(bucket) != 0)) + 1])
    if not len(place) or len(starts) == len(place):
        return _Columns(place, bucket, low, high, total, valid, n)
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.add.reduceat(np.where(valid > 0, total, 0.0), starts)
    return _Columns(
        place[starts],
        bucket[starts],
        np.fmin.reduceat(low, starts),
        np.fmax.reduceat(high, starts),
        total,
        np.add.reduceat(valid, starts),
        np.add.reduceat(n, starts),
    )


def _by_place(columns: _Columns) -> dict[int, Reduced]:
    borders = np.flatnonzero(np.diff(columns.place)) + 1
    each = [np.split(getattr(columns, one.name), borders) for one in fields(_Columns)]
    return {int(place[0]): Reduced(*found) for place, *found in zip(*each, strict=True) if len(place)}


def _good(table: pa.Table, offsets: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where no source marked a value as wrong."""
    good = np.ones(int(offsets[-1]), dtype=bool)
    quality = Lists(table, "quality")
    for row in np.flatnonzero(quality.valid):
        marks = quality.at(int(row))
        assert marks is not None
        good[offsets[row] : offsets[row + 1]] = (marks & Quality.INVALID) == 0
    return good
