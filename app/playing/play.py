"""Plays a source to its target at a pace: a thread, what it has done so far, and how to ask it to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from app.pace import Pace
from app.playing.target import Target
from app.playing.windows import Window, windows
from telemetry import Group, Source
from telemetry.clock import SECOND

_LONGEST = 60 * SECOND
"""Telemetry of a window at most; at full speed, each."""
_A_SECOND = 10
"""Windows a second of wall time at a set speed."""


class Tally:
    """What was played so far; written by the playing thread, read by any.

    ``first`` and ``clock`` are the times of the first and the newest sample, UTC microseconds; ``samples`` counts
    values present, by the name of their group.
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        self._step = min((group.period for group in groups if group.period is not None), default=0)
        self.first: int | None = None
        self.clock = 0
        self.total = 0
        self.samples: dict[str, int] = {}

    @property
    def played(self) -> float:
        """Seconds of telemetry: to the newest sample, and the one step that it stands for."""
        return 0.0 if self.first is None else (self.clock + self._step - self.first) / SECOND

    def add(self, window: Window) -> None:
        """Count a window."""
        if self.first is None:
            self.first = window.begin
            self.clock = window.end
        self.clock = max(self.clock, window.end)
        for part in window.parts:
            count = part.count()
            self.samples[part.group.name] = self.samples.get(part.group.name, 0) + count
            self.total += count


class Playing:
    """One run of ``source`` to ``target`` (None: nowhere) at ``speed`` telemetry seconds a second, None: full speed.

    ``stop`` ends it between two windows, whole. ``error`` is what ended it early.
    """

    def __init__(
        self,
        source: Source,
        target: Target | None,
        speed: float | None,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.tally = Tally(source.groups)
        self.error: BaseException | None = None
        self._source, self._target, self._stop, self._clock = source, target, stop, clock
        self._pace = Pace(speed, stop, clock=clock)
        self._span = _LONGEST if speed is None else min(_LONGEST, max(1, int(speed * SECOND / _A_SECOND)))
        self._began: float | None = None
        self._ended: float | None = None
        self._thread = threading.Thread(target=self._run, name="play", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._began = self._clock()
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds``; whether everything was played or the end was asked for and reached."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def elapsed(self) -> float:
        """Wall seconds that playing has taken so far."""
        if self._began is None:
            return 0.0
        return (self._clock() if self._ended is None else self._ended) - self._began

    @property
    def behind(self) -> float:
        """Seconds that playback is behind the speed asked for."""
        return self._pace.behind

    def _run(self) -> None:
        try:
            self._play()
            if self._target is not None:
                self._target.finish()
        except BaseException as problem:  # noqa: BLE001 - kept in `error`, which whoever waited raises
            self.error = problem
            if self._target is not None:
                self._target.abandon()
        finally:
            self._source.close()
            self._ended = self._clock()

    def _play(self) -> None:
        # The source is never told to stop: it would end in the middle of a stretch, with some of the groups only.
        for window in windows(self._source.frames(threading.Event(), self._span), self._span):
            if not self._pace.wait_for(window.end, lambda _: None, window.begin):
                return
            if self._target is not None:
                self._target.take(window)
            self.tally.add(window)
