"""Runs of values to pixels: every layer of every strip in one pass down the rows. Pure numpy, GUI thread.

Each layer flips its bit where a run starts and where it has ended; one exclusive-or accumulated down the rows
then fills all layers of all strips at once. What is no layer (limits, finding bars, separators) is written in
colour afterwards. Dashes and hatches take their phase from the absolute column, so that a picture continued to
the right has no seams.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from widgets.strips.colours import BAND, EXPECTED, GRID, HATCH, OUTSIDE, TRACE, Palette, Pixels
from widgets.strips.runs import Flags, Runs
from widgets.strips.spec import Floats

Rows = npt.NDArray[np.intp]
Codes = npt.NDArray[np.uint8]

_HATCH_STEP = 8
_DASH, _DASH_ON = 7, 4
_LIMIT_DASH, _LIMIT_ON = 11, 7
BAR = 2
"""Height of a finding's bar."""


@dataclass(slots=True, eq=False)
class Frame:
    """The rows of m strips, device pixels: (m,) each, and where their marks lie.

    ``top`` .. ``bottom`` (exclusive) is a strip without its separator; a value v is drawn in row
    ``round(zero - v * gain)``. ``grid`` and ``limits`` are rows; ``limit_colours`` go with the latter.
    """

    scale: int
    top: Rows
    bottom: Rows
    zero: Floats
    gain: Floats
    boxed: Flags
    separators: Rows
    grid: Rows
    limits: Rows
    limit_colours: Pixels
    height: int


@dataclass(slots=True, eq=False)
class Marks:
    """(m, k) ground codes; (m, k) under a finding; (m, k) onset of one; (k,) time ticks; (k,) absolute columns."""

    ground: Codes
    finding: Flags
    onset: Flags
    ticks: Flags
    columns: npt.NDArray[np.int64]


def row_of(frame: Frame, values: Floats) -> Rows:
    """(m, k) values to rows, held within the strip and below its finding bar; any row for NaN."""
    top, bottom = frame.top[:, None] + BAR * frame.scale, frame.bottom[:, None] - 1
    with np.errstate(over="ignore"):  # what is too large for the screen may be too large for a number
        place = np.clip(frame.zero[:, None] - values * frame.gain[:, None], top, bottom)
    return np.rint(np.where(np.isnan(place), top, place)).astype(np.intp)


def draw(frame: Frame, runs: Runs, marks: Marks, palette: Palette) -> Pixels:
    """The picture of m strips and k columns: (height, k) colours."""
    codes = _layers(frame, runs, marks)
    pixels = palette.lookup[codes]
    _limits(frame, marks, codes, pixels)
    _late(frame, runs, marks, codes, pixels, palette)
    if frame.boxed.any():
        _boxes(frame, runs, pixels, palette)
    _findings(frame, marks, codes, pixels, palette)
    for offset in range(frame.scale):
        pixels[frame.separators + offset] = palette.line
    return pixels


def _layers(frame: Frame, runs: Runs, marks: Marks) -> Codes:
    k = len(marks.columns)
    flips = np.zeros((frame.height + 1, k), dtype=np.uint8)
    flat = flips.reshape(-1)
    columns = np.broadcast_to(np.arange(k), runs.low.shape)
    top = np.broadcast_to(frame.top[:, None], columns.shape)
    end = np.broadcast_to(frame.bottom[:, None], columns.shape)

    def fill(bit: np.uint8, start: Rows, stop: Rows, where: Flags) -> None:
        # Within one layer no two runs start, and no two end, in the same pixel: plain indexing is enough.
        chosen = columns[where]
        flat[start[where] * k + chosen] ^= bit
        flat[stop[where] * k + chosen] ^= bit

    flips[frame.top] ^= marks.ground
    flips[frame.bottom] ^= marks.ground
    hatched = bool(runs.hatch.any())
    if hatched:
        fill(HATCH, top, end, runs.hatch)
    plain = ~frame.boxed[:, None]
    drawn = ~np.isnan(runs.low) & plain
    upper, lower = row_of(frame, runs.high), row_of(frame, runs.low)
    thick = frame.scale - 1
    banded = ~np.isnan(runs.band_low) & plain
    if banded.any():
        ceiling, floor = row_of(frame, runs.band_high), row_of(frame, runs.band_low)
        fill(BAND, ceiling, floor + 1, banded)
        tinted = banded & drawn & (marks.ground > 1)
        if tinted.any():
            fill(OUTSIDE, upper, ceiling, tinted & (upper < ceiling))
            fill(OUTSIDE, floor + 1, lower + 1, tinted & (lower > floor))
        dashed = banded & np.isfinite(runs.band_low) & np.isfinite(runs.band_high)
        dashed &= marks.columns // frame.scale % _DASH < _DASH_ON
        middle = row_of(frame, (np.where(dashed, runs.band_low, 0.0) + np.where(dashed, runs.band_high, 0.0)) / 2)
        fill(EXPECTED, middle, np.minimum(middle + 1 + thick, end), dashed)
    fill(TRACE, upper, np.minimum(lower + 1 + thick, end), drawn)
    codes = np.bitwise_xor.accumulate(flips, axis=0)[:-1]
    _grid(frame, marks, codes, hatched)
    return codes


