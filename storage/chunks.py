"""Frames become rows of blocks and chunks, as Arrow tables that share the memory they were gathered in.

Pure functions, called on the recorder's thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from storage.cells import CELL_SAMPLES, Cell, cut
from storage.roster import DTYPES, Kind, Numbered
from telemetry import Frame, Quality

BLOCK_ROWS = CELL_SAMPLES
"""Samples a channel in one chunk at the most.

The log of the database repeats, with each commit, every list since the last multiple of 2,048 rows (measured on
2.0.0): chunks of 4,096 samples would make a commit of one satellite write sixty times its own bytes.
"""

WORTH_ORDERING = 16
"""Samples a channel from which its neighbours in the table matter."""

WORTH_NO_COPY = 1 << 20
"""Bytes of a commit from which its batches are handed over as they are."""

BLOCK_SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("grp", pa.int32()),
        ("t0", pa.int64()),
        ("t1", pa.int64()),
        ("n", pa.int32()),
        ("times", pa.list_(pa.int64())),
        ("received", pa.list_(pa.int64())),
    ]
)
CHUNK_SCHEMA = pa.schema(
    [
        ("block", pa.int64()),
        ("channel", pa.int32()),
        ("t0", pa.int64()),
        ("t1", pa.int64()),
        ("n", pa.int32()),
        ("valid", pa.int32()),
        ("lo", pa.float64()),
        ("hi", pa.float64()),
        ("total", pa.float64()),
        ("f4", pa.list_(pa.float32())),
        ("f8", pa.list_(pa.float64())),
        ("i8", pa.list_(pa.int64())),
        ("u8", pa.list_(pa.uint64())),
        ("quality", pa.list_(pa.uint8())),
    ]
)
_LISTS = ("f4", "f8", "i8", "u8", "quality")
_MAX = np.iinfo(np.int64).max
_MIN = np.iinfo(np.int64).min


@dataclass(slots=True)
class Rows:
    """Rows on their way into one pair of tables."""

    blocks: list[pa.RecordBatch] = field(default_factory=list)
    chunks: list[pa.RecordBatch] = field(default_factory=list)

    def tables(self) -> tuple[pa.Table, pa.Table] | None:
        """Blocks and chunks, or None where there are none."""
        if not self.chunks:
            return None
        blocks, chunks = pa.Table.from_batches(self.blocks), pa.Table.from_batches(self.chunks)
        # The database takes each batch in a turn of its own: dozens of a few rows cost more than copying them.
        return (blocks, chunks) if chunks.nbytes > WORTH_NO_COPY else (blocks.combine_chunks(), chunks.combine_chunks())


@lru_cache(maxsize=256)
def _fits(column: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    return np.can_cast(column, wanted, casting="safe")


@lru_cache(maxsize=1024)
def _no_lists(k: int) -> tuple[pa.Array, ...]:
    return tuple(pa.nulls(k, CHUNK_SCHEMA.field(name).type) for name in _LISTS)


def check(frame: Frame) -> None:
    """Raise ValueError where a column could not be kept as it is in its channel's type."""
    for channel, column in zip(frame.group.channels, frame.columns, strict=True):
        if not _fits(column.dtype, DTYPES[channel.type]):
            raise ValueError(f"{channel.key} is {channel.type}, but its column is {column.dtype}")


def pieces(frames: Sequence[Frame], width: int) -> list[list[Frame]]:
    """``frames`` of one group, in order, cut at the borders of its cells, and where a cell holds more than
    ``BLOCK_ROWS`` samples into equal runs.
    """
    return [run for cell in cut(frames, width) for run in _runs(cell)]


def _runs(cell: Cell) -> list[list[Frame]]:
    if cell.length <= BLOCK_ROWS:
        return [cell.frames]
    size = -(-cell.length // -(-cell.length // BLOCK_ROWS))
    out: list[list[Frame]] = []
    room = 0
    for frame in cell.frames:
        done = 0
        while done < len(frame):
            if room == 0:
                out.append([])
                room = size
            part = frame if done == 0 and len(frame) <= room else frame.part(done, min(len(frame), done + room))
            out[-1].append(part)
            done += len(part)
            room -= len(part)
    return out


def encode(numbered: Numbered, frames: Sequence[Frame], block: int, out: Rows) -> int:
    """Append one block of ``frames`` (consecutive, of one group) to ``out``; the number of values present."""
    times = np.concatenate([frame.times for frame in frames])
    present = 0
    for kind, places in numbered.by_kind:
        batch, count = _chunk(numbered, frames, block, times, kind, places)
        present += count
        if batch is not None:
            out.chunks.append(batch)
    if present:
        out.blocks.append(_block(numbered, frames, block, times))
    return present


def _block(numbered: Numbered, frames: Sequence[Frame], block: int, times: npt.NDArray[np.int64]) -> pa.RecordBatch:
    n = len(times)
    received: pa.Array = pa.nulls(1, pa.list_(pa.int64()))
    if any(frame.received is not None for frame in frames):
        unknown = np.concatenate([np.full(len(frame), frame.received is None) for frame in frames])
        values = np.concatenate([frame.times if frame.received is None else frame.received for frame in frames])
        received = _lists(pa.array(values, mask=unknown), 1, n)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([block], pa.int64()),
            pa.array([numbered.id], pa.int32()),
            pa.array([int(times.min())], pa.int64()),
            pa.array([int(times.max())], pa.int64()),
            pa.array([n], pa.int32()),
            _lists(pa.array(times), 1, n),
            received,
        ],
        schema=BLOCK_SCHEMA,
    )


