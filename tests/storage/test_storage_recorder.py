"""The recorder: order, bounds, acknowledgement, failure and resumption; a state machine over all of it."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from detection.event import Contribution, Event, Judged, Scored
from storage import Archive, Reader, Recorder, RecorderStatus, StorageError
from storage.encoder import Encoder
from telemetry import Channel, Frame, Group, Severity

GROUP = Group("SAT-001", "g", tuple(Channel("SAT-001", "x", f"c{i}", type="f4") for i in range(3)))
MINUTE = 60_000_000


def frame(at: int, n: int, group: Group = GROUP) -> Frame:
    """``n`` samples at ``at``, ``at`` + 1...; the last channel has a hole in every other one."""
    times = np.arange(at, at + n, dtype=np.int64)
    values = times.astype(np.float32)
    return Frame(group, times, (*(values,) * (len(group.channels) - 1), np.where(times % 2, np.nan, values)))


def event(key: int, end: int = 10, *, going_on: bool = True) -> Event:
    channels = (Contribution("x/c0", 0.75, 2.0, "a reason"), Contribution("x/c1", 0.25, 1.0))
    return Event(
        key,
        "SAT-001",
        5,
        end,
        going_on,
        Severity.WATCH,
        "ar",
        "1",
        2.0,
        channels,
        "It rose.",
        ("diff", "vae_timeseries"),
    )


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "a.duckdb") as opened:
        yield opened


@pytest.fixture
def session(archive: Archive) -> int:
    return archive.begin_session(started=0, origin="live", sources=["test"])


def until(recorder: Recorder, wanted: Callable[[RecorderStatus], bool]) -> RecorderStatus:
    """The first status that is ``wanted``, within ten seconds."""
    pause = threading.Event()
    for _ in range(2000):
        status = recorder.status()
        if wanted(status):
            return status
        pause.wait(0.005)
    raise AssertionError(recorder.status())


def test_a_sample_counts_when_its_commit_has_returned(archive: Archive, session: int) -> None:
    seen: list[tuple[int, int]] = []
    recorder = Recorder(
        archive,
        reserve_bytes=0,
        interval_s=0.0,
        on_commit=lambda status: seen.append((status.recorded_samples, Reader(archive).samples())),
    )
    for number in range(5):
        assert recorder.put(session, frame(number * 10, 10))
    assert recorder.close(10.0)
    assert seen
    assert all(acknowledged == found for acknowledged, found in seen)
    assert seen[-1][0] == sum(frame(number * 10, 10).count() for number in range(5))


def test_an_event_grows_in_place_and_is_read_as_it_was_written(archive: Archive, session: int) -> None:
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    recorder.put(session, event(1))
    until(recorder, lambda status: status.commits > 0)
    recorder.put(session, event(2, 20))
    recorder.put(session, event(1, 30, going_on=False))
    assert recorder.close(10.0)
    reader = Reader(archive)
    assert [one.event for one in reader.events(session)] == [event(1, 30, going_on=False), event(2, 20)]
    assert [one.event.key for one in reader.events(start=25)] == [1]
    assert reader.events(satellite="SAT-002") == []
    assert len(reader.events(model="ar", limit=1)) == 1


def test_no_event_is_seen_before_its_frames(archive: Archive, session: int) -> None:
    early: list[int] = []

    def look(_: RecorderStatus) -> None:
        reader = Reader(archive)
        newest = max((one.event.end for one in reader.events(session)), default=0)
        early.append(newest - max((one.last or 0 for one in reader.sessions()), default=0))

    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0, on_commit=look)
    for number in range(1, 15):
        recorder.put(session, frame(number * 10, 10), wait=True)
        recorder.put(session, event(1, number * 10 + 9))
    assert recorder.close(10.0)
    assert max(early) <= 0


def test_a_full_queue_refuses_at_once_counts_and_leaves_a_gap(archive: Archive, session: int) -> None:
    held = threading.Event()
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0, bound_values=200, on_commit=lambda _: held.wait(10.0))
    assert recorder.put(session, frame(0, 30))
    assert recorder.put(session, frame(30, 30))
    assert not recorder.put(session, frame(100, 10))
    assert recorder.status().refused_samples == frame(100, 10).count()
    assert not recorder.put(session, frame(110, 10), wait=True, timeout=0.05)
    stop = threading.Event()
    stop.set()
    assert not recorder.put(session, frame(120, 10), wait=True, timeout=60.0, stop=stop)
    held.set()
    assert recorder.close(10.0)
    assert recorder.status().recorded_samples == Reader(archive).samples()
    gaps = Reader(archive).gaps(session)
    assert sum(gap.samples for gap in gaps) == 3 * frame(100, 10).count()
    assert (min(gap.start for gap in gaps), max(gap.stop for gap in gaps)) == (100, 129)


def test_a_paced_source_waits_and_loses_nothing(archive: Archive, session: int) -> None:
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0, bound_values=200)
    for number in range(50):
        assert recorder.put(session, frame(number * 40, 40), wait=True, timeout=30.0)
    assert recorder.close(10.0)
    assert Reader(archive).samples() == 50 * 100
    assert recorder.status().refused_samples == 0


def test_small_pieces_become_chunks_and_are_counted_once(archive: Archive, session: int) -> None:
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    for at in range(0, 300, 5):
        recorder.put(session, frame(at, 5))
        until(recorder, lambda status: status.queued == 0)
    found = Reader(archive).raw(session, ["SAT-001/x/c0", "SAT-001/x/c2"], 0, 1000)
    assert found["SAT-001/x/c0"].times.tolist() == list(range(300))
    assert found["SAT-001/x/c2"].times.tolist() == list(range(0, 300, 2))
    recorder.end_session(session, 1000)
    assert recorder.close(10.0)
    assert recorder.status().recorded_samples == Reader(archive).samples() == 750
    with archive.reading() as cursor:
        counted = cursor.execute("SELECT (SELECT count(*) FROM _fresh_chunk), (SELECT count(*) FROM _chunk)").fetchall()
    assert counted == [(0, 3)]  # one of 300 samples a channel


def test_scores_are_kept_as_a_maximum_a_minute_with_what_was_skipped(archive: Archive, session: int) -> None:
    times = np.arange(0, 3 * MINUTE, MINUTE // 4)
    ratio = np.tile(np.array([0.5, np.nan, 0.1], np.float32), (len(times), 1))
    ratio[5, 0] = 3.25
    recorder = Recorder(archive, reserve_bytes=0)
    recorder.put(session, frame(0, 1))
    recorder.put(session, Judged(GROUP, times, ratio, ratio, ratio))
    recorder.put(
        session,
        Scored(
            GROUP,
            "vae_timeseries",
            "1",
            np.array([10, 20, MINUTE + 5]),
            np.array([1, 1, 2], np.int32),
            np.array([0.25, 0.75, 9.0], np.float32),
            np.array([False, False, True]),
        ),
    )
    recorder.end_session(session, 1)
    assert recorder.close(10.0)
    with archive.reading() as cursor:
        found = cursor.execute(
            "SELECT channel, model, epoch_us(minute) // 60000000, ratio, judged, skipped FROM scores ORDER BY ALL"
        ).fetchall()
    assert ("c0", "bank", 1, 3.25, 4, 0) in found
    assert ("c0", "bank", 2, 0.5, 4, 0) in found
    assert ("c1", "vae_timeseries", 0, 0.75, 2, 0) in found
    assert ("c2", "vae_timeseries", 1, None, 0, 1) in found
    assert len(found) == 8
    reader = Reader(archive)
    every, kept = reader.ratios(session, "SAT-001/x/c0", "bank", 0, MINUTE * 2)
    assert every.tolist() == times[:8].tolist()
    assert kept.tolist() == [0.5, 0.5, 0.5, 0.5, 0.5, 3.25, 0.5, 0.5]
    assert [one.tolist() for one in reader.ratios(session, "SAT-001/x/c1", "vae_timeseries", 0, MINUTE)] == [
        [10, 20],
        [0.25, 0.75],
    ]
    assert len(reader.ratios(session, "SAT-001/x/c1", "bank", 0, 2**60)[0]) == 0


def test_a_second_recorder_on_one_archive_is_refused(archive: Archive) -> None:
    first = Recorder(archive, reserve_bytes=0)
    with pytest.raises(StorageError, match="is being recorded into"):
        Recorder(archive, reserve_bytes=0)
    first.close(5.0)
    Recorder(archive, reserve_bytes=0).close(5.0)


@pytest.mark.logs("recording stopped", "recording goes on")
def test_recording_stops_before_the_disk_is_full_and_goes_on_by_itself(archive: Archive, session: int) -> None:
    free = [0]
    recorder = Recorder(
        archive, reserve_bytes=1000, interval_s=0.0, bound_values=100, retry_s=(0.01, 0.02), free=lambda: free[0]
    )
    recorder.put(session, frame(0, 30))
    status = until(recorder, lambda status: status.state == "failed")
    assert "make some room there" in status.error
    assert status.recorded_samples == 0
    assert not recorder.put(session, frame(30, 30))
    assert recorder.put(session, event(1))
    free[0] = 10_000
    until(recorder, lambda status: status.state == "recording" and status.queued == 0)
    assert recorder.put(session, frame(60, 30))
    assert recorder.close(10.0)
    reader = Reader(archive)
    assert reader.samples() == recorder.status().recorded_samples == 150
    (gap,) = reader.gaps(session)
    assert (gap.start, gap.stop, gap.samples) == (30, 59, 75)
    assert len(reader.events(session)) == 1


@pytest.mark.logs("recording stopped")
@pytest.mark.skipif(os.name == "nt", reason="this system removes no file that is open")
def test_an_archive_that_is_removed_while_recording_is_said_and_counted(archive: Archive, session: int) -> None:
    recorder = Recorder(archive, interval_s=0.01, retry_s=(0.01, 0.02), reserve_bytes=0)
    recorder.put(session, frame(0, 10))
    until(recorder, lambda status: status.recorded_samples == 25)
    archive.path.unlink()
    recorder.put(session, frame(10, 10))
    status = until(recorder, lambda status: status.state == "failed")
    assert "was removed or replaced" in status.error
    assert not recorder.close(0.2)
    assert recorder.status().lost_samples == 25


@pytest.mark.logs("recording stopped")
def test_what_cannot_be_written_before_the_deadline_is_counted_as_lost(archive: Archive, session: int) -> None:
    recorder = Recorder(archive, reserve_bytes=1000, interval_s=0.0, retry_s=(0.01, 0.02), free=lambda: 0)
    recorder.put(session, frame(0, 30))
    recorder.put(session, event(1))
    until(recorder, lambda status: status.state == "failed")
    assert not recorder.close(0.05)
    status = recorder.status()
    assert (status.recorded_samples, status.lost_samples, status.lost_news) == (0, 75, 1)
    assert not recorder.put(session, frame(30, 30), wait=True, timeout=5.0)


@pytest.mark.logs("recording stopped", "recording goes on")
def test_a_full_disk_loses_nothing_acknowledged_and_recording_resumes(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(6 << 20))
    archive = Archive.open(small_disk / "full.duckdb")
    session = archive.begin_session(started=0, origin="live", sources=["test"])
    group = Group("SAT-001", "g", tuple(Channel("SAT-001", "x", f"c{i}", type="f8") for i in range(40)))
    random = np.random.default_rng(1)
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0, bound_values=60_000, retry_s=(0.01, 0.05))
    at = 0

    def put() -> bool:
        nonlocal at
        times = np.arange(at, at + 250, dtype=np.int64)
        at += 250
        return recorder.put(
            session, Frame(group, times, tuple(random.normal(size=250) for _ in range(40))), wait=True, timeout=0.2
        )

    while recorder.status().state == "recording":
        assert at < 10_000_000
        put()
    assert "is full" in until(recorder, lambda status: status.state == "failed").error
    while recorder.put(session, frame(at, 5000)):
        at += 5000
    refused = recorder.status().refused_samples
    assert refused > 0
    assert Reader(archive).samples() >= recorder.status().recorded_samples
    ballast.unlink()
    until(recorder, lambda status: status.state == "recording" and status.queued == 0)
    recorder.end_session(session, 1)
    assert recorder.close(20.0)
    assert Reader(archive).samples() == recorder.status().recorded_samples
    assert sum(gap.samples for gap in Reader(archive).gaps(session)) == refused
    assert archive.notices == []
    archive.close()
    with Archive.open(small_disk / "full.duckdb") as again:
        assert Reader(again).samples() == recorder.status().recorded_samples


def test_a_new_archive_on_a_full_disk_is_refused_in_words(small_disk: Path) -> None:
    with (small_disk / "ballast").open("wb") as ballast:
        try:
            while True:
                ballast.write(bytes(1 << 16))
                ballast.flush()
        except OSError:
            pass
    with pytest.raises(StorageError, match="is full: free some space"):
        Archive.open(small_disk / "new.duckdb")
    assert [file.name for file in small_disk.iterdir()] == ["ballast"]


class Recording(RuleBasedStateMachine):
    """Frames, events, closing, opening again, and batches that are written twice, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="perigee-machine-"))
        self.values = 0
        self.at = 0
        self.events: dict[tuple[int, int], Event] = {}

    @initialize()
    def begin(self) -> None:
        self.archive = Archive.open(self.folder / "a.duckdb")
        self.session = self.archive.begin_session(started=0, origin="live", sources=["machine"])
        self.recorder = Recorder(self.archive, reserve_bytes=0, interval_s=0.0)

    @rule(n=st.sampled_from([1, 3, 70, 600]))
    def put(self, n: int) -> None:
        one = frame(self.at, n)
        assert self.recorder.put(self.session, one, wait=True)
        self.at += n
        self.values += one.count()

    @rule(key=st.integers(1, 3), end=st.integers(5, 50))
    def tell(self, key: int, end: int) -> None:
        assert self.recorder.put(self.session, event(key, end))
        self.events[self.session, key] = event(key, end)

    @rule()
    def restart_recorder(self) -> None:
        assert self.recorder.close(10.0)
        self.recorder = Recorder(self.archive, reserve_bytes=0, interval_s=0.0)

    @rule()
    def reopen(self) -> None:
        assert self.recorder.close(10.0)
        self.archive.close()
        self.archive = Archive.open(self.folder / "a.duckdb", create=False)
        assert self.archive.notices == []
        self.recorder = Recorder(self.archive, reserve_bytes=0, interval_s=0.0)

    @rule()
    def open_again_under_the_recorder(self) -> None:
        assert self.recorder.close(10.0)
        self.archive.reopen()
        self.recorder = Recorder(self.archive, reserve_bytes=0, interval_s=0.0)

    @rule()
    def new_session(self) -> None:
        self.recorder.end_session(self.session, 1)
        self.session = self.archive.begin_session(started=0, origin="live", sources=["machine"])

    @rule(n=st.sampled_from([1, 70]))
    def write_a_batch_twice(self, n: int) -> None:
        assert self.recorder.close(10.0)
        one = frame(self.at, n)
        batch = Encoder(*self.archive.claim()).encode([(self.session, one)])
        self.archive.release()
        assert self.archive.write(batch)
        self.archive.reopen()
        assert not self.archive.write(batch)
        self.at += n
        self.values += one.count()
        self.recorder = Recorder(self.archive, reserve_bytes=0, interval_s=0.0)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        if hasattr(self, "archive"):
            assert Reader(self.archive).samples() <= self.values

    def teardown(self) -> None:
        if hasattr(self, "archive"):
            assert self.recorder.close(10.0)
            reader = Reader(self.archive)
            assert reader.samples() == self.values
            times = [
                reader.raw(one.id, ["SAT-001/x/c0"], -1, 2**62)["SAT-001/x/c0"].times
                for one in reader.sessions()
                if one.samples
            ]
            assert np.array_equal(np.concatenate([*times, np.array([], np.int64)]), np.arange(self.at))
            assert {(one.session, one.event.key): one.event for one in reader.events()} == self.events
            self.archive.close()
        shutil.rmtree(self.folder)


TestRecording = Recording.TestCase
TestRecording.settings = settings(
    max_examples=5, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
)
