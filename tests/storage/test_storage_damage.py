"""Kills, locks, damaged and foreign files: nothing acknowledged is lost without a sentence, nothing is deleted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

from storage import Archive, Reader, StorageError
from tests.storage.conftest import make_read_only

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("recording_child.py")
A_FRAME = 50 * 4


def child(*arguments: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(CHILD), *(str(one) for one in arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def killed_by_itself(path: Path, commits: int) -> int:
    """What was acknowledged by a process that died right after so many commits."""
    process = child(path, commits)
    said, _ = process.communicate(timeout=60)
    return int(said.split()[-1])


@pytest.mark.parametrize("lines", [1, 25])
def test_kill_9_loses_nothing_acknowledged_and_leaves_no_half_batch(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "killed.duckdb"
    process = child(path)
    assert process.stdout is not None
    for _ in range(lines):
        process.stdout.readline()
    process.kill()
    said = process.stdout.read().splitlines(keepends=True)
    process.stdout.close()
    process.wait(timeout=60)
    whole = [line for line in said if line.endswith(b"\n")]
    with Archive.open(path) as archive:
        assert archive.notices == []
        reader = Reader(archive)
        found = reader.samples()
        if whole:
            assert found >= int(whole[-1])
        assert found % A_FRAME == 0
        keys = [f"SAT-001/x/c{i}" for i in range(4)]
        channels = reader.raw(1, keys, 0, 2**62)
        for samples in channels.values():
            assert np.array_equal(samples.times, np.arange(found // 4) * 1000)
        assert reader.sessions()[0].ended is None


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of an archive whose writer was killed after 30 commits, and what was acknowledged."""
    folder = tmp_path_factory.mktemp("cut")
    return folder, killed_by_itself(folder / "a.duckdb", 30)


def copy_of(cut_off: tuple[Path, int], to: Path) -> tuple[Path, Path, int]:
    for file in cut_off[0].iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to / "a.duckdb", to / "a.duckdb.wal", cut_off[1]


def test_an_unclean_end_alone_is_nothing_to_report(cut_off: tuple[Path, int], tmp_path: Path) -> None:
    path, _, acknowledged = copy_of(cut_off, tmp_path)
    with Archive.open(path) as archive:
        assert archive.notices == []
        assert Reader(archive).samples() == acknowledged
    assert [file.name for file in tmp_path.iterdir()] == ["a.duckdb"]


@pytest.mark.parametrize("where", [0.02, 0.5, 0.999])
def test_a_flipped_bit_in_the_log_is_said_with_what_is_missing(
    cut_off: tuple[Path, int], tmp_path: Path, where: float
) -> None:
    path, log, acknowledged = copy_of(cut_off, tmp_path)
    damaged = bytearray(log.read_bytes())
    damaged[int(where * len(damaged))] ^= 0x10
    log.write_bytes(damaged)
    with Archive.open(path) as archive:
        found = Reader(archive).samples()
        (notice,) = archive.notices
    assert found < acknowledged
    assert f"{acknowledged - found:,} samples" in notice
    kept = tmp_path / "a.duckdb.wal.kept-1"
    assert str(kept) in notice
    assert kept.read_bytes() == bytes(damaged)


def test_a_torn_log_is_said_although_it_opens(cut_off: tuple[Path, int], tmp_path: Path) -> None:
    path, log, acknowledged = copy_of(cut_off, tmp_path)
    os.truncate(log, log.stat().st_size - 700)
    with Archive.open(path) as archive:
        found = Reader(archive).samples()
        (notice,) = archive.notices
    assert 0 < found < acknowledged
    assert f"{acknowledged - found:,} samples" in notice


def test_without_a_ledger_a_refused_log_is_said_with_the_last_known_commit(
    cut_off: tuple[Path, int], tmp_path: Path
) -> None:
    path, log, _ = copy_of(cut_off, tmp_path)
    (tmp_path / "a.duckdb.acknowledged").write_text("{ not json")
    damaged = bytearray(log.read_bytes())
    damaged[-60] ^= 0x10
    log.write_bytes(damaged)
    with Archive.open(path) as archive:
        (notice,) = archive.notices
    assert "may be missing" in notice
    assert (tmp_path / "a.duckdb.wal.kept-1").exists()


