"""Models of several channels: where they are bound, how their channels meet, and that cutting changes nothing."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import DetectionSettings, Event, Judge, WindowSpec
from detection.grid import Grid
from detection.spec import Place
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND

FAST = Group("SAT", "fast", tuple(Channel("SAT", "eps", name) for name in ("a", "b")), SECOND)
SLOW = Group("SAT", "slow", (Channel("SAT", "thermal", "t"),), 5 * SECOND)
SPEC = WindowSpec(
    "pair",
    "4",
    "reconstruction",
    16,
    4,
    SECOND,
    ("*/eps/a", "*/thermal/t", "*/eps/b"),
    "stored",
    (Place(0.0, 1.0, 0.2, 0.2, SECOND), Place(10.0, 2.0, 0.2, 0.2, 5 * SECOND), Place(0.0, 1.0, 0.2, 0.2, SECOND)),
)
RULES = DetectionSettings(merge=20)
Scores = npt.NDArray[np.float32]


def apart(model: str, windows: Scores) -> Future[Scores]:
    """A model of three channels: a and b should be equal, t should stand at its location."""
    future: Future[Scores] = Future()
    a, t, b = windows.reshape(len(windows), 16, 3)[:, -4:].mean(axis=1).T
    future.set_result(np.abs(np.stack([a - b, t, a - b], axis=1)))
    return future


def telemetry(n: int = 900) -> list[Frame]:
    """a follows b, but for a while at 600 s; t is slower and falls silent at 300 s for a while; all pause at 420 s."""
    rng = np.random.default_rng(1)
    times = np.arange(n) * SECOND + 200_000
    times[420:] += 40 * SECOND
    b = np.sin(np.arange(n) / 30)
    a = b + 0.02 * rng.standard_normal(n)
    a[600:640] -= 0.8
    a[rng.random(n) < 0.02] = np.nan
    slow = np.concatenate([np.arange(0, 300, 5), np.arange(340, n, 5)])
    slow = slow[slow < n]
    t = 10.0 + 0.05 * rng.standard_normal(len(slow))
    return [Frame(FAST, times, (a, b)), Frame(SLOW, times[slow] + SECOND // 3, (t,))]


def cut(frames: list[Frame], sizes: list[int]) -> list[Frame]:
    """Every frame in parts of so many seconds, over and over, in the order in which the parts begin."""
    parts = []
    for frame in frames:
        at, turn, moment = 0, 0, int(frame.times[0])
        while at < len(frame):
            moment += sizes[turn % len(sizes)] * SECOND
            stop = int(np.searchsorted(frame.times, moment))
            if stop > at:
                parts.append(frame.part(at, stop))
            at, turn = stop, turn + 1
    return sorted(parts, key=lambda part: (int(part.times[0]), part.group.key))


def watch(frames: list[Frame], rules: DetectionSettings = RULES) -> tuple[list[Event], dict[Any, float]]:
    """The events in the end, and the model's ratio of each channel at each time."""
    judge = Judge([SPEC], apart, rules, groups=[FAST, SLOW])
    outputs = [*(judge.feed(frame) for frame in frames), judge.drain()]
    told = {event.key: event for output in outputs for event in output.events}
    ratios: dict[Any, float] = {}
    for one in (scored for output in outputs for scored in output.scored):
        keys = zip(one.times.tolist(), one.channels.tolist(), strict=True)
        ratios.update(zip(((one.group.key, *key) for key in keys), one.ratio.tolist(), strict=True))
    return sorted((replace(event, key=0) for event in told.values()), key=lambda e: (e.start, e.model)), ratios


def test_a_grid_point_has_the_newest_value_that_is_not_later_while_it_stands() -> None:
    grid = Grid(SECOND, [("g", 1), ("h", 0)], [SECOND, 3 * SECOND])
    times = np.array([400_000, 1_000_000, 1_900_000, 6_000_000])
    grid.put("g", times, np.array([[9.0, 9, 9, 9], [1.0, 2.0, np.nan, 4.0]]))
    grid.put("h", np.array([0]), np.array([[7.0]]))
    points, values = grid.close(9 * SECOND)
    nan = np.nan
    expected = {
        0: (nan, 7),
        1: (2, 7),
        2: (2, 7),
        3: (2, 7),
        4: (nan, 7),
        5: (nan, 7),
        6: (4, 7),
        7: (4, nan),
        8: (4, nan),
    }
    assert points.tolist() == [second * SECOND for second in expected], "where nothing stands there is no point"
    np.testing.assert_array_equal(values.T, list(expected.values()))


