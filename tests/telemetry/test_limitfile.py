"""Files of limits: what is read, what is written is read back, and what is wrong is named with its line and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry import Limit, Severity
from telemetry.clock import SECOND
from telemetry.derived import Definition
from telemetry.limitfields import LimitsError
from telemetry.limitfile import read_limits, to_csv, to_toml
from telemetry.limits import binds, problem

TOML = """\
[[limits."*/eps/battery_voltage"]]
severity = "warning"
low = 25.5
persistence = 3
cause = "The battery is low."

[[limits."*/eps/battery_voltage"]]
severity = "critical"
low = 24
when = "obc/mode == safe"
on_delay_s = 2.5

[derived."*/eps/power"]
expression = "battery_voltage * battery_current"
unit = "W"
"""


def write(folder: Path, text: str, name: str = "limits.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_toml_holds_limits_and_derived_channels(tmp_path: Path) -> None:
    found = read_limits(write(tmp_path, TOML))
    ((pattern, limits),) = found.limits
    assert pattern == "*/eps/battery_voltage"
    assert limits[0] == Limit(Severity.WARNING, low=25.5, persistence=3, cause="The battery is low.")
    assert limits[1] == Limit(Severity.CRITICAL, low=24.0, when="obc/mode == safe", on_delay=5 * SECOND // 2)
    assert found.derived == (Definition("*/eps/power", "battery_voltage * battery_current", "W"),)


def test_csv_holds_a_limit_a_row(tmp_path: Path) -> None:
    rows = "*/eps/v,warning,25.5,,Charge it.", "", "S/a,watch,,4,", "*/eps/v,severe,20,,", "S/b,,,,"
    text = "\n".join(["channel,severity,low,high,action", *rows])
    found = read_limits(write(tmp_path, text, "limits.csv"))
    assert found.limits == (
        ("*/eps/v", (Limit(Severity.WARNING, low=25.5, action="Charge it."), Limit(Severity.SEVERE, low=20.0))),
        ("S/a", (Limit(Severity.WATCH, high=4.0),)),
        ("S/b", ()),
    )


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("low = 25.5", "low = 'x'", "limits.toml, line 3, */eps/battery_voltage, low: low must be a number, not 'x'."),
        ("low = 25.5", "on_delay_s = inf", "on_delay_s: on_delay_s must be a number, not 'inf'."),
        ("low = 25.5", "off_delay_s = nan", "off_delay_s: off_delay_s must be a number, not 'nan'."),
        ("low = 24", "low = true", "limits.toml, line 9, */eps/battery_voltage, low: low must be a number."),
        (
            "persistence = 3",
            "persistence = 1.5",
            "line 4, */eps/battery_voltage, persistence: persistence must be a whole",
        ),
        (
            "persistence = 3",
            "persistance = 3",
            "line 4, */eps/battery_voltage, persistance: there is no such key; there",
        ),
        (
            '"warning"',
            '"normal"',
            "line 2, */eps/battery_voltage, severity: severity must be watch, warning, distress,",
        ),
        (
            "low = 25.5",
            "low = 25.5\nhigh = 20",
            "line 3, */eps/battery_voltage, low: low (25.5) must be less than high",
        ),
        ('when = "obc/mode == safe"\n', "low2 = 1\n", "low2: there is no such key"),
        ('"obc/mode == safe"', '"safe"', "line 10, */eps/battery_voltage, when: a context is a channel, a comparison"),
        (
            "low = 24\nwhen",
            "low = 26\n# when",
            "low: the critical limit must not lie inside the warning limit: 26 is above",
        ),
        ("* battery_current", "* ", "line 14, */eps/power, expression: column 19: the expression ends too early."),
        ("[derived.", "[derivd.", "limits.toml, derivd: there is no such table; there are limits and derived."),
        ("*/eps/power", "power", "power, channel: a channel is named with its satellite"),
        ("low = 24", "low = ", "limits.toml is not sound TOML: invalid value (at line 9, column 7)."),
    ],
)
def test_what_is_wrong_in_toml_is_said_with_file_line_and_key(
    before: str, after: str, words: str, tmp_path: Path
) -> None:
    assert before in TOML
    with pytest.raises(LimitsError) as raised:
        read_limits(write(tmp_path, TOML.replace(before, after, 1)))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("channel,severity,low,low\nc,warning,1,2\n", "line 1, low: the column stands twice"),
        ("severity,low\n", "line 1: the first row names the columns"),
        ("channel,severity,low\nS/a,watch,x\n", "limits.csv, line 2, S/a, low: low must be a number, not 'x'."),
        ("channel,severity,low\nS/a,watch,1,2\n", "line 2: the row has 4 cells"),
        ("channel,severity,low\n,watch,1\n", "line 2, channel: a limit needs a channel."),
        ("channel,severity,bottom\nS/a,watch,1\n", "line 2, S/a, bottom: there is no such key"),
        (
            "channel,severity,low\nS/a,watch,1\nS/a,watch,2\n",
            "line 3, S/a, severity: there are two limits of severity watch",
        ),
        ('channel,severity,low\n"S/a,watch,1\n', "this is not sound CSV"),
    ],
)
def test_what_is_wrong_in_csv_is_said_with_file_line_and_key(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(LimitsError) as raised:
        read_limits(write(tmp_path, text, "limits.csv"))
    assert words in str(raised.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LimitsError, match="cannot be read"):
        read_limits(tmp_path / "none.toml")


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)
CHANNELS = st.tuples(TEXT, TEXT).map("/".join).filter(lambda one: one == one.strip())
NUMBERS = st.one_of(st.none(), st.floats(-1e9, 1e9))
LIMITS = st.builds(
    Limit,
    severity=st.sampled_from([one for one in Severity if one is not Severity.NORMAL]),
    low=NUMBERS,
    high=NUMBERS,
    quantity=st.sampled_from(["value", "rate"]),
    when=st.sampled_from(["", "obc/mode == safe", "'a b' >= 2"]),
    persistence=st.one_of(st.none(), st.integers(1, 100)),
    deadband=st.sampled_from([0.0, 1e-9, 0.1]),
    on_delay=st.integers(0, 10**9),
    off_delay=st.integers(0, 10**9),
    cause=TEXT,
    consequence=TEXT,
    action=TEXT,
    link=TEXT,
)
ALL = st.dictionaries(
    CHANNELS, st.lists(LIMITS, max_size=2).map(tuple).filter(lambda own: problem(own) is None), max_size=4
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(limits=ALL.map(lambda found: tuple(found.items())))
def test_what_is_written_is_read_back(limits: tuple[tuple[str, tuple[Limit, ...]], ...], tmp_path: Path) -> None:
    assert read_limits(write(tmp_path, to_toml(limits))).limits == limits
    assert read_limits(write(tmp_path, to_csv(limits), "limits.csv")).limits == limits


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(alphabet='[]limts."*/eps=\n 12low,channelseverityt', max_size=80),
    name=st.sampled_from(["a.toml", "a.csv"]),
)
def test_any_text_is_read_or_refused_in_a_sentence(text: str, name: str, tmp_path: Path) -> None:
    try:
        read_limits(write(tmp_path, text, name))
    except LimitsError as problem:
        assert str(problem).endswith(".")


def test_a_pattern_binds_one_channel_a_satellite() -> None:
    assert binds("*/eps/v", "SAT-001/eps/v") and binds("SAT-00?/eps/v", "SAT-001/eps/v")
    assert binds("f[1]/v", "f[1]/v"), "a satellite that is named as it is needs no escaping"
    assert not binds("*/v", "SAT/eps/v") and not binds("*/eps/*", "SAT/eps/v")
