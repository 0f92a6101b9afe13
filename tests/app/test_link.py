"""The socket between a core and its clients, with real sockets."""

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from app.eventlog import EventLog
from app.link.card import CoreCard
from app.link.client import CoreClient
from app.link.messages import (
    NOTE_BOUND,
    event_from_json,
    group_from_json,
    group_to_json,
    opinion_from_json,
    opinion_to_json,
)
from app.link.server import Server
from app.link.wire import Header, LinkError
from detection import Opinion
from detection.event import Contribution, Event
from telemetry import Channel, Group, Limit, Severity


def event(key: int = 1, score: float = 2.0) -> Event:
    shares = (Contribution("eps/a", 0.75, score, "2.0 x", 1.0, None, 0.5), Contribution("eps/b", 0.25, 1.2))
    told = Event(key, "SAT-001", 0, 5, True, Severity.WATCH, "ar", "1", score, shares, "because", ("z",))
    return replace(told, onset=-3, peak=2, threshold=0.1, versions=(("ar", "1"), ("z", "1")))


class News:
    """Collects what a client is told."""

    def __init__(self) -> None:
        self.headers: list[Header] = []
        self.changed = threading.Condition()
        self.lost = threading.Event()

    def __call__(self, header: Header) -> None:
        with self.changed:
            self.headers.append(header)
            self.changed.notify_all()

    def wait(self, count: int) -> list[Header]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.headers) >= count, 10.0)
            return list(self.headers)


@pytest.fixture
def events() -> EventLog:
    return EventLog()


@pytest.fixture
def server(events: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    server = Server("test", lambda request: {"said": request.get("word")}, events)
    yield server
    server.close(5.0)


def card(server: Server, secret: str | None = None) -> CoreCard:
    return CoreCard(os.getpid(), server.address, secret or server.secret, "a.duckdb")


def test_a_client_is_answered_and_told_of_every_event_past_and_to_come(server: Server, events: EventLog) -> None:
    events.put(0, event(1))
    news = News()
    client = CoreClient(card(server), news, news.lost.set)
    assert client.ask("hello", word="x")["said"] == "x"
    news.wait(1)
    events.put(0, event(2, score=3.5))
    headers = news.wait(2)
    told = [event_from_json(one) for header in headers for one in header["events"]]
    assert told == [(0, event(1)), (0, event(2, score=3.5))]
    client.close()


def test_a_client_that_only_asks_does_not_count_as_one_that_watches(server: Server) -> None:
    news = News()
    watching, asking = (CoreClient(card(server), news, news.lost.set) for _ in range(2))
    asking.ask("archive")
    assert server.watchers == 0
    watching.ask("hello")
    assert server.watchers == 1
    for client in (watching, asking):
        client.close()


def test_what_another_client_changed_is_told_before_anybody_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    plans = ["first"]

    def answer(request: Header) -> Header:
        if request["do"] == "play":
            plans.append("paused")
        return {}

    server = Server("plans", answer, EventLog(), plan=lambda: plans[-1])
    one, other = News(), News()
    asking, watching = (CoreClient(card(server), news, lambda: None) for news in (one, other))
    for client in (asking, watching):
        client.ask("hello")
    asking.ask("play")
    assert one.headers == [{"news": "plan", "plan": "paused"}]
    assert other.wait(1) == [{"news": "plan", "plan": "paused"}]
    for client in (asking, watching):
        client.close()
    server.close(5.0)


def test_a_client_without_the_secret_is_turned_away_and_delays_nobody(server: Server) -> None:
    silent = Client(server.address)  # connects, and never proves anything
    with pytest.raises(LinkError, match="did not accept"):
        CoreClient(card(server, secret="0" * 64), News(), lambda: None)
    client = CoreClient(card(server), News(), lambda: None)
    assert client.ask("hello")["said"] is None
    client.close()
    silent.close()


def test_a_core_that_is_gone_is_noticed(server: Server) -> None:
    news = News()
    client = CoreClient(card(server), news, news.lost.set)
    client.ask("hello")
    server.close(5.0)
    assert news.lost.wait(10.0)
    with pytest.raises(LinkError):
        client.ask("hello", timeout=1.0)


def test_the_socket_is_its_users_only(server: Server) -> None:
    folder = Path(server.address).parent
    assert folder.stat().st_mode & 0o077 == 0


def test_a_group_crosses_the_link_unchanged() -> None:
    limits = (Limit(Severity.WARNING, 1.0, None), Limit(Severity.CRITICAL, None, 9.0))
    mode = Channel("S", "obc", "mode", type="i4", states=((0, "safe"), (1, "nominal")))
    group = Group("S", "obc", (Channel("S", "obc", "a", "V", limits=limits, span=(0.0, 1.0)), mode), 1000, 5)
    assert group_from_json(group_to_json(group)) == group


def test_the_event_log_forgets_the_oldest_and_counts_it() -> None:
    log = EventLog(bound=2)
    for key in range(4):
        log.put(0, event(key))
    assert log.dropped == 2
    assert [one.key for one in log.all()] == [2, 3]
    cursor, _ = log.since(0)
    log.put(0, event(2, score=9.0))
    assert [one.score for _, one in log.since(cursor)[1]] == [9.0]


def test_an_opinion_crosses_the_link_unchanged_and_a_new_one_is_told(
    events: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    given: list[Header] = [opinion_to_json(3, 7, Opinion(12, "rare nominal", "heater", "M. Keller"))]
    server = Server("test", lambda request: {}, events, state=lambda: {"verdicts": [*given]})
    news = News()
    client = CoreClient(card(server), news, news.lost.set)
    client.ask("hello")
    told = news.wait(1)[0]
    assert [opinion_from_json(one) for one in told["verdicts"]] == [
        (3, 7, Opinion(12, "rare nominal", "heater", "M. Keller"))
    ]
    given.append(opinion_to_json(3, 8, Opinion(13, "true")))
    assert len(news.wait(2)[1]["verdicts"]) == 2
    client.close()
    server.close(5.0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"verdict": "maybe"}, "A verdict is one of true, false, rare nominal, unsure, taken back, not 'maybe'."),
        ({"verdict": None}, "A verdict is one of"),
        ({"key": "x"}, "both numbers"),
        ({"session": None}, "both numbers"),
        ({"note": "x" * (NOTE_BOUND + 1)}, "make it shorter"),
    ],
)
def test_a_verdict_that_cannot_be_one_is_refused_with_a_sentence(change: Header, says: str) -> None:
    with pytest.raises(LinkError, match=says):
        opinion_from_json({"session": 1, "key": 1, "verdict": "true", "given": 0, **change})
