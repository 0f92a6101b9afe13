"""A damaged archive is replaced by a new file of everything in it that can be read. Nothing is deleted.

For whoever has the archive to himself: its file changes its name.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from storage import door, durable
from storage.archive import Archive, program_version
from storage.damage import CHUNKS, OF_SATELLITES, UNREAD, Lost, Rows, elsewhere, losses, lost, survey
from storage.door import Connection, rows
from storage.errors import StoppedError, StorageError, explain

NAMES = ("_migration", "_group", "_channel")
"""The tables without which nothing in the others has a name."""
_NEW = "repaired"
RECOVERED = "recovered"
"""The source of a session of which nothing is known but its samples."""

_NAMELESS = f"""
SELECT session, coalesce(min(t0), 0)
FROM (SELECT id, session FROM {_NEW}._channel UNION ALL SELECT NULL, session FROM {_NEW}._group) k
LEFT JOIN {_NEW}._every_chunk ON channel = k.id
WHERE session NOT IN (SELECT id FROM {_NEW}._session)
GROUP BY session ORDER BY session
"""


@dataclass(frozen=True, slots=True)
class Repaired:
    """``damaged`` is where the damaged file is kept (empty: there was nothing to repair, or it was stopped).

    ``samples`` are those in the archive now, ``lost`` those that could not be read; ``problems`` say of which spans.
    """

    damaged: str
    samples: int
    lost: int
    problems: tuple[str, ...]
    whole: bool


def repair(path: Path, *, say: Callable[[str, float], None] = lambda *_: None, stop: threading.Event) -> Repaired:
    """Put a new file in the place of the archive at ``path``, where that cannot be read in part.

    Raises StorageError where nothing can be made of it; then everything is as it was.
    """
    fresh = path.with_name(f"{path.name}.repairing")
    with Archive.open(path, create=False) as archive:
        path = archive.path
        try:
            with archive.reading() as connection:
                found = survey(connection, lambda what, done: say(what, done / 2), stop)
                if all(run.readable for runs in found.values() for run in runs):
                    ((samples,),) = rows(connection, "SELECT coalesce(sum(n), 0)::BIGINT FROM _every_chunk")
                    return Repaired("", samples, 0, tuple(archive.notices), True)
                _look(connection, path, found)
                door.remove(fresh)
                Archive.open(fresh).close()
                samples, gone, made_up = _copy(connection, fresh, found, say, stop)
        except StoppedError:
            door.remove(fresh)
            return Repaired("", 0, 0, tuple(archive.notices), False)
        except (OSError, StorageError) as problem:
            door.remove(fresh)
            raise explain(problem, path) if isinstance(problem, OSError) else problem from problem
        notices = tuple(archive.notices)
    kept = _swap(path, fresh)
    problems = (*notices, *(str(one) for one in gone), *elsewhere(found), *made_up)
    return Repaired(str(kept), samples, sum(one.samples or 0 for one in gone), problems, True)


def _look(connection: Connection, path: Path, found: dict[str, list[Rows]]) -> None:
    """Raise StorageError where a repair would make nothing of use, or cannot be made."""
    for table in NAMES:
        if any(not run.readable for run in found[table]):
            raise StorageError(
                f"{path} cannot be repaired, because the names of its channels are damaged too (table {table}): "
                "restore it from a copy. Nothing in it was changed."
            )
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if size > free:
        raise StorageError(
            f"A repair of {path} makes a second file of up to {size / 1e6:,.0f} MB beside it, and "
            f"{free / 1e6:,.0f} MB are free there: make some room."
        )


def _copy(
    connection: Connection,
    fresh: Path,
    found: dict[str, list[Rows]],
    say: Callable[[str, float], None],
    stop: threading.Event,
) -> tuple[int, list[Lost], list[str]]:
    """Fill the new file; samples in it, what did not come to be there, and sentences about what is made up."""
    door.attach(connection, fresh, _NEW)
    try:
        connection.execute(f"DELETE FROM {_NEW}._migration")
        for number, (table, runs) in enumerate(found.items()):
            say(f"copying {table}", 0.5 + 0.5 * number / len(found))
            for run in runs:
                if stop.is_set():
                    raise StoppedError
                if run.readable:
                    connection.execute(f"INSERT INTO {_NEW}.{table} BY NAME {run.query}")
        gone = lost(connection, found) + _without_times(connection)
        _note(connection, gone)
        made_up = _make_up_sessions(connection)
        ((samples,),) = rows(connection, f"SELECT coalesce(sum(n), 0)::BIGINT FROM {_NEW}._every_chunk")
    finally:
        connection.execute(f"DETACH {_NEW}")
    return int(samples), gone, made_up


def _without_times(connection: Connection) -> list[Lost]:
    """Take out chunks whose times could not be read."""
    known = f"SELECT id FROM {_NEW}._every_block"
    orphans = f"(SELECT * FROM {_NEW}._every_chunk WHERE block NOT IN ({known}))"
    found = rows(connection, OF_SATELLITES.format(orphans, f"{_NEW}."))
    for table in CHUNKS:
        connection.execute(f"DELETE FROM {_NEW}.{table} WHERE block NOT IN ({known})")
    return losses(found)


def _make_up_sessions(connection: Connection) -> list[str]:
    """Give samples whose session could not be read one of its number again; a sentence about each."""
    found = rows(connection, _NAMELESS)
    for session, started in found:
        # Without an end: an import is as old as its end, and nothing here may expire by a time that is made up.
        connection.execute(
            f"INSERT INTO {_NEW}._session VALUES (?, ?, NULL, 'import', ?, ?, '{{}}', '[]', false, '')",
            [session, started, [RECOVERED], program_version()],
        )
    return [
        f"Session {session} could not be read: one of that number was made up for its samples, of origin import and "
        f"source {RECOVERED}, which begins with the first of them."
        for session, _ in found
    ]


def _note(connection: Connection, gone: Sequence[Lost]) -> None:
    """What is lost stands as a gap; where it is not known whose or of when, in session 0 and over all times."""
    ((first, last),) = rows(connection, f"SELECT min(t0), max(t1) FROM {_NEW}._every_block")
    for one in gone:
        start, stop = first if one.start is None else one.start, last if one.stop is None else one.stop
        connection.execute(
            f"INSERT INTO {_NEW}._gap VALUES (?, coalesce(?, 0), coalesce(?, 0), ?, ?)",
            [one.session or 0, start, stop, one.samples or 0, UNREAD],
        )


def _swap(path: Path, fresh: Path) -> Path:
    """Give the damaged file, with its log if it has one, another name, and the new one its own."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    log = path.with_name(f"{path.name}.wal")
    try:
        if log.exists():
            log.rename(kept.with_name(f"{kept.name}.wal"))
        os.link(path, kept)  # there is a file of the archive's name at every moment
        durable.put(fresh, path)
    except OSError as problem:
        raise StorageError(
            f"The repaired archive is {fresh}, but it cannot take the name of {path} ({problem.strerror or problem}): "
            "rename both."
        ) from problem
    return kept
