"""The strips as a widget: what is on the screen is the ring, and what the mouse asks for is said."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from telemetry import Limit, Severity
from widgets.strips.colours import rgb
from widgets.strips.spec import FindingSpan, StripSpec
from widgets.strips.widget import Strips
from widgets.theme import theme

SECOND = 1_000_000
NOW = 1_900_000_000 * SECOND
SPECS = [
    StripSpec("A/x", "x", "A / s", "V", satellite="A", period=SECOND, limits=(Limit(Severity.WARNING, high=1.5),)),
    StripSpec("A/y", "y", "A / s", "rpm", satellite="A", period=SECOND),
    StripSpec("A/mode", "mode", kind="enum", satellite="A", period=SECOND, states=((0, "Idle"), (1, "Sun"))),
    StripSpec("A/score", "Score", "transformer, version 3", kind="score", satellite="A", period=SECOND),
]


def strips(qtbot: QtBot, width: int = 900, height: int = 500, span_s: int = 1200) -> Strips:
    made = Strips(theme("dark"))
    qtbot.addWidget(made)
    made.resize(width, height)
    made.set_strips(SPECS)
    made.set_span(span_s * SECOND)
    made.set_now(NOW)
    times = np.arange(NOW - 2000 * SECOND, NOW + 1, SECOND)
    wave = np.sin(times / 1.4e8)
    made.reset("A/x", times, wave + (times > NOW - 300 * SECOND), wave - 0.2, wave + 0.2)
    made.reset("A/y", times, 2000 + 900 * wave)
    made.reset("A/mode", times, (wave > 0).astype(np.float64))
    made.reset("A/score", times, 0.4 + np.abs(wave))
    made.set_eclipse({"A": [(NOW - 900 * SECOND, NOW - 600 * SECOND)]})
    made.set_findings([FindingSpan(NOW - 300 * SECOND, None, "A", frozenset({"A/x"}))])
    made.show()
    made.tick(0.0)
    QApplication.processEvents()
    return made


def pixels(image: QImage) -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
    made = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(made.constBits(), dtype=np.uint32).reshape(made.height(), made.bytesPerLine() // 4)
    return flat[:, : made.width()].copy()


def plot_pixels(widget: Strips) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint32]], ...]:
    """What is on the screen where the ring is, and the ring."""
    place, sheet = widget.place(), widget.board.sheet
    left = place.device(place.layout.plot_left)
    ring = sheet.unrolled()
    screen = pixels(widget.grab().toImage())
    return screen[: ring.shape[0], left : left + ring.shape[1]], ring


class Paints(QObject):
    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_the_screen_shows_the_ring_pixel_for_pixel(qtbot: QtBot) -> None:
    screen, ring = plot_pixels(strips(qtbot))
    # The words and dots on top of it are few.
    assert screen.shape == ring.shape
    assert (screen != ring).mean() < 0.01
    assert np.array_equal(screen[:100, 200:400], ring[:100, 200:400])


@pytest.mark.parametrize("scale", ["1.5", "2"])
def test_at_other_scales_nothing_is_resampled(scale: str) -> None:
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('strips_widget', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)\n"
        "from PySide6.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "class Bot:\n    def addWidget(self, widget): self.widget = widget\n"
        "widget = module.strips(Bot())\n"
        "screen, ring = module.plot_pixels(widget)\n"
        "print(widget.devicePixelRatioF(), screen.shape == ring.shape, (screen != ring).mean() < 0.01)\n"
    )
    environment = {**os.environ, "QT_SCALE_FACTOR": scale, "QT_QPA_PLATFORM": "offscreen"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout.split() == [str(float(scale)), "True", "True"], ran.stderr


def test_an_idle_frame_paints_nothing(qtbot: QtBot) -> None:
    widget = strips(qtbot)
    for frame in range(20):
        widget.tick(1.0 + frame)
        QApplication.processEvents()
    paints = Paints()
    widget.installEventFilter(paints)
    for frame in range(40):
        widget.tick(30.0 + frame / 30)
        QApplication.processEvents()
    assert paints.count == 0


def test_a_new_value_repaints_and_appears(qtbot: QtBot) -> None:
    widget = strips(qtbot)
    paints = Paints()
    widget.installEventFilter(paints)
    before = pixels(widget.grab().toImage())
    for frame in range(10):
        now = NOW + (frame + 1) * SECOND
        widget.append_group(["A/x", "not shown"], np.array([now]), np.array([[2.5, 0.0]]))
        widget.append_expected(["A/x"], np.array([now]), np.array([[-0.2]]), np.array([[0.2]]))
        widget.set_now(now)
        widget.tick(1.0 + frame / 5)
        QApplication.processEvents()
    after = pixels(widget.grab().toImage())
    assert paints.count >= 10
    head = np.s_[: widget.place().layout.tops[1], : widget.place().layout.head]
    assert (before[head] != after[head]).any()
    # The limit of 1.5 is crossed: its colour appears beside the chart.
    gutter = np.s_[: widget.place().layout.tops[1], widget.place().layout.gutter_left :]
    assert (after[gutter] == rgb(theme("dark").hex("warning"))).any()
    assert not (before[gutter] == rgb(theme("dark").hex("warning"))).any()


def test_another_theme_leaves_nothing_of_the_first_and_comes_back_the_same(qtbot: QtBot) -> None:
    widget = strips(qtbot)
    dark = pixels(widget.grab().toImage())
    widget.set_theme(theme("light"))
    light = pixels(widget.grab().toImage())
    for token in ("plot", "panel", "trace", "finding_span"):
        # A blend at the edge of a letter may happen to be any colour.
        assert (light == rgb(theme("dark").hex(token))).sum() < 10, token
        assert (light == rgb(theme("light").hex(token))).sum() > 100, token
    widget.set_theme(theme("dark"))
    assert np.array_equal(pixels(widget.grab().toImage()), dark)


def test_after_a_resize_the_picture_is_that_of_a_new_widget(qtbot: QtBot) -> None:
    widget = strips(qtbot)
    widget.resize(1000, 560)
    widget.tick(1.0)
    QApplication.processEvents()
    fresh = strips(qtbot, 1000, 560)
    assert np.array_equal(pixels(widget.grab().toImage()), pixels(fresh.grab().toImage()))


def test_a_click_selects_and_says_so(qtbot: QtBot) -> None:
    widget = strips(qtbot)
    with qtbot.waitSignal(widget.selected, timeout=1000) as said:
        y = widget.place().layout.tops[1] + 30
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(60, y))
    assert said.args == ["A/y"]
    assert widget.chosen == "A/y"


def wheel(widget: Strips, x: int, steps: int) -> None:
    at = QPointF(x, 40)
    event = QWheelEvent(
        at,
        widget.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_the_wheel_zooms_at_the_pointer_and_leaves_live_only_away_from_now(qtbot: QtBot) -> None:
    widget = strips(qtbot)
    layout = widget.place().layout
    wheel(widget, layout.gutter_left - 4, 1)
    assert widget.live and widget.span < 1200 * SECOND
    wheel(widget, layout.plot_left + layout.plot_width // 2, -1)
    assert widget.live and widget.span == pytest.approx(1200 * SECOND, rel=1e-6)
    middle = NOW - 600 * SECOND
    with qtbot.waitSignal(widget.view_changed, timeout=1000) as said:
        wheel(widget, layout.plot_left + layout.plot_width // 2, 2)
    assert said.args is not None
    span, right, live = said.args
    assert not live
    assert right - span / 2 == pytest.approx(middle, abs=SECOND)
    widget.tick(1.0)


def test_a_drag_pans_back_in_time_and_forward_to_live_again(qtbot: QtBot) -> None:
    widget = strips(qtbot)
    layout = widget.place().layout
    start = QPoint(layout.plot_left + 50, 40)
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(widget, start + QPoint(100, 0))
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start + QPoint(100, 0))
    assert not widget.live
    assert NOW - widget.right == pytest.approx(100 * 1200 * SECOND / layout.plot_width, rel=0.02)
    assert widget.chosen is None
    widget.tick(1.0)
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start + QPoint(150, 0))
    QTest.mouseMove(widget, start)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    assert widget.live


def test_more_strips_than_fit_scroll_and_the_selected_one_is_brought_into_view(qtbot: QtBot) -> None:
    widget = Strips(theme("dark"))
    qtbot.addWidget(widget)
    widget.resize(900, 400)
    widget.set_strips([StripSpec(f"A/{i}", f"channel {i}", period=SECOND) for i in range(30)])
    widget.set_now(NOW)
    widget.show()
    widget.tick(0.0)
    assert widget.board.sheet.arrangement.last < 10
    widget.select("A/25")
    widget.tick(0.1)
    here = widget.board.sheet.arrangement
    assert here.first <= 25 < here.last


@pytest.mark.logs("the charts could not be drawn")
def test_a_fault_while_painting_is_told_once_and_ends_nothing(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    widget = strips(qtbot)
    widget.set_began(NOW - 2000 * SECOND)
    widget.set_now(NOW + 400 * SECOND)
    widget.set_gap_reason("A/x", 5)  # type: ignore[arg-type]  # the fault
    for frame in range(10):
        widget.tick(2.0 + frame)
        widget.grab()
    assert sum("could not be drawn" in record.message for record in caplog.records) == 1


def test_the_cursor_shows_the_values_under_it(qtbot: QtBot) -> None:
    widget = strips(qtbot)
    widget.set_cursor(True)
    layout = widget.place().layout
    with qtbot.waitSignal(widget.cursor_moved, timeout=1000) as said:
        QTest.mouseMove(widget, QPoint(layout.plot_left + layout.plot_width // 2, 50))
    assert said.args is not None
    assert said.args[0] == pytest.approx(NOW - 600 * SECOND, abs=4 * SECOND)
    widget.tick(1.0)
    screen, _ = plot_pixels(widget)
    assert (screen[:, screen.shape[1] // 2] == rgb(theme("dark").hex("text_2"))).mean() > 0.9
    widget.set_cursor(False)
    widget.tick(2.0)


def test_nothing_to_show_is_painted_as_nothing(qtbot: QtBot) -> None:
    widget = Strips(theme("dark"))
    qtbot.addWidget(widget)
    widget.show()
    widget.tick(0.0)
    assert (pixels(widget.grab().toImage()) == rgb(theme("dark").hex("panel"))).mean() > 0.9


def test_a_channel_on_two_strips_is_refused(qtbot: QtBot) -> None:
    widget = Strips(theme("dark"))
    qtbot.addWidget(widget)
    with pytest.raises(ValueError, match="one strip only"):
        widget.set_strips([SPECS[0], SPECS[0]])
