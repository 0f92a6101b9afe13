"""Events as the operator meets them: rows that ask for attention, spans on charts, marks in the tree. No Qt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from app.eventlog import EventKey
from detection import CYCLE, LIMITS, ROBUST_Z, SILENCE, SISTERS, Opinion
from detection.event import Contribution, Event
from telemetry import Channel
from telemetry.clock import SECOND
from widgets import text
from widgets.model import Clock, Counts, Departure, EventRow, FindingRow, Kind, Mark, OffNominalRow, Span, Style, worst
from widgets.strips.spec import FindingSpan

KEPT = 500
"""Events shown; the oldest leaves first. All of them are in the archive."""
PAST = 2_000
"""Events of the archive that are kept for the charts alone; what was told first leaves first."""
LEAST_SHARE = 0.02
"""A channel with less than this of an event is not marked."""
MOST_CHANNELS = 12

_JUDGES = {
    "ar": "prediction error",
    "diff": "step",
    "std": "spread",
    "lstd": "activity",
    "z": "level",
    CYCLE: "cycle",
    SILENCE: "silence",
    ROBUST_Z: "robust z",
    "vae_timeseries": "VAE",
    "transformer_timeseries": "Transformer",
    LIMITS: "limits",
    SISTERS: "sisters",
}


def judge_name(model: str) -> str:
    """What a judge is called on the screen."""
    return _JUDGES.get(model, model)


@dataclass(slots=True)
class _Entry:
    number: int
    session: int
    event: Event
    opinion: Opinion | None = None

    @property
    def alarm(self) -> bool:
        return self.event.model == LIMITS

    @property
    def mark(self) -> Mark:
        kind = Kind(self.event.severity.value) if self.alarm else Kind.FINDING
        if self.opinion is not None and not self.alarm:
            return Mark(kind, Style.OUTLINED)
        if self.event.category == "rare nominal":
            return Mark(kind, Style.GREY)
        return Mark(kind, Style.FILLED if self.event.open else Style.RETURNED)

    @property
    def quiet(self) -> bool:
        return self.mark.style is Style.GREY

    def channels(self) -> list[str]:
        """Channels that are marked, largest share first."""
        shares = [one for one in self.event.channels if one.share >= LEAST_SHARE] or self.event.channels[:1]
        return [f"{self.event.satellite}/{one.name}" for one in shares[:MOST_CHANNELS]]


class Ledger:
    """Every event told so far, newest state of each; ``channel`` knows the channel of a key."""

    def __init__(self, channel: Callable[[str], Channel | None] = lambda key: None) -> None:
        self._channel = channel
        self._opinions: dict[tuple[int, int], Opinion] = {}
        self._entries: dict[tuple[int, EventKey], _Entry] = {}
        self._past: dict[tuple[int, int], Event] = {}
        self._numbers = 0

    def clear(self) -> None:
        """Another session altogether."""
        self._entries.clear()
        self._opinions.clear()
        self._past.clear()

    def take_opinions(self, told: Iterable[tuple[int, int, Opinion]]) -> None:
        """What operators said of events: session, key, opinion."""
        self._opinions.update(((session, key), opinion) for session, key, opinion in told)
        for entry in self._entries.values():
            entry.opinion = self._opinion(entry.session, entry.event.key, entry.opinion)

    def _opinion(self, session: int, key: int, before: Opinion | None = None) -> Opinion | None:
        """The opinion that counts; ``before`` where nothing was said of the event under this identity."""
        said = self._opinions.get((session, key), before)
        return None if said is None or said.verdict == "taken back" else said

    def take(self, session: int, news: Iterable[tuple[int, Event]]) -> list[EventRow]:
        """Take in what a core tells; the lines that belong into the table of events."""
        rows: list[EventRow] = []
        for line, event in news:
            key = (session, (line, event.key))
            entry = self._entries.get(key)
            if entry is None:
                entry = self._adopt(session, event)
            if entry is None:
                self._numbers += 1
                entry = _Entry(self._numbers, session, event, self._opinion(session, event.key))
                rows.append(EventRow(event.start, event.satellite, _opened(event), entry.number))
                was_open = True
            else:
                was_open, entry.event, entry.session = entry.event.open, event, session
            self._entries[key] = entry
            if was_open and not event.open:
                rows.append(EventRow(event.end, event.satellite, _ended(event), entry.number))
        while len(self._entries) > KEPT:
            self._entries.pop(next(iter(self._entries)))
        return rows

    def take_past(self, told: Iterable[tuple[int, Event]]) -> None:
        """Events of the archive, by session: they stand on the charts and ask for nothing."""
        for session, event in told:
            self._past.pop((session, event.key), None)
            self._past[session, event.key] = event
        while len(self._past) > PAST:
            self._past.pop(next(iter(self._past)))

    def _adopt(self, session: int, event: Event) -> _Entry | None:
        """The same happening, told by a core that died since: its successor tells it again."""
        names = {one.name for one in event.channels}
        for key, entry in self._entries.items():
            old = entry.event
            if (
                entry.session != session
                and old.satellite == event.satellite
                and (old.model == LIMITS) == (event.model == LIMITS)
                and old.start <= event.end
                and event.start <= old.end
                and names.intersection(one.name for one in old.channels)
            ):
                del self._entries[key]
                return entry
        return None

    # what is shown

    def _charted(self) -> list[_Entry]:
        """With those of the archive, as far as they are not among those told by the core."""
        told = {(entry.session, entry.event.key) for entry in self._entries.values()}
        past = [
            _Entry(0, session, replace(event, open=False))
            for (session, key), event in self._past.items()
            if (session, key) not in told
        ]
        return [*past, *self._all()]

    def _all(self) -> list[_Entry]:
        return sorted(self._entries.values(), key=lambda entry: (entry.event.start, entry.number))

    def rows(self, clock: Clock) -> list[FindingRow]:
        """What asks for attention: open before ended, newest first."""
        entries = sorted(self._all(), key=lambda e: (e.event.open, e.event.start), reverse=True)
        return [_row(entry, clock, self._channel) for entry in entries]

    def spans(self) -> list[Span]:
        """For the overview of the day."""
        return [
            Span(e.event.satellite, e.event.start, e.event.end, e.mark.kind, e.event.open)
            for e in self._charted()
            if not e.quiet
        ]

    def finding_spans(self) -> list[FindingSpan]:
        """For the charts."""
        return [
            FindingSpan(
                e.event.start, None if e.event.open else e.event.end, e.event.satellite, frozenset(e.channels())
            )
            for e in self._charted()
            if not (e.alarm or e.quiet)
        ]

    def health(self) -> dict[str, Mark]:
        """The worst mark of every channel that is part of an event."""
        marks: dict[str, list[Mark]] = {}
        for entry in self._entries.values():
            for key in () if entry.quiet else entry.channels():
                marks.setdefault(key, []).append(entry.mark)
        return {key: mark for key, all_ in marks.items() if (mark := worst(all_)) is not None}

    def counts(self) -> Counts:
        """How many ask for an answer, by severity."""
        by = Counter(entry.mark.kind for entry in self._entries.values() if entry.mark.asks)
        return Counts(
            severe=by.get(Kind.SEVERE, 0),
            critical=by.get(Kind.CRITICAL, 0),
            distress=by.get(Kind.DISTRESS, 0),
            warning=by.get(Kind.WARNING, 0),
            watch=by.get(Kind.WATCH, 0),
            findings=by.get(Kind.FINDING, 0),
        )

    def off_nominal(self, values: dict[str, str]) -> list[OffNominalRow]:
        """Channels of open events with their value now, worst first; ``values`` by key."""
        found: dict[str, tuple[Mark, int]] = {}
        for entry in self._all():
            if entry.event.open:
                for key in entry.channels():
                    if key not in found or entry.mark.rank > found[key][0].rank:
                        found[key] = entry.mark, entry.event.start
        rows = []
        for key, (mark, since) in sorted(found.items(), key=lambda item: item[1][0].rank, reverse=True):
            satellite, _, path = key.partition("/")
            rows.append(OffNominalRow(key, satellite, path, mark, values.get(key, text.NONE), since))
        return rows

    def off_nominal_keys(self) -> set[str]:
        """The channels that ``off_nominal`` lists."""
        return {key for entry in self._entries.values() if entry.event.open for key in entry.channels()}

    # going to one

    def event(self, number: int) -> Event | None:
        """The event of a row."""
        return next((e.event for e in self._entries.values() if e.number == number), None)

    def identity(self, number: int) -> tuple[int, int] | None:
        """Session and key of the event of a row."""
        return next(((e.session, e.event.key) for e in self._entries.values() if e.number == number), None)

    def opinion(self, number: int) -> Opinion | None:
        """The operator's last word on the event of a row."""
        return next((e.opinion for e in self._entries.values() if e.number == number), None)

    def keys(self, number: int) -> list[str]:
        """The channels of a row, largest share first."""
        return next((e.channels() for e in self._entries.values() if e.number == number), [])

    def step(self, number: int | None, steps: int) -> int | None:
        """The finding after (1) or before (-1) one, in order of time; the last one where none is chosen."""
        numbers = [e.number for e in self._all() if not e.alarm]
        if not numbers:
            return None
        if number not in numbers:
            return numbers[-1]
        return numbers[min(max(numbers.index(number) + steps, 0), len(numbers) - 1)]

    def foremost(self) -> int | None:
        """The finding or alarm that is worth the charts when the operator has chosen nothing: the newest open one."""
        entries = self._all()
        ranked = sorted(entries, key=lambda e: (e.mark.asks, e.event.open, e.mark.rank, e.event.start))
        return ranked[-1].number if ranked else None


