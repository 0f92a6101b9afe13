"""An archive: one DuckDB file, its writing connection, and cursors for everybody who reads.

Any thread may call any method. Writing (``write``, ``begin_session``) is one at a time; the recorder's thread is
the only one that writes samples. Readers take a cursor a call, so that none waits for another.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from storage import door, durable
from storage.door import Connection, DatabaseError, Door, rows, transaction
from storage.errors import StorageError, explain, invalidates
from storage.journal import Journal
from storage.ledger import Ledger, Mark
from telemetry import Origin

if TYPE_CHECKING:
    from storage.batch import Batch

log = logging.getLogger(__name__)

READERS_PATIENCE_S = 2.0
"""How long a reader is let go on before it is interrupted, where opening again can wait."""
READERS_DEADLINE_S = 5.0
"""How long opening again waits for readers to let go of a database that is no longer valid."""

_open: set[Path] = set()
_open_lock = threading.Lock()
# The database shares one instance between two connections of a process; two archives of one file would then
# hand out the same numbers twice. Only a process as a whole can know that, hence module level.


def wall_clock() -> int:
    """UTC microseconds now."""
    return time.time_ns() // 1000


def program_version() -> str:
    """This program's version, for the archive's own record."""
    try:
        return version("perigee")
    except PackageNotFoundError:
        return "unknown"


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path names, whatever happens to the name."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Archive(Journal):
    """One archive file, held open. Made by ``open``."""

    def __init__(self, way: Door, connection: Connection, mark: Mark, ledger: Ledger, clock: Callable[[], int]) -> None:
        self._door = way
        self._connection: Connection | None = connection
        self._ledger = ledger
        self._clock = clock
        self._mark = mark
        self._newest: int | None = None
        self._write = threading.RLock()
        self._maintain = threading.Lock()
        self._readers: set[Connection] = set()
        self._changed = threading.Condition()
        self._barred = False
        self._closed = False
        self._invalid = False
        self._recorded_into = False
        self._leftover: int | None = None
        self.path = way.path
        self._file = _identity(way.path)
        self.notices: list[str] = []
        # The log that an earlier process left stays until the next checkpoint, and may be damaged until then.
        self._ledger.write(mark)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        create: bool = True,
        memory_mb: int = 512,
        threads: int = 1,
        clock: Callable[[], int] = wall_clock,
    ) -> Archive:
        """The archive at ``path``, made where there is none and ``create`` is set.

        Sentences about what a crash left damaged stand in ``notices``. Raises StorageError.
        """
        path = Path(path).resolve()
        with _open_lock:
            if path in _open:
                raise StorageError(f"{path} is already open in this program: use that one, or close it first.")
            _open.add(path)
        ledger = Ledger(path)
        way = Door(path, memory_mb, threads, program_version())
        try:
            connection, mark, notices = way.open(create=create, now=clock(), mark=ledger.read())
        except BaseException:
            _forget(path)
            raise
        archive = cls(way, connection, mark, ledger, clock)
        archive.notices.extend(notices)
        return archive

    @property
    def bytes(self) -> int:
        """Size of the file and of its write-ahead log."""
        total = 0
        for path in (self.path, self.path.with_name(self.path.name + ".wal")):
            try:
                total += path.stat().st_size
            except OSError:
                continue
        return total

    @property
    def newest(self) -> int | None:
        """The latest telemetry time that has been committed since this was opened; None where nothing has."""
        return self._newest

    def used_bytes(self) -> int:
        """What lies in the file, without the room in it that is free. Raises StorageError."""
        with self.reading() as cursor:
            ((block, used),) = rows(
                cursor,
                "SELECT block_size, used_blocks FROM pragma_database_size() WHERE database_name = ?",
                [door.ALIAS],
            )
        return int(block) * int(used)

    def checkpoint(self) -> None:
        """Fold the log into the file; what was deleted is free room then. Recording waits. Raises StorageError."""
        with self._writing() as connection:
            connection.execute(f"CHECKPOINT {door.ALIAS}")

    def begin_session(
        self,
        *,
        started: int,
        origin: Origin,
        sources: Sequence[str],
        settings: str = "{}",
        models: str = "[]",
        relative: bool = False,
        limits: str = "",
    ) -> int:
        """The number of a new session. ``settings`` and ``models`` are JSON, ``limits`` a hash. Raises StorageError."""
        with self._writing() as connection, transaction(connection):
            ((session,),) = rows(connection, "SELECT coalesce(max(id), 0) + 1 FROM _session")
            connection.execute(
                "INSERT INTO _session VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, ?)",
                [session, started, origin, list(sources), self._door.program, settings, models, relative, limits],
            )
        return int(session)

    def claim(self) -> tuple[int, int, int]:
        """Become the one writer: the highest group, channel and block numbers in use, to hand out the next.

        Raises StorageError where somebody records already; ``release`` ends it.
        """
        with self._write:
            if self._recorded_into:
                raise StorageError(f"{self.path} is being recorded into: use that recorder, or close it first.")
            group, channel, block = self._numbers()
            self._recorded_into = True
            self._leftover = block
        return group, channel, block

    @property
    def leftover(self) -> int:
        """Pieces up to this block's number were left by earlier writers; the others belong to the one that records.

        Raises StorageError.
        """
        if self._leftover is None:
            # Where nobody records: what a recorder that begins right after this writes is not counted.
            with self._write:
                if self._leftover is None:
                    self._leftover = self._numbers()[2]
        return self._leftover

    def _numbers(self) -> tuple[int, int, int]:
        with self.reading() as cursor:
            ((group, channel, block),) = rows(
                cursor,
                "SELECT (SELECT coalesce(max(id), 0) FROM _group), (SELECT coalesce(max(id), 0) FROM _channel), "
                "(SELECT coalesce(max(id), 0) FROM (FROM (SELECT id FROM _every_block) "
                "UNION ALL SELECT id FROM _ratio_block))",
            )
        return int(group), int(channel), int(block)

    def release(self) -> None:
        """Give up what ``claim`` gave."""
        self._recorded_into = False

    def write(self, batch: Batch) -> bool:
        """Commit ``batch``, all of it or nothing; False where it was there already (an answer got lost).

        Returns when the commit is durable. Raises StorageError, and then ``reopen`` comes first.
        """
        self._look_for_the_file()
        with self._writing() as connection:
            with transaction(connection):
                found = rows(connection, "SELECT seq, samples, newest FROM _writer WHERE id = ?", [batch.writer])
                seq, samples, newest = found[0] if found else (0, 0, None)
                if seq >= batch.seq:
                    return False
                now = self._clock()
                values = [batch.seq, samples + batch.samples, _later(newest, batch.newest), now, batch.writer]
                if not found:
                    connection.execute(
                        "INSERT INTO _writer (seq, samples, newest, committed, id) VALUES (?, ?, ?, ?, ?)", values
                    )
                else:
                    connection.execute(
                        "UPDATE _writer SET seq = ?, samples = ?, newest = ?, committed = ? WHERE id = ?", values
                    )
                batch.insert(connection)
            self._newest = _later(self._newest, batch.newest)
            mark = Mark(
                self._mark.commits + batch.seq - seq,
                self._mark.samples + batch.samples,
                now,
                _later(self._mark.newest, batch.newest),
            )
            self._mark = mark
            self._ledger.write(mark)
        return True

    def _look_for_the_file(self) -> None:
        """What is written to a file that has lost its name is lost with it."""
        try:
            here = self.path.stat()
        except OSError:
            here = None
        if here is None or (self._file is not None and (here.st_dev, here.st_ino) != self._file):
            raise StorageError(
                f"{self.path} was removed or replaced while it was being recorded into, and what it held is gone with "
                "it: put it back, or start again with another archive."
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else puts in order what is there; recording goes on."""
        with self._maintain:
            yield

    @contextmanager
    def maintaining(self) -> Iterator[Connection]:
        """A cursor to put in order what is there, beside the one that records; one at a time. Raises StorageError.

        Its transactions may move and delete what was committed before, and nothing that a recorder still holds.
        """
        with self.alone(), self.reading() as cursor:
            yield cursor

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A cursor of the caller's own, closed afterwards. Raises StorageError."""
        self._revive()
        with self._changed:
            if self._barred:
                self._changed.wait_for(lambda: not self._barred, READERS_DEADLINE_S)
            if self._closed or self._barred or self._connection is None:
                raise StorageError(f"{self.path} is not open: try again when it is being recorded into.")
            try:
                cursor = door.cursor(self._connection)
            except DatabaseError as problem:
                raise self._explained(problem) from problem
            self._readers.add(cursor)
        try:
            yield cursor
        except DatabaseError as problem:
            raise self._explained(problem) from problem
        finally:
            cursor.close()
            with self._changed:
                self._readers.discard(cursor)
                self._changed.notify_all()

    def reopen(self) -> None:
        """Close and open again, after an error that may have made the database invalid. Raises StorageError."""
        with self._write:
            if self._closed:
                raise StorageError(f"{self.path} is closed.")
            self._let_go()
            self._open_again()

    def _open_again(self) -> None:
        self._invalid = True
        try:
            self._connection, self._mark, notices = self._door.open(create=False, now=self._clock(), mark=self._mark)
        finally:
            with self._changed:
                self._barred = False
                self._changed.notify_all()
        self._invalid = False
        self._file = _identity(self.path)
        self.notices.extend(notices)

    def _explained(self, problem: Exception) -> StorageError:
        self._invalid = self._invalid or invalidates(problem)
        return explain(problem, self.path)

    def _revive(self) -> None:
        """Open again what a full disk made invalid, or what could not be opened: who records is not always there."""
        if self._invalid:
            with self._write:
                if self._invalid and not self._closed:
                    self.reopen()

    def replace_file(self, copy: Path, finish: Callable[[Connection], object]) -> None:
        """Put ``copy`` in the place of the file, after ``finish``, which is given the connection that records.

        Readers are given a moment to end. Raises StorageError; the old file is there then.
        """
        with self._writing() as connection:
            finish(connection)
            self._let_go(READERS_PATIENCE_S)
            try:
                if self.path.with_name(self.path.name + ".wal").exists():
                    raise StorageError(f"The log of {self.path} could not be folded into it: try again later.")
                durable.put(copy, self.path)
            finally:
                self._open_again()

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        with self._write:
            if self._closed:
                return
            self._let_go()
            self._closed = True
            with self._changed:
                self._barred = False
                self._changed.notify_all()
            left = self.path.with_name(self.path.name + ".wal")
            if left.exists():
                self._ledger.release()
            else:
                self._ledger.remove()
        _forget(self.path)

    def _let_go(self, patience_s: float = 0.0) -> None:
        with self._changed:
            self._barred = True
            self._changed.wait_for(lambda: not self._readers, patience_s)
            for cursor in self._readers:
                cursor.interrupt()
            if not self._changed.wait_for(lambda: not self._readers, READERS_DEADLINE_S):
                log.warning("%d readers of %s did not let go", len(self._readers), self.path)
            connection, self._connection = self._connection, None
        if connection is not None:
            try:
                door.close(connection)
            except DatabaseError as problem:
                # Closing folds the log into the file; where that fails the log stays, and is replayed next time.
                log.info("closing %s: %s", self.path, problem)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._write:
            self._revive()
            if self._connection is None:
                raise StorageError(f"{self.path} is not open: record into another archive.")
            try:
                yield self._connection
            except (DatabaseError, OSError) as problem:
                raise self._explained(problem) from problem

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _later(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _forget(path: Path) -> None:
    with _open_lock:
        _open.discard(path)
