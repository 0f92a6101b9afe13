"""Logs torn and bits flipped at many places: what is missing is named as it is, and nothing wrong is ever read."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from storage import Archive, Reader, StorageError
from storage.encoder import Encoder
from storage.ledger import Mark
from storage.merge import merge
from telemetry.clock import SECOND, iso
from tests.storage import dying_model as model

soak = pytest.mark.soak
COMMITS = 24


def recorded(path: Path, commits: int) -> list[Mark]:
    """What was taken after each commit, the first of which was at the first second, the second at the second one."""
    now = [0]

    def clock() -> int:
        return now[0] * SECOND

    taken = [Mark(0, 0, 0, None)]
    with Archive.open(path, clock=clock) as archive:
        session = archive.begin_session(started=0, origin="live", sources=["test"])
        encoder = Encoder(*archive.claim())
        for number in range(commits):
            now[0] += 1
            batch = encoder.encode([(session, frame) for frame in model.frames(session, number)])
            archive.write(batch)
            taken.append(Mark(number + 1, taken[-1].samples + batch.samples, now[0] * SECOND, batch.newest))
        log = path.with_name(path.name + ".wal")
        beside = {one: one.read_bytes() for one in path.parent.iterdir()}
    # As a process that was killed would have left it.
    for one, content in beside.items():
        one.write_bytes(content)
    assert log.exists()
    return taken


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], list[Mark]]:
    """The files that a killed recorder leaves, and what it had acknowledged."""
    path = tmp_path_factory.mktemp("left") / "a.duckdb"
    taken = recorded(path, COMMITS)
    return {one.name: one.read_bytes() for one in path.parent.iterdir()}, taken


def torn(log: bytearray, chance: random.Random) -> None:
    del log[chance.randrange(len(log)) :]


def flipped(log: bytearray, chance: random.Random) -> None:
    log[chance.randrange(len(log))] ^= 1 << chance.randrange(8)


def flipped_at_its_begin(log: bytearray, chance: random.Random) -> None:
    log[chance.randrange(200)] ^= 1 << chance.randrange(8)


def zeroed(log: bytearray, chance: random.Random) -> None:
    """As a file system leaves a file whose last blocks it never wrote."""
    at = chance.randrange(len(log))
    log[at:] = bytes(len(log) - at)


@pytest.mark.parametrize("damage", [torn, flipped, flipped_at_its_begin, zeroed])
@pytest.mark.parametrize("places", [4, pytest.param(100, marks=soak)])
def test_of_a_damaged_log_what_is_missing_is_named_as_it_is(
    left: tuple[dict[str, bytes], list[Mark]],
    tmp_path: Path,
    damage: Callable[[bytearray, random.Random], None],
    places: int,
) -> None:
    chance = random.Random(f"{damage.__name__} {places}")
    files, taken = left
    for place in range(places):
        folder = tmp_path / str(place)
        folder.mkdir()
        path = folder / "a.duckdb"
        for name, content in files.items():
            (folder / name).write_bytes(content)
        log = bytearray(files["a.duckdb.wal"])
        damage(log, chance)
        (folder / "a.duckdb.wal").write_bytes(log)
        with Archive.open(path) as archive:
            notices, archive.notices[:] = list(archive.notices), []
            model.check(archive, {})
            found = next(one for one in taken if one.samples == Reader(archive).samples())
        if found == taken[-1]:
            assert notices == []
            assert [one.name for one in folder.iterdir()] == ["a.duckdb"]
            continue
        since = f"after {iso(found.committed)}" if found.commits else "since the archive was made"
        missing = f"{taken[-1].samples - found.samples:,} samples recorded {since} and until {iso(taken[-1].committed)}"
        assert len(notices) == 1
        gap = (found.newest or 0, taken[-1].newest, taken[-1].samples - found.samples)
        span = f" (telemetry from {iso(gap[0])} to {iso(gap[1] or 0)})" if found.newest is not None else ""
        assert f"{missing}{span} are missing" in notices[0]
        with Archive.open(path) as archive:  # said once, and kept
            assert archive.notices == []
            if found.newest is not None:
                assert [(one.start, one.stop, one.samples) for one in Reader(archive).gaps(1)] == [gap]
        if log:
            assert (folder / "a.duckdb.wal.kept-1").read_bytes() == log


@pytest.mark.parametrize("places", [6, pytest.param(200, marks=soak)])
def test_a_flipped_bit_in_the_file_is_a_sentence_or_changes_nothing(tmp_path: Path, places: int) -> None:
    path = tmp_path / "a.duckdb"
    with Archive.open(path) as archive:
        session = archive.begin_session(started=0, origin="live", sources=["test"])
        for half in range(2):
            encoder = Encoder(*archive.claim())
            for number in range(40 * half, 40 * half + 40):
                archive.write(encoder.encode([(session, frame) for frame in model.frames(session, number)]))
            archive.release()
            if half == 0:
                merge(archive, least=1)
        samples = Reader(archive).samples()
    whole = path.read_bytes()
    chance, refused = random.Random(places), 0
    for _ in range(places):
        damaged = bytearray(whole)
        flipped(damaged, chance)
        path.write_bytes(damaged)
        try:
            with Archive.open(path) as archive:
                model.check(archive, {session: samples})
        except StorageError as problem:
            refused += 1
            assert re.match(rf"{re.escape(str(path))} is damaged \(.*\): restore it from a copy", str(problem))
        else:
            continue
    assert refused > places // 2
