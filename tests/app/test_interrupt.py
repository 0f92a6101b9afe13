"""Ctrl-C, SIGTERM and a missing display: the run ends in order, and everything taken in is recorded."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app import launch
from app.cli.result import MonitorResult
from app.paths import SEED_REPOSITORY, runtime_folder
from app.plan import Plan
from inference.triton.records import began

if TYPE_CHECKING:
    from tests.app.conftest import Run, Start

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no display here that could be missing")

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]

DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@pytest.fixture(scope="module", autouse=True)
def without_display(start: Start) -> Run:
    """Begun before everything else here; an hour of the fleet takes some seconds."""
    return start(without=DISPLAYS)


@pytest.mark.parametrize(("number", "speed"), [(signal.SIGINT, "1"), (signal.SIGTERM, "50")], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_records_what_it_took_in_and_prints_its_result(
    start: Start, ask: Ask, number: signal.Signals, speed: str
) -> None:
    run = start("monitor", "sim:demo", "--headless", "--json", "--speed", speed)
    run.wait_for("samples")  # the first line of progress
    run.signal(number)
    code, printed, said = run.end()
    assert code == 130, said
    assert not any("Traceback" in line for line in said)
    result = MonitorResult.model_validate_json(printed, strict=True)
    assert result.samples == result.recorded_samples > 0
    assert ask(result.archive, "SELECT count(*) FROM samples") == [(result.samples,)]
    assert ask(result.archive, "SELECT samples, ended IS NULL FROM sessions") == [(result.samples, False)]
    assert not Path(result.archive + ".wal").exists()


def test_a_second_interrupt_while_draining_changes_nothing(start: Start, ask: Ask) -> None:
    run = start("monitor", "sim:load?channels=500", "--headless", "--json", "--speed", "50")
    run.wait_for("samples")
    run.signal(signal.SIGINT)
    run.signal(signal.SIGINT)
    run.signal(signal.SIGTERM)
    code, printed, said = run.end()
    assert code == 130, said
    result = MonitorResult.model_validate_json(printed, strict=True)
    assert ask(result.archive, "SELECT count(*) FROM samples") == [(result.samples,)]
    assert result.recorded_samples == result.samples


def test_ctrl_c_while_a_file_is_being_opened_leaves_no_traceback(tmp_path: Path) -> None:
    """The interpreter itself says when the file is opened, so that the signal comes at that moment."""
    file = tmp_path / "recording.csv"
    file.write_text("time,voltage\n" + "".join(f"2030-01-01T00:00:{second:02}Z,28\n" for second in range(60)))
    code = (
        "import signal, sys\n"
        "from app.cli import main\n"
        "def hook(name, given):\n"
        "    if name == 'open' and str(given[0]).endswith('recording.csv'):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "sys.addaudithook(hook)\n"
        "main(['monitor', sys.argv[1], '--headless'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_window_asked_for_where_there_is_no_display_is_one_sentence(start: Start) -> None:
    code, printed, said = start("monitor", "sim:demo", without=DISPLAYS).end()
    assert (code, printed) == (2, "")
    (line,) = said
    assert line == "perigee: No display was found. Give --headless to watch without a window."


def test_without_a_display_an_hour_is_watched_and_ends_with_the_summary(without_display: Run, ask: Ask) -> None:
    """The last test here: what it waits for has been going on since the first."""
    code, printed, said = without_display.end()
    assert code == 0, said
    assert said[0] == (
        "perigee: No display was found. Watching an hour of the built-in fleet without a window, at full speed."
    )
    # Beside that only progress: nothing of Qt, no traceback.
    assert all(re.fullmatch(r"2030-\d\d-\d\dT\d\d:\d\d:\d\dZ  .* events", line) for line in said[1:]), said
    first, *_ = lines = printed.splitlines()
    found = re.fullmatch(r"sim:demo: ([\d,]+) samples in [\d.]+ s, ([\d,]+) recorded in (.+)", first)
    assert found is not None, first
    samples, recorded, archive = found.groups()
    assert samples == recorded
    assert ask(archive, "SELECT count(*) FROM samples") == [(int(samples.replace(",", "")),)]
    assert any(line.startswith("Injected: 2030-01-01T00:") for line in lines)
    assert any(re.fullmatch(r"  2030-.*: watch, opened by \w+, peak [\d.]+ x threshold", line) for line in lines)


@pytest.fixture
def starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """In place of a tritonserver a program that never answers: gives its process, once it has been started."""
    told = tmp_path / "pid"
    os.mkfifo(told)
    server = tmp_path / "tritonserver"
    server.write_text(f"#!/bin/sh\necho $$ > {told}\nexec sleep 600\n", encoding="utf-8")
    server.chmod(0o755)
    monkeypatch.setenv("PERIGEE_TRITON", str(server))
    return lambda: int(told.read_text())


@pytest.fixture(autouse=True)
def hangups_are_heard() -> Iterator[None]:
    """Also where the tests themselves run under nohup, whose children inherit that they hear none."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def _nothing_is_left_of(server: int) -> bool:
    return began(server) is None and [one.name for one in (runtime_folder() / "triton").iterdir()] == ["empty"]


ALONE = ("--set", "inference.triton.container=off")
HEADLESS = ("monitor", "sim:demo", "--headless", "--engine", "triton")


@pytest.mark.parametrize(
    ("command", "signals"),
    [
        (HEADLESS, (signal.SIGTERM,)),
        (HEADLESS, (signal.SIGHUP,)),
        (HEADLESS, (signal.SIGINT, signal.SIGINT)),
        (("triton", "start"), (signal.SIGHUP, signal.SIGINT)),
    ],
)
def test_a_server_that_is_being_started_ends_with_whoever_waits_for_it(
    start: Start, starting: Callable[[], int], command: tuple[str, ...], signals: tuple[signal.Signals, ...]
) -> None:
    run = start(*command, *ALONE)
    server = starting()
    for number in signals:
        run.signal(number)
    code, printed, said = run.end()
    assert (code, printed) == (130, ""), said
    assert _nothing_is_left_of(server)


def test_a_server_that_a_core_waits_for_ends_with_the_core(starting: Callable[[], int], tmp_path: Path) -> None:
    plan = Plan(("sim:demo",), str(tmp_path / "a.duckdb"), str(SEED_REPOSITORY), engine="triton", settings=ALONE[1:])
    core = launch.start(plan)
    server = starting()
    core.send_signal(signal.SIGTERM)
    with pytest.raises(launch.LaunchError, match="wanted"):
        launch.wait_ready(core)
    assert core.wait(30.0) == 2 and _nothing_is_left_of(server)
