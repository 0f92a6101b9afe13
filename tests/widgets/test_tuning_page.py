"""The page Detection: values in, intentions out, all of it by keyboard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from widgets import text
from widgets.model import Clock
from widgets.theme import theme
from widgets.tuning.curve import Curve, decades
from widgets.tuning.model import CommissioningView, NominalSpan, Preview, Scope, SetThreshold, ThresholdsView, Wish
from widgets.tuning.panel import TuningPanel
from widgets.watch import WatchView

NOON = 1_795_435_200_000_000
PROPOSED = NominalSpan(1, 2, "12:00 to 14:10, 2026-11-23", "2 h 10 min without a finding.")
SHOWN = NominalSpan(3, 4, "14:00 to 15:00, 2026-11-23", "1 h with 2 findings in it, which would count as usual.")
VIEW = CommissioningView("SAT-001", proposed=PROPOSED, shown=SHOWN)
NOWHERE = Scope("", "")
SCOPES = (Scope("*", "All."), Scope("SAT-001/*", "Of SAT-001."), Scope("SAT-001/eps/*", "Of eps."), Scope("C", "C."))
PREVIEW = Preview("findings", (0.6, 1.0, 2.0, 20.0), (90.0, 9.0, 1.0, 0.0), 1.0, 2.0, "At 2 \u00d7 the threshold.")


@pytest.fixture
def page(qtbot: QtBot) -> TuningPanel:
    made = TuningPanel(theme("dark"))
    qtbot.addWidget(made)
    made.resize(384, 900)
    made.commissioning.set_view(VIEW)
    made.thresholds.set_view(ThresholdsView(SCOPES))
    made.show()
    made.activateWindow()
    qtbot.waitExposed(made)
    return made


def answered(page: TuningPanel, preview: Preview = PREVIEW) -> None:
    """The core has answered what the page asks for."""
    wish = page.thresholds.wish()
    page.thresholds.set_view(ThresholdsView(SCOPES, preview=preview, answered=wish))


def test_a_satellite_is_said_to_be_learning_until_it_is_commissioned(page: TuningPanel) -> None:
    part = page.commissioning
    assert part.state.text() == "Learning: what is usual is still learned from the stream."
    part.set_view(replace(VIEW, commissioned="12:00 to 14:10, 2026-11-23"))
    assert part.state.text() == "Commissioned on 12:00 to 14:10, 2026-11-23."


def test_it_is_commissioned_on_the_span_proposed_or_on_what_the_charts_show(page: TuningPanel) -> None:
    asked: list[tuple[NominalSpan, str]] = []
    part = page.commissioning
    part.commission_wanted.connect(lambda span, who: asked.append((span, who)))
    assert (part.span.text(), part.remark.text()) == (PROPOSED.words, PROPOSED.remark)
    part.go.click()
    QTest.keyClick(part.spans.buttons[0], Qt.Key.Key_Right)
    assert (part.span.text(), part.remark.text()) == (SHOWN.words, SHOWN.remark)
    QTest.keyClicks(part.who, " Kim ")
    QTest.keyClick(part.who, Qt.Key.Key_Return)
    assert asked == [(PROPOSED, ""), (SHOWN, "Kim")]


def test_where_nothing_is_proposed_the_reason_is_said_and_the_charts_can_be_used(page: TuningPanel) -> None:
    part = page.commissioning
    part.set_view(replace(VIEW, proposed=None, why_not="There are no 17 minutes on end without a finding yet."))
    assert not part.go.isEnabled()
    assert part.remark.text() == "There are no 17 minutes on end without a finding yet."
    part.spans.buttons[1].click()
    assert part.go.isEnabled()


def test_while_one_is_made_its_share_is_shown_and_it_can_be_cancelled(page: TuningPanel, qtbot: QtBot) -> None:
    part = page.commissioning
    assert not part.cancel.isVisible()
    part.set_view(replace(VIEW, making="SAT-002", share=0.42, outcome="SAT-001 is commissioned."))
    assert part.making.text() == "Commissioning SAT-002: 42\u00a0%"
    assert not part.go.isEnabled() and not part.outcome.isVisible()
    with qtbot.waitSignal(part.cancel_wanted):
        QTest.keyClick(part.cancel, Qt.Key.Key_Space)
    part.set_view(replace(VIEW, outcome="Given up: SAT-001 is judged as before."))
    assert part.outcome.text() == "Given up: SAT-001 is judged as before."
    assert not part.cancel.isVisible() and part.go.isEnabled()


def test_a_wish_is_a_sentence_with_a_number_in_it(page: TuningPanel) -> None:
    part = page.thresholds
    told: list[Wish | None] = []
    part.wish_changed.connect(lambda: told.append(part.wish()))
    assert part.wish() == Wish("SAT-001/*", "findings", 1.0)
    part.scopes.buttons[0].click()
    part.amount.selectAll()
    QTest.keyClicks(part.amount, "2")
    part.ways.buttons[1].click()
    part.amount.selectAll()
    QTest.keyClicks(part.amount, "0,25")
    assert told[-1] == Wish("*", "share", 0.25)
    part.ways.buttons[0].click()
    assert part.wish() == Wish("*", "findings", 2.0)
    part.amount.clear()
    assert part.wish() is None
    assert part.meaning.text() == "A number from 0 on is needed."
    QTest.keyClicks(part.amount, "-x")
    assert part.amount.text() == ""


@pytest.mark.parametrize("words", ["101", "100,5", "-1", "nan", "inf", ""])
def test_a_share_of_the_time_that_there_cannot_be_is_refused_where_it_is_written(page: TuningPanel, words: str) -> None:
    part = page.thresholds
    part.ways.buttons[1].click()
    answered(page)
    assert part.set.isEnabled()
    part.amount.setText(words)
    assert part.wish() is None and not part.set.isEnabled()
    assert part.meaning.text() == "A number from 0 to 100 is needed."


def test_only_what_was_previewed_can_be_set(page: TuningPanel) -> None:
    part = page.thresholds
    asked: list[Wish] = []
    part.set_wanted.connect(asked.append)
    QTest.keyClick(part.amount, Qt.Key.Key_Return)
    assert asked == [] and not part.set.isEnabled() and not part.curve.isVisible()
    answered(page)
    assert part.meaning.text() == "At 2\u00a0\u00d7 the threshold."
    assert part.curve.isVisible()
    QTest.keyClick(part.amount, Qt.Key.Key_Return)
    assert asked == [Wish("SAT-001/*", "findings", 1.0)]
    part.amount.setText("3")
    assert not part.set.isEnabled()
    part.set_view(ThresholdsView(SCOPES, refusal="No scores of SAT-001/* are stored yet."))
    assert part.meaning.text() == "No scores of SAT-001/* are stored yet."
    assert not part.set.isEnabled()


def test_a_scope_of_which_nothing_is_chosen_gives_way_to_the_next_larger(page: TuningPanel) -> None:
    part = page.thresholds
    part.choose_scope(3)
    assert part.wish() == Wish("C", "findings", 1.0)
    part.set_view(ThresholdsView((*SCOPES[:2], NOWHERE, NOWHERE)))
    assert part.wish() == Wish("SAT-001/*", "findings", 1.0)
    assert [button.isEnabled() for button in part.scopes.buttons] == [True, True, False, False]


def test_what_is_set_is_listed_and_can_be_removed(page: TuningPanel) -> None:
    part = page.thresholds
    asked: list[str] = []
    part.remove_wanted.connect(asked.append)
    rows = (SetThreshold("*", "Everything", "about 1 finding a day, 1.4 \u00d7"), SetThreshold("C", "C", "3 \u00d7"))
    part.set_view(ThresholdsView(SCOPES, rows))
    assert [row.remove.accessibleName() for row in part.rows] == [
        "Remove the threshold of Everything",
        "Remove the threshold of C",
    ]
    QTest.keyClick(part.rows[1].remove, Qt.Key.Key_Space)
    assert asked == ["C"]
    part.set_view(ThresholdsView(SCOPES, rows[:1]))
    assert len(part.rows) == 1


def test_the_keyboard_reaches_all_of_the_page_in_order(view: WatchView, qtbot: QtBot) -> None:
    page = view.dock.tuning
    above, below = page.commissioning, page.thresholds
    view.open_detection()
    above.set_view(VIEW)
    below.set_view(ThresholdsView(SCOPES))
    rows = (SetThreshold("*", "Everything", "1"), SetThreshold("C", "C", "1"))
    below.set_view(ThresholdsView(SCOPES, rows, preview=PREVIEW, answered=below.wish()))
    qtbot.waitUntil(lambda: view.isActiveWindow() and below.rows[-1].isVisible())
    wanted: list[QWidget] = [above.spans.buttons[0], above.who, above.go, below.scopes.buttons[1]]
    wanted += [below.ways.buttons[0], below.amount, below.set]
    wanted += [*(row.remove for row in below.rows), view.status]
    reached: list[QWidget] = []
    for _ in wanted:
        now = QApplication.focusWidget()
        assert now is not None
        reached.append(now)
        QTest.keyClick(now, Qt.Key.Key_Tab)
    assert [w.accessibleName() for w in reached] == [w.accessibleName() for w in wanted]


@pytest.mark.parametrize("size", [(384, 940), (320, 608)])
def test_nothing_is_cut_or_wider_than_the_dock(page: TuningPanel, size: tuple[int, int]) -> None:
    page.resize(*size)
    answered(page)
    QApplication.processEvents()
    body = page.widget()
    assert body is not None and body.width() <= page.viewport().width()
    for part in body.findChildren(QWidget):
        if part.isVisible():
            corner = part.mapTo(body, QPoint(part.width(), part.height()))
            assert corner.x() <= body.width(), part
    for button in page.thresholds.scopes.buttons:
        assert button.width() > button.fontMetrics().horizontalAdvance(button.text())


def test_decades_hold_every_value_and_their_foot_is_nothing() -> None:
    assert decades([0.0, 0.0]) == (-1, 1)
    assert decades([0.0, 1.0]) == (-1, 0)
    assert decades([0.14, 900.0]) == (-1, 3)
    assert decades([5.0, 5.0]) == (0, 1)


def test_the_curve_shows_what_is_in_force_and_what_is_wanted(qtbot: QtBot) -> None:
    curve = Curve(theme("dark"))
    qtbot.addWidget(curve)
    curve.resize(340, curve.height())
    pictures = []
    for preview in (
        PREVIEW,
        replace(PREVIEW, wanted=1.0),
        replace(PREVIEW, now=3.0),
        replace(PREVIEW, now=400.0, values=(0.0, 0.0, 0.0, 0.0)),
    ):
        curve.set_preview(preview)
        assert curve.accessibleDescription() == preview.words
        pictures.append(curve.grab().toImage())
    assert all(one != other for i, one in enumerate(pictures) for other in pictures[:i])


def test_d_opens_the_page_and_typing_in_it_is_no_single_key(view: WatchView) -> None:
    said: list[object] = []
    view.detection_wanted.connect(said.append)
    view.finding_stepped.connect(said.append)
    QTest.keyClick(view.strips, Qt.Key.Key_D)
    page = view.dock.tuning
    assert view.dock.shown == "Detection"
    assert QApplication.focusWidget() is page.commissioning.spans.buttons[0]
    page.commissioning.who.setFocus()
    QTest.keyClicks(page.commissioning.who, "npd")
    assert said == [""]
    assert page.commissioning.who.text() == "npd"


@pytest.mark.qt_log_ignore("This plugin does not support")  # the offscreen platform has no menus in front
def test_the_page_is_reached_from_a_row_of_the_tree(view: WatchView) -> None:
    said: list[str] = []
    view.detection_wanted.connect(said.append)
    tree = view.channels.list
    view.channels.select("SAT-002")
    tree.setFocus()
    QApplication.sendEvent(tree, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(0, 0), QPoint(0, 0)))
    menu = view.channels.findChild(QMenu)
    assert menu is not None
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert said == ["SAT-002"]
    assert view.dock.shown == "Detection"


def test_the_tree_says_which_satellites_are_provisional(view: WatchView) -> None:
    model = view.channels.model
    before = view.channels.list.grab().toImage()
    view.channels.set_provisional(["SAT-002"])
    assert view.channels.list.grab().toImage() != before
    spoken = [model.spoken(node) for node in model.satellites]
    assert ["provisional" in words for words in spoken] == [False, True, False]
    tip = model.data(model.index(model.row_of(model.satellites[1])), Qt.ItemDataRole.ToolTipRole)
    assert tip == "SAT-002 is provisional: what is usual is still learned from the stream."


def test_a_stretch_of_time_names_its_day_once() -> None:
    later = NOON + 130 * text.MINUTE
    assert text.stretch(NOON, later, Clock(later)) == "12:00 to 14:10, 2026-11-23"
    assert text.stretch(NOON, NOON + text.DAY, Clock(later)) == "2026-11-23 12:00 to 2026-11-24 12:00"
    assert text.stretch(NOON, later, Clock(later, NOON)) == "T+00:00:00 to T+02:10:00"
