"""Commissioning: which span of a satellite is proposed as nominal, and what it says of every channel. Any thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from detection import Commissioning, CommissioningError, DetectionSettings, Judge, Submit, WindowSpec
from detection.event import Event
from storage import Archive, Reader, recorded_frames
from telemetry import Origin
from telemetry.clock import SECOND, iso

LEAST = 1000
"""Samples of its channels that a nominal span must hold."""
LONGEST = 86_400 * SECOND
"""A proposed span is no longer: what was usual a day ago is what counts."""
HISTORY = 16_384
"""Newest samples of each channel that are fitted; the records reach back as far as ever."""
MARGIN = 600 * SECOND
"""Before and after a finding nothing is proposed as nominal."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of recorded telemetry, UTC microseconds."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Microseconds."""
        return self.stop - self.start


def propose(first: int, now: int, period: int, events: Iterable[Event], gaps: Iterable[tuple[int, int]] = ()) -> Span:
    """The longest stretch of ``first`` .. ``now`` without a finding, the newest of equals, at most a day of it.

    ``events`` are those of the satellite, ``gaps`` what could not be recorded, ``period`` the step of its slowest
    channels (all microseconds). Raises CommissioningError where none is long enough.
    """
    odd = [(event.start - MARGIN, now if event.open else event.end + MARGIN) for event in events]
    best, at = Span(first, first), first
    for start, stop in [*sorted([*odd, *gaps]), (now, now)]:
        found = Span(at, min(start, now))
        if found.length >= best.length:
            best = found
        at = max(at, stop)
    if best.length < LEAST * period:
        needed = LEAST * period // (60 * SECOND) + 1
        raise CommissioningError(
            f"There are no {needed:,} minutes on end without a finding yet: mark a span yourself, or wait."
        )
    return replace(best, start=max(best.start, best.stop - LONGEST))


def commission(
    archive: Archive,
    session: int,
    satellite: str,
    span: Span,
    specs: Sequence[WindowSpec],
    submit: Submit,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Commissioning | None:
    """What a recorded span says of every channel of a satellite; None where it was ``cancelled`` on the way.

    All of the span counts as nominal, whatever was found in it. ``progress`` is told the share that is done.
    Raises StorageError, and CommissioningError where the span holds too little.
    """
    judge = Judge(specs, submit, replace(DetectionSettings(), history=HISTORY))
    for frame in recorded_frames(Reader(archive), session, satellite, span.start, span.stop):
        if cancelled():
            return None
        judge.feed(frame)
        progress((int(frame.times[-1]) - span.start) / max(span.length, 1))
    judge.drain()
    judge.commission()
    judge.drain()
    found = judge.commissioned(span.start, span.stop)
    if not found:
        raise CommissioningError(
            f"{satellite} has too little telemetry from {iso(span.start)} to {iso(span.stop)}: "
            f"{DetectionSettings().fits[0]} samples of a channel are needed, {LEAST:,} are better."
        )
    return found[0]


def binding(origin: Origin, source: str) -> str | None:
    """The source that a commissioning holds for alone; None: for its satellite, wherever the telemetry comes from.

    Simulated satellites of one name are as many different ones as there are scenarios and seeds.
    """
    return source if origin == "simulation" else None


def stored(archive: Archive, satellites: Iterable[str], source: str) -> tuple[list[Commissioning], list[str]]:
    """The commissionings in force for ``satellites``, and a sentence about each, or why it is not.

    Raises StorageError.
    """
    found: list[Commissioning] = []
    notes: list[str] = []
    reader = Reader(archive)
    for satellite in satellites:
        known = reader.commissioning(satellite, source)
        if known is None:
            continue
        try:
            one = Commissioning.from_json(known.found)
        except CommissioningError as problem:
            notes.append(f"{satellite}: {problem}")
            continue
        found.append(one)
        notes.append(f"{satellite} is judged by its nominal span {iso(one.start)} to {iso(one.stop)}.")
    return found, notes
