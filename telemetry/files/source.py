"""A recording as a source: one satellite, one group, frames in the order of time.

Made by ``open_file``; used by one thread, the session's ingest.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np

from telemetry.channel import Group
from telemetry.frame import Frame
from telemetry.source import Injected, Mode, Origin

ROWS = 8_192
"""Rows of a frame at most."""


class FileSource:
    """A file that was read. ``notes`` are sentences about what was set aside or guessed.

    ``passes`` are (first, last) times in UTC microseconds; no frame reaches from one pass into the next.
    """

    mode: Mode = "paced"
    origin: Origin = "import"
    injected: tuple[Injected, ...] = ()

    def __init__(
        self, name: str, whole: Frame, passes: tuple[tuple[int, int], ...], relative: bool, notes: tuple[str, ...]
    ) -> None:
        self.name = name
        self.relative = relative
        self.notes = notes
        self.groups: tuple[Group, ...] = (whole.group,)
        self.end = int(whole.times[-1])
        self.passes = tuple((int(whole.times[a]), int(whole.times[b - 1])) for a, b in passes)
        self._whole: Frame | None = whole
        self._ranges = passes

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        """Parts of the file (they share its memory): cut at passes, ``span`` microseconds and ``ROWS`` rows."""
        whole = self._whole
        if whole is None:
            return
        for first, last in self._ranges:
            at = first
            while at < last and not stop.is_set():
                until = min(int(whole.times[at]) + max(1, span), int(whole.times[last - 1]) + 1)
                end = int(np.searchsorted(whole.times, until, side="left"))
                end = min(max(end, at + 1), last, at + ROWS)
                yield whole.part(at, end)
                at = end

    def close(self) -> None:
        """Let the numbers go."""
        self._whole = None