@given(
    steps=st.lists(st.integers(100_000, 9 * SECOND), min_size=2, max_size=40),
    closes=st.lists(st.integers(0, 200), max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_a_grid_is_the_same_however_often_it_is_closed(steps: list[int], closes: list[int]) -> None:
    times = np.cumsum(steps)
    values = np.arange(len(times), dtype=np.float64)[None]

    def run(ends: list[int]) -> tuple[list[int], list[float]]:
        grid, at = Grid(SECOND, [("g", 0)], [SECOND]), 0
        points: list[int] = []
        seen: list[float] = []
        for end in [*sorted(second * SECOND for second in ends), 500 * SECOND]:
            stop = int(np.searchsorted(times, end, "right"))
            grid.put("g", times[at:stop], values[:, at:stop])
            at = stop
            some, row = grid.close(end)
            points += some.tolist()
            seen += row[0].tolist()
        return points, seen

    assert run(closes) == run([])


def test_years_of_silence_cost_nothing() -> None:
    grid = Grid(SECOND, [("g", 0)], [SECOND])
    late = 30 * 365 * 86_400 * SECOND
    grid.put("g", np.array([0, late]), np.array([[1.0, 2.0]]))
    points, _ = grid.close(late)
    assert points.tolist() == [0, SECOND, 2 * SECOND, late]


def test_what_shows_only_between_channels_is_found_and_ranked() -> None:
    events, _ = watch(telemetry())
    (one,) = [event for event in events if event.model == "pair"]
    onset = 640 * SECOND  # sample 600, after a pause of 40 s
    assert onset <= one.start <= onset + 12 * SECOND and one.version == "4"
    assert {share.name for share in one.channels[:2]} == {"eps/a", "eps/b"}
    assert sum(share.share for share in one.channels) == pytest.approx(1.0)


def test_a_model_between_channels_opens_events_only_where_it_may() -> None:
    events, ratios = watch(telemetry(), replace(RULES, between_opens=False))
    assert not any(event.model == "pair" for event in events)
    assert max(ratio for ratio in ratios.values() if ratio == ratio) > 1.5, "its scores are told all the same"


@given(sizes=st.lists(st.integers(1, 120), min_size=1, max_size=6))
@settings(max_examples=12, deadline=None)
def test_however_the_stream_is_cut_events_and_scores_are_the_same(sizes: list[int]) -> None:
    whole = watch(cut(telemetry(), [2000]))
    assert len(whole[1]) > 300
    assert watch(cut(telemetry(), sizes)) == whole


def test_scores_that_come_late_change_nothing() -> None:
    held: list[tuple[Future[Scores], Future[Scores]]] = []

    ended = False

    def slow(model: str, windows: Scores) -> Future[Scores]:
        held.append((Future(), apart(model, windows)))
        return held[-1][1 if ended else 0]

    judge = Judge([SPEC], slow, RULES, groups=[FAST, SLOW])
    told: dict[int, Event] = {}
    for number, frame in enumerate(cut(telemetry(), [20])):
        told.update((event.key, event) for event in judge.feed(frame).events)
        while number % 7 == 0 and held:
            waiting, done = held.pop()
            waiting.set_result(done.result())
    for waiting, done in held:
        waiting.set_result(done.result())
    ended = True
    told.update((event.key, event) for event in judge.drain().events)
    events = sorted((replace(event, key=0) for event in told.values()), key=lambda e: (e.start, e.model))
    assert events == watch(cut(telemetry(), [20]))[0]


def test_a_group_that_falls_silent_holds_no_window_back_for_more_than_two_periods() -> None:
    asked: list[int] = []
    judge = Judge([SPEC], lambda model, windows: asked.append(len(windows)), RULES, groups=[FAST, SLOW])
    fast, slow = telemetry(120)
    for part in cut([fast.part(0, 40), slow.part(0, 7)], [1]):
        judge.feed(part)
    # The slow group's newest sample is that of second 30; windows end at 15, 19, ... 35.
    assert sum(asked) == 6


def test_a_window_waits_until_nine_tenths_of_every_channel_are_real() -> None:
    _, ratios = watch(telemetry())
    times = sorted({time for _, time, _ in ratios})
    silent = [time // SECOND for time in times if 312 * SECOND <= time <= 340 * SECOND]
    assert not silent, "the slow channel stands for two of its periods, and then no window is whole"
    after = min(time for time in times if time > 461 * SECOND)
    assert 460 + 13 <= after // SECOND <= 460 + 20


def test_a_model_is_bound_once_a_satellite_and_says_where_it_cannot_be() -> None:
    other = Group("TWO", "fast", (Channel("TWO", "eps", "a"),), SECOND)
    third = Group("THREE", "x", (Channel("THREE", "obc", "load"),), SECOND)
    judge = Judge([SPEC], apart, RULES, groups=[FAST, SLOW, other, third])
    assert judge.notes == ["pair does not judge TWO: no one channel there is */thermal/t."]
    assert Judge([SPEC], apart, RULES, groups=[third]).notes == ["pair does not judge: none of its channels is here."]
    several = replace(SPEC, channels=("*/eps/*", "*/thermal/t", "*/eps/b"))
    assert Judge([several], apart, RULES, groups=[FAST, SLOW]).notes == [
        "pair does not judge SAT: no one channel there is */eps/*."
    ]


def test_windows_are_counted_once_for_all_their_channels() -> None:
    judge = Judge([SPEC], apart, RULES, groups=[FAST, SLOW])
    for frame in cut(telemetry(200), [50]):
        judge.feed(frame)
    judge.drain()
    assert judge.scored_by_model == {"pair": 47}
    refused = Judge([SPEC], lambda model, windows: None, RULES, groups=[FAST, SLOW])
    scored = [one for frame in cut(telemetry(200), [50]) for one in refused.feed(frame).scored]
    scored += refused.drain().scored
    assert refused.skipped_by_model == {"pair": 47}
    assert all(one.skipped.all() and np.isnan(one.ratio).all() for one in scored)


def test_a_clock_that_is_set_back_begins_the_grid_anew() -> None:
    first = telemetry(200)
    judge = Judge([SPEC], apart, RULES, groups=[FAST, SLOW])
    for part in (*cut(first, [50]), *cut(first, [50])):
        judge.feed(part)
    judge.drain()
    assert judge.scored > 47 + 15