def _chunk(
    numbered: Numbered,
    frames: Sequence[Frame],
    block: int,
    times: npt.NDArray[np.int64],
    kind: Kind,
    places: Sequence[int],
) -> tuple[pa.RecordBatch | None, int]:
    values, quality = _gather(frames, len(times), kind, places)
    missing = np.isnan(values) if values.dtype.kind == "f" else None
    if quality is not None:
        marked = (quality & Quality.MISSING) != 0
        missing = marked if missing is None else missing | marked
    numbers = np.array([numbered.channels[place] for place in places], dtype=np.int32)
    if missing is not None and missing.any():
        seen = ~missing.all(axis=1)
        if not seen.all():
            values, missing, numbers = values[seen], missing[seen], numbers[seen]
            quality = None if quality is None else quality[seen]
        if not len(numbers):
            return None, 0
    else:
        missing = None
    if values.dtype.kind == "f" and values.shape[1] >= WORTH_ORDERING:
        order = _alike(values)
        values, numbers = values[order], numbers[order]
        missing = None if missing is None else missing[order]
        quality = None if quality is None else quality[order]
    k, n = values.shape
    first, last, count = _extent(times, missing, k, n)
    header = _header(values, missing, quality)
    columns = dict(zip(_LISTS, _no_lists(k), strict=True))
    flat = values.reshape(-1)
    columns[kind] = _lists(pa.array(flat, mask=None if missing is None else missing.reshape(-1)), k, n)
    if quality is not None:
        quality = quality & np.uint8(~Quality.MISSING & 0xFF)
        if missing is not None:
            quality[missing] = 0
        good = ~quality.any(axis=1)
        if not good.all():
            columns["quality"] = _lists(pa.array(quality.reshape(-1)), k, n, pa.array(good))
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(np.full(k, block, dtype=np.int64)),
            pa.array(numbers),
            pa.array(first),
            pa.array(last),
            pa.array(count),
            *header,
            *columns.values(),
        ],
        schema=CHUNK_SCHEMA,
    )
    return batch, int(count.sum())


def _alike(values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """An order that puts constant channels first, then those of few decimals, then the noisy ones.

    The database packs some thousand values alike, whosever they are: like beside like takes 2.3 bytes a sample where
    a mixture takes 4.1.
    """
    probes = values[:, [0, values.shape[1] // 2, -1]]
    constant = (values == values[:, :1]).all(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        decimal = (np.round(probes, 3) == probes).all(axis=1)
    return np.argsort(np.where(constant, 0, np.where(decimal, 1, 2)), kind="stable")


def _gather(
    frames: Sequence[Frame], n: int, kind: Kind, places: Sequence[int]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8] | None]:
    """(channels, n) values and, where any frame carries it, quality."""
    values = np.empty((len(places), n), dtype=DTYPES[kind])
    quality: npt.NDArray[np.uint8] | None = None
    at = 0
    for frame in frames:
        end = at + len(frame)
        for row, place in enumerate(places):
            values[row, at:end] = frame.columns[place]
        if frame.quality is not None:
            for row, place in enumerate(places):
                marks = frame.quality[place]
                if marks is not None:
                    if quality is None:
                        quality = np.zeros((len(places), n), dtype=np.uint8)
                    quality[row, at:end] = marks
        at = end
    return values, quality


def _extent(
    times: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_] | None, k: int, n: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Time of the first and last value present, and how many there are, a channel."""
    if missing is None:
        return (
            np.full(k, times.min(), dtype=np.int64),
            np.full(k, times.max(), dtype=np.int64),
            np.full(k, n, dtype=np.int32),
        )
    return (
        np.where(missing, _MAX, times).min(axis=1),
        np.where(missing, _MIN, times).max(axis=1),
        (n - missing.sum(axis=1)).astype(np.int32),
    )


def _header(
    values: npt.NDArray[Any], missing: npt.NDArray[np.bool_] | None, quality: npt.NDArray[np.uint8] | None
) -> list[pa.Array]:
    """Valid values, their minimum, maximum and sum: a value that its source marks as wrong spoils no plot."""
    left_out = missing
    if quality is not None:
        invalid = (quality & Quality.INVALID) != 0
        if invalid.any():
            left_out = invalid if missing is None else missing | invalid
    k, n = values.shape
    with np.errstate(invalid="ignore", over="ignore"):
        if left_out is None:
            lo, hi = values.min(axis=1).astype(np.float64), values.max(axis=1).astype(np.float64)
            return [
                pa.array(np.full(k, n, dtype=np.int32)),
                pa.array(lo),
                pa.array(hi),
                pa.array(values.sum(axis=1, dtype=np.float64)),
            ]
        real = values.astype(np.float64)
        valid = (n - left_out.sum(axis=1)).astype(np.int32)
        none = valid == 0
        return [
            pa.array(valid),
            pa.array(np.where(left_out, np.inf, real).min(axis=1), mask=none),
            pa.array(np.where(left_out, -np.inf, real).max(axis=1), mask=none),
            pa.array(np.where(left_out, 0.0, real).sum(axis=1), mask=none),
        ]


def _lists(values: pa.Array, k: int, n: int, mask: pa.Array | None = None) -> pa.ListArray:
    offsets = pa.array(np.arange(k + 1, dtype=np.int32) * np.int32(n))
    return pa.ListArray.from_arrays(offsets, values, mask=mask)
