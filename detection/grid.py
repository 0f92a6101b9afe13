"""Channels of several groups on one regular grid: what a model of several channels looks at. Judge's thread.

Grid points are whole multiples of the period since 1970, so neither where a stream begins nor how it is cut moves
them. At each stands the newest value of every channel that is not later than the point.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detection.fit import Floats
from telemetry import Times

HELD = 2
"""Periods that a value stands for, of the grid or of its own channel, whichever is longer; older, it is missing."""
_BLOCK = 4096  # points that are made at once
_BEFORE = -(1 << 62)


class _Pen:
    """Samples of one group that grid points still ahead may need; ``at`` is when each held value came."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = list(numbers)
        self._values: Floats = np.empty((len(numbers), 0))
        self._held = np.full(len(numbers), np.nan)
        self._newest = _BEFORE
        self.times: Times = np.empty(0, dtype=np.int64)
        self.at = np.full(len(numbers), _BEFORE, dtype=np.int64)

    def put(self, times: Times, values: Floats) -> None:
        late = int(np.searchsorted(times, self._newest))
        if late == len(times):
            return
        self._newest = int(times[-1])
        self.times = np.concatenate([self.times, times[late:]])
        self._values = np.concatenate([self._values, values[self._numbers, late:]], axis=1)

    def take(self, points: Times) -> tuple[Floats, Times]:
        """The newest value of each channel at ``points`` and when it came, (channels, n) both; forgets older ones."""
        count = int(np.searchsorted(self.times, points[-1], "right"))
        values = np.concatenate([self._held[:, None], self._values[:, :count]], axis=1)
        known = np.isfinite(values)
        known[:, 0] = True
        last = np.maximum.accumulate(np.where(known, np.arange(count + 1), 0), axis=1)
        newest = last[:, np.searchsorted(self.times[:count], points, "right")]
        times = np.where(newest > 0, np.concatenate([[0], self.times[:count]])[newest], self.at[:, None])
        taken: Floats = np.take_along_axis(values, newest, axis=1)
        self._held, self.at = taken[:, -1].copy(), times[:, -1].copy()
        self.times, self._values = self.times[count:], self._values[:, count:]
        return taken, times


class Grid:
    """``columns`` are (group key, number of the channel in it) in the model's order, ``steps`` microseconds each."""

    def __init__(self, period: int, columns: Sequence[tuple[str, int]], steps: Sequence[int]) -> None:
        self.period = period
        self._stands = HELD * np.maximum(np.array(steps, dtype=np.int64), period)
        self._columns = {key: [i for i, (k, _) in enumerate(columns) if k == key] for key, _ in columns}
        self._numbers = {key: [columns[i][1] for i in own] for key, own in self._columns.items()}
        self.restart()

    def restart(self) -> None:
        """Forget everything: the clock of the stream was set back."""
        self._pens = {key: _Pen(numbers) for key, numbers in self._numbers.items()}
        self._closed = _BEFORE

    def put(self, key: str, times: Times, values: Floats) -> None:
        """Take (channels of the group, n) values at ascending ``times`` (n,), NaN where there is none to be judged.

        Nothing happens where no channel of the group is asked for. What is older than the group's newest is late,
        and left out.
        """
        if key in self._pens and len(times):
            self._pens[key].put(times, values)

    def close(self, until: int) -> tuple[Times, Floats]:
        """Grid points up to ``until`` that were not closed before, and (columns, n) values, NaN where missing.

        Points at which every channel is missing are left out.
        """
        parts = []
        stop = until // self.period * self.period
        while (first := self._next()) is not None and first <= stop:
            points = np.arange(first, min(stop, first + (_BLOCK - 1) * self.period) + 1, self.period, dtype=np.int64)
            values = np.empty((len(self._stands), len(points)))
            for key, pen in self._pens.items():
                taken, times = pen.take(points)
                old = points - times > self._stands[self._columns[key], None]
                values[self._columns[key]] = np.where(old, np.nan, taken)
            here = np.isfinite(values).any(axis=0)
            parts.append((points[here], values[:, here]))
            self._closed = int(points[-1])
        if not parts:
            return np.empty(0, dtype=np.int64), np.empty((len(self._stands), 0))
        return np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts], axis=1)

    def _next(self) -> int | None:
        """The next point at which a channel may have a value; None where none is known of."""
        following = self._closed + self.period
        for key, pen in self._pens.items():
            if (pen.at + self._stands[self._columns[key]] >= following).any():
                return following
        firsts = [int(pen.times[0]) for pen in self._pens.values() if len(pen.times)]
        return max(following, -(-min(firsts) // self.period) * self.period) if firsts else None
