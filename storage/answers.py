"""What a reader answers: frozen values and arrays, nothing of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from detection.event import Event
from detection.familiar import Opinion


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """One session. Times are UTC microseconds; ``ended`` is None while it goes on, or where it was cut off.

    ``first`` and ``last`` bound its samples; ``settings`` and ``models`` are JSON; ``limits`` is the SHA-256 of the
    limits that were in force when it began (empty: an earlier version recorded it).
    """

    id: int
    started: int
    ended: int | None
    origin: str
    sources: tuple[str, ...]
    program: str
    settings: str
    models: str
    relative: bool
    samples: int
    first: int | None
    last: int | None
    limits: str


@dataclass(frozen=True, slots=True)
class Change:
    """What an operator changed: at ``time`` (UTC microseconds of the wall clock), in which session, ``who``, ``what``
    was done to which ``object``, and how it was ``before`` and ``after`` (JSON, None: nothing).
    """

    time: int
    session: int
    who: str
    what: str
    object: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """What became of an alarm: in ``session``, the ``alarm`` (its key) of a channel is in ``state`` from ``time`` on.

    ``time`` is telemetry's, ``made`` the wall clock's, UTC microseconds. ``who`` is the operator that changed it
    (empty: telemetry did), with a ``comment``; ``until`` is when a shelf or a time out of service ends; ``event`` the
    key of the event that it belongs to.
    """

    session: int
    alarm: str
    satellite: str
    channel: str
    time: int
    made: int
    state: str
    priority: str
    reason: str
    who: str = ""
    comment: str = ""
    until: int | None = None
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """What somebody noted of a span: ``start`` <= t <= ``stop`` of ``channels`` (keys; none: of the satellite).

    ``number`` 0 is a new one. Times are UTC microseconds, ``made`` by the wall clock.
    """

    number: int
    session: int
    satellite: str
    channels: tuple[str, ...]
    start: int
    stop: int
    text: str
    who: str
    made: int


@dataclass(frozen=True, slots=True)
class Expired:
    """Samples of a session, of ``start`` <= t < ``stop``, of which a summary each ``kept`` microseconds is left, or
    nothing (None).
    """

    session: int
    start: int
    stop: int
    samples: int
    kept: int | None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event and the session it belongs to."""

    session: int
    event: Event


@dataclass(frozen=True, slots=True)
class JudgedEvent:
    """A recorded event and the last opinion on it."""

    recorded: RecordedEvent
    opinion: Opinion


@dataclass(frozen=True, slots=True)
class RecordedCommissioning:
    """A commissioning as it is stored: its number, when it was made (UTC microseconds), and its JSON."""

    id: int
    made: int
    found: str


@dataclass(frozen=True, slots=True)
class RecordedGap:
    """Samples of a session, between two telemetry times (UTC microseconds), that were not recorded."""

    session: int
    start: int
    stop: int
    samples: int
    reason: str


@dataclass(frozen=True, slots=True)
class Weight:
    """What the ratios of the channel ``key`` count in a session, for minutes of ``start`` <= t < ``stop``."""

    session: int
    key: str
    weight: float
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest value of a channel: its time, the value in its own type, its quality bits."""

    time: int
    value: float | int | bool
    quality: int


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """A channel reduced to columns of a plot, all of one width; columns without a valid value are left out.

    (m,) arrays: ``times`` (int64 UTC microseconds, where each column begins), ``low`` and ``high`` (float64),
    ``count`` (int64, valid values).
    """

    times: npt.NDArray[np.int64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """How many values of a channel lie in each part of a span; parts without any are left out.

    (m,) int64 arrays: ``times`` (UTC microseconds, where each part begins), ``present``, and ``valid`` among them.
    """

    times: npt.NDArray[np.int64]
    present: npt.NDArray[np.int64]
    valid: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The values present of one channel, in order of time: (n,) arrays.

    ``values`` are in the channel's own type, bit for bit; ``quality`` is uint8; ``received`` is int64 UTC
    microseconds, or None where no value of the span has a time of reception (-1 where one has none).
    """

    times: npt.NDArray[np.int64]
    values: npt.NDArray[Any]
    quality: npt.NDArray[np.uint8]
    received: npt.NDArray[np.int64] | None
