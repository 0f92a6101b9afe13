"""From options to a plan, and from a plan to a window where there is a display."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import time_ns

from app import paths
from app.cli.errors import UsageError, complain
from app.display import why_no_window
from app.launch import may_attach
from app.plan import Plan
from app.unfinished import successor, unfinished

HOUR_S = 3600.0
LEAST_SPEED, MOST_SPEED = 1e-3, 1e6
"""Telemetry seconds a second."""


def make_plan(
    sources: Sequence[str],
    *,
    speed: str = "1",
    duration: float | None = None,
    engine: str = "auto",
    archive: Path | None = None,
    repository: Path | None = None,
    models: Sequence[str] = (),
    time: str | None = None,
    period: str | None = None,
    start: str | None = None,
    limits: Path | None = None,
    settings: Sequence[str] = (),
    headless: bool = False,
) -> Plan:
    """The plan that the options ask for. Raises UsageError."""
    check_duration(duration)
    if archive is None:
        archive = paths.run_archive(datetime.now(UTC)) if headless else paths.default_archive()
    return Plan(
        sources=tuple(sources),
        archive=str(archive.expanduser().resolve()),
        repository=str((repository or paths.working_repository()).expanduser().resolve()),
        speed=read_speed(speed),
        duration=duration,
        engine=engine,
        models=tuple(models),
        time_column=time,
        period=_period(period),
        start=_start(start),
        settings=tuple(settings),
        limits=None if limits is None else str(limits.expanduser().resolve()),
    )


def open_window(
    archive: Path | None,
    engine: str,
    repository: Path | None,
    models: Sequence[str],
    settings: Sequence[str],
    limits: Path | None = None,
) -> int:
    """The window on the built-in fleet; without a display an hour of it is watched headless."""
    reason = why_no_window()
    if reason is not None:
        from app.cli.headless import watch

        complain(f"{reason} Watching an hour of the built-in fleet without a window, at full speed.")
        plan = make_plan(
            ["sim:demo"],
            speed="max",
            duration=HOUR_S,
            engine=engine,
            archive=archive,
            repository=repository,
            models=models,
            limits=limits,
            settings=settings,
            headless=True,
        )
        return watch(plan, as_json=False)
    plan = make_plan(
        ["sim:demo"],
        engine=engine,
        archive=archive,
        repository=repository,
        models=models,
        limits=limits,
        settings=settings,
    )
    return _run_window(taken_up(replace(plan, history=None, any_source=True)))


def taken_up(plan: Plan) -> Plan:
    """The plan that goes on with what was cut off, where something was; what ``plan`` says beyond a source stays."""
    left = unfinished(plan.archive_path)
    if left is None:
        return plan
    same = replace(
        left.plan,
        engine=left.plan.engine if plan.engine == "auto" else plan.engine,
        models=plan.models or left.plan.models,
        settings=plan.settings or left.plan.settings,
        limits=plan.limits or left.plan.limits,
        any_source=True,
    )
    if may_attach(plan.archive_path):
        return replace(plan, settings=same.settings)
    return successor(same, left.run, left.first, left.newest, time_ns() // 1000)


def open_window_on(plan: Plan) -> int:
    """The window on the sources of ``plan``. Raises UsageError where there is no display."""
    reason = why_no_window()
    if reason is not None:
        raise UsageError(f"{reason} Give --headless to watch without a window.")
    return _run_window(plan)


def _run_window(plan: Plan) -> int:
    from app.window.main import run

    return run(plan)


def check_duration(seconds: float | None) -> None:
    """Raises UsageError where ``seconds`` of telemetry cannot be played."""
    if seconds is None:
        return
    from simulator.scenario import RANGES

    least, most = RANGES["duration"]
    if not least <= seconds <= most:
        raise UsageError(f"--duration takes seconds of telemetry above 0 and at most {most:.0f}, such as 3600.")


def read_speed(text: str) -> float | None:
    """Telemetry seconds a second, None for as fast as possible. Raises UsageError."""
    if text == "max":
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not LEAST_SPEED <= value <= MOST_SPEED:
        raise UsageError(
            f"--speed takes a number from {LEAST_SPEED:g} to {MOST_SPEED:g}, such as 1 or 200, or max, not '{text}'."
        )
    return value


def _period(text: str | None) -> int | None:
    if text is None:
        return None
    from telemetry.files import parse_duration  # numpy and pyarrow come with it: not before the window stands

    try:
        return parse_duration(text)
    except ValueError as problem:
        raise UsageError(f"--period: {problem}") from problem


def _start(text: str | None) -> int | None:
    if text is None:
        return None
    from telemetry.clock import parse_iso

    try:
        return parse_iso(text)
    except (ValueError, OverflowError) as problem:
        raise UsageError(f"--start takes a time such as 2030-01-01T00:00:00Z, not '{text}'.") from problem
