"""A channel is held against itself one period ago: what creeps is found before its record could follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import CYCLE, DetectionSettings
from detection.cycle import BLOCK, Cycle, Departure, Turn
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND

STEP = 10
HOUR = 3600 // STEP
N = 5 * HOUR
ONSET, RAMP = 3 * HOUR, 1200 // STEP
Matrix = npt.NDArray[np.float64]


def channels(count: int = 3, **more: Any) -> tuple[Channel, ...]:
    return tuple(Channel("SAT", "", f"c{i}", **more) for i in range(count))


def orbits(count: int = 3, n: int = N, seed: int = 1) -> Matrix:
    """(count, n) values that come again each hour, with noise, each in its own way."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)[None] / HOUR
    phase = rng.uniform(0, 1, (count, 1))
    return 20 + np.sin(2 * np.pi * (t + phase)) + 0.02 * rng.standard_normal((count, n))


def creeping(far: float = 1.5) -> Matrix:
    """The same, where the second channel creeps ``far`` away for 20 minutes and is put right then."""
    x = orbits()
    x[1, ONSET : ONSET + RAMP] += np.linspace(0, far, RAMP)
    return x


def departures(x: Matrix, orbit: int | None = 3600, cuts: Sequence[int] = (N,), **more: Any) -> list[Departure]:
    found = told(x, orbit, cuts, **more)
    assert not any(isinstance(one, Turn) for one in found)
    return [one for one in found if isinstance(one, Departure)]


def told(x: Matrix, orbit: int | None, cuts: Sequence[int] = (N,), **more: Any) -> list[Departure | Turn]:
    cycle = Cycle(channels(len(x), **more), orbit and orbit * SECOND, DetectionSettings())
    times = np.arange(x.shape[1]) * STEP * SECOND
    found: list[Departure | Turn] = []
    at, turn = 0, 0
    while at < x.shape[1]:
        stop = at + cuts[turn % len(cuts)]
        found += cycle.take(times[at:stop], x[:, at:stop])
        at, turn = stop, turn + 1
    return found


@pytest.mark.parametrize("orbit", [3600, None])
def test_what_creeps_is_found_before_it_ends(orbit: int | None) -> None:
    found = departures(creeping(), orbit)
    assert {one.channel for one in found} == {1}
    first = found[0]
    assert ONSET < first.time // SECOND // STEP < ONSET + RAMP
    assert first.ratio > 1 and "minutes before" in first.reason
    assert first.expected.actual is not None and first.expected.high is not None
    assert first.expected.actual > first.expected.high


def test_it_is_found_no_second_time_when_the_period_comes_round() -> None:
    assert departures(creeping())[-1].time // SECOND // STEP < ONSET + HOUR - RAMP


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_again_is_not_odd(seed: int) -> None:
    assert departures(orbits(seed=seed)) == []


def test_nothing_is_told_before_two_periods_have_been_seen() -> None:
    x = orbits()
    x[1, HOUR : 2 * HOUR] += 3
    assert departures(x[:, : 2 * HOUR]) == []


def test_noise_and_two_channels_alone_have_no_period() -> None:
    rng = np.random.default_rng(3)
    for x in (rng.standard_normal((6, N)), np.cumsum(rng.standard_normal((6, N)), axis=1), orbits(2)):
        cycle = Cycle(channels(len(x)), None, DetectionSettings())
        cycle.take(np.arange(N) * STEP * SECOND, x)
        assert cycle.period == 0


def test_counters_and_constants_are_not_held_against_the_past() -> None:
    x = np.stack([np.arange(N) % (4 * HOUR), np.full(N, 3.0)])
    x[1, 4 * HOUR :] = 5
    assert departures(x) == []


@pytest.mark.parametrize("cuts", [(N,), (7, 100)])
def test_a_mode_out_of_its_turn_is_told_for_each_minute_and_is_no_departure(cuts: tuple[int, ...]) -> None:
    x = (np.arange(N)[None] % HOUR < HOUR / 2).astype(np.float64)
    assert told(x, 3600, cuts, type="bool") == []
    x[0, ONSET + 30 : ONSET + 60] = 0
    minutes = [(ONSET + 30) * STEP // 60 + 1 + minute for minute in range(5)]
    assert told(x, 3600, cuts, type="bool") == [Turn(minute * BLOCK - 1, 0) for minute in minutes]


def test_a_small_part_of_the_declared_range_is_nothing() -> None:
    assert departures(creeping(), span=(-500.0, 500.0)) == []


def test_an_hour_without_a_sample_is_the_beginning_of_a_new_past() -> None:
    x = orbits(n=8 * HOUR)
    cycle = Cycle(channels(), 3600 * SECOND, DetectionSettings())
    times = np.arange(x.shape[1]) * STEP * SECOND
    x[:, 4 * HOUR :] += 5
    cycle.take(times[: 4 * HOUR], x[:, : 4 * HOUR])
    assert cycle.period == 3600 * SECOND // BLOCK
    assert cycle.take(times[4 * HOUR :] + 5000 * SECOND, x[:, 4 * HOUR :]) == []


def test_a_factor_raises_the_threshold() -> None:
    x, times = creeping(), np.arange(N) * STEP * SECOND
    cycle = Cycle(channels(), 3600 * SECOND, DetectionSettings())
    cycle.take(times[:ONSET], x[:, :ONSET])
    cycle.factor(np.array([1.0, 1000.0, 1.0]))
    assert cycle.take(times[ONSET:], x[:, ONSET:]) == []


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_what_is_found_does_not_depend_on_the_cut(cuts: list[int]) -> None:
    assert departures(creeping(), None, cuts) == departures(creeping(), None)


def test_values_may_lack_or_be_absurd() -> None:
    x = creeping()
    x[0, ::3] = np.nan
    x[2, 100:200] = [1e150, -1e150] * 50
    x[2, 300] = np.inf
    assert {one.channel for one in departures(x)} == {1}


def test_the_judge_counts_it_to_the_event_and_its_channel(events: Any) -> None:
    group = Group("SAT", "g", channels(), STEP * SECOND, 3600 * SECOND)
    frame = Frame(group, np.arange(N) * STEP * SECOND, tuple(creeping()))
    (event,) = events([frame.part(at, at + 60) for at in range(0, N, 60)])
    assert CYCLE in dict(event.versions) and event.channels[0].name == "c1"
