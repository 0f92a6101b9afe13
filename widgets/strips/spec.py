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


class Reader(Protocol):
    """Where the samples really are; read again on every zoom and pan, so that they are not held twice."""

    def samples(self, key: str, start: int, stop: int) -> tuple[Times, Floats]:
        """Times (ascending) and values between two times, inclusive; NaN is an absent sample."""

    def expected(self, key: str, start: int, stop: int) -> tuple[Times, Floats, Floats]:
        """Times (ascending), lowest and highest expected value; NaN: nothing is known there, infinite: no bound."""

    def past(self, key: str, start: int, stop: int, dt: int) -> tuple[Times, Floats, Sequence[tuple[int, int]]]:
        """What lies before the samples, for columns of ``dt`` microseconds: times (ascending) and values.

        Two of them stand for all samples of a column, the least and the greatest. Then the spans of which nothing is
        known yet.
        """


Spans = Sequence[tuple[int, int | None]]
"""Pairs of start and end, UTC microseconds; an end of None is still open."""
