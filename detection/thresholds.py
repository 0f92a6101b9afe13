"""The operator's word on thresholds: a factor a channel, on what every score is held against. Any thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from detection.fit import Floats

LEAST, MOST = 0.6, 1000.0
"""Factors that can be asked for: below the first every channel is in alarm, above the last none ever is."""


@dataclass(frozen=True, slots=True)
class Override:
    """``factor`` on the thresholds of the channels whose key matches ``channels`` (``SAT-001/eps/*``).

    ``meaning`` is what the operator asked for, in his words ("about 1 finding a day").
    """

    channels: str
    factor: float
    meaning: str = ""

    def __post_init__(self) -> None:
        if not LEAST <= self.factor <= MOST:
            raise ValueError(f"A factor on a threshold lies between {LEAST:g} and {MOST:g}, not {self.factor:g}.")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Overrides in order: the first that matches a channel is in force; one that none matches has factor 1."""

    overrides: tuple[Override, ...] = ()

    def factor(self, key: str) -> float:
        """The factor of one channel."""
        return next((one.factor for one in self.overrides if fnmatchcase(key, one.channels)), 1.0)

    def factors(self, keys: Sequence[str]) -> Floats:
        """(len(keys),) factors."""
        return np.array([self.factor(key) for key in keys], dtype=np.float64)

    def with_override(self, override: Override) -> Thresholds:
        """These, and ``override`` before all others; an older one of the same channels goes."""
        return Thresholds((override, *self.without(override.channels).overrides))

    def override(self, channels: str) -> Override | None:
        """The override of exactly ``channels``."""
        return next((one for one in self.overrides if one.channels == channels), None)

    def without(self, channels: str) -> Thresholds:
        """These, but for the override of exactly ``channels``."""
        return Thresholds(tuple(one for one in self.overrides if one.channels != channels))


def thresholds_of(rows: Iterable[tuple[str, float, str]]) -> Thresholds:
    """Thresholds from (channels, factor, meaning). Raises ValueError, with a sentence."""
    return Thresholds(tuple(Override(*row) for row in rows))
