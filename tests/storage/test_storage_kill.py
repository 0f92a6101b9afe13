"""Processes killed in whatever they do to an archive: what was acknowledged is there, once, and the next goes on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage import Archive, Recorder, schema
from storage.door import rows
from storage.retention import expire
from tests.storage import dying_model as model
from tests.storage.dying_child import KEPT, spots

ROOT = Path(__file__).parents[2]
soak = pytest.mark.soak
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are made by fork")

DEEDS = {
    "commit": "_writer",
    "checkpoint": "_session",
    "merge": "_run",
    "join": "_writer",
    "expire": "_expired",
    "compact": "_run",
    "upkeep": "_expired",
}
"""What a process does until it is killed, and the table in which it leaves a trace."""


class Killer:
    """Has processes killed; ``acknowledged`` is what they said, by session."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.storage.dying_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=ROOT,
            text=True,
        )

    def kill(self, path: Path, deed: str, turns: int, delay_s: float, spot: int | None = None) -> dict[int, int]:
        """Samples that were acknowledged, by session."""
        assert self._server.stdin is not None and self._server.stdout is not None
        request: dict[str, Any] = {"path": str(path), "deed": deed, "turns": turns, "delay_s": delay_s, "spot": spot}
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        answer = json.loads(self._server.stdout.readline())
        assert answer["killed"], "the process ended by itself; its last words are above"
        return {int(session): samples for session, samples in answer["acknowledged"].items()}

    def close(self) -> None:
        self._server.communicate(timeout=60)


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    one = Killer()
    yield one
    one.close()


def looked_at(path: Path, acknowledged: dict[int, int]) -> None:
    """Open, check everything, close: nothing is left beside the archive."""
    with Archive.open(path) as archive:
        assert [one.name for one in path.parent.iterdir() if "compacting" in one.name] == []
        model.check(archive, acknowledged)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def left_a_trace(path: Path, deed: str) -> None:
    with Archive.open(path) as archive, archive.reading() as cursor:
        assert rows(cursor, f"SELECT count(*) > 0 FROM {DEEDS[deed]}") == [(True,)]


def goes_on(path: Path, acknowledged: dict[int, int]) -> None:
    """A recorder adds what it is given to what is there."""
    with Archive.open(path) as archive:
        session = archive.begin_session(started=0, origin="live", sources=["next"])
        recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
        for number in range(5):
            for frame in model.frames(session, number):
                assert recorder.put(session, frame, wait=True)
        assert recorder.close(20.0)
        recorded = recorder.status().recorded_samples
    looked_at(path, {**acknowledged, session: recorded})


@pytest.mark.parametrize(
    ("deed", "rounds"),
    [
        *((deed, 1 if deed in ("expire", "compact", "upkeep") else 2) for deed in DEEDS),
        *(pytest.param(deed, 60, marks=soak) for deed in DEEDS),
    ],
)
def test_what_was_acknowledged_is_there_once_whatever_a_process_was_killed_in(
    killer: Killer, tmp_path: Path, deed: str, rounds: int
) -> None:
    chance = random.Random(f"{deed} {rounds}")
    for begin in range(0, rounds, 12):
        path, acknowledged = tmp_path / str(begin) / "a.duckdb", dict[int, int]()
        path.parent.mkdir()
        for turn in range(min(12, rounds - begin)):
            acknowledged |= killer.kill(path, deed, 1 if turn == 0 else chance.randint(0, 2), chance.uniform(0, 0.1))
            if chance.random() < 0.7:  # else the next one finds what two of them left
                looked_at(path, acknowledged)
        left_a_trace(path, deed)
        goes_on(path, acknowledged)


@pytest.mark.parametrize("spot", [pytest.param(n, marks=[] if n in (6, 8) else soak) for n in range(spots("compact"))])
def test_a_compaction_killed_around_its_rename_leaves_the_old_file_or_the_new_one(
    killer: Killer, tmp_path: Path, spot: int
) -> None:
    path = tmp_path / "a.duckdb"
    acknowledged = killer.kill(path, "commit", 10, 0.0)
    acknowledged |= killer.kill(path, "compact", 10_000, 0.0, spot)
    looked_at(path, acknowledged)


@pytest.mark.parametrize(
    ("deed", "spot"),
    [
        pytest.param(deed, spot, marks=[] if (deed, spot) in (("merge", 3), ("join", 1), ("expire", 1)) else soak)
        for deed in ("merge", "join", "expire")
        for spot in range(spots(deed))
    ],
)
def test_a_step_killed_between_its_statements_was_never_begun(
    killer: Killer, tmp_path: Path, deed: str, spot: int
) -> None:
    path = tmp_path / "a.duckdb"
    acknowledged = killer.kill(path, deed, 10_000, 0.0, spot)
    looked_at(path, acknowledged)


@pytest.mark.parametrize(
    ("version", "rounds"),
    [
        *((version, 0) for version in (1, 6)),
        *(pytest.param(version, 10, marks=soak) for version in range(1, schema.VERSION)),
    ],
)
def test_a_migration_that_was_killed_is_made_the_next_time(
    killer: Killer, tmp_path: Path, version: int, rounds: int
) -> None:
    chance = random.Random(version)
    places: list[int | None] = [*range(spots("migrate")), *([None] * rounds)]
    for turn, spot in enumerate(places):
        path = tmp_path / str(turn) / "a.duckdb"
        path.parent.mkdir()
        acknowledged = {1: model.earlier(path, version, 60)}
        acknowledged |= killer.kill(path, "migrate", 1 if spot is None else 10, chance.uniform(0, 0.1), spot)
        looked_at(path, acknowledged)
    with Archive.open(path) as archive:
        assert expire(archive, KEPT, model.clock(1, acknowledged[1])) > 0
    goes_on(path, acknowledged)
