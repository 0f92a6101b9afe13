"""An operator's verdict is recorded before it is answered, changes what comes after, and outlives the session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.audit import operator
from app.cli.watch import make_plan
from app.cutting import join
from app.launch import attach, start, wait_ready
from app.link.wire import Header, LinkError
from app.plan import Plan
from app.session import Session, open_session
from app.settings import Settings
from detection import Opinion
from storage import Archive, StorageError
from telemetry import Channel, Frame, Group, ListSource
from telemetry.clock import SECOND, iso

if TYPE_CHECKING:
    from tests.app.conftest import Desk

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]
DEADLINE_S = 30.0
N, ODD = 4000, (1500, 2300, 3100)


def flight(satellite: str = "SAT") -> list[Frame]:
    """The same short excursion three times, in frames of a minute."""
    t = np.arange(N)
    level = 20 + np.sin(t / 9.0) + 0.05 * np.random.default_rng(3).standard_normal(N)
    for first in ODD:
        level[first : first + 40] += 5.0
    group = Group(satellite, "g", (Channel(satellite, "eps", "volts", "V"),), SECOND)
    whole = Frame(group, t * SECOND, (level,))
    return [whole.part(at, at + 60) for at in range(0, N, 60)]


class Held(ListSource):
    """Comes to a stop at row 2000 until ``gate`` is opened."""

    def __init__(self, frames: list[Frame]) -> None:
        super().__init__(frames)
        self.gate = threading.Event()

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        for frame in super().frames(stop, span):
            if frame.times[0] >= 2000 * SECOND:
                assert self.gate.wait(DEADLINE_S)
            yield frame


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    made: list[Session] = []
    (tmp_path / "models").mkdir()

    def begin(*sources: ListSource) -> Session:
        plan = Plan((), str(tmp_path / "a.duckdb"), str(tmp_path / "models"), speed=None)
        made.append(open_session(plan, Settings(), sources, started=0))
        made[-1].start()
        return made[-1]

    yield begin
    for session in made:
        session.close()


def categories(session: Session) -> list[str]:
    assert session.wait(DEADLINE_S)
    return [event.category for event in session.all_events()]


def first_event(session: Session) -> int:
    """The key of the first event that has ended."""
    cursor = 0
    while True:
        cursor, told = session.events.since(cursor, DEADLINE_S)
        assert told, "no event came"
        for _, event in told:
            if not event.open:
                return event.key


def test_a_verdict_counts_in_the_running_session_and_in_those_after_it(
    opened: Callable[..., Session], ask: Ask
) -> None:
    source = Held(flight())
    session = opened(source)
    key = first_event(session)
    session.opinions.give(session.id, key, Opinion(5, "rare nominal", "the heater", "M. Keller"))
    archive, number = session.plan.archive, session.id
    source.gate.set()
    assert categories(session) == ["anomaly", "rare nominal", "rare nominal"]
    session.close()
    events = ask(archive, "SELECT category, likeness, verdict FROM events ORDER BY start")
    likeness = "like the one of 1970-01-01 that was judged rare nominal"
    assert events == [("anomaly", "", "rare nominal"), *[("rare nominal", likeness, None)] * 2]

    session = opened(ListSource(flight()))
    assert categories(session) == ["rare nominal"] * 3
    session.opinions.give(number, key, Opinion(9, "true"))
    session.close()
    verdicts = ask(archive, "SELECT session, verdict, note, who, latest, epoch_us(given) FROM verdicts ORDER BY given")
    assert verdicts == [
        (number, "rare nominal", "the heater", "M. Keller", False, 5),
        (number, "true", "", "", True, 9),
    ]
    assert categories(opened(ListSource(flight()))) == ["anomaly"] * 3, "the last verdict counts"


def test_what_is_like_one_whose_verdict_was_taken_back_is_as_if_it_was_never_judged(
    opened: Callable[..., Session],
) -> None:
    source = Held(flight())
    session = opened(source)
    key = first_event(session)
    session.opinions.give(session.id, key, Opinion(5, "rare nominal"))
    session.opinions.give(session.id, key, Opinion(6, "taken back"))
    source.gate.set()
    assert categories(session) == ["anomaly"] * 3
    session.close()
    assert categories(opened(ListSource(flight()))) == ["anomaly"] * 3


def test_a_verdict_is_in_the_archive_when_it_is_answered(opened: Callable[..., Session]) -> None:
    session = opened(ListSource(flight()))
    assert session.wait(DEADLINE_S)
    session.opinions.give(session.id, 1, Opinion(5, "unsure"))
    with session.archive.reading() as cursor:
        assert cursor.execute("SELECT key, verdict FROM verdicts").fetchall() == [(1, "unsure")]


def test_a_verdict_on_what_is_not_there_is_refused_and_not_recorded(opened: Callable[..., Session]) -> None:
    session = opened(ListSource(flight()[:3]))
    for number in (session.id, session.id + 1):
        with pytest.raises(StorageError, match=f"no event 99 in session {number}"):
            session.opinions.give(number, 99, Opinion(5, "true"))
    with session.archive.reading() as cursor:
        assert cursor.execute("SELECT count(*) FROM verdicts").fetchall() == [(0,)]


def test_events_of_two_sources_have_keys_of_their_own(opened: Callable[..., Session], ask: Ask) -> None:
    """In the archive one would otherwise replace the other."""
    session = opened(ListSource(flight("ONE")), ListSource(flight("TWO")))
    assert categories(session) == ["anomaly"] * 6
    session.close()
    found = ask(session.plan.archive, "SELECT satellite, count(*), count(DISTINCT key) FROM events GROUP BY ALL")
    assert sorted(found, key=str) == [("ONE", 3, 3), ("TWO", 3, 3)]


class Told:
    """What a core tells its client."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.events: set[int] = set()
        self.verdicts: list[Header] = []

    def __call__(self, news: Header) -> None:
        with self.changed:
            self.events.update(one["key"] for one in news.get("events", ()) if not one["open"])
            self.verdicts = news.get("verdicts", self.verdicts)
            self.changed.notify_all()

    def wait(self, what: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(what, DEADLINE_S)


def test_what_a_core_has_answered_is_kept_though_it_is_killed(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    whole = join(flight())
    rows = [f"{iso(int(time))},{value}" for time, value in zip(whole.times, whole.columns[0], strict=True)]
    (tmp_path / "SAT.csv").write_text("\n".join(["time,volts", *rows]) + "\n")
    archive = tmp_path / "core.duckdb"
    plan = make_plan([str(tmp_path / "SAT.csv")], archive=archive, repository=tmp_path / "models")
    process = start(replace(plan, history=float(N)))
    try:
        wait_ready(process)
        told = Told()
        client = attach(archive, told, lambda: None)
        assert client is not None
        session = client.ask("hello")["session"]
        told.wait(lambda: 1 in told.events)
        with pytest.raises(LinkError, match="There is no event 99"):
            client.ask("verdict", session=session, key=99, verdict="true")
        with pytest.raises(LinkError, match="A verdict is one of"):
            client.ask("verdict", session=session, key=1, verdict="maybe")
        client.ask("verdict", session=session, key=1, verdict="true")
        client.ask("verdict", session=session, key=1, verdict="rare nominal", who="M. Keller")
        told.wait(lambda: [one["verdict"] for one in told.verdicts] == ["rare nominal"])
    finally:
        process.kill()
        process.wait(DEADLINE_S)
    client.close()
    with Archive.open(archive) as opened, opened.reading() as cursor:
        found = cursor.execute("SELECT session, key, verdict, who FROM verdicts").fetchall()
    assert found == [(session, 1, "true", operator()), (session, 1, "rare nominal", "M. Keller")]


def test_a_verdict_with_a_note_is_given_taken_back_and_restored_with_the_keyboard(
    sit_down: Callable[[Plan], Desk], ask: Ask, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    whole = join(flight())
    rows = [f"{iso(int(time))},{value}" for time, value in zip(whole.times, whole.columns[0], strict=True)]
    (tmp_path / "SAT.csv").write_text("\n".join(["time,volts", *rows]) + "\n")
    plan = make_plan([str(tmp_path / "SAT.csv")], archive=tmp_path / "t.duckdb", repository=tmp_path / "models")
    desk = sit_down(replace(plan, history=float(N)))
    view = desk.window.view
    bar = view.dock.verdicts
    desk.wait(lambda: len(desk.watching.ledger.rows(desk.watching._clock)) == len(ODD))
    view.dock.attention.select(desk.watching.ledger.rows(desk.watching._clock)[-1].key)
    # What the operator has begun to judge stays selected, though others come and are foremost once it is judged.
    QTest.keyClicks(bar.note, "The heater")
    assert bar.finding is not None
    judged = bar.finding.key
    desk.watching.charts.follow()

    def says(verdict: str, note: str) -> bool:
        row = bar.finding
        return row is not None and (row.key, row.verdict, row.note) == (judged, verdict, note)

    desk.press(Qt.Key.Key_3)
    desk.wait(lambda: says("rare nominal", "The heater"))
    desk.press(Qt.Key.Key_3)
    desk.wait(lambda: says("", ""))
    QTest.keyClick(view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    desk.wait(lambda: says("rare nominal", "The heater"))
    QTest.keyClick(view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    desk.wait(lambda: says("", ""))
    desk.close()
    assert ask(tmp_path / "t.duckdb", "SELECT verdict, note, who FROM verdicts ORDER BY given") == [
        ("rare nominal", "The heater", operator()),
        ("taken back", "", operator()),
        ("rare nominal", "The heater", operator()),
        ("taken back", "", operator()),
    ]
