"""The picture of all strips on the screen, as a ring by column: only columns that have changed are drawn again.

Pure numpy, GUI thread. Column ``c`` lies at ``c % width``; a picture that ends at column ``right`` is read in two
parts. One unit is one device pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from widgets.strips.colours import Palette, Pixels
from widgets.strips.data import CLEAN, StripData
from widgets.strips.frames import Line, make_frame
from widgets.strips.ranges import Range
from widgets.strips.raster import Frame, Marks, Rows, draw
from widgets.strips.runs import measure
from widgets.strips.table import Ints

_NEAR = 64
"""Strips that are dirty no further back than this are drawn together, the others one by one."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Strips ``first`` .. ``last`` (exclusive) and their (n + 1) ``tops`` in device pixels from the first's top."""

    first: int
    last: int
    tops: tuple[int, ...]
    width: int
    scale: int


class Sheet:
    """``pixels`` (height, width) 0xFFRRGGBB, to be read as a ring; the array is replaced on another arrangement."""

    def __init__(self) -> None:
        self.arrangement = Arrangement(0, 0, (0,), 1, 1)
        self.pixels: Pixels = np.zeros((1, 1), dtype=np.uint32)
        self.right = 0
        self._fresh = False
        self._frame: Frame | None = None

    def arrange(self, arrangement: Arrangement) -> None:
        """Another set of strips, other heights, another width: everything is drawn again."""
        if arrangement == self.arrangement:
            return
        self.arrangement = arrangement
        shape = (max(1, arrangement.tops[-1]), arrangement.width)
        if self.pixels.shape != shape:
            self.pixels = np.zeros(shape, dtype=np.uint32)
        self.spoil()

    def spoil(self) -> None:
        """Draw everything again at the next refresh."""
        self._fresh = False
        self._frame = None

    def reframe(self) -> None:
        """Ranges or limits of dirty strips have changed; what is not dirty stays as it is."""
        self._frame = None

    def refresh(
        self,
        data: StripData,
        right: int,
        ranges: Sequence[Range],
        lines: Sequence[Sequence[Line]],
        marks: Callable[[Ints, Rows], Marks],
        palette: Palette,
    ) -> bool:
        """Draw what is new up to the column ``right``; whether the picture has changed.

        ``marks(columns, rows)`` gives the marks of the strips ``rows`` in those columns.
        """
        here = self.arrangement
        rows = np.arange(here.first, here.last)
        oldest = right - here.width + 1
        start = data.dirty[rows]
        if not self._fresh or right < self.right or right - self.right >= here.width:
            start = np.full(len(rows), oldest)
        elif right > self.right:
            start = np.minimum(start, self.right + 1)
        self._fresh, self.right = True, right
        data.dirty[rows] = CLEAN
        if not len(rows) or start.min() > right:
            return False
        start = np.maximum(start, oldest)

        def paint(chosen: Rows, first: int) -> None:
            whole = len(chosen) == len(rows)
            if whole and self._frame is not None:
                frame = self._frame
            else:
                frame = self._make_frame(data, chosen, ranges, lines)
                if whole:
                    self._frame = frame
            columns = np.arange(first, right + 1)
            runs = measure(data.table, first, right, data.rules, chosen)
            self._write(draw(frame, runs, marks(columns, chosen), palette), chosen, first, right)

        near = start > right - _NEAR
        if max(1, len(rows) // 2) <= near.sum() < len(rows):
            for row in np.flatnonzero(~near):
                paint(rows[row : row + 1], int(start[row]))
            start = start[near]
            if start.min() <= right:
                paint(rows, int(start.min()))
        else:
            paint(rows, int(start.min()))
        return True

    def unrolled(self) -> Pixels:
        """(height, width) a copy of the picture, oldest column first."""
        return np.roll(self.pixels, -((self.right + 1) % self.pixels.shape[1]), axis=1)

    def _write(self, picture: Pixels, chosen: Rows, first: int, right: int) -> None:
        here = self.arrangement
        begin = first % here.width
        head = min(right - first + 1, here.width - begin)
        top = 0
        blocks = [(0, here.tops[-1])]
        if len(chosen) != here.last - here.first:
            blocks = [(here.tops[i - here.first], here.tops[i - here.first + 1]) for i in chosen.tolist()]
        for start, stop in blocks:
            part = picture[top : top + stop - start]
            self.pixels[start:stop, begin : begin + head] = part[:, :head]
            if part.shape[1] > head:
                self.pixels[start:stop, : part.shape[1] - head] = part[:, head:]
            top += stop - start

    def _make_frame(
        self, data: StripData, chosen: Rows, ranges: Sequence[Range], lines: Sequence[Sequence[Line]]
    ) -> Frame:
        here, picked = self.arrangement, chosen.tolist()
        return make_frame(
            [here.tops[i - here.first + 1] - here.tops[i - here.first] for i in picked],
            [data.specs[i].kind == "enum" for i in picked],
            [ranges[i] for i in picked],
            [lines[i] for i in picked],
            here.scale,
        )
