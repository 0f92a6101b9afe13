"""Values reduced to columns of equal width: what a plot of any span draws, and what an hour's count counts.

A chunk that lies in one column answers with its header, summed up in SQL; the values of the others are fetched as
Arrow and reduced here, some millions at a time. Called with a cursor by the reader, on the caller's thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from storage.columns import KINDS, Lists
from storage.door import Connection
from telemetry import Quality

Keys = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

OPENED_VALUES = 4_000_000
"""Values opened at once, at the most: some 100 MB while they are reduced."""

_WITHIN = "t0 >= $start AND t1 < $stop AND (t0 - $origin) // $width = (t1 - $origin) // $width"

# Chunks that cross a border, or reach out of the span, have no bucket here.
_HEADERS = f"""
SELECT channel, CASE WHEN {_WITHIN} THEN (t0 - $origin) // $width END AS bucket, min(lo) AS low, max(hi) AS high,
    sum(total) AS total, sum(valid)::BIGINT AS valid, sum(n)::BIGINT AS n
FROM _every_chunk
WHERE channel IN (SELECT unnest($channels)) AND t1 >= $start AND t0 < $stop
GROUP BY ALL
"""

_VALUES = f"""
SELECT c.channel, b.times, c.f4, c.f8, c.i8, c.u8, c.quality
FROM (
    SELECT * FROM _every_chunk
    WHERE channel IN (SELECT unnest($channels)) AND t1 >= $start AND t0 < $stop AND NOT ({_WITHIN})) c
JOIN (
    SELECT id, times FROM _every_block
    WHERE grp IN (SELECT id FROM _group WHERE list_has_any(channels, $channels))
        AND t1 >= $start AND t0 < $stop) b ON b.id = c.block
