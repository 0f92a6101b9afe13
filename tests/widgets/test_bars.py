"""The bars: counts and clock above, ranges over the charts, the day below them, status at the bottom."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from widgets import text
from widgets.banner import TOAST_MS, Banner
from widgets.empty import Empty
from widgets.model import Clock, Counts, Kind, Mark, Notice, Span, StatusView
from widgets.overview import Overview
from widgets.ranges import CHOICES, RangeBar
from widgets.status import StatusStrip, left_segments, right_segments
from widgets.theme import theme
from widgets.topbar import TopBar

NOW = 1_773_457_034_000_000
ORBIT = 5_700 * text.SECOND


def saturated(image: QImage, left: int, right: int) -> int:
    """Pixels of a clear hue between two columns."""
    return sum(
        image.pixelColor(x, y).saturation() > 110 and image.pixelColor(x, y).value() > 90
        for x in range(left, right)
        for y in range(image.height())
    )


def test_a_zero_count_is_drawn_as_a_grey_outline(qtbot: QtBot) -> None:
    bar = TopBar(theme("dark"))
    qtbot.addWidget(bar)
    bar.resize(1920, 48)
    bar.set_counts(Counts(warning=2))
    image = bar.counts.grab().toImage()
    hued = {kind: saturated(image, x, x + 16) for x, _, kind, _ in bar.counts._places}
    assert hued[Kind.WARNING] > 60
    assert all(count == 0 for kind, count in hued.items() if kind is not Kind.WARNING)
    grey = {kind: image.pixelColor(x + 8, y) for x, _, kind, _ in bar.counts._places for y in (16,)}
    assert grey[Kind.SEVERE] != theme("dark").color("panel")


def test_counts_are_told_in_words_worst_first(qtbot: QtBot) -> None:
    bar = TopBar(theme("dark"))
    qtbot.addWidget(bar)
    bar.set_counts(Counts(warning=2, watch=1, findings=1))
    words = "Counts: 0 severe, 0 critical, 0 distress, 2 warning, 1 watch, 1 finding"
    assert bar.counts.accessibleName() == words


def test_the_clock_is_the_one_handed_in(qtbot: QtBot) -> None:
    bar = TopBar(theme("dark"))
    qtbot.addWidget(bar)
    bar.set_clock(Clock(NOW))
    assert bar.accessibleName() == "UTC 02:57:14"
    bar.set_clock(Clock(NOW, origin=NOW - text.HOUR))
    assert bar.accessibleName() == "UTC T+01:00:00"
    bar.resize(1280, 48)
    bar.grab()


@pytest.fixture
def ranges(qtbot: QtBot) -> RangeBar:
    made = RangeBar(theme("dark"))
    qtbot.addWidget(made)
    made.resize(1248, 44)
    made.set_title("Wheels and power", 8)
    made.show()
    return made


def test_there_is_no_button_of_orbits_where_there_is_no_orbit(ranges: RangeBar, qtbot: QtBot) -> None:
    orbits = ranges.choices[4]
    assert orbits.isHidden()
    ranges.set_orbit(ORBIT)
    assert not orbits.isHidden()
    asked: list[int] = []
    ranges.span_chosen.connect(asked.append)
    QTest.mouseClick(orbits, Qt.MouseButton.LeftButton)
    ranges.choices[6].click()
    assert asked == [2 * ORBIT, text.DAY]


def test_the_button_marked_is_the_one_that_says_what_is_shown(ranges: RangeBar) -> None:
    ranges.set_orbit(ORBIT)
    ranges.set_span(text.HOUR)
    assert [b.text() for b in ranges.choices if b.isChecked()] == ["1 h"]
    ranges.set_span(text.HOUR + 1)
    assert not any(b.isChecked() for b in ranges.choices)


def test_behind_live_is_said_and_live_is_one_click(ranges: RangeBar, qtbot: QtBot) -> None:
    wanted: list[int] = []
    ranges.live_wanted.connect(lambda: wanted.append(1))
    ranges.set_behind(21 * text.MINUTE)
    assert ranges.live.accessibleDescription() == "Behind live 21 min"
    assert not ranges.live.isChecked()
    QTest.mouseClick(ranges.live, Qt.MouseButton.LeftButton)
    assert wanted == [1]
    assert not ranges.live.isChecked(), "the button shows what is, not what was asked for"
    ranges.set_behind(None)
    assert ranges.live.isChecked()
    assert not ranges.on.isEnabled()


def test_zooming_goes_to_the_next_range_and_stops_at_the_ends(ranges: RangeBar) -> None:
    for orbit, reach in ((None, 0), (ORBIT, 0), (ORBIT, 9 * text.DAY), (None, 400 * text.DAY)):
        ranges.set_orbit(orbit)
        ranges.set_reach(reach)
        spans = sorted(s for c in CHOICES if (s := c.length(orbit, reach)) is not None)
        assert spans[-1] == max(reach, text.DAY)
        for shown in (1, spans[0], spans[2] + 1, spans[3], spans[-1], 2 * text.DAY):
            ranges.set_span(shown)
            assert ranges.zoomed(-1) == max((s for s in spans if s < shown), default=None)
            assert ranges.zoomed(1) == min((s for s in spans if s > shown), default=None)


def test_nothing_of_the_toolbar_overlaps_at_any_width(ranges: RangeBar) -> None:
    ranges.set_orbit(ORBIT)
    ranges.set_reach(400 * text.DAY)
    for behind in (None, 21 * text.MINUTE):
        ranges.set_behind(behind)
        for width in (916, 1000, 1248, 2000):
            ranges.resize(width, 44)
            shown = [b for b in ranges._buttons() if not b.isHidden()]
            edges = sorted((b.geometry().left(), b.geometry().right()) for b in shown)
            assert edges[0][0] > 0
            assert all(a[1] <= b[0] for a, b in itertools.pairwise(edges))


def status(**changes: object) -> StatusView:
    values: dict[str, object] = {
        "state": "Live",
        "source": "demo fleet, 3 satellites",
        "rate": 135.0,
        "delay": 84_000,
        "waiting": 2,
        "bound": 512,
        "engine": "Scored by the embedded engine, CPU",
        "engine_reason": "The installed runtime has no GPU provider.",
        "size": 4_100_000_000,
        "days_left": 212,
    }
    return StatusView(**{**values, **changes})  # type: ignore[arg-type] # values of many types by name


def test_the_strip_says_source_rate_delay_queue_skipped_engine_and_recording() -> None:
    assert [s.words for s in left_segments(status())] == [
        "Live demo fleet, 3 satellites",
        "135 samples/s",
        "sample to score 84 ms",
        "queue 2 of 512",
        "0 windows skipped",
    ]
    engine, recording = right_segments(status())
    assert engine.tip == "The installed runtime has no GPU provider. More in Scoring (Ctrl+2)."
    assert recording.words == "Recording, 4.1 GB, 212 days left"


def test_not_recording_is_a_critical_shape_and_says_what_is_lost() -> None:
    last = right_segments(status(recording=False, lost=1204))[-1]
    assert last.words == "NOT RECORDING, 1\u2009204 samples lost"
    assert last.mark == Mark(Kind.CRITICAL)


def test_figures_that_gain_a_digit_move_nothing_back(qtbot: QtBot) -> None:
    strip = StatusStrip(theme("dark"))
    qtbot.addWidget(strip)
    strip.resize(1920, 28)

    def places(waiting: int) -> dict[str, int]:
        strip.set_status(status(waiting=waiting))
        strip.grab()
        return {segment.name: rect.x() for rect, segment in strip._places}

    wide = places(400)
    assert places(3) == wide


def test_on_a_narrow_window_the_recording_is_the_last_to_go(qtbot: QtBot) -> None:
    strip = StatusStrip(theme("dark"))
    qtbot.addWidget(strip)
    strip.set_status(status(recording=False))
    strip.resize(700, 28)
    names = [segment.name for segment in strip.segments()]
    assert names[-1] == "recording"
    assert "skipped" not in names


@pytest.fixture
def overview(qtbot: QtBot) -> Overview:
    made = Overview(theme("dark"))
    qtbot.addWidget(made)
    made.resize(1248, 74)
    made.set_clock(Clock(NOW))
    made.set_window(NOW - 2 * text.HOUR, NOW)
    made.set_rows(["A", "B", "C", "D"], "B")
    return made


def test_dragging_the_frame_moves_the_window_by_as_much(overview: Overview, qtbot: QtBot) -> None:
    moved: list[int] = []
    overview.moved.connect(moved.append)
    frame = overview._frame()
    start = frame.center()
    QTest.mousePress(overview, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(overview, start - QPoint(200, 0))
    QTest.mouseRelease(overview, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start - QPoint(200, 0))
    expected = NOW - round(200 / overview._plot().width() * text.DAY)
    assert abs(moved[-1] - expected) <= text.DAY // overview._plot().width()


def test_the_window_cannot_be_dragged_out_of_the_day(overview: Overview, qtbot: QtBot) -> None:
    moved: list[int] = []
    overview.moved.connect(moved.append)
    QTest.keyClick(overview, Qt.Key.Key_Right)
    QTest.keyClick(overview, Qt.Key.Key_Home)
    QTest.keyClick(overview, Qt.Key.Key_Left)
    assert moved == [NOW, NOW - text.DAY + 2 * text.HOUR, NOW - 2 * text.HOUR]


def test_of_many_satellites_those_with_something_to_show_have_a_row(overview: Overview) -> None:
    overview.set_spans([Span("D", NOW - text.HOUR, NOW, Kind.FINDING, True)])
    assert overview._shown() == ["A", "B", "D"]


def test_an_open_span_is_drawn_in_its_colour(overview: Overview) -> None:
    overview.set_spans([Span("B", NOW - 12 * text.HOUR, NOW - 11 * text.HOUR, Kind.FINDING, True)])
    image = overview.grab().toImage()
    plot = overview._plot()
    x, y = plot.center().x() + 4, plot.center().y()
    assert image.pixelColor(x, y) == theme("dark").color("finding")


def test_a_span_of_one_sample_is_seen_about_its_own_time(overview: Overview) -> None:
    time = NOW - 12 * text.HOUR
    overview.set_spans([Span("B", time, time, Kind.WARNING, False)])
    shown = overview.grab().toImage()
    overview.set_spans([])
    bare = overview.grab().toImage()
    columns = [
        x
        for x in range(shown.width())
        if any(shown.pixelColor(x, y) != bare.pixelColor(x, y) for y in range(shown.height()))
    ]
    assert len(columns) == 4 and abs(sum(columns) / 4 + 0.5 - overview._x(time)) <= 0.5


def test_a_banner_stays_until_its_reason_is_gone(qtbot: QtBot) -> None:
    banner = Banner(theme("dark"))
    qtbot.addWidget(banner)
    banner.resize(1280, 40)
    assert banner.set_notice(Notice(Mark(Kind.CRITICAL), "NOT RECORDING: the disk is full.", "Show"))
    assert not banner.isHidden()
    assert banner.accessibleName() == "NOT RECORDING: the disk is full."
    with qtbot.waitSignal(banner.action_wanted, timeout=1000):
        banner.button.click()
    banner.grab()
    assert banner.set_notice(None)
    assert banner.isHidden()
    assert TOAST_MS == 6000


def test_an_empty_place_says_one_sentence_and_offers_one_button(qtbot: QtBot) -> None:
    empty = Empty(theme("dark"), "No chart yet.", "Show the first six")
    qtbot.addWidget(empty)
    empty.resize(600, 300)
    assert empty.accessibleName() == "No chart yet."
    with qtbot.waitSignal(empty.action_wanted, timeout=1000):
        empty.button.click()
    empty.say("No chart yet.")
    assert empty.button.isHidden()
    empty.grab()
