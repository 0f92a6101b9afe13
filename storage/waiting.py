"""What waits to be written: a bounded queue in the order of arrival, shared by every thread that hands in.

Frames are refused when it is full; news (events, minutes of scores, ends of sessions) is small and always taken,
up to a bound of its own. An event that grows while it waits takes the place of its earlier state, at the end of
the queue, so that it is still written after its frames.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from detection.event import Event
from storage.scores import Minute
from telemetry import Frame


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """A session is over at ``ended`` (UTC microseconds)."""

    ended: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples between two times (UTC microseconds of telemetry) that could not be recorded, and why."""

    start: int
    stop: int
    samples: int
    reason: str


Item = Frame | Event | Minute | SessionEnd | Gap
NEWS_BOUND = 100_000
"""Events and minutes that may wait: hours of them, while the disk is full."""


class Waiting:
    """The queue. Not locked: its owner is."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.values = 0
        self.in_hand = 0
        self.dropped_news = 0
        self._items: OrderedDict[Hashable, tuple[int, Item, int]] = OrderedDict()
        self._serial = 0

    def __len__(self) -> int:
        return len(self._items)

    def room(self, values: int) -> bool:
        """Whether a frame of that many values may come in; one that is larger than all the room may come alone."""
        held = self.values + self.in_hand
        return held == 0 or held + values <= self.bound

    def add(self, session: int, item: Item, values: int = 0) -> bool:
        """Put ``item`` last. False, and counted, where there is too much news."""
        if not isinstance(item, Frame) and len(self._items) >= NEWS_BOUND:
            self.dropped_news += 1
            return False
        self._serial += 1
        key: Hashable = self._serial
        if isinstance(item, Event):
            key = (session, item.key)
            self._items.pop(key, None)
        self._items[key] = (session, item, values)
        self.values += values
        return True

    def take(self, limit: int) -> list[tuple[int, Item]]:
        """The first items, up to ``limit`` values and at least one; they stay counted until ``done``."""
        out: list[tuple[int, Item]] = []
        taken = 0
        while self._items and (not out or taken < limit):
            _, (session, item, values) = self._items.popitem(last=False)
            out.append((session, item))
            taken += values
        self.values -= taken
        self.in_hand += taken
        return out

    def done(self) -> None:
        """What was taken is written."""
        self.in_hand = 0
