"""What windows ask of the past: channels, scores and events of any span of the archive, reduced to columns.

One ``History`` a client, with a thread of its own once it is asked something, so that reading delays neither
recording nor anything else that is asked. A newer question ends the one before, and each has a deadline.
"""

from __future__ import annotations

import logging
import threading
import time

from app.link.columns import SCORE, Envelope, pack
from app.link.messages import event_to_json
from app.link.wire import Header, LinkError, Reply
from app.session import Session
from storage import Reader, SessionInfo, Stoppable, StorageError
from storage.history import beside, earliest, events, history, scores

log = logging.getLogger(__name__)

DO = "history"
DEADLINE_S = 5.0
"""For one question; what is too much to be read in this time is said, and not waited for."""
SESSIONS_S = 10.0
"""How long the list of sessions is believed: what has ended changes no more."""
KEYS_BOUND = 256
COLUMNS_BOUND = 50_000
EVENTS_BOUND = 500


class History:
    """Answers one client's questions; ``reply`` sends an answer, and raises LinkError when the client is gone."""

    def __init__(self, session: Session, reply: Reply) -> None:
        self._session = session
        self._reply = reply
        self._changed = threading.Condition()
        self._waiting: Header | None = None
        self._reading: Stoppable | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._sessions: list[SessionInfo] = []
        self._looked = float("-inf")

    def take(self, request: Header) -> bool:
        """Take a question; False where it is about something else. The answer comes by ``reply``."""
        if request.get("do") != DO:
            return False
        with self._changed:
            dropped, self._waiting = self._waiting, request
            if self._reading is not None:
                self._reading.stop()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="history", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        if dropped is not None:
            self._reply({"id": dropped.get("id"), "dropped": True}, None)
        return True

    def close(self) -> None:
        """The client is gone."""
        with self._changed:
            self._closed = True
            if self._reading is not None:
                self._reading.stop()
            self._changed.notify_all()

    # its thread

    def _run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting is not None or self._closed)
                    if self._closed or self._waiting is None:
                        return
                    request, self._waiting = self._waiting, None
                    reading = self._reading = Stoppable(self._session.archive)
                header, payload = self._answer(request, reading)
                with self._changed:
                    self._reading = None
                self._reply({"id": request.get("id"), **header}, payload)
        except LinkError:
            return
        except Exception:
            log.exception("history")

    def _answer(self, request: Header, reading: Stoppable) -> tuple[Header, bytes | None]:
        late = threading.Timer(DEADLINE_S, reading.stop)
        late.start()
        begun = time.monotonic()
        try:
            return self._read(request, Reader(reading))
        except (KeyError, TypeError, ValueError) as problem:
            return {"error": f"That cannot be read: {problem}."}, None
        except StorageError as problem:
            if not reading.stopped:
                return {"error": str(problem)}, None
            if time.monotonic() - begun < DEADLINE_S:
                return {"dropped": True}, None
            return {"error": f"The archive took longer than {DEADLINE_S:g} s to read: show a shorter time."}, None
        finally:
            late.cancel()

    def _read(self, request: Header, reader: Reader) -> tuple[Header, bytes]:
        keys = [str(key) for key in request["keys"]]
        start, stop, columns = (int(str(request[name])) for name in ("start", "stop", "columns"))
        if len(keys) > KEYS_BOUND or columns > COLUMNS_BOUND:
            raise ValueError(f"at most {KEYS_BOUND} channels and {COLUMNS_BOUND:,} columns are read at once")
        # Before anything is read: what is committed meanwhile may be in the answer or not.
        until = self._session.archive.newest
        sessions = self._beside(reader)
        channels = [key for key in keys if not key.endswith(SCORE)]
        judged = [key.removesuffix(SCORE) for key in keys if key.endswith(SCORE)]
        found: dict[str, Envelope] = {**history(reader, sessions, channels, start, stop, columns)}
        for key, one in scores(reader, sessions, judged, start, stop, columns).items():
            found[key + SCORE] = one
        told = events(reader, sessions, self._session.satellites, start, stop, EVENTS_BOUND)
        sizes, payload = pack(found)
        return {
            "columns": sizes,
            "until": until,
            "earliest": earliest(sessions),
            "events": [{"session": one.session, **event_to_json(0, one.event)} for one in told],
        }, payload

    def _beside(self, reader: Reader) -> list[SessionInfo]:
        now = time.monotonic()
        if now - self._looked >= SESSIONS_S:
            self._sessions, self._looked = reader.sessions(), now
        first = self._session.plan.continues
        return beside(self._sessions, self._session.id if first is None else first, self._session.id)
