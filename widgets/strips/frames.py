"""From heights and ranges to rows of pixels: where a value, a grid line and a limit lie. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from widgets.strips.layout import PAD
from widgets.strips.ranges import Range
from widgets.strips.raster import BAR, Frame

Line = tuple[float, int]
"""A limit's value and its colour as 0xFFRRGGBB."""


def make_frame(
    heights: Sequence[int],
    boxed: Sequence[bool],
    ranges: Sequence[Range],
    lines: Sequence[Sequence[Line]],
    scale: int,
) -> Frame:
    """The frame of strips stacked without room between, ``heights`` in device pixels with their separators."""
    ends = np.cumsum(np.array(heights, dtype=np.intp))
    top = ends - np.array(heights, dtype=np.intp)
    bottom = ends - scale
    low = np.array([one.low for one in ranges])
    high = np.array([one.high for one in ranges])
    gain = np.maximum(bottom - top - 1 - 2 * PAD * scale, 1) / (high - low)
    zero = bottom - 1 - PAD * scale + low * gain
    grid: list[int] = []
    limits: list[tuple[int, int]] = []
    for i, (plain, one, marked) in enumerate(zip(boxed, ranges, lines, strict=True)):
        if plain:
            continue
        inside = range(int(top[i]) + BAR * scale, int(bottom[i]) - scale + 1)
        grid += [row for row in (round(zero[i] - v * gain[i]) for v in one.ticks) if row in inside]
        rows = ((round(zero[i] - v * gain[i]), colour) for v, colour in marked if one.low <= v <= one.high)
        limits += [(row, colour) for row, colour in rows if row in inside]
    return Frame(
        scale=scale,
        top=top,
        bottom=bottom,
        zero=zero,
        gain=gain,
        boxed=np.array(boxed, dtype=np.bool_),
        separators=bottom,
        grid=np.array(grid, dtype=np.intp),
        limits=np.array([row for row, _ in limits], dtype=np.intp),
        limit_colours=np.array([colour for _, colour in limits], dtype=np.uint32),
        height=int(ends[-1]) if len(ends) else 0,
    )
