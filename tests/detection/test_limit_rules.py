"""Persistence, deadband, delays, rates and contexts of limits, and that none of them depends on the cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import Event, Judge
from detection.contexts import Modes
from detection.limits import Excursion, Limits
from telemetry import Channel, Frame, Group, Limit, Severity
from telemetry.clock import SECOND

HIGH = Limit(Severity.WARNING, high=10.0, persistence=1)
SAFE = "obc/mode == safe"


def passed(limits: tuple[Limit, ...], values: Any, sizes: list[int] | None = None) -> list[Excursion]:
    """What one channel's limits say of ``values`` at 1 Hz, cut into pieces of ``sizes``."""
    x = np.asarray(values, dtype=np.float64)[None, :]
    times = np.arange(x.shape[1]) * SECOND
    checked = Limits((Channel("SAT", "eps", "v", "V"),), [limits], 2, Modes())
    found, at, turn = [], 0, 0
    while at < len(times):
        size = (sizes or [len(times)])[turn % len(sizes or [1])]
        found += checked.check(times[at : at + size], x[:, at : at + size])
        at, turn = at + size, turn + 1
    return found


def seconds(found: list[Excursion]) -> list[int]:
    return [one.time // SECOND for one in found]


def test_an_alarm_lasts_until_values_are_clear_by_the_deadband() -> None:
    limit = replace(HIGH, deadband=2.0)
    found = passed((limit,), [5, 11, 9.5, 8.5, 8.0, 9.5])
    assert seconds(found) == [1, 2, 3]
    assert "not clear of the warning limit of 10 yet" in found[1].reason and found[1].ratio == 1.0


def test_a_value_within_the_deadband_raises_nothing() -> None:
    assert passed((replace(HIGH, deadband=2.0),), [5, 9.5, 8.5, 9.9]) == []


def test_an_on_delay_is_telemetry_time_and_starts_anew_inside_the_limit() -> None:
    limit = replace(HIGH, on_delay=3 * SECOND)
    assert seconds(passed((limit,), [11, 11, 11, 5, 11, 11, 11, 11, 11])) == [7, 8]


def test_an_off_delay_keeps_an_alarm_that_returns_only_for_a_moment() -> None:
    limit = replace(HIGH, off_delay=2 * SECOND)
    assert seconds(passed((limit,), [11, 5, 5, 11, 5, 5, 5, 5])) == [0, 1, 2, 3, 4, 5]


def test_a_missing_value_moves_no_delay_and_no_run_on() -> None:
    limit = replace(HIGH, persistence=3)
    assert seconds(passed((limit,), [11, np.nan, 11, np.nan, 11])) == [4]


def test_a_rate_is_judged_a_second_over_the_last_value_that_came() -> None:
    limit = Limit(Severity.DISTRESS, low=-1.0, high=1.0, quantity="rate", persistence=1)
    found = passed((limit,), [0, 0.5, np.nan, 4.5, 4.5, 3.0])
    assert seconds(found) == [3, 5]
    assert found[0].reason == "2 V/s is above the distress rate limit of 1"
    assert found[1].reason == "-1.5 V/s is below the distress rate limit of -1"


def test_the_worst_level_that_is_raised_is_told_and_its_response_comes_along() -> None:
    severe = Limit(Severity.SEVERE, high=20.0, persistence=3, cause="A short.", action="Switch to bus B.")
    found = passed((HIGH, severe), [21, 21, 21, 15])
    assert [one.limit.severity.value for one in found] == ["warning", "warning", "severe", "warning"]
    assert found[2].limit.response == "Cause: A short.\nTo do: Switch to bus B."


RULES = st.builds(
    Limit,
    severity=st.just(Severity.WARNING),
    low=st.sampled_from([None, -5.0]),
    high=st.just(5.0),
    quantity=st.sampled_from(["value", "rate"]),
    persistence=st.integers(1, 4),
    deadband=st.sampled_from([0.0, 1.5]),
    on_delay=st.integers(0, 4).map(lambda s: s * SECOND),
    off_delay=st.integers(0, 4).map(lambda s: s * SECOND),
)
VALUES = st.lists(st.one_of(st.integers(-9, 9).map(float), st.just(np.nan)), min_size=1, max_size=60)
SIZES = st.lists(st.integers(1, 20), min_size=1, max_size=6)


@settings(deadline=None)
@given(rules=st.lists(RULES, min_size=1, max_size=3), values=VALUES, sizes=SIZES)
def test_however_values_are_cut_the_same_excursions_are_found(
    rules: list[Limit], values: list[float], sizes: list[int]
) -> None:
    assert passed(tuple(rules), values, sizes) == passed(tuple(rules), values)


@settings(deadline=None)
@given(rule=RULES, values=VALUES)
def test_an_excursion_has_its_persistence_and_delay_behind_it_and_ends_only_when_clear(
    rule: Limit, values: list[float]
) -> None:
    rule = replace(rule, quantity="value")
    came = [(t, v) for t, v in enumerate(values) if not np.isnan(v)]
    on = set(seconds(passed((rule,), values)))
    low = -np.inf if rule.low is None else rule.low
    for place, (time, value) in enumerate(came):
        raised, before = time in on, place > 0 and came[place - 1][0] in on
        if raised and not before:
            run = came[: place + 1]
            while not all(v < low or v > 5.0 for _, v in run):
                run = run[1:]
            assert len(run) >= (rule.persistence or 0) and (time - run[0][0]) * SECOND >= rule.on_delay
        if before and not raised:
            assert low + rule.deadband <= value <= 5.0 - rule.deadband
            clear = [t for t, v in came[: place + 1] if low + rule.deadband <= v <= 5.0 - rule.deadband]
            assert (time - clear[0]) * SECOND >= rule.off_delay


def frames(volts: Any, modes: Any, sizes: list[int], mode_step: int = 1) -> list[Frame]:
    """A voltage with a limit in safe mode and another elsewhere, and the mode in a group of its own."""
    limits = (
        Limit(Severity.CRITICAL, high=8.0, when=SAFE, persistence=1),
        Limit(Severity.WARNING, high=12.0, persistence=1),
    )
    eps = Group("SAT", "eps", (Channel("SAT", "eps", "v", "V", limits=limits),), SECOND)
    states = ((0, "NOMINAL"), (1, "SAFE"))
    obc = Group("SAT", "obc", (Channel("SAT", "obc", "mode", type="i4", states=states),), mode_step * SECOND)
    out = []
    for group, values, step in ((eps, volts, 1), (obc, modes, mode_step)):
        kind = np.int32 if group is obc else np.float64
        times = np.arange(len(values)) * step * SECOND
        whole = Frame(group, times, (np.asarray(values, dtype=kind),))
        at, turn = 0, 0
        while at < len(whole):
            size = max(1, sizes[turn % len(sizes)] // step)
            out.append(whole.part(at, at + size))
            at, turn = at + size, turn + 1
    return sorted(out, key=lambda part: (int(part.times[0]), part.group.key))


def test_a_mode_of_another_group_chooses_the_limit(events: Any) -> None:
    volts = np.where(np.arange(60) % 30 >= 20, 10.0, 5.0)
    modes = np.where(np.arange(60) < 30, 0, 1)
    (event,) = events(frames(volts, modes, [60]))
    assert (event.severity, event.start // SECOND) == (Severity.CRITICAL, 50)
    assert event.reason == "eps/v: 10 V is above the critical limit of 8 (obc/mode == safe)"


def test_before_the_mode_is_known_the_limits_without_a_context_hold(events: Any) -> None:
    (event,) = events([one for one in frames(np.full(60, 13.0), [1], [60]) if one.group.name == "eps"])
    assert event.severity is Severity.WARNING


@settings(deadline=None, max_examples=60)
@given(
    volts=st.lists(st.sampled_from([5.0, 10.0, 13.0]), min_size=10, max_size=60),
    modes=st.lists(st.integers(0, 1), min_size=1, max_size=60),
    sizes=SIZES,
    step=st.integers(1, 5),
)
def test_however_the_groups_are_cut_the_mode_of_each_moment_is_the_same(
    volts: list[float], modes: list[int], sizes: list[int], step: int
) -> None:
    def watch(cut: list[int]) -> list[Event]:
        judge = Judge([], lambda model, windows: None)
        told: dict[int, Event] = {}
        for one in frames(volts, modes, cut, step):
            told.update((event.key, event) for event in judge.feed(one).events)
        told.update((event.key, event) for event in judge.drain().events)
        return [replace(event, key=0) for event in told.values()]

    assert watch(sizes) == watch([1000])


def test_limits_that_are_set_hold_from_the_next_frame_on() -> None:
    group = Group("SAT", "eps", (Channel("SAT", "eps", "v", limits=(HIGH,)),), SECOND)
    judge = Judge([], lambda model, windows: None)

    def feed(start: int) -> list[str]:
        times = (start + np.arange(20)) * SECOND
        told = judge.feed(Frame(group, times, (np.full(20, 11.0),))).events + judge.drain().events
        return [event.reason for event in told if not event.open]

    assert feed(0) == ["eps/v: 11 is above the warning limit of 10"]
    judge.set_limits({"SAT/eps/v": (replace(HIGH, high=5.0),)})
    assert feed(20) == ["eps/v: 11 is above the warning limit of 5"]
    judge.set_limits({"SAT/eps/v": ()})
    assert feed(40) == []


def test_after_history_in_long_frames_an_alarm_is_told_as_soon_as_frames_are_short_again() -> None:
    group = Group("SAT", "eps", (Channel("SAT", "eps", "v", limits=(HIGH,)),), SECOND)
    judge = Judge([], lambda model, windows: None)
    values = np.full(300, 5.0)
    values[250:] = 11.0
    whole = Frame(group, np.arange(300) * SECOND, (values,))
    judge.feed(whole.part(0, 60))
    told = [at for at in range(60, 300) for event in judge.feed(whole.part(at, at + 1)).events if event.open]
    assert told[0] <= 252, "not a minute late because history came by the minute"
