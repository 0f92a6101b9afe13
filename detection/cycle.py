"""A channel beside itself one period ago, at the same place of the orbit: what creeps is seen there, for the record of
that distance follows nothing within half an hour. Judge's thread.

Telemetry time is cut into blocks of a minute. The mean of a block is held against those of the blocks around one
period ago and around two, whichever is nearer; how far it lies outside of them is a score, judged by its record as
every other. The period is the orbit that the group declares, else the one that its channels show. Nothing is
commissioned: two periods of the stream are learned from.

A mode or a switch that is not what it was then is no departure: it is out of its turn, and may be why others depart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.compose import Expectation
from detection.fit import Floats
from detection.record import Record
from detection.settings import DetectionSettings
from detection.tape import Tape
from telemetry import Channel, Times
from telemetry.clock import SECOND

BLOCK = 60 * SECOND
"""Length of a block, microseconds; blocks begin at its multiples."""
KEPT = 1440
"""Blocks that are remembered: a period is at most half of them."""
_SHORTEST = 20  # blocks of a period
_BATCH = 60  # blocks judged at once
_GAP = 60  # blocks without a sample after which everything is learned anew
_AROUND = np.arange(-1, 2)  # blocks: a period is no whole number of them
_AGAIN, _APART = 0.8, 0.4  # correlation with what was a period ago, and with what was at some time in between
_CLEAR, _FEWEST = 0.25, 3  # share and number of the channels that must show the same period
_REAL = 0.9  # of the blocks of a channel hold a value, or it is not judged
_TRENDING = 0.97  # of the steps go one way: a counter, or what only grows
_FLOOR = 0.2  # of the half range
_DIGITS = 1e-9  # of the level: less than that is how numbers are written
_TURNED = 0.3  # of a code, the mean of a minute: a mode or a switch is out of its turn
_NARROW = 0.02  # of the declared range: less than that is not taken for the range of a channel


@dataclass(frozen=True, slots=True)
class Turn:
    """Channel number ``channel``, a mode or a switch, was out of its turn in the minute that ends with ``time``."""

    time: int
    channel: int


@dataclass(frozen=True, slots=True)
class Departure:
    """Channel number ``channel`` has departed from its cycle, which shows with the sample at ``time``."""

    time: int
    channel: int
    ratio: float
    threshold: float
    reason: str
    expected: Expectation


class Cycle:
    """The cycle of one group. ``period`` is in blocks, 0 while it is not known or has not been seen twice."""

    def __init__(self, channels: Sequence[Channel], orbit: int | None, settings: DetectionSettings) -> None:
        self._policy = settings.cycle
        self._declared = round((orbit or 0) / BLOCK)
        spans = np.array([channel.span or (0.0, 0.0) for channel in channels], dtype=np.float64)
        self._narrow = _NARROW * np.nan_to_num(np.diff(spans)[:, 0] / 2, posinf=0.0)
        self._factors = np.ones(len(channels))
        self._named = np.array([one.type in ("bool", "i4") for one in channels], dtype=bool)
        self.restart()

    def restart(self) -> None:
        """The clock was set back: everything is learned anew."""
        self.period = 0
        self._means = Tape(len(self._named), KEPT + 1 + _BATCH + _GAP, np.float64, np.nan)
        self._rows = 0
        self._search = 2 * _SHORTEST
        self._number: int | None = None
        self._parts: list[Floats] = []

    def factor(self, factors: Floats) -> None:
        """From here on thresholds are what they were times ``factors`` (channels,)."""
        self._factors = factors
        if self.period:
            self._record.factor(factors)

    def take(self, times: Times, x: Floats) -> list[Departure | Turn]:
        """Take (channels, n) values, NaN where there is none, at ascending ``times``.

        Told is what shows in the blocks that are over by the last of them, at the time of the sample after.
        """
        if not len(times):
            return []
        found: list[Departure | Turn] = []
        numbers = times // BLOCK
        starts = [0, *(1 + np.flatnonzero(np.diff(numbers))).tolist()]
        closed: list[int] = []
        for start, stop in zip(starts, [*starts[1:], len(times)], strict=True):
            number = int(numbers[start])
            if self._number is not None and number != self._number:
                closed += self._close(number - self._number, int(times[start]))
                if not self.period:
                    closed = []
                    self._begin()
                elif len(closed) >= _BATCH:
                    found += self._judge(closed)
                    closed = []
            self._number = number
            self._parts.append(x[:, start:stop])
        return found + self._judge(closed)

    def _close(self, ahead: int, time: int) -> list[int]:
        """The block is over, and the next sample, at ``time``, comes ``ahead`` blocks later: that time for each."""
        x = np.ascontiguousarray(np.concatenate(self._parts, axis=1))  # sums are those of one order of the samples
        self._parts = []
        if ahead > _GAP:
            self.restart()
            return []
        there = np.isfinite(x)
        count = there.sum(axis=1)
        means = np.full((len(x), ahead), np.nan)
        np.divide(np.where(there, x, 0.0).sum(axis=1), count, out=means[:, 0], where=count > 0)
        self._means.append(means)
        self._rows += ahead
        return [time] * ahead

    def _begin(self) -> None:
        """Judge from here on, if a period is known and was seen twice: what it showed is the first record."""
        n = min(self._rows, KEPT)
        means = self._means.last(n)
        period = self._declared
        if not period and self._rows >= self._search:
            # The longer it takes the dearer it is, and the less likely.
            self._search = self._rows * 5 // 4
            period = _period(means)
        if not period or n <= 2 * period + 1:
            return
        self.period = period
        low, high = np.fmin.reduce(means, axis=1), np.fmax.reduce(means, axis=1)
        half = np.nan_to_num((high - low) / 2)
        steps = np.sign(np.diff(means, axis=1))
        up, down = ((steps == way).sum(axis=1) for way in (1, -1))
        real = np.isfinite(means).mean(axis=1) >= _REAL
        self._live = real & (half > 0) & (np.maximum(up, down) <= _TRENDING * (up + down)) & ~self._named
        level = np.nan_to_num(np.maximum(np.abs(low), np.abs(high)))
        self._scale = np.where(self._live, np.maximum(np.maximum(half, self._narrow), _DIGITS * level), 1.0)
        seen = min(n, self._means.keep - period) - period - 1
        largest = np.nan_to_num(np.fmax.reduce(self._distance(seen)[0], axis=1))[None]
        self._record = Record(self._policy, np.array([_FLOOR]), len(half))
        self._record.extend(self._policy.reach)
        self._record.adopt(np.arange(len(half)), np.maximum(_FLOOR, self._policy.share * largest), largest)
        self._record.since[:] = -seen
        self._record.armed_from[:] = 0
        self._record.factor(self._factors)

    def _distance(self, n: int) -> tuple[Floats, Floats, Floats, npt.NDArray[np.int64]]:
        """(channels, n) of the last ``n`` blocks: how far the mean lies outside of what it was around one period ago
        or around two, where that is nearer; the least and the most that it was then; and how many periods ago.
        NaN where there is none.
        """
        means = self._means.last(self._means.keep)
        now = means[:, -n:]
        out = np.full((4, *now.shape), np.nan)
        for ago in (1, 2):
            first = means.shape[1] - n - ago * self.period
            around = np.stack([means[:, first + by : first + by + n] for by in _AROUND])
            low, high = np.fmin.reduce(around), np.fmax.reduce(around)
            away = np.maximum(np.maximum(low - now, now - high), 0.0) / self._scale[:, None]
            nearer = ~(away >= out[0]) & np.isfinite(away)
            out[:, nearer] = np.stack([away, low, high, np.full(now.shape, ago)])[:, nearer]
        return out[0], out[1], out[2], out[3]

    def _judge(self, times: Sequence[int]) -> list[Departure | Turn]:
        """Departures and turns in the newest blocks; what departed shows at ``times``."""
        if not times:
            return []
        away, low, high, ago = self._distance(len(times))
        told = np.isfinite(away) & self._live[:, None]
        # As of the end of the minute: before anything that departs in it, whatever group that is in.
        turned = np.argwhere(self._named[:, None] & (away > _TURNED)).tolist()
        found: list[Departure | Turn] = [Turn(times[at] - times[at] % BLOCK - 1, channel) for channel, at in turned]
        for hit in self._record.judge(np.where(told, away, 0.0)[None], told).hits:
            at = hit.channel, hit.column
            wide = hit.threshold * self._scale[hit.channel]
            actual = float(self._means.last(len(times))[at])
            reason = (
                f"{hit.describe('cycle', 'minutes')}: {actual:.4g} where it was {low[at]:.4g} to {high[at]:.4g} "
                f"{int(ago[at]) * self.period} minutes before"
            )
            expected = Expectation(float(low[at] - wide), float(high[at] + wide), actual)
            found.append(Departure(times[hit.column], hit.channel, hit.ratio, hit.threshold, reason, expected))
        return found


def _period(means: Floats) -> int:
    """The period of (channels, n) block means that most of them show, 0 where too few show the same one.

    A channel shows a period where it is what it was one period ago, and was not all the time in between.
    """
    means = means[np.isfinite(means).all(axis=1) & (np.ptp(means, axis=1) > 0)]
    if len(means) < _FEWEST:
        return 0
    lags = np.arange(1, means.shape[1] // 2)
    alike = np.stack([_correlation(means[:, lag:], means[:, :-lag]) for lag in lags], axis=1)
    apart = np.minimum.accumulate(alike, axis=1) <= _APART
    shown = (alike >= _AGAIN) & apart & (lags >= _SHORTEST)
    enough = shown.sum(axis=0) >= max(_CLEAR * len(means), _FEWEST)
    return int(lags[np.where(enough, alike.mean(axis=0), -np.inf).argmax()]) if enough.any() else 0


def _correlation(one: Floats, other: Floats) -> Floats:
    """(c,) correlation of the rows of two (c, n) arrays; 0 where one of them never varies."""
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    size = np.sqrt(np.vecdot(one, one)) * np.sqrt(np.vecdot(other, other))
    out: Floats = np.divide(np.vecdot(one, other), size, out=np.zeros(len(size)), where=size > 0)
    return out
