"""The only way to the database: opening a file so that nothing in it, or beside it, is ever lost without a word.

A write-ahead log that an earlier process left is copied before the database may touch it. It is kept, and said,
where the database refuses it, and where it opens without a word but lacks commits that were acknowledged.
Called by whoever opens an archive, and by the recorder's thread when it opens it again.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from storage import schema
from storage.errors import CorruptLogError, StorageError, explain
from storage.ledger import Mark
from telemetry.clock import iso

Connection = duckdb.DuckDBPyConnection
DatabaseError = duckdb.Error

ALIAS = "archive"
"""What the file is called inside the database; it is attached, because only then can its row groups be sized."""
ROW_GROUP = 8192
"""Rows in a row group. A chunk is a row with hundreds of values in it, and each checkpoint writes the last row group
once more: at the default of 122,880 the file grew by half, and the checkpoints ever slower."""
CHECKPOINT = "32MB"
"""Size of the write-ahead log at which it is folded into the file; replaying that much takes a fraction of a second."""

_LOGS = (".wal", ".wal.checkpoint")


@dataclass(frozen=True, slots=True)
class Door:
    """How a file is opened: memory for the database in MB, its threads, and the program's version."""

    path: Path
    memory_mb: int
    threads: int
    program: str

    def open(self, *, create: bool, now: int, mark: Mark | None = None) -> tuple[Connection, Mark, list[str]]:
        """A connection to an archive of this program's version, what it has taken, and sentences about what is
        missing in it.

        ``now`` is UTC microseconds, ``mark`` what it is known to have acknowledged. Raises StorageError.
        """
        self._look(create)
        fresh = not self.path.exists()
        if not fresh and _held(self.path):
            self._connect().close()  # raises with who it is; until then nothing beside the file is touched
        with contextlib.suppress(OSError):
            remove(copy_beside(self.path))
        kept, made = _keep(self.path)
        try:
            connection, refused = self._connect_or_set_aside(kept)
        except StorageError:
            _remove(made)
            if fresh and self.path.exists() and self.path.stat().st_size == 0:
                # A full disk takes a name and nothing more.
                _remove([self.path])
            raise
        try:
            self._migrate(connection, now)
            found = taken(connection)
        except DatabaseError as problem:
            connection.close()
            raise explain(problem, self.path) from problem
        except StorageError:
            connection.close()
            if fresh:
                _remove([self.path])
            raise
        if fresh and kept:
            return connection, found, [_orphan(self.path, kept)]
        behind = mark is not None and found.commits < mark.commits
        if refused or behind:
            lost = mark if behind else None
            with contextlib.suppress(DatabaseError):
                _note(connection, found, lost)
                # What is left of the log goes into the file: its copy is then the only witness, and nobody's leftover.
                connection.execute(f"CHECKPOINT {ALIAS}")
            return connection, found, [_notice(self.path, kept, found, lost)]
        _remove(kept)
        return connection, found, []

    def _look(self, create: bool) -> None:
        folder = self.path.parent
        if self.path.is_dir():
            raise explain(IsADirectoryError("is a directory"), self.path)
        if not folder.is_dir():
            raise StorageError(f"{self.path} cannot be made: there is no folder {folder}; make it first.")
        there = self.path.exists()
        if not there and not create:
            raise StorageError(f"There is no archive {self.path}: check its name.")
        # The log is made beside the file.
        if not os.access(folder, os.W_OK) or (there and not os.access(self.path, os.R_OK | os.W_OK)):
            raise explain(PermissionError("permission denied"), self.path)

    def _connect_or_set_aside(self, kept: list[Path]) -> tuple[Connection, bool]:
        try:
            return self._connect(), False
        except CorruptLogError:
            if not kept:
                raise
        for suffix in _LOGS:
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return self._connect(), True

    def _connect(self) -> Connection:
        connection: Connection | None = None
        try:
            connection = duckdb.connect(
                ":memory:",
                config={
                    "threads": self.threads,
                    "memory_limit": f"{self.memory_mb}MB",
                    "temp_directory": f"{self.path}.tmp",
                    "checkpoint_threshold": CHECKPOINT,
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                },
            )
            attach(connection, self.path, ALIAS)
            connection.execute(f"USE {ALIAS}")
        except (DatabaseError, OSError) as problem:
            if connection is not None:
                connection.close()
            raise explain(problem, self.path) from problem
        return connection

    def _migrate(self, connection: Connection, now: int) -> None:
        tables = {
            name
            for (name,) in rows(connection, "SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [ALIAS])
        }
        if tables and "_migration" not in tables:
            raise StorageError(
                f"{self.path} is a DuckDB file, but not an archive of Perigee: give another file; "
                "nothing in it was changed."
            )
        found = 0
        if tables:
            ((found, program),) = rows(
                connection, "SELECT coalesce(max(version), 0), arg_max(program, version) FROM _migration"
            )
            if found > schema.VERSION:
                raise StorageError(
                    f"{self.path} was written by Perigee {program}, which is newer than this one "
                    f"({self.program}): open it with that version, or use another archive."
                )
        if found == schema.VERSION:
            return
        with transaction(connection):
            for version in range(found, schema.VERSION):
                connection.execute(schema.MIGRATIONS[version])
                connection.execute("INSERT INTO _migration VALUES (?, ?, ?)", [version + 1, now, self.program])


def attach(connection: Connection, path: Path, alias: str) -> None:
    """Open a file, made where there is none, under a name of its own. Raises DatabaseError, OSError."""
    quoted = str(path).replace("'", "''")
    # The type is said: a name that ends in .csv would else be attached as something that keeps nothing.
    connection.execute(f"ATTACH '{quoted}' AS {alias} (TYPE duckdb, ROW_GROUP_SIZE {ROW_GROUP})")


def copy_beside(path: Path) -> Path:
    """Where a compact copy of an archive is made; what is there when it is opened is left from a killed process."""
    return path.with_name(path.name + ".compacting")


def cursor(connection: Connection) -> Connection:
    """A cursor of its own, to be closed by the caller."""
    made = connection.cursor()
    made.execute(f"USE {ALIAS}")
    return made


def close(connection: Connection) -> None:
    """Fold the log into the file and let go of it. Raises DatabaseError where the log has to stay."""
    try:
        connection.execute("USE memory")
        connection.execute(f"DETACH {ALIAS}")
    finally:
        connection.close()


class transaction:  # noqa: N801 - read as a statement: with transaction(connection)
    """BEGIN, then COMMIT, or ROLLBACK where the body raises."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._connection.execute("COMMIT")
            return
        try:
            self._connection.execute("ROLLBACK")
        except DatabaseError:
            # The transaction is gone already; what made the body raise is the news.
            return


def rows(connection: Connection, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Every row of a small answer; fetched whole, because an open result blocks the next statement."""
    return connection.execute(query, list(values)).fetchall()


def taken(connection: Connection) -> Mark:
    """What the archive has taken so far."""
    ((commits, samples, committed, newest),) = rows(
        connection,
        "SELECT coalesce(sum(seq), 0)::BIGINT, coalesce(sum(samples), 0)::BIGINT, coalesce(max(committed), 0), "
        "max(newest) FROM _writer",
    )
    return Mark(commits, samples, committed, newest)


def _note(connection: Connection, found: Mark, lost: Mark | None) -> None:
    """Keep what is missing where it stays: as a gap of the last session, in telemetry's time where that is known."""
    ((session,),) = rows(connection, "SELECT max(id) FROM _session")
    if session is None or lost is None:
        return
    start, stop = _telemetry(found, lost) or (found.committed, lost.committed)
    values = [session, start, stop, lost.samples - found.samples, "The write-ahead log was damaged."]
    connection.execute("INSERT INTO _gap VALUES (?, ?, ?, ?, ?)", values)


def _telemetry(found: Mark, lost: Mark) -> tuple[int, int] | None:
    """From when to when telemetry is missing; None where its newest time does not tell."""
    if found.newest is None or lost.newest is None or lost.newest <= found.newest:
        return None
    return found.newest, lost.newest


def _notice(path: Path, kept: list[Path], found: Mark, mark: Mark | None) -> str:
    where = f" The damaged log is kept as {kept[0]}." if kept else ""
    since = f"after {iso(found.committed)}" if found.commits else "since the archive was made"
    if mark is None:
        return (
            f"The write-ahead log of {path} is damaged: {path.name} was opened as it was at its last checkpoint, "
            f"and what was recorded {since} may be missing.{where}"
        )
    span = _telemetry(found, mark)
    of = f" (telemetry from {iso(span[0])} to {iso(span[1])})" if span else ""
    return (
        f"The write-ahead log of {path} is damaged: {mark.samples - found.samples:,} samples recorded {since} and "
        f"until {iso(mark.committed)}{of} are missing.{where}"
    )


def _orphan(path: Path, kept: list[Path]) -> str:
    return (
        f"{path} is new, and beside it lay the write-ahead log of another file, which is kept as {kept[0]}: if that "
        "file was moved away, put both back under their old names to have what the log holds."
    )


def _held(path: Path) -> bool:
    """Whether another process holds the database in ``path``."""
    if sys.platform == "win32":
        return False  # there the system lets nobody touch what another process has open
    import fcntl

    with path.open("rb+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _keep(path: Path) -> tuple[list[Path], list[Path]]:
    """Copies of the logs that lie beside ``path``, from before the database may change them, and those made now."""
    kept: list[Path] = []
    made: list[Path] = []
    for suffix in _LOGS:
        log = path.with_name(path.name + suffix)
        part = log.with_name(log.name + ".copying")
        try:
            part.unlink(missing_ok=True)
            if log.stat().st_size == 0:
                continue
            copy, there = _name_of_copy(log)
            if not there:
                made += [part, copy]
                shutil.copyfile(log, part)
                part.replace(copy)
            kept.append(copy)
        except FileNotFoundError:
            continue
        except OSError:
            # No room for a copy: a log that is whole needs none, and one that is refused stays where it is.
            _remove(made)
            return [], []
    return kept, made


def _name_of_copy(log: Path) -> tuple[Path, bool]:
    """A free name, or that of the same copy, which an opening that was killed has left."""
    number = 1
    while (name := log.with_name(f"{log.name}.kept-{number}")).exists():
        if filecmp.cmp(log, name, shallow=False):
            return name, True
        number += 1
    return name, False


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a database file and its logs. Raises OSError."""
    _remove([path, *(path.with_name(path.name + suffix) for suffix in _LOGS)])
