"""The core: a process without Qt that owns sources, judge, pool and archive, and outlives its windows.

Started by a window with a plan on its standard input; answers one line of JSON on its standard output
(``ready``, or ``error`` with a sentence) and then speaks through its socket only.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from app.archiving import Archiving
from app.audit import operator
from app.counters import Counter
from app.expected import EXPECTED
from app.history import History
from app.interrupt import Interrupt
from app.limiting import Limiting
from app.limits import definitions
from app.link.card import CoreCard, card_path
from app.link.messages import group_to_json, opinion_from_json, opinion_to_json
from app.link.server import Server
from app.link.wire import Header, LinkError
from app.livering import make_ring
from app.paths import archive_key, settings_file, thresholds_file
from app.plan import Plan
from app.serving import Serving
from app.session import Session, open_session
from app.settings import load
from app.sources import open_sources
from app.tuning import Tuning
from app.tutor import Tutor
from app.unfinished import Unfinished, forget, keep
from simulator.request import SCENARIOS
from telemetry.clock import SECOND
from telemetry.ring import describe

log = logging.getLogger(__name__)

PUBLISH_S = 0.1
KEEP_S = 1.0
"""How far behind what is kept for the next core may be."""
MOST_SPEED = 1e6
CANCEL_DEADLINE_S = 5.0
NICE = 10
"""The window's process comes first: a late score is better than a window that hangs."""


