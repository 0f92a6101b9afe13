"""Playing in a real window, with a real core: pause, step, speed, skip, other scenarios, faults now."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from app.cli.watch import make_plan
from app.counters import Counter
from app.plan import Plan

if TYPE_CHECKING:
    from tests.app.conftest import Desk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes as POSIX does")

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]
Open = Callable[[Plan], "Desk"]


def _plan(folder: Path, source: str = "sim:quiet?satellites=1", history: float = 60.0) -> Plan:
    return replace(make_plan([source], archive=folder / "t.duckdb"), history=history, any_source=True)


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
