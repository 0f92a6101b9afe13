"""One commit: everything that goes into it, already in the form of rows. Recorder's thread only.

A batch is made once and written as often as it takes: its number, in the same transaction, keeps a second
writing from adding anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import pyarrow as pa

from detection.event import Event
from storage.door import Connection

EVENT_ROWS = pa.schema(
    [
        ("session", pa.int32()),
        ("key", pa.int64()),
        ("satellite", pa.string()),
        ("start", pa.int64()),
        ("stop", pa.int64()),
        ("open", pa.bool_()),
        ("severity", pa.string()),
        ("model", pa.string()),
        ("version", pa.string()),
        ("score", pa.float64()),
        ("reason", pa.string()),
        ("seconded", pa.list_(pa.string())),
        ("onset", pa.int64()),
        ("peak", pa.int64()),
        ("threshold", pa.float64()),
        ("versions", pa.map_(pa.string(), pa.string())),
        ("category", pa.string()),
        ("likeness", pa.string()),
        ("response", pa.string()),
        (
            "channels",
            pa.list_(
                pa.struct(
                    [
                        ("name", pa.string()),
                        ("share", pa.float64()),
                        ("score", pa.float64()),
                        ("reason", pa.string()),
                        ("expected_low", pa.float64()),
                        ("expected_high", pa.float64()),
                        ("actual", pa.float64()),
                    ]
                )
            ),
        ),
    ]
)


@dataclass(slots=True)
class Batch:
    """Rows by table, in the order of writing, and what they add up to.

    ``writer`` (unique in the world) and ``seq`` (1, 2, 3...) together say which batch this is.
    ``samples`` counts the values that were not in the archive before; ``newest`` is the latest time among them.
    ``superseded`` are blocks whose samples stand in this batch again, in a larger chunk; ``ended`` are sessions
    with the time of their end.
    """

    writer: str
    seq: int
    rows: list[tuple[str, pa.Table]] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)
    events: dict[tuple[int, int], Event] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    samples: int = 0
    newest: int | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.rows or self.superseded or self.events or self.ended)

    def insert(self, connection: Connection) -> None:
        """Write every row, inside the caller's transaction."""
        for table, rows in self.rows:
            insert(connection, table, rows)
        if self.superseded:
            gone = self.superseded
            connection.execute("DELETE FROM _fresh_chunk WHERE block IN (SELECT unnest(?::BIGINT[]))", [gone])
            connection.execute("DELETE FROM _fresh_block WHERE id IN (SELECT unnest(?::BIGINT[]))", [gone])
        if self.events:
            connection.execute(
                "DELETE FROM _event WHERE (session, key) IN (SELECT unnest(?::INTEGER[]), unnest(?::BIGINT[]))",
                [[session for session, _ in self.events], [key for _, key in self.events]],
            )
            insert(connection, "_event", _event_rows(self.events.items()))
        for session, ended in self.ended.items():
            connection.execute("UPDATE _session SET ended = ? WHERE id = ?", [ended, session])


def insert(connection: Connection, table: str, rows: pa.Table) -> None:
    """Append ``rows`` to a table by the names of their columns, inside the caller's transaction."""
    # ``table`` is one of this package's own names. A registered table is read in place, without a copy.
    connection.register("arriving", rows)
    try:
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM arriving")
    finally:
        connection.unregister("arriving")


def _event_rows(events: Iterable[tuple[tuple[int, int], Event]]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "session": session,
                "key": event.key,
                "satellite": event.satellite,
                "start": event.start,
                "stop": event.end,
                "open": event.open,
                "severity": event.severity.value,
                "model": event.model,
                "version": event.version,
                "score": event.score,
                "reason": event.reason,
                "seconded": list(event.seconded),
                "onset": event.onset,
                "peak": event.peak,
                "threshold": event.threshold,
                "versions": list(event.versions),
                "category": event.category,
                "likeness": event.likeness,
                "response": event.response,
                "channels": [asdict(one) for one in event.channels],
            }
            for (session, _), event in events
        ],
        EVENT_ROWS,
    )
