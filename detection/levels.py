"""How high the channels of a group went in each block of absolute telemetry time. Judge's thread.

A block is the same however its samples arrived: it holds the largest values of 60 slots, and largest values do not
depend on the order in which they were met.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.fit import Floats, Mask
from telemetry import Times
from telemetry.clock import SECOND

BLOCK = 300 * SECOND
"""Length of a block, microseconds; blocks begin at its multiples."""
_SLOT = 5 * SECOND
_SHARE = 0.98  # of the slots lie below the level: one spike a block is none of it
_MOVING = 4.0  # steps of its converter that a channel must cover to count as moving


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One block of a group, (channels,) each: ``level`` is the upper quantile of the absolute value, ``step`` the
    smallest between two values (infinite where there is one only), ``still`` the only value that was met (NaN where
    there were several), ``moving`` whether it went up and down by more than its last digits, ``slots`` how many of
    60 hold a value; ``newest`` is the time of the last sample.
    """

    level: Floats
    step: Floats
    still: Floats
    moving: Mask
    slots: npt.NDArray[np.int64]
    newest: int


class _Growing:
    def __init__(self, channels: int) -> None:
        self.top = np.full((channels, BLOCK // _SLOT), np.nan)
        self.low, self.high = np.full((2, channels), np.nan)
        self.newest = 0

    def take(self, times: Times, x: Floats) -> None:
        slots = times % BLOCK // _SLOT
        firsts = np.flatnonzero(np.diff(slots, prepend=-1))
        place = slots[firsts]
        self.top[:, place] = np.fmax(self.top[:, place], np.fmax.reduceat(np.abs(x), firsts, axis=1))
        np.fmin(self.low, np.fmin.reduce(x, axis=1), out=self.low)
        np.fmax(self.high, np.fmax.reduce(x, axis=1), out=self.high)
        self.newest = int(times[-1])

    def block(self) -> Block:
        ordered = np.sort(self.top, axis=1)  # NaN last
        slots = np.count_nonzero(~np.isnan(ordered), axis=1)
        place = _SHARE * np.maximum(slots - 1, 0)
        below = np.floor(place).astype(np.int64)
        rows = np.arange(len(ordered))
        least, most = ordered[rows, below], ordered[rows, np.minimum(below + 1, np.maximum(slots - 1, 0))]
        steps = np.diff(ordered, axis=1)
        step = np.where(steps > 0, steps, np.inf).min(axis=1)
        spread = self.high - self.low
        return Block(
            level=least + (place - below) * (most - least),
            step=step,
            still=np.where(spread == 0, self.high, np.nan),
            moving=spread > _MOVING * step,
            slots=slots,
            newest=self.newest,
        )


class Levels:
    """The blocks of one group that are not closed yet."""

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._growing: dict[int, _Growing] = {}
        self._closed = -(1 << 62)

    def take(self, times: Times, x: Floats) -> None:
        """Take (channels, n) values, NaN where there is none, at ascending ``times``; what is closed stays so."""
        if not len(times):
            return
        x = np.where(np.isfinite(x), x, np.nan)
        numbers = times // BLOCK
        starts = np.flatnonzero(np.diff(numbers, prepend=self._closed))
        for start, stop in zip(starts, [*starts[1:], len(times)], strict=True):
            number = int(numbers[start])
            if number > self._closed:
                growing = self._growing.setdefault(number, _Growing(self._channels))
                growing.take(times[start:stop], x[:, start:stop])

    def restart(self) -> None:
        """The clock was set back: every block can grow again."""
        self._closed = -(1 << 62)

    def pending(self) -> list[int]:
        """Numbers of the blocks that hold samples and are open."""
        return list(self._growing)

    def close(self, number: int) -> Block | None:
        """The block of that number; None where no sample came. Nothing is added to it afterwards."""
        self._closed = number
        growing = self._growing.pop(number, None)
        return None if growing is None else growing.block()