def _row(entry: _Entry, clock: Clock, channel: Callable[[str], Channel | None]) -> FindingRow:
    event = entry.event
    names = [one.name for one in event.channels]
    if entry.alarm:
        state = text.alarm_state(entry.mark.kind, event.open, event.start, event.end, clock)
    else:
        verdict = entry.opinion.verdict if entry.opinion is not None else "rare nominal" if entry.quiet else "finding"
        state = text.finding_state(event.open, event.start, event.end, clock, verdict)
        if entry.opinion is not None and entry.opinion.who:
            state = f"{verdict.capitalize()}, {entry.opinion.who}"
    return FindingRow(
        key=entry.number,
        satellite=event.satellite,
        mark=entry.mark,
        title=text.finding_title(names),
        sentence=_sentence(event),
        state=state,
        start=event.start,
        end=event.end,
        open=event.open,
        score=0.0 if entry.alarm else event.score,
        judge=judge_name(event.model),
        seconded=tuple(judge_name(one) for one in event.seconded),
        departures=tuple(
            Departure(
                one.name,
                one.share,
                one.score,
                _plain(one.reason),
                _expected(one, channel(f"{event.satellite}/{one.name}")),
            )
            for one in event.channels[:MOST_CHANNELS]
        ),
        onset=event.onset,
        peak=event.peak,
        verdict="" if entry.opinion is None else entry.opinion.verdict,
        note="" if entry.opinion is None else entry.opinion.note,
        likeness=event.likeness,
        response=event.response,
    )


