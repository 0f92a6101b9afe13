"""Alarms of one satellite become events: what overlaps or follows soon is one happening. Judge's thread.

Points are taken in order of their own time, behind a watermark, so an event depends on what was found and never on
when it was found out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from detection.event import Contribution, Event
from detection.familiar import Familiar
from detection.settings import CYCLE
from telemetry import Severity

CLEAR_EVERY = 60_000_000
"""What can second nothing any more is forgotten at such steps of telemetry, microseconds."""
_TURN = 240_000_000  # microseconds for which a mode out of its turn explains what departs from its cycle
_TELL_EVERY = 10  # an open event is told again when it has grown by this share (1/10) of its reach


@dataclass(frozen=True, slots=True)
class Expectation:
    """A value, and the range it was expected in, in channel units; None: unbounded."""

    low: float | None
    high: float | None
    actual: float


@dataclass(frozen=True, slots=True)
class Point:
    """One sample of one channel that one judge finds odd.

    ``time`` in UTC microseconds; ``ratio`` over the threshold; ``reach`` is how much later, in microseconds, a
    point still belongs to the same event; ``opens`` whether the judge may open and extend an event, or only
    seconds one; ``explains`` marks a mode or a switch that is out of its turn, which is no alarm; ``settled`` the end
    of an alarm that became the new regime. ``onset`` is when the judge first found the channel above its record,
    None: at ``time``. ``threshold`` is what was passed, in the score's own units;
    ``expected`` what the value lies outside of, where the judge can say;
    ``response`` what the operator should know and do.
    """

    time: int
    judge: str
    version: str
    channel: str
    ratio: float
    reach: int
    reason: str
    severity: Severity = Severity.WATCH
    opens: bool = True
    settled: bool = False
    explains: bool = False
    onset: int | None = None
    threshold: float | None = None
    expected: Expectation | None = None
    response: str = ""

    @property
    def rank(self) -> tuple[int, bool, float, str, str]:
        """Order of taking: by time, the strongest first."""
        return self.time, self.settled, -self.ratio, self.channel, self.judge


@dataclass(slots=True)
class _Share:
    onset: int
    excess: float = 0.0
    peak: float = 0.0
    reason: str = ""
    settled: bool = False
    widest: float = 0.0
    expected: Expectation | None = None


@dataclass(slots=True)
class _Draft:
    key: int
    first: Point
    start: int
    end: int
    reach: int
    severity: Severity
    peak: Point
    worst: Point
    shares: dict[str, _Share] = field(default_factory=dict)
    judges: dict[str, str] = field(default_factory=dict)
    told: tuple[int, int, int, Severity] | None = None

    def take(self, point: Point) -> None:
        onset = point.time if point.onset is None else point.onset
        share = self.shares.setdefault(point.channel, _Share(onset))
        if point.settled:
            share.settled = True
            return
        self.start, self.end = min(self.start, point.time), max(self.end, point.time)
        self.reach = max(self.reach, point.reach)
        self.judges[point.judge] = point.version
        share.onset = min(share.onset, onset)
        share.settled = False
        share.excess += point.ratio - 1.0
        if point.ratio > share.peak:
            share.peak, share.reason = point.ratio, point.reason
        if point.expected is not None and point.ratio > share.widest:
            share.widest, share.expected = point.ratio, point.expected
        if point.ratio > self.peak.ratio:
            self.peak = point
        if point.severity.level > self.severity.level:
            self.severity, self.worst = point.severity, point

    def near(self, time: int) -> bool:
        return self.start - self.reach <= time <= self.end + self.reach

    def event(self, satellite: str, opened: bool) -> Event:
        total = sum(share.excess for share in self.shares.values())
        ranked = sorted(self.shares.items(), key=lambda item: (-item[1].excess, item[0]))
        even = 1.0 / len(ranked)
        channels = tuple(
            _contribution(name, share, share.excess / total if total > 0 else even) for name, share in ranked
        )
        reason = f"{self.peak.channel}: {self.peak.reason}"
        if not opened and all(share.settled for share in self.shares.values()):
            reason += "; ended as regime changed"
        return Event(
            key=self.key,
            satellite=satellite,
            start=self.start,
            end=self.end,
            open=opened,
            severity=self.severity,
            model=self.first.judge,
            version=self.first.version,
            score=self.peak.ratio,
            channels=channels,
            reason=reason,
            seconded=tuple(sorted(judge for judge in self.judges if judge != self.first.judge)),
            onset=min(ranked[0][1].onset, self.start),
            peak=self.peak.time,
            threshold=self.peak.threshold,
            versions=tuple(sorted(self.judges.items())),
            response=self.worst.response,
        )

    def news(self) -> bool:
        """Whether enough has changed since the event was last told."""
        now = (self.end, len(self.shares), len(self.judges), self.severity)
        small = self.told is not None and self.told[1:] == now[1:]
        if small and self.told is not None and self.end - self.told[0] < self.reach // _TELL_EVERY:
            return False
        self.told = now
        return True


def _contribution(name: str, share: _Share, part: float) -> Contribution:
    seen = share.expected
    if seen is None:
        return Contribution(name, part, share.peak, share.reason)
    return Contribution(name, part, share.peak, share.reason, seen.low, seen.high, seen.actual)


@dataclass(slots=True)
class _Seconds:
    """When one judge that opens no event found one channel odd: ascending times, and how far each reaches."""

    version: str
    times: list[int] = field(default_factory=list)
    reach: int = 0


class Composer:
    """The events of one satellite; ``keys`` numbers them through the session, ``familiar`` are those judged before."""

    def __init__(self, satellite: str, keys: Iterator[int], familiar: Familiar | None = None) -> None:
        self._satellite = satellite
        self._keys = keys
        self._familiar = familiar or Familiar()
        self._points: list[Point] = []
        self._seconds: dict[str, dict[str, _Seconds]] = {}
        self._drafts: list[_Draft] = []
        self._cleared = 0
        self._turned = -_TURN
        self._explained: dict[str, int] = {}

    def add(self, point: Point) -> None:
        """A point, in any order."""
        if point.opens:
            insort(self._points, point, key=lambda one: one.rank)
            return
        # Only what is odd on a channel of the event seconds it: on some channel something is always odd.
        seconds = self._seconds.setdefault(point.channel, {}).setdefault(point.judge, _Seconds(point.version))
        seconds.reach = max(seconds.reach, point.reach)
        place = bisect_left(seconds.times, point.time)
        if place == len(seconds.times) or seconds.times[place] != point.time:
            seconds.times.insert(place, point.time)

    def advance(self, known: int, complete: int) -> list[Event]:
        """Events that opened, changed or closed.

        Every point that opens is known up to time ``known``, every other up to ``complete``.
        """
        if not (self._points or self._drafts or self._seconds):
            return []
        if self._points:
            count = bisect_right(self._points, known, key=lambda one: one.time)
            ready, self._points = self._points[:count], self._points[count:]
            for point in ready:
                self._take(point)
        self._second(known)
        told, still_open = [], []
        for draft in self._drafts:
            if min(known, complete) > draft.end + draft.reach:
                told.append(self._tell(draft, opened=False))
                self._familiar.ended(told[-1])
                continue
            still_open.append(draft)
            if draft.news():
                told.append(self._tell(draft, opened=True))
        self._drafts = still_open
        return told

    def _tell(self, draft: _Draft, *, opened: bool) -> Event:
        event = draft.event(self._satellite, opened)
        likeness = self._familiar.likeness(event, draft.reach)
        return replace(event, category="rare nominal", likeness=likeness) if likeness else event

    def finish(self) -> list[Event]:
        """The stream has ended: everything is closed."""
        never = 1 << 62
        return self.advance(never, never)

    def _take(self, point: Point) -> None:
        if point.explains:
            self._turned = point.time
            return
        explained = point.judge == CYCLE and self._explain(point)
        draft = self._drafts[-1] if self._drafts else None
        if draft is not None and draft.near(point.time):
            if not point.settled or point.channel in draft.shares:
                draft.take(point)
        elif not point.settled and not explained:
            late = draft is not None and point.time < draft.start
            draft = _Draft(next(self._keys), point, point.time, point.time, point.reach, point.severity, point, point)
            draft.take(point)
            # A point that came later than its source promised stands alone: the newest event stays the last.
            self._drafts.insert(0 if late else len(self._drafts), draft)

    def _explain(self, point: Point) -> bool:
        """Whether a departure came with a mode out of its turn, or goes on from one that did: it opens no event."""
        reasons = self._turned, self._explained.get(point.channel, self._turned)
        if not any(0 <= point.time - reason < _TURN for reason in reasons):
            return False
        self._explained[point.channel] = point.time
        return True

    def _second(self, known: int) -> None:
        for draft in self._drafts:
            for channel in draft.shares:
                for judge, seconds in self._seconds.get(channel, {}).items():
                    place = bisect_left(seconds.times, draft.start - draft.reach)
                    if place < len(seconds.times) and seconds.times[place] <= draft.end + draft.reach:
                        draft.judges.setdefault(judge, seconds.version)
        # What is older than any event that is open or can still open has nothing left to second.
        oldest = min([known, *(draft.start for draft in self._drafts)])
        if abs(oldest - self._cleared) < CLEAR_EVERY:
            return
        self._cleared = oldest
        for channel in list(self._seconds):
            judges = self._seconds[channel]
            for judge in list(judges):
                times = judges[judge].times
                del times[: bisect_left(times, oldest - judges[judge].reach)]
                if not times:
                    del judges[judge]
            if not judges:
                del self._seconds[channel]
