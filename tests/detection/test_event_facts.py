"""What an event says besides its channels: since when, how far, of what was expected, by which versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest

from detection import DetectionSettings, Event, WindowSpec
from detection.compose import Composer, Expectation, Point
from telemetry import Channel, Group, Limit, Severity
from telemetry.clock import SECOND

END = 1 << 62


def point(time: int, channel: str = "a", ratio: float = 2.0, **more: Any) -> Point:
    return Point(time, "ar", "1", channel, ratio, 100, "why", **more)


def compose(*points: Point) -> Event:
    composer = Composer("SAT", count(1))
    for one in points:
        composer.add(one)
    (event,) = composer.advance(END, END)
    return event


def test_the_onset_is_that_of_the_leading_channel_and_never_after_the_start() -> None:
    event = compose(point(100, "a", 1.5, onset=40), point(105, "b", 9.0, onset=70))
    assert (event.channels[0].name, event.onset, event.start) == ("b", 70, 100)
    assert compose(point(100, "a", 1.5), point(105, "b", 9.0)).onset == 100


def test_the_peak_brings_its_time_and_its_threshold() -> None:
    event = compose(point(1, threshold=0.5), point(2, ratio=7.0, threshold=0.6), point(3, ratio=7.0, threshold=0.7))
    assert (event.peak, event.threshold, event.score) == (2, 0.6, 7.0)


def test_a_channel_keeps_what_was_expected_at_its_largest_score_that_can_say() -> None:
    near, far = Expectation(1.0, 2.0, 3.0), Expectation(1.0, None, 0.0)
    event = compose(point(1, ratio=2.0, expected=near), point(2, ratio=3.0, expected=far), point(3, ratio=9.0))
    (share,) = event.channels
    assert (share.expected_low, share.expected_high, share.actual, share.score) == (1.0, None, 0.0, 9.0)


def test_every_judge_that_took_part_is_named_with_its_version() -> None:
    seconds = Point(5, "vae", "7", "a", 2.0, 100, "", opens=False)
    event = compose(point(1), replace(point(2), judge="z", version="2"), seconds)
    assert event.versions == (("ar", "1"), ("vae", "7"), ("z", "2"))
    assert {event.model, *event.seconded} == {judge for judge, _ in event.versions}


def test_a_level_that_jumps_is_told_with_what_was_expected_of_it(
    calm: Callable[..., Any], frame: Callable[..., Any], events: Callable[..., list[Event]], quick: DetectionSettings
) -> None:
    x = calm(900)
    x[700:740, 1] += 5.0
    spec = WindowSpec("near", "3", "score", 32, 8)
    (event,) = events([frame(x)], quick, [spec])
    assert event.onset is not None and event.peak is not None and event.threshold is not None
    assert 700 * SECOND <= event.onset <= event.start <= event.peak <= event.end
    share = event.channels[0]
    assert share.name == "c1"
    assert share.expected_low is not None and share.expected_high is not None and share.actual is not None
    assert share.expected_low < share.expected_high < share.actual, "a jump upwards lies above what was expected"
    assert share.actual in x[700:, 1]
    assert event.threshold > 0 and ("near", "3") in event.versions


def test_a_slow_rise_was_above_its_record_before_it_passed_the_threshold(
    calm: Callable[..., Any], frame: Callable[..., Any], events: Callable[..., list[Event]], quick: DetectionSettings
) -> None:
    x = calm(1000)
    x[700:, 0] += np.linspace(0, 12, 300)
    event = events([frame(x)], quick)[0]
    assert event.onset is not None
    assert 700 * SECOND < event.onset < event.start
    x[700:, 0] = x[699, 0]
    assert events([frame(x[:700])], quick) == []


def test_an_onset_does_not_reach_across_a_gap(
    calm: Callable[..., Any], frame: Callable[..., Any], events: Callable[..., list[Event]], quick: DetectionSettings
) -> None:
    x = calm(1200)
    x[700:, 0] += np.linspace(0, 30, 500)
    times = np.arange(1200) * SECOND
    times[720:] += 3600 * SECOND
    for event in events([frame(x, times=times)], quick):
        assert event.onset is not None
        assert event.onset >= times[720] or event.start < times[720]


@pytest.mark.parametrize(("high", "low"), [(26.0, None), (26.0, 10.0)])
def test_a_limit_tells_its_bounds_and_the_value(
    calm: Callable[..., Any],
    frame: Callable[..., Any],
    events: Callable[..., list[Event]],
    high: float,
    low: float | None,
) -> None:
    group = Group("SAT", "g", (Channel("SAT", "", "c0", limits=(Limit(Severity.WARNING, low, high),)),), SECOND)
    x = calm(50, 1)
    x[30:34, 0] = [27.0, 27.0, 40.0, 27.0]
    (event,) = events([frame(x, group=group)])
    (share,) = event.channels
    assert (share.expected_low, share.expected_high, share.actual) == (low, high, 40.0)
    assert (event.threshold, event.peak, event.onset) == (26.0, 32 * SECOND, event.start)
