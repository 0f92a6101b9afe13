"""The faults of a run: drawn from the seed, sized against the run without them, and labelled for whoever checks.

Pure functions of the seed, run once when a simulation is opened. What is drawn for one fault of a scenario does not
depend on the others: one more leaves the rest where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from simulator.chance import Use, draws
from simulator.faults import COMMISSIONING, Fault, Kind, Rise, Way
from simulator.kinds import DRAWN, FAULTS, names
from simulator.label import Reference, describe
from simulator.orbit import Floats
from simulator.scenario import Entry, Scenario
from simulator.size import sized
from simulator.spacecraft import Spacecraft
from telemetry import Injected, SourceError

HOUR = 3600.0
"""A fault of which everything is drawn lies between 40 % and 80 % of it, in seconds after the start."""
OTHERS = (700, 1200, 1440)
"""What else might be called commissioning: the part that is fitted, a longer one, all that comes before a fault.
The ceiling holds just as well for whoever takes the standard deviation and the mean from one of these spans."""
CEILING = 6.0
"""No value of the main channel of such a fault departs further from its commissioning mean, and none from the same
run without the fault, in sigmas."""

_FIRST, _LAST = 0.4 * HOUR, 0.8 * HOUR
_SIZES = (4.8, 5.6)  # sigmas; the ceiling lowers it where noise or a cycle adds to it
_MARGIN = 0.965  # of the ceiling: the converter's quantum comes on top
NOW_FOR = 900.0
"""Seconds that a fault lasts that is injected while a simulation runs."""
_NOW = 1 << 30  # and so do faults that are injected now
_EVENTS = 1 << 20  # events draw from blocks of their own
_SPIKE_EVERY, _GAP_EVERY = 60.0, 90.0  # seconds
_GAPS = (3.0, 25.0)  # seconds

_References = Callable[[int], Reference]


def inject(
    scenario: Scenario, seed: int, members: Sequence[Spacecraft], start: int, until: float | None
) -> tuple[list[tuple[int, Fault]], tuple[Injected, ...]]:
    """Every fault and event of a run as (index of its satellite, fault), and their labels in the order of time.

    The run begins at ``start`` (UTC us); what would begin after ``until`` (seconds, None: endless) is left out.
    Raises SourceError.
    """
    references: dict[int, Reference] = {}

    def reference(index: int) -> Reference:
        return references.setdefault(index, Reference(members[index]))

    placed: list[tuple[int, Fault]] = []
    drawn: set[int] = set()  # places of faults of which everything was drawn
    numbered = [*enumerate(scenario.faults), *enumerate(scenario.events, _EVENTS)]
    for number, entry in numbered:
        rng = draws(seed, Use.FAULT, 0, number)
        if not entry.kinds:
            drawn.add(len(placed))
            index, fault = _draw(rng, members, reference)
        else:
            index, fault = _place(rng, entry, members, reference)
            if until is not None and fault.start >= until:
                continue
        placed.append((index, fault))
    labels = []
    for here, (index, fault) in enumerate(placed):
        twin = reference(index).spacecraft
        for other, (whose, another) in enumerate(placed):
            if other != here and whose == index:
                twin = twin.failing(another)
        labels.append(describe(reference(index), twin, fault, start, every=here not in drawn))
    return placed, tuple(sorted(labels, key=lambda label: label.start))


def inject_now(kind: str, seed: int, spacecraft: Spacecraft, start: int, at: float) -> tuple[Fault, Injected]:
    """A fault of ``kind`` on ``spacecraft`` from ``at`` seconds after ``start`` (UTC us) on.

    Raises SourceError where there is no such kind, or it cannot have that.
    """
    kinds = tuple(one for one in FAULTS if one.name == kind)
    if not kinds:
        raise SourceError(f'There is no fault "{kind}": the known ones are {", ".join(names(FAULTS))}.')
    entry = Entry(kinds, 0, at, at + NOW_FOR, None, "")
    reference = Reference(spacecraft)
    _, fault = _place(draws(seed, Use.FAULT, 0, _NOW + int(at)), entry, [spacecraft], lambda _: reference)
    return fault, describe(reference, spacecraft, fault, start, every=True)


def _place(
    rng: np.random.Generator, entry: Entry, members: Sequence[Spacecraft], reference: _References
) -> tuple[int, Fault]:
    if entry.satellite is not None and entry.satellite >= len(members):
        name, flying = f"SAT-{entry.satellite + 1:03d}", len(members)
        more = f"ask for satellites={entry.satellite + 1}"
        raise SourceError(f'{entry.where}"satellite" is {name}, and {flying} fly: {more}.')
    able = [index for index, member in enumerate(members) if any(member.can(kind) for kind in entry.kinds)]
    if not able or (entry.satellite is not None and entry.satellite not in able):
        kind = entry.kinds[0]
        if entry.satellite is None:
            problem = f"no satellite here has a {kind.main}: let one fly that does not tumble, or leave it out."
        else:
            problem = f"{members[entry.satellite].name}, which tumbles, has no {kind.main}: name another satellite."
        raise SourceError(f"{entry.where}{kind.name} cannot begin, for {problem}")
    any_satellite = able[int(rng.integers(len(able)))]
    index = any_satellite if entry.satellite is None else entry.satellite
    kind = _drawn(rng, entry.kinds, members[index])
    length = entry.end - entry.start
    usual = (min(float(seconds), length / 3) for seconds in rng.uniform(60, 100, 2))
    rise, fall = _edges(kind, length, usual)
    fault = Fault(kind, entry.start, entry.end, rise, fall, 0.0, moments=_moments(rng, kind.way, entry))
    return index, sized(reference(index), fault, entry.strength)


def _edges(kind: Kind, length: float, gentle: Iterable[float]) -> tuple[float, float]:
    """Seconds in which a fault comes and goes; ``gentle`` are those of one that does so gently."""
    if kind.rise is Rise.STEP:
        return 0.0, 0.0
    if kind.rise is Rise.RAMP:
        return length, 0.0
    if kind.rise is Rise.WARM:
        return 2 * length / 3, length / 3
    rise, fall = gentle
    return rise, fall


def _moments(rng: np.random.Generator, way: Way, entry: Entry) -> tuple[tuple[float, float], ...]:
    """Seconds of spikes with their signs, or of gaps with their lengths; the first lies at the onset."""
    if way not in (Way.SPIKE, Way.MISS):
        return ()
    length = entry.end - entry.start
    more = int(length / (_SPIKE_EVERY if way is Way.SPIKE else _GAP_EVERY))
    seconds = entry.start + np.unique(np.append(0.0, np.floor(rng.random(more) * length)))
    if way is Way.SPIKE:
        return tuple(zip(seconds.tolist(), rng.choice((-1.0, 1.0), len(seconds)).tolist(), strict=True))
    lengths = np.minimum(np.rint(rng.uniform(*_GAPS, len(seconds))), entry.end - seconds)
    return tuple(zip(seconds.tolist(), lengths.tolist(), strict=True))


def _drawn(rng: np.random.Generator, kinds: Sequence[Kind], member: Spacecraft) -> Kind:
    """One of ``kinds`` that ``member`` can have, without what happens to channels that it lacks."""
    able = [kind for kind in kinds if member.can(kind)]
    kind = able[int(rng.integers(len(able)))]
    return replace(kind, others=tuple(effect for effect in kind.others if effect.path in member.paths))


def _draw(rng: np.random.Generator, members: Sequence[Spacecraft], reference: _References) -> tuple[int, Fault]:
    """A fault of which everything is drawn: one that no limit catches."""
    index = int(rng.integers(len(members)))
    kind = _drawn(rng, DRAWN, members[index])
    length = float(np.round(rng.uniform(600, 1200)))
    begin = float(np.round(rng.uniform(_FIRST, _LAST - length)))
    rise, fall = _edges(kind, length, (rng.uniform(60, 100), rng.uniform(60, 100)))
    fault = Fault(kind, begin, begin + length, rise, fall, 0.0)
    nominal = reference(index).span((kind.main,), 0, HOUR - 1)[kind.main]
    return index, replace(fault, amount=_amount(fault, nominal, rng.uniform(*_SIZES)))


def _amount(fault: Fault, nominal: Floats, size: float) -> float:
    """Height of ``fault`` for ``size`` sigmas, lowered until no value passes the ceiling."""
    seconds = np.arange(len(nominal), dtype=np.float64)
    shape, sign = fault.shape(seconds), fault.kind.sign
    inside = shape > 0
    sigma = float(nominal[:COMMISSIONING].std())
    spans = [nominal[:samples] for samples in (COMMISSIONING, *OTHERS)]
    heights = [size * sigma]
    for span in spans:
        room = _MARGIN * CEILING * float(span.std()) - sign * (nominal[inside] - float(span.mean()))
        heights.append(float((room / shape[inside]).min()))
    return sign * min(heights)
