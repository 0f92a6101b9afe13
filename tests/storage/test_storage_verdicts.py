"""Events with all they say, verdicts on them, and archives from before there were any."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from detection import Opinion
from detection.event import Contribution, Event
from storage import Archive, Reader, Recorder
from storage.schema import MIGRATIONS
from telemetry import Severity


def event(key: int) -> Event:
    return Event(
        key,
        "SAT-001",
        10,
        20,
        False,
        Severity.WATCH,
        "ar",
        "1",
        2.5,
        (Contribution("eps/a", 0.9, 2.5, "why", None, 12.5, 14.0), Contribution("eps/b", 0.1, 1.1)),
        "because",
        ("vae", "z"),
        onset=7,
        peak=15,
        threshold=0.25,
        versions=(("ar", "1"), ("vae", "7"), ("z", "1")),
        category="rare nominal",
        likeness="like the one of 2030-01-02",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "a.duckdb"
    with Archive.open(found) as archive:
        session = archive.begin_session(started=0, origin="live", sources=["test"])
        recorder = Recorder(archive, reserve_bytes=0)
        for key in (1, 2):
            recorder.put(session, event(key))
        assert recorder.close(10.0)
    return found


def test_an_event_comes_back_as_it_was_told(path: Path) -> None:
    with Archive.open(path) as archive:
        reader = Reader(archive)
        assert [one.event for one in reader.events()] == [event(1), event(2)]
        assert reader.event(1, 2) == event(2)
        assert reader.event(1, 3) is None and reader.event(2, 1) is None


def test_the_last_verdict_counts_and_every_one_is_kept(path: Path) -> None:
    with Archive.open(path) as archive:
        # Two in the same microsecond: the order of recording decides.
        for key, verdict in ((1, "true"), (2, "unsure"), (1, "rare nominal")):
            archive.add_verdict(1, key, Opinion(5, verdict, f"note {key}", "M. Keller"))  # type: ignore[arg-type]
        judged = Reader(archive).judged()
    assert [(one.recorded.event.key, one.opinion.verdict) for one in judged] == [(2, "unsure"), (1, "rare nominal")]
    assert judged[0].opinion == Opinion(5, "unsure", "note 2", "M. Keller")
    with duckdb.connect(str(path), read_only=True) as plain:
        assert plain.execute("SELECT key, verdict FROM events ORDER BY key").fetchall() == [
            (1, "rare nominal"),
            (2, "unsure"),
        ]
        kept = plain.execute("SELECT key, verdict, latest FROM verdicts ORDER BY key, latest").fetchall()
    assert kept == [(1, "true", False), (1, "rare nominal", True), (2, "unsure", True)]


def test_a_verdict_that_was_taken_back_stays_in_the_history_alone(path: Path) -> None:
    with Archive.open(path) as archive:
        archive.add_verdict(1, 1, Opinion(5, "true", "hot", "anna"))
        archive.add_verdict(1, 1, Opinion(6, "taken back", "", "anna"))
    with duckdb.connect(str(path), read_only=True) as plain:
        assert plain.execute("SELECT verdict FROM events WHERE key = 1").fetchall() == [(None,)]
        kept = plain.execute("SELECT verdict, note, who, latest FROM verdicts ORDER BY given").fetchall()
    assert kept == [("true", "hot", "anna", False), ("taken back", "", "anna", True)]


def test_an_archive_from_before_verdicts_is_taken_over_with_its_events(tmp_path: Path) -> None:
    old = tmp_path / "old.duckdb"
    with duckdb.connect(str(old)) as plain:
        for version, step in enumerate(MIGRATIONS[:2], 1):
            plain.execute(step)
            plain.execute("INSERT INTO _migration VALUES (?, 0, '0.1.0')", [version])
        plain.execute(
            "INSERT INTO _event VALUES (1, 4, 'S', 0, 5, false, 'watch', 'ar', '1', 2.0, 'because', ['z'], "
            "[{name: 'a', share: 1.0, score: 2.0, reason: 'why'}])"
        )
    with Archive.open(old) as archive:
        found = Reader(archive).event(1, 4)
        archive.add_verdict(1, 4, Opinion(5, "false"))
    share = Contribution("a", 1.0, 2.0, "why")
    assert found == Event(4, "S", 0, 5, False, Severity.WATCH, "ar", "1", 2.0, (share,), "because", ("z",))
    with duckdb.connect(str(old), read_only=True) as plain:
        assert plain.execute("SELECT category, verdict, onset, versions FROM events").fetchall() == [
            ("anomaly", "false", None, None)
        ]
