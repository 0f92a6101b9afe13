"""What ``perigee monitor --json`` prints: the contract as types, from which ``docs/schema`` is made."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, ConfigDict

from app.session import Session
from detection import Flaws
from detection.event import Category, Event
from telemetry import Injected
from telemetry.clock import iso


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Windows(_Part):
    """Windows that models judged: one is channel x model x position."""

    scored: int
    skipped: int
    by_model: dict[str, int]


class ChannelShare(_Part):
    """A channel's share of an event; shares sum to 1, largest first.

    ``actual`` is a value at its worst and ``expected_low`` .. ``expected_high`` what was expected, in ``unit``; null
    where that is not known or not bounded.
    """

    name: str
    unit: str
    contribution: float
    expected_low: float | None
    expected_high: float | None
    actual: float | None


class EventResult(_Part):
    """One event; times are ISO 8601 UTC, ``score`` is its peak over the threshold.

    ``onset`` is when its leading channel went above its record, ``peak`` the time of the largest score, ``threshold``
    what was in force there; ``versions`` are those of every judge that opened or seconded it. ``category`` is
    ``rare nominal`` where an operator judged a like event so: ``likeness`` says which.
    """

    satellite: str
    start: str
    end: str
    severity: str
    model: str
    version: str
    score: float
    channels: list[ChannelShare]
    reason: str
    seconded: list[str]
    onset: str | None
    peak: str | None
    threshold: float | None
    versions: dict[str, str]
    category: Category
    likeness: str
    response: str


class InjectedResult(_Part):
    """A fault that the source knows it contains, main channel first."""

    satellite: str
    channels: list[str]
    kind: str
    start: str
    end: str
    visible: str


class QualityResult(_Part):
    """What was wrong with the samples of a channel: how many were missing, marked as wrong by their source, infinite,
    late, at the time of the one before; and how often the clock of its group was set back.
    """

    satellite: str
    name: str
    missing: int
    invalid: int
    infinite: int
    late: int
    duplicate: int
    jumped_back: int


class EngineResult(_Part):
    """What scored the windows in the end, and why that.

    ``interruptions`` counts how often a Triton was lost, ``rescored`` the windows that were scored again elsewhere.
    """

    kind: str
    detail: str
    reason: str
    interruptions: int
    rescored: int


class MonitorResult(_Part):
    """Everything that one run of ``monitor`` did."""

    source: str
    session: int
    archive: str
    frames: int
    samples: int
    recorded_samples: int
    windows: Windows
    events: list[EventResult]
    injected: list[InjectedResult]
    engine: EngineResult
    notes: list[str]
    quality: list[QualityResult]
    elapsed_s: float


def result(session: Session) -> MonitorResult:
    """The result of a session that is closed."""
    totals = session.totals()
    units = {channel.key: channel.unit for group in session.groups for channel in group.channels}
    engine = session.engine.status()
    return MonitorResult(
        source=" ".join(session.plan.sources),
        session=session.id,
        archive=session.plan.archive,
        frames=totals.frames,
        samples=totals.samples,
        recorded_samples=totals.recorded,
        windows=Windows(scored=totals.scored, skipped=totals.skipped, by_model=totals.by_model),
        events=[_event(event, units) for event in session.all_events()],
        injected=[injected_result(one) for one in session.injected if one.category == "fault"],
        engine=EngineResult(
            kind=engine.kind,
            detail=engine.detail,
            reason=engine.reason,
            interruptions=engine.interruptions,
            rescored=engine.rescored,
        ),
        notes=session.notes,
        quality=_quality(session.flaws()),
        elapsed_s=round(totals.elapsed_s, 3),
    )


def _quality(flaws: dict[str, Flaws]) -> list[QualityResult]:
    parts = {key: key.partition("/") for key in flaws}
    return [
        QualityResult(satellite=parts[key][0], name=parts[key][2], **asdict(one)) for key, one in sorted(flaws.items())
    ]


def _event(event: Event, units: dict[str, str]) -> EventResult:
    return EventResult(
        satellite=event.satellite,
        start=iso(event.start),
        end=iso(event.end),
        severity=event.severity.value,
        model=event.model,
        version=event.version,
        score=round(event.score, 4),
        channels=[
            ChannelShare(
                name=one.name,
                unit=units.get(f"{event.satellite}/{one.name}", ""),
                contribution=round(one.share, 6),
                expected_low=one.expected_low,
                expected_high=one.expected_high,
                actual=one.actual,
            )
            for one in event.channels
        ],
        reason=event.reason,
        seconded=list(event.seconded),
        onset=None if event.onset is None else iso(event.onset),
        peak=None if event.peak is None else iso(event.peak),
        threshold=event.threshold,
        versions=dict(event.versions),
        category=event.category,
        likeness=event.likeness,
        response=event.response,
    )


def injected_result(fault: Injected) -> InjectedResult:
    """A fault as it is printed and written."""
    return InjectedResult(
        satellite=fault.satellite,
        channels=list(fault.channels),
        kind=fault.kind,
        start=iso(fault.start),
        end=iso(fault.end),
        visible=iso(fault.visible),
    )
