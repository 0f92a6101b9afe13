"""Windows that wait for a score: a bounded queue, counted in windows, that hands out full batches.

Any thread puts, any worker takes. Submissions of one model are joined up to a batch and cut where a batch is full;
who submitted gets its scores back whole, in its own order.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from inference.engine import Floats
from inference.errors import EngineError

_POLL_S = 0.05
"""How often a waiting submitter looks at its stop event, which cannot wake it."""


class Ticket:
    """One submission: (n, W) windows of a model, and the future of their scores, (n,) or ``shape`` each."""

    def __init__(self, model: str, windows: Floats, shape: tuple[int, ...] = ()) -> None:
        self.model = model
        self.windows = windows
        self.future: Future[Floats] = Future()
        self.since = 0.0
        """When it was accepted, by the monotonic clock."""
        # Never cancelled: its windows may be in a batch with somebody else's.
        self.future.set_running_or_notify_cancel()
        self._scores = np.empty((len(windows), *shape), dtype=np.float32)
        self._missing = len(windows)
        self._settled = False
        self._lock = threading.Lock()
        if not len(windows):
            self.future.set_result(self._scores)

    def fill(self, start: int, scores: Floats) -> None:
        """Scores of the windows from ``start`` on; the last ones resolve the future."""
        with self._lock:
            self._scores[start : start + len(scores)] = scores
            self._missing -= len(scores)
            last = self._missing == 0 and not self._settled
            self._settled = self._settled or last
        if last:
            self.future.set_result(self._scores)

    def fail(self, error: EngineError) -> None:
        """The future carries ``error``; further scores are dropped."""
        with self._lock:
            if self._settled:
                return
            self._settled = True
        self.future.set_exception(error)


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of one model to score together: (ticket, first, last) pieces in the order they came."""

    model: str
    pieces: tuple[tuple[Ticket, int, int], ...]

    @property
    def size(self) -> int:
        """Windows in it."""
        return sum(last - first for _, first, last in self.pieces)

    def windows(self) -> Floats:
        """(size, W): the submitter's own array where there is only one piece."""
        parts = [ticket.windows[first:last] for ticket, first, last in self.pieces]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def fill(self, scores: Floats) -> None:
        """Hand each ticket its own scores."""
        at = 0
        for ticket, first, last in self.pieces:
            ticket.fill(first, scores[at : at + last - first])
            at += last - first

    def fail(self, error: EngineError) -> None:
        """Every ticket in it fails."""
        for ticket, _, _ in self.pieces:
            ticket.fail(error)


class WindowQueue:
    """At most ``bound`` windows wait or are being scored; a larger submission enters when nothing else does.

    A batch is handed out when it is full, or when its oldest window has waited ``age_s``, whichever is first.
    """

    def __init__(self, bound: int, age_s: float = 0.0) -> None:
        self.bound = bound
        self._age_s = age_s
        self._changed = threading.Condition()
        self._line: deque[Ticket] = deque()
        self._tickets: dict[str, deque[tuple[Ticket, int]]] = {}
        self._turns: deque[str] = deque()
        self._waiting = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """Windows that were accepted and have no score yet."""
        return self._waiting

    def offer(self, ticket: Ticket) -> bool:
        """Take a submission now, or not at all."""
        with self._changed:
            if self._closed or not self._room(ticket):
                return False
            self._accept(ticket)
            return True

    def put(self, ticket: Ticket, stop: threading.Event | None, timeout: float) -> bool:
        """Wait for room, in the order of asking; False when ``stop`` is set or the queue is closed.

        Raises EngineError where ``timeout`` seconds passed without room.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or not self._room(ticket):
                    left = deadline - time.monotonic()
                    if self._closed or (stop is not None and stop.is_set()):
                        return False
                    if left <= 0:
                        raise EngineError(
                            f"No room for a window in {timeout:g} s: scoring has come to a halt. "
                            "Stop, and start again with --engine embedded."
                        )
                    self._changed.wait(min(left, _POLL_S))
                if self._closed:
                    return False
                self._accept(ticket)
                return True
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def take(self, largest: dict[str, int]) -> Batch | None:
        """The next batch, models in turn, each batch at most ``largest[model]``; None when closed and empty."""
        with self._changed:
            while (model := self._due(largest)) is None:
                if self._closed and not self._turns:
                    return None
                self._changed.wait(self._age_s if self._turns else None)
            self._turns.remove(model)
            tickets, room = self._tickets[model], largest[model]
            pieces: list[tuple[Ticket, int, int]] = []
            while tickets and room:
                ticket, first = tickets.popleft()
                last = min(len(ticket.windows), first + room)
                pieces.append((ticket, first, last))
                room -= last - first
                if last < len(ticket.windows):
                    tickets.appendleft((ticket, last))
            if tickets:
                self._turns.append(model)
            return Batch(model, tuple(pieces))

    def done(self, count: int) -> None:
        """``count`` windows of a batch have their scores, or never will."""
        with self._changed:
            self._waiting -= count
            self._changed.notify_all()

    def close(self) -> None:
        """Accept nothing more; what waits is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def empty(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until nothing waits; whether it is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting == 0, timeout)

    def drop(self, error: EngineError) -> None:
        """Fail everything that was not handed out yet."""
        with self._changed:
            left = [one for tickets in self._tickets.values() for one in tickets]
            self._tickets.clear()
            self._turns.clear()
            self._waiting -= sum(len(ticket.windows) - first for ticket, first in left)
            self._changed.notify_all()
        for ticket, _ in left:
            ticket.fail(error)

    def _due(self, largest: dict[str, int]) -> str | None:
        """The model whose turn it is and whose batch is full or old enough; nothing is waited for once closed."""
        if self._age_s <= 0 or self._closed or self._waiting >= self.bound:
            return self._turns[0] if self._turns else None
        old = time.monotonic() - self._age_s
        for model in self._turns:
            tickets = self._tickets[model]
            waiting = 0
            for ticket, first in tickets:
                waiting += len(ticket.windows) - first
                if waiting >= largest[model]:
                    return model
            if tickets[0][0].since <= old:
                return model
        return None

    def _room(self, ticket: Ticket) -> bool:
        return self._waiting == 0 or self._waiting + len(ticket.windows) <= self.bound

    def _accept(self, ticket: Ticket) -> None:
        tickets = self._tickets.setdefault(ticket.model, deque())
        if not tickets:
            self._turns.append(ticket.model)
        ticket.since = time.monotonic()
        tickets.append((ticket, 0))
        self._waiting += len(ticket.windows)
        self._changed.notify_all()
