"""The value before each value of a stream, however the stream is cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from telemetry.clock import SECOND
from telemetry.frame import Times

Floats = npt.NDArray[np.float64]


class Steps:
    """Remembers the last value of each of ``rows`` series that share their times."""

    def __init__(self, rows: int) -> None:
        self._value = np.full((rows, 1), np.nan)
        self._time = np.zeros((rows, 1), dtype=np.int64)

    def before(self, times: Times, x: Floats) -> tuple[Floats, Times]:
        """For (rows, n) values, NaN where there is none: the last value before each (NaN: there was none), its time."""
        if not len(times):
            return x, np.empty(x.shape, dtype=np.int64)
        newest = np.maximum.accumulate(np.where(np.isnan(x), -1, np.arange(len(times))), axis=1)
        place = np.concatenate([np.full((len(x), 1), -1), newest], axis=1)
        old, place = place < 0, np.maximum(place, 0)
        values = np.where(old, self._value, np.take_along_axis(x, place, axis=1))
        since = np.where(old, self._time, times[place])
        self._value, self._time = values[:, -1:], since[:, -1:]
        return values[:, :-1], since[:, :-1]

    def rates(self, times: Times, x: Floats) -> Floats:
        """(rows, n) change a second since the last value; NaN where there is none, or where no time has passed."""
        before, since = self.before(times, x)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return np.where(times > since, (x - before) / ((times - since) / SECOND), np.nan)
