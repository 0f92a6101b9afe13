"""The parts under the strip charts, each by itself and without Qt."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.strips.board import Board
from widgets.strips.colours import palette
from widgets.strips.layout import COMPACT, ENUM, WIDE, make_layout
from widgets.strips.ranges import Extent, Range, fit, follow, make_range
from widgets.strips.sheet import Arrangement
from widgets.strips.spec import StripKind, StripSpec
from widgets.strips.spells import gaps, states
from widgets.strips.store import MemoryStore
from widgets.strips.ticks import decimals_of, nice_step, ticks
from widgets.strips.timeaxis import MONTH, label, moment, tick_step, tick_times
from widgets.strips.words import head_words
from widgets.text import MINUS
from widgets.theme import theme

SECOND = 1_000_000
START = 1_900_000_000 * SECOND
NONE = math.nan
numbers = st.floats(-1e9, 1e9, allow_nan=False)


@given(low=numbers, extent=st.floats(1e-3, 1e9))
def test_there_are_always_a_few_round_ticks_within_the_range(low: float, extent: float) -> None:
    found = ticks(low, low + extent, 3)
    assert 3 <= len(found) <= 12
    assert all(low - 1e-6 * extent - 1e-6 <= tick <= low + extent * (1 + 1e-6) + 1e-6 for tick in found)


@pytest.mark.parametrize(("step", "decimals"), [(10.0, 0), (1.0, 0), (0.5, 1), (2.5, 1), (0.25, 2), (0.02, 2)])
def test_a_step_is_written_with_the_decimals_it_needs(step: float, decimals: int) -> None:
    assert decimals_of(step) == decimals


def test_the_step_is_the_largest_that_leaves_three_ticks() -> None:
    assert nice_step(18.0, 36.0, 3) == 5.0
    assert nice_step(0.0, 4.0, 3) == 2.0


@given(data=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20), score=st.booleans())
def test_the_range_always_holds_the_samples(data: list[tuple[float, float]], score: bool) -> None:
    current: Range | None = None
    for a, b in data:
        low, high = (abs(a), abs(a) + abs(b)) if score else (min(a, b), max(a, b))
        current = follow(current, Extent(low, high, NONE, NONE), score=score, finest=0.0)
        assert current.low <= low and high <= current.high


def test_the_range_stays_while_the_samples_fill_enough_of_it() -> None:
    first = follow(None, Extent(0.0, 10.0, NONE, NONE), score=False, finest=0.0)
    assert follow(first, Extent(1.0, 9.0, NONE, NONE), score=False, finest=0.0) is first
    assert follow(first, Extent(4.0, 5.0, NONE, NONE), score=False, finest=0.0) != first
    assert follow(first, Extent(0.0, 12.0, NONE, NONE), score=False, finest=0.0).high > 12


def test_a_wide_band_does_not_flatten_the_trace() -> None:
    shown = follow(None, Extent(1.0, 2.0, -500.0, 500.0, 1000.0), score=False, finest=0.0)
    assert shown.high - shown.low < 8


def test_a_trace_far_from_what_is_expected_is_shown_with_it() -> None:
    shown = follow(None, Extent(0.89, 0.95, 0.51, 0.61, 0.1), score=False, finest=0.0)
    assert shown.low < 0.51 and shown.high > 0.95
    one_sided = follow(None, Extent(0.025, 0.037, NONE, 0.02), score=False, finest=0.0)
    assert one_sided.low < 0.02 and one_sided.high > 0.037


def test_a_constant_is_shown_in_the_middle_and_no_samples_keep_the_range() -> None:
    constant = follow(None, Extent(5.0, 5.0, NONE, NONE), score=False, finest=0.01)
    assert constant.low < 5 < constant.high
    assert follow(constant, Extent(NONE, NONE, NONE, NONE), score=False, finest=0.0) is constant
    assert fit(Extent(1.0, 2.0, -9.0, 9.0), 0.0).high < 3


def test_a_score_always_shows_its_threshold() -> None:
    shown = follow(None, Extent(0.1, 0.2, NONE, NONE), score=True, finest=0.0)
    assert shown.low <= 0 and shown.high > 1


@pytest.mark.parametrize("low,high", [(NONE, 1.0), (1.0, 1.0), (2.0, 1.0), (-math.inf, math.inf)])
def test_an_impossible_range_is_replaced(low: float, high: float) -> None:
    assert (make_range(low, high).low, make_range(low, high).high) == (0.0, 1.0)


def test_labels_say_the_time_of_day_the_day_at_midnight_and_t_plus() -> None:
    day = 1_773_446_400 * SECOND  # 2026-03-14T00:00:00Z
    hour = 3600 * SECOND
    assert label(day + 1800 * SECOND, 1800 * SECOND, None) == "00:30"
    assert label(day, hour, None) == "14 Mar"
    assert label(day + 15 * SECOND, 15 * SECOND, None) == "00:00:15"
    assert label(day + 250_000, 250_000, None) == "00:00:00.250"
    assert label(day + hour, hour, day) == "T+01:00"
    assert label(day - 60 * SECOND, 60 * SECOND, day) == f"T{MINUS}00:01"
    assert label(day, 7 * 24 * hour, None) == "14 Mar"
    assert label(day, MONTH, None) == "Mar 2026" and label(day, 12 * MONTH, None) == "2026"
    assert label(day + 72 * hour, 24 * hour, day) == "T+3 d"
    assert label(2**62, hour, None)  # far outside the calendar: still no fault


@given(start=st.integers(-(10**15), 10**16), span=st.integers(10**6, 10**14), width=st.integers(50, 4000))
def test_time_ticks_lie_in_the_span_and_far_enough_apart(start: int, span: int, width: int) -> None:
    step = tick_step(span, width, 100)
    found = tick_times(start, start + span, step, 0)
    assert all(start <= time <= start + span for time in found)
    if step < MONTH:
        assert all(time % step == 0 for time in found)
    else:
        assert all((moment(time).day, time % (86_400 * SECOND)) == (1, 0) for time in found)
    # The months of the calendar are not all as long as a step.
    assert len(found) <= width / 100 * 1.1 + 1 or step == 120 * MONTH


KINDS: tuple[StripKind, ...] = ("trace", "enum", "score")


@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=40),
    size=st.tuples(st.integers(300, 3000), st.integers(60, 2000)),
    compact=st.booleans(),
)
def test_strips_keep_their_bounds_and_scroll_where_they_do_not_fit(
    kinds: list[StripKind], size: tuple[int, int], compact: bool
) -> None:
    sizes = COMPACT if compact else WIDE
    layout = make_layout(*size, kinds, len(kinds) // 2, sizes)
    heights = np.diff(layout.tops)
    for kind, height in zip(kinds, heights, strict=True):
        assert height == ENUM if kind == "enum" else sizes.least <= height <= sizes.most
    for scroll in (0, max(0, layout.total - layout.view_height)):
        first, last = layout.visible(scroll)
        assert layout.tops[first] <= scroll or first == 0
        assert layout.tops[last] >= min(layout.total, scroll + layout.view_height)


def test_eight_strips_fill_the_height_of_the_picture() -> None:
    kinds: list[StripKind] = ["trace", "trace", "trace", "trace", "trace", "trace", "enum", "score"]
    assert make_layout(1247, 862, kinds, 0, WIDE).total == 862 - 26


def test_the_store_is_bounded_and_sorts_late_samples_in() -> None:
    store = MemoryStore(capacity=10)
    store.add("a", np.arange(20) * SECOND, np.arange(20.0))
    store.add("a", np.array([15 * SECOND + 1]), np.array([99.0]))
    times, values = store.samples("a", 0, 10**12)
    assert len(times) == 10 and (np.diff(times) > 0).all()
    assert 99.0 in values
    assert not len(store.samples("b", 0, 1)[0])


def board(kind: StripKind = "trace") -> Board:
    look = theme("dark")
    made = Board(palette(look.colors, look.band_alpha))
    made.set_specs(
        [StripSpec("A/x", "x", unit="V", kind=kind, period=SECOND, states=((0, "Idle"), (1, "Sun")), decimals=2)]
    )
    made.arrange(Arrangement(0, 1, (0, 60), 100, 1), 100)
    made.span = 100 * SECOND
    return made


def feed(to: Board, times: list[int], values: list[float]) -> None:
    at = START + np.array(times, dtype=np.int64) * SECOND
    to.data.append(np.array([0]), at, np.array(values).reshape(-1, 1))
    to.now = max(to.now, int(at[-1]))


def test_gaps_and_states_are_found_as_spells() -> None:
    one = board("enum")
    one.now = START
    one.tick(0.0)
    feed(one, [*range(0, 10), *range(30, 60)], [0.0] * 5 + [1.0] * 5 + [1.0] * 20 + [0.0] * 10)
    one.tick(1.0)
    first = START // one.dt
    found = states(one.data, 0, one.right - 99, one.right)
    assert [(s.first - first, s.last - first, s.state) for s in found] == [
        (0, 4, 0.0),
        (5, 9, 1.0),
        (30, 49, 1.0),
        (50, 59, 0.0),
    ]
    assert [(s.first - first, s.last - first) for s in gaps(one.data, 0, one.right - 99, one.right)] == [(10, 29)]


def test_the_head_says_value_expectation_and_age() -> None:
    one = board()
    one.now = START
    one.tick(0.0)
    feed(one, list(range(20)), [0.5 + 0.02 * i for i in range(20)])
    one.data.expect(np.array([0]), START + np.array([19 * SECOND]), np.array([[0.51]]), np.array([[0.61]]))
    one.tick(1.0)
    words = head_words(one, 0, "", None)
    assert (words.value, words.unit, words.line, words.quiet) == ("0.88", "V", "expected 0.51 to 0.61", False)
    assert head_words(one, 0, "over since 02:14:31", None).line == "over since 02:14:31"
    assert head_words(one, 0, "", one.right - 19).value == "0.50"
    one.data.expect(np.array([0]), START + np.array([20 * SECOND]), np.array([[-math.inf]]), np.array([[0.61]]))
    assert head_words(one, 0, "", None).line == "expected under 0.61"
    one.now = START + 61 * SECOND
    one.tick(2.0)
    stale = head_words(one, 0, "", None)
    assert (stale.line, stale.quiet) == ("stale 42 s", True)


def test_a_palette_says_which_colour_is_wrong() -> None:
    with pytest.raises(ValueError, match="#RRGGBB"):
        palette({**theme("dark").colors, "plot": "red"}, 0.1)
