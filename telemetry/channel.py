"""What a number is: its satellite, its name, its unit, its limits, and the group it arrives with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

ChannelType = Literal["f4", "f8", "i8", "u8", "bool", "i4"]
"""The type a channel is recorded in; ``i4`` holds the codes of a state table."""
Quantity = Literal["value", "rate"]
"""What of a channel a limit bounds."""


class Severity(StrEnum):
    """The six levels of XTCE 1.2, mildest first."""

    NORMAL = "normal"
    WATCH = "watch"
    WARNING = "warning"
    DISTRESS = "distress"
    CRITICAL = "critical"
    SEVERE = "severe"

    @property
    def level(self) -> int:
        """0 (normal) to 5 (severe), the digit shown in an alarm's shape."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Limit:
    """A value outside ``low`` .. ``high`` (inclusive; None: unbounded) is at ``severity``.

    ``quantity`` is the value itself, in channel units, or its ``rate`` over a step, in channel units a second.
    ``when`` is the context in which the limit holds (``obc/mode == safe``, see ``telemetry.limits``); empty: where no
    context of the channel does. ``persistence`` samples in a row must be beyond (None: as the judge's settings say),
    for ``on_delay`` microseconds; it is over when values were ``deadband`` inside the limit for ``off_delay``.
    ``cause``, ``consequence``, ``action`` and ``link`` tell the operator what is behind it and what to do.
    """

    severity: Severity
    low: float | None = None
    high: float | None = None
    quantity: Quantity = "value"
    when: str = ""
    persistence: int | None = None
    deadband: float = 0.0
    on_delay: int = 0
    off_delay: int = 0
    cause: str = ""
    consequence: str = ""
    action: str = ""
    link: str = ""

    @property
    def response(self) -> str:
        """What to know and do, a line each; empty where nothing is said."""
        parts = ("Cause", self.cause), ("Consequence", self.consequence), ("To do", self.action), ("See", self.link)
        return "\n".join(f"{word}: {text}" for word, text in parts if text)


@dataclass(frozen=True, slots=True)
class Channel:
    """One telemetry channel. ``subsystem`` is empty where the source knows none (a plain file).

    ``states`` names the codes of an ``i4`` channel; ``span`` is the declared operating range in channel
    units where one is known; ``description`` is the definition's own sentence, or the raw header of a file.
    """

    satellite: str
    subsystem: str
    name: str
    unit: str = ""
    type: ChannelType = "f8"
    states: tuple[tuple[int, str], ...] = ()
    limits: tuple[Limit, ...] = ()
    span: tuple[float, float] | None = None
    description: str = ""

    @property
    def path(self) -> str:
        """``subsystem/name``, or the bare name where there is no subsystem: the name used in events."""
        return f"{self.subsystem}/{self.name}" if self.subsystem else self.name

    @property
    def key(self) -> str:
        """``SAT-001/eps/battery_voltage``: unique in a session."""
        return f"{self.satellite}/{self.path}"


@dataclass(frozen=True, slots=True)
class Group:
    """Channels of one satellite that arrive together (a packet type, a table, a subsystem frame).

    ``period`` is the nominal step and ``orbit`` the orbital period, both in microseconds, None where the
    source does not know them. ``key`` is unique in a session.
    """

    satellite: str
    name: str
    channels: tuple[Channel, ...]
    period: int | None = None
    orbit: int | None = None

    @property
    def key(self) -> str:
        """``SATELLITE/GROUP``."""
        return f"{self.satellite}/{self.name}"
