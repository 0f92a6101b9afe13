"""Playing in a real window, with a real core: pause, step, speed, skip, other scenarios, faults now."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.cli.watch import make_plan
from app.counters import Counter
from app.plan import Plan

if TYPE_CHECKING:
    from tests.app.conftest import Desk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGKILL")

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
    bar.skipped.emit(here + 600_000_000)
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


def test_the_slider_shows_what_was_played_and_skips_to_what_was_not(sit_down: Open, tmp_path: Path, ask: Ask) -> None:
    desk = sit_down(_plan(tmp_path, "sim:quiet?satellites=1&duration=3600", history=1800.0))
    view, charts = desk.window.view, desk.watching.charts
    scrub, strips = view.transport.scrub, desk.watching._strips
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1 and not view.transport.isHidden())
    desk.press(Qt.Key.Key_Space)
    desk.wait(lambda: "paused" in view.transport.words())
    charts.set_span(300_000_000)
    began, newest = desk.counter(Counter.FIRST), desk.counter(Counter.NOW)
    assert desk.counter(Counter.END) == began + 3599_000_000

    def at(time: int) -> QPoint:
        return QPoint(scrub._x(time), scrub.height() // 2)

    def live() -> bool:
        return strips.live

    # Back: the charts end there, with the samples of that time; the core stands where it stood.
    QTest.mouseClick(scrub, Qt.MouseButton.LeftButton, pos=at(began + 1200_000_000))
    assert abs(strips.right - (began + 1200_000_000)) < 10_000_000
    assert not live()
    desk.wait(lambda: "Behind live 10 min" in view.ranges._words())
    shown = desk.watching.feed.samples(charts.keys[0], strips.right - strips.span, strips.right)[0]
    assert len(shown) > 290
    assert desk.counter(Counter.NOW) == newest
    # Two windows back with the keyboard, at once, and one key to live.
    before = strips.right
    QTest.keyClick(scrub, Qt.Key.Key_Left)
    QTest.keyClick(scrub, Qt.Key.Key_Left)
    assert strips.right == before - 600_000_000
    desk.press(Qt.Key.Key_L)
    assert live()
    # On: what lies between is recorded and judged, and it stands still again.
    QTest.mouseClick(scrub, Qt.MouseButton.LeftButton, pos=at(began + 2700_000_000))
    desk.wait(lambda: desk.counter(Counter.NOW) > began + 2690_000_000 and desk.counter(Counter.SKIP_TO) == 0)
    assert live()
    assert desk.counter(Counter.PAUSED) == 1
    desk.close()
    seconds = (desk.counter(Counter.NOW) - began) // 1_000_000 + 1
    assert ask(tmp_path / "t.duckdb", "SELECT count(*) FROM samples WHERE channel = 'bus_power'") == [(seconds,)]
