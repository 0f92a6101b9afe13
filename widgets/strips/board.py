"""Everything the strips show, without Qt: samples, ranges, findings, the view in time, and the picture of it.

GUI thread. ``tick`` does the work of a frame and says what has changed; where nothing is new it does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from widgets.strips.colours import Palette
from widgets.strips.data import ALL, StripData
from widgets.strips.frames import Line
from widgets.strips.marks import make_marks
from widgets.strips.ranges import EMPTY, Extent, Range, fit, follow, make_range
from widgets.strips.raster import Marks, Rows
from widgets.strips.sheet import Arrangement, Sheet
from widgets.strips.spec import FindingSpan, Reader, Spans, StripSpec
from widgets.strips.store import MemoryStore
from widgets.strips.table import Ints
from widgets.strips.timeaxis import tick_step

_Span = TypeVar("_Span")

RANGES_S = 0.5
TICKS_APART = 104
"""Logical pixels between the labels of the time axis, at least."""
LEAST_SPAN = 1_000_000
_DAY = 86_400_000_000
GREATEST_SPAN = 40 * 365 * _DAY
_SPARE = 0.01
"""Of all there is, left free before its begin where all of it is shown."""


@dataclass(slots=True)
class Changes:
    """What a tick has changed: the picture, or the ranges and limits of strips (whose labels then are old)."""

    picture: bool = False
    moved: bool = False
    """The picture's right edge is another column."""
    reread: bool = False
    """All samples were read again: another zoom, another place in time."""
    axes: set[int] = field(default_factory=set)


