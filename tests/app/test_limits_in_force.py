"""Limits from a file and from the window: in force, kept, noted; derived channels in a session like any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.limiting import Limiting
from app.limits import LimitBook, kept_beside
from app.paths import SEED_REPOSITORY
from app.plan import Plan
from app.session import Session, open_session
from app.settings import Settings
from storage import Archive, Reader
from telemetry import Channel, Frame, Group, Limit, ListSource, Severity
from telemetry.clock import SECOND
from telemetry.derived import Definition, Derived
from telemetry.limitfields import LimitsError
from telemetry.limitfile import Definitions
from telemetry.limits import limits_to_json

DECLARED = (Limit(Severity.WARNING, high=50.0),)
GIVEN = (Limit(Severity.CRITICAL, high=40.0, action="Switch the heater off."),)
CHOSEN = (Limit(Severity.DISTRESS, high=30.0),)
GROUP = Group("SAT", "eps", tuple(Channel("SAT", "eps", name, limits=DECLARED) for name in ("a", "b")), SECOND)


def book(folder: Path, *limits: tuple[str, tuple[Limit, ...]]) -> LimitBook:
    return LimitBook([GROUP], Definitions(limits), folder / "kept.toml")


def test_the_file_goes_before_the_source_and_what_was_set_before_both(tmp_path: Path) -> None:
    limits = book(tmp_path, ("SAT/eps/a", GIVEN), ("*/eps/a", DECLARED))
    assert limits.in_force == {"SAT/eps/a": GIVEN, "SAT/eps/b": DECLARED}
    assert (limits.origin("SAT/eps/a"), limits.origin("SAT/eps/b")) == ("file", "declared")
    assert limits.set("SAT/eps/a", CHOSEN) == (GIVEN, CHOSEN)
    assert limits.set("SAT/eps/b", ()) == (DECLARED, ())
    again = book(tmp_path, ("SAT/eps/a", GIVEN))
    assert again.in_force == limits.in_force == {"SAT/eps/a": CHOSEN, "SAT/eps/b": ()}
    assert again.sha256 == limits.sha256
    assert again.set("SAT/eps/a", None) == (CHOSEN, GIVEN)
    assert book(tmp_path).in_force["SAT/eps/a"] == DECLARED


def test_unsound_limits_change_nothing(tmp_path: Path) -> None:
    limits = book(tmp_path)
    with pytest.raises(LimitsError, match=r"SAT/eps/a, limit 1, low: low \(9\) must be less than high \(3\)\."):
        limits.set("SAT/eps/a", (Limit(Severity.WATCH, low=9.0, high=3.0),))
    with pytest.raises(LimitsError, match="no channel SAT/eps/c"):
        limits.set("SAT/eps/c", ())
    assert limits.in_force["SAT/eps/a"] == DECLARED and not (tmp_path / "kept.toml").exists()


def test_limits_that_cannot_be_kept_are_not_in_force(tmp_path: Path) -> None:
    limits = LimitBook([GROUP], Definitions(), tmp_path / "gone" / "kept.toml")
    with pytest.raises(LimitsError, match="could not be kept"):
        limits.set("SAT/eps/a", CHOSEN)
    assert limits.in_force["SAT/eps/a"] == DECLARED


def test_a_broken_file_of_kept_limits_is_set_aside_and_said(tmp_path: Path) -> None:
    (tmp_path / "kept.toml").write_text("[[limits", encoding="utf-8")
    (note,) = book(tmp_path).notes
    assert "could not be used" in note and (tmp_path / "kept.toml.broken").exists()


def test_what_binds_nothing_is_said_and_is_not_fatal(tmp_path: Path) -> None:
    odd = (Limit(Severity.WATCH, high=1.0, when="obc/mode == safe"),)
    assert book(tmp_path, ("*/eps/none", GIVEN), ("*/eps/a", odd)).notes == [
        "The file of limits names */eps/none, and no channel here is called so.",
        "Limits of SAT/eps/a depend on obc/mode, which SAT does not have.",
    ]


def test_a_derived_channel_that_cannot_be_made_is_said_once(tmp_path: Path) -> None:
    limits = (("*/eps/power", GIVEN), ("OTHER/eps/power", GIVEN))
    derived = Definition("*/eps/power", "volts * amps"), Definition("OTHER/eps/power", "a * b")
    source = Derived(ListSource([Frame(GROUP, np.arange(1), (np.ones(1), np.ones(1)))]), derived)
    found = LimitBook(source.groups, Definitions(limits, derived), tmp_path / "kept.toml")
    assert [*source.notes, *found.notes] == [
        "SAT/eps/power is not derived: there is no channel volts.",
        "The file of limits names OTHER/eps/power, and no channel here is called so.",
    ]


def test_a_state_that_a_mode_does_not_have_is_said_with_those_it_has(tmp_path: Path) -> None:
    mode = Channel("SAT", "obc", "mode", type="i4", states=((0, "Idle"), (3, "Safe")))
    others = Channel("SAT", "obc", "text", type="i4"), Channel("SAT", "obc", "on", type="bool")
    group = Group("SAT", "obc", (mode, *others))

    def notes(*contexts: str) -> list[str]:
        limits = tuple(Limit(Severity.WATCH, high=1.0, when=when) for when in contexts)
        return LimitBook([GROUP, group], Definitions((("SAT/eps/a", limits),)), tmp_path / "none.toml").notes

    sound = ("obc/mode == safe", "obc/mode != IDLE", "obc/mode == 3", "obc/mode > 7", "obc/on == true", "eps/b == 2")
    assert notes(*sound, "obc/text == what comes") == []
    start = "Limits of SAT/eps/a depend on "
    assert notes("obc/mode == dream", "obc/mode == 4", "obc/on == dark", "eps/b != safe") == [
        start + "obc/mode, which has no state dream: there are idle, safe.",
        start + "obc/mode, which has no state 4: there are idle, safe.",
        start + "obc/on, which has no state dark: there are off, false, on, true.",
        start + "eps/b, which has numbers and no states: compare it with a number.",
    ]


def test_a_context_that_can_never_hold_is_said_when_it_is_set(tmp_path: Path) -> None:
    limits = book(tmp_path)
    for _ in range(2):
        limits.set("SAT/eps/a", (Limit(Severity.WATCH, high=1.0, when="eps/b == safe"),))
    limits.set("SAT/eps/b", (Limit(Severity.WATCH, high=1.0, when="obc/mode == safe"),))
    assert limits.notes == [
        "Limits of SAT/eps/a depend on eps/b, which has numbers and no states: compare it with a number.",
        "Limits of SAT/eps/b depend on obc/mode, which SAT does not have.",
    ]


class Opened:
    """Sessions on one archive, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.plan = Plan((), str(folder / "a.duckdb"), str(SEED_REPOSITORY), speed=None)
        self._sessions: list[Session] = []

    def __call__(self, values: Any, derived: Sequence[Definition] = (), given: Definitions | None = None) -> Session:
        x = np.asarray(values, dtype=np.float64)
        source = ListSource([Frame(GROUP, np.arange(len(x)) * SECOND, (x, 2 * x))])
        made = Derived(source, derived) if derived else source
        settings = Settings.model_validate({"storage": {"reserve_mb": 16}})
        session = open_session(self.plan, settings, [made], 0, given=given or Definitions())
        self._sessions.append(session)
        return session

    def close(self) -> None:
        for session in self._sessions:
            session.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    made = Opened(tmp_path)
    yield made
    made.close()


