"""What the page Detection is handed and what it asks for: frozen values, free of Qt. Times are UTC microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

By = Literal["findings", "share"]
"""What a threshold is asked for by: findings a day, or the share of time that is above it."""


@dataclass(frozen=True, slots=True)
class NominalSpan:
    """A span that a satellite can be commissioned on: in words, and what there is to say of it."""

    start: int
    stop: int
    words: str
    remark: str


@dataclass(frozen=True, slots=True)
class CommissioningView:
    """One satellite. ``commissioned`` is its nominal span in words, empty while it is provisional.

    ``proposed`` is None where nothing can be proposed, and ``why_not`` says why. ``making`` names the satellite that
    is being commissioned now, of which ``share`` (0..1) is done. ``outcome`` is a sentence about the last one.
    """

    satellite: str = ""
    commissioned: str = ""
    proposed: NominalSpan | None = None
    why_not: str = ""
    shown: NominalSpan | None = None
    making: str = ""
    share: float = 0.0
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Channels that a threshold can be set for: the pattern of their keys (empty: none is chosen), and in words."""

    channels: str
    words: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What the operator asks of a threshold: at most so many findings a day, or per cent of the time above it."""

    channels: str
    by: By
    amount: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What factors on the threshold would have meant: ``values`` (findings a day, or per cent of the time) of each.

    ``now`` is the factor in force, ``wanted`` the one that grants the wish; ``words`` says what it would mean.
    """

    by: By
    factors: tuple[float, ...]
    values: tuple[float, ...]
    now: float
    wanted: float
    words: str


@dataclass(frozen=True, slots=True)
class SetThreshold:
    """A threshold that is set: the pattern of its channels, these in words, and what was asked for."""

    channels: str
    words: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ThresholdsView:
    """``scopes``: everything, the satellite, the subsystem, the channel. ``settled`` is what is set, in force first.

    ``preview`` answers ``answered``; ``refusal`` is a sentence that stands in its place.
    """

    scopes: tuple[Scope, ...] = ()
    settled: tuple[SetThreshold, ...] = ()
    preview: Preview | None = None
    answered: Wish | None = None
    refusal: str = ""
