"""Sessions of one origin side by side: what is shown where they meet, and what is not mixed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from detection.event import Contribution, Event, Judged
from storage import Archive, Reader, Recorder, SessionInfo, Stoppable, StorageError
from storage.history import beside, earliest, events, history, scores
from telemetry import Channel, Frame, Group, Origin, Severity
from telemetry.clock import SECOND

MINUTE = 60 * SECOND
GROUP = Group("SAT-001", "eps", tuple(Channel("SAT-001", "eps", name) for name in ("a", "b")), SECOND)
A, B = (channel.key for channel in GROUP.channels)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "t.duckdb") as opened:
        yield opened


def record(
    archive: Archive,
    start: int,
    stop: int,
    value: float,
    origin: Origin = "live",
    *,
    relative: bool = False,
    events: Sequence[Event] = (),
) -> int:
    """A session at 1 Hz from ``start`` to ``stop`` (seconds), both channels at ``value``, scored at ``value`` / 10."""
    session = archive.begin_session(started=0, origin=origin, sources=["test"], relative=relative)
    recorder = Recorder(archive, reserve_bytes=0)
    times = np.arange(start, stop) * SECOND
    values = np.full(len(times), value)
    assert recorder.put(session, Frame(GROUP, times, (values, values)), wait=True)
    ratio = np.full((len(times), 2), value / 10, dtype=np.float32)
    assert recorder.put(session, Judged(GROUP, times, ratio, ratio, ratio))
    for event in events:
        assert recorder.put(session, event)
    recorder.end_session(session, stop * SECOND)
    assert recorder.close(10.0)
    return session


def shown(archive: Archive, first: int, last: int) -> tuple[Reader, list[SessionInfo]]:
    reader = Reader(archive)
    return reader, beside(reader.sessions(), first, last)


def test_a_later_session_stands_beside_an_earlier_one_and_wins_where_they_overlap(archive: Archive) -> None:
    record(archive, 0, 100, 1.0)
    record(archive, 0, 1000, 50.0, "simulation")
    record(archive, 60, 80, 2.0)
    last = record(archive, 200, 300, 3.0)
    reader, sessions = shown(archive, last, last)
    assert [one.id for one in sessions] == [1, 3, 4]
    assert earliest(sessions) == 0
    found = history(reader, sessions, [A], 0, 400 * SECOND, 40)[A]
    assert found.times.tolist() == [n * 10 * SECOND for n in (*range(10), *range(20, 30))]
    values = dict(zip((found.times // SECOND).tolist(), zip(found.low, found.high, strict=True), strict=True))
    assert [values[t] for t in (50, 60, 80, 90, 200)] == [(one, one) for one in (1.0, 2.0, 1.0, 1.0, 3.0)]
    assert values[70] == (1.0, 2.0), "its last sample lies before the end of this column"


def test_a_column_in_which_one_session_ends_and_another_begins_has_both(archive: Archive) -> None:
    record(archive, 0, 55, 1.0)
    last = record(archive, 55, 100, 2.0)
    reader, sessions = shown(archive, last, last)
    found = history(reader, sessions, [A], 0, 100 * SECOND, 10)[A]
    at = found.times.tolist().index(50 * SECOND)
    assert (found.low[at], found.high[at], found.count[at]) == (1.0, 2.0, 10)


def test_sessions_with_relative_times_all_begin_together_so_one_run_is_shown_alone(archive: Archive) -> None:
    for value in (1.0, 2.0, 3.0):
        record(archive, 0, 60, value, "import", relative=True)
    reader, sessions = shown(archive, 2, 3)
    assert [one.id for one in sessions] == [2, 3]
    assert history(reader, sessions, [A], 0, 60 * SECOND, 1)[A].low.tolist() == [3.0]
    assert not shown(archive, 9, 9)[1]


def test_scores_are_those_of_the_minutes(archive: Archive) -> None:
    record(archive, 0, 180, 1.0)
    last = record(archive, 180, 360, 30.0)
    reader, sessions = shown(archive, last, last)
    found = scores(reader, sessions, [B, A], 0, 360 * SECOND, 360)
    assert list(found) == [A, B] or list(found) == [B, A]
    assert found[A].times.tolist() == [n * MINUTE for n in range(6)]
    assert found[A].high.tolist() == pytest.approx([0.1] * 3 + [3.0] * 3)
    coarse = scores(reader, sessions, [A], 0, 360 * SECOND, 1)[A]
    assert (coarse.low.tolist(), coarse.high.tolist()) == (pytest.approx([0.1]), pytest.approx([3.0]))
    assert reader.minute_ratios(last, [A], 5, 5, 10) == {}


def test_events_are_those_of_the_satellites_asked_for_and_of_the_session_whose_time_it_is(archive: Archive) -> None:
    def found(key: int, start: int, satellite: str = "SAT-001") -> Event:
        span = (start * SECOND, (start + 5) * SECOND)
        return Event(key, satellite, *span, False, Severity.WATCH, "ar", "", 2.0, (Contribution("eps/a", 1.0, 2.0),))

    record(archive, 0, 100, 1.0, events=[found(1, 10), found(2, 20, "SAT-002"), found(3, 70)])
    record(archive, 0, 100, 1.0, "simulation", events=[found(1, 30)])
    last = record(archive, 60, 100, 2.0, events=[found(1, 80)])
    reader, sessions = shown(archive, last, last)

    def told(start: int, stop: int, limit: int = 10) -> list[tuple[int, int]]:
        told = events(reader, sessions, ["SAT-001"], start * SECOND, stop * SECOND, limit)
        return [(one.session, one.event.key) for one in told]

    assert told(0, 100) == [(1, 1), (3, 1)]
    assert told(0, 100, 1) == [(3, 1)]
    assert told(12, 14) == [(1, 1)] and told(16, 60) == []
    assert events(reader, [], ["SAT-001"], 0, 100, 10) == []


def test_reading_can_be_stopped_while_it_goes_on_and_is_then_over(archive: Archive) -> None:
    reading = Stoppable(archive)
    begun = threading.Event()

    def endless() -> None:
        with reading.reading() as cursor:
            begun.set()
            cursor.execute("SELECT count(*) FROM range(100000000000) a, range(1000) b").fetchall()

    failed: list[BaseException] = []

    def run() -> None:
        try:
            endless()
        except StorageError as problem:
            failed.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(10)
    while thread.is_alive():
        # A stop that comes before the query has begun is not felt by it.
        reading.stop()
        thread.join(0.05)
    assert failed and reading.stopped
    with pytest.raises(StorageError, match="stopped"):
        Reader(reading).sessions()
    assert Reader(archive).sessions() == []
