"""What operators say of events: recorded first, then taken into the judges' streams. Any thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from app.eventlog import EventLog
from app.line import Line
from detection import Opinion, Ruling
from storage import Archive, Reader, StorageError


class Opinions:
    """Those given in one session. ``given`` holds the last one on each of its events, by key; nobody changes it."""

    def __init__(self, session: int, archive: Archive, events: EventLog, lines: Sequence[Line]) -> None:
        self._session = session
        self._archive = archive
        self._events = events
        self._lines = lines
        self._turn = threading.Lock()
        self.given: dict[int, Opinion] = {}

    def recall(self) -> None:
        """Let the judges know what was said in earlier sessions of this archive; before they begin."""
        for one in Reader(self._archive).judged():
            for line in self._lines:
                line.judge.feed(Ruling(one.recorded.event, one.opinion.verdict, one.recorded.session))

    def give(self, session: int, key: int, opinion: Opinion) -> None:
        """Record an opinion on an event of any session of this archive; what starts from now on is judged by it.

        Raises StorageError where it could not be recorded, or where there is no such event.
        """
        own = session == self._session
        # One at a time: the judges must hear of two opinions in the order in which they are recorded.
        with self._turn:
            known = self._events.get(key) if own else None
            event = Reader(self._archive).event(session, key) if known is None else known[1]
            if event is None:
                raise StorageError(
                    f"There is no event {key} in session {session} of {self._archive.path}: name another."
                )
            self._archive.add_verdict(session, key, opinion)
            if own:
                self.given = {**self.given, key: opinion}
            for line in self._lines:
                line.settle(Ruling(event, opinion.verdict, None if own else session))
