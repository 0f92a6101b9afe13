"""Columns of charts as bytes: what the core read of its archive, on its way to a window. Pure; any thread.

One after the other, channel by channel: the times of all columns, then least and greatest values, then counts, each
of eight bytes, little endian. The header says how many columns each channel has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.link.wire import LinkError

SCORE = "#score"
"""What a channel's key ends in where its score is meant."""
_PARTS = ("<i8", "<f8", "<f8", "<i8")


class Envelope(Protocol):
    """(m,) arrays of one channel."""

    @property
    def times(self) -> npt.NDArray[np.int64]:
        """When each column begins, UTC microseconds, ascending."""

    @property
    def low(self) -> npt.NDArray[np.float64]:
        """The least value."""

    @property
    def high(self) -> npt.NDArray[np.float64]:
        """The greatest value."""

    @property
    def count(self) -> npt.NDArray[np.int64]:
        """Values in the column, at least 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """An ``Envelope`` that came over the link; nobody changes the arrays."""

    times: npt.NDArray[np.int64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]

    def between(self, start: int, stop: int) -> Columns:
        """The columns that begin in ``start`` <= t < ``stop``."""
        a, b = np.searchsorted(self.times, (start, stop)).tolist()
        return Columns(self.times[a:b], self.low[a:b], self.high[a:b], self.count[a:b])


def pack(found: Mapping[str, Envelope]) -> tuple[list[tuple[str, int]], bytes]:
    """Keys with their numbers of columns, and the payload."""
    parts = [
        np.ascontiguousarray(array, dtype=kind).tobytes()
        for one in found.values()
        for array, kind in zip((one.times, one.low, one.high, one.count), _PARTS, strict=True)
    ]
    return [(key, len(one.times)) for key, one in found.items()], b"".join(parts)


def unpack(sizes: Iterable[tuple[str, int]], payload: bytes) -> dict[str, Columns]:
    """What ``pack`` was given. Raises LinkError where the payload is not as long as it should be."""
    sizes = list(sizes)
    if len(payload) != 32 * sum(n for _, n in sizes):
        raise LinkError("The other side of the link sent columns that are cut off.")
    found: dict[str, Columns] = {}
    at = 0
    for key, n in sizes:
        times, low, high, count = (
            np.frombuffer(payload, kind, n, at + 8 * n * place) for place, kind in enumerate(_PARTS)
        )
        found[key] = Columns(times, low, high, count)
        at += 32 * n
    return found
