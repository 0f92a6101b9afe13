"""The core or its window is killed, and what each does about it: whole stories with real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from app.cli.watch import make_plan
from app.counters import Counter
from app.launch import attach, start, wait_ready
from app.link.card import read_card
from app.plan import Plan
from simulator import open_simulation
from telemetry.ring import LiveRing

if TYPE_CHECKING:
    from app.link.client import CoreClient
    from tests.app.conftest import Desk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGKILL")

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]
Open = Callable[[Plan], "Desk"]
DEADLINE_S = 60.0


def _plan(folder: Path, source: str = "sim:quiet?satellites=1", history: float = 60.0) -> Plan:
    return replace(make_plan([source], archive=folder / "t.duckdb"), history=history, any_source=True)


def _watch_alone(archive: Path) -> tuple[CoreClient, LiveRing]:
    """Attach without a window."""
    client = attach(archive, lambda _: None, lambda: None)
    assert client is not None
    hello = client.ask("hello")
    return client, LiveRing.attach(Path(hello["ring"]["path"]), hello["ring"]["layout"])


def _poll(what: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < end
        os.sched_yield()


def test_a_window_shows_that_its_core_was_killed_and_goes_on_with_another(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    desk = sit_down(_plan(tmp_path))
    archive = tmp_path / "t.duckdb"
    banner = desk.window.view.banner
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 0 and desk.watching._link.position[1] > 0)
    acknowledged = desk.counter(Counter.RECORDED)
    newest = desk.counter(Counter.NOW)
    desk.kill_core()
    desk.wait(lambda: banner.notice is not None and "NOT RECORDING" in banner.notice.sentence)
    desk.wait(lambda: desk.watching._attached and desk.counter(Counter.NOW) > newest)
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 0)
    assert banner.notice is not None
    assert "is back after" in banner.notice.sentence
    desk.close()
    first = ask(archive, "SELECT count(*) FROM samples WHERE session = 1")[0][0]
    assert isinstance(first, int)
    assert first >= acknowledged > 0
    assert ask(archive, "SELECT count(*) FROM sessions") == [(2,)]
    second = ask(archive, "SELECT count(*) FROM samples WHERE session = 2")
    assert second == [(desk.counter(Counter.SAMPLES),)]
    # A simulation can wait: the next core goes on where the archive ends, so nothing is missing and nothing twice.
    seconds = "date_diff('second', min(time), max(time)) + 1"
    steady = f"SELECT count(*) = {seconds}, count(DISTINCT time) = count(*) FROM samples WHERE channel = 'bus_power'"
    assert ask(archive, steady) == [(True, True)]


@pytest.mark.logs("the core died while it started")
def test_a_core_that_dies_while_it_starts_is_followed_by_another(sit_down: Open, tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    desk = sit_down(plan)
    first = desk.starter.link._first or desk.starter.link._process
    assert first is not None
    first.kill()
    desk.wait(lambda: desk.watching._attached and desk.counter(Counter.RECORDED) > 0)
    assert desk.watching._troubles.failed == ""


def test_a_fault_that_was_found_before_the_core_died_is_closed_in_the_archive(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    desk = sit_down(replace(_plan(tmp_path, "sim:demo"), history=None))
    archive = tmp_path / "t.duckdb"
    # While history is still being judged: the recorder is ahead of the judge, and nobody has told of the fault yet.
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 100_000 and desk.watching._link.position[1] > 0)
    desk.kill_core()
    desk.wait(lambda: not desk.watching._attached)
    desk.wait(lambda: any(not row.open for row in desk.watching.ledger.rows(desk.watching._clock)))
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1 and desk.counter(Counter.DELAY_P50) > 0)
    key = desk.watching.ledger.keys(1)[0]
    judged = desk.watching.feed.expected(key, 0, 1 << 62)[0]
    samples = desk.watching.feed.samples(key, 0, 1 << 62)[0]
    desk.close()
    # The last word on every event is the same on the screen and in the archive.
    told = ask(archive, "SELECT arg_max(open, session) FROM events GROUP BY satellite, channels[1].name")
    assert told == [(False,)]
    # What the dead core had received and not judged was judged by its successor.
    assert len(judged) > 0.95 * len(samples)


def test_a_core_outlives_a_window_that_is_killed_and_the_next_window_attaches(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    archive = tmp_path / "t.duckdb"
    perigee = Path(sys.executable).with_name("perigee")
    window = subprocess.Popen([str(perigee), "--archive", str(archive), "--set", "telemetry.history_s=60"])
    try:
        _poll(lambda: read_card(archive) is not None or window.poll() is not None)
        client, ring = _watch_alone(archive)
        _poll(lambda: int(ring.counters[Counter.LIVE]) == 1)
    finally:
        window.kill()
        window.wait(10)
    acknowledged = int(ring.counters[Counter.RECORDED])
    _poll(lambda: int(ring.counters[Counter.RECORDED]) > acknowledged)
    client.close()
    card = read_card(archive)
    assert card is not None

    desk = sit_down(replace(make_plan(["sim:demo"], archive=archive), any_source=True))
    desk.wait(lambda: desk.watching._attached)
    still = read_card(archive)
    assert still is not None and still.pid == card.pid
    assert len(desk.window.view.channels.channels_below("SAT-001")) == 52
    desk.close()
    # It was the last that watched: everything is drained and nothing runs on.
    assert read_card(archive) is None
    assert ask(archive, "SELECT count(*) FROM samples") == [(desk.counter(Counter.SAMPLES),)]


def test_what_an_earlier_run_left_cut_off_in_the_archive_does_not_stand_for_what_this_one_recorded(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    """Two runs of the same satellites in one archive, the earlier one in the later one's future, and no orderly end."""
    far = start(_plan(tmp_path, "sim:quiet?satellites=1&start=2090-01-01T00:00:00Z"))
    wait_ready(far)
    client, ring = _watch_alone(tmp_path / "t.duckdb")
    _poll(lambda: ring.counters[Counter.RECORDED] > 0)
    far.kill()
    far.wait()
    client.close()
    desk = sit_down(_plan(tmp_path))
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 0 and desk.watching._link.position[1] > 0)
    desk.kill_core()
    newest = desk.counter(Counter.NOW)
    desk.wait(lambda: desk.watching._session == 3 and desk.counter(Counter.NOW) > newest)
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 0)
    desk.close()
    recorded = ask(tmp_path / "t.duckdb", "SELECT count(*) FROM samples WHERE session = 3")
    assert recorded == [(desk.counter(Counter.SAMPLES),)]
    assert recorded != [(0,)]


