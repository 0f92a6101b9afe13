"""The root error of storage, and the translation of what the database and the disk say. No thread of its own."""

from __future__ import annotations

import re
from pathlib import Path

_HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


class StorageError(Exception):
    """An archive cannot be opened, read or written; the text is a sentence with a cure, fit to be shown as it is."""


class CorruptLogError(StorageError):
    """The write-ahead log cannot be replayed; the archive opens once the log has been set aside."""


class StoppedError(Exception):
    """Somebody asked that the work end; nothing is wrong."""


def speaks_of_damage(problem: Exception) -> bool:
    """Whether what ``problem`` (an error of DuckDB) met is a file that is not as it was written."""
    low = str(problem).lower()
    return any(said in low for said in ("checksum", "corrupt", "not read enough bytes", "could not read"))


def invalidates(problem: Exception) -> bool:
    """Whether the database takes no statement any more until it is opened again."""
    return "has been invalidated" in str(problem)


def explain(problem: Exception, path: Path) -> StorageError:
    """What ``problem`` (an error of DuckDB or of the system, met on ``path``) means to an operator."""
    text = " ".join(str(problem).split())
    low = text.lower()
    holder = _HOLDER.search(text)
    if holder is not None:
        return StorageError(
            f"{path} is in use by process {holder['pid']} ({holder['program']}): close that program, "
            "or use another archive."
        )
    if "conflicting lock" in low or "being used by another process" in low:
        return StorageError(f"{path} is in use by another process: close that program, or use another archive.")
    if "replaying wal" in low or "corrupt wal" in low:
        return CorruptLogError(f"The write-ahead log of {path} is damaged ({text}).")
    if "no space left" in low or "disk full" in low or "not enough space" in low:
        return StorageError(f"The disk of {path} is full: free some space there.")
    if "permission denied" in low or "read-only file system" in low or "access is denied" in low:
        return StorageError(f"{path} may not be written: change its permissions, or record into another folder.")
    if "is a directory" in low:
        return StorageError(f"{path} is a folder: give the name of a file in it.")
    if "not a valid duckdb" in low:
        return StorageError(
            f"{path} is not an archive: give another file, or move it away and a new archive is made there."
        )
    if "newer version" in low or "version number" in low or "storage version" in low:
        return StorageError(f"{path} was written by a newer version of Perigee: open it with that version.")
    if speaks_of_damage(problem):
        return StorageError(
            f"{path} is damaged ({text}): restore it from a copy, or move it away and a new archive is made there. "
            "Nothing in it was changed."
        )
    if "out of memory" in low:
        return StorageError(f"There is not enough memory to work on {path} ({text}): ask for a shorter span.")
    return StorageError(f"{path} cannot be used ({text}): see that its disk works, or use another archive.")
