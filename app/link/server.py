"""The core's side of the socket: a thread that accepts, and one a client.

A client asks (``hello``, ``stop``), is answered, at once or by an ``Aside`` of its own, and is told news: each event as
it opens, grows and ends, sentences about what was set aside or went wrong, what is settled of detection and what
operators said of events, which engine scores whenever that changes, and the plan whenever an operator has changed it.
A client that dies is forgotten; nothing else changes.
"""

from __future__ import annotations

import logging
import secrets
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Client, Connection, Listener
from typing import Protocol

from app.eventlog import EventLog
from app.link.messages import event_to_json
from app.link.wire import Header, LinkError, Reply, receive, send, welcome
from app.paths import runtime_folder

log = logging.getLogger(__name__)

CLIENTS_BOUND = 16
POLL_S = 0.05
"""How soon news reaches a client."""

Answer = Callable[[Header], Header]
Notes = Callable[[], Sequence[str]]
State = Callable[[], Header]


class Aside(Protocol):
    """Answers some of what one client asks on a thread of its own."""

    def take(self, request: Header) -> bool:
        """Take a request; False where it is not one of these."""

    def close(self) -> None:
        """The client is gone."""


class Nothing:
    """An ``Aside`` that takes nothing."""

    def __init__(self, reply: Reply) -> None: ...

    def take(self, request: Header) -> bool:
        """See ``Aside``."""
        return False

    def close(self) -> None:
        """See ``Aside``."""


class Server:
    """Listens on a socket of its own in the runtime folder."""

    def __init__(
        self,
        key: str,
        answer: Answer,
        events: EventLog,
        notes: Notes = tuple,
        state: State = dict,
        plan: Callable[[], str] = str,
        engine: State = dict,
        aside: Callable[[Reply], Aside] = Nothing,
    ) -> None:
        self.secret = secrets.token_hex(32)
        if sys.platform == "win32":
            self.address = rf"\\.\pipe\perigee-{key}-{secrets.token_hex(4)}"
        else:
            path = runtime_folder() / f"core-{key}.sock"
            path.unlink(missing_ok=True)
            self.address = str(path)
        # No authkey here: it would make accept() wait for a client that never answers. Each client's own thread
        # does the proof instead.
        self._listener = Listener(self.address)
        self._answer = answer
        self._events = events
        self._notes = notes
        self._state = state
        self._plan = plan
        self._engine = engine
        self._aside = aside
        self._stop = threading.Event()
        self._clients: set[threading.Thread] = set()
        self._watchers: set[threading.Thread] = set()
        self._acceptor = threading.Thread(target=self._accept, name="socket", daemon=True)
        self._acceptor.start()

    @property
    def watchers(self) -> int:
        """Clients attached now that said ``hello``: windows, and nobody who only asks for something."""
        return sum(thread.is_alive() for thread in tuple(self._watchers))

    def close(self, timeout: float) -> None:
        """Let every client go and stop listening."""
        self._stop.set()
        try:
            Client(self.address).close()  # accept() wakes only for a client
        except OSError:
            pass
        self._acceptor.join(timeout)
        self._listener.close()
        for thread in tuple(self._clients):
            thread.join(timeout)

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection = self._listener.accept()
            except OSError:
                continue
            self._clients = {thread for thread in self._clients if thread.is_alive()}
            self._watchers &= self._clients
            if self._stop.is_set() or len(self._clients) >= CLIENTS_BOUND:
                connection.close()
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), name="client", daemon=True)
            self._clients.add(thread)
            thread.start()

    def _serve(self, connection: Connection) -> None:
        voice = threading.Lock()

        def tell(header: Header, payload: bytes | None = None) -> None:
            with voice:
                send(connection, header, payload)

        aside = self._aside(tell)
        try:
            welcome(connection, self.secret.encode())
            cursor: int | None = None
            told: list[str] = []
            known: Header = {}
            engine = self._engine()
            plan = ""
            while not self._stop.is_set():
                message = receive(connection, POLL_S)
                answer: Header | None = None
                if message is not None:
                    request = message[0]
                    if request.get("do") == "hello":
                        cursor, plan = 0, self._plan()
                        self._watchers.add(threading.current_thread())
                    if not aside.take(request):
                        answer = {"id": request.get("id"), **self._answer(request)}
                if cursor is not None and plan != (plan := self._plan()):
                    # Before the answer: who has been answered may have to start a successor at once.
                    tell({"news": "plan", "plan": plan})
                if answer is not None:
                    tell(answer)
                if cursor is not None:
                    cursor, fresh = self._events.since(cursor)
                    if fresh:
                        news = [event_to_json(line, event) for line, event in fresh]
                        tell({"news": "events", "events": news})
                    notes = list(self._notes())
                    if notes != told:
                        told = notes
                        tell({"news": "notes", "notes": notes})
                    state = self._state()
                    if state != known:
                        known = state
                        tell({"news": "detection", **state})
                    if engine != (engine := self._engine()):
                        tell({"news": "engine", **engine})
            tell({"news": "ending"})
        except LinkError as problem:
            log.info("client: %s", problem)
        except Exception:
            log.exception("client")
        finally:
            aside.close()
            connection.close()
