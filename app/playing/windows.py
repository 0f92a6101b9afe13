"""Frames of groups with periods of their own, put into stretches of time in which nothing is missing any more.

Pure; one thread. What is held back is about three spans of telemetry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from telemetry import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Every sample of a stretch of time; ``parts`` are one or more frames a group, those of a group in order."""

    parts: tuple[Frame, ...]

    @property
    def begin(self) -> int:
        """Time of the first sample, UTC microseconds."""
        return min(int(part.times[0]) for part in self.parts)

    @property
    def end(self) -> int:
        """Time of the last sample, UTC microseconds."""
        return max(int(part.times[-1]) for part in self.parts)

    def count(self) -> int:
        """Values present."""
        return sum(part.count() for part in self.parts)


def windows(frames: Iterable[Frame], span: int) -> Iterator[Window]:
    """``frames`` as windows of ``span`` microseconds or a little more, one after the other in time.

    ``frames`` must not begin more than ``span`` before one that came already, as the contract of a source has it.
    """
    waiting: dict[str, list[Frame]] = {}
    begin = front = None
    for frame in frames:
        if not len(frame):
            continue
        waiting.setdefault(frame.group.key, []).append(frame)
        first = int(frame.times[0])
        begin = first if begin is None else begin
        front = first if front is None else max(front, first)
        complete = front - span  # nothing older can come any more
        if complete >= begin + span:
            yield from _taken(waiting, complete)
            begin = complete
    yield from _taken(waiting, None)


def _taken(waiting: dict[str, list[Frame]], until: int | None) -> Iterator[Window]:
    """The window of all that lies before ``until`` (None: everything), which is taken out of ``waiting``."""
    parts: list[Frame] = []
    for key, frames in waiting.items():
        rest: list[Frame] = []
        for frame in frames:
            cut = len(frame) if until is None else int(np.searchsorted(frame.times, until))
            if cut:
                parts.append(frame.part(0, cut))
            if cut < len(frame):
                rest.append(frame.part(cut, len(frame)))
        waiting[key] = rest
    if parts:
        yield Window(tuple(parts))
