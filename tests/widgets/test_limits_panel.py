"""The limits of a channel under the charts: shown, changed with the keyboard alone, and what is wrong said."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from widgets.limitrow import COLUMNS, columns
from widgets.model import LimitsView
from widgets.watch import WatchView

KEY = "SAT-002/aocs/wheel_3_current"
ROWS = (
    {"severity": "warning", "low": "25.5", "high": "33", "cause": "Drained."},
    {"severity": "critical", "low": "24", "when": "obc/mode == safe", "quantity": "rate"},
)


@pytest.fixture
def shown(view: WatchView) -> WatchView:
    view.set_limits(LimitsView(KEY, "V", "as the source declares them", ROWS))
    return view


def press(key: Qt.Key) -> None:
    widget = QApplication.focusWidget()
    assert widget is not None
    QTest.keyClick(widget, key)


def test_e_and_the_menu_of_a_channel_ask_for_its_limits(view: WatchView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.limits_wanted) as asked:
        QTest.keyClick(view, Qt.Key.Key_E)
    assert asked.args == [""]
    view.channels.select(KEY)
    menu = view.channels.menu()
    assert menu is not None
    with qtbot.waitSignal(view.limits_wanted) as asked:
        next(one for one in menu.actions() if one.text().startswith("Limits")).trigger()
    assert asked.args == [KEY]
    view.channels.select("SAT-002")
    menu = view.channels.menu()
    assert menu is not None and not [one for one in menu.actions() if one.text().startswith("Limits")]


def test_the_form_stands_under_the_charts_and_gives_back_what_it_was_given(shown: WatchView) -> None:
    panel = shown.limits
    assert panel.isVisible() and not panel.geometry().intersects(shown.strips.geometry())
    assert panel.values() == list(ROWS) and not panel.changed
    assert panel.response["cause"].text() == "Drained."
    assert not panel.reset.isEnabled(), "nothing was set here, so there is nothing to go back from"


def test_a_limit_is_changed_and_applied_with_the_keyboard_alone(shown: WatchView, qtbot: QtBot) -> None:
    panel = shown.limits
    assert QApplication.focusWidget() is panel.rows[0].fields["low"]
    panel.rows[0].fields["low"].setText("\u22122")  # as minus is written everywhere else
    QTest.keyClicks(panel.rows[0].fields["low"], "6e")
    assert panel.changed and panel.values()[0]["low"] == "-26e", "a letter is typed, it is no key of the view"
    with qtbot.waitSignal(panel.applied) as applied:
        press(Qt.Key.Key_Return)
    assert applied.args == [[{**ROWS[0], "low": "-26e"}, ROWS[1]]]
    press(Qt.Key.Key_Escape)
    assert panel.isHidden() and shown.strips.hasFocus()


def test_tab_reaches_every_field_and_button_of_the_form(shown: WatchView) -> None:
    panel, reached = shown.limits, []
    for _ in range(60):
        reached.append(QApplication.focusWidget())
        press(Qt.Key.Key_Tab)
    wanted = [
        *(part for row in panel.rows for part in (row.severity, row.quantity, row.remove, *row.fields.values())),
        *panel.response.values(),
        panel.add,
        panel.apply,
        panel.close_button,
    ]
    assert [one.accessibleName() for one in wanted if one not in reached] == []


def test_limits_are_added_and_removed(shown: WatchView) -> None:
    panel = shown.limits
    height = panel.height()
    panel.add.click()
    assert len(panel.rows) == 3 and panel.height() > height
    assert QApplication.focusWidget() is panel.rows[2].fields["low"]
    assert panel.values()[2] == {"severity": "warning"}
    for _ in range(3):
        panel.rows[0].remove.click()
    assert panel.values() == [] and panel.changed and QApplication.focusWidget() is panel.add


def test_each_limit_has_its_own_response(shown: WatchView) -> None:
    panel = shown.limits
    panel.rows[1].fields["high"].setFocus()
    assert panel.response["cause"].text() == ""
    QTest.keyClicks(panel.response["action"], "Charge it.")
    assert [row.get("action") for row in panel.values()] == [None, "Charge it."]
    assert panel.values()[0]["cause"] == "Drained."


def test_what_is_wrong_is_said_and_the_keyboard_goes_there(shown: WatchView) -> None:
    panel = shown.limits
    panel.set_problem("Low (26) must be less than high (20).", 1, "low")
    field = panel.rows[1].fields["low"]
    assert QApplication.focusWidget() is field and field.property("wrong") is True
    assert panel.accessibleDescription() == "Low (26) must be less than high (20)."
    QTest.keyClicks(field, "1")
    assert panel.sentence == "" and field.property("wrong") is False


def test_a_severity_is_chosen_from_a_menu(shown: WatchView) -> None:
    row = shown.limits.rows[0]
    next(one for one in row.severity.menu().actions() if one.text() == "severe").trigger()
    assert shown.limits.values()[0]["severity"] == "severe"
    assert row.severity.accessibleName() == "Severity: severe"


@pytest.mark.parametrize("size", [(960, 540), (1280, 720), (1920, 1080)])
def test_there_is_room_for_charts_and_every_column(shown: WatchView, size: tuple[int, int]) -> None:
    for _ in range(9):
        shown.limits.add.click()
    shown.resize(*size)
    assert shown.strips.height() >= 180
    for row in shown.limits.rows:
        for choice in (row.severity, row.quantity):
            assert choice.width() >= choice.sizeHint().width()
    places = columns(shown.limits.width() - 32)
    assert list(places) == [name for name, _, _ in COLUMNS]
    assert all(place.width() >= 28 for place in places.values())
    assert places["remove"].right() < shown.limits.width() - 32
