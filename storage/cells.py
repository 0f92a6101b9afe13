"""The grid of time that chunks and the columns of plots share. Pure functions, no state.

Every width of the grid divides the next one, and the last is a day. Chunks never cross a border of their group's
cell, so the header of a chunk is a rollup of that cell: a plot whose columns are whole cells opens no values.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from telemetry import Frame
from telemetry.clock import SECOND

DAY = 86_400 * SECOND
WIDTHS: tuple[int, ...] = tuple(
    int(seconds * SECOND)
    for seconds in (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400)
)
"""Widths of cells, microseconds; each divides the next."""

CELL_SAMPLES = 384
"""Samples a channel in a cell, at the most, where there is a width for it."""
UNKNOWN = 3600 * SECOND
"""The cell of a group whose step nobody knows."""


def cell_width(step: int | None) -> int:
    """The width of the cells of a group with a sample every ``step`` microseconds."""
    if step is None or step <= 0:
        return UNKNOWN
    return WIDTHS[max(0, bisect_right(WIDTHS, step * CELL_SAMPLES) - 1)]


def column_width(span: int, columns: int) -> int:
    """The width of the columns of a plot over ``span`` microseconds, at most ``columns`` and one more of them.

    It is a multiple of a width of the grid at most half of it, so that a column is at most half as wide again as
    asked for.
    """
    exact = max(1, -(-span // columns))
    unit = max((one for one in WIDTHS if 2 * one <= exact), default=1)
    return -(-exact // unit) * unit


@dataclass(slots=True)
class Cell:
    """Frames, or parts of them, that lie in one cell: number ``number`` since 1970."""

    number: int
    frames: list[Frame] = field(default_factory=list)
    length: int = 0


def cut(frames: Sequence[Frame], width: int) -> list[Cell]:
    """``frames`` of one group by the cell they lie in, in order of first arrival, each in the order it arrived."""
    cells: dict[int, Cell] = {}
    for frame in frames:
        numbers = frame.times // width
        borders = np.flatnonzero(np.diff(numbers)) + 1
        ends = [*borders.tolist(), len(frame)]
        for begin, end in zip([0, *borders.tolist()], ends, strict=True):
            cell = cells.setdefault(int(numbers[begin]), Cell(int(numbers[begin])))
            cell.frames.append(frame if end - begin == len(frame) else frame.part(begin, end))
            cell.length += end - begin
    return list(cells.values())


def step_of(frames: Sequence[Frame]) -> int | None:
    """The nominal step of a group, else the mean one of ``frames``; None where nothing tells it. Microseconds."""
    if frames[0].group.period is not None:
        return frames[0].group.period
    times = np.concatenate([frame.times for frame in frames])
    span = int(times.max()) - int(times.min())
    return span // (len(times) - 1) if len(times) > 1 and span > 0 else None
