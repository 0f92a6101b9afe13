"""The operator's hand on a session: pause, speed, step, skip, and a fault now. Any thread.

``plan`` keeps what was done, so that the core which has to follow this one does it too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.line import Line
from app.plan import Plan
from app.sources import bare, simulation_of
from telemetry import Injected


class Playback:
    """Of all sources of a session together; ``record`` is handed the label of each fault that is injected."""

    def __init__(self, plan: Plan, lines: Sequence[Line], record: Callable[[Injected], None]) -> None:
        self.plan = plan
        self._lines = lines
        self._record = record
        self._lock = threading.Lock()

    @property
    def possible(self) -> bool:
        """Whether every source can wait, so that it can be played."""
        return all(line.source.mode == "paced" for line in self._lines)

    def pause(self, paused: bool) -> None:
        """Stand still, or go on."""
        for line in self._lines:
            line.pace.pause(paused)
        with self._lock:
            self.plan = replace(self.plan, paused=paused)

    def set_speed(self, speed: float | None) -> None:
        """Another speed, telemetry seconds a second; None: as fast as possible."""
        for line in self._lines:
            line.pace.set_speed(speed)
        with self._lock:
            self.plan = replace(self.plan, speed=speed)

    def step(self, span: int) -> None:
        """Let ``span`` microseconds of telemetry through and stand still."""
        for line in self._lines:
            line.pace.step(span)
        with self._lock:
            self.plan = replace(self.plan, paused=True)

    def skip_to(self, moment: int) -> None:
        """Go through what lies before ``moment`` (UTC microseconds) at once: recorded and judged like the rest."""
        for line in self._lines:
            line.pace.skip_to(moment)

    @property
    def faults(self) -> tuple[str, ...]:
        """Kinds of fault that can be injected now; none where nothing is simulated."""
        faults = (getattr(bare(line.source), "faults", ()) for line in self._lines)
        return tuple(dict.fromkeys(kind for kinds in faults for kind in kinds))

    def inject(self, kind: str, satellite: str) -> Injected:
        """Begin a fault now, and record its label. Raises SourceError, StorageError."""
        source = simulation_of(satellite, [line.source for line in self._lines])
        label = source.inject(kind, satellite, next(line.now for line in self._lines if line.source is source))
        with self._lock:
            self.plan = replace(self.plan, injected=(*self.plan.injected, (kind, satellite, label.start)))
        self._record(label)
        return label
