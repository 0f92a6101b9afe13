"""Window and core are both killed, and the next window goes on: the same sources, the same charts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from app import paths
from app.cli.watch import make_plan, taken_up
from app.counters import Counter
from app.link.card import read_card
from app.plan import Plan
from app.unfinished import Unfinished, forget, keep, unfinished
from widgets.text import HOUR

if TYPE_CHECKING:
    from tests.app.conftest import Desk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGKILL")

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]
Open = Callable[[Plan], "Desk"]
DEADLINE_S = 60.0
SOURCE = "sim:quiet?satellites=2&seed=4"


def _poll(what: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < end
        os.sched_yield()


def _plain(archive: Path) -> Plan:
    """What ``perigee --archive FILE`` without a source asks for."""
    return taken_up(replace(make_plan(["sim:demo"], archive=archive), history=None, any_source=True))


def test_what_was_watched_when_all_was_killed_goes_on(sit_down: Open, tmp_path: Path, ask: Ask) -> None:
    archive = tmp_path / "t.duckdb"
    perigee = Path(sys.executable).with_name("perigee")
    window = subprocess.Popen([str(perigee), "monitor", SOURCE, "--archive", str(archive)])
    try:
        _poll(lambda: (left := unfinished(archive)) is not None and left.newest > left.first)
        card = read_card(archive)
        assert card is not None
    finally:
        window.kill()
        window.wait(10)
    os.kill(card.pid, signal.SIGKILL)
    _poll(lambda: not card.alive)
    plan = _plain(archive)
    assert plan.sources == (SOURCE,) and plan.continues == 1
    desk = sit_down(plan)
    desk.wait(lambda: desk.watching._attached and desk.counter(Counter.LIVE) == 1)
    desk.wait(lambda: desk.counter(Counter.RECORDED) > 0)
    assert {group.satellite for group in desk.watching.feed.groups} == {"SAT-001", "SAT-002"}
    events = desk.window.view.dock.events.model
    desk.wait(lambda: "went on with what was cut off" in [events.row(i).sentence for i in range(len(events))])
    desk.close()
    seconds = "date_diff('second', min(time), max(time)) + 1"
    steady = (
        f"SELECT count(*) = {seconds}, count(DISTINCT time) = count(*) FROM samples "
        "WHERE satellite = 'SAT-001' AND channel = 'bus_power'"
    )
    assert ask(archive, steady) == [(True, True)]
    # It ended in order now: a plain start begins with the built-in fleet.
    assert unfinished(archive) is None and _plain(archive).sources == ("sim:demo",)


def test_a_window_shows_what_the_one_that_was_killed_showed(sit_down: Open, tmp_path: Path) -> None:
    archive = tmp_path / "t.duckdb"
    plan = replace(make_plan([SOURCE], archive=archive), history=60.0, any_source=True)
    killed = sit_down(plan)
    killed.wait(lambda: killed.counter(Counter.LIVE) == 1)
    view = killed.window.view
    view.channels.select("SAT-002/aocs")
    view.selection_changed.emit("SAT-002/aocs")
    view.channel_activated.emit("SAT-001/eps/bus_power")
    view.span_chosen.emit(6 * HOUR)
    view.dock.show_tab(2)
    view.show_view("Scoring")
    keys = list(killed.watching.charts.keys)
    killed.wait(lambda: not killed.watching.layout._timer.isActive())
    # It is there while the window still lives: nothing has to be written at the end.
    next_ = sit_down(plan)
    next_.wait(lambda: next_.watching._attached)
    charts, view = next_.watching.charts, next_.window.view
    assert charts.keys == keys and keys[-1] == "SAT-001/eps/bus_power"
    assert next_.watching._strips.span == 6 * HOUR and next_.watching._strips.live
    assert view.channels.selected() == "SAT-002/aocs"
    assert (view.dock.shown, view.shown) == ("Off-nominal", "Scoring")
    next_.press(Qt.Key.Key_Escape)
    assert view.shown == "Watch"


def test_a_layout_that_cannot_be_read_changes_nothing(sit_down: Open, tmp_path: Path) -> None:
    archive = tmp_path / "t.duckdb"
    desk = sit_down(replace(make_plan([SOURCE], archive=archive), history=5.0, any_source=True))
    desk.wait(lambda: desk.watching._attached)
    keys = list(desk.watching.charts.keys)
    for text in ("", "{", "[]", '{"span": "x", "shown": 3}', '{"span": 3600000000, "shown": [1, 2]}'):
        paths.layout_file(archive).write_text(text)
        desk.watching.layout._archive = None
        desk.watching.layout.begin(archive)
        assert desk.watching.charts.keys == keys and desk.watching._strips.span == HOUR


def test_a_plan_is_kept_whole_and_options_of_the_next_start_hold(tmp_path: Path) -> None:
    archive = tmp_path / "t.duckdb"
    plan = replace(make_plan([SOURCE], archive=archive, settings=["widgets.theme=light"]), history=60.0)
    keep(Unfinished(plan, 3, 1_000, 5_000))
    assert unfinished(archive) == Unfinished(plan, 3, 1_000, 5_000)
    given = make_plan(["sim:demo"], archive=archive, settings=["widgets.theme=dark"], engine="embedded")
    then = taken_up(given)
    assert (then.sources, then.continues, then.resume_from) == ((SOURCE,), 3, 5_001)
    assert (then.settings, then.engine, then.any_source) == (("widgets.theme=dark",), "embedded", True)
    paths.run_file(archive).write_text("{")
    assert taken_up(given) == given
    forget(archive)
    assert unfinished(archive) is None
