"""What an operator has judged before: whether an event is like one that was rare and nominal. Judge's thread.

Two findings are alike when all of this holds:

- they are of one satellite, and neither is of a limit: a limit is certain, and is never made quiet;
- the channel with the largest share of each has at least a fifth of the other, and every channel with a fifth of
  either is among the channels of the other;
- the judge that opened each also opened or seconded the other;
- the largest score of one, as it is and not over its threshold, is at most twice that of the other: thresholds rise
  with each alarm, and what comes again and again is as large as before;
- the later one is not longer than twice the judged one and the time that joins two alarms to one event.

What comes again soon is known to the plain scores, and only the cycle sees it. Of such an event the judged one has to
name every channel with a fifth of it, and the cycle has to have seen that as well; its largest score is compared only
where the cycle opened the judged one too, for those of others are in other units.

Of the judged events that one is like, the one that was judged last decides: ``rare nominal`` makes it quiet, ``true``
does not; ``false``, ``unsure`` and one that was taken back decide nothing. A verdict counts for events that start after
it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from detection.event import Event
from detection.settings import BANK, CYCLE, LIMITS
from telemetry.clock import iso

Verdict = Literal["true", "false", "rare nominal", "unsure", "taken back"]
VERDICTS: tuple[Verdict, ...] = ("true", "false", "rare nominal", "unsure", "taken back")
"""What an operator may say of an event; the last one: what was said before holds no more, and nothing else is said."""

LEADS = 0.2
"""Share of an event from which on a channel is one of its leading ones."""
SIZE = 2.0
"""How many times as large, and as long, as another an event may be and still be like it."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an operator said of an event: when (UTC microseconds), the verdict, a note, and who; both may be empty."""

    given: int
    verdict: Verdict
    note: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """An operator's verdict on ``event``, as an item of the stream.

    ``session`` is the number of the session that the event belongs to, None for the one that is being judged.
    """

    event: Event
    verdict: Verdict
    session: int | None = None


class Familiar:
    """The verdicts on the events of one satellite, in the order in which they were given."""

    def __init__(self) -> None:
        self._rulings: list[tuple[int, Ruling]] = []

    def take(self, ruling: Ruling, since: int) -> None:
        """A verdict, in force for events that start after ``since`` (UTC microseconds of telemetry)."""
        self._rulings.append((since, ruling))

    def ended(self, event: Event) -> None:
        """An event of the session being judged has ended: where it was judged before that, it is known as it ended."""
        self._rulings = [
            (since, Ruling(event, one.verdict) if one.session is None and one.event.key == event.key else one)
            for since, one in self._rulings
        ]

    def likeness(self, event: Event, reach: int) -> str:
        """The sentence on the rare nominal event that ``event`` is like, empty where it is like none.

        ``reach`` (microseconds) is the time that joins two alarms to one event.
        """
        decided: set[tuple[int | None, int]] = set()
        for since, one in reversed(self._rulings):
            identity = one.session, one.event.key
            if since >= event.start or identity in decided:
                continue
            decided.add(identity)
            if one.verdict in ("true", "rare nominal") and alike(event, one.event, reach):
                day = iso(one.event.start)[:10]
                return f"like the one of {day} that was judged rare nominal" if one.verdict == "rare nominal" else ""
        return ""


def alike(event: Event, judged: Event, reach: int) -> bool:
    """Whether ``event`` is like the ``judged`` one, as the head of this file says; ``reach`` in microseconds."""
    if event.satellite != judged.satellite or LIMITS in (event.model, judged.model):
        return False
    if event.end - event.start > SIZE * (judged.end - judged.start) + reach:
        return False
    here, there = _size(event, judged), _size(judged, event)
    if event.model == CYCLE and not set(BANK) & set(event.seconded):
        return _names(judged, event) and (judged.model != CYCLE or here <= SIZE * there)
    mutual = _takes_part(event, judged) and _takes_part(judged, event)
    return mutual and max(here, there) <= SIZE * min(here, there)


def _size(one: Event, other: Event) -> float:
    """The largest score; over its threshold where an older archive did not keep that of both."""
    return one.score if one.threshold is None or other.threshold is None else one.score * one.threshold


def _takes_part(one: Event, other: Event) -> bool:
    """Whether what leads in ``one`` is in ``other`` too, its first channel as one that leads."""
    leading = {channel.name for channel in other.channels if channel.share >= LEADS}
    return one.channels[0].name in leading and _names(other, one)


def _names(other: Event, one: Event) -> bool:
    """Whether ``other`` names what leads in ``one``, and its judge saw that as well."""
    names = {channel.name for channel in other.channels}
    known = one.model in (other.model, *other.seconded)
    return known and all(channel.name in names for channel in one.channels if channel.share >= LEADS)
