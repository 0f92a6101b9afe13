"""Whole stories through a real window and a real core: watching, looking back, closing, and either of them killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.cli.watch import make_plan
from app.counters import Counter
from app.launch import attach, may_attach, start, wait_ready
from app.link.card import read_card
from app.plan import Plan
from app.window.main import Starter, Window, first_window
from telemetry.ring import LiveRing
from widgets.model import Style

if TYPE_CHECKING:
    from app.link.client import CoreClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does")

DEADLINE_MS = 60_000
Ask = Callable[[str | Path, str], list[tuple[object, ...]]]
Open = Callable[[Plan], "Desk"]


class Desk:
    """A window at work in this process, its core in another."""

    def __init__(self, plan: Plan, qtbot: QtBot) -> None:
        core = None if may_attach(plan.archive_path) else start(plan)
        _, self.window = first_window(plan)
        self.window.resize(1920, 1080)
        self.starter = Starter(self.window, plan, core)
        self.starter.go()
        self.watching = self.starter.watching
        self._bot = qtbot
        self.closed = False

    def wait(self, what: Callable[[], bool]) -> None:
        self._bot.waitUntil(what, timeout=DEADLINE_MS)

    def counter(self, which: Counter) -> int:
        return int(self.watching._counters[which])

    def press(self, key: Qt.Key) -> None:
        QTest.keyClick(self.window.view, key)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            with self._bot.waitSignal(self.starter.link.closed, timeout=DEADLINE_MS):
                self.window.close()


@pytest.fixture
def sit_down(qtbot: QtBot) -> Iterator[Open]:
    desks: list[Desk] = []

    def open_(plan: Plan) -> Desk:
        desks.append(Desk(plan, qtbot))
        return desks[-1]

    yield open_
    for desk in desks:
        desk.close()
        desk.window.deleteLater()


def _plan(folder: Path, source: str = "sim:quiet?satellites=1", history: float = 60.0) -> Plan:
    return replace(make_plan([source], archive=folder / "t.duckdb"), history=history, any_source=True)


def _watch_alone(archive: Path) -> tuple[CoreClient, LiveRing]:
    """Attach without a window."""
    client = attach(archive, lambda _: None, lambda: None)
    assert client is not None
    hello = client.ask("hello")
    return client, LiveRing.attach(Path(hello["ring"]["path"]), hello["ring"]["layout"])


def _poll(what: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_MS / 1000
    while not what():
        assert time.monotonic() < end
        os.sched_yield()


def test_the_window_watches_the_fleet_and_shows_its_fault(sit_down: Open, tmp_path: Path, ask: Ask) -> None:
    desk = sit_down(replace(_plan(tmp_path, "sim:demo"), history=None))
    view, charts, strips = desk.window.view, desk.watching.charts, desk.watching._strips
    desk.wait(lambda: bool(desk.watching.ledger.rows(desk.watching._clock)))
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1)
    row = desk.watching.ledger.rows(desk.watching._clock)[0]
    first = f"{row.satellite}/{row.departures[0].name}"
    # The charts go to the fault by themselves, as long as nobody has chosen others.
    assert charts.keys[0] == first
    assert strips.chosen == first
    node = view.channels.model.node(first)
    assert node is not None
    assert node.mark is not None
    assert len(view.channels.channels_below("SAT-002")) == 52
    desk.wait(lambda: len(view.dock.events.model) > 0)
    desk.wait(lambda: "samples/s" in " ".join(one.words for one in view.status.segments()))
    words = " ".join(one.words for one in view.status.segments())
    assert "Live demo fleet, 3 satellites" in words
    assert "Scored by ONNX Runtime" in words
    assert "Recording" in words
    # What is expected is there beside what is, and the score above its threshold in the fault.
    assert np.nanmax(desk.watching.feed.samples(first + "#score", row.start, row.end)[1]) > 1.0
    times, low, high = desk.watching.feed.expected(first, row.start - 600_000_000, row.start)
    assert len(times) > 500
    assert (low[-1] < high[-1]).all()

    # Looking back and to live again, with the keyboard alone.
    def live() -> tuple[bool, bool]:
        return strips.live, view.ranges.live.isChecked()

    desk.press(Qt.Key.Key_Left)
    assert live() == (False, False)
    desk.press(Qt.Key.Key_L)
    assert live() == (True, True)
    desk.press(Qt.Key.Key_Minus)
    assert strips.span > 3_600_000_000
    # Another satellite, a subsystem of it, a channel off and on.
    view.channels.select("SAT-003")
    view.selection_changed.emit("SAT-003/aocs")
    assert len(charts.keys) == 21
    assert all(key.startswith("SAT-003/aocs/") for key in charts.keys)
    view.channel_activated.emit("SAT-003/eps/bus_power")
    assert charts.keys[-1] == "SAT-003/eps/bus_power"
    view.channel_activated.emit("SAT-003/eps/bus_power")
    assert "SAT-003/eps/bus_power" not in charts.keys
    desk.press(Qt.Key.Key_N)
    assert charts.keys[0] == first

    desk.close()
    samples = desk.counter(Counter.SAMPLES)
    assert ask(tmp_path / "t.duckdb", "SELECT count(*) FROM samples") == [(samples,)]
    assert ask(tmp_path / "t.duckdb", "SELECT count(*) FROM sessions WHERE ended IS NOT NULL") == [(1,)]


def test_a_window_shows_that_its_core_was_killed_and_goes_on_with_another(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    desk = sit_down(_plan(tmp_path))
    archive = tmp_path / "t.duckdb"
    banner = desk.window.view.banner
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 0 and desk.watching._link.position[1] > 0)
    card = read_card(archive)
    assert card is not None
    acknowledged = desk.counter(Counter.RECORDED)
    newest = desk.counter(Counter.NOW)
    os.kill(card.pid, signal.SIGKILL)
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
    card = read_card(archive)
    assert card is not None
    os.kill(card.pid, signal.SIGKILL)
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


def test_a_scenario_that_cannot_be_played_because_another_window_watches_changes_nothing(
    sit_down: Open, tmp_path: Path
) -> None:
    first = sit_down(_plan(tmp_path))
    first.wait(lambda: first.watching._attached)
    second = sit_down(_plan(tmp_path))
    second.wait(lambda: second.watching._attached)
    first.window.view.transport.scenario_chosen.emit("load?channels=10")
    first.wait(lambda: "Another window" in first.window.view.toast.accessibleName())
    before = first.counter(Counter.FRAMES)
    first.wait(lambda: first.counter(Counter.FRAMES) > before)
    assert first.watching._attached
    assert first.watching._session == 1


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
    card = read_card(tmp_path / "t.duckdb")
    assert card is not None
    os.kill(card.pid, signal.SIGKILL)
    newest = desk.counter(Counter.NOW)
    desk.wait(lambda: desk.watching._session == 3 and desk.counter(Counter.NOW) > newest)
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 0)
    desk.close()
    recorded = ask(tmp_path / "t.duckdb", "SELECT count(*) FROM samples WHERE session = 3")
    assert recorded == [(desk.counter(Counter.SAMPLES),)]
    assert recorded != [(0,)]


def test_closing_one_of_two_windows_leaves_the_core_to_the_other(sit_down: Open, tmp_path: Path) -> None:
    first = sit_down(_plan(tmp_path))
    first.wait(lambda: first.watching._attached)
    second = sit_down(_plan(tmp_path))
    second.wait(lambda: second.watching._attached)
    first.close()
    before = second.counter(Counter.FRAMES)
    second.wait(lambda: second.counter(Counter.FRAMES) > before)
    assert second.window.view.banner.notice is None


def test_an_archive_that_is_none_is_said_in_the_window_and_by_the_exit_code(
    sit_down: Open, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.duckdb").write_text("a shopping list\n" * 500)
    desk = sit_down(_plan(tmp_path))
    desk.wait(lambda: desk.window.view.banner.notice is not None)
    notice = desk.window.view.banner.notice
    assert notice is not None
    assert "t.duckdb" in notice.sentence
    assert notice.mark.style is Style.FILLED
    assert notice.action == "Try again"
    assert desk.starter.exit_code == 2
    said = capsys.readouterr().err
    assert said.startswith("perigee: ")
    assert said.count("\n") == 1
    assert (tmp_path / "t.duckdb").read_text() == "a shopping list\n" * 500


def test_another_source_is_not_mistaken_for_the_one_asked_for(sit_down: Open, tmp_path: Path) -> None:
    first = sit_down(_plan(tmp_path))
    first.wait(lambda: first.watching._attached)
    second = sit_down(make_plan(["sim:load"], archive=tmp_path / "t.duckdb"))
    second.wait(lambda: second.window.view.banner.notice is not None)
    notice = second.window.view.banner.notice
    assert notice is not None
    assert "sim:quiet" in notice.sentence
    assert "--archive" in notice.sentence


def test_the_window_comes_back_where_it_was(sit_down: Open, tmp_path: Path) -> None:
    desk = sit_down(_plan(tmp_path))
    desk.window.resize(desk.window.width(), 640)
    desk.wait(lambda: desk.watching._attached)
    desk.close()
    assert Window(desk.window.view.theme).height() == 640


def test_playback_stands_still_steps_and_goes_faster_as_the_operator_says(sit_down: Open, tmp_path: Path) -> None:
    desk = sit_down(_plan(tmp_path))
    bar = desk.window.view.transport
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1 and not bar.isHidden())
    desk.press(Qt.Key.Key_Space)
    desk.wait(lambda: desk.counter(Counter.PAUSED) == 1)
    desk.wait(lambda: "paused" in bar.words())
    stood = desk.counter(Counter.NOW)
    bar.stepped.emit(30_000_000)
    desk.wait(lambda: desk.counter(Counter.NOW) >= stood + 29_000_000)
    # A step stands still again: what has passed is the step, give or take the samples at its ends.
    assert desk.counter(Counter.NOW) <= stood + 32_000_000
    assert desk.counter(Counter.PAUSED) == 1
    bar.speed_chosen.emit(100.0)
    desk.press(Qt.Key.Key_Space)
    desk.wait(lambda: desk.counter(Counter.SPEED) == 100_000 and desk.counter(Counter.PAUSED) == 0)
    faster = desk.counter(Counter.NOW)
    desk.wait(lambda: desk.counter(Counter.NOW) > faster + 100_000_000)
    bar.speed_chosen.emit(1.0)
    desk.wait(lambda: desk.counter(Counter.SPEED) == 1000)
    here = desk.counter(Counter.NOW)
    bar.skipped.emit(600_000_000)
    desk.wait(lambda: desk.counter(Counter.NOW) >= here + 599_000_000)


def test_another_scenario_is_another_session_and_leaves_nothing_of_the_last_one(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    desk = sit_down(_plan(tmp_path))
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1)
    desk.window.view.transport.scenario_chosen.emit("load?channels=10")
    desk.wait(lambda: len(desk.window.view.channels.model.rows) > 0 and "linear" in desk.watching.charts.keys[0])
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 0)
    assert desk.window.view.banner.notice is None
    assert desk.watching._session == 2
    desk.close()
    assert ask(tmp_path / "t.duckdb", "SELECT count(*) FROM sessions WHERE ended IS NOT NULL") == [(2,)]
    counted = ask(tmp_path / "t.duckdb", "SELECT count(*) FROM samples WHERE session = 2")
    assert counted == [(desk.counter(Counter.SAMPLES),)]


def test_a_fault_that_is_injected_now_begins_soon_and_is_recorded_as_a_label(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    desk = sit_down(_plan(tmp_path))
    bar = desk.window.view.transport
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1 and not bar.fault.isHidden())
    asked_at = desk.counter(Counter.NOW)
    bar.fault_wanted.emit("gyro_bias")
    desk.wait(lambda: "Gyro bias on SAT-001" in desk.window.view.toast.accessibleName())
    desk.wait(
        lambda: any("gyro bias injected" in row.sentence for row in desk.window.view.dock.events.model.newest(50))
    )
    bar.fault_wanted.emit("no_such_fault")
    desk.wait(lambda: "no_such_fault" in desk.window.view.toast.accessibleName())
    desk.close()
    labels = ask(tmp_path / "t.duckdb", "SELECT satellite, kind, category, epoch_us(start) FROM labels")
    ((satellite, kind, category, start),) = labels
    assert (satellite, kind, category) == ("SAT-001", "gyro_bias", "fault")
    assert isinstance(start, int)
    assert asked_at <= start < asked_at + 60_000_000
