"""Questions about the past between window and core: overtaken, dropped, too long, refused, not answered."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import history
from app.history import History as Answering
from app.link.columns import Columns, pack, unpack
from app.link.wire import Header, Reply
from app.plan import Plan
from app.session import Session, open_session
from app.settings import Settings
from app.sources import open_sources
from app.window.chronicle import Chronicle
from app.window.feed import Feed
from app.window.history import AGAIN_S, KEYS, SILENT_S, History
from app.window.tiles import COLUMNS, width_for
from storage import Stoppable
from telemetry import Channel, Group
from telemetry.clock import SECOND, parse_iso
from telemetry.ring import LiveRing, Track

HOUR = 3600 * SECOND
KEY = "SAT-001/eps/a"
NOW = 1000 * HOUR


@dataclass
class Charts:
    """What is shown."""

    keys: list[str] = field(default_factory=lambda: [KEY])
    stretch: tuple[int, int, int] | None = (NOW - HOUR, NOW, HOUR // 1000)
    trouble: str = ""
    read: list[str] = field(default_factory=list)

    def reread(self, keys: Any) -> None:
        self.read += keys

    def set_trouble(self, sentence: str) -> None:
        self.trouble = sentence


class Core:
    """Keeps what it is asked, and answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, Any], Reply]] = []

    def fetch(self, do: str, came: Reply, **values: object) -> None:
        assert do == "history"
        self.asked.append((values, came))

    def answer(self, number: int = -1, *, value: float = 1.0, **more: object) -> None:
        """A value in the first column of each channel."""
        values, came = self.asked[number]
        found = {
            key: Columns(np.array([values["start"]]), np.array([value]), np.array([value]), np.array([1]))
            for key in values["keys"]
        }
        sizes, payload = pack(found)
        came({"columns": sizes, "until": NOW, "earliest": 0, "events": [], **more}, payload)


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[LiveRing]:
    tracks = [Track("s:SAT-001/eps", 1, 1024), Track("j:SAT-001/eps", 3, 1024, "f4")]
    made = LiveRing.create(tmp_path / "t.ring", tracks)
    yield made
    made.close()