def watch(session: Session) -> list[tuple[str, str]]:
    session.start()
    assert session.wait(30.0)
    session.close()
    return [(event.severity.value, event.reason) for event in session.all_events()]


def test_limits_that_are_set_are_in_force_at_once_noted_and_there_the_next_time(opened: Opened) -> None:
    session = opened(np.full(20, 20.0))
    before = session.limits.sha256
    limiting = Limiting(session)
    wanted = limits_to_json(CHOSEN)
    answer = limiting.answer({"do": "set_limits", "key": "SAT/eps/b", "limits": wanted})
    assert answer == limiting.answer({"do": "limits", "key": "SAT/eps/b"}) == {"limits": wanted, "origin": "set"}
    for wrong in (
        [{"low": 1}],
        [{"severity": "watch", "low": "x"}],
        [{"severity": "loud"}],
        [{"severity": "watch"}],
        [3],
    ):
        assert "error" in limiting.answer({"do": "set_limits", "key": "SAT/eps/b", "limits": wrong})
    assert "no channel" in str(limiting.answer({"do": "limits", "key": "SAT/eps/c"})["error"])
    assert watch(session) == [("distress", "eps/b: 40 is above the distress limit of 30")]
    assert kept_beside(opened.plan.archive_path).exists()
    again = opened(np.full(20, 20.0))
    assert watch(again) == [("distress", "eps/b: 40 is above the distress limit of 30")]
    with Archive.open(opened.plan.archive_path) as archive:
        (change,) = Reader(archive).changes()
        first, second = Reader(archive).sessions()
    assert (change.session, change.what, change.object) == (session.id, "set limits", "SAT/eps/b") and change.who
    assert [json.loads(text or "")[0]["high"] for text in (change.before, change.after)] == [50.0, 30.0]
    assert (first.limits, second.limits) == (before, again.limits.sha256) and first.limits != second.limits
    assert len(second.limits) == len(hashlib.sha256().hexdigest())


