"""The Watch view as a whole: the room it gives its parts, themes, and what comes through it."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from widgets.arrangement import arrange
from widgets.model import Kind, Mark, Notice
from widgets.theme import apply, theme
from widgets.watch import WatchView

NOW = 1_773_457_034_000_000
WHEEL = "SAT-002/aocs/wheel_3_current"


@pytest.mark.parametrize(
    ("size", "left", "right", "rail", "overview", "columns"),
    [
        ((1920, 1080), 288, 384, False, True, 1),
        ((1599, 900), 240, 320, False, True, 1),
        ((1439, 900), 44, 320, True, True, 1),
        ((1280, 720), 44, 320, True, False, 1),
        ((2560, 1440), 288, 384, False, True, 2),
    ],
)
def test_the_docks_give_way_as_the_window_narrows(
    size: tuple[int, int], left: int, right: int, rail: bool, overview: bool, columns: int
) -> None:
    here = arrange(*size)
    assert (here.left, here.right, here.rail, here.overview, here.columns) == (
        left,
        right,
        rail,
        overview,
        columns,
    )


@pytest.mark.parametrize("size", [(1920, 1080), (1500, 900), (1280, 720), (960, 540), (2560, 1440)])
@pytest.mark.parametrize("notice", [None, Notice(Mark(Kind.CRITICAL), "NOT RECORDING: the disk is full.", "Show")])
def test_the_parts_fill_the_window_without_overlapping(
    view: WatchView, size: tuple[int, int], notice: Notice | None
) -> None:
    view.set_notice(notice)
    view.resize(*size)
    parts: list[QWidget] = [
        view.top,
        view.banner,
        view.rail,
        view.channels,
        view.ranges,
        view.strips,
        view.overview,
        view.dock,
        view.status,
    ]
    shown = [part for part in parts if part.isVisible()]
    for one, other in itertools.combinations(shown, 2):
        assert not one.geometry().intersects(other.geometry()), (type(one), type(other))
    area = sum(part.width() * part.height() for part in shown)
    line = shown[-1].y() if view.rail.isVisible() else 0
    assert size[0] * size[1] - area <= line
    assert view.strips.height() > 200


def test_another_theme_reaches_every_part(view: WatchView, qapp: QApplication) -> None:
    light = theme("light")
    apply(qapp, light)
    view.set_theme(light)
    view.resize(1920, 1080)
    for number in range(3):
        view.dock.show_tab(number)
        image = view.grab().toImage()
        # No ground of the dark theme is left anywhere; a stroke of its text may be as dark.
        grounds = {theme("dark").color(token).rgb() for token in ("panel", "raised", "selected", "canvas")}
        points = itertools.product(range(0, image.width() - 2, 7), range(0, image.height(), 5))
        left = [(x, y) for x, y in points if all(image.pixelColor(x + i, y).rgb() in grounds for i in range(3))]
        assert left == []
    apply(qapp, theme("dark"))


def test_intentions_come_through(view: WatchView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.channel_activated, timeout=1000) as asked:
        view.channels.select(WHEEL)
        QTest.keyClick(view.channels.list, Qt.Key.Key_Return)
    assert asked.args == [WHEEL]
    with qtbot.waitSignal(view.finding_activated, timeout=1000) as found:
        QTest.keyClick(view.dock.attention, Qt.Key.Key_Return)
    assert found.args == [1]
    with qtbot.waitSignal(view.window_moved, timeout=1000) as moved:
        QTest.keyClick(view.overview, Qt.Key.Key_End)
    assert moved.args == [NOW]


def test_the_owner_is_told_when_charts_should_be_compact(view: WatchView) -> None:
    told: list[bool] = []
    view.arranged.connect(lambda arrangement: told.append(arrangement.compact))
    view.resize(1280, 720)
    view.resize(1280, 721)
    view.resize(1920, 1080)
    assert told == [True, False]


def test_a_toast_lies_in_the_corner_above_the_status(view: WatchView) -> None:
    view.say("wheel_3_current is on a chart.")
    place = view.toast.geometry()
    assert view.toast.isVisible()
    assert place.right() < view.width() and place.bottom() < view.status.y()
    assert view.toast.accessibleName() == "wheel_3_current is on a chart."


def test_nothing_heavy_is_loaded_before_the_window_stands() -> None:
    code = "import sys, widgets.watch; print([m for m in HEAVY if m in sys.modules])"
    heavy = "HEAVY = ('numpy', 'pyqtgraph', 'telemetry', 'detection', 'duckdb', 'onnxruntime', 'pydantic')\n"
    folder = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", heavy + code], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
