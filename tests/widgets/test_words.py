"""Values as words."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets import text
from widgets.finding import percents
from widgets.model import Clock, Kind, Mark, Style, worst

AT = 1_773_457_034_000_000  # 2026-03-14T02:57:14Z


@pytest.mark.parametrize(
    ("value", "span", "shown"),
    [
        (27.1649, (22.0, 34.0), "27.16"),
        (-3.38, (-5.0, 5.0), "\u22123.38"),
        (14.62, (-20.0, 60.0), "14.6"),
        (2118.4, (-4000.0, 4000.0), "2\u2009118"),
        (-1764.2, (-4000.0, 4000.0), "\u22121\u2009764"),
        (0.0021, (-0.01, 0.01), "0.0021"),
        (0.87, (0.0, 1.0), "0.870"),
        (-0.00001, (-5.0, 5.0), "0.00"),
        (1234567.0, None, "1\u2009234\u2009567"),
        (0.001234, None, "0.001234"),
        (3.2e-9, None, "3.200e\u22129"),
    ],
)
def test_a_value_has_the_decimals_of_its_span(value: float, span: tuple[float, float] | None, shown: str) -> None:
    assert text.format_value(value, span=span) == shown


def test_what_is_not_a_number_still_has_a_word() -> None:
    assert text.format_value(None) == text.format_value(math.nan, "V") == "\u2013"
    assert text.format_value(math.inf, span=(0, 1)) == "\u221e"
    assert text.format_value(-math.inf) == "\u2212\u221e"
    assert text.format_value(1, type="bool") == "on"
    states = ((0, "Safe"), (4, "Eclipse"))
    assert text.format_value(4, type="i4", states=states) == "Eclipse"
    assert text.format_value(7, type="i4", states=states) == "code 7"
    assert text.format_value(14.0, type="i8") == "14"
    assert text.format_value(0.5, "A", span=(0, 2)) == "0.50\u2009A"


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(1e-6, 1e6), st.floats(-1e6, 1e6))
def test_a_channel_keeps_its_decimals_whatever_its_value(value: float, width: float, low: float) -> None:
    span = (low, low + width)
    decimals = text.decimals_for(span)
    shown = text.format_value(value, span=span)
    assert len(shown.partition(".")[2]) == decimals
    assert "-" not in shown and "," not in shown


@given(st.integers(0, 4_000_000_000_000_000))
def test_clock_and_date_agree_with_the_calendar(time: int) -> None:
    moment = datetime.fromtimestamp(time // 1_000_000, UTC)
    assert text.clock(time) == moment.strftime("%H:%M:%S")
    assert text.date_and_day(time) == moment.strftime("%Y-%m-%d \u00b7 day %j")


def test_times_without_a_date_are_told_since_their_origin() -> None:
    assert text.clock(3_661_000_000, 0) == "T+01:01:01"
    assert text.clock(-1_000_000, 0) == "T\u221200:00:01"
    assert text.moment(5_000_000, Clock(9_000_000, origin=0)) == "T+00:00:05"
    assert text.moment(AT - text.DAY, Clock(AT)) == "2026-03-13 02:57:14"


def test_ages_and_sizes_are_said_in_one_unit() -> None:
    assert [text.age(AT - s * text.SECOND, AT) for s in (0, 59, 480, 7300, 200_000)] == [
        "0 s",
        "59 s",
        "8 min",
        "2 h",
        "2 d",
    ]
    assert text.duration(21 * text.MINUTE) == "21 min"
    assert text.duration(130 * text.MINUTE) == "2 h 10 min"
    assert text.size(4_100_000_000) == "4.1 GB"
    assert text.size(0) == "0 bytes"
    assert text.size(212_000_000) == "212 MB"


def test_a_finding_is_named_by_its_first_channel() -> None:
    assert text.finding_title(["aocs/wheel_3_current", "b", "c", "d", "e"]) == "aocs/wheel_3_current and 4 more"
    assert text.finding_title(["aocs/wheel_3_current"]) == "aocs/wheel_3_current"
    assert text.over_threshold(3.84) == "3.8 \u00d7 threshold"
    assert text.finding_state(True, AT, AT, Clock(AT)) == "Finding, since 02:57:14"
    ended = text.finding_state(False, AT - 6 * text.MINUTE, AT, Clock(AT))
    assert ended == "Finding, ended 02:57:14 after 6 min"


@given(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=8))
def test_shares_in_per_cent_add_up_to_a_hundred(weights: list[float]) -> None:
    whole = sum(weights)
    shown = percents([w / whole for w in weights])
    assert sum(shown) == 100
    assert all(abs(p - 100 * w / whole) < 1 for p, w in zip(shown, weights, strict=True))


def test_the_worst_is_what_asks_first_then_the_higher_alarm_then_a_finding() -> None:
    finding, watch = Mark(Kind.FINDING), Mark(Kind.WATCH)
    answered = Mark(Kind.SEVERE, Style.OUTLINED)
    assert worst([]) is None
    assert worst([Mark(Kind.NORMAL)]) is None
    assert worst([finding, watch]) == watch
    assert worst([finding, answered]) == finding
    assert worst([Mark(Kind.WARNING, Style.RETURNED), Mark(Kind.WARNING)]) == Mark(Kind.WARNING)
    assert worst([Mark(Kind.NORMAL), finding]) == finding


@pytest.mark.parametrize(
    ("low", "high", "actual", "unit", "words"),
    [
        (12.1, 12.9, 10.4, "V", "expected 12.10 to 12.90\u2009V, was 10.40\u2009V"),
        (None, 26.0, 40.0, "", "expected at most 26.00, was 40.00"),
        (-5.0, None, -7.5, "A", "expected at least \u22125.00\u2009A, was \u22127.50\u2009A"),
        (None, None, 1.0, "", "was 1.000"),
        (0.0, 1.0, float("inf"), "", "expected 0 to 1.000, was \u221e"),
        (7.0, 7.001, 7.003, "", "expected 7.00000 to 7.00100, was 7.00300"),
    ],
)
def test_what_was_expected(low: float | None, high: float | None, actual: float, unit: str, words: str) -> None:
    assert text.expected(low, high, actual, unit) == words
