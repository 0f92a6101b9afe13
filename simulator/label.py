"""What a fault does, found by flying the satellite twice: with it, and the same run without it.

Pure functions of the seed, run when a simulation is opened. Everything is compared at 1 Hz, whatever the rate of
the run: the same fault has the same label at every rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from simulator.faults import COMMISSIONING, Fault
from simulator.orbit import Floats
from simulator.spacecraft import BLOCK, Spacecraft
from telemetry import Category, Injected
from telemetry.clock import SECOND

Rows = dict[str, Floats]
"""A path to (n,) values."""


class Reference:
    """``spacecraft`` without any fault, measured at 1 Hz."""

    def __init__(self, spacecraft: Spacecraft) -> None:
        self.spacecraft = spacecraft.reference()
        self.values = lru_cache(maxsize=64)(self.spacecraft.values)

    @cached_property
    def commissioning(self) -> Rows:
        """(COMMISSIONING,) values of every channel, from the start of the run."""
        return self.span(self.spacecraft.paths, 0, COMMISSIONING - 1)

    def sigma(self, path: str) -> float:
        """Standard deviation of the commissioning of ``path``, in channel units."""
        return float(self.commissioning[path].std())

    def span(self, paths: tuple[str, ...], start: float, end: float) -> Rows:
        """Each of ``paths`` in the seconds ``start`` .. ``end``, both included."""
        first, last = int(start), int(end)
        blocks = [self.values(block) for block in _blocks(first, last)]
        offset = first // BLOCK * BLOCK
        return {p: np.concatenate([rows[p] for rows in blocks])[first - offset : last + 1 - offset] for p in paths}


@dataclass
class Departure:
    """How far each channel departs, at the most, and the first second in which one does (None: never).

    Seen is what exceeds a channel's noise and its quantum, or a value that is missing.
    """

    furthest: dict[str, float] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    visible: float | None = None


def departure(reference: Reference, twin: Spacecraft, fault: Fault) -> Departure:
    """What ``fault`` does to ``twin``, a satellite of any other faults."""
    touched = twin.failing(fault)
    found = Departure()
    # A satellite without other faults is the reference itself, parts of which may have been made already.
    plain = reference.values if twin is reference.spacecraft else twin.values
    for block in _blocks(int(fault.start), int(fault.end)):
        with_it, without = touched.values(block), plain(block)
        first = np.inf
        for path in twin.paths:
            apart = np.abs(with_it[path] - without[path])
            lost = np.isnan(with_it[path]) & ~np.isnan(without[path])
            apart[np.isnan(apart)] = 0.0
            if not (lost.any() or apart.any()):
                continue
            found.furthest[path] = max(found.furthest.get(path, 0.0), float(apart.max()))
            shown = np.flatnonzero(lost | (apart > max(twin.instrument(path))))
            if len(shown):
                found.seen.add(path)
                first = min(first, float(shown[0]))
        if found.visible is None and first < np.inf:
            found.visible = block * BLOCK + first
    return found


def describe(reference: Reference, twin: Spacecraft, fault: Fault, start: int, *, every: bool) -> Injected:
    """The label of ``fault`` on ``twin`` in a run that begins at ``start`` (UTC us).

    A channel belongs to the fault where the run with it is seen to differ from the same run without it, or with
    ``every`` where it differs at all.
    """
    found = departure(reference, twin, fault)
    kind = fault.kind

    def reach(path: str) -> float:
        return found.furthest[path] / max(reference.sigma(path), *twin.instrument(path), 1e-9)

    channels = found.furthest if every else found.seen
    others = [path for path in twin.paths if path in channels and path != kind.main]
    others.sort(key=reach, reverse=True)
    visible = fault.end if found.visible is None else found.visible
    begin, end, shown = (start + round(t * SECOND) for t in (fault.start, fault.end, visible))
    furthest = found.furthest.get(kind.main, 0.0)
    strength = round(furthest / reference.sigma(kind.main), 3) if furthest else None
    category: Category = "nominal" if kind.nominal else "fault"
    return Injected(twin.name, (kind.main, *others), kind.name, begin, end, shown, strength, category)


def _blocks(first: int, last: int) -> Iterator[int]:
    return iter(range(first // BLOCK, last // BLOCK + 1))
