"""A new file with the content of an archive, sorted and without holes, that takes the place of the old one.

What is deleted leaves room in the file for what comes, and never makes it smaller; a file in which chunks were
sorted and expired is about twice its content. The copy is made beside the file while recording goes on; then, between
two commits, what was recorded meanwhile is added, the copy is synced, and it is renamed. A process that is killed
leaves the old file or the new one, and at worst a copy that the next opening removes.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage import door, schema
from storage.archive import Archive
from storage.door import Connection, DatabaseError, copy_beside, remove, rows, transaction
from storage.errors import StorageError
from storage.merge import ALIKE
from storage.retention import reduce_oldest
from storage.rewrite import join_left

SLICE_CHUNKS = 100_000
"""Chunks sorted at once: some 30 million samples, 150 MB."""
MARGIN = 1.1
"""Room that is asked for before, as a multiple of the content."""

SHRUNK = 0.8
"""Share of its bound that a file is brought back to, so that this is not needed again at once."""

_TARGET = "target"
_RUN = 1
"""The run of everything in a new file."""
_GROWING = {"_ratio_block": "id", "_ratio": "block", "_score": "rowid"}
"""Tables that may be large and only grow while a copy is made, and what numbers their rows in order."""
_CHUNKS = ("_block", "_chunk", "_merged_block", "_merged_chunk", "_run")


@dataclass(frozen=True, slots=True)
class Compacted:
    """Bytes of the file before and after."""

    before: int
    after: int


def compact(
    archive: Archive, *, say: Callable[[str, float], object], stop: threading.Event, reserve_bytes: int = 0
) -> Compacted:
    """Put a compact copy in the place of the archive's file. Recording goes on, and waits a moment at the end.

    ``say`` is told what is being done and the share of it that is (0 to 1), on the caller's thread; ``stop`` ends it
    with everything as it was. Raises StorageError.
    """
    with archive.alone():
        before = archive.bytes
        _look_for_room(archive, reserve_bytes)
        copy = _Copy(copy_beside(archive.path))
        try:
            with archive.reading() as connection:
                say("Joining what was left in pieces", 0.0)
                join_left(connection, archive.leftover)
                copy.begin(connection)
                copy.chunks(connection, say, stop)
            say("Adding what was recorded meanwhile", 0.98)
            archive.replace_file(copy.path, copy.finish)
        except BaseException:
            try:
                with contextlib.suppress(StorageError), archive.reading() as connection:
                    copy.let_go(connection)
            finally:
                remove(copy.path)
            raise
    say("Done", 1.0)
    return Compacted(before, archive.bytes)


def shrink(archive: Archive, bound: int, now: int, stop: threading.Event) -> int:
    """Make the file small again once it holds more than ``bound`` bytes; the samples that had to go for it.

    It is compacted; where that is not enough, its oldest values are reduced to a minute's summary until there is room
    for a while. The last day before ``now`` (UTC microseconds) is never touched. Raises StorageError.
    """
    if archive.used_bytes() <= bound:
        return 0
    compact(archive, say=lambda *_: None, stop=stop)
    used = archive.used_bytes()
    if used <= SHRUNK * bound:
        return 0
    with archive.reading() as cursor:
        ((held,),) = rows(cursor, "SELECT coalesce(sum(n), 0) FROM _every_chunk")
    gone = reduce_oldest(archive, held * (1 - SHRUNK * bound / used), now, stop)
    if gone:
        compact(archive, say=lambda *_: None, stop=stop)
    return gone


def _look_for_room(archive: Archive, reserve: int) -> None:
    free = shutil.disk_usage(archive.path.parent).free
    needed = int(archive.used_bytes() * MARGIN) + reserve
    if free < needed:
        kept = f", {reserve / 1e6:,.0f} MB of them what is always left free (storage.reserve_mb)" if reserve else ""
        raise StorageError(
            f"A compact copy of {archive.path} needs about {needed / 1e6:,.0f} MB beside it{kept}, and "
            f"{free / 1e6:,.0f} MB are free: make some room there."
        )


class _Copy:
    """The file in the making. Each method is called once, in this order; ``let_go`` where one of them failed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: dict[str, int] = {}

    def begin(self, connection: Connection) -> None:
        """Make the file with its tables, and note how far the archive goes now."""
        remove(self.path)
        door.attach(connection, self.path, _TARGET)
        connection.execute(f"USE {_TARGET}")
        for statements in schema.MIGRATIONS:
            connection.execute(statements)
        connection.execute(f"USE {door.ALIAS}")

    def chunks(self, connection: Connection, say: Callable[[str, float], object], stop: threading.Event) -> None:
        """Copy every chunk there is, by channel and time, and the tables that only grow, as of one moment."""
        with transaction(connection):
            ((self._last["_block"],),) = rows(connection, "SELECT coalesce(max(id), 0) FROM _every_block")
            for table, number in _GROWING.items():
                ((self._last[table],),) = rows(connection, f"SELECT coalesce(max({number}), -1) FROM {table}")
                connection.execute(f"INSERT INTO {_TARGET}.{table} SELECT * FROM {table}")
            whole = "SELECT * FROM {0} WHERE {1} <= $1 UNION ALL SELECT * EXCLUDE (run) FROM _merged{0}"
            last = self._last["_block"]
            connection.execute(
                f"INSERT INTO {_TARGET}._merged_block SELECT *, {_RUN} FROM ({whole.format('_block', 'id')}) "
                "ORDER BY grp, t0, id",
                [last],
            )
            slices = _slices(rows(connection, _COUNTS, [last]))
            for done, channels in enumerate(slices):
                if stop.is_set():
                    raise StorageError(f"{self.path.stem} was left as it was: its compaction was ended.")
                say("Copying", 0.05 + 0.9 * done / len(slices))
                connection.execute(
                    f"INSERT INTO {_TARGET}._merged_chunk SELECT *, {_RUN} FROM ({whole.format('_chunk', 'block')}) "
                    "WHERE channel IN (SELECT unnest($2)) "
                    "ORDER BY list_position($2, channel), t0, block",
                    [last, channels],
                )
            connection.execute(f"INSERT INTO {_TARGET}._run VALUES ({_RUN}, 2)")

    def finish(self, connection: Connection) -> None:
        """Add what came since, make sure that nothing is missing, and let go of the file. Nobody writes meanwhile."""
        with transaction(connection):
            for table, number in (("_block", "id"), ("_chunk", "block")):
                connection.execute(
                    f"INSERT INTO {_TARGET}.{table} SELECT * FROM {table} WHERE {number} > ?", [self._last["_block"]]
                )
            for table, number in _GROWING.items():
                connection.execute(
                    f"INSERT INTO {_TARGET}.{table} SELECT * FROM {table} WHERE {number} > ?", [self._last[table]]
                )
            tables = rows(connection, "SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [door.ALIAS])
            for (table,) in tables:
                if table not in _GROWING and table not in _CHUNKS:
                    connection.execute(f"INSERT INTO {_TARGET}.{table} SELECT * FROM {table}")
        for view in ("_every_block", "_every_chunk", *_GROWING, "_event"):
            ((here,), (there,)) = rows(
                connection,
                f"SELECT count(*) FROM {door.ALIAS}.{view} UNION ALL SELECT count(*) FROM {_TARGET}.{view}",
            )
            if here != there:
                raise StorageError(f"The copy {self.path} is not whole ({view}: {there:,} of {here:,}): report this.")
        connection.execute(f"CHECKPOINT {_TARGET}")
        connection.execute(f"DETACH {_TARGET}")

    def let_go(self, connection: Connection) -> None:
        """Close the file, should it be open still."""
        with contextlib.suppress(DatabaseError):
            connection.execute(f"DETACH DATABASE IF EXISTS {_TARGET}")


_COUNTS = f"""
SELECT channel, count(*) FROM (
    SELECT channel, lo, hi FROM _chunk WHERE block <= ? UNION ALL SELECT channel, lo, hi FROM _merged_chunk)
GROUP BY channel ORDER BY {ALIKE}, channel
"""


def _slices(counts: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Channels, in order, in portions of about ``SLICE_CHUNKS`` chunks."""
    out: list[list[int]] = []
    room = 0
    for channel, count in counts:
        if not out or count > room:
            out.append([])
            room = SLICE_CHUNKS
        out[-1].append(channel)
        room -= count
    return out
