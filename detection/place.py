"""Where a channel is and how widely it varies: from its first samples, then a sample at a time. Judge's thread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detection.commissioning import Place
from detection.fit import Floats, Mask

_GAIN = 1.5
_MAD = 1.4826  # makes a median absolute deviation that of a normal distribution's sigma
_SLOWEST = 20_000


class Places:
    """Location (median), scale (1.4826 MAD, at least 1 % of the range) and range of every channel of a group.

    Each new sample moves the running median and MAD by ``1.5 / n`` of the scale towards it (Robbins and Monro's
    stochastic approximation of a quantile), n being the valid samples so far, at most 20,000.
    """

    def __init__(self, channels: int) -> None:
        self.known: Mask = np.zeros(channels, dtype=bool)
        self.fixed: Mask = np.zeros(channels, dtype=bool)
        self._count = np.zeros(channels)
        self._now = np.zeros((2, channels))  # location, MAD
        self._low, self._high = np.zeros((2, channels))
        self._least = np.full(channels, 1e-9)

    def now(self, which: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Location and scale (len(which),) of these channels."""
        least = np.maximum(0.01 * (self._high[which] - self._low[which]), self._least[which])
        return self._now[0, which], np.maximum(_MAD * self._now[1, which], least)

    def begin(self, channel: int, values: Floats, width: float) -> None:
        """Start from (n,) valid ``values`` of a channel whose range is ``width``."""
        middle = float(np.median(values))
        self.known[channel] = True
        self._count[channel] = len(values)
        self._now[:, channel] = middle, float(np.median(np.abs(values - middle)))
        self._low[channel], self._high[channel] = values.min(), values.max()
        self._least[channel] = max(0.01 * width, 1e-9)

    def place(self, channel: int) -> Place:
        """Where a channel is now."""
        location, deviation = self._now[:, channel].tolist()
        return Place(
            location, deviation, float(self._low[channel]), float(self._high[channel]), float(self._least[channel])
        )

    def fix(self, channel: int, place: Place) -> None:
        """A channel is at ``place``, and stays there."""
        self.known[channel] = self.fixed[channel] = True
        self._now[:, channel] = place.location, place.deviation
        self._low[channel], self._high[channel], self._least[channel] = place.low, place.high, place.least

    def follow(self, y: Floats, learn: Mask) -> tuple[Floats, Floats]:
        """Location and scale (channels, n) in force at each of (channels, n) samples, then learned from.

        Only samples where ``learn`` (channels, n) holds move them, and none a channel that is ``fixed``.
        """
        n = y.shape[1]
        location, scale = np.empty((n, y.shape[0])), np.empty((n, y.shape[0]))
        learn = learn & (self.known & ~self.fixed)[:, None]
        counts = self._count[:, None] + np.cumsum(learn, axis=1)
        self._count[:] = counts[:, -1]
        low = np.minimum.accumulate(np.minimum(np.where(learn, y, np.inf), self._low[:, None]), axis=1)
        high = np.maximum.accumulate(np.maximum(np.where(learn, y, -np.inf), self._high[:, None]), axis=1)
        self._low[:], self._high[:] = low[:, -1], high[:, -1]
        least = np.ascontiguousarray(np.maximum(0.01 * (high - low), self._least[:, None]).T)
        gains = np.ascontiguousarray((learn * (_GAIN / np.clip(counts, 1.0, _SLOWEST))).T)
        values = np.ascontiguousarray(y.T)
        now, away, step = self._now, np.empty_like(self._now), np.empty(y.shape[0])
        for i in range(n):
            location[i], scale[i] = now
            np.subtract(values[i], now[0], out=away[0])
            np.abs(away[0], out=away[1])
            away[1] -= now[1]
            np.sign(away, out=away)
            np.maximum(now[1], least[i], out=step)
            step *= gains[i]
            away *= step
            now += away
        return location.T, np.maximum(_MAD * scale, least).T
