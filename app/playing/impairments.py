"""What becomes of packets on a bad link: lost, doubled, overtaken, held back. Pure; one thread.

The same seed gives every packet the same fate, however the packets are handed over, and the fate of one kind does not
depend on how likely the others are. Times are UTC microseconds, delays are telemetry time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from telemetry.clock import SECOND

T = TypeVar("T")
REACH = 3
"""Packets at most that overtake one which is put out of order."""
_STREAM = 0x1A9A12  # keeps these draws apart from those of the simulation, which has the same seed
_DRAWS = 5  # for each packet: lost, doubled, put out of order, by how many, held back for how long


@dataclass(frozen=True, slots=True)
class Impairments:
    """How bad a link is.

    ``loss``, ``duplicates`` and ``reorder`` are the probabilities (0 to 1) that a packet is lost, arrives a second
    time right behind the first, and is overtaken by one to ``REACH`` others. Each packet is held back for a time drawn
    evenly from 0 to ``delay`` seconds of telemetry.
    """

    loss: float = 0.0
    duplicates: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0

    @property
    def any(self) -> bool:
        """Whether the link does anything to packets."""
        return max(self.loss, self.duplicates, self.reorder, self.delay) > 0


@dataclass(slots=True)
class Fates:
    """How many packets were ``offered``, ``lost`` and ``doubled``; ``late`` arrived behind one offered later.

    ``held`` is the sum of what the packets that arrived were held back by, in microseconds.
    """

    offered: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0
    held: int = 0

    @property
    def arrived(self) -> int:
        """Packets that arrived, second copies among them."""
        return self.offered - self.lost + self.doubled


class BadLink(Generic[T]):
    """A link with ``impairments`` whose draws come from ``seed``. ``fates`` is right once ``rest`` was called."""

    def __init__(self, impairments: Impairments, seed: int) -> None:
        self.fates = Fates()
        self._how = impairments
        self._random = np.random.default_rng([seed, _STREAM])
        self._aside: list[tuple[int, int, T, _Way]] = []
        self._held: list[tuple[int, int, int, T, _Way]] = []
        self._now = 0
        self._order = 0
        self._newest = -1

    @property
    def held(self) -> Iterator[T]:
        """What has neither arrived nor been lost yet."""
        yield from (entry[2] for entry in self._aside)
        yield from (entry[3] for entry in self._held)

    def offer(self, packets: Iterable[tuple[int, T]]) -> list[T]:
        """Send packets, each with its time; what arrives meanwhile, in the order of its arrival."""
        out: list[T] = []
        given = list(packets)
        for (time, packet), draws in zip(given, self._random.random((len(given), _DRAWS)).tolist(), strict=True):
            number = self.fates.offered
            self.fates.offered += 1
            self._now = time if number == 0 else max(self._now, time)
            lose, twice, swap, reach, wait = draws
            if lose < self._how.loss:
                self.fates.lost += 1
            else:
                way = _Way(twice < self._how.duplicates, round(wait * self._how.delay * SECOND))
                if swap < self._how.reorder:
                    heapq.heappush(self._aside, (number + 1 + int(reach * REACH), number, packet, way))
                else:
                    self._hold(number, packet, way)
            while self._aside and self._aside[0][0] <= number:
                _, behind, held, way = heapq.heappop(self._aside)
                self._hold(behind, held, way)
            while self._held and self._held[0][0] <= self._now:
                out += self._arrive()
        return out

    def rest(self) -> list[T]:
        """Nothing more is sent: what is still held back arrives."""
        while self._aside:
            _, number, packet, way = heapq.heappop(self._aside)
            self._hold(number, packet, way)
        out: list[T] = []
        while self._held:
            out += self._arrive()
        return out

    def _hold(self, number: int, packet: T, way: _Way) -> None:
        heapq.heappush(self._held, (self._now + way.wait, self._order, number, packet, way))
        self._order += 1

    def _arrive(self) -> list[T]:
        _, _, number, packet, way = heapq.heappop(self._held)
        self.fates.late += number < self._newest
        self.fates.held += way.wait
        self._newest = max(self._newest, number)
        self.fates.doubled += way.twice
        return [packet, packet] if way.twice else [packet]


@dataclass(frozen=True, slots=True)
class _Way:
    twice: bool
    wait: int
