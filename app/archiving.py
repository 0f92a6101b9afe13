"""Work on a whole archive, for the core that records into it and for the command line where none does.

A core is asked on the threads of its clients and works on a thread of its own, one thing at a time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from app.expected import EXPECTED
from app.link.wire import Header
from storage import Archive, StorageError
from storage.compact import compact
from storage.facts import facts
from storage.publish import publish
from storage.verify import verify
from telemetry.clock import SECOND

log = logging.getLogger(__name__)

Say = Callable[[str, float], None]


def carry_out(archive: Archive, running: Sequence[int], request: Header, say: Say, stop: threading.Event) -> Header:
    """What ``request`` asks for in ``work``: info, verify, compact or publish; ``running`` are the sessions that go on.

    Raises StorageError.
    """
    match request["work"]:
        case "info":
            return asdict(facts(archive))
        case "verify":
            published = request.get("published")
            folder = None if published is None else Path(str(published))
            return {**asdict(verify(archive, published=folder, say=say, stop=stop)), "facts": asdict(facts(archive))}
        case "compact":
            return _compact(archive, int(str(request["reserve_mb"])) << 20, say, stop)
        case "publish":
            margin = int(float(str(request["margin_s"])) * SECOND)
            folder = Path(str(request["folder"]))
            return asdict(publish(archive, folder, running=running, margin=margin, say=say, stop=stop))
        case other:
            return {"error": f"An archive in use cannot be asked for '{other}'."}


def _compact(archive: Archive, reserve: int, say: Say, stop: threading.Event) -> Header:
    try:
        done = compact(archive, say=say, stop=stop, reserve_bytes=reserve)
    except StorageError:
        if not stop.is_set():
            raise
        return {"before": archive.bytes, "after": archive.bytes, "whole": False}
    return {**asdict(done), "whole": True}


class Archiving:
    """The core's part."""

    def __init__(self, archive: Archive, session: int) -> None:
        self._archive, self._session = archive, session
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last = 0
        self._states: dict[int, Header] = {}

    def answer(self, request: Header) -> Header | None:
        """The answer to ``archive``, ``archiving`` and ``stop_archiving``; None to anything else.

        ``archive`` begins the work and is answered with its ``ticket``, which the two others name. ``archiving`` has
        ``step`` (a few words) and ``done`` (0 to 1) while the work goes on, then once ``result`` or ``failed``, a
        sentence.
        """
        with self._lock:
            match request.get("do"):
                case "archive":
                    return self._begin(request)
                case "archiving":
                    return self._state(request.get("ticket"))
                case "stop_archiving":
                    if request.get("ticket") == self._last:
                        self._stop.set()
                    return {"stopping": True}
        return None

    def close(self, timeout: float) -> None:
        """Give up what goes on; what was published stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _state(self, ticket: object) -> Header:
        if not isinstance(ticket, int) or ticket not in self._states:
            return {"error": "The core knows nothing of this work."}
        return self._states[ticket] if "step" in self._states[ticket] else self._states.pop(ticket)

    def _begin(self, request: Header) -> Header:
        if self._thread is not None and self._thread.is_alive():
            return {"error": "This archive is being worked on already: wait for that, or stop it."}
        self._stop.clear()
        self._states.pop(self._last - 1, None)  # whoever began that work is gone
        self._last += 1
        self._states[self._last] = {"step": "", "done": 0.0}
        self._thread = threading.Thread(target=self._work, args=(self._last, request), name="archiving", daemon=True)
        self._thread.start()
        return {"ticket": self._last}

    def _work(self, ticket: int, request: Header) -> None:
        def say(step: str, done: float) -> None:
            self._tell(ticket, {"step": step, "done": done})

        try:
            found = carry_out(self._archive, [self._session], request, say, self._stop)
            self._tell(ticket, {"failed": found["error"]} if "error" in found else {"result": found})
        except EXPECTED as problem:
            self._tell(ticket, {"failed": str(problem)})
        except Exception:
            log.exception("work on the archive")
            said = "Perigee met a fault of its own while it worked on the archive; see its log."
            self._tell(ticket, {"failed": said})

    def _tell(self, ticket: int, state: Header) -> None:
        with self._lock:
            self._states[ticket] = state
