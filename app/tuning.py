"""What the operator settles of detection while a session runs: commissionings and thresholds. Runs in the core.

Asked on the threads of clients. A commissioning is made on one of its own, from what was recorded; its progress is
part of ``state``, which every client is told when it changes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from app import thresholds
from app.audit import note
from app.commissioning import Span, binding, commission, propose
from app.link.wire import Header
from app.session import Session
from app.thresholds import ThresholdError
from detection import CommissioningError, Override
from storage import Reader, StorageError

log = logging.getLogger(__name__)

_STEP = 0.02  # shares of a commissioning that are told


class Tuning:
    """The commissioning being made, if any, and the thresholds in force."""

    def __init__(self, session: Session, file: Path) -> None:
        self._session = session
        self._file = file
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._cancel = threading.Event()
        self._job: Header | None = None
        self._jobs = 0

    def state(self) -> Header:
        """What clients are told: thresholds, the nominal span of each commissioned satellite, and the job under way."""
        return {
            "thresholds": thresholds.rows(self._session.thresholds),
            "commissioned": {name: list(span) for name, span in self._session.commissioned.items()},
            "job": self._job,
        }

    def answer(self, request: Header) -> Header | None:
        """The answer to a request about detection; None where it is about something else."""
        try:
            match request.get("do"):
                case "propose":
                    return self._propose(str(request.get("satellite")))
                case "commission":
                    return self._commission(request)
                case "cancel":
                    self._cancel.set()
                    return {"done": True}
                case "preview":
                    return self._preview(request)
                case "threshold":
                    return self._set(request)
        except (CommissioningError, ThresholdError, StorageError) as problem:
            return {"error": str(problem)}
        except (ValueError, TypeError) as problem:
            return {"error": f"That cannot be set: {problem}."}
        return None

    def close(self, timeout: float) -> None:
        """Give up what is being made."""
        self._cancel.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _propose(self, satellite: str) -> Header:
        session = self._session
        line = session.line_of(satellite)
        events = [event for event in session.all_events() if event.satellite == satellite]
        reader = Reader(session.archive)
        gaps = [(gap.start, gap.stop) for gap in reader.gaps(session.id)]
        periods = [group.period or 0 for group in line.source.groups if group.satellite == satellite]
        recorded = max((one.last or 0 for one in reader.sessions() if one.id == session.id), default=0)
        span = propose(line.first, min(line.now, recorded), max(periods, default=0), events, gaps)
        return {"start": span.start, "stop": span.stop}

    def _commission(self, request: Header) -> Header:
        satellite = str(request.get("satellite"))
        span = Span(int(str(request.get("start"))), int(str(request.get("stop"))))
        if span.length <= 0:
            return {"error": "A nominal span ends after it begins."}
        self._session.line_of(satellite)
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return {"error": "Another satellite is being commissioned: wait for it, or cancel it."}
            self._cancel.clear()
            self._jobs += 1
            self._say(satellite, share=0.0)
            self._thread = threading.Thread(
                target=self._make, args=(satellite, span, str(request.get("who", ""))), name="commission", daemon=True
            )
            self._thread.start()
        return {"done": True}

    def _make(self, satellite: str, span: Span, who: str) -> None:
        session = self._session
        begun = time.monotonic()
        try:
            found = commission(
                session.archive, session.id, satellite, span, session.specs, session.ask, self._tell(satellite),
                self._cancel.is_set,
            )  # fmt: skip
            if found is None:
                self._say(satellite, ended="cancelled")
                return
            source = session.line_of(satellite).source
            session.archive.add_commissioning(session.id, found, binding(source.origin, source.name), who)
            before = session.commissioned.get(satellite)
            note(session.archive, session.id, "commission", satellite, before, (found.start, found.stop))
            session.adopt(found)
            self._say(satellite, ended="done", channels=len(found.channels))
            log.info("%s commissioned in %.1f s", satellite, time.monotonic() - begun)
        except (CommissioningError, StorageError) as problem:
            self._say(satellite, ended="failed", why=str(problem))
        except Exception:
            log.exception("commission")
            self._say(satellite, ended="failed", why="Perigee met a fault of its own; see its log.")

    def _say(self, satellite: str, **more: object) -> None:
        """Where the commissioning stands; numbered, so that one that ends as the last did is told of too."""
        self._job = {"satellite": satellite, "number": self._jobs, **more}

    def _tell(self, satellite: str) -> Callable[[float], None]:
        def tell(share: float) -> None:
            share = round(share / _STEP) * _STEP
            if self._job is None or self._job.get("share") != share:
                self._say(satellite, share=share)

        return tell

    def _preview(self, request: Header) -> Header:
        found = thresholds.preview(Reader(self._session.archive), str(request["channels"]), self._session.thresholds)
        answer: Header = {
            "factors": found.factors.tolist(),
            "a_day": found.a_day.tolist(),
            "share": found.share.tolist(),
            "days": found.days,
            "now": found.now,
        }
        if "findings_a_day" in request:
            answer["factor"] = found.for_findings(float(str(request["findings_a_day"])))
        if "share_of_time" in request:
            answer["factor"] = found.for_share(float(str(request["share_of_time"])))
        return answer

    def _set(self, request: Header) -> Header:
        channels = str(request["channels"])
        with self._lock:
            now = self._session.thresholds
            if request.get("factor") is None:
                changed = now.without(channels)
            else:
                meaning = str(request.get("meaning", ""))
                changed = now.with_override(Override(channels, float(str(request["factor"])), meaning))
            thresholds.save(self._file, changed)
            # From here on: what has come in by now is judged by what was in force.
            since = {name: self._session.line_of(name).now for name in self._session.satellites}
            self._session.set_thresholds(changed)
            before, after = (asdict(one) if one else {} for one in (now.override(channels), changed.override(channels)))
            after["since"] = since
            note(self._session.archive, self._session.id, thresholds.SET, channels, before or None, after)
        return {"done": True, "thresholds": thresholds.rows(changed)}
