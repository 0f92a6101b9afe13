"""Starting cores and waiting for their end: what each leaves behind, and what is said of one that does not end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.launch import LOG_BYTES, start
from app.paths import SEED_REPOSITORY, log_file
from app.plan import Plan
from app.window import corelink
from app.window.corelink import CoreLink


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(("sim:quiet",), str(tmp_path / "t.duckdb"), str(SEED_REPOSITORY))


def _start_and_kill(plan: Plan) -> None:
    with start(plan) as core:
        core.kill()


def test_a_long_log_of_cores_is_put_aside_and_one_older_is_kept(plan: Plan) -> None:
    log, older = log_file("core"), log_file("core").with_name("core.log.1")
    _start_and_kill(plan)
    assert not older.exists()
    for turn in (b"a", b"b"):
        log.write_bytes(turn * (LOG_BYTES + 1))
        _start_and_kill(plan)
        assert older.read_bytes() == turn * (LOG_BYTES + 1)
        assert log.stat().st_size < LOG_BYTES
    assert sorted(path.name for path in log.parent.glob("core*")) == ["core.log", "core.log.1"]


def test_a_log_that_is_short_enough_is_added_to(plan: Plan) -> None:
    log_file("core").write_bytes(b"x" * LOG_BYTES)
    _start_and_kill(plan)
    assert log_file("core").read_bytes()[:LOG_BYTES] == b"x" * LOG_BYTES


@pytest.fixture
def undying() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for its standard input to end."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_core_that_is_lost_and_does_not_end_is_named_with_a_cure(
    plan: Plan, undying: subprocess.Popen[bytes], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corelink, "DEATH_DEADLINE_S", 0.05)
    link = CoreLink(plan)
    link._process = undying
    with qtbot.waitSignal(link.failed) as failed:
        link._on_lost()
    (sentence,) = failed.args
    assert f"its process {undying.pid} did not end within 0.05 s: end that process" in sentence
    with qtbot.waitSignal(link.closed):
        link.close()
    assert undying.returncode is not None
