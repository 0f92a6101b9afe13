"""Eclipses, findings and time ticks as flags a column: what the ground of each strip shows. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from widgets.strips.colours import ECLIPSE, SPAN
from widgets.strips.raster import Marks
from widgets.strips.spec import FindingSpan, Spans, StripSpec
from widgets.strips.timeaxis import tick_times


def make_marks(
    specs: Sequence[StripSpec],
    eclipses: Mapping[str, Spans],
    findings: Sequence[FindingSpan],
    columns: npt.NDArray[np.int64],
    dt: int,
    now: int,
    step: int,
    origin: int,
    scale: int,
) -> Marks:
    """The marks of ``specs`` in ``columns`` (ascending, without holes) of ``dt`` microseconds.

    ``step`` is the time between ticks counted from ``origin``; ticks and onsets are ``scale`` columns wide.
    """
    m, k = len(specs), len(columns)
    first, last = int(columns[0]), int(columns[-1])
    ground = np.zeros((m, k), dtype=np.uint8)
    finding = np.zeros((m, k), dtype=np.bool_)
    onset = np.zeros((m, k), dtype=np.bool_)
    dark = {name: _cover(spans, first, last, dt, now) for name, spans in eclipses.items()}
    for row, spec in enumerate(specs):
        for part in dark.get(spec.satellite, ()):
            ground[row, part] |= ECLIPSE
    for one in findings:
        parts = _cover([(one.start, one.end)], first, last, dt, now)
        begun = one.start // dt - first
        for row, spec in enumerate(specs):
            if spec.satellite != one.satellite:
                continue
            for part in parts:
                finding[row, part] = True
                if one.keys and spec.key in one.keys:
                    ground[row, part] |= SPAN
            if -scale < begun < k:
                onset[row, max(0, begun) : begun + scale] = True
                finding[row, max(0, begun) : begun + scale] = True
    ticks = np.zeros(k, dtype=np.bool_)
    for time in tick_times(first * dt - dt * scale, (last + 1) * dt, step, origin):
        at = time // dt - first
        if at < k:
            ticks[max(0, at) : max(0, at + scale)] = True
    return Marks(ground, finding, onset, ticks, columns)


def _cover(spans: Spans, first: int, last: int, dt: int, now: int) -> list[slice]:
    """The parts of the columns ``first`` .. ``last`` that lie in each span."""
    parts = []
    for start, end in spans:
        begin = max(start // dt, first)
        stop = min((now if end is None else end) // dt, last)
        if begin <= stop:
            parts.append(slice(begin - first, stop - first + 1))
    return parts
