"""What of a damaged file can still be read, found table by table and row by row, and what is lost with the rest.

The database checks each piece of its file as it reads it, and goes on after one that is damaged. Any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from storage.door import ALIAS, Connection, DatabaseError, rows
from storage.errors import StoppedError, speaks_of_damage
from storage.roster import KINDS, Kind
from telemetry.clock import iso

BLOCKS = ("_block", "_fresh_block", "_merged_block")
"""The tables that hold times."""
CHUNKS = ("_chunk", "_fresh_chunk", "_merged_chunk")
"""The tables that hold values."""
STEP = 65_536
"""Rows that are tried at once."""
LEAST = 128
"""Rows that are given up together. The database reads 2,048 of them at once: trying fewer finds hardly any more."""

_TYPES: dict[Kind, list[str]] = {kind: [one for one in KINDS if KINDS[one] == kind] for kind in get_args(Kind)}

UNREAD = "Could not be read when the archive was repaired."
"""The reason of a gap that a repair left: its samples were recorded, and are lost."""
OF_SATELLITES = """
SELECT session, satellite, list(DISTINCT subsystem || '/' || name), sum(n)::BIGINT, min(t0), max(t1)
FROM {0} JOIN {1}_channel ON id = channel GROUP BY session, satellite ORDER BY ALL
"""
"""What lies in the chunks {0}, a satellite at a time; {1} is the database that names them."""

BOOKS = """
SELECT (SELECT coalesce(sum(samples), 0)::BIGINT FROM _writer)
    - (SELECT coalesce(sum(samples), 0)::BIGINT FROM _gap WHERE reason = ?)
    - (SELECT coalesce(sum(samples), 0)::BIGINT FROM _expired)
