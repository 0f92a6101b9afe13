"""A Watch view filled as a session fills it."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from widgets import text
from widgets.model import (
    ChannelRow,
    Clock,
    Counts,
    Departure,
    EventRow,
    FindingRow,
    Kind,
    Mark,
    OffNominalRow,
    Reading,
    SatelliteView,
    Span,
    StatusView,
)
from widgets.theme import apply, theme
from widgets.watch import WatchView

NOW = 1_773_457_034_000_000
ORBIT = 5_700 * text.SECOND
SATELLITES = ("SAT-001", "SAT-002", "SAT-003")
WHEEL = "SAT-002/aocs/wheel_3_current"
ROWS = [
    ChannelRow(f"{sat}/{part}/{name}", sat, part, name, "A")
    for sat in SATELLITES
    for part, name in (("eps", "bus_power"), ("aocs", "wheel_3_current"), ("aocs", "wheel_3_speed"))
]


def fill(view: WatchView) -> None:
    clock = Clock(NOW)
    view.set_channels(ROWS)
    view.channels.set_plotted([WHEEL])
    view.channels.set_values({row.key: Reading("0.87") for row in ROWS})
    view.set_satellites(SatelliteView(name, "sunlit") for name in SATELLITES)
    view.set_health({WHEEL: Mark(Kind.FINDING)})
    view.set_counts(Counts(findings=1))
    view.set_clock(clock)
    start = NOW - 46 * text.MINUTE
    state = text.finding_state(True, start, NOW, clock)
    finding = FindingRow(
        key=1,
        satellite="SAT-002",
        mark=Mark(Kind.FINDING),
        title="aocs/wheel_3_current and 1 more",
        sentence="Above what is expected",
        state=state,
        start=start,
        end=NOW,
        open=True,
        score=3.8,
        judge="ar",
        departures=(Departure("aocs/wheel_3_current", 0.7), Departure("aocs/wheel_3_speed", 0.3)),
    )
    view.set_findings([finding], [Span("SAT-002", start, NOW, Kind.FINDING, True)])
    view.set_off_nominal([OffNominalRow(WHEEL, "SAT-002", "aocs/wheel_3_current", Mark(Kind.FINDING), "0.87 A", start)])
    view.add_events(EventRow(NOW - i * text.MINUTE, "SAT-001", f"event {i}") for i in range(9))
    view.ranges.set_orbit(ORBIT)
    view.ranges.set_title("Wheels and power", 8)
    view.set_window(NOW - 2 * ORBIT, NOW - text.HOUR, text.HOUR)
    view.overview.set_rows(SATELLITES, "SAT-002")
    engine = "Scored by the embedded engine, CPU"
    view.set_status(StatusView("Live", "demo fleet, 3 satellites", rate=135, delay=84_000, bound=512, engine=engine))


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> WatchView:
    apply(qapp, theme("dark"))
    made = WatchView(theme("dark"), QWidget())
    qtbot.addWidget(made)
    made.resize(1920, 1080)
    fill(made)
    made.show()
    made.activateWindow()
    qtbot.waitExposed(made)
    return made
