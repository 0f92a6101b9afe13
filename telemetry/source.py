"""Where frames come from: the contract of a source, and the smallest real one."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from telemetry.channel import Group
from telemetry.frame import Frame

Mode = Literal["live", "paced"]
Origin = Literal["live", "import", "simulation"]
Category = Literal["fault", "nominal"]
"""Whether what was put into telemetry is wrong, or looks odd and is not."""


class SourceError(Exception):
    """A source cannot be opened or read; the text is a sentence with a cure, fit to be shown as it is."""


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault (or a nominal oddity) that a source knows it contains.

    Times are UTC microseconds; ``channels`` are paths (``subsystem/name``), main one first; ``visible`` is
    the first moment at which it can be seen at all, against the same run without it. ``strength`` is how far
    the main channel departs from that run at the most, in its standard deviations of the commissioning (the first
    1,000 seconds without any fault); None where it has no values to depart.
    """

    satellite: str
    channels: tuple[str, ...]
    kind: str
    start: int
    end: int
    visible: int
    strength: float | None = None
    category: Category = "fault"


class Source(Protocol):
    """Yields frames until told to stop. Used by one thread.

    ``name`` is what the operator asked for; ``mode`` is ``live`` (cannot wait) or ``paced`` (waits);
    ``relative`` says that the times have no date of their own and are shown as T+.
    """

    name: str
    mode: Mode
    origin: Origin
    groups: tuple[Group, ...]
    relative: bool
    injected: tuple[Injected, ...]

    @property
    def end(self) -> int | None:
        """Its last moment, UTC microseconds; None where that is not known."""
        ...

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        """Frames in the order of their time, each at most ``span`` microseconds of telemetry long.

        Groups are interleaved: a frame never begins more than ``span`` before one that was yielded already.
        Ends when the source does, or soon after ``stop`` is set. Raises SourceError.
        """
        ...

    def close(self) -> None:
        """Give back what is held; may be called twice."""
        ...


class ListSource:
    """A paced source of frames that are already there: for tests, and for telemetry made in memory."""

    mode: Mode = "paced"
    relative = False

    def __init__(
        self,
        frames: Iterable[Frame],
        name: str = "list",
        origin: Origin = "import",
        injected: tuple[Injected, ...] = (),
    ) -> None:
        self._frames = list(frames)
        self.name = name
        self.origin: Origin = origin
        self.injected = injected
        seen: dict[str, Group] = {}
        for frame in self._frames:
            seen.setdefault(frame.group.key, frame.group)
        self.groups = tuple(seen.values())
        self.end = max((int(frame.times[-1]) for frame in self._frames if len(frame)), default=None)

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        """The frames, as they were given."""
        for frame in self._frames:
            if stop.is_set():
                return
            yield frame

    def close(self) -> None:
        """Nothing is held."""
