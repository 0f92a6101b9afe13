"""How far playing has come, on standard error: a bar on a terminal, elsewhere a line a minute. For the main thread."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from app.playing.play import Playing
from telemetry.clock import SECOND, iso

LINE_S = 60.0


class PlayBar:
    """A context in which ``show`` says how far ``playing`` is; ``duration`` is in seconds of telemetry, if known."""

    def __init__(self, playing: Playing, duration: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._playing, self._clock = playing, clock
        self._next = 0.0
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            ahead = [BarColumn(), TaskProgressColumn(), TimeRemainingColumn()] if duration is not None else []
            columns = [TextColumn("{task.description}"), *ahead]
            self._bar = Progress(*columns, console=Console(stderr=True, highlight=False), refresh_per_second=5)
            self._task = self._bar.add_task("", total=duration)

    def __enter__(self) -> PlayBar:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar is not None:
            self._update(self._bar)
            self._bar.stop()

    def show(self) -> None:
        """Say where playing is now."""
        if self._bar is not None:
            self._update(self._bar)
            return
        now = self._clock()
        if now >= self._next and self._playing.tally.first is not None:
            self._next = now + LINE_S
            sys.stderr.write(self._text() + "\n")
            sys.stderr.flush()

    def _update(self, bar: Progress) -> None:
        tally = self._playing.tally
        if tally.first is not None:
            bar.update(self._task, description=self._text(), completed=tally.played)

    def _text(self) -> str:
        tally = self._playing.tally
        speed = tally.played / max(self._playing.elapsed, 1e-9)
        return f"{iso(tally.clock - tally.clock % SECOND)}  {tally.total:,} samples, {speed:,.0f}x real time"
