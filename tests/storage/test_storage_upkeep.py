"""What is done to an archive in the background changes its order and its size, and nothing that anyone reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from detection.event import Judged
from storage import Archive, Reader, Recorder, StorageError, recorded_frames
from storage.cells import DAY
from storage.compact import compact, shrink
from storage.merge import FAN, merge
from storage.retention import Retention, expire
from storage.rewrite import cut_at_days, join_left
from storage.upkeep import Upkeep
from telemetry import Channel, Frame, Group, Origin, Quality
from telemetry.clock import SECOND

FAST = Group("SAT", "fast", tuple(Channel("SAT", "aocs", f"f{i}", type="f4") for i in range(3)), period=SECOND // 10)
SLOW = Group("SAT", "slow", (Channel("SAT", "eps", "mode", type="i4"), Channel("SAT", "eps", "volt", type="f8")))
KEYS = [channel.key for group in (FAST, SLOW) for channel in group.channels]
START = 20_000 * DAY


def fast(at: int, n: int, seed: int = 0) -> Frame:
    """``n`` samples from sample number ``at`` on, ten a second; the second channel has holes, the third bad marks."""
    random = np.random.default_rng([seed, at])
    times = START + (at + np.arange(n, dtype=np.int64)) * (SECOND // 10)
    columns = tuple(random.normal(size=n).astype("f4") for _ in range(3))
    columns[1][random.random(n) < 0.1] = np.nan
    marks = np.where(random.random(n) < 0.1, Quality.INVALID, 0).astype(np.uint8)
    marks[20:30] = Quality.INVALID  # a second of nothing valid
    return Frame(FAST, times, columns, (None, None, marks), times + 5 if at % 2 else None)


def slow(at: int, n: int) -> Frame:
    """``n`` samples from sample number ``at`` on, one a minute."""
    times = START + (at + np.arange(n, dtype=np.int64)) * 60 * SECOND
    return Frame(SLOW, times, ((times // (60 * SECOND) % 3).astype("i4"), times / 7))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "a.duckdb") as opened:
        yield opened


def begin(archive: Archive, origin: Origin = "live", started: int = 0) -> int:
    return archive.begin_session(started=started, origin=origin, sources=["test"])


def record(archive: Archive, session: int, frames: list[Frame], *, end: int | None = None) -> None:
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    for frame in frames:
        assert recorder.put(session, frame, wait=True)
    if end is not None:
        recorder.end_session(session, end)
    assert recorder.close(20.0)


def everything(archive: Archive, session: int) -> dict[str, tuple[bytes, ...]]:
    found = Reader(archive).raw(session, KEYS, -(2**60), 2**60)
    return {
        key: tuple(b"" if one is None else one.tobytes() for one in (run.times, run.values, run.quality, run.received))
        for key, run in found.items()
    }


def drawn(archive: Archive, session: int, columns: int = 97) -> dict[str, tuple[bytes, ...]]:
    found = Reader(archive).envelope(session, KEYS, START, START + 3 * DAY, columns)
    return {key: (one.times.tobytes(), one.low.tobytes(), one.high.tobytes()) for key, one in found.items()}


def test_runs_of_runs_hold_what_was_recorded(archive: Archive) -> None:
    session = begin(archive)
    for turn in range(FAN):
        record(archive, session, [fast(turn * 1000, 700), slow(turn * 10, 10)])
        before = everything(archive, session), drawn(archive, session)
        assert merge(archive, least=1)
        assert (everything(archive, session), drawn(archive, session)) == before
    assert merge(archive, least=1_000_000)
    assert (everything(archive, session), drawn(archive, session)) == before
    assert not merge(archive, least=1_000_000)
    with archive.reading() as cursor:
        found = cursor.execute("SELECT (SELECT count(*) FROM _chunk), (SELECT list(level) FROM _run)").fetchall()
        order = cursor.execute("SELECT channel, t0 FROM _merged_chunk").fetchall()
    assert found == [(0, [2])]
    runs = [channel for channel, _ in groupby(order, key=lambda one: one[0])]
    assert len(runs) == len(set(runs))  # each channel lies together
    assert all(list(one) == sorted(one) for _, some in groupby(order, key=lambda one: one[0]) for one in [list(some)])


def test_what_is_recorded_while_chunks_are_sorted_and_the_file_is_replaced_is_there_once(archive: Archive) -> None:
    session, alone = begin(archive), threading.Event()
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    frames = [fast(at, 30) for at in range(0, 6000, 30)] + [slow(0, 100)]

    def put() -> None:
        for frame in frames:
            assert recorder.put(session, frame, wait=True)
        alone.set()

    thread = threading.Thread(target=put)
    thread.start()
    rounds = 0
    while not alone.is_set() or rounds < 3:
        merge(archive, least=1)
        compact(archive, say=lambda *_: None, stop=threading.Event())
        rounds += 1
    thread.join()
    assert recorder.close(20.0)
    assert Reader(archive).samples() == sum(frame.count() for frame in frames) == recorder.status().recorded_samples
    want = np.concatenate([frame.columns[0] for frame in frames[:-1]])
    assert Reader(archive).raw(session, KEYS, -(2**60), 2**60)[KEYS[0]].values.tobytes() == want.tobytes()


def test_pieces_of_a_writer_that_is_gone_are_joined(archive: Archive) -> None:
    session = begin(archive)
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    pause = threading.Event()
    for at in range(0, 280, 7):
        recorder.put(session, fast(at, 7))
        while recorder.status().queued:
            pause.wait(0.001)
    with archive.maintaining() as connection:
        assert join_left(connection, archive.leftover) == 0  # they belong to the recorder, which has them still
        before = everything(archive, session)
        held = connection.execute("SELECT count(*), max(id) FROM _fresh_block").fetchall()[0]
        assert held[0] > 5
        assert join_left(connection, held[1]) == held[0]
        assert connection.execute("SELECT count(*) FROM _fresh_block").fetchall() == [(0,)]
    assert everything(archive, session) == before
    recorder.close()


def test_a_block_of_an_earlier_version_that_crosses_midnight_is_cut(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(archive)
    with monkeypatch.context() as patched:
        patched.setattr("storage.encoder.cell_width", lambda step: 1000 * DAY)  # as it was before version 7
        record(archive, session, [slow(1300, 300)])
    before = everything(archive, session)
    with archive.maintaining() as connection:
        assert cut_at_days(connection, START) == 0
        assert cut_at_days(connection, START + 9 * DAY) == 1
        assert cut_at_days(connection, START + 9 * DAY) == 0
    assert everything(archive, session) == before


def test_old_values_become_summaries_that_say_the_same(archive: Archive) -> None:
    session = begin(archive)
    frames = [fast(day * 864_000, 5000) for day in range(3)] + [slow(0, 3 * 1440)]
    record(archive, session, frames)
    whole = Reader(archive).envelope(session, KEYS, START, START + 3 * DAY, 72)
    counted = Reader(archive).counts(session, KEYS, START, START + 3 * DAY, 3600 * SECOND)
    now = START + 4 * DAY
    assert expire(archive, Retention(values=2.0, seconds=3.0), now) > 0
    after = Reader(archive).envelope(session, KEYS, START, START + 3 * DAY, 72)
    again = Reader(archive).counts(session, KEYS, START, START + 3 * DAY, 3600 * SECOND)
    for key in KEYS:
        assert np.array_equal(whole[key].low, after[key].low)
        assert np.array_equal(whole[key].high, after[key].high)
        assert np.array_equal(whole[key].times, after[key].times)
        assert np.array_equal(counted[key].present, again[key].present)
    raw = Reader(archive).raw(session, KEYS, -(2**60), 2**60)
    assert raw[KEYS[0]].times.min() == START + 2 * DAY  # younger than two days
    assert len(raw["SAT/eps/volt"].times) == 3 * 1440  # a value a minute needs no summary a minute
    with archive.reading() as cursor:
        kept = cursor.execute(
            "SELECT epoch_us(time) // 86400000000 - 20000, list(DISTINCT epoch(width)), sum(count) FROM rollups "
            "WHERE channel = 'f0' GROUP BY 1 ORDER BY 1"
        ).fetchall()
        said = cursor.execute("SELECT epoch(kept), sum(samples) FROM expired GROUP BY 1 ORDER BY 1").fetchall()
    assert kept == [(0, [60.0], 5000), (1, [1.0], 5000)]
    assert [one for one, _ in said] == [1.0, 60.0]
    assert expire(archive, Retention(values=2.0, seconds=3.0), now) == 0
    assert expire(archive, Retention(values=1.0, seconds=1.5, minutes=2.0, hours=3.0), now + DAY) > 0
    assert "SAT/aocs/f0" not in Reader(archive).raw(session, KEYS, -(2**60), START + 3 * DAY)
    assert (Reader(archive).sessions()[0].first or 0) >= START + DAY


def test_telemetry_of_which_values_have_expired_is_not_given_out_as_telemetry(archive: Archive) -> None:
    session = begin(archive)
    record(archive, session, [fast(day * 864_000, 500) for day in range(3)])
    expire(archive, Retention(values=2.0), START + 4 * DAY)
    reader = Reader(archive)
    assert list(recorded_frames(reader, session, "SAT", START + 2 * DAY, START + 2 * DAY + 60 * SECOND))
    with pytest.raises(StorageError, match=r"before 2024-10-06T00:00:00Z have expired.* a summary a second is kept"):
        list(recorded_frames(reader, session, "SAT", START + DAY, START + 3 * DAY))


def test_what_was_imported_is_as_old_as_its_session(archive: Archive) -> None:
    imported, going_on = begin(archive, "import"), begin(archive, "simulation")
    record(archive, imported, [fast(0, 500)], end=START + 100 * DAY)
    record(archive, going_on, [fast(0, 500)])
    assert expire(archive, Retention(values=2.0), START + 101 * DAY) == 0
    assert expire(archive, Retention(values=2.0), START + 103 * DAY) == fast(0, 500).count()
    assert list(Reader(archive).raw(going_on, KEYS, 0, 2**60)) == KEYS[:3]


def test_scores_of_an_import_are_as_old_as_their_session_says(archive: Archive) -> None:
    session = begin(archive, "import")
    times = START + np.arange(3 * 24, dtype=np.int64) * 3600 * SECOND  # three days, long ago
    ratio = np.full((len(times), 3), 0.5, np.float32)
    recorder = Recorder(archive, reserve_bytes=0)
    recorder.put(session, fast(0, 1))
    recorder.put(session, Judged(FAST, times, ratio, ratio, ratio))
    recorder.end_session(session, START + 500 * DAY)
    assert recorder.close()

    def left() -> int:
        return len(Reader(archive).ratios(session, KEYS[0], "bank", 0, 2**60)[0])

    expire(archive, Retention(ratios=3.0), START + 502 * DAY)
    assert left() == len(times)
    expire(archive, Retention(ratios=1.0), START + 500 * DAY)
    assert left() == 25  # a day behind the newest
    expire(archive, Retention(ratios=1.0), START + 502 * DAY)
    assert left() == 0


def test_a_satellite_whose_clock_is_wrong_loses_nothing_at_once(archive: Archive) -> None:
    session = begin(archive, started=START + 1000 * DAY)
    record(archive, session, [fast(0, 500)])
    assert expire(archive, Retention(values=2.0), START + 1001 * DAY) == 0


def test_a_day_of_which_a_recorder_holds_pieces_expires_when_it_has_written_them(archive: Archive) -> None:
    session, committed = begin(archive), threading.Event()
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0, on_commit=lambda _: committed.set())
    assert recorder.put(session, fast(0, 20), wait=True)
    assert committed.wait(20.0)
    kept, now = Retention(values=1.0, seconds=1.0), START + 9 * DAY
    assert expire(archive, kept, now) == 0
    assert recorder.close(20.0)
    assert Reader(archive).samples() == fast(0, 20).count()
    record(archive, session, [fast(20, 400)])
    assert expire(archive, kept, now) > 0
    counted = Reader(archive).counts(session, KEYS, START, START + DAY, DAY)
    assert sum(int(one.present.sum()) for one in counted.values()) == fast(0, 20).count() + fast(20, 400).count()


def test_a_bound_on_the_size_takes_the_oldest_first(archive: Archive) -> None:
    session = begin(archive)
    record(archive, session, [fast(day * 864_000 + at, 5000) for day in range(4) for at in range(0, 50_000, 5000)])
    compact(archive, say=lambda *_: None, stop=threading.Event())
    used = archive.used_bytes()
    assert shrink(archive, used, START + 5 * DAY, threading.Event()) == 0
    assert shrink(archive, used * 3 // 4, START + 5 * DAY, threading.Event()) > 0
    left = Reader(archive).raw(session, KEYS[:1], 0, 2**60)[KEYS[0]].times
    assert left.min() > START
    assert left.max() == START + 3 * DAY + 49_999 * (SECOND // 10)
    assert archive.bytes < used
    assert shrink(archive, 1, START + 4 * DAY, threading.Event()) > 0
    assert Reader(archive).raw(session, KEYS[:1], 0, 2**60)[KEYS[0]].times.min() == START + 3 * DAY  # the last day


def test_a_compact_copy_is_the_same_archive_in_less_room(archive: Archive) -> None:
    session = begin(archive)
    record(archive, session, [fast(at, 500) for at in range(0, 400_000, 500)] + [slow(0, 900)], end=5)
    while merge(archive, least=1):
        pass
    before = everything(archive, session), drawn(archive, session)
    told: list[float] = []
    done = compact(archive, say=lambda _, share: told.append(share), stop=threading.Event())
    assert (everything(archive, session), drawn(archive, session)) == before
    assert done.after < 0.75 * done.before
    assert told == sorted(told)
    assert told[-1] == 1.0
    with archive.reading() as connection:
        assert connection.execute("SELECT count(*) FROM _chunk").fetchall() == [(0,)]
    record(archive, session, [fast(400_000, 100)])
    assert (
        Reader(archive).samples()
        == sum(fast(at, 500).count() for at in range(0, 400_000, 500)) + 1800 + fast(400_000, 100).count()
    )


def test_a_compaction_that_is_ended_leaves_the_archive_as_it_was(archive: Archive) -> None:
    session, stop = begin(archive), threading.Event()
    record(archive, session, [fast(0, 500)])
    stop.set()
    with pytest.raises(StorageError, match="was ended"):
        compact(archive, say=lambda *_: None, stop=stop)
    assert [one.name for one in archive.path.parent.iterdir() if "compacting" in one.name] == []
    record(archive, session, [fast(500, 500)])
    assert Reader(archive).samples() == fast(0, 500).count() + fast(500, 500).count()


def test_a_compaction_without_room_says_how_much_it_needs_and_what_of_it_is_the_reserve(archive: Archive) -> None:
    said = r"needs about 1,000,000,000 MB beside it, 1,000,000,000 MB of them .* \(storage.reserve_mb\)"
    with pytest.raises(StorageError, match=said):
        compact(archive, say=lambda *_: None, stop=threading.Event(), reserve_bytes=10**15)


def test_upkeep_runs_beside_a_recorder_and_ends_when_told(archive: Archive) -> None:
    session = begin(archive)
    upkeep = Upkeep(archive, Retention(values=1.0), every_s=0.01, clock=lambda: START + 4 * DAY)
    record(archive, session, [fast(0, 5000), fast(3 * 864_000, 5000)])
    pause = threading.Event()
    for _ in range(1000):
        if upkeep.status().expired:
            break
        pause.wait(0.01)
    assert upkeep.status().expired == fast(0, 5000).count()
    assert upkeep.status().error == ""
    assert upkeep.close()
