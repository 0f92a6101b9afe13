"""What asks for attention, the event table, and the channels that are off nominal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from widgets import text
from widgets.attention import Head
from widgets.events import EventModel
from widgets.finding import detail_height, facts
from widgets.model import Clock, Departure, EventRow, FindingRow, Kind, Mark, OffNominalRow, Style
from widgets.rightdock import RightDock
from widgets.theme import PX, theme

NOW = 1_773_457_034_000_000


def finding(key: int, kind: Kind = Kind.FINDING, open_: bool = True, score: float = 2.0) -> FindingRow:
    style = Style.FILLED if open_ else Style.RETURNED
    start = NOW - key * text.MINUTE
    departures = (Departure("aocs/a", 0.6, 3.0, "2.6 x anything before"), Departure("aocs/b", 0.4))
    state = text.finding_state(open_, start, NOW, Clock(NOW))
    title = text.finding_title([d.name for d in departures])
    return FindingRow(
        key,
        "SAT-002",
        Mark(kind, style),
        title,
        "Above",
        state,
        start,
        NOW,
        open_,
        score,
        "ar",
        ("z",),
        departures,
    )


@pytest.fixture
def dock(qtbot: QtBot) -> RightDock:
    made = RightDock(theme("dark"))
    qtbot.addWidget(made)
    made.resize(384, 980)
    made.set_clock(Clock(NOW))
    made.show()
    qtbot.waitExposed(made)
    return made


def order(dock: RightDock) -> list[object]:
    return [row.title if isinstance(row, Head) else row.key for row in dock.attention.rows.rows]


def test_alarms_come_first_then_findings_the_worst_of_each_first(dock: RightDock) -> None:
    rows = [
        finding(1, score=1.2),
        finding(2, score=3.8),
        finding(3, open_=False, score=9.0),
        finding(4, Kind.WARNING),
        finding(5, Kind.CRITICAL),
    ]
    dock.set_findings(rows)
    assert order(dock) == ["Alarms", 5, 4, "Findings of the models, advisory", 2, 1, 3]


def test_the_worst_is_opened_and_the_choice_then_stays(dock: RightDock, qtbot: QtBot) -> None:
    told: list[int] = []
    dock.attention.finding_selected.connect(told.append)
    dock.set_findings([finding(1), finding(2, score=3.0)])
    assert dock.attention.selected() == 2
    assert told == []
    QTest.keyClick(dock.attention, Qt.Key.Key_Down)
    assert told == [1]
    dock.set_findings([finding(1), finding(2, score=3.0), finding(3, score=8.0)])
    assert dock.attention.selected() == 1
    dock.set_findings([finding(3)])
    assert dock.attention.selected() == 3


def test_only_the_selected_row_is_opened_and_only_where_there_is_room(dock: RightDock, qtbot: QtBot) -> None:
    dock.set_findings([finding(1), finding(2)])
    lines = dock.attention
    qtbot.waitUntil(lambda: lines.visualRect(lines.rows.index(1)).height() > PX["row_alarm"], timeout=2000)
    opened = lines.rows.rows[1]
    assert isinstance(opened, FindingRow)
    assert lines.visualRect(lines.rows.index(1)).height() == PX["row_alarm"] + detail_height(
        opened, lines.viewport().width()
    )
    assert lines.visualRect(lines.rows.index(2)).height() == PX["row_alarm"]
    dock.set_details(False)
    qtbot.waitUntil(lambda: lines.visualRect(lines.rows.index(1)).height() == PX["row_alarm"], timeout=2000)


def test_a_finding_that_grows_is_updated_where_it_stands(dock: RightDock) -> None:
    first = finding(1)
    dock.set_findings([first])
    resets: list[int] = []
    dock.attention.rows.modelReset.connect(lambda: resets.append(1))
    dock.set_findings([replace(first, score=5.0, sentence="Further above")])
    assert resets == []
    dock.grab()


def test_the_details_say_score_since_when_and_who() -> None:
    said = dict(facts(finding(8), Clock(NOW)))
    assert said == {
        "Score": "peak 2.0 \u00d7 threshold",
        "Since": "02:49:14",
        "Lasts": "8 min",
        "Seen by": "ar",
        "Seconded by": "z",
    }


def test_enter_asks_for_the_finding_on_the_charts(dock: RightDock, qtbot: QtBot) -> None:
    asked: list[int] = []
    dock.attention.finding_activated.connect(asked.append)
    dock.set_findings([finding(7)])
    QTest.keyClick(dock.attention, Qt.Key.Key_Return)
    assert asked == [7]


def test_with_nothing_to_attend_to_the_list_says_so(dock: RightDock) -> None:
    empty = dock.attention.grab().toImage()
    dock.attention.nothing = ""
    assert dock.attention.grab().toImage() != empty


def test_events_stand_newest_first_and_are_narrowed_by_words(dock: RightDock, qtbot: QtBot) -> None:
    dock.add_events([EventRow(NOW, "SAT-001", "eclipse began"), EventRow(NOW + 5, "SAT-002", "contact began")])
    model = dock.events.model
    assert [model.row(i).satellite for i in range(2)] == ["SAT-002", "SAT-001"]
    dock.show_tab(1)
    QTest.keyClicks(dock.events.filter, "eclipse")
    assert model.rowCount() == 1
    assert model.row(0).sentence == "eclipse began"


def test_more_events_than_the_bound_push_the_oldest_out() -> None:
    model = EventModel(most=100)
    for i in range(25):
        model.add([EventRow(10 * i + k, "S", f"event {i}.{k}") for k in range(10)])
    assert len(model) == model.rowCount() == 100
    assert model.row(0).time == 249
    assert model.row(99).time == 150


@given(st.lists(st.lists(st.integers(0, 50), max_size=5), max_size=12), st.sampled_from(["", "odd"]))
def test_events_are_in_order_however_they_arrive(batches: list[list[int]], words: str) -> None:
    model = EventModel(most=20)
    model.set_filter(words)
    for batch in batches:
        model.add([EventRow(time, "S", "odd" if time % 2 else "even") for time in batch])
    times = [model.row(i).time for i in range(model.rowCount())]
    assert times == sorted(times, reverse=True)
    # What came late and was older than all that were kept has left with them.
    assert len(model) == min(20, sum(map(len, batches)))
    if words:
        assert all(time % 2 for time in times)


def test_an_off_nominal_channel_can_be_brought_onto_a_chart(dock: RightDock, qtbot: QtBot) -> None:
    asked: list[str] = []
    dock.off_nominal.channel_activated.connect(asked.append)
    dock.set_off_nominal(
        [
            OffNominalRow("A/x", "A", "x", Mark(Kind.FINDING), "1 V", NOW),
            OffNominalRow("A/y", "A", "y", Mark(Kind.SEVERE), "2 V", NOW),
        ]
    )
    dock.show_tab(2)
    dock.off_nominal.setCurrentIndex(dock.off_nominal.rows.index(0))
    QTest.keyClick(dock.off_nominal, Qt.Key.Key_Return)
    assert asked == ["A/y"]


def test_arrows_walk_the_tabs(dock: RightDock, qtbot: QtBot) -> None:
    dock.tabs[0].setFocus()
    QTest.keyClick(dock.tabs[0], Qt.Key.Key_Right)
    assert dock.shown == "Events"
    assert dock.events.isVisible()
    assert not dock.attention.isVisible()


def judged(row: FindingRow, verdict: str) -> FindingRow:
    return replace(row, verdict=verdict, mark=Mark(Kind.FINDING, Style.OUTLINED))


def test_what_is_answered_comes_after_what_asks_and_what_is_quiet_has_a_place_of_its_own(dock: RightDock) -> None:
    quiet = replace(finding(3, score=9.0), mark=Mark(Kind.FINDING, Style.GREY), likeness="like the one of 2030-01-02")
    dock.set_findings([judged(finding(1, score=9.0), "true"), finding(2, open_=False), quiet])
    assert order(dock) == ["Findings of the models, advisory", 2, 1, "Like what was judged rare nominal", 3]


def test_the_verdict_on_the_selected_finding_is_shown_and_given_by_its_button(dock: RightDock) -> None:
    told: list[tuple[object, str]] = []
    dock.verdicts.given.connect(lambda key, verdict, note: told.append((key, verdict)))
    dock.set_findings([judged(finding(1), "unsure"), finding(2, score=9.0), finding(3, Kind.WARNING)])
    dock.attention.select(1)
    assert [button.isChecked() for button in dock.verdicts.buttons] == [False, False, False, True]
    dock.attention.select(2)
    assert not any(button.isChecked() for button in dock.verdicts.buttons)
    QTest.mouseClick(dock.verdicts.buttons[2], Qt.MouseButton.LeftButton)
    assert told == [(2, "rare nominal")]
    assert not dock.verdicts.buttons[2].isChecked(), "it is shown once it is recorded"
    dock.attention.select(3)
    assert not dock.verdicts.isVisible(), "an alarm of a limit takes no verdict"
    dock.verdicts.give(0)
    assert told == [(2, "rare nominal")]


def test_a_verdict_takes_a_note_and_choosing_it_again_takes_it_back(dock: RightDock) -> None:
    told: list[tuple[object, str, str]] = []
    dock.verdicts.given.connect(lambda *said: told.append(said))
    taken_up: list[int] = []
    dock.verdicts.taken_up.connect(taken_up.append)
    dock.set_findings([finding(1)])
    dock.attention.select(1)
    field = dock.verdicts.note
    QTest.keyClicks(field, "Heater on")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert told == [], "it waits for the verdict"
    assert set(taken_up) == {1}
    dock.set_findings([replace(finding(1), score=4.0)])
    assert field.text() == "Heater on", "a finding that grows leaves what is being typed"
    dock.verdicts.give(0)
    dock.set_findings([replace(judged(finding(1), "true"), note="Heater on")])
    QTest.keyClick(field, Qt.Key.Key_Return)
    QTest.keyClicks(field, ", twice")
    QTest.keyClick(field, Qt.Key.Key_Return)
    dock.set_findings([replace(judged(finding(1), "true"), note="Heater on, twice")])
    dock.verdicts.give(0)
    dock.verdicts.give(1)
    assert told == [
        (1, "true", "Heater on"),
        (1, "true", "Heater on, twice"),
        (1, "taken back", ""),
        (1, "false", "Heater on, twice"),
    ]
    QTest.keyClicks(field, " or not")
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "Heater on, twice"
    dock.set_findings([finding(1), finding(2)])
    dock.attention.select(2)
    assert field.text() == ""


def test_nothing_can_be_judged_where_nothing_is_listed_or_another_tab_is_shown(dock: RightDock) -> None:
    assert not dock.verdicts.isVisible()
    dock.set_findings([finding(1)])
    assert dock.verdicts.isVisible()
    assert dock.attention.geometry().bottom() < dock.verdicts.geometry().top()
    dock.show_tab(1)
    assert not dock.verdicts.isVisible()


def test_what_was_expected_stands_under_the_bars_and_is_read_aloud(dock: RightDock) -> None:
    plain = finding(1)
    said = replace(plain.departures[0], expected="expected 12.1 to 12.9 V, was 10.4 V")
    row = replace(plain, departures=(said, *plain.departures[1:]))
    assert detail_height(row, 384) > detail_height(plain, 384)
    dock.set_findings([row])
    spoken = dock.attention.rows.data(dock.attention.rows.index(1), Qt.ItemDataRole.AccessibleTextRole)
    assert "expected 12.1 to 12.9 V, was 10.4 V" in spoken


def test_the_facts_say_where_the_peak_lies_and_since_when_it_rose() -> None:
    row = replace(finding(1), onset=NOW - 2 * text.MINUTE, peak=NOW - 30 * text.SECOND)
    told = dict(facts(row, Clock(NOW)))
    assert told["Score"] == "peak 2.0 \u00d7 threshold at 02:56:44"
    assert told["Rising from"] == "02:55:14"
    assert "Rising from" not in dict(facts(replace(row, onset=row.start), Clock(NOW)))
