"""One limit of one channel as samples pass it: when it is raised, when it is over. Judge's thread."""

from __future__ import annotations

import numpy as np

from detection.fit import Floats, Mask
from telemetry import Limit


class Watch:
    """The state of a limit. ``row`` is where its quantity stands among those of the group, ``context`` which of the
    channel's contexts it belongs to.

    Raised when ``persistence`` samples in a row, over ``on_delay``, were beyond it; over when all samples of
    ``off_delay`` were inside it by ``deadband``. A sample between the two moves neither on.
    """

    __slots__ = ("_clear_high", "_clear_low", "_count", "_persistence", "_since", "context", "limit", "on", "row")

    def __init__(self, limit: Limit, row: int, context: int, persistence: int) -> None:
        self.limit = limit
        self.row = row
        self.context = context
        self._persistence = limit.persistence or persistence
        self._clear_low = -np.inf if limit.low is None else limit.low + limit.deadband
        self._clear_high = np.inf if limit.high is None else limit.high - limit.deadband
        self.reset()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not (self.on or self._count)

    def reset(self) -> None:
        """Begin from nothing."""
        self.on = False
        self._count = 0
        self._since = 0

    def step(self, time: int, value: float) -> bool:
        """The next sample; whether the limit is raised now."""
        if self.on:
            moves, samples, delay = self._clear_low <= value <= self._clear_high, 1, self.limit.off_delay
        else:
            moves, samples, delay = self.beyond(value), self._persistence, self.limit.on_delay
        if not moves:
            self._count = 0
            return self.on
        if not self._count:
            self._since = time
        self._count += 1
        if self._count >= samples and time - self._since >= delay:
            self.on, self._count = not self.on, 0
        return self.on

    def beyond(self, value: float) -> bool:
        """Whether a value is outside the limit."""
        low, high = self.limit.low, self.limit.high
        return (low is not None and value < low) or (high is not None and value > high)

    def outside(self, values: Floats) -> Mask:
        """(n,) where values are outside the limit; a NaN never is."""
        low, high = self.limit.low, self.limit.high
        return (values < (-np.inf if low is None else low)) | (values > (np.inf if high is None else high))

    def ratio(self, value: float) -> float:
        """1 at the limit and inside it, one more for each width of the allowed range beyond it; 1e6 at the most."""
        if not self.beyond(value):
            return 1.0
        low, high = self.limit.low, self.limit.high
        bound = self.bound(value)
        width = abs(bound) or 1.0
        if low is not None and high is not None and high > low:
            width = high - low
        return min(1.0 + abs(value - bound) / width, 1e6) if np.isfinite(value) else 1e6

    def describe(self, value: float, unit: str) -> str:
        """What the operator reads."""
        limit, bound = self.limit, self.bound(value)
        if limit.quantity == "rate":
            unit = f"{unit or '1'}/s"
        said = f"{value:.6g}{unit and ' ' + unit}"
        side = "below" if limit.low is not None and bound == limit.low else "above"
        name = f"{limit.severity.value} {'rate ' if limit.quantity == 'rate' else ''}limit of {bound:.6g}"
        if not self.beyond(value):
            return f"{said} is not clear of the {name} yet"
        return f"{said} is {side} the {name}{f' ({limit.when})' if limit.when else ''}"

    def bound(self, value: float) -> float:
        """The bound that the value is beyond, else the one that it is nearer to."""
        low, high = self.limit.low, self.limit.high
        if high is None or (low is not None and (value < low or (value <= high and value - low < high - value))):
            assert low is not None  # a limit has a bound
            return low
        return high
