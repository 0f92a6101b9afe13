"""How large a fault must be to have the strength that was asked for. Pure functions of the seed.

A strength is the largest departure of the main channel from the same run without the fault, in sigmas.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.faults import Effect, Fault, Way
from simulator.label import Reference, departure
from simulator.orbit import Floats

_CLOSE = 0.03  # of the strength that was asked for
_TRIES = 3
_ONSET = 10  # seconds from whose mean a channel leaves its course


def sized(reference: Reference, fault: Fault, strength: float | None) -> Fault:
    """``fault`` with its levels, and an amount that makes it ``strength`` sigmas (None: as its kind has it).

    Where a kind cannot be so strong (a panel gives no less than nothing), it is as strong as it can be.
    """
    kind = fault.kind
    main = Effect(kind.main, 0.0, way=kind.way, level=kind.level, quantile=kind.quantile)
    fault = replace(fault, levels=tuple(_level(reference, effect) for effect in (main, *kind.others)))
    asked = kind.strength if strength is None else strength
    seconds = np.arange(fault.start, np.floor(fault.end) + 1)
    nominal = reference.span((kind.main,), fault.start, fault.end)[kind.main]
    if kind.way is Way.SETTLE:
        fault = replace(fault, levels=(float(nominal[:_ONSET].mean()), *fault.levels[1:]))
    if asked is None:
        return replace(fault, amount=_natural(fault, nominal))
    scale = asked / kind.strength if kind.strength else 1.0
    target = asked * reference.sigma(kind.main)
    first = _first(fault, seconds, nominal, target) if kind.amount is None else kind.amount
    fault = replace(fault, scale=scale, amount=first)
    if kind.way in (Way.HOLD, Way.SPIKE):
        # What is measured comes in whole steps of its converter.
        quantum = reference.spacecraft.instrument(kind.main)[1]
        return replace(fault, amount=round(fault.amount / quantum) * quantum)
    for _ in range(_TRIES):
        reached = departure(reference, reference.spacecraft, fault).furthest.get(kind.main, 0.0)
        if not reached or abs(reached / target - 1) < _CLOSE:
            break
        amount = fault.amount + kind.sign * (target - reached)
        if kind.way is not Way.SETTLE:
            amount = fault.amount * target / reached
        if kind.way is Way.TOWARD:
            amount = min(amount, 1.0)
        fault = replace(fault, amount=amount)
    return fault


def _natural(fault: Fault, nominal: Floats) -> float:
    """The amount of a fault that goes as far as it can."""
    kind = fault.kind
    if kind.amount is not None:
        return kind.amount
    if kind.way is Way.HOLD:
        return float(nominal[0])  # the last that it read
    return 1.0


def _first(fault: Fault, seconds: Floats, nominal: Floats, target: float) -> float:
    """The amount that should depart by ``target`` (channel units), were there no noise."""
    kind, shape = fault.kind, fault.shape(seconds)
    if kind.way is Way.SPIKE:
        return target
    if kind.way is Way.TOWARD:
        room = float((shape * np.abs(fault.levels[0] - nominal)).max())
        return min(1.0, target / room) if room else 1.0
    low, high = float(nominal.min()), float(nominal.max())
    if kind.way is Way.SETTLE:
        return low + target if kind.sign > 0 else high - target
    if kind.way is Way.HOLD:
        # Of the two readings so far from the far end, the one nearer to the last; between them it departs less.
        if target < (high - low) / 2:
            return (low + high) / 2
        return min((low + target, high - target), key=lambda reading: abs(reading - float(nominal[0])))
    return kind.sign * target / float(shape.max())


def _level(reference: Reference, effect: Effect) -> float:
    """The level of ``effect`` in channel units, NaN where it has none."""
    if effect.quantile is not None:
        return float(np.quantile(reference.commissioning[effect.path], effect.quantile))
    return np.nan if effect.level is None else effect.level
