"""A block of consecutive samples of one group, and the quality of each of its values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import numpy.typing as npt

from telemetry.channel import Group

Times = npt.NDArray[np.int64]
"""(n,) UTC microseconds since 1970."""
Column = npt.NDArray[np.generic]
"""(n,) values of one channel in the channel's own type."""


class Quality(IntFlag):
    """What is known of one value; 0 is a good one."""

    GOOD = 0
    MISSING = 1
    """No value came: the cell is not a sample, and is neither counted nor recorded."""
    INVALID = 2
    """A value came that its source marks as wrong: recorded, drawn as invalid, not judged."""
    LATE = 4
    """Older than what was already shown: recorded, never alarmed as live."""
    REPEATED = 8
    """A second, different value at the same time: both are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Consecutive samples of one group. Nobody changes it, or an array of it, after birth.

    ``times`` is (n,) int64 UTC microseconds, in ascending order (equal times allowed, flagged REPEATED).
    ``columns`` holds one (n,) array a channel, in the channel's own type. ``quality`` holds one (n,) uint8
    array of ``Quality`` bits a channel, or None where every value is good; a NaN is missing with or without
    the bit. ``received`` is (n,) int64 UTC microseconds of reception, or None where nothing was received
    (a file, a simulation).
    """

    group: Group
    times: Times
    columns: tuple[Column, ...]
    quality: tuple[npt.NDArray[np.uint8] | None, ...] | None = None
    received: Times | None = None

    def __post_init__(self) -> None:
        n = len(self.times)
        if len(self.columns) != len(self.group.channels) or any(len(c) != n for c in self.columns):
            raise ValueError(f"frame of {self.group.key}: columns do not fit the group")

    def __len__(self) -> int:
        return len(self.times)

    def part(self, start: int, stop: int) -> Frame:
        """Samples ``start`` .. ``stop`` as a frame that shares this one's arrays."""
        quality = self.quality and tuple(None if q is None else q[start:stop] for q in self.quality)
        received = None if self.received is None else self.received[start:stop]
        columns = tuple(c[start:stop] for c in self.columns)
        return Frame(self.group, self.times[start:stop], columns, quality, received)

    def present(self, channel: int) -> npt.NDArray[np.bool_]:
        """(n,) where channel number ``channel`` has a value (an infinity is one, a NaN is none)."""
        column = self.columns[channel]
        here = ~np.isnan(column) if column.dtype.kind == "f" else np.ones(len(column), dtype=bool)
        quality = self.quality[channel] if self.quality is not None else None
        return here if quality is None else here & ((quality & Quality.MISSING) == 0)

    def count(self) -> int:
        """Values present, over all channels: what ``samples`` counts."""
        return sum(int(np.count_nonzero(self.present(i))) for i in range(len(self.columns)))

    def matrix(self) -> npt.NDArray[np.float64]:
        """(n, channels) float64 for judging and drawing; NaN where a value is missing or invalid."""
        out = np.empty((len(self.times), len(self.columns)), dtype=np.float64)
        bad = Quality.MISSING | Quality.INVALID
        for i, column in enumerate(self.columns):
            out[:, i] = column
            quality = self.quality[i] if self.quality is not None else None
            if quality is not None:
                out[(quality & bad) != 0, i] = np.nan
        return out

    def timely(self) -> npt.NDArray[np.float64]:
        """(channels, n) float64 as ``matrix``, NaN also where a value is late; the caller's own."""
        x = np.array(self.matrix().T, order="C")
        for i, quality in enumerate(self.quality or ()):
            if quality is not None:
                x[i, (quality & Quality.LATE) != 0] = np.nan
        return x


@dataclass(frozen=True, slots=True)
class Tick:
    """The session's clock has reached ``time`` (UTC microseconds), whether or not anything arrived."""

    time: int
