"""A queue whose bound is a weight (values, bytes), not a number of things."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """First in, first out, up to ``bound`` of weight; one thing always fits, however heavy. Any thread."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._items: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._changed = threading.Condition()

    def put(self, item: T, weight: int, timeout: float) -> bool:
        """Add ``item``, waiting up to ``timeout`` s for room; False where there was none."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._items or self._weight + weight <= self._bound, timeout):
                return False
            self._items.append((item, weight))
            self._weight += weight
            self._changed.notify_all()
            return True

    def get(self, timeout: float) -> tuple[bool, T | None]:
        """(True, the oldest thing), or (False, None) after ``timeout`` s."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._items), timeout):
                return False, None
            item, weight = self._items.popleft()
            self._weight -= weight
            self._changed.notify_all()
            return True, item

    def take(self) -> list[T]:
        """All that waits, oldest first."""
        with self._changed:
            items = [item for item, _ in self._items]
            self._items.clear()
            self._weight = 0
            self._changed.notify_all()
            return items
