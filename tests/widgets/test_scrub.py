"""The slider over what is played: back to what was, on to what is still to come, and where both end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from widgets import text
from widgets.model import PlaybackView
from widgets.scrub import Scrub
from widgets.theme import theme

BEGAN = 1_893_456_000_000_000
HALF = 30 * text.MINUTE
LIVE = PlaybackView(
    BEGAN + text.HOUR, paused=False, speed=1.0, began=BEGAN, end=BEGAN + 2 * text.HOUR, window=10 * text.MINUTE
)


class Wanted:
    """What a slider has asked for, in order."""

    def __init__(self, scrub: Scrub) -> None:
        self.all: list[tuple[str, int]] = []
        scrub.moved.connect(lambda time: self.all.append(("show", time - BEGAN)))
        scrub.live_wanted.connect(lambda: self.all.append(("live", 0)))
        scrub.skipped.connect(lambda time: self.all.append(("skip", time - BEGAN)))


@pytest.fixture
def scrub(qtbot: QtBot) -> Scrub:
    made = Scrub(theme("dark"))
    qtbot.addWidget(made)
    made.left, made.right = 100, 100
    made.resize(100 + 720 + 100, made.height())  # ten seconds a pixel
    made.set_view(LIVE)
    made.show()
    return made


@pytest.fixture
def wanted(scrub: Scrub) -> Wanted:
    return Wanted(scrub)


def _at(scrub: Scrub, span: int) -> QPoint:
    return QPoint(100 + span // (10 * text.SECOND), scrub.height() // 2)


def test_dragging_back_asks_for_each_time_on_the_way_and_says_it(scrub: Scrub, wanted: Wanted) -> None:
    QTest.mousePress(scrub, Qt.MouseButton.LeftButton, pos=_at(scrub, HALF))
    assert scrub.words() == "00:30:00"
    QTest.mouseMove(scrub, _at(scrub, 15 * text.MINUTE))
    assert scrub.words() == "00:15:00"
    QTest.mouseMove(scrub, QPoint(3, 3))
    QTest.mouseRelease(scrub, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    assert wanted.all == [("show", HALF), ("show", 15 * text.MINUTE), ("show", 0)]
    assert scrub.words() == ""


def test_what_is_still_to_come_is_skipped_to_when_the_handle_is_let_go(scrub: Scrub, wanted: Wanted) -> None:
    QTest.mousePress(scrub, Qt.MouseButton.LeftButton, pos=_at(scrub, HALF))
    QTest.mouseMove(scrub, _at(scrub, 90 * text.MINUTE))
    assert scrub.words() == "Skip to 01:30:00"
    assert wanted.all == [("show", HALF), ("live", 0)]
    QTest.mouseMove(scrub, QPoint(5000, 3))
    assert scrub.words() == "Skip to 02:00:00"
    QTest.mouseRelease(scrub, Qt.MouseButton.LeftButton, pos=QPoint(5000, 3))
    assert wanted.all[-1] == ("skip", 2 * text.HOUR)


def test_a_handle_that_is_taken_back_skips_nothing(scrub: Scrub, wanted: Wanted) -> None:
    QTest.mousePress(scrub, Qt.MouseButton.LeftButton, pos=_at(scrub, 90 * text.MINUTE))
    QTest.mouseMove(scrub, _at(scrub, text.HOUR) + QPoint(3, 0))  # as good as the newest sample
    QTest.mouseRelease(scrub, Qt.MouseButton.LeftButton, pos=_at(scrub, text.HOUR) + QPoint(3, 0))
    assert [do for do, _ in wanted.all] == ["live", "live"]


def test_where_no_end_is_known_there_is_nothing_to_skip_to(scrub: Scrub, wanted: Wanted) -> None:
    scrub.set_view(replace(LIVE, end=None))
    QTest.mouseClick(scrub, Qt.MouseButton.LeftButton, pos=QPoint(100 + 720, 12))
    assert wanted.all == [("live", 0)]


def test_a_press_beside_the_groove_is_none(scrub: Scrub, wanted: Wanted) -> None:
    QTest.mouseClick(scrub, Qt.MouseButton.LeftButton, pos=QPoint(40, 12))
    QTest.mouseClick(scrub, Qt.MouseButton.RightButton, pos=_at(scrub, HALF))
    assert not wanted.all


def test_keys_move_by_a_window_within_what_was_played(scrub: Scrub, wanted: Wanted) -> None:
    window = LIVE.window
    for key, shown, asked in (
        (Qt.Key.Key_Left, None, ("show", text.HOUR - window)),
        (Qt.Key.Key_Left, BEGAN + window, ("show", window)),
        (Qt.Key.Key_Right, BEGAN + HALF, ("show", HALF + window)),
        (Qt.Key.Key_Right, BEGAN + text.HOUR - window, ("live", 0)),
        (Qt.Key.Key_Right, None, ("live", 0)),
        (Qt.Key.Key_Home, None, ("show", window)),
        (Qt.Key.Key_End, BEGAN + HALF, ("live", 0)),
    ):
        scrub.set_view(replace(LIVE, shown=shown))
        QTest.keyClick(scrub, key)
        assert wanted.all[-1] == asked
    QTest.keyClick(scrub, Qt.Key.Key_N)  # a key of the view's
    assert len(wanted.all) == 7


def test_less_than_a_window_has_no_other_place_to_be(scrub: Scrub, wanted: Wanted) -> None:
    scrub.set_view(replace(LIVE, window=6 * text.HOUR))
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Home):
        QTest.keyClick(scrub, key)
    assert wanted.all == [("live", 0), ("live", 0)]


def test_it_is_a_slider_to_who_cannot_see_it(scrub: Scrub, wanted: Wanted) -> None:
    scrub.set_view(replace(LIVE, shown=BEGAN + HALF))
    seen = QAccessible.queryAccessibleInterface(scrub)
    assert seen.role() is QAccessible.Role.Slider
    assert seen.text(QAccessible.Text.Name) == "Time shown, in what is played"
    assert scrub.accessibleDescription() == "shows up to 00:30:00, behind live 30 min"
    assert (scrub.minimum(), scrub.value(), scrub.maximum()) == (0, 250, 1000)
    assert not wanted.all
    scrub.setValue(125)  # as a screen reader does
    assert wanted.all == [("show", 15 * text.MINUTE)]


def test_what_is_played_is_filled_and_what_is_to_come_is_not_and_neither_has_a_hue(scrub: Scrub) -> None:
    image = scrub.grab().toImage()
    look = theme("dark")
    row = scrub.height() // 2
    assert image.pixelColor(_at(scrub, HALF).x(), row) == look.color("text_3")
    assert image.pixelColor(_at(scrub, 90 * text.MINUTE).x(), row) == look.color("panel")
    hues = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    assert max(max(c.red(), c.green(), c.blue()) - min(c.red(), c.green(), c.blue()) for c in hues) < 32


def test_a_session_that_has_just_begun_or_is_over_can_be_shown(scrub: Scrub, wanted: Wanted) -> None:
    scrub.set_view(replace(LIVE, position=BEGAN, end=None))
    scrub.grab()
    assert scrub.value() == scrub.maximum()
    scrub.set_view(replace(LIVE, position=BEGAN + 2 * text.HOUR, ended=True))
    QTest.mouseClick(scrub, Qt.MouseButton.LeftButton, pos=QPoint(100 + 720, 12))
    assert wanted.all == [("live", 0)]


def test_a_skip_beyond_the_end_is_marked_at_the_end(scrub: Scrub) -> None:
    look, end = theme("dark"), QPoint(100 + 720 - 1, scrub.height() // 2 - 4)
    for until, ink in ((None, "panel"), (BEGAN + 9 * text.HOUR, "text_3")):
        scrub.set_view(replace(LIVE, until=until))
        assert scrub.grab().toImage().pixelColor(end) == look.color(ink)


def test_where_both_do_not_fit_it_says_that_it_is_behind_rather_than_when_it_began(scrub: Scrub) -> None:
    yesterday = replace(LIVE, began=BEGAN - 20 * text.DAY, shown=BEGAN)
    scrub.left = 200
    scrub.set_view(yesterday)
    narrow = scrub.grab(QRect(120, 4, 70, 16)).toImage()
    scrub.left = 320
    wide = scrub.grab(QRect(200, 4, 110, 16)).toImage()
    panel = theme("dark").color("panel")

    def inked(image: QImage) -> bool:
        return any(image.pixelColor(x, y) != panel for x in range(image.width()) for y in range(image.height()))

    assert not inked(narrow)
    assert inked(wide)