"""

_ROLLUPS = """
SELECT channel, cells, counts, valids, los, his, totals FROM _rollup
WHERE channel IN (SELECT unnest($channels)) AND t1 >= $start AND t0 < $stop
"""


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """Columns of one channel that hold a value: (m,) arrays.

    ``bucket`` numbers them from the first one on; ``low``, ``high`` and ``total`` are of the ``valid`` values among
    the ``n`` present, and infinities with the wrong sign where there is none.
    """

    bucket: npt.NDArray[np.int64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    total: npt.NDArray[np.float64]
    valid: npt.NDArray[np.int64]
    n: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """``start`` <= t < ``stop``, cut into columns of ``width`` from ``origin`` <= ``start`` on. Microseconds."""

    start: int
    stop: int
    width: int

    @property
    def origin(self) -> int:
        """Where the first column begins: a whole number of widths since 1970."""
        return self.start // self.width * self.width

    @property
    def columns(self) -> int:
        """How many there are."""
        return -(-(self.stop - self.origin) // self.width)

    def values(self) -> dict[str, Any]:
        """The grid as parameters of a query."""
        return {"start": self.start, "stop": self.stop, "width": self.width, "origin": self.origin}


def reduce_channels(cursor: Connection, places: Mapping[int, int], grid: Grid) -> dict[int, Reduced]:
    """What lies in each column of ``grid``, by place; ``places`` says which place each channel's number has.

    Several numbers may share a place: a channel whose definition changed, or that several sessions recorded.
    """
    sums = _Sums(len(set(places.values())), grid)
    numbers = list(places)
    given = {"channels": numbers, **grid.values()}
    headers = _fetch(cursor, _HEADERS, given)
    opened = headers["bucket"].is_null()
    sums.add_columns(headers.filter(pc.invert(opened)), places)
    sums.add_rollups(_fetch(cursor, _ROLLUPS, {"channels": numbers, "start": grid.start, "stop": grid.stop}), places)
    crossing = headers.filter(opened)
    for some in _portions(crossing["channel"].to_pylist(), crossing["n"].to_pylist()):
        sums.add_values(_fetch(cursor, _VALUES, {**given, "channels": some}), places)
    return sums.found()


def _portions(channels: Sequence[int], values: Sequence[int]) -> Iterator[list[int]]:
    """``channels``, so many at once as memory allows."""
    some: list[int] = []
    room = OPENED_VALUES
    for channel, count in zip(channels, values, strict=True):
        if some and count > room:
            yield some
            some, room = [], OPENED_VALUES
        some.append(channel)
        room -= count
    if some:
        yield some


def _fetch(cursor: Connection, query: str, values: dict[str, Any]) -> pa.Table:
    return cursor.sql(query, params=values).to_arrow_table()


class _Sums:
    """Columns in the making: (places, columns) arrays."""

    def __init__(self, places: int, grid: Grid) -> None:
        shape = (places, grid.columns)
        self._grid = grid
        self._low = np.full(shape, np.inf)
        self._high = np.full(shape, -np.inf)
        self._total = np.zeros(shape)
        self._valid = np.zeros(shape, np.int64)
        self._n = np.zeros(shape, np.int64)

    def add_columns(self, table: pa.Table, places: Mapping[int, int]) -> None:
        """Sums of whole chunks."""
        self._add(
            _places(table["channel"].to_numpy(), places) * self._grid.columns + table["bucket"].to_numpy(),
            _or(table["low"], np.inf),
            _or(table["high"], -np.inf),
            _or(table["total"], 0.0),
            table["valid"].to_numpy(),
            table["n"].to_numpy(),
        )

    def add_rollups(self, table: pa.Table, places: Mapping[int, int]) -> None:
        """What was kept of samples that expired; a cell counts where it begins."""
        if not len(table):
            return
        cells = Lists(table, "cells")
        inside = (cells.flat >= self._grid.start) & (cells.flat < self._grid.stop)
        place = np.repeat(_places(table["channel"].to_numpy(), places), cells.lengths)[inside]
        key = place * self._grid.columns + (cells.flat[inside] - self._grid.origin) // self._grid.width
        self._add(key, *(Lists(table, name).flat[inside] for name in ("los", "his", "totals", "valids", "counts")))

    def add_values(self, table: pa.Table, places: Mapping[int, int]) -> None:
        """The values of chunks, one by one."""
        table = table.combine_chunks()
        for kind in KINDS:
            part = table.filter(table[kind].is_valid())
            if len(part):
                self._add_kind(part, kind, places)

    def _add_kind(self, table: pa.Table, kind: str, places: Mapping[int, int]) -> None:
        times, values = Lists(table, "times"), Lists(table, kind)
        here = (times.flat >= self._grid.start) & (times.flat < self._grid.stop)
        if values.missing is not None:
            here &= ~values.missing
        place = np.repeat(_places(table["channel"].to_numpy(), places), times.lengths)[here]
        key = place * self._grid.columns + (times.flat[here] - self._grid.origin) // self._grid.width
        real = values.flat[here].astype(np.float64, copy=False)
        good = _good(table, times.offsets)[here]
        self._add_sorted(key, real, good, None if (np.diff(key) >= 0).all() else np.argsort(key, kind="stable"))

    def _add_sorted(self, key: Keys, real: Values, good: npt.NDArray[np.bool_], order: Keys | None) -> None:
        if not len(key):
            return
        if order is not None:
            key, real, good = key[order], real[order], good[order]
        starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
        low, high, valid = real, real, np.diff(starts, append=len(key))
        if not good.all():
            low, high, real = np.where(good, real, np.inf), np.where(good, real, -np.inf), np.where(good, real, 0.0)
            valid = np.add.reduceat(good.astype(np.int64), starts)
        with np.errstate(invalid="ignore", over="ignore"):
            total = np.add.reduceat(real, starts)
        self._add(
            key[starts],
            np.minimum.reduceat(low, starts),
            np.maximum.reduceat(high, starts),
            total,
            valid,
            np.diff(starts, append=len(key)),
        )

    def _add(self, key: Keys, low: Values, high: Values, total: Values, valid: Keys, n: Keys) -> None:
        np.minimum.at(self._low.reshape(-1), key, low)
        np.maximum.at(self._high.reshape(-1), key, high)
        with np.errstate(invalid="ignore", over="ignore"):
            np.add.at(self._total.reshape(-1), key, total)
        np.add.at(self._valid.reshape(-1), key, valid)
        np.add.at(self._n.reshape(-1), key, n)

    def found(self) -> dict[int, Reduced]:
        out = {}
        for place in range(len(self._n)):
            bucket = np.flatnonzero(self._n[place])
            if len(bucket):
                out[place] = Reduced(
                    bucket,
                    *(one[place, bucket] for one in (self._low, self._high, self._total, self._valid, self._n)),
                )
        return out


def _places(channels: npt.NDArray[Any], places: Mapping[int, int]) -> npt.NDArray[np.int64]:
    return np.fromiter((places[int(one)] for one in channels), np.int64, len(channels))


def _or(column: pa.ChunkedArray, instead: float) -> npt.NDArray[np.float64]:
    """The values of a column, and ``instead`` where there is none."""
    return np.asarray(column.fill_null(instead).to_numpy(), dtype=np.float64)


def _good(table: pa.Table, offsets: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where no source marked a value as wrong."""
    good = np.ones(int(offsets[-1] - offsets[0]), dtype=bool)
    quality = Lists(table, "quality")
    for row in np.flatnonzero(quality.valid):
        begin = int(offsets[row] - offsets[0])
        marks = quality.at(int(row))
        assert marks is not None
        good[begin : begin + len(marks)] = (marks & Quality.INVALID) == 0
    return good
