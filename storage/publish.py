"""An archive is published: Parquet files by the day, and a manifest, that others read without this program.

What is published is never changed. A day is written when it is closed; samples that come for it afterwards go into
a further file of that day. Small tables are written whole whenever they have changed, each time as a new edition.
A file counts once the manifest names it, so whatever ends a run, the next one goes on. Any thread; of
two that publish into one folder the second is refused.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from storage import daily, manifest
from storage.archive import Archive, program_version
from storage.claim import claimed
from storage.daily import DAY, SAMPLES, SCORES, TIME, Daily
from storage.door import Connection, rows
from storage.errors import StoppedError, StorageError, explain
from storage.manifest import Day, Manifest, PublishedFile
from storage.writing import Writing
from telemetry.clock import SECOND

MARGIN = 600 * SECOND
"""How far the telemetry of a session that goes on must have come beyond a day before the day is closed."""
WIDTH = 8
"""Bytes a sample on the disk, before anything is published that would say."""
TABLES = (
    "sessions", "channels", "events", "alarms", "alarm_history", "annotations", "labels", "gaps", "expired", "verdicts",
    "commissionings", "audit",
)  # fmt: skip
"""The views that are published whole."""


@dataclass(frozen=True, slots=True)
class Published:
    """What one run added to ``folder``. ``waiting`` are days (ISO) that are not closed; ``whole`` is false where it
    was stopped, and the next run goes on there.
    """

    folder: str
    days: int
    files: int
    samples: int
    bytes: int
    waiting: tuple[str, ...]
    whole: bool


def publish(
    archive: Archive,
    folder: Path,
    *,
    running: Sequence[int] = (),
    margin: int = MARGIN,
    say: Callable[[str, float], None] = lambda *_: None,
    stop: threading.Event,
) -> Published:
    """Add to ``folder`` what it lacks; ``say`` is told what is done and how far it is (0 to 1).

    ``running`` are the sessions that go on; a day is closed when each of them is ``margin`` (us) beyond its end.
    Raises StorageError; what was published until then stays.
    """
    _make(archive, folder)
    with claimed(folder), archive.maintaining() as connection:
        found = _enter(folder, connection)
        try:
            return _Run(connection, folder, found, margin, say, stop).run(running)
        except OSError as problem:
            raise explain(problem, folder) from problem


def _make(archive: Archive, folder: Path) -> None:
    """Make the folder, where it is not there. Raises StorageError where it is no place to publish into."""
    if folder.resolve() in (archive.path, archive.path.parent):
        raise StorageError(f"{folder} is where the archive itself lies: give a folder of its own.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = {one.name for one in folder.iterdir() if not one.name.startswith(".")}
    except (FileExistsError, NotADirectoryError) as problem:
        raise StorageError(f"{folder} is a file: give a folder.") from problem
    except OSError as problem:
        raise explain(problem, folder) from problem
    if there and manifest.NAME not in there:
        raise StorageError(f"{folder} holds other files: give an empty folder, or one that is not there yet.")


def _enter(folder: Path, connection: Connection) -> Manifest:
    """The manifest of a folder that this archive may be published into; where there is none yet it is made."""
    made, sessions = manifest.identity(connection), manifest.sessions(connection)
    found = manifest.read(folder)
    if found is not None:
        if found.made != made:
            raise StorageError(
                f"{folder} holds what another archive published (made {found.made}, this one {made}): "
                "give another folder."
            )
        for session, started in sessions.items():
            if found.sessions.get(session, started) != started:
                raise StorageError(
                    f"{folder} holds a session {session} that began {found.sessions[session]}, and that of this "
                    f"archive began {started}: it and the one that published there are copies of one archive that "
                    "were both recorded into. Publish into another folder."
                )
        found.program = program_version()
        found.sessions |= sessions
        return found
    try:
        found = Manifest(made, program_version(), sessions)
        found.write(folder)
    except OSError as problem:
        raise explain(problem, folder) from problem
    return found


@dataclass(frozen=True, slots=True)
class _Task:
    """A day of a table that is to be written, of some sessions; ``rows`` is how much of it is new."""

    table: Daily
    day: int
    sessions: tuple[int, ...]
    archived: dict[int, int]
    rows: int

    @property
    def name(self) -> str:
        return (date(1970, 1, 1) + timedelta(days=self.day)).isoformat()


class _Run:
    def __init__(
        self,
        connection: Connection,
        folder: Path,
        found: Manifest,
        margin: int,
        say: Callable[[str, float], None],
        stop: threading.Event,
    ) -> None:
        self._connection, self._folder, self._manifest = connection, folder, found
        self._margin, self._say, self._stop = margin, say, stop
        self._added: list[PublishedFile] = []
        self._samples = self._done = self._total = 0

    def run(self, running: Sequence[int]) -> Published:
        tasks: list[_Task] = []
        waiting: set[str] = set()
        closed = self._closed(running)
        for table in (SAMPLES, SCORES):
            for task in self._tasks(table):
                if closed is None or (task.day + 1) * DAY + self._margin <= closed:
                    tasks.append(task)
                else:
                    waiting.add(task.name)
        self._look_at_disk(tasks)
        self._total = sum(task.rows for task in tasks)
        written: set[str] = set()
        whole = True
        try:
            for task in tasks:
                if self._write_day(task):
                    written.add(task.name)
            self._write_tables()
        except StoppedError:
            whole = False
        return Published(
            str(self._folder),
            len(written),
            len(self._added),
            self._samples,
            sum(file.bytes for file in self._added),
            tuple(sorted(waiting)),
            whole,
        )

    def _closed(self, running: Sequence[int]) -> int | None:
        """The time that every running session has reached; None where none runs."""
        if not running:
            return None
        found: list[Any] = rows(
            self._connection,
            "SELECT session, max(t1) FROM _every_chunk JOIN _channel ON id = channel "
            "WHERE session IN (SELECT unnest(?)) GROUP BY session",
            [list(running)],
        )
        newest: dict[int, int] = dict(found)
        return min(newest.get(session, -(1 << 62)) for session in running)

    def _tasks(self, table: Daily) -> list[_Task]:
        published = self._manifest.days.setdefault(table.name, {})
        tasks = []
        for day, sessions in daily.archived(self._connection, table).items():
            task = _Task(table, day, (), sessions, 0)
            had = published[task.name].archived if task.name in published else {}
            fresh = {session: count for session, count in sessions.items() if had.get(session) != count}
            if fresh:
                count = sum(max(0, count - had.get(session, 0)) for session, count in fresh.items())
                tasks.append(_Task(table, day, tuple(sorted(fresh)), {**had, **sessions}, count))
        return tasks

    def _look_at_disk(self, tasks: Sequence[_Task]) -> None:
        samples = sum(task.rows for task in tasks if task.table is SAMPLES)
        files = [file for day in self._manifest.days[SAMPLES.name].values() for file in day.files]
        had = sum(file.rows for file in files)
        needed = int(samples * (1.2 * sum(file.bytes for file in files) / had if had else WIDTH))
        free = shutil.disk_usage(self._folder).free
        if needed > free:
            raise StorageError(
                f"{samples:,} samples need about {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free on the disk "
                f"of {self._folder}: make room there, or give a folder on another disk."
            )

    def _write_day(self, task: _Task) -> bool:
        """Whether there was anything that its files did not have."""
        table, name = task.table, task.name
        day = self._manifest.days[table.name].get(name, Day())
        for file in day.files:
            # What is read beside the archive is looked at here, so that no damage of it is taken for the archive's.
            fault = manifest.fault(self._folder, file)
            if fault:
                raise StorageError(
                    f"{self._folder / file.path} {fault}: restore it from a copy, or publish into another folder."
                )
        had = [str(self._folder / file.path) for file in day.files]
        written = 0
        path = f"{table.name}/day={name}/part-{len(day.files) + 1}.parquet"
        with Writing(self._folder, path, table.schema, table.time) as out:
            for piece in daily.pieces(self._connection, table, task.day, task.sessions):
                if self._stop.is_set():
                    raise StoppedError
                found = daily.fetch(self._connection, table, piece, had)
                out.write(found)
                written += len(found)
                done = self._done + min(written, task.rows)
                self._say(f"{table.name} of {name}", done / max(1, self._total))
        made = out.file
        self._done += task.rows
        self._manifest.days[table.name][name] = Day(task.archived, [*day.files, *([made] if made else [])])
        self._manifest.write(self._folder)
        if made is None:
            return False
        self._added.append(made)
        if table is SAMPLES:
            self._samples += made.rows
        return True

    def _write_tables(self) -> None:
        """A new edition of every small table that is not as it was."""
        had = len(self._added)
        for view in TABLES:
            if self._stop.is_set():
                raise StoppedError
            editions = self._manifest.tables.setdefault(view, [])
            found = _table(self._connection, view)
            path = f"{view}/edition={len(editions) + 1}/{view}.parquet"
            with Writing(self._folder, path, found.schema, None, unlike=editions[-1].sha256 if editions else "") as out:
                out.write(found)
            if out.file is not None:
                editions.append(out.file)
                self._added.append(out.file)
        if len(self._added) > had:
            self._manifest.write(self._folder)


def _table(connection: Connection, view: str) -> pa.Table:
    """A view as every reader of Parquet understands it.

    Maps are lists of pairs, lengths of time are microseconds, JSON is text, times are in UTC.
    """
    columns, times = [], []
    for name, kind, *_ in rows(connection, f"DESCRIBE {view}"):
        quoted = f'"{name}"'
        if kind.startswith("MAP("):
            columns.append(f"map_entries({quoted}) AS {quoted}")
        elif kind == "INTERVAL":
            columns.append(f"epoch_us({quoted}) AS {quoted}")
        elif kind == "JSON":
            columns.append(f"{quoted}::VARCHAR AS {quoted}")
        else:
            columns.append(quoted)
        if kind == "TIMESTAMP":
            times.append(name)
    found = connection.sql(f"SELECT {', '.join(columns)} FROM {view} ORDER BY ALL").to_arrow_table()
    schema = pa.schema([(one.name, TIME if one.name in times else one.type) for one in found.schema])
    return found.cast(schema)
