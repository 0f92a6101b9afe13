"""What was being watched when core and window were cut off, so that the next window can go on with it.

A core keeps a small file in the user's state folder, written in one step whenever something in it has changed, and
removes it when it ends in order. So the file is there exactly where a run was cut off, or goes on still.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from app.paths import run_file, write_whole
from app.plan import Plan


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The plan as it stood, the first session of the run, and its first and newest telemetry time (UTC microseconds).

    The times are 0 where nothing had come yet.
    """

    plan: Plan
    run: int
    first: int
    newest: int


def keep(run: Unfinished) -> None:
    """Keep what is being watched. Raises OSError."""
    values = {"plan": run.plan.to_json(), "run": run.run, "first": run.first, "newest": run.newest}
    write_whole(run_file(run.plan.archive_path), json.dumps(values))


def forget(archive: Path) -> None:
    """What was recorded into ``archive`` has ended in order, or cannot be gone on with."""
    run_file(archive).unlink(missing_ok=True)


def unfinished(archive: Path) -> Unfinished | None:
    """What was being recorded into ``archive`` when it was cut off; None where nothing was, or it cannot be read."""
    try:
        values = json.loads(run_file(archive).read_text(encoding="utf-8"))
        return Unfinished(
            Plan.from_json(values["plan"]), int(values["run"]), int(values["first"]), int(values["newest"])
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def successor(plan: Plan, run: int | None, first: int, newest: int, now: int) -> Plan:
    """The plan of the core that follows a dead one.

    ``run`` is the number of the first session of the run (None: none is known); ``first`` and ``newest`` are the
    first and last telemetry times that the dead one delivered. What can wait goes on where it stood and loses nothing;
    what keeps the time of day is brought up to ``now`` at full speed, unless the operator has it stand still.
    """
    from telemetry.clock import SECOND  # numpy comes with it: not before the window stands

    if not newest:
        return plan
    edge = max(newest, first + int((plan.history or 0.0) * SECOND))
    keeps_time = plan.speed == 1.0 and not plan.paused and abs(now - edge) < 120 * SECOND
    at = now if keeps_time else edge + 1
    return replace(plan, history=(at - first) / SECOND, resume_from=newest + 1, continues=run)
