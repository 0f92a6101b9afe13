"""Alarms become events: in order of their own time, whoever came first with them."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.compose import Composer, Point
from detection.event import Event
from detection.settings import CYCLE
from telemetry import Severity

END = 1 << 62
MINUTE = 60_000_000


def point(time: int, judge: str = "ar", channel: str = "a", ratio: float = 2.0, **more: Any) -> Point:
    return Point(time, judge, "1", channel, ratio, 100, f"{judge} at {time}", **more)


def compose(points: list[Point]) -> list[Event]:
    composer = Composer("SAT", count(1))
    for one in points:
        composer.add(one)
    return composer.advance(END, END)


def test_alarms_that_follow_within_the_reach_are_one_event() -> None:
    (event,) = compose([point(0), point(100), point(200, channel="b")])
    assert (event.start, event.end) == (0, 200)
    assert [share.name for share in event.channels] == ["a", "b"]


def test_a_longer_pause_begins_another() -> None:
    assert [(event.start, event.end) for event in compose([point(0), point(101)])] == [(0, 0), (101, 101)]


def test_the_event_is_named_after_the_judge_that_came_first_and_ties_go_to_the_highest() -> None:
    first, second = compose([point(0, "z"), point(5, "ar", ratio=9.0), point(500, "z"), point(500, "std", ratio=3.0)])
    assert (first.model, first.score, first.seconded) == ("z", 9.0, ("ar",))
    assert (second.model, second.seconded) == ("std", ("z",))


def test_a_judge_that_only_seconds_neither_opens_nor_extends() -> None:
    near = point(150, "robust_z", opens=False)
    assert compose([near]) == []
    (event,) = compose([point(100), near])
    assert (event.end, event.seconded) == (100, ("robust_z",))


def turned(minute: int) -> Point:
    return point(minute * MINUTE - 1, CYCLE, "mode", explains=True)


def departed(minute: int, channel: str = "a") -> Point:
    return point(minute * MINUTE, CYCLE, channel)


@pytest.mark.parametrize(("minutes", "opened"), [((10,), 0), ((13,), 0), ((14,), 1), ((9,), 1), ((13, 16, 19), 0)])
def test_a_departure_with_a_mode_out_of_its_turn_opens_no_event(minutes: tuple[int, ...], opened: int) -> None:
    assert len(compose([*map(departed, minutes), turned(10)])) == opened


def test_what_departs_long_after_another_was_explained_opens_one() -> None:
    (event,) = compose([turned(10), departed(12), departed(15), departed(15, "b")])
    assert [share.name for share in event.channels] == ["b"]


def test_what_a_mode_explains_belongs_to_the_event_of_another_judge() -> None:
    (event,) = compose([point(10 * MINUTE), departed(10), turned(10)])
    assert event.seconded == (CYCLE,)
    assert len(compose([point(10 * MINUTE), turned(10)])[0].channels) == 1


def test_a_second_opinion_counts_however_late_it_comes() -> None:
    composer = Composer("SAT", count(1))
    composer.add(point(100))
    assert [event.open for event in composer.advance(400, 99)] == [True], "open until every judge has spoken"
    composer.add(point(120, "vae", opens=False))
    (event,) = composer.advance(400, 400)
    assert not event.open and event.seconded == ("vae",)


def test_the_worst_limit_gives_the_severity() -> None:
    (event,) = compose([point(0, severity=Severity.WARNING), point(9, severity=Severity.CRITICAL), point(10)])
    assert event.severity is Severity.CRITICAL


def test_shares_are_of_the_excess_over_the_threshold() -> None:
    (event,) = compose([point(0, ratio=1.5), point(1, ratio=1.5), point(1, channel="b", ratio=4.0)])
    assert [(share.name, share.score) for share in event.channels] == [("b", 4.0), ("a", 1.5)]
    assert [share.share for share in event.channels] == pytest.approx([0.75, 0.25])


def test_an_open_event_is_told_again_when_it_has_grown_not_at_every_sample() -> None:
    composer = Composer("SAT", count(1))
    told = 0
    for time in range(200):
        composer.add(point(time))
        told += len(composer.advance(time, time))
    assert 15 <= told <= 25


def test_a_point_older_than_its_source_promised_stands_alone() -> None:
    composer = Composer("SAT", count(1))
    composer.add(point(1000))
    composer.advance(1000, 1000)
    composer.add(point(10))
    assert [event.start for event in composer.advance(1001, 1001)] == [10]
    composer.add(point(1050))
    (event,) = composer.finish()
    assert (event.start, event.end) == (1000, 1050)


@given(
    times=st.lists(st.integers(0, 1500), min_size=1, max_size=40),
    order=st.randoms(use_true_random=False),
    steps=st.lists(st.integers(0, 1700), max_size=6),
)
def test_events_do_not_depend_on_the_order_in_which_points_are_found(
    times: list[int], order: Any, steps: list[int]
) -> None:
    points = [point(t, "ar" if t % 3 else "z", "ab"[t % 2], 1.5 + t % 7, opens=t % 5 > 0) for t in sorted(times)]
    whole = compose(points)
    composer = Composer("SAT", count(1))
    told: dict[int, Event] = {}
    at = 0
    for step in [*sorted(steps), 2000]:
        some = [one for one in points if at <= one.time < step]
        order.shuffle(some)
        for one in some:
            composer.add(one)
        told.update((event.key, event) for event in composer.advance(step - 1, step - 1))
        at = step
    told.update((event.key, event) for event in composer.finish())
    assert [(e.start, e.end, e.model, e.channels, e.seconded) for e in told.values()] == [
        (e.start, e.end, e.model, e.channels, e.seconded) for e in whole
    ]


class Compared(int):
    """A number that counts how often it is compared."""

    times = 0

    def __eq__(self, other: object) -> bool:
        Compared.times += 1
        return int.__eq__(self, other)

    __hash__ = int.__hash__


def test_events_that_end_are_not_looked_for_among_those_that_go_on() -> None:
    """Thousands of each may be open at once where a frame is long."""
    composer = Composer("SAT", map(Compared, count(1)))
    composer.add(point(10_000_000))
    composer.advance(10_000_000, 0)
    for number in range(60):
        # Each is later than its source promised, so it stands alone, and goes on for as long as it reaches.
        composer.add(replace(point(1000 * number), reach=1 << 40))
        composer.advance(10_000_000, 0)
    for number in range(1, 61):
        composer.add(point(10_000_000 + 1000 * number))
    composer.advance(20_000_000, 0)
    told = composer.advance(20_000_000, 20_000_000)
    assert [event.key for event in told if not event.open] == [1, *range(62, 122)]
    assert Compared.times < 500
