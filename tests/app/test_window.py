"""Whole stories through a real window and a real core: watching, looking back, closing, and what cannot be watched."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.cli.watch import make_plan
from app.counters import Counter
from app.plan import Plan
from app.window.main import Window
from widgets.model import Style

if TYPE_CHECKING:
    from tests.app.conftest import Desk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGKILL")

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]
Open = Callable[[Plan], "Desk"]


def _plan(folder: Path, source: str = "sim:quiet?satellites=1", history: float = 60.0) -> Plan:
    return replace(make_plan([source], archive=folder / "t.duckdb"), history=history, any_source=True)


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


def test_closing_one_of_two_windows_leaves_the_core_to_the_other(sit_down: Open, tmp_path: Path) -> None:
    first = sit_down(_plan(tmp_path))
    first.wait(lambda: first.watching._attached)
    second = sit_down(_plan(tmp_path))
    second.wait(lambda: second.watching._attached)
    first.close()
    before = second.counter(Counter.FRAMES)
    second.wait(lambda: second.counter(Counter.FRAMES) > before)
    assert second.window.view.banner.notice is None


def test_limits_that_come_too_late_for_a_core_are_said_not_to_be_in_force(sit_down: Open, tmp_path: Path) -> None:
    first = sit_down(_plan(tmp_path))
    first.wait(lambda: first.watching._attached)
    second = sit_down(replace(_plan(tmp_path), limits="/flight/limits.toml"))
    second.wait(lambda: any("/flight/limits.toml" in said for said in second.watching._told))
    (said,) = (said for said in second.watching._told if "/flight/limits.toml" in said)
    assert said.startswith("The limits of /flight/limits.toml are not in force: what is watched began without it.")
    assert not first.watching._told


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


def test_limits_are_changed_in_the_window_and_hold_at_once_and_the_next_time(
    sit_down: Open, tmp_path: Path, ask: Ask
) -> None:
    desk = sit_down(_plan(tmp_path, history=10.0))
    view, feed, panel = desk.window.view, desk.watching.feed, desk.window.view.limits
    key = "SAT-001/eps/battery_voltage"
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1)
    view.channels.select(key)
    view.selection_changed.emit(key)
    desk.press(Qt.Key.Key_E)
    desk.wait(panel.isVisible)
    assert panel.view is not None and panel.view.says == "as the source declares them"
    for row in panel.rows[1:]:
        row.remove.click()
    low, high = panel.rows[0].fields["low"], panel.rows[0].fields["high"]
    low.setText("99")
    high.setText("98")
    panel.apply.click()
    assert panel.sentence == "Low (99) must be less than high (98)." and low.property("wrong") is True
    high.setText("100")
    panel.apply.click()
    desk.wait(lambda: panel.view is not None and panel.view.says == "set by an operator")
    channel = feed.channel(key)
    assert channel is not None and [limit.low for limit in channel.limits] == [99.0]
    desk.wait(lambda: any("limit of 99" in row.sentence for row in desk.watching.ledger.rows(desk.watching._clock)))
    desk.close()
    assert len(ask(tmp_path / "t.duckdb", "SELECT who FROM audit WHERE what = 'set limits'")) == 1
    again = sit_down(_plan(tmp_path, history=10.0))
    again.wait(lambda: again.watching.feed.channel(key) is not None)
    kept = again.watching.feed.channel(key)
    assert kept is not None and kept.limits == channel.limits
