"""How fast a paced source goes: telemetry time against the wall, and the operator's hand on it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from telemetry.clock import SECOND

LOOK_S = 0.1
"""How soon a wait notices that the operator wants something else."""


class Pace:
    """Holds an ingest thread until the wall has caught up with telemetry time.

    ``speed`` None never waits. The first ``free`` microseconds of telemetry go through at once, and what follows
    is timed as if they had taken no time, or, ``paused``, waits there. A session that cannot hold its speed runs
    slower: ``behind`` says by how many seconds. ``wait_for`` belongs to one thread; the rest is for any.
    """

    def __init__(
        self,
        speed: float | None,
        stop: threading.Event,
        free: int = 0,
        clock: Callable[[], float] = time.monotonic,
        paused: bool = False,
    ) -> None:
        self._lock = threading.Lock()
        self._speed = speed
        self._stop = stop
        self._free = free
        self._clock = clock
        self._begun = False
        self._paused = paused
        self._free_until = 0
        self._anchor: tuple[float, int] | None = None
        self._position = 0
        self._skipped = True
        self.behind = 0.0
        self.live = False
        """Whether the free part is over and the pace holds."""

    # the operator's hand

    @property
    def speed(self) -> float | None:
        """Telemetry seconds a second; None: as fast as possible."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether playback stands still."""
        return self._paused

    @property
    def skipping_to(self) -> int:
        """Where a skip under way leads to, UTC microseconds; 0: none is."""
        return self._free_until if self.live and not self._skipped else 0

    def set_speed(self, speed: float | None) -> None:
        """Another speed from here on."""
        with self._lock:
            self._settle()
            self._speed = speed

    def pause(self, paused: bool) -> None:
        """Stand still, or go on from there."""
        with self._lock:
            if paused != self._paused:
                self._settle()
                self._paused = paused

    def step(self, span: int) -> None:
        """Let ``span`` microseconds of telemetry through and stand still again."""
        with self._lock:
            self._settle()
            self._paused = True
            # Whole seconds: a step that ended between two samples would look as if it were under way still.
            at = max(self._free_until, self._position)
            self._free_until = at - at % SECOND + span

    def skip_to(self, moment: int) -> None:
        """Let everything up to ``moment`` (UTC microseconds) through at once; what is later is paced."""
        with self._lock:
            self._free_until = max(self._free_until, moment)
            self._anchor = None

    # ingest thread

    def wait_for(self, moment: int, on_second: Callable[[int], None], since: int | None = None) -> bool:
        """Wait until playback reaches ``moment`` (UTC microseconds); False when stopped first.

        ``since`` is where the telemetry that ends at ``moment`` begins: at the first call, the start of everything.
        ``on_second`` is told the playback position about once a second of waiting; it does not move while paused.
        """
        with self._lock:
            if not self._begun:
                # The wall clock begins with the first telemetry, not with the program.
                self._begun = True
                self._position = moment if since is None else since
                self._free_until = self._position + self._free
                self._anchor = (self._clock(), self._free_until)
        told = self._clock()
        while (left := self._left(moment)) > 0:
            if self._stop.wait(min(left, LOOK_S)):
                return False
            if self._clock() - told >= 1.0 - 1e-9 and not self._paused:
                told = self._clock()
                if self._left(moment) > 0:
                    on_second(self._position)
        return not self._stop.is_set()

    def _left(self, moment: int) -> float:
        """Seconds until ``moment`` is due as things are now; 0: it is."""
        with self._lock:
            if moment <= self._free_until:
                self._position = max(self._position, moment)
                self._skipped = False
                return 0.0
            self.live = True
            self._skipped = True
            if self._paused:
                return LOOK_S
            if self._speed is None:
                self._position = max(self._position, moment)
                return 0.0
            if self._anchor is None:
                self._anchor = (self._clock(), max(self._position, self._free_until))
            wall, origin = self._anchor
            left = wall + (moment - origin) / SECOND / self._speed - self._clock()
            if left > 1e-6:
                self._position = max(self._position, moment - int(left * self._speed * SECOND))
                return left
            self._position = max(self._position, moment)
            self.behind = -left
            return 0.0

    def _settle(self) -> None:
        """What is timed from now on is timed from where playback stands."""
        if self._anchor is not None and self._speed is not None and not self._paused:
            wall, origin = self._anchor
            self._position = max(self._position, origin + int((self._clock() - wall) * self._speed * SECOND))
        self._anchor = None
        self.behind = 0.0
