"""What a strip shows and what is marked on it: plain values handed in by the window. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from telemetry import Limit

Times = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

StripKind = Literal["trace", "enum", "score"]
"""A number, a state with a name, or a score as a share of its threshold (which is then always 1)."""


@dataclass(frozen=True, slots=True)
class StripSpec:
    """One strip: ``key`` is the channel's key and unique among the strips, ``title`` and ``subtitle`` its head.

    ``satellite`` says whose eclipses and findings it shows. ``period`` is the nominal step in microseconds: more
    than three of them without a sample are a gap; None: taken from the history. ``states`` names the codes of an
    ``enum`` strip. ``decimals`` of the value shown; None: from the range shown.
    """

    key: str
    title: str
    subtitle: str = ""
    unit: str = ""
    kind: StripKind = "trace"
    satellite: str = ""
    period: int | None = None
    states: tuple[tuple[int, str], ...] = ()
    limits: tuple[Limit, ...] = ()
    decimals: int | None = None

    def state(self, code: float) -> str:
        """The name of a code, or the code itself where the table has none."""
        for known, name in self.states:
            if known == code:
                return name
        return f"{code:g}"


@dataclass(frozen=True, slots=True)
class FindingSpan:
    """A finding on the charts: from ``start`` to ``end`` (UTC microseconds; None: still open).

    Every strip of ``satellite`` gets a bar on top; the ground is tinted, and what lies outside the expected band
    filled, only in the strips named in ``keys``, which contribute to it.
    """

    start: int
    end: int | None
    satellite: str
    keys: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What is known of a span that the samples do not reach back to, for columns of a certain width.

    (n,) ascending ``times`` and ``values``: two of them stand for all samples of a column, the least and the greatest.
    ``unread`` are the spans of which nothing is known yet. ``step`` is how far apart the samples were recorded,
    microseconds (it may have been another one than now); 0 where they are closer together than the columns.
    """

    times: Times
    values: Floats
    unread: Sequence[tuple[int, int]] = ()
    step: int = 0


NO_PAST = Past(np.empty(0, dtype=np.int64), np.empty(0))


class Reader(Protocol):
    """Where the samples really are; read again on every zoom and pan, so that they are not held twice."""

    def samples(self, key: str, start: int, stop: int) -> tuple[Times, Floats]:
        """Times (ascending) and values between two times, inclusive; NaN is an absent sample."""

    def expected(self, key: str, start: int, stop: int) -> tuple[Times, Floats, Floats]:
        """Times (ascending), lowest and highest expected value; NaN: nothing is known there, infinite: no bound."""

    def past(self, key: str, start: int, stop: int, dt: int) -> Past:
        """What lies before the samples in ``start`` <= t < ``stop``, for columns of ``dt`` microseconds."""


Spans = Sequence[tuple[int, int | None]]
"""Pairs of start and end, UTC microseconds; an end of None is still open."""
