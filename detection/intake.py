"""The samples of a group as they are judged: where they break off, what is held, what is kept. Judge's thread.

The stream is taken in stretches that end at absolute multiples of rows, at gaps and where a channel comes back.
Whatever changes a parameter happens between two stretches, so how the stream was cut changes nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from detection.fit import Floats, Mask
from detection.period import Period
from detection.tape import Tape
from telemetry import Times

STRETCH = 100
"""Rows of a stretch; fits are looked at where one ends."""
EARLY = 10
"""Rows of a stretch while the period is being measured."""
_BEFORE = -(1 << 62)
_FALL = 100  # steps back in time that are a clock set back, not a late sample


class Intake:
    """Rows of ``channels`` values; the newest ``keep`` are kept.

    ``row`` counts rows, ``run`` those since the last gap; ``newest`` is the time of the last; (channels,) arrays
    say what has ``started``, in which row ``first``, and how many values were ``taken``. The tapes hold ``values``
    (the one before where none came), ``valid`` (whether one came) and ``counts`` (samples in a row since the
    channel's (re)start, held ones included; 0 before its first value), and the ``times`` (1, rows).
    """

    def __init__(self, channels: int, period: Period, keep: int) -> None:
        self.row = 0
        self.run = 0
        self.newest = _BEFORE
        self.period = period
        self.started: Mask = np.zeros(channels, dtype=bool)
        self.first, self.taken, self._since, self._age = np.zeros((4, channels), dtype=np.int64)
        self.values = Tape(channels, keep, np.float64)
        self.counts = Tape(channels, keep, np.int32)
        self.valid = Tape(channels, keep, np.bool_)
        self.times = Tape(1, keep, np.int64)
        self._held = np.zeros(channels)

    def set_back(self, time: int) -> bool:
        """Whether ``time`` lies so far before the newest sample that the clock must have been set back."""
        return self.newest - time > _FALL * max(self.period.step, 1)

    def late(self, times: Times) -> int:
        """How many of the ascending ``times`` are older than what came before: recorded, never judged.

        A fall by more than 100 steps is a clock that was set back: the next stretch begins anew.
        """
        if self.set_back(int(times[0])):
            self.newest = _BEFORE
            self.period.interrupt()
        return int(np.searchsorted(times, self.newest, "left"))

    def cut(self, times: Times, x: Floats, spacing: Floats) -> tuple[int, Mask]:
        """Rows of the next stretch, and the channels (channels,) that start or start again with it.

        ``x`` (channels, n) with NaN where no value came; ``spacing`` (channels,) rows a value. A channel that was
        away for more than a gap's worth of its own spacing starts again when it is back.
        """
        size = EARLY if self.period.measuring else STRETCH
        times = times[: size - self.row % size]
        gap = self.period.gap(int(times[0]))
        again = self.started & gap
        count = self.period.run(times)
        if gap:
            self.run = 0
        valid = np.isfinite(x[:, :count])
        if not (self.started.all() and valid.all() and not self._age.any()):
            columns = np.arange(count)
            before = -1 - self._age[:, None]
            last = np.maximum.accumulate(np.where(valid, columns, before), axis=1)
            away = columns - 1 - np.concatenate([before, last[:, :-1]], axis=1)
            seen = self.started[:, None] | (np.concatenate([before, last[:, :-1]], axis=1) >= 0)
            back = valid & ((away > self.period.tolerance * spacing[:, None]) | ~seen)
            again |= back[:, 0]
            self.first[back[:, 0] & ~self.started] = self.row
            self.started |= back[:, 0]
            later = back[:, 1:].any(axis=0)
            count = 1 + int(later.argmax()) if later.any() else count
        self._since[again] = 0
        return count, again

    def take(self, times: Times, x: Floats) -> tuple[npt.NDArray[np.int64], Mask]:
        """Keep a stretch; its counts and validity, both (channels, n). The row count moves on with ``advance``."""
        n = len(times)
        valid = np.isfinite(x)
        counts = np.where(self.started[:, None], self._since[:, None] + np.arange(1, n + 1), 0)
        self._since = counts[:, -1].copy()
        self.taken += valid.sum(axis=1)
        self.values.append(self._hold(x, valid))
        self.counts.append(counts)
        self.valid.append(valid)
        self.times.append(times[None])
        return counts, valid

    def advance(self, times: Times) -> None:
        """The stretch has been judged."""
        self.row += len(times)
        self.run += len(times)
        self.newest = int(times[-1])
        self.period.learn(times)

    def _hold(self, x: Floats, valid: Mask) -> Floats:
        if valid.all():
            self._held = x[:, -1].copy()
            self._age[:] = 0
            return x
        n = x.shape[1]
        last = np.maximum.accumulate(np.where(valid, np.arange(n), -1), axis=1)
        held = np.where(last < 0, self._held[:, None], np.take_along_axis(x, np.maximum(last, 0), axis=1))
        self._held = held[:, -1].copy()
        age = n - 1 - last[:, -1]
        self._age = np.where(last[:, -1] < 0, self._age + n, age) * self.started
        return held
