"""``monitor --headless``: the same session without a screen. Progress on stderr, the result on stdout."""

from __future__ import annotations

import logging
import sys
import threading
import time

from app import paths
from app.cli.errors import ENDED_EARLY, INTERRUPTED, OK, complain
from app.cli.outages import Outages
from app.cli.result import MonitorResult, QualityResult, result
from app.interrupt import Interrupt
from app.limits import definitions
from app.plan import Plan
from app.session import Session, open_session
from app.settings import load
from app.sources import open_sources
from inference import EngineError
from telemetry.clock import SECOND, iso

PROGRESS_S = 1.0
FLAWED = 3
"""Channels whose data quality the summary tells; the JSON has all."""


def watch(plan: Plan, *, as_json: bool) -> int:
    """Watch until the sources end or Ctrl-C; the exit code. Raises what the doors raise."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    settings, notices = load(paths.settings_file(), plan.settings)
    now = int(time.time() * SECOND)
    given = definitions(plan.limits or settings.telemetry.limits)
    sources = open_sources(plan, now, given.derived)
    stop = threading.Event()
    interrupted = Interrupt(stop.set)
    try:
        session = open_session(plan, settings, sources, now, given=given, stop=stop)
    except BaseException as problem:
        interrupted.restore()
        for source in sources:
            source.close()
        if interrupted.seen and isinstance(problem, EngineError):
            return INTERRUPTED  # the server that was waited for is no longer wanted
        raise
    try:
        interrupted.then(session.stop)
        said = [*notices, *session.notes]
        for notice in said:
            complain(notice)
        progress = _Progress(session)
        outages = Outages(session.engine.status(), progress.interject)
        session.start()
        ending = False
        while not session.wait(PROGRESS_S):
            outages.see(session.engine.status())
            progress.show()
            if interrupted.seen and not ending:
                ending = True
                progress.interject("Ending: what has been taken in is judged and recorded first.")
            if session.recording_failed:
                session.stop()
        progress.end()
    finally:
        session.close()
        interrupted.restore()
    outages.see(session.engine.status())
    for notice in session.notes:
        if notice not in said:
            complain(notice)
    outcome = result(session)
    sys.stdout.write(outcome.model_dump_json(indent=2) + "\n" if as_json else _summary(outcome))
    if interrupted.seen:
        return INTERRUPTED
    failed = session.failed
    if failed is not None:
        complain(f"Ended early. {failed}")
        return ENDED_EARLY
    return OK


class _Progress:
    """One line that is written over on a terminal; elsewhere a line a minute."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._terminal = sys.stderr.isatty()
        self._next = 0.0
        self._wrote = False

    def show(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        totals = self._session.totals()
        if not totals.samples:
            return  # nothing has come yet
        self._next = now + (0.0 if self._terminal else 60.0)
        clock = max(line.clock for line in self._session.lines)
        text = (
            f"{iso(clock - clock % SECOND)}  {totals.samples:,} samples, {totals.recorded:,} recorded, "
            f"{totals.scored:,} windows scored, {totals.skipped:,} skipped, "
            f"{len(self._session.all_events())} events"
        )
        sys.stderr.write(f"\r\x1b[K{text}" if self._terminal else f"{text}\n")
        sys.stderr.flush()
        self._wrote = True

    def interject(self, text: str) -> None:
        """Say something on a line of its own."""
        if self._wrote and self._terminal:
            sys.stderr.write("\r\x1b[K")
            self._wrote = False
        complain(text)

    def end(self) -> None:
        if self._wrote and self._terminal:
            sys.stderr.write("\n")
            self._wrote = False


def _summary(outcome: MonitorResult) -> str:
    lines = [
        f"{outcome.source}: {outcome.samples:,} samples in {outcome.elapsed_s:.1f} s, "
        f"{outcome.recorded_samples:,} recorded in {outcome.archive}",
        f"{outcome.windows.scored:,} windows scored, {outcome.windows.skipped:,} skipped. {outcome.engine.reason}",
        f"{len(outcome.events)} event{'' if len(outcome.events) == 1 else 's'}"
        + (":" if outcome.events else " was found." if len(outcome.events) == 1 else "."),
    ]
    for event in outcome.events:
        names = ", ".join(one.name for one in event.channels[:3])
        more = f" and {len(event.channels) - 3} more" if len(event.channels) > 3 else ""
        lines.append(
            f"  {event.start}  {event.satellite}  {names}{more}: {event.severity}, opened by {event.model}, "
            f"peak {event.score:.1f} x threshold"
        )
    for fault in outcome.injected:
        lines.append(f"Injected: {fault.start} to {fault.end}  {fault.satellite}  {fault.channels[0]} ({fault.kind})")
    if outcome.quality:
        lines.append(f"Samples that were not as they should be: {_flaws(outcome.quality)}.")
    return "\n".join(lines) + "\n"


def _flaws(quality: list[QualityResult]) -> str:
    """The channels with most of them, and what was wrong there."""
    counts = {f"{one.satellite}/{one.name}": one.model_dump(exclude={"satellite", "name"}) for one in quality}
    worst = sorted(counts.items(), key=lambda one: -sum(one[1].values()))
    said = [
        f"{key} " + ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in kinds.items() if count)
        for key, kinds in worst[:FLAWED]
    ]
    return "; ".join(said) + (f"; and {len(worst) - FLAWED} channels more" if len(worst) > FLAWED else "")
