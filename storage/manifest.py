"""What a published folder says of itself: ``manifest.json``, written after the files that it names, in one step.

A file that it names is never changed again. Any thread, one at a time.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from storage import durable
from storage.door import Connection, rows
from storage.errors import StorageError, explain
from telemetry.clock import iso

FORMAT = 1
NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One Parquet file: its path below the folder, rows, first and last time (empty where it has none), size."""

    path: str
    rows: int
    start: str
    end: str
    bytes: int
    sha256: str


@dataclass(slots=True)
class Day:
    """A day of one table: its files in the order of publishing, and rows of the archive a session that they cover."""

    archived: dict[int, int] = field(default_factory=dict)
    files: list[PublishedFile] = field(default_factory=list)


@dataclass(slots=True)
class Manifest:
    """``made`` is when the archive was made, which says which archive it is; ``program`` is who published last.

    ``sessions`` is when each session began: a copy of the archive that went its own way has others by their numbers.
    ``days`` are by table and day, ``tables`` are the editions of each small table, of which the last is in force.
    """

    made: str
    program: str
    sessions: dict[int, str] = field(default_factory=dict)
    days: dict[str, dict[str, Day]] = field(default_factory=dict)
    tables: dict[str, list[PublishedFile]] = field(default_factory=dict)

    @property
    def files(self) -> list[PublishedFile]:
        """Every file, table by table."""
        daily = [file for days in self.days.values() for day in days.values() for file in day.files]
        return daily + [file for editions in self.tables.values() for file in editions]

    def write(self, folder: Path) -> None:
        """Replace the manifest of ``folder``. Raises OSError."""
        days = {
            table: {day: asdict(one) for day, one in sorted(found.items())}
            for table, found in sorted(self.days.items())
        }
        tables = {table: [asdict(one) for one in editions] for table, editions in sorted(self.tables.items())}
        text = json.dumps(
            {
                "format": FORMAT,
                "archive": {"made": self.made},
                "program": self.program,
                "sessions": self.sessions,
                "days": days,
                "tables": tables,
            },
            indent=1,
        )
        partial = folder / f".{NAME}.partial"
        partial.write_text(text + "\n", encoding="utf-8")
        durable.put(partial, folder / NAME)


def read(folder: Path) -> Manifest | None:
    """The manifest of ``folder``, None where there is none. Raises StorageError where it cannot be understood."""
    path = folder / NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] > FORMAT:
            raise StorageError(
                f"{path} was written by Perigee {found['program']}, which is newer than this one: use that version, "
                "or publish into another folder."
            )
        return Manifest(
            str(found["archive"]["made"]),
            str(found["program"]),
            {int(session): str(started) for session, started in found["sessions"].items()},
            {
                table: {
                    day: Day(
                        {int(session): int(count) for session, count in one["archived"].items()},
                        [PublishedFile(**file) for file in one["files"]],
                    )
                    for day, one in days.items()
                }
                for table, days in found["days"].items()
            },
            {table: [PublishedFile(**file) for file in editions] for table, editions in found["tables"].items()},
        )
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise explain(problem, path) from problem
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise StorageError(
            f"{path} is damaged ({problem}): restore it from a copy, or publish into another folder."
        ) from problem


def identity(connection: Connection) -> str:
    """When the archive was made, to the microsecond: it stays through upgrades, copies and repairs."""
    ((made,),) = rows(connection, "SELECT min(applied) FROM _migration WHERE version = 1")
    return iso(made)


def sessions(connection: Connection) -> dict[int, str]:
    """When each session of the archive began."""
    found = rows(connection, "SELECT id, started FROM _session ORDER BY id")
    return {session: iso(started) for session, started in found}


def fault(folder: Path, file: PublishedFile) -> str:
    """What is wrong with a published file, to be said after its name; empty where it is as it was published."""
    try:
        return "" if sha256(folder / file.path) == file.sha256 else "is not as it was published"
    except FileNotFoundError:
        return "is missing"
    except OSError as problem:
        return f"cannot be read ({problem.strerror or problem})"


def sha256(path: Path) -> str:
    """The hash of a file's content. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
