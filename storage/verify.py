"""Everything in an archive is read, and compared with what its headers, its other tables and its manifest say.

Any thread; the archive may be recorded into meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from storage import manifest
from storage.archive import Archive
from storage.damage import BOOKS, UNREAD, between, elsewhere, lost, named, survey, untimed
from storage.door import Connection, DatabaseError, rows
from storage.errors import StoppedError, speaks_of_damage
from telemetry import Quality

STEP = 2048
"""Blocks that are compared at once."""

_OF_CHUNK = f"""
WITH one AS (
    SELECT c.*, b.times, b.n AS length,
        CASE WHEN c.f8 IS NOT NULL THEN c.f8 WHEN c.f4 IS NOT NULL THEN c.f4::DOUBLE[]
            WHEN c.i8 IS NOT NULL THEN c.i8::DOUBLE[] ELSE c.u8::DOUBLE[] END AS v,
        (c.f4 IS NOT NULL)::INT + (c.f8 IS NOT NULL)::INT + (c.i8 IS NOT NULL)::INT + (c.u8 IS NOT NULL)::INT AS kinds
    FROM _every_chunk c LEFT JOIN (SELECT * FROM _every_block WHERE id >= $first AND id < $stop) b ON b.id = c.block
    WHERE c.block >= $first AND c.block < $stop),
two AS (
    SELECT *,
        CASE WHEN n = length THEN times ELSE list_filter(times, lambda t, i: v[i] IS NOT NULL) END AS present,
        CASE WHEN quality IS NULL THEN v
            ELSE list_filter(v, lambda x, i: x IS NOT NULL AND (quality[i] & {int(Quality.INVALID)}) = 0) END AS w
    FROM one),
faulty AS (
    SELECT block, channel, t0, t1, CASE
        WHEN times IS NULL THEN 'times are missing'
        WHEN kinds != 1 THEN 'values are of no type, or of several'
        WHEN len(v) != length OR (quality IS NOT NULL AND len(quality) != length)
            THEN 'values are not as many as the times'
        WHEN list_aggregate(v, 'count') != n THEN 'values are not as many as the header says'
        WHEN list_min(present) != t0 OR list_max(present) != t1 THEN 'times are not those that the header says'
        WHEN list_aggregate(w, 'count') != valid OR list_min(w) IS DISTINCT FROM lo OR list_max(w) IS DISTINCT FROM hi
            THEN 'values are not those that the header says'
        WHEN isfinite(total) AND isfinite(list_sum(w))
            AND abs(list_sum(w) - total) > 1e-9 * n * greatest(abs(lo), abs(hi))
            THEN 'values do not add up to what the header says'
        END AS fault
    FROM two)
SELECT fault, session, coalesce(satellite, ''), list(DISTINCT subsystem || '/' || name), count(*), min(t0), max(t1)
FROM faulty LEFT JOIN _channel ON id = channel WHERE fault IS NOT NULL GROUP BY fault, session, satellite ORDER BY ALL
"""

_OF_BLOCK = """
SELECT count(*), min(t0), max(t1) FROM _every_block
WHERE id >= $first AND id < $stop AND (
    len(times) != n OR list_min(times) != t0 OR list_max(times) != t1
    OR (received IS NOT NULL AND len(received) != n))
"""

_OF_TABLES = (
    (
        "SELECT count(*), min(t0), max(t1) FROM _every_chunk WHERE channel NOT IN (SELECT id FROM _channel)",
        "Chunks that belong to no channel: {0:,}, {1}.",
    ),
    (
        "SELECT count(*), min(t0), max(t1) FROM _every_block WHERE grp NOT IN (SELECT id FROM _group)",
        "Blocks that belong to no group: {0:,}, {1}.",
    ),
    (
        "SELECT count(*), NULL, NULL FROM _channel WHERE session NOT IN (SELECT id FROM _session)",
        "Channels that belong to no session: {0:,}.",
    ),
    (
        "SELECT count(*), NULL, NULL FROM _group WHERE session NOT IN (SELECT id FROM _session)",
        "Groups that belong to no session: {0:,}.",
    ),
    (
        "SELECT count(*), min(t0), max(t1) FROM "
        "(SELECT min(t0) AS t0, max(t1) AS t1 FROM _every_block GROUP BY id HAVING count(*) > 1)",
        "Blocks that are there more than once: {0:,}, {1}.",
    ),
    (
        "SELECT count(*), min(t0), max(t1) FROM "
        "(SELECT min(t0) AS t0, max(t1) AS t1 FROM _every_chunk GROUP BY block, channel HAVING count(*) > 1)",
        "Chunks that are there more than once: {0:,}, {1}.",
    ),
    (
        "SELECT count(*), min(t0), max(t1) FROM _rollup WHERE len(cells) != len(counts) OR len(cells) != len(valids) "
        "OR len(cells) != len(los) OR len(cells) != len(his) OR len(cells) != len(totals) OR list_sum(counts) != n",
        "Summaries that do not add up: {0:,}, {1}.",
    ),
    (
        "SELECT count(*), NULL, NULL FROM (SELECT id FROM _writer GROUP BY id HAVING count(*) > 1 OR min(seq) < 1)",
        "Writers that have no number of their last commit, or several: {0:,}.",
    ),
)
"""Counts of what should not be there, and how that is said."""


_SIZES = """
SELECT (SELECT coalesce(sum(n), 0)::BIGINT FROM _every_chunk), (SELECT count(*) FROM _every_chunk),
    (SELECT count(*) FROM _every_block)
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """How much was read, and sentences about what is wrong; ``whole`` is false where it was stopped."""

    samples: int
    blocks: int
    chunks: int
    files: int
    problems: tuple[str, ...]
    whole: bool


