"""The newest events in memory, read by cursor; all of them are in the archive."""

from __future__ import annotations

import threading
from collections import OrderedDict

from detection.event import Event

EVENTS_BOUND = 10_000
"""Events kept; the oldest leaves first."""

EventKey = tuple[int, int]
"""Number of the source's line, and the event's own key."""


class EventLog:
    """Latest state of each event, in order of last change. Any thread."""

    def __init__(self, bound: int = EVENTS_BOUND) -> None:
        self._lock = threading.Condition()
        self._events: OrderedDict[EventKey, tuple[int, Event]] = OrderedDict()
        self._bound = bound
        self._cursor = 0
        self.dropped = 0

    def put(self, line: int, event: Event) -> None:
        """Add an event, or replace what was known of it."""
        with self._lock:
            self._cursor += 1
            self._events[line, event.key] = (self._cursor, event)
            self._events.move_to_end((line, event.key))
            while len(self._events) > self._bound:
                self._events.popitem(last=False)
                self.dropped += 1
            self._lock.notify_all()

    def since(self, cursor: int, timeout: float = 0.0) -> tuple[int, list[tuple[int, Event]]]:
        """A new cursor and (line, event) changed after ``cursor``, waiting up to ``timeout`` s for one."""
        with self._lock:
            if self._cursor <= cursor and timeout > 0:
                self._lock.wait(timeout)
            fresh: list[tuple[int, Event]] = []
            for (line, _), (at, event) in reversed(self._events.items()):
                if at <= cursor:
                    break
                fresh.append((line, event))
            return self._cursor, fresh[::-1]

    def get(self, key: int) -> tuple[int, Event] | None:
        """The line and the latest state of one event, None where it is not in memory."""
        with self._lock:
            return next(((line, event) for (line, one), (_, event) in self._events.items() if one == key), None)

    def all(self) -> list[Event]:
        """Every event still in memory, by start, then line, then key."""
        with self._lock:
            items = [(event.start, line, event.key, event) for (line, _), (_, event) in self._events.items()]
        return [event for *_, event in sorted(items, key=lambda item: item[:3])]
