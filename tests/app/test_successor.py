"""The plan of the core that follows a dead one, from what the operator had done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.paths import SEED_REPOSITORY
from app.plan import Plan
from app.session import Session, open_session
from app.settings import Settings
from app.sources import open_sources
from app.unfinished import successor
from telemetry import SourceError
from telemetry.clock import SECOND

NOON = 1_900_000_000 * SECOND
PLAN = Plan(("sim:quiet",), "t.duckdb", "models", history=600.0)


def test_what_stood_still_is_not_brought_up_to_now() -> None:
    at = successor(PLAN, 1, NOON - 600 * SECOND, NOON, NOON + 30 * SECOND)
    still = successor(replace(PLAN, paused=True), 1, NOON - 600 * SECOND, NOON, NOON + 30 * SECOND)
    assert (at.history, at.paused) == (630.0, False)
    assert still.paused
    assert still.history is not None
    assert 600.0 <= still.history < 600.1


def test_the_history_that_a_core_died_in_is_still_gone_through_whole() -> None:
    died = successor(replace(PLAN, paused=True), 1, NOON - 600 * SECOND, NOON - 200 * SECOND, NOON)
    assert died.history is not None
    assert 600.0 <= died.history < 600.1


def test_a_plan_is_the_same_on_the_other_side() -> None:
    plan = replace(PLAN, paused=True, speed=None, injected=(("gyro_bias", "SAT-001", NOON),))
    assert Plan.from_json(plan.to_json()) == plan


def _session(plan: Plan, archive: Path) -> Session:
    plan = replace(plan, archive=str(archive), repository=str(SEED_REPOSITORY))
    return open_session(plan, Settings(), open_sources(plan, NOON), NOON)


def test_what_was_done_to_a_session_is_done_to_its_successor(tmp_path: Path) -> None:
    first = _session(PLAN, tmp_path / "1.duckdb")
    first.start()
    label = first.playback.inject("gyro_bias", "SAT-002")
    first.playback.set_speed(100.0)
    first.playback.step(10 * SECOND)
    first.close()
    plan = first.playback.plan
    assert (plan.speed, plan.paused, plan.injected) == (100.0, True, (("gyro_bias", "SAT-002", label.start),))

    second = _session(plan, tmp_path / "2.duckdb")
    assert second.injected == (label,)
    assert second.playback.plan == replace(plan, archive=str(tmp_path / "2.duckdb"))
    assert all(line.pace.paused and line.pace.speed == 100.0 for line in second.lines)
    second.start()
    second.close()


def test_a_fault_that_no_source_of_the_plan_can_have_is_said() -> None:
    plan = replace(PLAN, injected=(("gyro_bias", "SAT-999", NOON),))
    with pytest.raises(SourceError, match="SAT-999"):
        open_sources(plan, NOON)
