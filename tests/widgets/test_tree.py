"""The Channels dock, with the real list and its keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from widgets.model import ChannelRow, Kind, Mark, Reading, SatelliteView, Style
from widgets.theme import theme
from widgets.tree import ChannelsDock

PARTS = {"eps": ("battery_voltage", "bus_power"), "aocs": ("wheel_1_speed", "wheel_3_current")}
ROWS = [
    ChannelRow(f"{sat}/{part}/{name}", sat, part, name, "V")
    for sat in ("SAT-001", "SAT-002")
    for part, names in PARTS.items()
    for name in names
]
WHEEL = "SAT-002/aocs/wheel_3_current"


@pytest.fixture
def dock(qtbot: QtBot) -> ChannelsDock:
    made = ChannelsDock(theme("dark"))
    qtbot.addWidget(made)
    made.resize(288, 500)
    made.set_channels(ROWS)
    made.show()
    qtbot.waitExposed(made)
    return made


def names(dock: ChannelsDock) -> list[str]:
    return [node.name for node in dock.model.rows]


def test_satellites_are_open_and_subsystems_closed_at_first(dock: ChannelsDock) -> None:
    assert names(dock) == ["SAT-001", "eps", "aocs", "SAT-002", "eps", "aocs"]


def test_a_plotted_channel_opens_its_subsystem(dock: ChannelsDock) -> None:
    dock.set_plotted([WHEEL])
    assert names(dock) == ["SAT-001", "eps", "aocs", "SAT-002", "eps", "aocs", "wheel_1_speed", "wheel_3_current"]


def test_the_worst_health_below_rolls_up(dock: ChannelsDock) -> None:
    dock.set_health({WHEEL: Mark(Kind.FINDING), "SAT-002/eps/bus_power": Mark(Kind.WATCH, Style.OUTLINED)})
    marks = {key: node.mark for key in ("SAT-001", "SAT-002", "SAT-002/eps") if (node := dock.model.node(key))}
    assert marks == {
        "SAT-001": None,
        "SAT-002": Mark(Kind.FINDING),
        "SAT-002/eps": Mark(Kind.WATCH, Style.OUTLINED),
    }
    dock.set_health({})
    assert all(node.mark is None for node in dock.model.rows)


def test_the_filter_narrows_to_what_holds_every_word(dock: ChannelsDock, qtbot: QtBot) -> None:
    QTest.keyClicks(dock.filter, "wheel 002")
    assert names(dock) == ["SAT-002", "aocs", "wheel_1_speed", "wheel_3_current"]
    QTest.keyClick(dock.filter, Qt.Key.Key_Escape)
    assert names(dock) == ["SAT-001", "eps", "aocs", "SAT-002", "eps", "aocs"]
    QTest.keyClicks(dock.filter, "nothing like it")
    assert names(dock) == []
    assert dock.list.nothing == "No channel matches."
    dock.grab()


def test_arrows_open_close_and_climb(dock: ChannelsDock, qtbot: QtBot) -> None:
    dock.select("SAT-002/aocs")
    QTest.keyClick(dock.list, Qt.Key.Key_Right)
    assert names(dock)[-2:] == ["wheel_1_speed", "wheel_3_current"]
    QTest.keyClick(dock.list, Qt.Key.Key_Down)
    assert dock.selected() == "SAT-002/aocs/wheel_1_speed"
    QTest.keyClick(dock.list, Qt.Key.Key_Left)
    assert dock.selected() == "SAT-002/aocs"
    QTest.keyClick(dock.list, Qt.Key.Key_Left)
    assert names(dock)[-1] == "aocs"


def test_enter_and_a_double_click_ask_for_a_chart(dock: ChannelsDock, qtbot: QtBot) -> None:
    dock.select(WHEEL)
    asked: list[str] = []
    dock.channel_activated.connect(asked.append)
    QTest.keyClick(dock.list, Qt.Key.Key_Return)
    at = dock.list.visualRect(dock.list.currentIndex()).center()
    QTest.mouseDClick(dock.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert asked == [WHEEL, WHEEL]


def test_a_click_on_a_chevron_opens_without_selecting(dock: ChannelsDock, qtbot: QtBot) -> None:
    selected: list[str] = []
    dock.selection_changed.connect(selected.append)
    row = dock.list.visualRect(dock.model.index(1))
    QTest.mouseClick(dock.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(26, row.center().y()))
    assert "battery_voltage" in names(dock)
    assert selected == []
    QTest.mouseClick(dock.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(80, row.center().y()))
    assert selected == ["SAT-001/eps"]
    assert dock.channels_below("SAT-001/eps") == ("SAT-001/eps/battery_voltage", "SAT-001/eps/bus_power")


def test_new_values_redraw_only_rows_that_can_be_seen(qtbot: QtBot) -> None:
    dock = ChannelsDock(theme("dark"))
    qtbot.addWidget(dock)
    dock.resize(288, 400)
    rows = [ChannelRow(f"S/p/c{i:04d}", "S", "p", f"c{i:04d}") for i in range(1000)]
    dock.set_channels(rows)
    dock.select("S/p/c0000")
    dock.show()
    qtbot.waitExposed(dock)
    touched: list[tuple[int, int]] = []

    def note(first: QModelIndex, last: QModelIndex, _roles: object = None) -> None:
        touched.append((first.row(), last.row()))

    dock.model.dataChanged.connect(note)
    seen = dock.list.seen()
    assert 5 < len(dock.visible_channels()) < 20
    dock.set_values({row.key: Reading("1") for row in rows})
    dock.set_values({row.key: Reading("1") for row in rows})
    dock.set_values({"S/p/c0900": Reading("2")})
    assert len(touched) == 1
    assert touched[0][0] in seen and touched[0][1] in seen


def test_the_selection_stays_with_its_channel_when_the_channels_change(dock: ChannelsDock) -> None:
    dock.select(WHEEL)
    told: list[str] = []
    dock.selection_changed.connect(told.append)
    dock.set_channels([ChannelRow("SAT-000/eps/x", "SAT-000", "eps", "x"), *ROWS])
    assert dock.selected() == WHEEL
    assert told == []


def test_a_file_without_subsystems_lists_its_channels_under_its_name(dock: ChannelsDock) -> None:
    dock.set_channels([ChannelRow("file/a", "file", "", "a"), ChannelRow("file/b", "file", "", "b")])
    assert names(dock) == ["file", "a", "b"]


def test_a_row_is_told_to_a_screen_reader_in_words(dock: ChannelsDock) -> None:
    dock.set_plotted([WHEEL])
    dock.set_values({WHEEL: Reading("0.87"), "SAT-002/aocs/wheel_1_speed": Reading("12", stale="42 s")})
    dock.set_health({WHEEL: Mark(Kind.FINDING)})
    dock.set_satellites([SatelliteView("SAT-002", "eclipse")])
    spoken = [
        dock.model.data(dock.model.index(row), Qt.ItemDataRole.AccessibleTextRole)
        for row in range(3, dock.model.rowCount())
    ]
    assert spoken == [
        "SAT-002, eclipse, open, finding",
        "eps, closed",
        "aocs, open, finding",
        "wheel_1_speed, stale 42 s",
        "wheel_3_current, 0.87 V, on a chart, finding",
    ]


def test_what_is_plotted_has_a_bar_and_what_is_not_has_none(dock: ChannelsDock) -> None:
    dock.select(WHEEL)
    dock.set_plotted([WHEEL])
    image = dock.list.grab().toImage()
    rows = [dock.list.visualRect(dock.model.index(i)).center().y() for i in (6, 7)]
    look = theme("dark")
    assert image.pixelColor(0, rows[0]) == look.color("panel")
    assert image.pixelColor(0, rows[1]) == look.color("text")
