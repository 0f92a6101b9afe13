"""Asking the core for what the charts show of the past, a step ahead of the operator. GUI thread but for ``_decode``.

One question is under way at a time. What is wanted is looked at anew with every tick, so that nothing is asked that
nobody looks at any more; a question whose answer has become useless is overtaken by the next one, which ends it in
the core. Answers are told apart by number: one that was overtaken changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from app.link.columns import unpack
from app.link.messages import event_from_json
from app.link.wire import Header, LinkError, Reply
from app.window.chronicle import Chronicle
from app.window.tiles import BOUND, COLUMNS, Cut, Question, Span, cut, width_for
from detection.event import Event
from widgets.text import DAY, HOUR

log = logging.getLogger(__name__)

ASK = "history"
KEYS = 16
"""Channels in one question: those that are seen come first, the others after them."""
SILENT_S = 8.0
"""A core that says nothing for so long is not waited for."""
AGAIN_S = 1.0
"""Before the same is asked again, because it failed or because there was nothing new."""


class Core(Protocol):
    """Who is asked: a ``CoreLink``."""

    def fetch(self, do: str, came: Reply, **values: object) -> None:
        """Ask; ``came`` gets the answer on another thread."""


class Charts(Protocol):
    """What shows it: ``Strips``."""

    @property
    def keys(self) -> list[str]:
        """Those shown, the ones that can be seen first."""

    @property
    def stretch(self) -> tuple[int, int, int] | None:
        """Start, end, and microseconds a column."""

    def reread(self, keys: Sequence[str]) -> None:
        """More is known of these."""

    def set_trouble(self, sentence: str) -> None:
        """Why nothing more is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the core said to a question: tiles, when everything begins, and events with their sessions."""

    question: Question
    tiles: Cut
    earliest: int
    events: Sequence[tuple[int, Event]]


class History(QObject):
    """Keeps a ``Chronicle`` filled with what ``charts`` show."""

    events_came = Signal(object)
    """Events of the past: pairs of session and ``Event``."""
    reach_changed = Signal(object)
    """When everything begins, UTC microseconds."""
    _came = Signal(int, object)

    def __init__(
        self, chronicle: Chronicle, charts: Charts, core: Core, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._chronicle, self._charts, self._core, self._clock = chronicle, charts, core, clock
        self._serial = 0
        self._flight: Question | None = None
        self._sent = 0.0
        self._last: Question | None = None
        self._again = 0.0
        self._attached = self._asked = False
        self._came.connect(self._on_came)

    def forget(self) -> None:
        """Something else is watched from now on."""
        self._chronicle.tiles.clear()
        self._chronicle.began = 0

    def begin(self) -> None:
        """A core is there that can be asked; what one that died has told holds still."""
        self._attached, self._asked = True, False
        self._flight = self._last = None
        self._charts.set_trouble("")

    def pause(self) -> None:
        """There is no core; what is known stays."""
        self._attached, self._flight = False, None
        self._charts.set_trouble("the archive is not open now")

    def look(self) -> None:
        """See what is missing, and ask for it: once a tick."""
        stretch = self._charts.stretch
        if not self._attached or stretch is None or not self._chronicle.began:
            return
        now = self._clock()
        if self._flight is not None and now - self._sent > SILENT_S:
            self._flight = None
            self._fail("the archive does not answer; asking again")
        wanted, urgent = self._wanted(*stretch)
        if wanted is None or (self._flight is not None and (not urgent or self._flight.touches(wanted))):
            return
        if wanted == self._last and now < self._again:
            return
        self._serial += 1
        self._flight = self._last = wanted
        self._sent, self._again = now, now + AGAIN_S
        self._core.fetch(
            ASK,
            partial(self._decode, self._serial, wanted, self._chronicle.began),
            keys=list(wanted.keys),
            start=wanted.start,
            stop=wanted.stop,
            columns=wanted.columns,
        )

    def _wanted(self, start: int, stop: int, dt: int) -> tuple[Question | None, bool]:
        """The next question, and whether it is about what is shown: else about the windows beside it."""
        width = width_for(dt)
        if not self._asked:
            # The first is about no channel: when everything begins, and what happened in the last day.
            hour = width_for(HOUR // COLUMNS)
            size = hour * COLUMNS
            return Question((), hour, (stop - DAY) // size, stop // size), True
        length = stop - start
        if 3 * len(self._charts.keys) * (length // (width * COLUMNS) + 2) > BOUND:
            return self._missing(width, (start, stop)), True
        for urgent, span in ((True, (start, stop)), (False, (start - length, start)), (False, (stop, stop + length))):
            found = self._missing(width, span)
            if found is not None:
                return found, urgent
        return None, False

    def _missing(self, width: int, span: Span) -> Question | None:
        spans = {key: before for key in self._charts.keys if (before := self._chronicle.before(key, *span))}
        return self._chronicle.tiles.question(tuple(spans), width, spans, KEYS)

    def _decode(self, serial: int, question: Question, began: int, answer: Header, payload: bytes) -> None:
        """On the link's thread: the GUI's is not held by it."""
        if "dropped" in answer:
            return
        self._came.emit(serial, decode(question, began, answer, payload))

    def _on_came(self, serial: int, answer: Answer | str) -> None:
        if serial != self._serial or self._flight is None:
            return
        self._flight = None
        if isinstance(answer, str):
            self._fail(answer)
            return
        self._asked = True
        tiles = self._chronicle.tiles
        tiles.put(answer.question.width, answer.tiles)
        if answer.earliest != tiles.earliest:
            tiles.earliest = answer.earliest
            self.reach_changed.emit(answer.earliest)
        self._charts.set_trouble("")
        self._charts.reread(answer.question.keys)
        if answer.events:
            self.events_came.emit(answer.events)

    def _fail(self, sentence: str) -> None:
        self._again = self._clock() + AGAIN_S
        self._charts.set_trouble(sentence)


def decode(question: Question, began: int, answer: Mapping[str, Any], payload: bytes) -> Answer | str:
    """The answer that came over the link, or a sentence where there is none. Any thread.

    ``began`` is when what is watched began: all that was recorded before is in the archive.
    """
    if "error" in answer:
        return str(answer["error"])
    try:
        found = unpack(((str(key), int(n)) for key, n in answer["columns"]), payload)
        events = []
        for one in answer["events"]:
            values = dict(one)
            session = int(values.pop("session"))
            events.append((session, event_from_json(values)[1]))
        tiles = cut(question, found, max(began, answer["until"] or 0))
        earliest = answer["earliest"]
        return Answer(question, tiles, began if earliest is None else min(began, earliest), events)
    except (KeyError, TypeError, ValueError, LinkError):
        log.exception("an answer of the archive")
        return "the archive's answer cannot be read"