def _expected(one: Contribution, channel: Channel | None) -> str:
    if one.actual is None:
        return ""
    return text.expected(one.expected_low, one.expected_high, one.actual, channel.unit if channel is not None else "")


def _sentence(event: Event) -> str:
    """The reason; its channel only where the title does not name it first."""
    channel, colon, reason = event.reason.removesuffix("; ended as regime changed").partition(": ")
    if not colon:
        return _plain(channel)
    first = event.channels[0].name if event.channels else ""
    return _plain(reason) if channel == first else f"{channel}: {_plain(reason)}"


def _plain(reason: str) -> str:
    """``ar 6.1 x anything in the last 1,900 samples`` in the operator's words."""
    judge, space, rest = reason.partition(" ")
    if judge in _JUDGES:
        reason = f"{judge_name(judge)}{space}{rest}"
    reason = reason.replace(" x anything in", f" {text.TIMES} anything in")
    return reason[:1].upper() + reason[1:]


def _opened(event: Event) -> str:
    names = [one.name for one in event.channels]
    if event.model == LIMITS:
        return f"{event.severity.value} limit: {text.finding_title(names)}"
    return f"finding opened: {text.finding_title(names)}"


def _ended(event: Event) -> str:
    what = "back within limits" if event.model == LIMITS else "finding ended"
    names = [one.name for one in event.channels]
    return f"{what}: {text.finding_title(names)}, after {text.duration(event.end - event.start + SECOND)}"
