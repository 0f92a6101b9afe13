"""The newest samples of a few channels in memory: for charts that have no other place to read from. GUI thread.

The window's own charts read the core's ring instead; this one serves a file's preview, tests and benchmarks.
"""

from __future__ import annotations

import numpy as np

from widgets.strips.spec import NO_PAST, Floats, Past, Times


class _Series:
    """Rows of a time and a few values, ascending by time, at most ``capacity`` of them."""

    def __init__(self, width: int, capacity: int) -> None:
        self.times = np.empty(0, dtype=np.int64)
        self.values = np.empty((0, width))
        self._capacity = capacity
        self._waiting: list[tuple[Times, tuple[Floats, ...]]] = []

    def add(self, times: Times, *values: Floats) -> None:
        self._waiting.append((times, values))

    def part(self, start: int, stop: int) -> tuple[Times, Floats]:
        self._settle()
        low, high = np.searchsorted(self.times, start, "left"), np.searchsorted(self.times, stop, "right")
        return self.times[low:high], self.values[low:high]

    def _settle(self) -> None:
        if not self._waiting:
            return
        times = np.concatenate([self.times, *(t for t, _ in self._waiting)])
        values = np.concatenate([self.values, *(np.stack(v, axis=1) for _, v in self._waiting)])
        self._waiting.clear()
        if (np.diff(times) < 0).any():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        self.times, self.values = times[-self._capacity :], values[-self._capacity :]

    @property
    def waiting(self) -> int:
        return len(self._waiting)


class MemoryStore:
    """A ``Reader`` that holds what it was given: the newest ``capacity`` samples a channel."""

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = capacity
        self._samples: dict[str, _Series] = {}
        self._expected: dict[str, _Series] = {}

    def forget(self, key: str) -> None:
        """Drop all of a channel."""
        self._samples.pop(key, None)
        self._expected.pop(key, None)

    def add(self, key: str, times: Times, values: Floats) -> None:
        """Add (n,) times and values."""
        self._add(self._samples, key, times, values)

    def add_expected(self, key: str, times: Times, low: Floats, high: Floats) -> None:
        """Add (n,) times with the lowest and highest expected value."""
        self._add(self._expected, key, times, low, high)

    def _add(self, series: dict[str, _Series], key: str, times: Times, *values: Floats) -> None:
        one = series.get(key)
        if one is None:
            one = series[key] = _Series(len(values), self._capacity)
        one.add(times, *values)
        if one.waiting >= 4096:
            one.part(0, 0)

    def samples(self, key: str, start: int, stop: int) -> tuple[Times, Floats]:
        """See ``Reader``."""
        series = self._samples.get(key)
        if series is None:
            return np.empty(0, dtype=np.int64), np.empty(0)
        times, values = series.part(start, stop)
        return times, values[:, 0]

    def past(self, key: str, start: int, stop: int, dt: int) -> Past:
        """See ``Reader``: what is not held any more is gone."""
        return NO_PAST

    def expected(self, key: str, start: int, stop: int) -> tuple[Times, Floats, Floats]:
        """See ``Reader``."""
        series = self._expected.get(key)
        if series is None:
            return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)
        times, values = series.part(start, stop)
        return times, values[:, 0], values[:, 1]