def test_a_derived_channel_is_judged_recorded_and_carries_its_response(
    opened: Opened, ask: Callable[..., list[tuple[object, ...]]]
) -> None:
    power = Definition("*/eps/power", "a * b", "W")
    session = opened(np.full(20, 5.0), [power], Definitions((("*/eps/power", GIVEN),)))
    assert watch(session) == [("critical", "eps/power: 50 W is above the critical limit of 40")]
    query = "SELECT count(*), min(value) FROM samples WHERE channel = 'power'"
    assert ask(opened.plan.archive, query) == [(20, 50.0)]
    assert ask(opened.plan.archive, "SELECT response FROM events") == [("To do: Switch the heater off.",)]
    assert ask(opened.plan.archive, "SELECT unit, subsystem FROM channels WHERE channel = 'power'") == [("W", "eps")]


FILE = """\
[[limits."*/power"]]
severity = "severe"
high = 60

[derived."*/power"]
expression = "volts * amps"
unit = "W"
"""


def test_monitor_takes_a_file_of_limits_and_refuses_a_wrong_one(start: Callable[..., Any], tmp_path: Path) -> None:
    table = tmp_path / "flight.csv"
    rows = "".join(f"2030-01-01T00:00:{i:02}Z,28,{2 + (i > 30)}\n" for i in range(60))
    table.write_text(f"time,volts,amps\n{rows}", encoding="utf-8")
    limits = tmp_path / "limits.toml"
    limits.write_text(FILE, encoding="utf-8")
    run = start("monitor", str(table), "--headless", "--json", "--speed", "max", "--limits", str(limits))
    code, said, _ = run.end()
    (event,) = json.loads(said)["events"]
    assert code == 0
    assert (event["severity"], event["reason"]) == ("severe", "power: 84 W is above the severe limit of 60")
    (channel,) = event["channels"]
    assert (channel["name"], channel["unit"], channel["expected_high"], channel["actual"]) == ("power", "W", 60.0, 84.0)
    limits.write_text(FILE.replace("60", "sixty"), encoding="utf-8")
    code, said, complained = start("monitor", str(table), "--headless", "--limits", str(limits)).end()
    assert (code, said) == (2, "")
    assert "limits.toml" in complained[-1] and len(complained) == 1
