"""Plain patterns on any number of channels: what drives a rate, and what a model can learn without a satellite.

Used by one thread. A block depends on the seed, the satellite and the blocks before it (a walk goes on where it
was), never on how blocks are cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
import numpy.typing as npt

from simulator.chance import Use, draws
from simulator.orbit import Floats
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND

BLOCK = 256
"""Samples made at once."""
PATTERNS = ("linear", "seasonal", "random_walk", "exponential", "cyclic")
"""Each is a group of its satellite, its channels counted on over the fleet."""
SPAN = (-10.0, 10.0)
"""Declared span of every channel; no value lies outside."""

_NOISE = 0.05


class Patterns:
    """Channels ``numbers`` of the fleet of ``seed``, on satellite number ``index``; ``period`` in microseconds."""

    block_length = BLOCK

    def __init__(self, seed: int, index: int, period: int, numbers: range) -> None:
        self.name = f"SAT-{index + 1:03d}"
        self._seed, self._index, self._period = seed, index, period
        dealt = {pattern: list(numbers)[i :: len(PATTERNS)] for i, pattern in enumerate(PATTERNS)}
        self.groups = tuple(self._group(pattern, own) for pattern, own in dealt.items() if own)
        rng = draws(seed, Use.CHARACTER, index)
        self._cycle = {g.name: 60 * 15 ** rng.random((len(g.channels), 1)) for g in self.groups}
        self._phase = {g.name: rng.random((len(g.channels), 1)) for g in self.groups}

    def blocks(self, start: int, first: int = 0) -> Iterator[list[Frame]]:
        """For each block, one frame a group; ``start`` is the time of the first sample, UTC microseconds.

        Patterns do not fail, and a walk has no middle to begin in: ``first`` is 0.
        """
        assert first == 0
        walked: dict[str, Floats] = {}
        for block in count():
            index = np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.int64)
            times = start + index * self._period
            times.flags.writeable = False
            rng = draws(self._seed, Use.PATTERN, self._index, block)
            frames = []
            for group in self.groups:
                values = self._shape(group.name, index.astype(np.float64) * (self._period / SECOND), block, walked)
                values += _NOISE * rng.standard_normal(values.shape, dtype=np.float32)
                matrix: npt.NDArray[np.float32] = values.clip(*SPAN).astype(np.float32)
                matrix.flags.writeable = False
                frames.append(Frame(group, times, tuple(matrix)))
            yield frames

    def _shape(self, pattern: str, t: Floats, block: int, walked: dict[str, Floats]) -> Floats:
        """(channels, n) of one pattern without its noise, at ``t`` (n,) seconds after the start."""
        phase: Floats = (t / self._cycle[pattern] + self._phase[pattern]) % 1
        shape: Floats
        if pattern == "linear":
            shape = 16 * phase - 8
        elif pattern == "seasonal":
            shape = 6 * np.sin(2 * np.pi * phase) + 2 * np.sin(6 * np.pi * phase)
        elif pattern == "exponential":
            shape = 8 - 16 * np.exp(-6 * phase)
        elif pattern == "cyclic":
            shape = np.where(phase < 0.4, 5.0, -5.0)
        else:
            steps = draws(self._seed, Use.WALK, self._index, block).standard_normal(phase.shape)
            path = walked.get(pattern, 16 * self._phase[pattern]) + np.cumsum(0.05 * steps, axis=1)
            walked[pattern] = path[:, -1:]
            # Folded into the span: a walk that reaches an end turns back.
            shape = np.abs(path % 32 - 16) - 8
        return shape

    def _group(self, pattern: str, numbers: list[int]) -> Group:
        return Group(
            self.name,
            pattern,
            tuple(Channel(self.name, pattern, f"{pattern}_{n:05d}", type="f4", span=SPAN) for n in numbers),
            self._period,
        )
