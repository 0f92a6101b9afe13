"""Round steps for an axis of values, and how many decimals they need. No Qt here."""

from __future__ import annotations

import math

_STEPS = (1.0, 2.0, 2.5, 5.0)


def decimals_of(step: float) -> int:
    """Decimals that show a step of this size exactly: 0 for 10, 1 for 0.5, 2 for 0.25; 12 at the most."""
    for decimals in range(12):
        scaled = step * 10**decimals
        if scaled >= 0.999 and abs(scaled - round(scaled)) < 1e-6 * scaled:
            return decimals
    return 12


def nice_step(low: float, high: float, least: int) -> float:
    """The largest of 1, 2, 2.5, 5 times a power of ten that has ``least`` multiples within ``low`` < ``high``."""
    power = 10.0 ** math.floor(math.log10(high - low))
    sizes = sorted((step * scale for step in _STEPS for scale in (power / 100, power / 10, power)), reverse=True)
    return next((step for step in sizes if len(_multiples(low, high, step)) >= least), sizes[-1])


def ticks(low: float, high: float, least: int) -> list[float]:
    """Multiples of a round step within ``low`` .. ``high``, at least ``least`` and seldom many more."""
    step = nice_step(low, high, least)
    return [i * step for i in _multiples(low, high, step)]


def _multiples(low: float, high: float, step: float) -> range:
    return range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
