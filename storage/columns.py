"""Chunks, fetched as Arrow, become runs of samples without a copy of what is not asked for. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from storage.answers import Samples
from storage.roster import DTYPES
from telemetry import Channel

KINDS = ("f8", "f4", "i8", "u8")
"""The list columns of a chunk, of which one is set."""


def runs(
    table: pa.Table, numbers: Mapping[int, Channel], start: int | None, stop: int | None
) -> dict[str, list[Samples]]:
    """The values present in ``start`` <= t < ``stop`` (everything, where they are None), by key, a run a chunk.

    ``table`` has the columns channel, times, received, f4, f8, i8, u8, quality; runs are in the order of its rows.
    """
    table = table.combine_chunks()
    owners = table["channel"].to_numpy()
    times, received = Lists(table, "times"), Lists(table, "received")
    kinds = {kind: Lists(table, kind) for kind in KINDS}
    quality = Lists(table, "quality")
    out: dict[str, list[Samples]] = {}
    for row, owner in enumerate(owners):
        channel = numbers[int(owner)]
        moment = times.at(row)
        assert moment is not None
        here = np.ones(len(moment), dtype=bool)
        if start is not None and stop is not None:
            here &= (moment >= start) & (moment < stop)
        column = next(one for one in kinds.values() if one.has(row))
        values, missing = column.values_at(row)
        if missing is not None:
            here &= ~missing
        if not here.any():
            continue
        marks = quality.at(row)
        arrival, unknown = received.values_at(row) if received.has(row) else (None, None)
        if arrival is not None and unknown is not None:
            arrival = np.where(unknown, -1, arrival)
        own = DTYPES[channel.type]
        out.setdefault(channel.key, []).append(
            Samples(
                moment[here],
                values[here].astype(own, copy=False),
                np.zeros(int(here.sum()), np.uint8) if marks is None else marks[here],
                None if arrival is None else arrival[here],
            )
        )
    return out


class Lists:
    """A list column as numpy, without a copy: a row at a time, or the values of all rows, where none is null.

    (rows + 1,) ``offsets``, (rows,) ``valid``, (values,) ``flat``, and (values,) ``missing`` or None.
    """

    def __init__(self, table: pa.Table, name: str) -> None:
        column = table[name]
        joined = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        self.offsets: npt.NDArray[np.int32] = joined.offsets.to_numpy()
        self.valid: npt.NDArray[np.bool_] = joined.is_valid().to_numpy(zero_copy_only=False)
        flat = joined.values
        self.missing: npt.NDArray[np.bool_] | None = None
        if flat.null_count:
            self.missing = flat.is_null().to_numpy(zero_copy_only=False)
        # Buffers are taken as they are: a conversion through floats would lose the last bits of integers.
        self.flat = _bits(flat)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Values in each row."""
        return np.diff(self.offsets).astype(np.int64)

    def has(self, row: int) -> bool:
        """Whether the row has a list."""
        return bool(self.valid[row])

    def at(self, row: int) -> npt.NDArray[Any] | None:
        """The values of a row, None where it has no list."""
        return self.flat[self.offsets[row] : self.offsets[row + 1]] if self.valid[row] else None

    def values_at(self, row: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
        """The values of a row, and where one is missing (None: nowhere)."""
        cut = slice(self.offsets[row], self.offsets[row + 1])
        return self.flat[cut], None if self.missing is None else self.missing[cut]


def _bits(flat: pa.Array) -> npt.NDArray[Any]:
    """The values of a primitive array, whatever lies under its nulls."""
    dtype = np.dtype(flat.type.to_pandas_dtype())
    buffer = flat.buffers()[1]
    if buffer is None:
        return np.empty(0, dtype=dtype)
    whole: npt.NDArray[Any] = np.frombuffer(buffer, dtype=dtype)
    return whole[flat.offset : flat.offset + len(flat)]


def join(parts: Sequence[Samples]) -> Samples:
    """Runs as one, in order of time; what has equal times stays in the order of the runs."""
    times = np.concatenate([run.times for run in parts])
    values = np.concatenate([run.values for run in parts])
    quality = np.concatenate([run.quality for run in parts])
    received: npt.NDArray[np.int64] | None = None
    if any(run.received is not None for run in parts):
        received = np.concatenate(
            [np.full(len(run.times), -1, np.int64) if run.received is None else run.received for run in parts]
        )
    if (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        times, values, quality = times[order], values[order], quality[order]
        received = None if received is None else received[order]
    return Samples(times, values, quality, received)
