"""Declared limits, judged at once. Judge's thread; nothing is learned here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detection.fit import Floats
from telemetry import Channel, Limit, Severity


@dataclass(frozen=True, slots=True)
class Excursion:
    """A sample beyond a limit, ``column`` samples into the block: ``ratio`` is 1 at the limit itself, and one more
    for each width of the allowed range beyond it. ``bound`` is the side of ``limit`` that ``value`` is beyond.
    """

    column: int
    channel: int
    severity: Severity
    ratio: float
    reason: str
    limit: Limit
    bound: float
    value: float


class Limits:
    """The limits of the channels of a group. ``persistence`` samples in a row must be beyond the same one."""

    def __init__(self, channels: tuple[Channel, ...], persistence: int) -> None:
        self._channels = channels
        self._persistence = persistence
        ordered = [sorted(c.limits, key=lambda limit: limit.severity.level) for c in channels]
        self._limits = [[limit for limit in own if limit.severity is not Severity.NORMAL] for own in ordered]
        levels = max((len(own) for own in self._limits), default=0)
        self._low = np.full((levels, len(channels), 1), -np.inf)
        self._high = np.full((levels, len(channels), 1), np.inf)
        for i, own in enumerate(self._limits):
            for level, limit in enumerate(own):
                self._low[level, i] = -np.inf if limit.low is None else limit.low
                self._high[level, i] = np.inf if limit.high is None else limit.high
        self._run = np.zeros((levels, len(channels)), dtype=np.int64)

    def check(self, x: Floats) -> list[Excursion]:
        """Excursions in (channels, n) values, NaN where there is none to check, in order of time.

        A missing value neither ends a run beyond a limit nor counts in it.
        """
        if not len(self._low):
            return []
        with np.errstate(invalid="ignore"):
            beyond = (x < self._low) | (x > self._high)
        if not (beyond.any() or self._run.any()):
            return []
        found: list[Excursion] = []
        missing = np.isnan(x)
        for column in range(x.shape[1]):
            now = beyond[:, :, column]
            self._run = np.where(missing[None, :, column], self._run, (self._run + 1) * now)
            for channel in np.flatnonzero(((self._run >= self._persistence) & now).any(axis=0)):
                level = int(np.flatnonzero((self._run[:, channel] >= self._persistence) & now[:, channel])[-1])
                found.append(self._describe(column, int(channel), level, float(x[channel, column])))
        return found

    def _describe(self, column: int, channel: int, level: int, value: float) -> Excursion:
        limit, unit = self._limits[channel][level], self._channels[channel].unit
        below = limit.low is not None and value < limit.low
        bound = limit.low if below else limit.high
        assert bound is not None  # a value is beyond a bound that exists
        width = abs(bound) or 1.0
        if limit.low is not None and limit.high is not None and limit.high > limit.low:
            width = limit.high - limit.low
        ratio = 1.0 + abs(value - bound) / width if np.isfinite(value) else 1e6
        side = "below" if below else "above"
        text = f"{value:.6g}{unit and ' ' + unit} is {side} the {limit.severity.value} limit of {bound:.6g}"
        return Excursion(column, channel, limit.severity, min(ratio, 1e6), text, limit, bound, value)
