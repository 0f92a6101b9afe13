"""The page Scoring: values in, shown in words and shapes; all of it by keyboard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from widgets.model import Kind, Mark
from widgets.scoring.model import Fact, Lines, Remark, Row, ScoringView, Section, Table
from widgets.scoring.page import ScoringPage
from widgets.scoring.section import SectionPart, words_of
from widgets.theme import Name, apply, theme
from widgets.watch import WatchView

NOW = Mark(Kind.WARNING)
MODELS = Table(("Model", "State", "Windows"), (Row(("vae", "serving", "164 577")), Row(("lstm", "serving", "8"))), 2)
SERVER = Section("Server", "127.0.0.1:8001", table=MODELS, facts=(Fact("Program", "tritonserver"),))
GPU = Section("GPU", facts=(Fact("Busy", "7 %", 0.07), Fact("Slowed down", "no")))
POOL = Section("Workers", table=Table(("Worker", "Now", "p50 ms"), (Row(("inference-0", "waiting", "2.4")),), 2))
VIEW = ScoringView(
    "Triton scores", "since 02:44:13", Section("", remarks=(Remark("It answers."),)), (SERVER, GPU), POOL
)
LOG = Lines(("I1123 07:00:01 server.cc:1] started", "W1123 07:00:02 metrics.cc:2] no GPU", "E1123 done"), "07:01:00")


@pytest.fixture
def page(qtbot: QtBot, qapp: QApplication) -> ScoringPage:
    apply(qapp, theme("dark"))
    made = ScoringPage(theme("dark"))
    qtbot.addWidget(made)
    made.resize(1280, 640)
    made.set_view(VIEW)
    made.show()
    made.activateWindow()
    qtbot.waitExposed(made)
    return made


def part(section: Section, width: int = 580, name: Name = "dark") -> SectionPart:
    made = SectionPart(theme(name), section)
    made.resize(width, 10)
    made.show()
    return made


def colours(widget: QWidget) -> set[int]:
    image: QImage = widget.grab().toImage()
    return {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}


def test_it_says_what_it_was_handed(page: ScoringPage) -> None:
    assert (page.heading.title, page.heading.since) == ("Triton scores", "since 02:44:13")
    assert [one.accessibleName() for one in page.left.sections] == ["What scores", "Server", "GPU"]
    assert "Model vae, State serving, Windows 164 577" in page.left.sections[1].accessibleDescription()
    assert page.pool.sections[0].accessibleDescription() == "Worker inference-0, Now waiting, p50 ms 2.4"
    page.set_view(replace(VIEW, title="ONNX Runtime on the CPU scores", below=(GPU,)))
    assert page.heading.title == "ONNX Runtime on the CPU scores"
    assert [one.accessibleName() for one in page.left.sections] == ["What scores", "GPU"]


@pytest.mark.parametrize("name", ["dark", "light"])
def test_what_is_well_has_no_hue_and_what_is_not_has_a_shape_and_a_word(qtbot: QtBot, name: Name) -> None:
    calm = part(SERVER, name=name)
    qtbot.addWidget(calm)
    fill = theme(name).color("fill_warning").rgb()
    assert fill not in colours(calm)
    for bad in (
        replace(SERVER, remarks=(Remark("It does not answer.", NOW),)),
        replace(SERVER, facts=(Fact("Slowed down", "by heat", mark=NOW),)),
        replace(SERVER, table=replace(MODELS, rows=(Row(("vae", "failed", "0"), NOW, "It was lost."),))),
    ):
        calm.set_section(bad)
        assert fill in colours(calm)
        assert "warning: " in words_of(bad)


def test_a_sentence_wraps_and_the_section_grows_with_it(qtbot: QtBot) -> None:
    wide, narrow = (part(Section("", remarks=(Remark("so it goes on " * 20),)), width) for width in (900, 300))
    qtbot.addWidget(wide)
    qtbot.addWidget(narrow)
    assert narrow.height() > 2 * wide.height()


def test_columns_stay_where_they_are_when_a_cell_gets_shorter(qtbot: QtBot) -> None:
    busy = Table(("Worker", "Now", "p50 ms"), (Row(("inference-0", "256 windows, 812 ms", "2.4")),), 2)
    made = part(Section("Workers", table=busy))
    qtbot.addWidget(made)
    before = made.grab().toImage()
    made.set_section(Section("Workers", table=replace(busy, rows=(Row(("inference-0", "waiting", "2.4")),))))
    after = made.grab().toImage()
    head = QRect(0, 30, made.width(), 30)
    assert before.copy(head) == after.copy(head)


def test_facts_stand_beside_each_other_where_they_have_room(qtbot: QtBot) -> None:
    facts = (Fact("Waiting", "2 of 512"), Fact("Skipped", "0"))
    wide, narrow = part(Section("", facts=facts), 700), part(Section("", facts=facts), 260)
    qtbot.addWidget(wide)
    qtbot.addWidget(narrow)
    assert narrow.height() == wide.height() + 24


def test_texts_are_asked_for_when_somebody_wants_them(page: ScoringPage) -> None:
    asked: list[str] = []
    lines = page.lines
    lines.wanted.connect(asked.append)
    lines.kinds.buttons[1].click()
    QTest.keyClick(page, Qt.Key.Key_F5)
    lines.kinds.buttons[0].click()
    QTest.keyClick(lines.again, Qt.Key.Key_Space)
    assert asked == ["config", "config", "log", "log"]


def test_a_filter_keeps_the_lines_that_have_its_words(page: ScoringPage) -> None:
    lines = page.lines
    assert lines.note.words == ""
    lines.set_lines("log", LOG)
    assert lines.text.toPlainText().splitlines() == list(LOG.lines)
    assert lines.note.words == "3 lines, read at 07:01:00"
    QTest.keyClicks(lines.filter, "NO gpu")
    assert lines.text.toPlainText() == LOG.lines[1]
    assert lines.note.words == "1 of 3 lines, read at 07:01:00"
    QTest.keyClick(lines.filter, Qt.Key.Key_Escape)
    assert lines.note.words == "3 lines, read at 07:01:00"
    lines.set_lines("config", Lines(('name: "vae"',), "07:01:01"))
    assert "vae" not in lines.text.toPlainText(), "the log is shown"
    lines.set_lines("log", Lines((), "07:02:00"))
    assert lines.note.words == "There is no log: no Triton of this workstation scores."


def test_a_log_stays_at_its_newest_line_unless_one_reads_further_up(page: ScoringPage) -> None:
    lines, bar = page.lines, page.lines.text.verticalScrollBar()
    lines.set_lines("log", Lines(tuple(f"I1123 line {i}" for i in range(400)), "07:01:00"))
    assert 0 < bar.value() == bar.maximum()
    lines.set_lines("log", Lines(tuple(f"I1123 line {i}" for i in range(500)), "07:01:10"))
    assert bar.value() == bar.maximum()
    bar.setValue(20)
    lines.set_lines("log", Lines(tuple(f"I1123 line {i}" for i in range(600)), "07:01:20"))
    assert bar.value() == 20


def test_errors_and_warnings_of_a_log_stand_out(page: ScoringPage) -> None:
    page.lines.set_lines("log", LOG)
    hue = QColor(theme("dark").color("warning"))
    loud = []
    block = page.lines.text.document().firstBlock()
    while block.isValid():
        loud.append([one.format.foreground().color() == hue for one in block.layout().formats()][:1])
        block = block.next()
    assert loud == [[], [True], [True]]


def test_tab_reaches_every_part_and_leaves_the_text(page: ScoringPage) -> None:
    page.setFocus()
    reached: list[QWidget | None] = []
    for _ in range(10):
        QTest.keyClick(QApplication.focusWidget() or page, Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())
    lines = page.lines
    buttons = list(page.foot.buttons.values())
    expected = [page.left, *buttons, page.pool, lines.kinds.buttons[0], lines.filter, lines.again, lines.text]
    assert reached[:9] == expected
    assert reached[9] is not lines.text


def test_the_pool_is_as_high_as_it_needs_after_the_window_grew(page: ScoringPage, qtbot: QtBot) -> None:
    page.set_view(replace(VIEW, pool=replace(POOL, remarks=(Remark("32 windows failed, so " * 6),))))
    qtbot.waitUntil(lambda: page.pool.height() == page.pool.sections[0].height() + 4)
    wide = page.pool.height()
    page.resize(640, 640)
    qtbot.waitUntil(lambda: page.pool.sections[0].height() > wide)
    page.resize(1280, 640)
    qtbot.waitUntil(lambda: page.pool.height() == page.pool.sections[0].height() + 4 == wide)


def test_a_low_page_scrolls_by_keyboard(page: ScoringPage) -> None:
    page.resize(1280, 120)
    QTest.keyClick(page.left, Qt.Key.Key_PageDown)
    assert page.left.verticalScrollBar().value() > 0


def test_the_page_is_opened_and_left_by_key_bar_and_strip(view: WatchView) -> None:
    told: list[int] = []
    stepped: list[int] = []
    view.scoring.opened.connect(lambda: told.append(1))
    view.finding_stepped.connect(stepped.append)
    assert not view.scoring.isVisible()
    QTest.keyClick(view, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert view.scoring.isVisible() and told == [1]
    QTest.keyClick(view, Qt.Key.Key_N)
    assert stepped == [], "what is covered takes no keys"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not view.scoring.isVisible() and view.strips.hasFocus()
    view.top.view_chosen.emit("Scoring")
    assert view.scoring.isVisible()
    view.find_channel()
    assert view.scoring.lines.filter.hasFocus()
    QTest.keyClick(view.scoring, Qt.Key.Key_D)
    assert not view.scoring.isVisible() and view.dock.shown == "Detection"
    engine = next(place for place, one in view.status._places if one.name == "engine")
    QTest.mouseClick(view.status, Qt.MouseButton.LeftButton, pos=engine.center())
    assert view.scoring.isVisible()
    QTest.keyClick(view, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert not view.scoring.isVisible()
    view.status.setFocus()
    view.status._current = [one.name for one in view.status.segments()].index("engine")
    QTest.keyClick(view.status, Qt.Key.Key_Return)
    assert view.scoring.isVisible()


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_it_fills_what_is_between_the_bars(view: WatchView, size: tuple[int, int]) -> None:
    view.resize(*size)
    view.show_view("Scoring")
    page = view.scoring
    assert page.geometry() == QRect(0, view.top.height(), size[0], view.status.y() - view.top.height())
    assert view.childAt(QPoint(size[0] - 20, 200)) in page.findChildren(QWidget)
    assert page.lines.text.height() > page.height() * 0.3


def test_the_foot_wants_what_is_pressed_and_only_a_cancel_while_something_runs(page: ScoringPage) -> None:
    wanted: list[str] = []
    page.foot.wanted.connect(wanted.append)
    page.foot.cancelled.connect(lambda: wanted.append("cancelled"))
    for button in page.foot.buttons.values():
        button.click()
    assert wanted == ["install", "start", "stop"] and not page.foot.cancel.isVisible()
    page.foot.say("loading vae_timeseries", running=True)
    assert page.foot.accessibleDescription() == "loading vae_timeseries"
    for button in page.foot.buttons.values():
        button.click()
    page.foot.cancel.click()
    assert wanted[3:] == ["cancelled"]
    page.foot.say("Done.", running=False)
    assert not page.foot.cancel.isVisible() and page.foot.buttons["stop"].isEnabled()
