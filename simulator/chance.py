"""Counter-based randomness: a draw depends on what it is for, never on what was drawn before it.

Pure functions, any thread. Philox takes its key as two 64-bit words; here the first is the seed and the second
names the use, so that the blocks of a run can be made in any order and cut in any way.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SEEDS = 1 << 63
"""A seed is 0 .. SEEDS - 1."""


class Use(IntEnum):
    """What a draw is for: the same seed gives unrelated numbers for each."""

    CHARACTER = 1
    NOISE = 2
    FAULT = 3
    PATTERN = 4
    WALK = 5
    SKY = 6
    DAY = 7
    LOSS = 8
    PACE = 9
    WANDER = 10


def draws(seed: int, use: Use, satellite: int = 0, block: int = 0) -> np.random.Generator:
    """The generator of ``block`` (below 2**40) of ``satellite`` (below 2**16) for one use."""
    word = (int(use) << 56) | (satellite << 40) | block
    return np.random.Generator(np.random.Philox(key=np.array([seed, word], dtype=np.uint64)))