def verify(
    archive: Archive,
    *,
    published: Path | None = None,
    say: Callable[[str, float], None] = lambda *_: None,
    stop: threading.Event,
) -> Verified:
    """Read all of ``archive``, and what it ``published``; ``say`` is told of what and how far (0 to 1).

    Raises StorageError where it cannot be read at all.
    """
    run = _Run(archive, published, say, stop)
    whole = True
    with archive.maintaining() as connection:
        try:
            for problem in run.problems(connection):
                run.found.append(problem)
        except StoppedError:
            whole = False
    return Verified(run.samples, run.blocks, run.chunks, run.files, (*archive.notices, *run.found), whole)


class _Run:
    def __init__(
        self, archive: Archive, published: Path | None, say: Callable[[str, float], None], stop: threading.Event
    ) -> None:
        self.found: list[str] = []
        self.samples = self.blocks = self.chunks = self.files = 0
        self._archive, self._published = archive, published
        self._say, self._stop = say, stop

    def problems(self, connection: Connection) -> Iterator[str]:
        damaged = False
        for problem in self._unreadable(connection):
            damaged = True
            yield problem
        try:
            yield from self._headers(connection)
            for query, sentence in _OF_TABLES:
                ((count, start, stop),) = rows(connection, query)
                if count:
                    yield sentence.format(count, between(start, stop))
            yield from self._acknowledged(connection)
        except DatabaseError as problem:
            if not (damaged and speaks_of_damage(problem)):
                raise
        if self._published is not None:
            yield from self._files(connection, self._published)

    def _unreadable(self, connection: Connection) -> Iterator[str]:
        found = survey(connection, lambda what, done: self._say(what, 0.4 * done), self._stop)
        yield from elsewhere(found)
        for one in lost(connection, found) + untimed(connection, found):
            yield str(one)

    def _headers(self, connection: Connection) -> Iterator[str]:
        """Every block and chunk against its header; what cannot be read was told of before."""
        ((first, last),) = rows(connection, "SELECT min(id), max(id) FROM _every_block")
        ((low, high),) = rows(connection, "SELECT min(block), max(block) FROM _every_chunk")
        known = [number for number in (first, last, low, high) if number is not None]
        if not known:
            return
        begin, end = min(known), max(known) + 1
        told: dict[tuple[str, int | None, str], tuple[set[str], int, int, int]] = {}
        for at in range(begin, end, STEP):
            if self._stop.is_set():
                raise StoppedError
            self._say("comparing with the headers", 0.4 + 0.4 * (at - begin) / (end - begin))
            span = {"first": at, "stop": at + STEP}
            try:
                ((count, start, stop),) = connection.execute(_OF_BLOCK, span).fetchall()
                found = connection.execute(_OF_CHUNK, span).fetchall()
            except DatabaseError as problem:
                if not speaks_of_damage(problem):
                    raise
                continue
            if count:
                yield f"In {_many(count, 'block')} {between(start, stop)} the times are not those that the header says."
            for fault, session, satellite, keys, chunks, t0, t1 in found:
                had = told.get((fault, session, satellite), (set(), 0, t0, t1))
                keys = {key for key in keys if key}
                told[fault, session, satellite] = (had[0] | keys, had[1] + chunks, min(had[2], t0), max(had[3], t1))
        for (fault, session, satellite), (channels, chunks, t0, t1) in told.items():
            whose = (
                f"of {satellite}, {named(tuple(sorted(channels)))} (session {session})," if satellite else "of nobody"
            )
            yield f"In {_many(chunks, 'chunk')} {whose} {between(t0, t1)} the {fault}."

    def _acknowledged(self, connection: Connection) -> Iterator[str]:
        """Samples there should be, by the books of the writers and of repairs."""
        # One statement, because recording goes on.
        ((self.samples, self.chunks, self.blocks, expected),) = rows(connection, f"{_SIZES}, ({BOOKS})", [UNREAD])
        if expected != self.samples:
            yield f"{expected:,} samples should be there, and {self.samples:,} are."

    def _files(self, connection: Connection, folder: Path) -> Iterator[str]:
        found = manifest.read(folder)
        if found is None:
            yield f"{folder} has no {manifest.NAME}: nothing was published there."
            return
        if found.made != manifest.identity(connection):
            yield f"{folder} holds what another archive published (made {found.made})."
        for number, file in enumerate(found.files):
            if self._stop.is_set():
                raise StoppedError
            self._say("reading what was published", 0.8 + 0.2 * number / len(found.files))
            self.files += 1
            path = folder / file.path
            span = f" (rows from {file.start} to {file.end})" if file.start else ""
            fault = manifest.fault(folder, file)
            if fault:
                yield f"{path}{span} {fault}."


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
