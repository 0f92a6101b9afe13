"""Thresholds in words: what a pattern means, what is asked for and what it would have meant; one question at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.window.question import Question
from app.window.settled import channels_in_words, figure, meaning, preview_of, scopes, settled
from detection import Override, Thresholds
from widgets.tuning.model import Wish

NAMES = st.text("ab[]*?!-/ ", min_size=1, max_size=8).map(lambda name: name.strip("/") or "x")


def matched(pattern: str, keys: list[str]) -> list[str]:
    one = Thresholds((Override(pattern, 2.0),))
    return [key for key in keys if one.factor(key) == 2.0]


def test_each_scope_matches_its_own_channels() -> None:
    keys = ["SAT-001/eps/bus_power", "SAT-001/eps/load[1]", "SAT-001/eps/load1", "SAT-001/mode", "SAT-0010/mode"]
    found = scopes("SAT-001", "SAT-001/eps", keys[1])
    assert [matched(scope.channels, keys) for scope in found] == [keys, keys[:4], keys[:3], keys[1:2]]
    words = ["Everything", "SAT-001", "SAT-001 / eps", "SAT-001 / eps / load[1]"]
    assert [channels_in_words(scope.channels) for scope in found] == words
    assert [bool(scope.channels) for scope in scopes("SAT-001", "", "")] == [True, True, False, False]


@given(st.lists(NAMES, min_size=1, max_size=6))
def test_the_pattern_of_one_channel_matches_it_alone_whatever_it_is_called(keys: list[str]) -> None:
    pattern = scopes("S", "", keys[0])[3].channels
    assert set(matched(pattern, keys)) == {keys[0]}


def test_what_was_asked_for_is_kept_in_the_operators_words() -> None:
    assert meaning(Wish("*", "findings", 1.0)) == "about 1 finding a day"
    assert meaning(Wish("*", "findings", 0.5)) == "about 0.5 findings a day"
    assert meaning(Wish("*", "share", 0.5)) == "at most 0.5 % of the time"
    rows = [
        {"channels": "*", "factor": 1.412, "meaning": "about 1 finding a day"},
        {"channels": "S/*", "factor": 3.0, "meaning": ""},
    ]
    assert [(one.words, one.meaning) for one in settled(rows)] == [
        ("Everything", "about 1 finding a day, 1.4 \u00d7"),
        ("S", "3 \u00d7 the threshold"),
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "0"), (0.0312, "0.031"), (0.3, "0.3"), (1.0, "1"), (1.41, "1.4"), (12.4, "12"), (1234.0, "1\u2009234")],
)
def test_a_figure_has_two_digits_or_its_whole_part(value: float, words: str) -> None:
    assert figure(value) == words


def test_a_preview_says_what_it_rests_on() -> None:
    answer: dict[str, Any] = {"factors": [1.0, 1.412, 5.0], "a_day": [9.0, 1.0, 0.0], "share": [0.2, 0.003, 0.0]}
    answer |= {"days": 5.2, "now": 1.0, "factor": 1.412}
    found = preview_of(answer, "findings")
    assert found.words == (
        "At 1.4 \u00d7 the threshold: about 1 finding a day, 0.3 % of the time, from 5.2 days of scores."
    )
    assert found.values == (9.0, 1.0, 0.0)
    short = preview_of({**answer, "days": 0.03, "factor": 5.0}, "share")
    assert short.words == (
        "At 5 \u00d7 the threshold: no finding, never above it, from 43 min of scores, a rough figure."
    )
    assert short.values == pytest.approx((20.0, 0.3, 0.0))


class Core:
    """Remembers what it is asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def ask(self, do: str, **values: object) -> None:
        self.asked.append(values["amount"])


def test_what_is_wanted_while_an_answer_is_awaited_is_asked_next_and_only_the_last_of_it() -> None:
    core = Core()
    question = Question(core, "preview")
    for amount in (1, 2, 3):
        question.ask(amount=amount)
    assert core.asked == [1]
    assert not question.came()
    assert core.asked == [1, 3]
    assert question.came()
    question.ask(amount=3)
    question.forget()
    assert not question.came()