def _grid(frame: Frame, marks: Marks, codes: Codes, hatched: bool) -> None:
    if not hatched:
        for offset in range(frame.scale):
            codes[np.minimum(frame.grid + offset, frame.height - 1)] |= GRID
        if marks.ticks.any():
            at = np.flatnonzero(marks.ticks)
            for top, bottom in zip(frame.top[~frame.boxed], frame.bottom[~frame.boxed], strict=True):
                codes[top:bottom, at] |= GRID
        return
    grid = np.zeros(codes.shape, dtype=np.bool_)
    for offset in range(frame.scale):
        grid[np.minimum(frame.grid + offset, frame.height - 1)] = True
    for top, bottom in zip(frame.top[~frame.boxed], frame.bottom[~frame.boxed], strict=True):
        grid[top:bottom] |= marks.ticks
    step = _HATCH_STEP * frame.scale
    rows = np.arange(frame.height)
    strip = np.searchsorted(frame.top, rows, side="right") - 1
    slant = (rows - frame.top[np.maximum(strip, 0)])[:, None] + marks.columns
    lines = slant % step < frame.scale
    codes |= np.where((codes & HATCH) != 0, lines, grid) * GRID


def _limits(frame: Frame, marks: Marks, codes: Codes, pixels: Pixels) -> None:
    if not len(frame.limits):
        return
    on = marks.columns // frame.scale % _LIMIT_DASH < _LIMIT_ON
    for offset in range(frame.scale):
        rows = np.minimum(frame.limits + offset, frame.height - 1)
        free = ((codes[rows] & (EXPECTED | TRACE)) == 0) & on
        pixels[rows] = np.where(free, frame.limit_colours[:, None], pixels[rows])


def _late(frame: Frame, runs: Runs, marks: Marks, codes: Codes, pixels: Pixels, palette: Palette) -> None:
    for strip, column in zip(*np.nonzero(runs.late & ~frame.boxed[:, None]), strict=True):
        part = slice(frame.top[strip], frame.bottom[strip])
        traced = (codes[part, column] & TRACE) != 0
        pixels[part, column][traced] = palette.late


def _boxes(frame: Frame, runs: Runs, pixels: Pixels, palette: Palette) -> None:
    for strip in np.flatnonzero(frame.boxed):
        top, bottom = box(int(frame.top[strip]), int(frame.bottom[strip]), frame.scale)
        there = ~np.isnan(runs.state[strip])
        pixels[top:bottom, there] = palette.box
        for edge in (slice(top, top + frame.scale), slice(bottom - frame.scale, bottom)):
            pixels[edge, there] = palette.box_edge
        pixels[top:bottom, runs.change[strip]] = palette.box_edge


def box(top: int, bottom: int, scale: int) -> tuple[int, int]:
    """Rows of the state boxes in a strip ``top`` .. ``bottom``."""
    margin = min(10 * scale, (bottom - top) // 4)
    return top + margin, bottom - margin


def _findings(frame: Frame, marks: Marks, codes: Codes, pixels: Pixels, palette: Palette) -> None:
    if not marks.finding.any():
        return
    for offset in range(BAR * frame.scale):
        rows = frame.top + offset
        pixels[rows] = np.where(marks.finding, palette.finding, pixels[rows])
    for strip, column in zip(*np.nonzero(marks.onset), strict=True):
        top, bottom = int(frame.top[strip]), int(frame.bottom[strip])
        free = (codes[top:bottom, column] & TRACE) == 0
        pixels[top:bottom, column][free] = palette.finding
