"""A channel that sends no value while its group goes on. Judge's thread.

How long a channel is silent is counted in samples of its group. It is odd where that is far longer than ever before:
a channel that has a value in every tenth sample is silent for nine by nature. So a channel is followed that was hardly
ever silent, or so often that its longest silence is known; one that speaks during contacts alone is neither. A silence
that lasts is said for a while only, and is known from then on, as is one that was shorter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detection.fit import Floats, Mask
from telemetry import Times

_MARGIN = 3.0  # times the longest silence before
_LEAST = 8  # samples: a shorter silence is none
_LEARNED = 1000  # samples of the group before anything is said
_PRESENT = 0.9  # of all samples of the group: hardly ever silent
_OFTEN = 20  # silences: their longest is known
_REGIME = 200  # samples for which it is said


@dataclass(frozen=True, slots=True)
class Silence:
    """Channel number ``channel`` has had no value for ``samples`` at ``time``, and never for more than ``longest``
    before. ``ratio`` is over what is odd; ``settled``: it has been said for long enough.
    """

    time: int
    channel: int
    samples: int
    longest: int
    ratio: float
    settled: bool

    def describe(self) -> str:
        """What the operator reads."""
        return f"no value for {self.samples} samples, never more than {self.longest} before"


class Silences:
    """The silence of each channel of a group."""

    def __init__(self, channels: int) -> None:
        self._row = 0
        self._begun: Mask = np.zeros(channels, dtype=bool)
        self._silent, self._longest, self._seen, self._often = np.zeros((4, channels), dtype=np.int64)

    def take(self, times: Times, x: Floats) -> Iterator[Silence]:
        """Silences in (channels, n) values, NaN where there is none, at ascending ``times``, in order of time."""
        n = len(times)
        row, self._row = self._row, self._row + n
        there = ~np.isnan(x)
        if there.all() and not self._silent.any():
            self._begun[:] = True
            self._seen += n
            return
        for channel in np.flatnonzero(~there.all(axis=1) | (self._silent > 0)).tolist():
            yield from self._follow(channel, times, there[channel], row)
        self._seen += there.sum(axis=1)
        self._begun |= there.any(axis=1)

    def _follow(self, channel: int, times: Times, there: Mask, row: int) -> Iterator[Silence]:
        silent, longest, begun = int(self._silent[channel]), int(self._longest[channel]), bool(self._begun[channel])
        seen, often = int(self._seen[channel]), int(self._often[channel])
        for column, value in enumerate(there.tolist()):
            if value:
                often += silent > 0
                longest, silent, begun, seen = max(longest, silent), 0, True, seen + 1
                continue
            silent += begun
            most = max(int(_MARGIN * longest), _LEAST)
            followed = often >= _OFTEN or seen >= _PRESENT * (row + column + 1 - silent)
            if followed and most < silent <= most + _REGIME and row + column >= _LEARNED:
                settled = silent == most + _REGIME
                yield Silence(int(times[column]), channel, silent, longest, silent / most, settled)
        self._silent[channel], self._longest[channel], self._begun[channel] = silent, longest, begun
        self._often[channel] = often
