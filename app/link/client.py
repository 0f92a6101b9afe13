"""The window's side of the socket: one thread that reads, and requests that wait for their answer."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from multiprocessing.connection import Client, Connection

from app.link.card import CoreCard
from app.link.wire import GoneError, Header, LinkError, Reply, introduce, receive, send

ANSWER_DEADLINE_S = 10.0
POLL_S = 0.1

News = Callable[[Header], None]


class CoreClient:
    """One attached client. ``on_news`` and ``on_lost`` are called on its reading thread."""

    def __init__(self, card: CoreCard, on_news: News, on_lost: Callable[[], None]) -> None:
        try:
            self._connection: Connection = Client(card.address)
        except OSError as problem:
            raise LinkError("No core answers.") from problem
        introduce(self._connection, card.secret.encode())
        self._on_news = on_news
        self._on_lost = on_lost
        self._numbers = itertools.count(1)
        self._answers: dict[int, Header] = {}
        self._awaited: dict[int, Reply] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._lost = False
        self._thread = threading.Thread(target=self._read, name="link", daemon=True)
        self._thread.start()

    def ask(self, do: str, timeout: float = ANSWER_DEADLINE_S, **values: object) -> Header:
        """The core's answer to one request; not on the GUI thread. Raises LinkError."""
        number = next(self._numbers)
        self.tell(do, number, **values)
        with self._changed:
            self._changed.wait_for(lambda: number in self._answers or self._lost, timeout)
            answer = self._answers.pop(number, None)
        if answer is None:
            if self._lost:
                raise GoneError("The core is gone.")
            raise LinkError(f"The core did not answer within {timeout:g} s.")
        if "error" in answer:
            raise LinkError(str(answer["error"]))
        return answer

    def tell(self, do: str, number: int = 0, **values: object) -> None:
        """Send a request without waiting for the answer. Raises LinkError."""
        with self._changed:
            send(self._connection, {"id": number, "do": do, **values})

    def fetch(self, do: str, came: Reply, **values: object) -> None:
        """Ask without waiting: ``came`` is called with answer and payload on the reading thread. Raises LinkError.

        It is not called where the core dies first.
        """
        number = next(self._numbers)
        with self._changed:
            self._awaited[number] = came
        self.tell(do, number, **values)

    def join(self, timeout: float) -> bool:
        """Wait until the core lets go of this client, as it does when it has drained; whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: self._lost, timeout)

    def close(self) -> None:
        """Detach; the core goes on. Not on the reading thread."""
        self._closed = True
        # A socket that a thread waits on stays open after it is closed: the core would count this client still.
        self._thread.join(1.0)
        self._connection.close()

    def _read(self) -> None:
        try:
            while not self._closed:
                message = receive(self._connection, POLL_S)
                if message is None:
                    continue
                header, payload = message
                if "news" in header:
                    self._on_news(header)
                elif header.get("id"):
                    with self._changed:
                        came = self._awaited.pop(int(header["id"]), None)
                        if came is None:
                            self._answers[int(header["id"])] = header
                            self._changed.notify_all()
                    if came is not None:
                        came(header, payload)
        except (LinkError, OSError):
            pass
        with self._changed:
            self._lost = True
            self._changed.notify_all()
        if not self._closed:
            self._on_lost()