class Board:
    """Handed values in, ``sheet`` out."""

    def __init__(self, palette: Palette, reader: Reader | None = None) -> None:
        self.own = reader is None
        self.store = MemoryStore()
        """Where samples are kept when there is no reader."""
        self._reader = reader or self.store
        self.palette = palette
        self.sheet = Sheet()
        self.data = StripData((), self._reader)
        self.ranges: list[Range] = []
        self.fixed: dict[str, Range] = {}
        self.crossed: list[tuple[bool, ...]] = []
        """For each strip and each of its limits: whether the newest value lies outside."""
        self.late: set[int] = set()
        """Strips with late samples in view."""
        self.eclipses: dict[str, Spans] = {}
        self.findings: tuple[FindingSpan, ...] = ()
        self.now = 0
        self.span = 2 * 5_700_000_000
        self.live = True
        self.right_time = 0
        self.origin: int | None = None
        self.began: int | None = None
        self.earliest: int | None = None
        """Nothing was recorded before: where going back ends; None where that is not known."""
        self.plot_width = 1
        self._lines: list[list[Line]] = []
        self._ranged_at = -1e9
        self._refit = True

    # what is shown

    @property
    def specs(self) -> tuple[StripSpec, ...]:
        """The strips, from top to bottom."""
        return self.data.specs

    def set_specs(self, specs: Sequence[StripSpec]) -> None:
        """Show these strips; history is read at the next tick. Raises ValueError for a key that comes twice."""
        if len({spec.key for spec in specs}) != len(specs):
            raise ValueError("A channel can be on one strip only.")
        known = dict(zip((s.key for s in self.specs), self.ranges, strict=True))
        self.data = StripData(specs, self._reader)
        if self.began is not None:
            self.data.begin(self.began)
        self.ranges = [self.fixed.get(s.key) or known.get(s.key) or EMPTY for s in specs]
        self.crossed = [(False,) * len(s.limits) for s in specs]
        self.late = set()
        self._draw_lines()
        self._refit = True
        self.sheet.spoil()

    def forget(self, row: int) -> None:
        """Read one strip's history again."""
        self.data.forget(row)
        self._refit = True

    def set_palette(self, palette: Palette) -> None:
        """Another theme."""
        self.palette = palette
        self._draw_lines()
        self.sheet.spoil()

    def set_eclipses(self, eclipses: Mapping[str, Spans]) -> None:
        """Spans of darkness by satellite; what has not changed is not drawn again."""
        for name in eclipses.keys() | self.eclipses.keys():
            old, new = dict(self.eclipses.get(name, ())), dict(eclipses.get(name, ()))
            self._soil(name, _first_change(old, new, lambda start: start))
        self.eclipses = {name: tuple(spans) for name, spans in eclipses.items()}

    def set_findings(self, findings: Iterable[FindingSpan]) -> None:
        """Findings to mark; what has not changed is not drawn again."""
        found = tuple(findings)
        for name in {f.satellite for f in (*found, *self.findings)}:
            old = {(f.start, f.keys): f.end for f in self.findings if f.satellite == name}
            new = {(f.start, f.keys): f.end for f in found if f.satellite == name}
            self._soil(name, _first_change(old, new, lambda span: span[0]))
        self.findings = found

    def _soil(self, satellite: str, since: int | None) -> None:
        if since is None:
            return
        column = since // self.data.table.dt - 1
        for i, spec in enumerate(self.specs):
            if spec.satellite == satellite:
                self.data.dirty[i] = min(self.data.dirty[i], column)

    def fit(self, row: int) -> None:
        """Fit y of one strip to its samples now; it follows them again afterwards."""
        spec = self.specs[row]
        self.fixed.pop(spec.key, None)
        self._set_range(row, fit(self._extents()[row], self._finest(row)) if spec.kind == "trace" else EMPTY)
        self._refit = spec.kind == "score" or self._refit

    def zoom_y(self, row: int, factor: float, share: float) -> None:
        """Show ``factor`` times as much, the value ``share`` of the height above the bottom standing still."""
        old = self.ranges[row]
        middle = old.low + share * (old.high - old.low)
        low, high = middle - (middle - old.low) * factor, middle + (old.high - middle) * factor
        if self.specs[row].kind != "enum" and high - low > 1e-12 * max(abs(low), abs(high), 1e-30):
            self.fixed[self.specs[row].key] = wanted = make_range(low, high)
            self._set_range(row, wanted)

    # the view

    @property
    def longest(self) -> int:
        """The longest span that can be shown: everything there is, a day at least."""
        if self.earliest is None:
            return GREATEST_SPAN
        return min(GREATEST_SPAN, max(_DAY, round((self.now - self.earliest) * (1 + _SPARE))))

    def set_span(self, span: int) -> None:
        """Show so many microseconds, as far as that makes sense."""
        self.span = min(max(span, LEAST_SPAN), self.longest)

    def set_right(self, right: int) -> None:
        """Show what ends at ``right``, now at the most; the left edge stops where everything begins.

        Where all there is fits, it may still be moved, and fills a quarter at least.
        """
        if self.earliest is not None:
            first = self.earliest + self.span
            right = max(right, first if first < self.now else self.earliest + self.span // 4)
        self.right_time = min(right, self.now)

    @property
    def dt(self) -> int:
        """Microseconds a column."""
        return max(1, round(self.span / max(1, self.sheet.arrangement.width)))

    @property
    def right(self) -> int:
        """The newest column in view."""
        return (self.now if self.live else min(self.right_time, self.now)) // self.dt

    @property
    def tick_step(self) -> int:
        """Microseconds between the labels of the time axis."""
        return tick_step(self.span, self.plot_width, TICKS_APART)

    def tick(self, seconds: float) -> Changes:
        """Bring the picture up to date; ``seconds`` is a clock that only goes forward."""
        changes = Changes()
        here = self.sheet.arrangement
        if not self.specs or here.width < 2:
            return changes
        right = self.right
        if self.data.look(self.dt, here.width, right, self.now):
            self.sheet.spoil()
            self._refit = changes.reread = True
        if self._refit or seconds - self._ranged_at >= RANGES_S:
            self._ranged_at, self._refit = seconds, False
            changes.axes = self._follow() | self._check_limits()
            self.late = self.data.late_in(right - here.width + 1, right)
        changes.moved = right != self.sheet.right
        changes.picture = self.sheet.refresh(self.data, right, self.ranges, self._lines, self._marks, self.palette)
        return changes

    def _marks(self, columns: Ints, rows: Rows) -> Marks:
        return make_marks(
            [self.specs[i] for i in rows],
            self.eclipses,
            self.findings,
            columns,
            self.dt,
            self.now,
            self.tick_step,
            self.origin or 0,
            self.sheet.arrangement.scale,
        )

    # y

    def _extents(self) -> list[Extent]:
        right = self.right
        found = self.data.extents(right - self.sheet.arrangement.width + 1, right)
        return [Extent(*row) for row in found.tolist()]

    def _finest(self, row: int) -> float:
        decimals = self.specs[row].decimals
        return 0.0 if decimals is None else 10.0**-decimals

    def _follow(self) -> set[int]:
        changed = set()
        for row, (spec, extent) in enumerate(zip(self.specs, self._extents(), strict=True)):
            if spec.kind == "enum" or spec.key in self.fixed:
                continue
            current = None if self.ranges[row] is EMPTY else self.ranges[row]
            wanted = follow(current, extent, score=spec.kind == "score", finest=self._finest(row))
            if wanted != self.ranges[row]:
                self._set_range(row, wanted)
                changed.add(row)
        return changed

    def _set_range(self, row: int, wanted: Range) -> None:
        self.ranges[row] = wanted
        self.data.dirty[row] = ALL
        self.sheet.reframe()

    # limits

    def _check_limits(self) -> set[int]:
        changed = set()
        for row, spec in enumerate(self.specs):
            if not spec.limits:
                continue
            value = self.data.latest_value[row]
            crossed = tuple(
                bool((one.low is not None and value < one.low) or (one.high is not None and value > one.high))
                for one in spec.limits
            )
            if crossed != self.crossed[row]:
                self.crossed[row] = crossed
                changed.add(row)
        if changed:
            self._draw_lines()
            self.data.dirty[list(changed)] = ALL
            self.sheet.reframe()
        return changed

    def _draw_lines(self) -> None:
        self._lines = []
        for spec, crossed in zip(self.specs, self.crossed, strict=True):
            lines: list[Line] = [(1.0, self.palette.finding)] if spec.kind == "score" else []
            for limit, over in zip(spec.limits, crossed, strict=True):
                colour = self.palette.severity.get(limit.severity, self.palette.limit) if over else self.palette.limit
                lines += [(bound, colour) for bound in (limit.low, limit.high) if bound is not None]
            self._lines.append(lines)

    def arrange(self, arrangement: Arrangement, plot_width: int) -> None:
        """Another size or scroll position: device pixels, and the plot's width in logical ones."""
        self.plot_width = plot_width
        self.sheet.arrange(arrangement)


def _first_change(
    old: Mapping[_Span, int | None], new: Mapping[_Span, int | None], start_of: Callable[[_Span], int]
) -> int | None:
    """The earliest moment that differs between two sets of spans (to their ends), None where none does.

    A span that has only grown differs from its old end on.
    """
    moments = [start_of(span) for span in old.keys() ^ new.keys()]
    for span in old.keys() & new.keys():
        if old[span] != new[span]:
            moments.append(min(end for end in (old[span], new[span]) if end is not None))
    return min(moments, default=None)
