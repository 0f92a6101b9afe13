"""The ring picture against a slow painter that knows nothing of columns, tables or rings: pixel for pixel."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry import Limit, Severity
from widgets.strips.board import Board
from widgets.strips.colours import mix, palette, rgb
from widgets.strips.raster import BAR
from widgets.strips.sheet import Arrangement
from widgets.strips.spec import FindingSpan, Floats, StripSpec, Times
from widgets.strips.timeaxis import tick_times
from widgets.theme import theme

SECOND = 1_000_000
START = 1_900_000_000 * SECOND
LOOK = theme("dark")
PALETTE = palette(LOOK.colors, LOOK.band_alpha)
Samples = list[tuple[int, float]]


def specs() -> list[StripSpec]:
    limits = (Limit(Severity.WARNING, low=-2.0, high=2.0),)
    states = ((0, "Idle"), (1, "Sun"), (2, "Eclipse"))
    return [
        StripSpec("A/x", "x", "A / s", "V", satellite="A", period=SECOND, limits=limits),
        StripSpec("A/y", "y", "A / s", "A", satellite="A", period=4 * SECOND),
        StripSpec("B/mode", "mode", satellite="B", kind="enum", period=SECOND, states=states),
        StripSpec("A/score", "Score", kind="score", satellite="A", period=2 * SECOND),
    ]


def board(width: int, heights: Sequence[int], scale: int = 1) -> Board:
    made = Board(PALETTE)
    made.set_specs(specs())
    tops = tuple(int(top) for top in np.concatenate([[0], np.cumsum(heights)]))
    made.arrange(Arrangement(0, len(heights), tops, width, scale), width // scale)
    made.began = START
    made.data.begin(START)
    return made


def feed(to: Board, key: str, times: Times, values: Floats) -> None:
    to.store.add(key, times, values)
    rows, _ = to.data.rows([key])
    to.data.append(rows, times, values.reshape(-1, 1))


def expect(to: Board, key: str, times: Times, low: Floats, high: Floats) -> None:
    to.store.add_expected(key, times, low, high)
    rows, _ = to.data.rows([key])
    to.data.expect(rows, times, low.reshape(-1, 1), high.reshape(-1, 1))


class Painter:
    """Paints a board's state from the raw samples, one column and one layer after the other."""

    def __init__(self, of: Board) -> None:
        self.board = of
        self.dt, self.right = of.dt, of.right
        here = of.sheet.arrangement
        self.scale, self.width, self.tops = here.scale, here.width, here.tops
        self.columns = range(self.right - self.width + 1, self.right + 1)
        self.out = np.zeros((here.tops[-1], here.width), dtype=np.uint32)

    def paint(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
        for i, spec in enumerate(self.board.specs):
            times, values = self.board.store.samples(spec.key, -(2**62), 2**62)
            samples = [(int(t), float(v)) for t, v in zip(times, values, strict=True) if not math.isnan(v)]
            for x, column in enumerate(self.columns):
                self._column(i, spec, samples, x, column)
            self.out[self.tops[i + 1] - self.scale : self.tops[i + 1]] = rgb(LOOK.hex("line"))
        return self.out

    def _row(self, i: int, value: float) -> int:
        top, bottom = self.tops[i], self.tops[i + 1] - self.scale
        one = self.board.ranges[i]
        gain = max(bottom - top - 1 - 14 * self.scale, 1) / (one.high - one.low)
        place = bottom - 1 - 7 * self.scale + one.low * gain - value * gain
        return round(min(max(place, top + BAR * self.scale), bottom - 1))

    def _column(self, i: int, spec: StripSpec, samples: Samples, x: int, column: int) -> None:
        top, bottom, scale = self.tops[i], self.tops[i + 1] - self.scale, self.scale
        gap = int(self.board.data.rules.gap[i])
        left, right, now = column * self.dt, (column + 1) * self.dt, self.board.now
        out = self.out[:, x]
        dark = any(
            s // self.dt <= column <= (now if e is None else e) // self.dt
            for s, e in self.board.eclipses.get(spec.satellite, ())
        )
        out[top:bottom] = ground = rgb(LOOK.hex("eclipse" if dark else "plot"))
        over = [
            f
            for f in self.board.findings
            if f.satellite == spec.satellite and f.start // self.dt <= column <= (f.end or now) // self.dt
        ]
        tinted = any(spec.key in f.keys for f in over)
        if tinted:
            out[top:bottom] = ground = rgb(LOOK.hex("finding_span"))
        first = bisect.bisect_left(samples, (left, -math.inf))
        stop = bisect.bisect_left(samples, (right, -math.inf))
        inside = samples[first:stop]
        before = samples[first - 1] if first else None
        after = samples[stop] if stop < len(samples) else None
        since = max(before[0] if before else START, START)
        until = after[0] if after else now
        hatched = not inside and until - since > gap and right > since and left <= until
        self._grid(i, spec, x, column, ground, tinted, hatched)
        values = [v for _, v in inside]
        for edge, (a, b) in (
            (left, (before, inside[0] if inside else after)),
            (right, (inside[-1] if inside else before, after)),
        ):
            if a is not None and b is not None and b[0] - a[0] <= gap:
                values.append(a[1] + (b[1] - a[1]) * ((edge - a[0]) / (b[0] - a[0])))
        if spec.kind == "enum":
            self._box(i, inside, before, hatched or left > now, x, gap)
        else:
            self._lines(i, spec, column, x, tinted, values)
        if over:
            out[top : top + BAR * scale] = rgb(LOOK.hex("finding"))
        for f in self.board.findings:
            if f.satellite == spec.satellite and 0 <= column - f.start // self.dt < scale:
                line = out[top:bottom]
                line[line != PALETTE.trace] = rgb(LOOK.hex("finding"))
                out[top : top + BAR * scale] = rgb(LOOK.hex("finding"))

    def _grid(self, i: int, spec: StripSpec, x: int, column: int, ground: int, tinted: bool, hatched: bool) -> None:
        top, bottom, scale = self.tops[i], self.tops[i + 1] - self.scale, self.scale
        out = self.out[:, x]
        colour = mix(ground, rgb(LOOK.hex("line")), 0.55) if tinted else rgb(LOOK.hex("grid"))
        if hatched:
            for row in range(top, bottom):
                if (row - top + column) % (8 * scale) < scale:
                    out[row] = rgb(LOOK.hex("gap"))
            return
        if spec.kind == "enum":
            return
        for tick in self.board.ranges[i].ticks:
            one = self.board.ranges[i]
            gain = max(bottom - top - 1 - 14 * scale, 1) / (one.high - one.low)
            row = round(bottom - 1 - 7 * scale + one.low * gain - tick * gain)
            if top + BAR * scale <= row <= bottom - scale:
                out[row : row + scale] = colour
        spread = (column - scale) * self.dt, (column + 1) * self.dt
        if any(0 <= column - t // self.dt < scale for t in tick_times(*spread, self.board.tick_step, 0)):
            out[top:bottom] = colour

    def _band(self, i: int, key: str, column: int) -> tuple[float, float] | None:
        times, low, high = self.board.store.expected(key, -(2**62), 2**62)
        known = [
            (int(t), float(a), float(b))
            for t, a, b in zip(times, low, high, strict=True)
            if not (math.isnan(a) or math.isnan(b))
        ]
        newest = {t // self.dt: (t, a, b) for t, a, b in known}
        if column in newest:
            return newest[column][1:]
        left = max((c for c in newest if c < column), default=None)
        right = min((c for c in newest if c > column), default=None)
        if left is None or right is None or newest[right][0] - newest[left][0] > self.board.data.rules.gap[i]:
            return None
        (t0, a0, b0), (t1, a1, b1) = newest[left], newest[right]
        share = min(max((column * self.dt + self.dt // 2 - t0) / (t1 - t0), 0.0), 1.0)
        return a0 + (a1 - a0) * share, b0 + (b1 - b0) * share

    def _lines(self, i: int, spec: StripSpec, column: int, x: int, tinted: bool, values: list[float]) -> None:
        bottom, scale = self.tops[i + 1] - self.scale, self.scale
        out = self.out[:, x]
        low, high = (min(values), max(values)) if values else (math.nan, math.nan)
        band = self._band(i, spec.key, column)
        if band is not None:
            ceiling, floor = self._row(i, band[1]), self._row(i, band[0])
            for row in range(ceiling, floor + 1):
                out[row] = mix(int(out[row]), rgb(LOOK.hex("band")), LOOK.band_alpha)
            if tinted and values:
                fill = rgb(LOOK.hex("finding_fill"))
                out[self._row(i, high) : max(ceiling, self._row(i, high))] = fill
                out[floor + 1 : max(floor, self._row(i, low)) + 1] = fill
        marked = [(1.0, rgb(LOOK.hex("finding")))] if spec.kind == "score" else []
        for limit, over in zip(spec.limits, self.board.crossed[i], strict=True):
            colour = rgb(LOOK.hex(limit.severity if over else "limit"))
            marked += [(v, colour) for v in (limit.low, limit.high) if v is not None]
        one = self.board.ranges[i]
        for value, colour in marked:
            row = self._row(i, value)
            if one.low <= value <= one.high and column // scale % 11 < 7:
                out[row : row + scale] = colour
        if band is not None and column // scale % 7 < 4:
            middle = self._row(i, (band[0] + band[1]) / 2)
            out[middle : min(middle + scale, bottom)] = rgb(LOOK.hex("expected"))
        if values:
            out[self._row(i, high) : min(self._row(i, low) + scale, bottom)] = rgb(LOOK.hex("trace"))

    def _box(self, i: int, inside: Samples, before: tuple[int, float] | None, away: bool, x: int, gap: int) -> None:
        top, bottom, scale = self.tops[i], self.tops[i + 1] - self.scale, self.scale
        margin = min(10 * scale, (bottom - top) // 4)
        top, bottom = top + margin, bottom - margin
        out = self.out[:, x]
        if not away and (inside or before is not None):
            out[top:bottom] = rgb(LOOK.hex("raised"))
            out[top : top + scale] = out[bottom - scale : bottom] = rgb(LOOK.hex("line_strong"))
        if inside and (before is None or inside[0][0] - before[0] > gap or any(v != before[1] for _, v in inside)):
            out[top:bottom] = rgb(LOOK.hex("line_strong"))


def assert_same(of: Board, seconds: float) -> None:
    of.tick(seconds)
    late = of.data.table.late.copy()
    of.data.table.late[:] = False
    if late.any():
        of.sheet.spoil()
        of.tick(seconds)
    wrong = np.argwhere(of.sheet.unrolled() != Painter(of).paint())
    assert not len(wrong), f"{len(wrong)} pixels differ, first at row, column {wrong[0].tolist()}"


@pytest.mark.parametrize(
    ("span_s", "scale"), [(20, 1), (61, 1), (240, 1), (1200, 1), (5400, 1), (20, 2), (240, 2), (1000, 2)]
)
def test_the_ring_equals_a_slow_painter_at_every_zoom(span_s: int, scale: int) -> None:
    rng = np.random.default_rng(span_s)
    one = board(160 * scale, [60 * scale, 50 * scale, 44 * scale, 60 * scale], scale)
    one.span = span_s * SECOND
    one.set_eclipses({"A": [(START + 30 * SECOND, START + 200 * SECOND), (START + 600 * SECOND, None)]})
    one.set_findings([FindingSpan(START + 100 * SECOND, None, "A", frozenset({"A/x"}))])
    now = START
    for frame in range(40):
        step = int(rng.integers(1, max(2, span_s // 20))) * SECOND
        times = np.arange(now, now + step, SECOND)
        if frame not in (9, 10, 11, 12, 22):  # two gaps
            walk = np.sin(times / 4e7) + rng.normal(0, 0.05, len(times)) + (times > START + 150 * SECOND) * 1.5
            walk[rng.random(len(walk)) < 0.03] += 3.0
            walk[rng.random(len(walk)) < 0.05] = np.nan
            feed(one, "A/x", times, walk)
            feed(one, "A/y", times[::4], 100 + walk[::4])
            feed(one, "B/mode", times, (times // (37 * SECOND) % 3).astype(np.float64))
            feed(one, "A/score", times[::2], np.abs(walk[::2]))
            model = np.sin(times / 4e7)
            expect(one, "A/x", times, model - 0.2, model + 0.2)
        now += step
        one.now = now
        one.tick(float(frame))
    assert_same(one, 40.0)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_ring_equals_a_slow_painter_whatever_comes_in_whatever_order(data: st.DataObject) -> None:
    span = data.draw(st.sampled_from([12, 40, 90, 400]), "span")
    one = board(48, [30, 30, 24, 30])
    one.span = span * SECOND
    now = START
    for frame in range(data.draw(st.integers(1, 8), "frames")):
        key = data.draw(st.sampled_from([spec.key for spec in specs()]), "key")
        count = data.draw(st.integers(0, 12), "count")
        offsets = data.draw(st.lists(st.integers(-60_000, 8_000), min_size=count, max_size=count), "offsets")
        values = data.draw(
            st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(math.nan)), min_size=count, max_size=count),
            "values",
        )
        known, _ = one.store.samples(key, -(2**62), 2**62)
        taken = set(known.tolist())
        # An equal time twice is a matter of order, which a painter from sorted samples cannot know.
        pairs = {max(START, now + o * 1000): v for o, v in zip(offsets, values, strict=True)}
        fresh = sorted((t, v) for t, v in pairs.items() if t not in taken)
        feed(one, key, np.array([t for t, _ in fresh], dtype=np.int64), np.array([v for _, v in fresh]))
        if key == "A/x" and fresh:
            times = np.array([t for t, _ in fresh], dtype=np.int64)
            if not set(one.store.expected(key, -(2**62), 2**62)[0].tolist()) & set(times.tolist()):
                low = np.array([float(t // SECOND % 5) - 3 for t, _ in fresh])
                expect(one, key, times, low, low + 2)
        now += data.draw(st.integers(0, 9_000), "step") * 1000
        one.now = now
        if data.draw(st.booleans(), "finding"):
            start = max(START, now - 20 * SECOND)
            one.set_findings([FindingSpan(start, None, "A", frozenset({"A/x"}))])
            one.set_eclipses({"B": [(START, now - SECOND * frame)]})
        one.tick(float(frame))
    assert_same(one, 99.0)


def test_every_raw_spike_has_a_trace_pixel() -> None:
    rng = np.random.default_rng(3)
    one = board(200, [80, 60, 44, 60])
    one.span = 4000 * SECOND
    values = rng.normal(0, 0.1, 4000)
    spikes = rng.choice(4000, 60, replace=False)
    values[spikes] += rng.choice([-1, 1], 60) * rng.uniform(2, 9, 60)
    times = START + np.arange(4000) * SECOND
    for part in range(0, 4000, 50):
        feed(one, "A/x", times[part : part + 50], values[part : part + 50])
        one.now = int(times[part + 49])
        one.tick(part / 100)
    one.tick(99.0)
    picture, painter = one.sheet.unrolled(), Painter(one)
    first = painter.columns[0]
    missing = [
        (t, v)
        for t, v in zip(times.tolist(), values.tolist(), strict=True)
        if t // one.dt >= first and picture[painter._row(0, v), t // one.dt - first] != PALETTE.trace
    ]
    assert not missing


def test_a_frame_where_nothing_is_new_changes_nothing() -> None:
    one = board(200, [80, 60, 44, 60])
    one.span = 4000 * SECOND
    times = START + np.arange(1000) * SECOND
    feed(one, "A/x", times, np.sin(times / 1e8))
    one.now = int(times[-1])
    one.tick(0.0)
    one.tick(1.0)
    before = one.sheet.pixels.copy()
    changes = one.tick(1.03)
    assert not changes.picture and not changes.moved and not changes.axes
    assert np.array_equal(before, one.sheet.pixels)


def test_a_finding_that_only_goes_on_draws_nothing_again() -> None:
    one = board(200, [80, 60, 44, 60])
    one.span = 4000 * SECOND
    one.now = START + 3000 * SECOND
    found = FindingSpan(START + 500 * SECOND, None, "A", frozenset({"A/x"}))
    one.set_findings([found])
    one.tick(0.0)
    one.set_findings([found])
    assert not one.tick(0.1).picture
    one.set_findings([FindingSpan(found.start, START + 2900 * SECOND, "A", found.keys)])
    assert one.tick(0.2).picture
    assert_same(one, 0.3)


def test_samples_ahead_of_the_clock_are_drawn_when_the_clock_reaches_them() -> None:
    one = board(100, [60, 50, 44, 50])
    one.span = 100 * SECOND
    one.now = START + 10 * SECOND
    one.tick(0.0)
    times = START + np.arange(400) * SECOND
    feed(one, "A/x", times, np.sin(times / 3e7))
    for second in range(10, 390, 7):
        one.now = START + second * SECOND
        one.tick(second / 10)
    assert_same(one, 99.0)


def test_late_samples_fill_the_hatch_and_are_drawn_paler() -> None:
    one = board(100, [60, 50, 44, 50])
    one.span = 100 * SECOND
    times = START + np.arange(100) * SECOND
    wave = np.sin(times / 9e6)
    missing = slice(40, 60)
    keep = np.ones(100, dtype=bool)
    keep[missing] = False
    feed(one, "A/x", times[keep], wave[keep])
    one.now = int(times[-1])
    one.tick(0.0)
    assert (one.sheet.unrolled()[: one.sheet.arrangement.tops[1], 45] == rgb(LOOK.hex("gap"))).any()
    feed(one, "A/x", times[missing], wave[missing])
    one.tick(0.1)
    strip = one.sheet.unrolled()[: one.sheet.arrangement.tops[1]]
    assert (strip == PALETTE.late).any(axis=0).sum() == 20
    assert_same(one, 0.2)


def test_panning_and_coming_back_to_live_shows_what_was_there() -> None:
    one = board(120, [60, 50, 44, 50])
    one.span = 60 * SECOND
    for second in range(400):
        t = np.array([START + second * SECOND])
        feed(one, "A/x", t, np.array([math.sin(second / 9)]))
        one.now = int(t[0])
        one.tick(second / 2)
    one.live, one.right_time = False, START + 200 * SECOND
    assert_same(one, 300.0)
    feed(one, "A/x", np.array([START + 400 * SECOND]), np.array([0.5]))
    one.now = START + 400 * SECOND
    assert_same(one, 301.0)
    one.live = True
    assert_same(one, 302.0)


def test_infinite_and_enormous_samples_are_drawn_at_the_edge_and_leave_the_range_alone() -> None:
    one = board(100, [60, 50, 44, 50])
    one.span = 100 * SECOND
    times = START + np.arange(100) * SECOND
    values = np.sin(times / 9e6)
    values[[30, 50]] = math.inf, -math.inf
    feed(one, "A/x", times, values)
    one.now = int(times[-1])
    one.tick(0.0)
    one.tick(1.0)
    assert -3 < one.ranges[0].low < one.ranges[0].high < 3
    strip = one.sheet.unrolled()[:60]
    assert strip[BAR, 30] == PALETTE.trace
    assert strip[58, 50] == PALETTE.trace
    feed(one, "A/x", np.array([START + 100 * SECOND]), np.array([-1e308]))
    feed(one, "A/x", np.array([START + 101 * SECOND]), np.array([1e308]))
    one.now = START + 101 * SECOND
    one.tick(2.0)