class Desk:
    """A window's asking, with a clock of its own."""

    def __init__(self, ring: LiveRing, qtbot: Any) -> None:
        self.now = 100.0
        self.charts, self.core = Charts(), Core()
        self.chronicle = Chronicle(Feed())
        self.chronicle.feed.attach([Group("SAT-001", "eps", (Channel("SAT-001", "eps", "a"),), SECOND)], ring)
        ring.append("s:SAT-001/eps", np.array([NOW]), np.array([[1.0]]))
        self.chronicle.began = NOW
        self.history = History(self.chronicle, self.charts, self.core, lambda: self.now)
        self.history.begin()
        self.history.look()
        self.core.answer()
        assert not self.core.asked[0][0]["keys"], "the first question is when everything begins"

    def show(self, start: int, stop: int) -> None:
        self.charts.stretch = (start, stop, max(1, (stop - start) // 1000))
        self.history.look()

    @property
    def spans(self) -> list[tuple[int, int]]:
        return [(values["start"], values["stop"]) for values, _ in self.core.asked]


@pytest.fixture
def desk(ring: LiveRing, qtbot: Any) -> Desk:
    return Desk(ring, qtbot)


def test_one_question_is_under_way_and_then_the_newest_is_asked(desk: Desk) -> None:
    desk.show(NOW - HOUR, NOW)
    assert len(desk.core.asked) == 2
    for step in range(1, 20):
        desk.show(NOW - HOUR - step * SECOND * 100, NOW - step * SECOND * 100)
    assert len(desk.core.asked) == 2, "what is being read is still of use"
    desk.core.answer()
    assert desk.charts.read == [KEY]
    desk.history.look()
    start, stop = desk.spans[-1]
    assert len(desk.core.asked) == 3
    assert start < NOW - HOUR - 1900 * SECOND < stop <= desk.spans[1][0] or start >= desk.spans[1][0]


def test_an_answer_that_was_overtaken_changes_nothing(desk: Desk) -> None:
    desk.show(NOW - HOUR, NOW)
    desk.show(NOW - 500 * HOUR, NOW - 499 * HOUR)
    assert len(desk.core.asked) == 3
    desk.core.answer(1, value=77.0)
    assert not desk.charts.read and not len(desk.chronicle.tiles)
    desk.core.answer(2)
    assert desk.charts.read == [KEY]
    desk.core.answer(2, value=77.0)
    assert len(desk.charts.read) == 1, "and one that comes twice nothing either"


def test_the_windows_beside_are_asked_for_once_the_one_shown_is_there(desk: Desk) -> None:
    start, stop = NOW - 10 * HOUR, NOW - 9 * HOUR
    desk.show(start, stop)
    for _ in range(4):
        desk.core.answer()
        desk.history.look()
    width = width_for(HOUR // 1000)
    tiles = desk.chronicle.tiles
    assert tiles.missing(KEY, width, start - HOUR, stop + HOUR) is None
    assert tiles.missing(KEY, width, start - 2 * HOUR, start - HOUR) is not None
    asked = len(desk.core.asked)
    desk.show(start - HOUR // 2, stop - HOUR // 2)
    desk.show(start, stop)
    assert len(desk.core.asked) <= asked + 1 and tiles.read(KEY, width, start - HOUR // 2, stop)[1] == []


def test_no_question_is_about_more_than_a_few_channels_and_those_seen_come_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.chronicle.feed, "floor", lambda key: NOW)
    desk.charts.keys = [f"SAT-001/eps/{n}" for n in range(40)]
    asked = []
    for _ in range(3):
        desk.show(NOW - HOUR, NOW)
        asked += desk.core.asked[-1][0]["keys"]
        desk.core.answer()
    assert asked == desk.charts.keys
    assert len(desk.core.asked[1][0]["keys"]) == KEYS


def test_a_core_that_is_silent_or_refuses_is_said_and_asked_again(desk: Desk) -> None:
    desk.show(NOW - HOUR, NOW)
    desk.now += SILENT_S + 0.1
    desk.history.look()
    assert desk.charts.trouble == "the archive does not answer; asking again"
    desk.now += AGAIN_S
    desk.history.look()
    assert len(desk.core.asked) == 3
    _, came = desk.core.asked[-1]
    came({"error": "It is too much."}, b"")
    assert desk.charts.trouble == "It is too much."
    desk.history.look()
    assert len(desk.core.asked) == 3
    desk.now += AGAIN_S
    desk.history.look()
    desk.core.answer()
    assert desk.charts.trouble == "" and desk.charts.read == [KEY]


@pytest.mark.logs("an answer of the archive")
def test_an_answer_that_is_cut_off_is_said(desk: Desk) -> None:
    desk.show(NOW - HOUR, NOW)
    _, came = desk.core.asked[-1]
    came({"columns": [[KEY, 3]], "until": NOW, "earliest": 0, "events": []}, b"12345678")
    assert desk.charts.trouble == "the archive's answer cannot be read"


def test_nothing_is_asked_while_there_is_no_core_and_what_is_known_stays(desk: Desk) -> None:
    desk.show(NOW - HOUR, NOW)
    desk.core.answer()
    held = len(desk.chronicle.tiles)
    desk.history.pause()
    desk.show(NOW - 900 * HOUR, NOW - 899 * HOUR)
    assert len(desk.core.asked) == 2 and len(desk.chronicle.tiles) == held > 0
    assert desk.charts.trouble == "the archive is not open now"


# the core's side


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A few minutes of a simulation, recorded."""
    folder = tmp_path_factory.mktemp("session")
    plan = Plan(("sim:quiet?satellites=1&duration=300",), str(folder / "t.duckdb"), str(folder), speed=None)
    made = open_session(plan, Settings(), open_sources(plan, 0), 0)
    made.start()
    made.wait(60.0)
    end = time.monotonic() + 30.0
    while made.recorder.status().queued or made.archive.newest is None:
        assert time.monotonic() < end
        os.sched_yield()
    yield made
    made.close()


class Client:
    """Asks, and waits for answers."""

    def __init__(self, session: Session) -> None:
        self.came: list[tuple[Header, bytes | None]] = []
        self._changed = threading.Condition()
        self.history = Answering(session, self._reply)

    def _reply(self, header: Header, payload: bytes | None) -> None:
        with self._changed:
            self.came.append((header, payload))
            self._changed.notify_all()

    def wait(self, count: int) -> list[tuple[Header, bytes | None]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.came) >= count, 30.0)
            return self.came


@pytest.fixture
def client(session: Session) -> Iterator[Client]:
    made = Client(session)
    yield made
    made.history.close()


BEGAN = parse_iso("2030-01-01T00:00:00Z")
VOLTAGE = "SAT-001/eps/battery_voltage"


def _question(number: int, keys: list[str], **more: object) -> Header:
    span = {"start": BEGAN, "stop": BEGAN + COLUMNS * SECOND, "columns": COLUMNS}
    return {"do": "history", "id": number, "keys": keys, **span, **more}


def test_a_core_reads_channels_and_scores_of_any_span(client: Client) -> None:
    assert client.history.take(_question(1, [VOLTAGE, VOLTAGE + "#score", "SAT-009/x/y"]))
    ((header, payload),) = client.wait(1)
    assert (header["id"], header["earliest"]) == (1, BEGAN) and header["until"] >= BEGAN + 299 * SECOND
    found = unpack(header["columns"], payload or b"")
    assert next(iter(found)) == VOLTAGE and len(found[VOLTAGE].times) == 300 and found[VOLTAGE].count.sum() == 300
    assert not client.history.take({"do": "hello"})


def test_every_question_is_answered_once_and_the_newest_in_full(client: Client) -> None:
    for number in range(1, 21):
        client.history.take(_question(number, [VOLTAGE]))
    came = client.wait(20)
    assert sorted(header["id"] for header, _ in came) == list(range(1, 21))
    last = next(header for header, _ in came if header["id"] == 20)
    assert last["columns"] == [(VOLTAGE, 300)]
    assert all(header.get("dropped") or header["columns"] for header, _ in came)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"columns": 10**9}, "at most"),
        ({"keys": ["x"] * 1000}, "at most"),
        ({"start": "soon"}, "soon"),
        ({"keys": None}, "That cannot be read"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_a_sentence(
    client: Client, more: dict[str, object], words: str
) -> None:
    client.history.take({**_question(1, []), **more})
    ((header, payload),) = client.wait(1)
    assert words in header["error"] and header["error"].endswith(".") and payload is None


def test_what_takes_too_long_is_said_and_what_was_overtaken_is_dropped(
    client: Client, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = Stoppable(session.archive)
    reading.stop()
    assert client.history._answer(_question(1, [VOLTAGE]), reading) == ({"dropped": True}, None)
    monkeypatch.setattr(history, "DEADLINE_S", 0.0)
    header, _ = client.history._answer(_question(1, [VOLTAGE]), reading)
    assert "show a shorter time" in header["error"]
