"""Looking back over a month of an archive while something else is being recorded: a real window and a real core."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.cli.watch import make_plan
from app.counters import Counter
from app.plan import Plan
from storage import Archive, Recorder
from telemetry import Channel, Frame, Group, Origin
from telemetry.clock import SECOND, parse_iso
from widgets.strips.spells import Spell, gaps, unread

if TYPE_CHECKING:
    from tests.app.conftest import Desk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGKILL")

Open = Callable[[Plan], "Desk"]

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
NOW = parse_iso("2030-01-01T00:00:00Z")
STEP = 10 * SECOND
KEY = "SAT-001/eps/battery_voltage"
SPIKE = NOW - 11 * DAY - 7 * HOUR - 1230 * SECOND
GAP = (NOW - 20 * DAY, NOW - 18 * DAY)
GROUP = Group("SAT-001", "eps", (Channel("SAT-001", "eps", "battery_voltage", "V"),), STEP)


def _record(archive: Archive, origin: Origin, start: int, stop: int, level: float) -> None:
    """A session of one channel, a slow wave about ``level``, with one sample out and two days missing."""
    times = np.arange(start, stop, STEP)
    times = times[(times < GAP[0]) | (times >= GAP[1])]
    values = level + 0.5 * np.sin(times / (5 * HOUR))
    values[times == SPIKE] = level + 40.0
    session = archive.begin_session(started=start, origin=origin, sources=["earlier"])
    recorder = Recorder(archive, reserve_bytes=0)
    for at in range(0, len(times), 20_000):
        part = slice(at, at + 20_000)
        assert recorder.put(session, Frame(GROUP, times[part], (values[part],)), wait=True)
    recorder.end_session(session, stop)
    assert recorder.close(30.0)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of thirty days of a simulation, and of an import that is not to be mixed with it."""
    path = tmp_path_factory.mktemp("month") / "t.duckdb"
    with Archive.open(path) as archive:
        _record(archive, "simulation", NOW - 30 * DAY, NOW, 30.0)
        _record(archive, "import", NOW - 30 * DAY, NOW, 900.0)
    return path


def _sit_down(sit_down: Open, month: Path, folder: Path) -> Desk:
    archive = folder / "t.duckdb"
    archive.write_bytes(month.read_bytes())
    plan = make_plan(["sim:quiet?satellites=1"], archive=archive)
    desk = sit_down(replace(plan, history=60.0, any_source=True))
    desk.wait(lambda: desk.counter(Counter.LIVE) == 1 and desk.watching._strips.reach > 0)
    desk.window.view.channel_activated.emit("SAT-001/eps/bus_power")
    desk.window.view.selection_changed.emit(KEY)
    return desk


def _read(desk: Desk) -> bool:
    """Whether nothing of what is shown is still to be read, and it has been drawn."""
    strips, history = desk.watching._strips, desk.watching.history
    here = strips.stretch
    return (
        here is not None
        and not history._wanted(*here)[1]
        and not strips.board.data._unread.any()
        and strips.board.sheet.right == strips.board.right
        and strips.board.data.table.dt == here[2]
    )


def _columns(desk: Desk) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When each column that is drawn begins, its least and its greatest sample (NaN: none)."""
    board = desk.watching._strips.board
    row, table, width = board.data.index[KEY], board.data.table, board.sheet.arrangement.width
    at = np.arange(board.sheet.right - width + 1, board.sheet.right + 1)
    places = at % table.width
    there = np.isfinite(table.low[row, places])
    low, high = (np.where(there, held[row, places], np.nan) for held in (table.low, table.high))
    return at * table.dt, low, high


def test_one_sample_out_in_a_month_is_seen_at_every_zoom(sit_down: Open, month: Path, tmp_path: Path) -> None:
    desk = _sit_down(sit_down, month, tmp_path)
    charts, strips = desk.watching.charts, desk.watching._strips
    for span in (30 * DAY, 7 * DAY, DAY, 6 * HOUR, HOUR, 15 * MINUTE, 5 * MINUTE, MINUTE):
        charts.set_span(span)
        charts.move_to(SPIKE + span // 3)

        desk.wait(lambda: _read(desk))
        times, low, high = _columns(desk)
        assert np.nanmax(high) == pytest.approx(70.0, abs=0.6), "the import is not mixed in"
        at = times[int(np.nanargmax(high))]
        assert abs(at - SPIKE) <= 2 * strips.board.dt
        assert np.nanmin(low) == pytest.approx(30.0, abs=0.6)
        # It was recorded every ten seconds, which is no gap, though what is watched now comes ten times as often.
        if span < 7 * DAY:
            assert not _gaps(desk)


def test_going_back_is_instant_and_ends_where_everything_begins(sit_down: Open, month: Path, tmp_path: Path) -> None:
    desk = _sit_down(sit_down, month, tmp_path)
    charts, strips, ranges = desk.watching.charts, desk.watching._strips, desk.window.view.ranges
    charts.set_span(DAY)
    charts.move_to(NOW - 5 * DAY)
    desk.wait(lambda: _read(desk) and desk.watching.history._wanted(*_stretch(desk))[0] is None)
    # One window back, and on again, was read before anybody asked.
    for window in (-1, 1, 1):
        charts.step(window)
        desk.watching.tick()
        assert not desk.watching.history._wanted(*_stretch(desk))[1]
        assert np.isfinite(_columns(desk)[2]).mean() > 0.99
    # The minus key goes out to all there is, and back ends at its begin.
    desk.press(Qt.Key.Key_L)
    for _ in range(3):
        desk.press(Qt.Key.Key_Minus)
    assert strips.span == strips.reach and ranges.choices[-1].isChecked()
    charts.set_span(7 * DAY)
    for _ in range(9):
        desk.press(Qt.Key.Key_Left)
    assert strips.right - strips.span == NOW - 30 * DAY
    assert not ranges.live.isChecked() and ranges._words() == "Behind live 23 d"
    desk.press(Qt.Key.Key_L)
    assert strips.live and ranges.live.isChecked()


def test_what_was_never_recorded_is_a_gap_and_what_is_not_read_yet_is_none(
    sit_down: Open, month: Path, tmp_path: Path
) -> None:
    desk = _sit_down(sit_down, month, tmp_path)
    charts, data = desk.watching.charts, desk.watching._strips.board.data
    charts.set_span(7 * DAY)
    charts.move_to(NOW - 16 * DAY)
    desk.watching._strips.tick()
    data = desk.watching._strips.board.data
    row, right = data.index[KEY], desk.watching._strips.board.right
    assert unread(data, row, right - 100, right) and not _gaps(desk)
    desk.wait(lambda: _read(desk))
    (gap,) = _gaps(desk)
    dt = desk.watching._strips.board.dt
    assert (gap.first * dt, (gap.last + 1) * dt) == pytest.approx(GAP, abs=3 * dt)


def _gaps(desk: Desk) -> list[Spell]:
    board = desk.watching._strips.board
    return gaps(board.data, board.data.index[KEY], board.right - board.sheet.arrangement.width + 1, board.right)


def _stretch(desk: Desk) -> tuple[int, int, int]:
    here = desk.watching._strips.stretch
    assert here is not None
    return here
