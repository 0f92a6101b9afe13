"""Items become batches: frames into chunks, small ones held until they make a large one. Recorder's thread only.

A frame is written in the very next commit, whatever its size: that is what acknowledged means. But a chunk of one
sample costs thirty times the bytes of one among hundreds. So small pieces go into the fresh tables and are also
kept here; when their cell is over, or there are enough of them, they are written once more as one chunk, and the
pieces are deleted in the same transaction. What a crash leaves in the fresh tables stays there, is read all the same,
and is joined later (``storage/rewrite.py``).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detection.event import Event
from storage.batch import Batch
from storage.cells import Cell, cell_width, cut, step_of
from storage.chunks import BLOCK_ROWS, Rows, encode, pieces
from storage.roster import Numbered, Roster
from storage.scores import Minute
from storage.waiting import Gap, Item
from telemetry import Frame

WORTH_A_CHUNK = 64
"""Samples a channel that go straight into a chunk of their own."""
ENOUGH_PIECES = BLOCK_ROWS
"""Samples a channel, in pieces, that are worth writing once more."""
HELD_VALUES = 4_000_000
"""Values held in pieces over all groups at the most (about 32 MB)."""

_INFINITE = 31744
"""Bits of an infinite half float; what has more is no number."""

_SCORE_ROWS = pa.schema(
    [
        ("session", pa.int32()),
        ("grp", pa.int32()),
        ("model", pa.string()),
        ("version", pa.string()),
        ("minute", pa.int64()),
        ("ratio", pa.list_(pa.float32())),
        ("judged", pa.list_(pa.uint32())),
        ("skipped", pa.list_(pa.uint32())),
    ]
)


@dataclass(slots=True)
class _Held:
    """The pieces of one group that lie in the fresh tables, all of one cell."""

    numbered: Numbered
    cell: int
    frames: list[Frame] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    length: int = 0

    @property
    def values(self) -> int:
        return self.length * len(self.numbered.channels)


class Encoder:
    """Makes every batch of one recorder, in order."""

    def __init__(self, last_group: int, last_channel: int, last_block: int) -> None:
        self._roster = Roster(last_group, last_channel)
        self._block = last_block
        self._writer = uuid.uuid4().hex
        self._seq = 0
        self._held: dict[int, _Held] = {}
        self._widths: dict[int, int] = {}

    def encode(self, items: list[tuple[int, Item]], *, last: bool = False) -> Batch:
        """The batch of ``items``; ``last`` writes everything that is held as chunks."""
        self._seq += 1
        batch = Batch(self._writer, self._seq)
        arrived: dict[int, tuple[Numbered, list[Frame]]] = {}
        minutes: list[Minute] = []
        gaps: list[tuple[int, Gap]] = []
        for session, item in items:
            if isinstance(item, Frame):
                numbered = self._roster.number(session, item.group)
                arrived.setdefault(numbered.id, (numbered, []))[1].append(item)
            elif isinstance(item, Event):
                batch.events[session, item.key] = item
            elif isinstance(item, Minute):
                minutes.append(item)
            elif isinstance(item, Gap):
                gaps.append((session, item))
            else:
                batch.ended[session] = item.ended
        fresh, whole = Rows(), Rows()
        for numbered, frames in arrived.values():
            self._arrive(batch, numbered, frames, fresh, whole)
        self._settle(batch, whole, last)
        scores = self._score_rows(minutes)
        ratios = self._ratio_rows([minute for minute in minutes if minute.parts])
        groups, channels = self._roster.new_rows()
        for table, rows in (("_group", groups), ("_channel", channels), ("_score", scores)):
            if rows is not None:
                batch.rows.append((table, rows))
        for prefix, made in (("_fresh", fresh), ("", whole)):
            tables = made.tables()
            if tables is not None:
                batch.rows.append((f"{prefix}_block", tables[0]))
                batch.rows.append((f"{prefix}_chunk", tables[1]))
        if ratios is not None:
            batch.rows += zip(("_ratio_block", "_ratio"), ratios, strict=True)
        if gaps:
            batch.rows.append(("_gap", _gap_rows(gaps)))
        for session in batch.ended:
            self._roster.forget(session)
        if batch.ended:
            self._widths.clear()
        return batch

    def _arrive(self, batch: Batch, numbered: Numbered, frames: list[Frame], fresh: Rows, whole: Rows) -> None:
        newest = max(int(frame.times.max()) for frame in frames)
        batch.newest = newest if batch.newest is None else max(batch.newest, newest)
        # What lies in a cell that is over is written as chunks, with the pieces of it that were held.
        cells = cut(frames, self._width(numbered, frames))
        held = self._held.get(numbered.id)
        number = max(cell.number for cell in cells)
        if held is not None:
            number = max(number, held.cell)
        early = [frame for cell in cells if cell.number != number for frame in cell.frames]
        if held is not None and held.cell != number:
            batch.samples += self._write_held(batch, held, early, whole)
            held = None
        elif early:
            batch.samples += self._write(numbered, early, whole)
        for cell in cells:
            if cell.number == number:
                self._arrive_in(batch, numbered, held, cell, fresh, whole)

    def _arrive_in(
        self, batch: Batch, numbered: Numbered, held: _Held | None, cell: Cell, fresh: Rows, whole: Rows
    ) -> None:
        """Write what lies in the cell that is not over; ``held`` are its pieces so far."""
        if held is not None and held.length + cell.length >= ENOUGH_PIECES:
            batch.samples += self._write_held(batch, held, cell.frames, whole)
            return
        if cell.length >= WORTH_A_CHUNK:
            batch.samples += self._write(numbered, cell.frames, whole)
            return
        first = self._block + 1
        batch.samples += self._write(numbered, cell.frames, fresh)
        held = self._held.setdefault(numbered.id, _Held(numbered, cell.number))
        held.frames.extend(cell.frames)
        held.blocks.extend(range(first, self._block + 1))
        held.length += cell.length

    def _width(self, numbered: Numbered, frames: list[Frame]) -> int:
        found = self._widths.get(numbered.id)
        if found is None:
            step = step_of(frames)
            found = cell_width(step)
            if step is not None:
                self._widths[numbered.id] = found
        return found

    def _write_held(self, batch: Batch, held: _Held, more: list[Frame], whole: Rows) -> int:
        """Pieces and what has just come, as one run of chunks; the number of values that are new."""
        del self._held[held.numbered.id]
        batch.superseded.extend(held.blocks)
        self._write(held.numbered, [*held.frames, *more], whole)
        return sum(frame.count() for frame in more)

    def _settle(self, batch: Batch, whole: Rows, everything: bool) -> None:
        """Write what is held of sessions that end, of all at the end, and where too much is held."""
        ending = [held for held in self._held.values() if everything or held.numbered.session in batch.ended]
        if sum(held.values for held in self._held.values()) > HELD_VALUES:
            ending = list(self._held.values())
        for held in ending:
            self._write_held(batch, held, [], whole)

    def _write(self, numbered: Numbered, frames: list[Frame], out: Rows) -> int:
        present = 0
        for run in pieces(frames, self._width(numbered, frames)):
            self._block += 1
            present += encode(numbered, run, self._block, out)
        return present

    def _score_rows(self, minutes: list[Minute]) -> pa.Table | None:
        if not minutes:
            return None
        numbered = [self._roster.number(one.session, one.group) for one in minutes]
        offsets = pa.array(np.cumsum([0, *(len(one.ratio) for one in minutes)]).astype(np.int32))

        def lists(name: str) -> pa.ListArray:
            flat = np.concatenate([getattr(one, name) for one in minutes])
            return pa.ListArray.from_arrays(offsets, pa.array(flat))

        return pa.Table.from_arrays(
            [
                pa.array([one.session for one in minutes], pa.int32()),
                pa.array([one.id for one in numbered], pa.int32()),
                pa.array([one.model for one in minutes]),
                pa.array([one.version for one in minutes]),
                pa.array([one.start for one in minutes], pa.int64()),
                lists("ratio"),
                lists("judged"),
                lists("skipped"),
            ],
            schema=_SCORE_ROWS,
        )

    def _ratio_rows(self, minutes: list[Minute]) -> tuple[pa.Table, pa.Table] | None:
        """Rows of every ratio of ``minutes``: blocks with their times, and a list a channel that has any."""
        kept: list[Minute] = []
        times, bits, channels = [], [], []
        for minute in minutes:
            moments, of_each = minute.ratios()
            some = np.flatnonzero((of_each <= _INFINITE).any(axis=1))
            if len(some):
                kept.append(minute)
                times.append(moments)
                bits.append(of_each[some])
                channels.append(np.array(self._roster.number(minute.session, minute.group).channels, np.int32)[some])
        if not kept:
            return None
        first = self._block + 1
        self._block += len(kept)
        numbers = np.arange(first, self._block + 1)
        lengths = [len(one) for one in channels]
        blocks = pa.Table.from_arrays(
            [
                pa.array(numbers),
                pa.array([one.session for one in kept], pa.int32()),
                pa.array([one.model for one in kept], pa.string()),
                pa.array([one.version for one in kept], pa.string()),
                pa.array(np.array([one[0] for one in times])),
                pa.array(np.array([one[-1] for one in times])),
                _lists(times, [len(one) for one in times]),
            ],
            names=["id", "session", "model", "version", "t0", "t1", "times"],
        )
        per_list = np.repeat([len(one) for one in times], lengths).tolist()
        ratios = pa.Table.from_arrays(
            [
                pa.array(np.repeat(numbers, lengths)),
                pa.array(np.concatenate(channels)),
                _lists([one.reshape(-1) for one in bits], per_list),
            ],
            names=["block", "channel", "ratio"],
        )
        return blocks, ratios


def _lists(values: list[npt.NDArray[Any]], lengths: list[int]) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(values)))


def _gap_rows(gaps: list[tuple[int, Gap]]) -> pa.Table:
    return pa.table(
        {
            "session": pa.array([session for session, _ in gaps], pa.int32()),
            "start": pa.array([gap.start for _, gap in gaps], pa.int64()),
            "stop": pa.array([gap.stop for _, gap in gaps], pa.int64()),
            "samples": pa.array([gap.samples for _, gap in gaps], pa.int64()),
            "reason": pa.array([gap.reason for _, gap in gaps]),
        }
    )
