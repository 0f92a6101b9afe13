"""What the views are handed: frozen values, free of Qt, that their owner builds from events, status and the ring.

Any thread may make them. Times are int64 UTC microseconds; keys of channels are ``SAT-001/eps/battery_voltage``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a shape stands for. The values are those of ``telemetry.Severity``, and ``finding``."""

    NORMAL = "normal"
    WATCH = "watch"
    WARNING = "warning"
    DISTRESS = "distress"
    CRITICAL = "critical"
    SEVERE = "severe"
    FINDING = "finding"

    @property
    def level(self) -> int:
        """The digit in the shape: 1 (watch) to 5 (severe); 0 where there is none."""
        return _LEVEL[self]


_LEVEL = {kind: i for i, kind in enumerate(Kind)} | {Kind.FINDING: 0}


class Style(StrEnum):
    """How a shape is drawn."""

    FILLED = "filled"
    """It needs you."""
    OUTLINED = "outlined"
    """It is answered."""
    RETURNED = "returned"
    """It went back to normal by itself, and nobody has answered: outlined, with an arrow inside."""
    GREY = "grey"
    """None of these: a count of zero, a limit that is not crossed, a finding like one judged rare nominal."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One shape."""

    kind: Kind
    style: Style = Style.FILLED

    @property
    def asks(self) -> bool:
        """Whether it asks for an answer."""
        return self.style in (Style.FILLED, Style.RETURNED)

    @property
    def rank(self) -> tuple[bool, int, bool, bool]:
        """Larger is worse: what asks for an answer first, alarms by level, then findings, open before returned."""
        return self.asks, self.kind.level, self.kind is Kind.FINDING, self.style is Style.FILLED


def worst(marks: Iterable[Mark]) -> Mark | None:
    """The worst of ``marks``, normal ones left out; None where all is well."""
    return max((m for m in marks if m.kind is not Kind.NORMAL), key=lambda m: m.rank, default=None)


def spoken(mark: Mark) -> str:
    """A shape in words, for who cannot see it."""
    after = {Style.OUTLINED: ", answered", Style.RETURNED: ", returned to normal", Style.GREY: ", asks for nothing"}
    return f"{mark.kind.value}{after.get(mark.style, '')}"


@dataclass(frozen=True, slots=True)
class Clock:
    """The session's clock. ``origin`` is given where times have no date of their own and are shown as T+."""

    now: int
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel of the tree, in the order of the list it comes in. ``subsystem`` may be empty."""

    key: str
    satellite: str
    subsystem: str
    name: str
    unit: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A channel's newest value as text; ``stale`` is its age (``42 s``) once it is older than its rate allows."""

    text: str
    stale: str = ""


@dataclass(frozen=True, slots=True)
class Departure:
    """One channel of a finding: its path, its share of the whole (0..1), its own peak over the threshold.

    ``expected`` says what was expected of it and what came, where that is known.
    """

    name: str
    share: float
    score: float = 0.0
    reason: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class FindingRow:
    """What asks for attention: a finding of the models, or an alarm of a limit.

    ``title`` names the first channel and how many more, ``sentence`` says what, ``state`` where it stands.
    ``score`` is the peak as a share of the threshold (0 for a limit); ``judge`` saw it first, ``seconded`` are
    the others that saw the same. ``key`` stays while the finding grows. ``onset`` is when the first channel went
    above its record, before ``start``, and ``peak`` the time of the largest score, None where that is not known;
    ``verdict`` and ``note`` are the operator's, ``likeness`` the sentence on the one that made it quiet.
    """

    key: int
    satellite: str
    mark: Mark
    title: str
    sentence: str
    state: str
    start: int
    end: int
    open: bool
    score: float = 0.0
    judge: str = ""
    seconded: tuple[str, ...] = ()
    departures: tuple[Departure, ...] = ()
    onset: int | None = None
    peak: int | None = None
    verdict: str = ""
    note: str = ""
    likeness: str = ""
    response: str = ""
    """What the limit says of cause, consequence and what to do, a line each."""

    @property
    def alarm(self) -> bool:
        """Whether a limit raised it (certain), rather than a model (advisory)."""
        return self.mark.kind is not Kind.FINDING

    @property
    def quiet(self) -> bool:
        """Whether it asks for nothing, because it is like one that was judged so."""
        return self.mark.style is Style.GREY


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of the event table; ``satellite`` is ``Perigee`` for what the program itself did."""

    time: int
    satellite: str
    sentence: str
    finding: int | None = None
    """Key of the finding it belongs to, if any."""


@dataclass(frozen=True, slots=True)
class OffNominalRow:
    """A channel that is outside a limit or part of an open finding now."""

    key: str
    satellite: str
    path: str
    mark: Mark
    value: str
    since: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many things ask for attention now, by severity; ``findings`` are those of the models."""

    severe: int = 0
    critical: int = 0
    distress: int = 0
    warning: int = 0
    watch: int = 0
    findings: int = 0


@dataclass(frozen=True, slots=True)
class SatelliteView:
    """What a satellite's row says beside its name: one word (``sunlit``, ``eclipse``, a mode)."""

    name: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class StatusView:
    """The status strip. None where a figure is not known yet.

    ``rate`` is in samples a second, ``delay`` from a sample to its score in microseconds, ``size`` the archive in
    bytes. ``state`` is a word (Live, Playing, Ended); ``well`` its square. ``lost`` counts samples that could not
    be recorded.
    """

    state: str
    source: str
    well: bool = True
    rate: float | None = None
    delay: int | None = None
    waiting: int = 0
    bound: int = 0
    skipped: int = 0
    engine: str = ""
    engine_reason: str = ""
    engine_well: bool = True
    recording: bool | None = True
    """None: it is not known."""
    size: int | None = None
    days_left: int | None = None
    growth: int | None = None
    """Bytes that the archive grows by in a day."""
    lost: int = 0
    behind: int = 0
    """How far playback is behind the speed asked for, microseconds."""
    quality: str = ""
    """Samples that were not as they should be, in a few words; ``quality_tip`` says on which channels."""
    quality_tip: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time of one satellite that the overview shows."""

    satellite: str
    start: int
    end: int
    kind: Kind
    open: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A one-line banner: what happened, what was done, and at most one button."""

    mark: Mark
    sentence: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class LimitsView:
    """The limits of one channel, each as the texts of its fields; ``says`` names who says them.

    ``reset``: an operator set them, and what the file or the source says can hold again.
    """

    key: str
    unit: str
    says: str
    rows: tuple[dict[str, str], ...]
    reset: bool = False


@dataclass(frozen=True, slots=True)
class PlaybackView:
    """Where playback of something that can wait stands: a recording, a simulation.

    ``position`` is the newest telemetry, ``began`` the oldest that can be shown, ``end`` where it all ends (None: that
    is not known). The charts show ``window`` microseconds up to ``shown`` (None: they are live).
    ``speed`` is telemetry seconds a second, None for as fast as possible. ``until`` is where a skip under way leads
    to. ``faults`` are what can be injected now: (words, name) of each kind; empty where nothing can.
    """

    position: int
    paused: bool
    speed: float | None
    origin: int | None = None
    ended: bool = False
    until: int | None = None
    scenario: str = ""
    faults: tuple[tuple[str, str], ...] = ()
    began: int = 0
    end: int | None = None
    shown: int | None = None
    window: int = 0
