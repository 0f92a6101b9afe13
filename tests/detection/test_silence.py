"""A channel that falls silent while its group goes on is said; one that is often silent is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import SILENCE
from detection.silence import Silence, Silences
from telemetry import Channel, Frame, Group, Quality
from telemetry.clock import SECOND

N, AT = 2400, 1500


def silences(x: Any, sizes: tuple[int, ...] = (N,)) -> list[Silence]:
    judge, times, found, at, turn = Silences(len(x)), np.arange(x.shape[1]) * SECOND, list[Silence](), 0, 0
    while at < x.shape[1]:
        stop = at + sizes[turn % len(sizes)]
        found += judge.take(times[at:stop], x[:, at:stop])
        at, turn = stop, turn + 1
    return found


def lacking() -> Any:
    """(2, N) values; the second channel lacks 20."""
    x = np.ones((2, N))
    x[1, AT : AT + 20] = np.nan
    return x


def test_a_channel_that_falls_silent_is_said_after_eight_samples() -> None:
    found = silences(lacking())
    assert {one.channel for one in found} == {1}
    assert found[0].time == (AT + 8) * SECOND and found[0].ratio > 1
    assert found[-1].describe() == "no value for 20 samples, never more than 0 before"


def test_a_channel_that_comes_every_tenth_sample_is_silent_by_nature() -> None:
    x = np.full((1, N), np.nan)
    x[0, ::10] = 1
    assert silences(x) == []
    x[0, AT : AT + 40] = np.nan
    assert silences(x)[0].longest == 9


def test_a_silence_as_long_as_one_before_is_not_said_again() -> None:
    x = lacking()
    x[1, AT + 200 : AT + 230] = np.nan
    assert max(one.time for one in silences(x)) == (AT + 19) * SECOND


def test_nothing_is_said_of_a_channel_that_never_came_nor_in_the_first_thousand_samples() -> None:
    x = np.full((2, N), np.nan)
    x[1, :300], x[1, 400:] = 1, 1
    assert silences(x) == []


def test_a_channel_that_stays_away_is_settled_in_the_end() -> None:
    x = np.ones((1, N))
    x[0, AT:] = np.nan
    found = silences(x)
    assert len(found) == 200 and [one.settled for one in found] == [False] * 199 + [True]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=5))
def test_what_is_said_does_not_depend_on_the_cut(sizes: list[int]) -> None:
    x = lacking()
    x[0, ::7] = np.nan
    assert silences(x, tuple(sizes)) == silences(x)


@pytest.mark.parametrize("invalid", [False, True])
def test_it_opens_an_event_whether_values_lack_or_are_marked_as_wrong(invalid: bool, calm: Any, events: Any) -> None:
    group = Group("SAT", "g", tuple(Channel("SAT", "", f"c{i}") for i in range(3)), SECOND)
    x = np.ascontiguousarray(calm(N).T)
    quality = None
    if invalid:
        marks = np.zeros(N, dtype=np.uint8)
        marks[AT : AT + 20] = Quality.INVALID
        quality = (None, marks, None)
    else:
        x[1, AT : AT + 20] = np.nan
    (event,) = events([Frame(group, np.arange(N) * SECOND, tuple(x), quality=quality)])
    assert event.model == SILENCE and [one.name for one in event.channels] == ["c1"]
    assert event.start == (AT + 8) * SECOND and "no value for 20 samples" in event.reason


def test_a_channel_that_speaks_during_contacts_alone_is_never_said_to_be_silent() -> None:
    x = np.full((1, 20_000), np.nan)
    for begin, long in ((0, 600), (2_000, 500), (6_000, 700), (14_000, 100)):
        x[0, begin : begin + long] = 1
    assert silences(x, (x.shape[1],)) == silences(x) == []
