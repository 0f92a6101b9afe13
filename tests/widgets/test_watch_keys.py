"""The keyboard in the Watch view: it reaches everything, and single keys say what is wanted."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from widgets import text
from widgets.watch import WatchView

NOW = 1_773_457_034_000_000
ORBIT = 5_700 * text.SECOND


def walk(view: WatchView) -> list[QWidget]:
    """Every widget that Tab reaches, once round."""
    seen: list[QWidget] = []
    view.strips.setFocus()
    for _ in range(80):
        now = QApplication.focusWidget()
        if now is None or (seen and now is seen[0]):
            break
        seen.append(now)
        QTest.keyClick(now, Qt.Key.Key_Tab)
    return seen


@pytest.mark.parametrize("size", [(1920, 1080), (1280, 720)])
def test_the_keyboard_reaches_every_control(view: WatchView, size: tuple[int, int]) -> None:
    view.resize(*size)
    reached = walk(view)
    small = size[0] < 1440
    tree: list[QWidget] = [view.rail] if small else [view.channels.filter, view.channels.list]
    wanted: list[QWidget] = [
        *tree,
        view.ranges.previous_finding,
        view.ranges.next_finding,
        view.ranges.back,
        view.ranges.on,
        view.ranges.live,
        view.strips,
        *([] if small else [view.overview]),
        view.dock.tabs[0],
        view.dock.attention,
        *view.dock.verdicts.buttons,
        view.dock.verdicts.note,
        view.status,
    ]
    assert [w.accessibleName() for w in wanted if w not in reached] == []
    assert any(choice in reached for choice in view.ranges.choices)
    order = [reached.index(w) for w in wanted if w is not view.strips]
    after = order.index(min(order))
    assert order[after:] + order[:after] == sorted(order)


def test_the_keyboard_reaches_the_events_and_the_off_nominal(view: WatchView) -> None:
    view.dock.show_tab(1)
    reached = walk(view)
    assert view.dock.events.filter in reached and view.dock.events.list in reached
    view.dock.show_tab(2)
    assert view.dock.off_nominal in walk(view)


def test_everything_that_takes_the_keyboard_has_a_name(view: WatchView) -> None:
    parts = [w for w in view.findChildren(QWidget) if w.focusPolicy() != Qt.FocusPolicy.NoFocus]
    own = [w for w in parts if w is not view.strips and type(w).__module__.startswith("widgets.")]
    assert len(own) > 15
    nameless = [type(w).__name__ for w in own if not w.accessibleName() and w is not view.banner.button]
    assert nameless == []


def test_single_keys_say_what_is_wanted(view: WatchView) -> None:
    said: list[object] = []
    view.window_stepped.connect(lambda step: said.append(("window", step)))
    view.finding_stepped.connect(lambda step: said.append(("finding", step)))
    view.span_chosen.connect(lambda span: said.append(("span", span)))
    view.live_wanted.connect(lambda: said.append("live"))
    view.set_window(NOW - text.HOUR, NOW)
    view.strips.setFocus()
    keys = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_N, Qt.Key.Key_P, Qt.Key.Key_Plus, Qt.Key.Key_Minus)
    for key in (*keys, Qt.Key.Key_L):
        QTest.keyClick(view.strips, key)
    assert said == [
        ("window", -1),
        ("window", 1),
        ("finding", 1),
        ("finding", -1),
        ("span", 15 * text.MINUTE),
        ("span", 2 * ORBIT),
        "live",
    ]
    said.clear()
    QTest.keyClick(view.strips, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert said == []


def test_single_keys_rest_while_a_field_has_the_keyboard(view: WatchView) -> None:
    said: list[object] = []
    for signal in (view.window_stepped, view.finding_stepped, view.span_chosen):
        signal.connect(said.append)
    view.live_wanted.connect(lambda: said.append("live"))
    field = view.channels.filter
    field.setFocus()
    QTest.keyClicks(field, "npl+-")
    for _ in range(8):
        QTest.keyClick(field, Qt.Key.Key_Left)
    QTest.keyClick(field, Qt.Key.Key_Right)
    assert said == []
    assert field.text() == "npl+-"


def test_single_keys_work_from_a_list_too(view: WatchView) -> None:
    said: list[int] = []
    view.finding_stepped.connect(said.append)
    view.channels.list.setFocus()
    QTest.keyClick(view.channels.list, Qt.Key.Key_N)
    view.dock.attention.setFocus()
    QTest.keyClick(view.dock.attention, Qt.Key.Key_P)
    assert said == [1, -1]


def test_ctrl_f_brings_the_filter_out_of_the_rail_and_escape_puts_it_away(view: WatchView) -> None:
    view.resize(1280, 720)
    assert view.rail.isVisible() and not view.channels.isVisible()
    view.strips.setFocus()
    QTest.keyClick(view.strips, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert view.channels.isVisible()
    assert QApplication.focusWidget() is view.channels.filter
    QTest.keyClick(view.channels.filter, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is view.channels.list
    QTest.keyClick(view.channels.list, Qt.Key.Key_Escape)
    assert not view.channels.isVisible()
    QTest.keyClick(view.rail, Qt.Key.Key_Down)
    QTest.keyClick(view.rail, Qt.Key.Key_Return)
    assert view.channels.isVisible()
    view.strips.setFocus()
    assert not view.channels.isVisible()


def test_the_digits_give_the_verdict_on_the_selected_finding(view: WatchView) -> None:
    told: list[tuple[object, str]] = []
    view.verdict_given.connect(lambda key, verdict, note: told.append((key, verdict)))
    QTest.keyClicks(view.strips, "12345")
    assert told == [(1, "true"), (1, "false"), (1, "rare nominal"), (1, "unsure")]
    view.channels.filter.setFocus()
    QTest.keyClicks(view.channels.filter, "12")
    assert len(told) == 4, "a field that has the keyboard keeps the digits"
