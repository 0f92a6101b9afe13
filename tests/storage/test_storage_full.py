"""A disk that fills while an archive is put in order: it stays whole, says so, and goes on when there is room."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import Archive, Recorder, Retention, StorageError, Upkeep, merge
from storage.cells import DAY
from storage.compact import compact
from storage.retention import expire
from tests.storage import dying_model as model

KEPT = Retention(values=1.0, seconds=1.0)
FRAMES = 48


def recorded(archive: Archive) -> dict[int, int]:
    """Some twelve days of telemetry, as samples by session."""
    session = archive.begin_session(started=0, origin="live", sources=["test"])
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    for number in range(FRAMES):
        for frame in model.frames(session, number):
            assert recorder.put(session, frame, wait=True)
    assert recorder.close(20.0)
    return {session: recorder.status().recorded_samples}


def fill(disk: Path, leave: int = 0) -> None:
    """Take all the room but ``leave`` bytes."""
    with (disk / "ballast").open("ab", buffering=0) as ballast:
        try:
            while ballast.write(bytes(1 << 12)):
                pass
        except OSError:
            pass
        ballast.truncate(max(0, ballast.tell() - leave))


def merged(archive: Archive, disk: Path) -> None:
    merge.merge(archive, least=1)


def expired(archive: Archive, disk: Path) -> None:
    expire(archive, KEPT, model.START + 1000 * DAY)


def compacted(archive: Archive, disk: Path) -> None:
    def say(_: str, share: float) -> None:
        if share > 0:
            fill(disk)

    compact(archive, say=say, stop=threading.Event())


@pytest.mark.parametrize("work", [merged, expired, compacted])
def test_an_archive_is_whole_after_the_disk_was_full_and_goes_on(
    small_disk: Path, work: Callable[[Archive, Path], None]
) -> None:
    path = small_disk / "a.duckdb"
    with Archive.open(path) as archive:
        acknowledged = recorded(archive)
        archive.checkpoint()
        if work is not compacted:
            fill(small_disk)
        with pytest.raises(StorageError, match=r"is full: free some space"):
            work(archive, small_disk)
        assert [one.name for one in small_disk.iterdir() if "compacting" in one.name] == []
        (small_disk / "ballast").unlink()
        archive.begin_session(started=0, origin="live", sources=["next"])
        model.check(archive, acknowledged)
        acknowledged |= recorded(archive)
        if work is not compacted:
            work(archive, small_disk)
        else:
            compact(archive, say=lambda *_: None, stop=threading.Event())
        model.check(archive, acknowledged)
    with Archive.open(path) as archive:
        model.check(archive, acknowledged)


def test_an_archive_that_a_full_disk_made_invalid_is_opened_again(small_disk: Path) -> None:
    with Archive.open(small_disk / "a.duckdb") as archive:
        acknowledged = recorded(archive)
        fill(small_disk)
        with pytest.raises(StorageError, match=r"is full: free some space"):
            archive.checkpoint()
        model.check(archive, acknowledged)
        (small_disk / "ballast").unlink()
        acknowledged |= recorded(archive)
        model.check(archive, acknowledged)


@pytest.mark.logs("upkeep: The disk of")
def test_upkeep_says_that_the_disk_is_full_and_goes_on_when_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge, "RUN_CHUNKS", 60)
    with Archive.open(small_disk / "a.duckdb") as archive:
        acknowledged = recorded(archive)
        archive.checkpoint()
        fill(small_disk)
        upkeep = Upkeep(archive, KEPT, every_s=0.01, clock=lambda: model.START + 1000 * DAY)
        pause = threading.Event()
        for _ in range(2000):
            if upkeep.status().error:
                break
            pause.wait(0.005)
        assert upkeep.status().error == f"The disk of {archive.path} is full: free some space there."
        (small_disk / "ballast").unlink()
        for _ in range(2000):
            if upkeep.status().expired and not upkeep.status().error:
                break
            pause.wait(0.005)
        assert upkeep.status().error == ""
        assert upkeep.close()
        model.check(archive, acknowledged)
