"""One fault for a run: drawn from the seed, sized against the run without it, and described for whoever checks.

Pure functions of the seed, run once when a simulation is opened. Kind, satellite, onset and size are drawn; then
the run with the fault and the run without it are both made at 1 Hz and compared.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.chance import Use, draws
from simulator.faults import CEILING, COMMISSIONING, HOUR, KINDS, OTHERS, Fault
from simulator.orbit import Floats
from simulator.spacecraft import BLOCK, Spacecraft
from telemetry import Injected
from telemetry.clock import SECOND

_FIRST, _LAST = 0.4 * HOUR, 0.8 * HOUR
_SIZES = (4.8, 5.6)  # sigmas; the ceiling lowers it where noise or a cycle adds to it
_MARGIN = 0.985  # of the ceiling: the converter's quantum comes on top


def inject(seed: int, satellites: int, start: int) -> tuple[int, Fault, Injected]:
    """The failing satellite's index, its fault, and what that does in a run that begins at ``start`` (UTC us)."""
    rng = draws(seed, Use.FAULT)
    index, kind = int(rng.integers(satellites)), KINDS[int(rng.integers(len(KINDS)))]
    length = float(np.round(rng.uniform(600, 1200)))
    begin = float(np.round(rng.uniform(_FIRST, _LAST - length)))
    rise, fall = rng.uniform(60, 100), rng.uniform(60, 100)
    fault = Fault(kind, begin, begin + length, rise, fall, 0.0)
    spacecraft = Spacecraft(seed, index, SECOND)
    without = _hour(spacecraft)
    fault = replace(fault, amount=_amount(fault, without[kind.main], rng.uniform(*_SIZES)))
    return index, fault, _describe(spacecraft, without, fault, start)


def _describe(spacecraft: Spacecraft, without: dict[str, Floats], fault: Fault, start: int) -> Injected:
    """A channel belongs to the fault where the run with it differs from the same run without it by more than the
    channel's noise and its quantum; it is visible from the first such moment.
    """
    touched = _hour(spacecraft.failing(fault))
    reach: dict[str, float] = {}
    visible = fault.end
    for path in spacecraft.paths:
        threshold = max(spacecraft.instrument(path))
        apart = np.abs(touched[path] - without[path])
        seen = np.flatnonzero(apart > threshold)
        if len(seen):
            visible = min(visible, float(seen[0]))
            reach[path] = float(apart.max()) / max(float(without[path][:COMMISSIONING].std()), threshold)
    main = fault.kind.main
    others = sorted((path for path in reach if path != main), key=lambda path: -reach[path])
    begin, end, shown = (start + round(t * SECOND) for t in (fault.start, fault.end, visible))
    return Injected(spacecraft.name, (main, *others), fault.kind.name, begin, end, shown)


def _amount(fault: Fault, nominal: Floats, size: float) -> float:
    """Height of ``fault`` for ``size`` sigmas, lowered until no value passes the ceiling."""
    seconds = np.arange(len(nominal), dtype=np.float64)
    shape, sign = fault.shape(seconds), fault.kind.sign
    inside = shape > 0
    sigma, mean = float(nominal[:COMMISSIONING].std()), float(nominal[:COMMISSIONING].mean())
    spans = [nominal[:samples] for samples in (COMMISSIONING, *OTHERS)]
    smallest = min(float(span.std()) for span in spans)
    if fault.kind.stuck_heater:
        # The tank leaves its cycle: the departure from the run without the fault is largest at the cycle's bottom.
        return min(mean + size * sigma, float(nominal.min()) + _MARGIN * CEILING * smallest)
    heights = [size * sigma]
    for span in spans:
        room = _MARGIN * CEILING * float(span.std()) - sign * (nominal[inside] - float(span.mean()))
        heights.append(float((room / shape[inside]).min()))
    return sign * min(heights)


def _hour(spacecraft: Spacecraft) -> dict[str, Floats]:
    """The first hour of a satellite that is measured at 1 Hz: (3600,) values for each path."""
    seconds = int(HOUR)
    blocks = [spacecraft.values(i) for i in range(-(-seconds // BLOCK))]
    return {path: np.concatenate([block[path] for block in blocks])[:seconds] for path in spacecraft.paths}