class Core:
    """A session, its live ring and its socket. ``stop`` ends it, also while it waits for a server."""

    def __init__(self, plan: Plan, stop: threading.Event) -> None:
        self._stop = stop
        settings, self.notices = load(settings_file(), plan.settings)
        now = int(time.time() * SECOND)
        plan = plan.with_history(settings.telemetry.history_s, now)
        given = definitions(plan.limits or settings.telemetry.limits)
        sources = open_sources(plan, now, given.derived)
        self._key = archive_key(plan.archive_path)
        try:
            groups = [group for source in sources for group in source.groups]
            self._ring = make_ring(groups, self._key, goes_on=plan.continues is not None)
            self.session: Session = open_session(
                plan, settings, sources, now, self._ring, given, watched=True, stop=stop
            )
        except BaseException:
            for source in sources:
                source.close()
            raise
        self.tuning = Tuning(self.session, thresholds_file())
        self._limiting = Limiting(self.session)
        self._tutor = Tutor(self.session.archive, self.session.id, Path(plan.repository))
        self._archiving = Archiving(self.session.archive, self.session.id)
        self._serving = Serving(self.session)
        self._server = Server(
            self._key,
            self._answer,
            self.session.events,
            self._notes,
            self._state,
            self._plan,
            self._serving.now,
            lambda reply: History(self.session, reply),
        )
        self.card = CoreCard(os.getpid(), self._server.address, self._server.secret, str(plan.archive_path))
        self._path = card_path(plan.archive_path)
        self.card.write(self._path)

    def run(self) -> None:
        """Watch until asked to stop."""
        self.session.start()
        kept, due = None, 0.0
        while not self._stop.wait(PUBLISH_S):
            self.session.publish()
            if (now := time.monotonic()) >= due:
                due, kept = now + KEEP_S, self._keep(kept)

    def _keep(self, before: Unfinished | None) -> Unfinished:
        """Keep what is watched for who has to go on with it, where that has changed."""
        plan, counters = self.session.playback.plan, self._ring.counters
        run = self.session.id if plan.continues is None else plan.continues
        now = Unfinished(plan, run, int(counters[Counter.FIRST]), int(counters[Counter.NOW]))
        if now != before:
            try:
                keep(now)
            except OSError as problem:
                log.info("what is watched cannot be kept: %s", problem)
        return now

    def close(self) -> None:
        """Drain everything, then let clients go and remove what was published."""
        self.tuning.close(CANCEL_DEADLINE_S)
        self._tutor.close(CANCEL_DEADLINE_S)
        self._archiving.close(CANCEL_DEADLINE_S)
        self.session.close()
        self.session.publish()
        forget(self.session.plan.archive_path)
        # Before clients are let go: whoever sees this core end may start the next one at once.
        self._path.unlink(missing_ok=True)
        self._server.close(2.0)
        self._serving.close()
        self._ring.close()
        self._ring.unlink()

    def _answer(self, request: Header) -> Header:
        match request.get("do"):
            case "hello":
                return self._hello()
            case "stop":
                # Another window may be watching: the last one ends it.
                stopping = not request.get("unless_watched") or self._server.watchers <= 1
                if stopping:
                    self._stop.set()
                return {"stopping": stopping}
            case "play":
                return self._play(request)
            case "inject":
                return self._inject(request)
            case "limits" | "set_limits":
                return self._limiting.answer(request)
            case "verdict":
                return self._judge(request)
            case "quality":
                return {"channels": {key: asdict(one) for key, one in self.session.flaws().items()}}
            case other:
                parts = (self.tuning, self._tutor, self._archiving, self._serving)
                answers = (part.answer(request) for part in parts)
                return next(filter(None, answers), {"error": f"This core cannot '{other}'."})

    def _play(self, request: Header) -> Header:
        """Carry out what is asked of playback: ``paused``, ``speed`` (0: max), ``step`` and ``skip_to`` (us)."""
        playback = self.session.playback
        if not playback.possible:
            return {"error": "A live source cannot be paused or sped up."}
        try:
            if "paused" in request:
                playback.pause(bool(request["paused"]))
            if "speed" in request:
                speed = float(str(request["speed"]))
                if not 0 <= speed <= MOST_SPEED:
                    return {"error": f"A speed lies between 0 and {MOST_SPEED:g}, not {speed:g}."}
                playback.set_speed(speed or None)
            if "step" in request:
                playback.step(int(str(request["step"])))
            if "skip_to" in request:
                playback.skip_to(int(str(request["skip_to"])))
        except ValueError as problem:
            return {"error": f"That cannot be played: {problem}."}
        return {"done": True}

    def _inject(self, request: Header) -> Header:
        try:
            label = self.session.playback.inject(str(request.get("kind")), str(request.get("satellite")))
        except EXPECTED as problem:
            return {"error": str(problem)}
        return {"begins": label.start, "visible": label.visible, "channels": list(label.channels)}

    def _judge(self, request: Header) -> Header:
        """Carry out a verdict: ``session``, ``key``, ``verdict``, ``note``; ``who`` gave it, where not the user."""
        try:
            given = {"who": operator(), **request, "given": int(time.time() * SECOND)}
            self.session.opinions.give(*opinion_from_json(given))
        except (LinkError, *EXPECTED) as problem:
            return {"error": str(problem)}
        return {"done": True}

    def _state(self) -> Header:
        """What operators have settled: of detection, and of events."""
        given = self.session.opinions.given
        verdicts = [opinion_to_json(self.session.id, key, one) for key, one in given.items()]
        return {**self.tuning.state(), "verdicts": verdicts}

    def _hello(self) -> Header:
        session = self.session
        return {
            "pid": os.getpid(),
            "session": session.id,
            "age_s": session.totals().elapsed_s,
            "sources": [
                {"name": line.source.name, "mode": line.source.mode, "origin": line.source.origin}
                for line in session.lines
            ],
            "plan": self._plan(),
            "playable": session.playback.possible,
            "faults": list(session.playback.faults),
            "scenarios": [[name, what] for name, what in SCENARIOS.items()],
            "relative": session.relative,
            "groups": [group_to_json(session.limits.on(group)) for group in session.groups],
            "ring": {"path": str(self._ring.path), "layout": describe(self._ring.tracks)},
            "engine": self._serving.now(),
            "models": [card.name for card in session.cards],
            "archive": str(session.plan.archive_path),
            "notes": self._notes(),
        }

    def _plan(self) -> str:
        return self.session.playback.plan.to_json()

    def _notes(self) -> list[str]:
        failed = self.session.failed
        return [*self.notices, *self.session.notes, *([failed] if failed else [])]


def main() -> int:
    """Run a core; the process's exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if hasattr(os, "nice"):
        os.nice(NICE)
    plan = Plan.from_json(sys.stdin.readline())
    stop = threading.Event()
    Interrupt(stop.set)
    try:
        core = Core(plan, stop)
    except EXPECTED as problem:
        if plan.continues is not None:
            forget(plan.archive_path)  # it would not be gone on with the next time either
        _tell({"error": str(problem)})
        return 2
    try:
        _tell({"ready": core.card.pid})
        core.run()
    finally:
        core.close()
    return 0


def _tell(message: Header) -> None:
    try:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
    except OSError:
        log.info("nobody waits for this core any more")


if __name__ == "__main__":
    sys.exit(main())
