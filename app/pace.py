"""How fast a paced source goes: telemetry time against the wall."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from telemetry.clock import SECOND


class Pace:
    """Holds an ingest thread until the wall has caught up with telemetry time. One thread.

    ``speed`` None never waits. The first ``free`` microseconds of telemetry go through at once, and what follows
    is timed as if they had taken no time. A session that cannot hold its speed runs slower: ``behind`` says by
    how many seconds.
    """

    def __init__(
        self,
        speed: float | None,
        stop: threading.Event,
        free: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._speed = speed
        self._stop = stop
        self._free = free
        self._clock = clock
        self._anchor: tuple[float, int] | None = None
        self.behind = 0.0
        self.live = False
        """Whether the free part is over and the pace holds."""

    def wait_for(self, moment: int, on_second: Callable[[int], None], since: int | None = None) -> bool:
        """Wait until playback reaches ``moment`` (UTC microseconds); False when stopped first.

        ``since`` is where the telemetry that ends at ``moment`` begins: at the first call, the start of everything.
        ``on_second`` is told the playback position about once a second of waiting.
        """
        if self._speed is None:
            return not self._stop.is_set()
        if self._anchor is None:
            # The wall clock begins with the first telemetry, not with the program.
            self._anchor = (self._clock(), (moment if since is None else since) + self._free)
        wall0, first = self._anchor
        self.live = moment >= first
        due = wall0 + (moment - first) / SECOND / self._speed
        while (left := due - self._clock()) > 0:
            if self._stop.wait(min(left, 1.0)):
                return False
            if left > 1.0:
                on_second(first + int((self._clock() - wall0) * self._speed * SECOND))
        self.behind = max(0.0, -left)
        return not self._stop.is_set()
