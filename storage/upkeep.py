"""What is done to an archive in the background, once a minute: sorting, joining, and letting old samples go.

One thread beside the recorder's; nothing it does is needed for recording, and what goes wrong is tried again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from storage.archive import Archive, wall_clock
from storage.compact import shrink
from storage.errors import StorageError
from storage.merge import merge
from storage.retention import Retention, expire
from storage.rewrite import join_left

log = logging.getLogger(__name__)

EVERY_S = 60.0
FIRST_S = 10.0


@dataclass(frozen=True, slots=True)
class UpkeepStatus:
    """Samples that expired since the start, and why upkeep does not go on: a sentence, empty where it does."""

    expired: int
    error: str


class Upkeep:
    """Keeps one archive in order until ``close``.

    ``bound_bytes`` is what the file may hold (None: as much as there is room for); ``clock`` is UTC microseconds.
    """

    def __init__(
        self,
        archive: Archive,
        retention: Retention,
        bound_bytes: int | None = None,
        *,
        every_s: float = EVERY_S,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        self._archive = archive
        self._retention = retention
        self._bound = bound_bytes
        self._every_s = every_s
        self._clock = clock
        self._stop = threading.Event()
        self._status = UpkeepStatus(0, "")
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def status(self) -> UpkeepStatus:
        """How it does. Any thread."""
        return self._status

    def close(self, deadline_s: float = 5.0) -> bool:
        """End after the step in hand, or with the archive; whether it has ended."""
        self._stop.set()
        self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._stop.wait(min(self._every_s, FIRST_S))  # whoever opens an archive has better things to do
        while not self._stop.is_set():
            gone, error = 0, ""
            try:
                gone = self._round()
            except StorageError as problem:
                error = str(problem)
            except Exception as problem:
                log.exception("upkeep ended by itself")
                self._status = UpkeepStatus(self._status.expired, f"Upkeep ended by itself ({problem}).")
                return
            if error and error != self._status.error and not self._stop.is_set():
                log.warning("upkeep: %s", error)
            self._status = UpkeepStatus(self._status.expired + gone, error)
            self._stop.wait(self._every_s)

    def _round(self) -> int:
        with self._archive.maintaining() as connection:
            join_left(connection, self._archive.leftover)
        while not self._stop.is_set() and merge(self._archive):
            pass
        gone = expire(self._archive, self._retention, self._clock(), self._stop)
        if self._bound is not None and not self._stop.is_set():
            gone += shrink(self._archive, self._bound, self._clock(), self._stop)
        return gone
