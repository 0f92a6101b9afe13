"""What an operator changes is noted in the archive's audit: who, when, how it was before and after. Any thread."""

from __future__ import annotations

import getpass
import json
import time

from storage import Archive, Change
from telemetry.clock import SECOND


def note(archive: Archive, session: int, what: str, changed: str, before: object, after: object) -> None:
    """``what`` was done to ``changed``; ``before`` and ``after`` go into it as JSON, None as nothing.

    Raises StorageError.
    """
    was, is_now = (None if value is None else json.dumps(value) for value in (before, after))
    archive.add_change(Change(int(time.time() * SECOND), session, operator(), what, changed, was, is_now))


def operator() -> str:
    """The user whose core this is; nobody else can ask it for anything."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user without a name, as in a container
        return "unknown"
