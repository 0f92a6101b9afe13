"""Round steps for an axis of values, and how many decimals they need. No Qt here."""

from __future__ import annotations

import math

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


def decimals_of(step: float) -> int:
    """Decimals that show a step of this size exactly: 0 for 10, 1 for 0.5, 2 for 0.25; 12 at the most."""
    for decimals in range(12):
        scaled = step * 10**decimals
        if scaled >= 0.999 and abs(scaled - round(scaled)) < 1e-6 * scaled:
            return decimals
    return 12


def nice_step(extent: float, count: int) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that cuts ``extent`` (> 0) into at most ``count`` parts."""
    raw = extent / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    return next((step * power for step in _STEPS if step * power >= raw * (1 - 1e-9)), 10.0 * power)


def ticks(low: float, high: float, count: int) -> list[float]:
    """Multiples of a round step within ``low`` .. ``high``, about ``count`` of them."""
    step = nice_step(high - low, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]
