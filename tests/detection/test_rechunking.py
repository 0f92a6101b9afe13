"""What is judged depends neither on how the stream was cut nor on when scores come back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detection import DetectionSettings, Judge, WindowSpec
from telemetry import Channel, Frame, Group, Limit, Severity, Tick
from telemetry.clock import SECOND

N = 920
SPEC = WindowSpec("near", "3", "score", 32, 8)
Scores = npt.NDArray[np.float32]


def groups() -> tuple[Group, Group]:
    limit = Limit(Severity.WARNING, high=26.0)
    fast = tuple(Channel("SAT", "a", f"c{i}", limits=(limit,)) for i in range(3))
    kinds = (Channel("SAT", "b", "mode", type="i4"), Channel("SAT", "b", "count", type="u8"), Channel("SAT", "b", "x"))
    return Group("SAT", "a", fast, SECOND), Group("SAT", "b", kinds)


def telemetry(calm: Callable[..., Any]) -> list[Frame]:
    """Two groups with faults, missing values, a gap, a dropout, a mode never seen, a counter that wraps."""
    a, b = groups()
    x = calm(N, 3)
    x[600:640, 0] += 4
    x[650:670, 1] = x[649, 1]
    x[760:763, 2] += 9
    x[np.random.default_rng(5).random(x.shape) < 0.02] = np.nan
    x[430:460, 2] = np.nan
    times = np.arange(N) * SECOND
    times[320:] += 50 * SECOND
    y = calm(N, 3, seed=2)
    y[:, 0] = np.where(np.arange(N) // 50 % 2, 1, 2)
    y[610:630, 0] = 7
    y[:, 1] = np.arange(N) * 5 % 256
    y[880:, 2] += 3
    columns = (y[:, 0].astype(np.int32), y[:, 1].astype(np.uint64), y[:, 2])
    late = np.arange(N) * SECOND + SECOND // 3
    late[320:] += 50 * SECOND
    return [Frame(a, times, tuple(np.ascontiguousarray(x.T))), Frame(b, late, columns)]


def cut(frames: list[Frame], sizes: list[int]) -> list[Frame]:
    """Every frame in parts of these sizes, over and over, in the order in which the parts begin."""
    parts = []
    for frame in frames:
        at, turn = 0, 0
        while at < len(frame):
            parts.append(frame.part(at, at + sizes[turn % len(sizes)]))
            at, turn = at + sizes[turn % len(sizes)], turn + 1
    return sorted(parts, key=lambda part: (int(part.times[0]), part.group.key))


def watch(frames: list[Frame], quick: DetectionSettings, submit: Any, after: Any = None) -> Any:
    judge = Judge([SPEC], submit, quick)
    told: dict[int, Any] = {}
    ratios: dict[str, list[Any]] = {}
    scored: dict[Any, float] = {}
    for number, frame in enumerate(frames):
        out = judge.feed(frame)
        if after is not None:
            after(number)
        for event in out.events:
            told[event.key] = event
        for one in out.judged:
            rows = np.concatenate([one.ratio, one.low, one.high], axis=1)
            ratios.setdefault(one.group.key, []).append(rows)
        for s in out.scored:
            keys = zip(s.times.tolist(), s.channels.tolist(), strict=True)
            scored.update(zip(((s.group.key, *key) for key in keys), s.ratio.tolist(), strict=True))
    out = judge.drain()
    for event in out.events:
        told[event.key] = event
    for s in out.scored:
        keys = zip(s.times.tolist(), s.channels.tolist(), strict=True)
        scored.update(zip(((s.group.key, *key) for key in keys), s.ratio.tolist(), strict=True))
    events = sorted((replace(event, key=0) for event in told.values()), key=lambda e: (e.start, e.model))
    return events, {key: np.concatenate(rows) for key, rows in ratios.items()}, scored


def at_once(model: str, windows: Scores) -> Future[Scores]:
    future: Future[Scores] = Future()
    future.set_result(np.abs(windows[:, -8:] - np.median(windows, axis=1, keepdims=True)).mean(axis=1))
    return future


def same(one: Any, other: Any) -> None:
    assert one[0] == other[0]
    for key, rows in one[1].items():
        np.testing.assert_array_equal(rows, other[1][key])
    assert one[2].keys() == other[2].keys()
    np.testing.assert_array_equal(list(one[2].values()), [other[2][key] for key in one[2]])


@pytest.mark.parametrize("opens", [False, True])
@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.one_of(st.integers(1, 30), st.integers(1, 400)), min_size=1, max_size=8))
def test_however_the_stream_is_cut_events_and_ratios_are_the_same_bit_for_bit(
    calm: Callable[..., Any], quick: DetectionSettings, sizes: list[int], opens: bool
) -> None:
    rules = replace(quick, networks_open=opens, robust_z_opens=opens, merge=20)
    whole = watch(cut(telemetry(calm), [N]), rules, at_once)
    assert len(whole[0]) >= 4, "the telemetry must hold something to disagree on"
    same(watch(cut(telemetry(calm), sizes), rules, at_once), whole)


def test_a_sample_at_a_time_is_the_same_too(calm: Callable[..., Any], quick: DetectionSettings) -> None:
    same(watch(cut(telemetry(calm), [1]), quick, at_once), watch(cut(telemetry(calm), [N]), quick, at_once))


@pytest.mark.parametrize("opens", [False, True])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000))
def test_when_futures_complete_changes_nothing(
    calm: Callable[..., Any], quick: DetectionSettings, seed: int, opens: bool
) -> None:
    rules = replace(quick, networks_open=opens, merge=20)
    rng = np.random.default_rng(seed)
    waiting: list[tuple[Future[Scores], Scores]] = []

    def later(model: str, windows: Scores) -> Future[Scores]:
        future: Future[Scores] = Future()
        waiting.append((future, at_once(model, windows).result()))
        return future

    frames = cut(telemetry(calm), [7, 40])

    def complete(number: int) -> None:
        # Some of what waits, in any order; all of it with the last frame, before the stream ends.
        rng.shuffle(waiting)
        keep = 0 if number == len(frames) - 1 else int(rng.integers(0, len(waiting) + 1))
        while len(waiting) > keep:
            future, scores = waiting.pop()
            future.set_result(scores)

    same(watch(frames, rules, later, complete), watch(frames, rules, at_once))


def test_ticks_change_nothing(calm: Callable[..., Any], quick: DetectionSettings) -> None:
    frames = cut(telemetry(calm), [60])
    ticked = [item for frame in frames for item in (Tick(int(frame.times[-1]) + 900 * SECOND), frame)]
    judges = Judge([SPEC], at_once, quick), Judge([SPEC], at_once, quick)
    told: list[list[Any]] = []
    streams: tuple[list[Any], ...] = (frames, ticked)
    for judge, stream in zip(judges, streams, strict=True):
        events: dict[int, Any] = {}
        for item in stream:
            events.update((event.key, event) for event in judge.feed(item).events)
        events.update((event.key, event) for event in judge.drain().events)
        told.append(list(events.values()))
    assert told[0] == told[1]


def test_feeding_never_waits_for_a_score(calm: Callable[..., Any], quick: DetectionSettings) -> None:
    judge = Judge([SPEC], lambda model, windows: Future(), quick)
    told: dict[int, Any] = {}
    for frame in cut(telemetry(calm), [60]):
        told.update((event.key, event) for event in judge.feed(frame).events)
    assert told, "a model that never answers must not hold back what the bank finds"
    judge.drain(timeout=0.0)
    assert judge.scored == 0 and judge.skipped > 0