"""
"""How many samples there should be, those that expired left out; its value is ``UNREAD``."""


@dataclass(frozen=True, slots=True)
class Rows:
    """``first`` <= rowid < ``stop`` of a table, and whether they can be read.

    With ``kind`` those among them alone whose channels have values of that kind, without the columns of the others:
    what is damaged in one column takes nothing from the rows that have nothing there.
    """

    table: str
    first: int
    stop: int
    readable: bool
    kind: Kind | None = None

    @property
    def query(self) -> str:
        """SQL that reads them."""
        columns, of_kind = "*", ""
        if self.kind is not None:
            columns = f"* EXCLUDE ({', '.join(kind for kind in _TYPES if kind != self.kind)})"
            types = ", ".join(f"'{one}'" for one in _TYPES[self.kind])
            of_kind = f" AND channel IN (SELECT id FROM _channel WHERE type IN ({types}))"
        return f"SELECT {columns} FROM {self.table} WHERE rowid >= {self.first} AND rowid < {self.stop}{of_kind}"


@dataclass(frozen=True, slots=True)
class Lost:
    """Samples that cannot be read: None where it is not even known whose, how many, or of when (UTC microseconds)."""

    session: int | None
    satellite: str
    channels: tuple[str, ...]
    samples: int | None
    start: int | None
    stop: int | None

    def __str__(self) -> str:
        many = "An unknown number of samples" if self.samples is None else f"{self.samples:,} samples"
        whose = f" of {self.satellite}, {named(self.channels)} (session {self.session})," if self.satellite else ""
        return f"{many}{whose} {between(self.start, self.stop)} cannot be read."


def named(channels: tuple[str, ...]) -> str:
    """A few channels by name, many by number."""
    return ", ".join(channels) if len(channels) <= 3 else f"{len(channels):,} channels"


def between(start: int | None, stop: int | None) -> str:
    """A span in words, as far as it is known."""
    if start is None or stop is None:
        if start is not None:
            return f"after {iso(start)}"
        return f"before {iso(stop)}" if stop is not None else "of any time"
    return f"between {iso(start)} and {iso(stop)}"


def tables(connection: Connection) -> list[str]:
    """Every table of the archive."""
    query = "SELECT table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY table_name"
    return [name for (name,) in rows(connection, query, [ALIAS])]


def survey(connection: Connection, say: Callable[[str, float], None], stop: threading.Event) -> dict[str, list[Rows]]:
    """Read everything: the rows of each table in runs, none of them both readable and not.

    Raises StoppedError, and DatabaseError where what is wrong is not the file.
    """
    names = tables(connection)
    found = {}
    for number, table in enumerate(names):
        say(f"reading {table}", number / len(names))
        found[table] = _read(connection, table, stop)
    return found


def _read(connection: Connection, table: str, stop: threading.Event) -> list[Rows]:
    ((count,),) = rows(connection, f"SELECT coalesce(max(rowid) + 1, 0) FROM {table}")
    ahead = [(first, min(first + STEP, count)) for first in range(0, count, STEP)][::-1]
    found = []
    while ahead:
        if stop.is_set():
            raise StoppedError
        first, last = ahead.pop()
        run = Rows(table, first, last, _count(connection, Rows(table, first, last, True)) is not None)
        if run.readable:
            found.append(run)
        elif last - first <= LEAST:
            found += _by_kind(connection, run) if table in CHUNKS else [run]
        else:
            middle = first + max(LEAST, (last - first) // 2 // LEAST * LEAST)
            ahead += [(middle, last), (first, middle)]
    return found


def _by_kind(connection: Connection, run: Rows) -> list[Rows]:
    kinds = [replace(run, kind=kind, readable=True) for kind in _TYPES]
    counts = [_count(connection, one) for one in kinds]
    if all(count is None for count in counts):
        return [run]
    return [replace(one, readable=count is not None) for one, count in zip(kinds, counts, strict=True) if count != 0]


def _count(connection: Connection, run: Rows) -> int | None:
    """How many rows there are in ``run``; None where they cannot be read."""
    # The hash of a whole row cannot be had without every column of it.
    found = attempt(connection, f"SELECT count(hash(one)) FROM ({run.query}) one", ())
    return None if found is None else int(found[0][0])


def attempt(connection: Connection, query: str, values: Sequence[object]) -> list[tuple[Any, ...]] | None:
    """The rows of an answer; None where what it asks for is damaged."""
    try:
        return rows(connection, query, values)
    except DatabaseError as problem:
        if not speaks_of_damage(problem):
            raise
        return None


def lost(connection: Connection, found: dict[str, list[Rows]]) -> list[Lost]:
    """The samples of the chunks that cannot be read, a satellite at a time, as far as their headers can be read."""
    several: list[Lost] = []
    for table in CHUNKS:
        unknown: list[Rows] = []
        for run in found[table]:
            if run.readable:
                continue
            headed = _headers(connection, run)
            if headed is not None:
                several += headed
            elif unknown and unknown[-1].stop == run.first:
                unknown[-1] = Rows(table, unknown[-1].first, run.stop, False)
            else:
                unknown.append(run)
        several += [_between_neighbours(connection, run) for run in unknown]
    known = _joined(several)
    nameless = [one for one in known if one.samples is None]
    if not nameless:
        return known
    rest = _missing(connection, found)
    if rest is not None:
        rest -= sum(one.samples or 0 for one in known)
    return [replace(one, samples=rest) if one in nameless else one for one in known]


def untimed(connection: Connection, found: dict[str, list[Rows]]) -> list[Lost]:
    """The samples whose times cannot be read, a satellite at a time, as far as their own headers can be read."""
    if all(run.readable for table in BLOCKS for run in found[table]):
        return []
    readable = " UNION ALL ".join(
        f"SELECT id FROM ({run.query})" for table in BLOCKS for run in found[table] if run.readable
    )
    known = f"block NOT IN ({readable})" if readable else "true"
    gone = attempt(connection, OF_SATELLITES.format(f"(SELECT * FROM _every_chunk WHERE {known})", ""), [])
    return [Lost(None, "", (), None, None, None)] if gone is None else losses(gone)


def elsewhere(found: dict[str, list[Rows]]) -> list[str]:
    """Sentences about what cannot be read beside samples."""
    out = []
    for table, runs in found.items():
        count = sum(run.stop - run.first for run in runs if not run.readable)
        if count and table not in (*BLOCKS, *CHUNKS):
            out.append(f"Up to {count:,} rows of the table {table} cannot be read.")
    return out


def losses(found: Sequence[tuple[Any, ...]]) -> list[Lost]:
    """What ``OF_SATELLITES`` found."""
    return [Lost(session, name, tuple(sorted(keys)), *rest) for session, name, keys, *rest in found]


def _headers(connection: Connection, run: Rows) -> list[Lost] | None:
    found = attempt(connection, OF_SATELLITES.format(f"({run.query})", ""), [])
    return None if found is None else losses(found)


def _between_neighbours(connection: Connection, run: Rows) -> Lost:
    """Rows lie in the order in which they were recorded, so those beside them say of when they are."""
    before = f"SELECT max(t1) FROM {run.table} WHERE rowid >= ? AND rowid < ?"
    after = f"SELECT min(t0) FROM {run.table} WHERE rowid >= ? AND rowid < ?"
    ends = [
        attempt(connection, before, [run.first - LEAST, run.first]),
        attempt(connection, after, [run.stop, run.stop + LEAST]),
    ]
    start, stop = (None if end is None else end[0][0] for end in ends)
    return Lost(None, "", (), None, start, stop)


def _joined(several: Sequence[Lost]) -> list[Lost]:
    """What is lost of one satellite in a session, as one; the most first."""
    found: dict[tuple[int | None, str], Lost] = {}
    for one in several:
        had = found.get((one.session, one.satellite))
        if had is not None:
            samples = None if had.samples is None or one.samples is None else had.samples + one.samples
            start = None if had.start is None or one.start is None else min(had.start, one.start)
            stop = None if had.stop is None or one.stop is None else max(had.stop, one.stop)
            one = Lost(one.session, one.satellite, tuple(sorted({*had.channels, *one.channels})), samples, start, stop)
        found[one.session, one.satellite] = one
    return sorted(found.values(), key=lambda one: -(one.samples or 0))


def _missing(connection: Connection, found: dict[str, list[Rows]]) -> int | None:
    """Samples that were recorded and cannot be read, by the books; None where those are damaged too."""
    books = attempt(connection, BOOKS, [UNREAD])
    if books is None:
        return None
    ((total,),) = books
    for run in (run for table in CHUNKS for run in found[table] if run.readable):
        ((here,),) = rows(connection, f"SELECT coalesce(sum(n), 0)::BIGINT FROM ({run.query})")
        total -= here
    return int(total)
