"""A simulation as a source: blocks of every satellite, cut into frames no longer than asked, in order of time.

Used by one thread. How the run is cut depends on ``span``; what is in it does not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from simulator.inject import inject, inject_now
from simulator.kinds import FAULTS, names
from simulator.load import Patterns
from simulator.request import Request, read_request
from simulator.spacecraft import Spacecraft
from telemetry import Frame, Group, Injected, Mode, Origin, SourceError
from telemetry.clock import SECOND

MADE_AHEAD = 10
"""Samples beyond the span under way at which a fault may begin that is injected now."""


class Member(Protocol):
    """One satellite of a simulation."""

    @property
    def block_length(self) -> int:
        """Samples of a block."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """What it sends."""

    def blocks(self, start: int, first: int = 0) -> Iterator[list[Frame]]:
        """For each block from number ``first`` on, one frame a group (perhaps an empty one); ``start`` in UTC us."""


class Simulation:
    """A paced source made of ``members`` that share one sample period. Used by one thread.

    ``frames`` begins at the start of the run each time it is called, and ends only where the request has a
    duration or ``stop`` is set. ``seed`` is the one it was made from, ``duration`` its length in seconds of
    telemetry, None where it is endless.
    """

    mode: Mode = "paced"
    origin: Origin = "simulation"
    relative = False

    def __init__(
        self, name: str, request: Request, members: Sequence[Member], injected: tuple[Injected, ...] = ()
    ) -> None:
        self.name = name
        self.groups = tuple(group for member in members for group in member.groups)
        self.injected = injected
        self.seed = request.seed
        self.duration = request.duration
        self._request = request
        self._members = list(members)
        self._lock = threading.Lock()
        self._changed: set[int] = set()
        self._reached = 0

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        """Frames of at most ``span`` microseconds (at least one sample), all groups of a span before the next."""
        if span <= 0:
            raise ValueError(f"span must be above 0 microseconds, not {span}")
        start, period, samples = self._request.start, self._request.period, self._request.samples
        with self._lock:
            cutters = [_Cutter(member, start) for member in self._members]
            self._changed.clear()
        first = 0
        while samples is None or first < samples:
            with self._lock:
                for index in self._changed:
                    cutters[index].take_over(self._members[index], first)
                self._changed.clear()
                self._reached = first
            # Spans are counted from the start of the run; those without a sample are passed over.
            last = -(-(first * period // span + 1) * span // period)
            if samples is not None:
                last = min(last, samples)
            last = min(last, *(cutter.block_end(first) for cutter in cutters))
            since, until = start + first * period, start + last * period
            for cutter in cutters:
                for frame in cutter.cut(first, last, since, until):
                    if stop.is_set():
                        return
                    yield frame
            first = last

    @property
    def end(self) -> int | None:
        """Its last sample, UTC microseconds; None where it is endless."""
        samples = self._request.samples
        return None if samples is None else self._request.start + (samples - 1) * self._request.period

    @property
    def faults(self) -> tuple[str, ...]:
        """The kinds of fault that can be injected while it runs; none where it has no satellites that could fail."""
        flying = [member for member in self._members if isinstance(member, Spacecraft)]
        return names(tuple(kind for kind in FAULTS if any(member.can(kind) for member in flying)))

    def inject(self, kind: str, satellite: str, at: int) -> Injected:
        """Begin a fault now: at ``at`` (UTC microseconds), or as soon after it as frames are not yet made.

        Any thread, while ``frames`` runs on another. Raises SourceError.
        """
        flying = {one.name: (i, one) for i, one in enumerate(self._members) if isinstance(one, Spacecraft)}
        if satellite not in flying:
            raise SourceError(f"No satellite {satellite} flies in {self.name} that could fail.")
        index, member = flying[satellite]
        start, period = self._request.start, self._request.period
        with self._lock:
            # Frames of the span under way may be on their way already; a fault begins on a whole second.
            moment = max(at - start, (self._reached + MADE_AHEAD) * period)
        seconds = float(-(-moment // SECOND))
        fault, label = inject_now(kind, self.seed, member, start, seconds)
        with self._lock:
            # Another fault may have been injected meanwhile.
            flying_now = self._members[index]
            assert isinstance(flying_now, Spacecraft)
            self._members[index] = flying_now.failing(fault)
            self._changed.add(index)
            self.injected = (*self.injected, label)
        return label

    def close(self) -> None:
        """Nothing is held."""


class _Cutter:
    """Cuts the blocks of one member, each made when its first sample is asked for."""

    def __init__(self, member: Member, start: int) -> None:
        self._start = start
        self._length = member.block_length
        self._blocks = member.blocks(start)
        self._frames: list[Frame] = []
        self._end = 0

    def take_over(self, member: Member, first: int) -> None:
        """Go on with another member from sample ``first``; what was cut already stays as it was."""
        block = first // self._length
        self._blocks = member.blocks(self._start, block)
        self._end = block * self._length

    def block_end(self, first: int) -> int:
        """One past the last sample of the block that holds sample ``first``."""
        return (first // self._length + 1) * self._length

    def cut(self, first: int, last: int, since: int, until: int) -> Iterator[Frame]:
        """Samples ``first`` .. ``last`` of one block, at ``since`` .. ``until``, of each group that has any."""
        while self._end <= first:
            self._frames = next(self._blocks)
            self._end += self._length
        begin = self._end - self._length
        for frame in self._frames:
            if len(frame) == self._length:
                yield frame.part(first - begin, last - begin)
            elif len(frame):
                low, high = np.searchsorted(frame.times, (since, until))
                if low < high:
                    yield frame.part(int(low), int(high))


def open_simulation(spec: str, *, now: int | None = None, until: float | None = None) -> Simulation:
    """The simulation named by ``sim:SCENARIO?key=value&...``, with or without ``sim:``.

    SCENARIO is a built-in name or the path of a TOML file. ``now`` is what ``start=now`` means, UTC microseconds
    (None: the clock of this machine). Whoever plays no more than ``until`` seconds of it is told of no fault that
    begins later. Raises SourceError with a sentence that names what is known.
    """
    request = read_request(spec, now)
    name = "sim:" + spec.strip().removeprefix("sim:")
    seed, period, fleet = request.seed, request.period, range(request.satellites)
    if request.plan is None:
        numbers = [range(request.channels)[index :: request.satellites] for index in fleet]
        dealt = [Patterns(seed, index, period, own) for index, own in enumerate(numbers) if own]
        return Simulation(name, request, dealt)
    eclipse = None if request.eclipse is None else request.eclipse * 60
    tumbling = request.plan.tumbling
    members = [Spacecraft(seed, index, period, eclipse, request.rates == "own", index in tumbling) for index in fleet]
    faults, injected = inject(request.plan, seed, members, request.start, request.duration)
    for index, fault in faults:
        members[index] = members[index].failing(fault)
    end = request.start + min(request.duration or np.inf, until or np.inf) * SECOND
    return Simulation(name, request, members, tuple(label for label in injected if label.start < end))
