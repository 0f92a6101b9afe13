"""Coloured noise: what a channel does slowly and irregularly by itself, at any moment and in any order. Any thread.

Knots drawn by their number and joined smoothly, at two spacings: strong in what is slow and weak in what is quick,
like the flicker of real instruments, and bounded, for the knots are.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simulator.chance import Floats, Use, draws

_OCTAVES = ((9.0, 0.3), (29.0, 0.9))
"""Seconds between knots, and their share of the amplitude: together 0.57 of it as standard deviation."""
_KNOTS = 64  # drawn at once


class Wander:
    """Of ``channels`` channels of satellite ``index`` of the fleet of ``seed``, independent of each other."""

    def __init__(self, seed: int, index: int, channels: int) -> None:
        self._seed, self._index, self._channels = seed, index, channels
        self._knots = lru_cache(maxsize=32)(self._drawn)

    def __call__(self, t: Floats) -> Floats:
        """(channels, n) at ``t`` (n,) seconds after the start; amplitude 1, never beyond 1.2."""
        out = np.zeros((self._channels, len(t)))
        for octave, (spacing, height) in enumerate(_OCTAVES):
            place = t / spacing
            before = np.floor(place)
            first, last = int(before.min()) // _KNOTS, (int(before.max()) + 1) // _KNOTS
            knots = np.concatenate([self._knots(octave, part) for part in range(first, last + 1)], axis=1)
            number = before.astype(np.intp) - first * _KNOTS
            part = place - before
            share = part * part * (3 - 2 * part)
            out += height * (knots[:, number] * (1 - share) + knots[:, number + 1] * share)
        return out

    def _drawn(self, octave: int, part: int) -> Floats:
        """(channels, knots) between -1 and 1, near the ends more often than in the middle."""
        rng = draws(self._seed, Use.WANDER, self._index, (octave << 36) | part)
        even = 2 * rng.random((self._channels, _KNOTS)) - 1
        return 0.5 * even * (3 - even * even)