def test_an_archive_held_by_another_process_is_said_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "held.duckdb"
    Archive.open(path).close()
    holder = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({str(path)!r}); print(1, flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(StorageError, match=rf"is in use by process {holder.pid} \(.*close that program"):
            Archive.open(path)
    finally:
        holder.communicate(b"\n", timeout=30)
    Archive.open(path).close()


def test_whoever_does_not_hold_an_archive_touches_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "held.duckdb"
    attempt = "import sys; from pathlib import Path; from storage import Archive; Archive.open(Path(sys.argv[1]))"
    with Archive.open(path):
        beside = [path.with_name(path.name + suffix) for suffix in (".compacting", ".wal", ".wal.copying")]
        for one in beside:
            one.write_bytes(b"the holder's own")
        there = sorted(path.parent.iterdir())
        tried = subprocess.run([sys.executable, "-c", attempt, str(path)], capture_output=True, text=True, check=False)
        assert "is in use by process" in tried.stderr
        assert sorted(path.parent.iterdir()) == there
        assert all(one.read_bytes() == b"the holder's own" for one in beside)
        for one in beside:
            one.unlink()


def test_an_archive_open_in_this_program_is_not_opened_twice(tmp_path: Path) -> None:
    path = tmp_path / "once.duckdb"
    with Archive.open(path), pytest.raises(StorageError, match="already open in this program"):
        Archive.open(path)
    Archive.open(path).close()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not an archive"),
        (b"time,value\n1,2\n" * 900, "is not an archive"),
        (bytes(range(256)) * 64, "is not an archive"),
    ],
)
def test_a_file_that_is_something_else_is_refused_and_left(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "other.duckdb"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=says):
        Archive.open(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("at", [20, 4096 + 20, 8192 + 20])
def test_a_damaged_header_is_refused_and_left(tmp_path: Path, at: int) -> None:
    path = tmp_path / "header.duckdb"
    Archive.open(path).close()
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(StorageError, match=r"damaged.*restore it from a copy"):
        Archive.open(path)
    assert path.read_bytes() == bytes(damaged)


@pytest.mark.parametrize("size", [100, 5000, 12288])
def test_a_truncated_file_is_refused_and_left(tmp_path: Path, size: int) -> None:
    path = tmp_path / "short.duckdb"
    Archive.open(path).close()
    os.truncate(path, size)
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"damaged|is not an archive"):
        Archive.open(path)
    assert path.read_bytes() == before


def test_a_duckdb_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE samples (x INTEGER)")
    with pytest.raises(StorageError, match="not an archive of Perigee"):
        Archive.open(path)


def test_an_archive_of_a_newer_version_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "newer.duckdb"
    Archive.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO _migration VALUES (999, 0, '7.3')")
    with pytest.raises(StorageError, match=r"written by Perigee 7\.3, which is newer"):
        Archive.open(path)


def test_a_folder_a_missing_folder_and_a_missing_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is a folder"):
        Archive.open(tmp_path)
    with pytest.raises(StorageError, match="there is no folder"):
        Archive.open(tmp_path / "none" / "a.duckdb")
    with pytest.raises(StorageError, match="There is no archive"):
        Archive.open(tmp_path / "a.duckdb", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    Archive.open(tmp_path / "there.duckdb").close()
    tmp_path.chmod(0o500)
    try:
        for name in ("there.duckdb", "new.duckdb"):
            with pytest.raises(StorageError, match="may not be written"):
                Archive.open(tmp_path / name)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_said_and_left(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    Archive.open(path).close()
    path.chmod(0o400)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="may not be written"):
        Archive.open(path)
    assert path.read_bytes() == before


def test_a_disk_that_takes_no_writing_is_said_and_what_is_on_it_is_left(
    cut_off: tuple[Path, int], small_disk: Path
) -> None:
    path, _, _ = copy_of(cut_off, small_disk)
    before = {one.name: one.read_bytes() for one in small_disk.iterdir()}
    make_read_only(small_disk)
    for asked in (path, small_disk / "new.duckdb"):
        with pytest.raises(StorageError, match="may not be written"):
            Archive.open(asked)
    assert {one.name: one.read_bytes() for one in small_disk.iterdir()} == before


def test_a_name_with_a_quote_in_it_is_a_name(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "it's.duckdb") as archive:
        assert Reader(archive).samples() == 0
    assert (tmp_path / "it's.duckdb").exists()


def opened_and_killed(path: Path) -> None:
    said = "import sys, os; from pathlib import Path; from storage import Archive; "
    code = f"{said}a = Archive.open(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=False).returncode == -9


def test_a_log_that_two_processes_left_is_said_with_what_both_of_them_lost(
    cut_off: tuple[Path, int], tmp_path: Path
) -> None:
    path, log, acknowledged = copy_of(cut_off, tmp_path)
    acknowledged += killed_by_itself(path, 3)
    opened_and_killed(path)
    os.truncate(log, 2000)
    with Archive.open(path) as archive:
        assert Reader(archive).samples() == 0
        (notice,) = archive.notices
    assert f"{acknowledged:,} samples recorded since the archive was made" in notice


def test_an_opening_that_was_killed_leaves_no_copies_of_the_log(cut_off: tuple[Path, int], tmp_path: Path) -> None:
    path, log, acknowledged = copy_of(cut_off, tmp_path)
    (tmp_path / "a.duckdb.wal.kept-1").write_bytes(log.read_bytes())
    (tmp_path / "a.duckdb.wal.copying").write_bytes(log.read_bytes()[:1000])
    with Archive.open(path) as archive:
        assert archive.notices == []
        assert Reader(archive).samples() == acknowledged
    assert [file.name for file in tmp_path.iterdir()] == ["a.duckdb"]


def test_a_log_beside_a_new_archive_is_kept_and_said(cut_off: tuple[Path, int], tmp_path: Path) -> None:
    path, log, acknowledged = copy_of(cut_off, tmp_path)
    moved = path.rename(tmp_path / "moved.duckdb")
    whole = log.read_bytes()
    kept = tmp_path / "a.duckdb.wal.kept-1"
    with Archive.open(path) as archive:
        (notice,) = archive.notices
    assert f"is kept as {kept}" in notice
    assert kept.read_bytes() == whole
    moved.replace(path)
    kept.rename(log)
    with Archive.open(path) as archive:
        assert Reader(archive).samples() == acknowledged
