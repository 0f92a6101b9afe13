"""Sources of one session side by side: what befalls one neither ends nor delays another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from app.paths import SEED_REPOSITORY
from app.plan import Plan
from app.session import Session, open_session
from app.settings import Settings
from telemetry import Channel, Frame, Group, ListSource, Mode, Source, SourceError
from telemetry.clock import SECOND

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]
DEADLINE_S = 30.0
LENGTH = 60


def frames(satellite: str, count: int, width: int = 4, length: int = LENGTH) -> list[Frame]:
    group = Group(satellite, "g", tuple(Channel(satellite, "eps", f"c{i}") for i in range(width)), SECOND)
    random = np.random.default_rng(5)
    return [
        Frame(
            group,
            np.arange(number * length, (number + 1) * length, dtype=np.int64) * SECOND,
            tuple(random.normal(size=length) for _ in range(width)),
        )
        for number in range(count)
    ]


class Breaks(ListSource):
    """Ends in the middle with ``problem``."""

    def __init__(self, given: list[Frame], problem: Exception) -> None:
        super().__init__(given, name="breaks")
        self._problem = problem

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        yield from super().frames(stop, span)
        raise self._problem


class Silent(ListSource):
    """A live link on which nothing arrives."""

    mode: Mode = "live"

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        stop.wait(DEADLINE_S)
        yield from ()


class Flood(ListSource):
    """A live link that sends its one frame again and again, as fast as the processor goes."""

    mode: Mode = "live"

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        (one,) = self._frames
        later = one.times
        while not stop.is_set():
            yield Frame(one.group, later, one.columns)
            later = later + len(one) * SECOND


class Opened:
    """Opens sessions at full speed on the shipped models, and closes each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sessions: list[Session] = []

    def __call__(self, sources: Sequence[Source], settings: Settings | None = None) -> Session:
        archive = self._folder / f"{len(self._sessions)}.duckdb"
        plan = Plan((), str(archive), str(SEED_REPOSITORY), speed=None)
        self._sessions.append(open_session(plan, settings or Settings(), sources, started=0))
        return self._sessions[-1]

    def close(self) -> None:
        for session in self._sessions:
            session.close()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    made = Opened(tmp_path)
    yield made
    made.close()


def recorded(session: Session, ask: Ask) -> dict[object, object]:
    found = ask(session.plan.archive, "SELECT satellite, count(*) FROM samples GROUP BY ALL")
    return {row[0]: row[1] for row in found}


@pytest.mark.logs("breaks ended early: The line is cut: mend it.")
def test_a_source_that_ends_with_an_error_leaves_the_other_whole(opened: Opened, ask: Ask) -> None:
    broken = Breaks(frames("SAT-001", 5), SourceError("The line is cut: mend it."))
    session = opened([broken, ListSource(frames("SAT-002", 40))])
    session.start()
    assert session.wait(DEADLINE_S)
    session.close()
    assert session.failed == "breaks: The line is cut: mend it."
    assert recorded(session, ask) == {"SAT-001": 5 * LENGTH * 4, "SAT-002": 40 * LENGTH * 4}
    assert session.totals().recorded == session.totals().samples == 45 * LENGTH * 4


@pytest.mark.logs("ended by itself")
def test_a_source_with_a_bug_leaves_the_other_whole(opened: Opened, ask: Ask) -> None:
    session = opened([Breaks(frames("SAT-001", 5), ZeroDivisionError("a bug")), ListSource(frames("SAT-002", 40))])
    session.start()
    assert session.wait(DEADLINE_S)
    session.close()
    assert session.failed == "breaks: a bug"
    assert recorded(session, ask) == {"SAT-001": 5 * LENGTH * 4, "SAT-002": 40 * LENGTH * 4}


def test_a_dead_source_delays_no_other(opened: Opened, ask: Ask) -> None:
    session = opened([Silent(frames("SAT-001", 1)), ListSource(frames("SAT-002", 40))])
    session.start()
    dead, other = session.lines
    assert other.join(time.monotonic() + DEADLINE_S)
    assert [line.ended for line in session.lines] == [False, True]
    session.close()
    assert dead.join(0.0) and session.failed is None
    assert recorded(session, ask) == {"SAT-002": 40 * LENGTH * 4}


def test_a_flooding_source_delays_no_other_and_what_it_lost_is_counted(
    opened: Opened, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a flood the other takes under a second here."""
    monkeypatch.setattr("app.line.QUEUE_VALUES", 200_000)  # what the end still judges
    session = opened([Flood(frames("SAT-001", 1, width=25, length=2000)), ListSource(frames("SAT-002", 40))])
    session.start()
    flood, other = session.lines
    assert other.join(time.monotonic() + 10.0) and not flood.ended
    session.close()
    assert (other.samples, other.lost, other.unjudged, other.judge.skipped) == (40 * LENGTH * 4, 0, 0, 0)
    counts = recorded(session, ask)
    assert counts == {"SAT-001": flood.samples - flood.lost, "SAT-002": 40 * LENGTH * 4}
    assert flood.unjudged > 0


def test_every_frame_is_judged_however_soon_a_source_ends(opened: Opened) -> None:
    session = opened([ListSource(frames(f"SAT-{number:03}", 1)) for number in range(20)])
    session.start()
    assert session.wait(DEADLINE_S)
    assert session.totals().unjudged == 0


@pytest.mark.logs("recording stopped")
def test_recording_keeps_the_reserve_that_is_set(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than any disk has: nothing is recorded, and the session says why."""
    monkeypatch.setattr("app.session.STOP_DEADLINE_S", 0.5)  # the end tries to record for so long
    settings = Settings.model_validate({"storage": {"reserve_mb": 1 << 40}})
    session = opened([ListSource(frames("SAT-001", 1))], settings)
    session.start()
    deadline = time.monotonic() + DEADLINE_S
    while not session.recording_failed and time.monotonic() < deadline:
        session.wait(0.05)
    assert "are kept free: make some room there" in str(session.failed)
    session.close()
    assert session.totals().recorded == 0
