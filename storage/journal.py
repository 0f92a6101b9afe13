"""What is said of telemetry beside the samples: by sources, and by operators. A part of ``Archive``.

Any thread. Each call is one transaction, durable when it returns, and raises StorageError.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple

from detection.commissioning import Commissioning
from detection.familiar import Opinion
from storage.answers import AlarmChange, Annotation, Change
from storage.door import Connection, rows, transaction
from telemetry import Injected


class Journal(ABC):
    """Writes labels, commissionings, verdicts, alarms, annotations and what operators changed."""

    _clock: Callable[[], int]

    @abstractmethod
    def _writing(self) -> AbstractContextManager[Connection]:
        """The connection that writes, for one caller at a time."""

    def add_labels(self, session: int, labels: Sequence[Injected]) -> None:
        """What a source knows to be in a session. Durable when it returns. Raises StorageError."""
        if not labels:
            return
        values = [
            [session, one.satellite, one.kind, one.category, one.start, one.end, one.visible, one.strength]
            for one in labels
        ]
        with self._writing() as connection, transaction(connection):
            for row, one in zip(values, labels, strict=True):
                connection.execute("INSERT INTO _label VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [*row, list(one.channels)])

    def add_commissioning(self, session: int, found: Commissioning, source: str | None, who: str) -> int:
        """Store a commissioning made on the samples of ``session``; its number. Durable when it returns.

        ``source``: it holds for that source alone (None: wherever the satellite's telemetry comes from).
        Raises StorageError.
        """
        with self._writing() as connection, transaction(connection):
            ((number,),) = rows(connection, "SELECT coalesce(max(id), 0) + 1 FROM _commissioning")
            connection.execute(
                "INSERT INTO _commissioning VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    number,
                    session,
                    found.satellite,
                    source,
                    found.start,
                    found.stop,
                    self._clock(),
                    who,
                    found.to_json(),
                ],
            )
        return int(number)

    def add_change(self, change: Change) -> None:
        """What an operator changed. Durable when it returns. Raises StorageError."""
        with self._writing() as connection, transaction(connection):
            connection.execute("INSERT INTO _audit VALUES (?, ?, ?, ?, ?, ?, ?)", list(astuple(change)))

    def add_alarms(self, changes: Sequence[AlarmChange]) -> None:
        """What became of alarms, all of it or nothing. Durable when it returns. Raises StorageError."""
        with self._writing() as connection, transaction(connection):
            ((last,),) = rows(connection, "SELECT coalesce(max(id), 0) FROM _alarm")
            for number, one in enumerate(changes, last + 1):
                values = [number, *astuple(one)]
                connection.execute(f"INSERT INTO _alarm VALUES ({', '.join('?' * len(values))})", values)

    def add_annotation(self, annotation: Annotation) -> int:
        """Store what somebody noted, in the place of the annotation of the same number; its number, a new one for 0.

        One without a text takes the earlier one away. Durable when it returns. Raises StorageError.
        """
        with self._writing() as connection, transaction(connection):
            ((last, newest),) = rows(
                connection, "SELECT coalesce(max(id), 0), coalesce(max(number), 0) FROM _annotation"
            )
            number, *values = astuple(annotation)
            number = number or newest + 1
            connection.execute(
                "INSERT INTO _annotation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [last + 1, number, *values]
            )
        return int(number)

    def add_verdict(self, session: int, key: int, opinion: Opinion) -> None:
        """What an operator says of an event; what was said before stays. Durable when it returns.

        Raises StorageError.
        """
        values = [session, key, opinion.given, opinion.verdict, opinion.note, opinion.who]
        with self._writing() as connection, transaction(connection):
            connection.execute(
                "INSERT INTO _verdict SELECT coalesce(max(id), 0) + 1, ?, ?, ?, ?, ?, ? FROM _verdict", values
            )
