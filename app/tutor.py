"""A model is trained from what is being recorded, while it is recorded. Runs in the core.

Asked on the threads of clients; the work is done on one of its own, and torch in a child of that.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from app.expected import EXPECTED
from app.link.wire import Header
from app.teaching import Wanted, from_archive
from storage import Archive, Reader
from training.own import STEPS, Ask, CancelledError, train_own, why_not

log = logging.getLogger(__name__)


class Tutor:
    """At most one training at a time."""

    def __init__(self, archive: Archive, session: int, repository: Path) -> None:
        self._archive, self._session = archive, session
        self._repository = repository
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._state: Header = {}

    def answer(self, request: Header) -> Header | None:
        """The answer to ``teach``, ``teaching`` and ``stop_teaching``; None to anything else.

        ``teaching`` has ``done`` (0 to 1) and ``left_s`` while it goes on, then ``said``, a sentence.
        """
        match request.get("do"):
            case "teach":
                return self._begin(request)
            case "teaching":
                return self._state
            case "stop_teaching":
                self._stop.set()
                return self._state
        return None

    def close(self, timeout: float) -> None:
        """Give up what is being trained; nothing is published then."""
        self._stop.set()
        self.join(timeout)

    def join(self, timeout: float) -> None:
        """Wait for what is being trained, up to ``timeout`` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _begin(self, request: Header) -> Header:
        kind, satellite = str(request.get("kind")), str(request.get("satellite"))
        subsystem = str(request.get("subsystem"))
        if kind not in STEPS:
            return {"error": f"There is no kind of network '{kind}'."}
        if reason := why_not():
            return {"error": reason}
        wanted = Wanted((subsystem,), satellite, int(str(request["start"])), int(str(request["stop"])))
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return {"error": "A model is being trained already: wait for it, or cancel it."}
            self._stop.clear()
            self._state = {"done": 0.0, "left_s": -1.0}
            ask = Ask((subsystem,), kind, satellite)
            self._thread = threading.Thread(target=self._teach, args=(ask, wanted), name="tutor", daemon=True)
            self._thread.start()
        return self._state

    def _teach(self, ask: Ask, wanted: Wanted) -> None:
        try:
            recordings = from_archive(Reader(self._archive), self._session, wanted)
            made = train_own(recordings, ask, self._repository, self._report, self._stop)
            said = (
                f"{made.card.name} version {made.card.version} is trained on {len(made.channels)} channels and judges "
                "from the next session on."
            )
        except CancelledError:
            said = "Training was cancelled; nothing was published."
        except EXPECTED as problem:
            said = str(problem)
        except OSError as problem:
            said = f"The model cannot be written ({problem.strerror or problem}): check {self._repository}."
        except Exception:
            log.exception("training")
            said = "Perigee met a fault of its own while training; see its log."
        self._state = {"said": said}

    def _report(self, done: float, left: float) -> None:
        self._state = {"done": done, "left_s": left}
