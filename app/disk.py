"""How long the disk will last at the present growth of the archive."""

from __future__ import annotations

from collections.abc import Callable

LOOK_S = 10.0
LEAST_S = 300.0
"""Growth over less than this says nothing: commits and checkpoints come in lumps."""
DAY_S = 86_400.0


class DiskOutlook:
    """Days until a disk of which ``free`` tells the free bytes has only ``reserve`` of them left. One thread.

    ``growth`` is in bytes a day, 0 while it cannot be said.
    """

    def __init__(self, free: Callable[[], int], reserve: int) -> None:
        self._free = free
        self._reserve = reserve
        self._began: tuple[float, int] | None = None
        self._looked = -LOOK_S
        self._days = -1
        self.growth = 0

    def days_left(self, size: int, now: float) -> int:
        """Whole days, -1 while it cannot be said. ``size`` is the archive's in bytes, ``now`` monotonic seconds."""
        if self._began is None:
            self._began = (now, size)
        if now - self._looked >= LOOK_S:
            self._looked = now
            since, before = self._began
            grown = size - before
            if now - since >= LEAST_S and grown > 0:
                free = max(0, self._free() - self._reserve)
                self.growth = int(grown / (now - since) * DAY_S)
                self._days = int(free / max(1, self.growth))
        return self._days