def test_what_the_operator_did_is_done_by_the_core_that_follows_a_dead_one(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    desk = sit_down(_plan(tmp_path))
    bar = desk.window.view.transport
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1 and not bar.isHidden())
    bar.speed_chosen.emit(10.0)
    bar.fault_wanted.emit("gyro_bias")
    desk.wait(lambda: "Gyro bias on SAT-001" in desk.window.view.toast.accessibleName())
    desk.press(Qt.Key.Key_Space)
    desk.wait(lambda: desk.counter(Counter.PAUSED) == 1)
    desk.kill_core()
    desk.wait(lambda: desk.watching._session == 2 and desk.counter(Counter.LIVE) == 1)
    desk.wait(lambda: "paused" in bar.words())
    assert desk.counter(Counter.PAUSED) == 1
    assert desk.counter(Counter.SPEED) == 10_000
    stood = desk.watching._clock.now
    bar.skipped.emit(stood + 600_000_000)
    desk.wait(lambda: desk.counter(Counter.NOW) >= stood + 599_000_000)
    flown = desk.starter.link._plan
    desk.close()

    archive = tmp_path / "t.duckdb"
    # Each session has the label of its own, and both of the same fault.
    labels = ask(archive, "SELECT satellite, kind, epoch_us(start), channels FROM labels ORDER BY session")
    assert len(labels) == 2
    assert labels[0] == labels[1]
    # Nothing is missing, nothing is twice, and it is the telemetry of one run with the fault in it.
    main = str(labels[1][3][0]).partition("/")[2]  # type: ignore[index]  # a list, as DuckDB gives it
    found = ask(archive, f"SELECT epoch_us(time), value FROM samples WHERE channel = '{main}' ORDER BY ALL")
    (source,) = flown.sources
    nominal, failing = (_flight(source, faults, main, len(found)) for faults in ((), flown.injected))
    assert found == failing
    assert found != nominal


def _flight(
    source: str, faults: tuple[tuple[str, str, int], ...], channel: str, samples: int
) -> list[tuple[int, float]]:
    """The first samples of a channel, flown again."""
    simulation = open_simulation(source)
    for kind, satellite, at in faults:
        simulation.inject(kind, satellite, at)
    flown: list[tuple[int, float]] = []
    for frame in simulation.frames(threading.Event(), 60_000_000):
        names = [one.name for one in frame.group.channels]
        if channel in names:
            values = frame.columns[names.index(channel)]
            flown += zip(frame.times.tolist(), values.tolist(), strict=True)
        if len(flown) >= samples:
            break
    return flown[:samples]
