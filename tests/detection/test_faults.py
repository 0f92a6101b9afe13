"""What an operator would call a fault is found, and what belongs to the day's work is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from detection import DetectionSettings, Event, Judge
from telemetry import Channel, Frame, Group, Quality
from telemetry.clock import SECOND

N, AT = 1500, 1000


def stick(x: Any) -> None:
    x[AT : AT + 150, 1] = x[AT, 1]


def spike(x: Any) -> None:
    x[AT : AT + 3, 1] += 5


def drift(x: Any) -> None:
    x[AT : AT + 200, 1] += np.linspace(0, 6, 200)


def burst(x: Any) -> None:
    x[AT : AT + 60, 1] += np.random.default_rng(3).standard_normal(60)


@pytest.mark.parametrize("fault", [stick, spike, drift, burst])
def test_a_fault_is_one_event_with_its_channel_first(
    fault: Callable[[Any], None], calm: Any, frame: Any, events: Any, quick: DetectionSettings
) -> None:
    x = calm(N)
    fault(x)
    (event,) = events([frame(x)], quick)
    assert event.channels[0].name == "c1"
    assert AT <= event.start // SECOND <= AT + 150
    assert event.severity == "watch" and event.score > 1
    assert sum(share.share for share in event.channels) == pytest.approx(1.0)
    assert "x anything in the last" in event.reason


@pytest.mark.parametrize("seed", range(5))
def test_ordinary_cycles_raise_nothing(seed: int, calm: Any, frame: Any, events: Any) -> None:
    assert events([frame(calm(3000, 4, seed=seed))]) == []


def test_an_event_ends_as_regime_changed_when_a_channel_stays_elsewhere(
    calm: Any, frame: Any, events: Any, quick: DetectionSettings
) -> None:
    x = calm(2500)
    x[AT:, 0] += 8
    (event,) = events([frame(x)], quick)
    assert event.reason.endswith("ended as regime changed")
    assert event.end // SECOND < AT + 330


def test_the_shares_of_an_event_sum_to_one_and_are_ranked(
    calm: Any, frame: Any, events: Any, quick: DetectionSettings
) -> None:
    x = calm(N)
    x[AT : AT + 50] += [2.0, 6.0, 4.0]
    (event,) = events([frame(x)], quick)
    shares = [channel.share for channel in event.channels]
    assert [channel.name for channel in event.channels] == ["c1", "c2", "c0"]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1.0)


def ratios(frames: list[Frame], settings: DetectionSettings | None = None) -> Any:
    judge = Judge([], lambda model, windows: None, settings)
    return np.concatenate([judge.feed(frame).judged[0].ratio for frame in frames])


def test_scores_are_shown_from_three_hundred_samples_on(calm: Any, frame: Any) -> None:
    ratio = ratios([frame(calm(400))])
    assert np.isnan(ratio[:300]).all() and not np.isnan(ratio[300:]).any()


def test_alarms_are_raised_from_a_thousand_samples_on(calm: Any, frame: Any, events: Any) -> None:
    x = calm(1500)
    x[800:803, 0] += 9
    x[1200:1203, 1] += 9
    (event,) = events([frame(x)])
    assert event.start // SECOND == 1200


def test_a_commissioning_is_provisional_until_it_is_declared(calm: Any, frame: Any) -> None:
    judge = Judge([], lambda model, windows: None)
    judge.feed(frame(calm(600)))
    assert judge.provisional == {"SAT/c0", "SAT/c1", "SAT/c2"}
    judge.commission()
    assert judge.provisional == frozenset()


def test_what_was_commissioned_as_nominal_is_not_odd_afterwards(calm: Any, frame: Any, quick: Any) -> None:
    x = calm(2000)
    x[700:800, 0] += 3
    x[1500:1600, 0] += 3

    def odd(*, commission: bool) -> bool:
        judge = Judge([], lambda model, windows: None, quick)
        judge.feed(frame(x[:1000]))
        if commission:
            judge.commission()
        told = [*judge.feed(frame(x[1000:], start=1000)).events, *judge.drain().events]
        return any(event.start // SECOND >= 1400 for event in told)

    assert odd(commission=False) and not odd(commission=True)


def with_gap(x: Any, at: int, length: int) -> Any:
    times = np.arange(len(x)) * SECOND
    times[at:] += length * SECOND
    return times


def test_after_a_gap_nothing_is_raised_for_two_hundred_and_fifty_samples(
    calm: Any, frame: Any, events: Any, quick: DetectionSettings
) -> None:
    x = calm(N)
    x[AT : AT + 3, 0] += 9
    assert events([frame(x, times=with_gap(x, AT - 100, 600))], quick) == []
    assert len(events([frame(x, times=with_gap(x, AT - 260, 600))], quick)) == 1
    assert len(events([frame(x, times=with_gap(x, AT - 100, 2))], quick)) == 1, "two lost samples are no gap"


def test_a_channel_that_was_away_is_armed_again_by_itself(
    calm: Any, frame: Any, events: Any, quick: DetectionSettings
) -> None:
    x = calm(N)
    x[AT - 100 : AT - 50, 0] = np.nan
    x[AT : AT + 3] += 9
    (event,) = events([frame(x)], quick)
    assert {channel.name for channel in event.channels} == {"c1", "c2"}


def test_missing_values_are_neither_judged_nor_odd(calm: Any, frame: Any, events: Any, quick: Any) -> None:
    x = calm(N)
    x[np.random.default_rng(1).random(x.shape) < 0.05] = np.nan
    assert events([frame(x)], quick) == []
    ratio = ratios([frame(x)], quick)
    assert np.isnan(ratio[400:][np.isnan(x[400:])]).all()


def test_a_constant_channel_is_silent_until_it_moves(frame: Any, events: Any, quick: DetectionSettings) -> None:
    x = np.full((N, 2), 5.0)
    assert events([frame(x)], quick) == []
    x[AT : AT + 20, 0] = 6.0
    (event,) = events([frame(x)], quick)
    assert [channel.name for channel in event.channels] == ["c0"]


def one(kind: Any, values: Any, **more: Any) -> Frame:
    group = Group("SAT", "g", (Channel("SAT", "", "c", type=kind, **more),), SECOND)
    return Frame(group, np.arange(len(values)) * SECOND, (np.asarray(values),))


@pytest.mark.parametrize("top", [256, 4096, 1000])
def test_a_counter_that_wraps_is_silent_and_one_that_stops_is_not(
    top: int, events: Any, quick: DetectionSettings
) -> None:
    count = np.arange(3000) * 5 % top
    assert events([one("u8", count.astype(np.uint64))], quick) == []
    stopped = np.where(np.arange(3000) < 2000, count, count[2000])
    (event,) = events([one("u8", stopped.astype(np.uint64))], quick)
    assert 2000 <= event.start // SECOND < 2020


def test_a_state_never_met_is_named_and_ordinary_changes_are_not_remarked_on(
    events: Any, quick: DetectionSettings
) -> None:
    modes = np.where(np.arange(3000) // 37 % 3 == 0, 1, 2).astype(np.int32)
    modes[1800:2600] = 2
    assert events([one("i4", modes)], quick) == []
    modes[2000:2030] = 0
    (event,) = events([one("i4", modes, states=((0, "Safe"), (1, "Nominal"), (2, "Imaging")))], quick)
    assert event.reason == "c: Safe was not met before"
    assert 2000 <= event.start // SECOND <= 2003


def test_a_switch_that_is_seldom_thrown_is_remarked_on_once(events: Any, quick: DetectionSettings) -> None:
    on = np.zeros(9000, dtype=bool)
    for start in (1000, 4500, 8000):
        on[start : start + 300] = True
    found = events([one("bool", on)], quick)
    assert [event.start // SECOND // 100 for event in found] == [10]


def test_late_and_invalid_values_are_not_judged(calm: Any, frame: Any, events: Any, quick: Any) -> None:
    x = calm(N)
    x[AT : AT + 3, 0] += 9
    whole = frame(x)
    for flag in (Quality.LATE, Quality.INVALID):
        quality = np.zeros(N, dtype=np.uint8)
        quality[AT : AT + 3] = flag
        assert events([Frame(whole.group, whole.times, whole.columns, (quality, None, None))], quick) == []


def test_a_frame_older_than_what_was_judged_changes_nothing(calm: Any, frame: Any, quick: Any) -> None:
    x = calm(N)
    judge = Judge([], lambda model, windows: None, quick)
    judge.feed(frame(x[:AT]))
    out = judge.feed(frame(x[:50] + 40, start=AT - 60))
    assert np.isnan(out.judged[0].ratio).all() and not out.events
    np.testing.assert_array_equal(judge.feed(frame(x[AT:], start=AT)).judged[0].ratio, ratios([frame(x)], quick)[AT:])


def test_a_clock_that_is_set_back_is_a_gap_and_judging_goes_on(calm: Any, frame: Any, quick: Any) -> None:
    x = calm(2600)
    x[AT : AT + 3, 0] += 9
    x[2300:2303, 1] += 9
    judge = Judge([], lambda model, windows: None, quick)
    told: dict[int, Event] = {}
    for part in (frame(x[:1300], start=90_000), frame(x[1300:], start=0)):
        told.update((event.key, event) for event in judge.feed(part).events)
    told.update((event.key, event) for event in judge.drain().events)
    starts = sorted(event.start // SECOND for event in told.values())
    assert starts == [2300 - 1300, 90_000 + AT]
    assert not any(event.open for event in told.values())


@pytest.mark.parametrize("odd", [np.inf, -np.inf, 1e308, -1e308])
def test_numbers_at_the_edge_of_what_can_be_written_are_survived(
    odd: float, calm: Any, frame: Any, events: Any, quick: DetectionSettings
) -> None:
    x = calm(N)
    x[AT : AT + 5, 0] = odd
    x[50, 1] = odd
    found = events([frame(x)], quick)
    assert all(np.isfinite(event.score) for event in found)
    if np.isfinite(odd):
        assert [event.channels[0].name for event in found] == ["c0"]


def test_what_is_expected_of_a_channel_holds_it_nearly_always(calm: Any, frame: Any) -> None:
    x = calm(3000)
    judged = Judge([], lambda model, windows: None).feed(frame(x)).judged[0]
    inside = (x[1100:] >= judged.low[1100:]) & (x[1100:] <= judged.high[1100:])
    assert inside.mean() > 0.95
    width = (judged.high - judged.low)[1100:].mean()
    assert 0.1 < width < 1.0, "a band around noise of 0.05 on a cycle of amplitude 1"
