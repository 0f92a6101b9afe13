"""A folder that one process at a time publishes into: a lock on a file in it, which ends with its process. Any thread.

The file stays, empty: who removed it could take it from under the next one, who has just locked it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path

from storage.errors import StorageError, explain

NAME = ".publishing"
"""The file that is locked; it says who holds it. Readers of Parquet folders pass over names that begin with a dot."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Nobody else publishes into ``folder`` meanwhile. Raises StorageError, also where somebody is at it."""
    path = folder / NAME
    with ExitStack() as held:
        try:
            file = held.enter_context(path.open("a+b", buffering=0))
            _lock(file, folder)
            _say(file, f"process {os.getpid()} on {socket.gethostname()}")
        except OSError as problem:
            raise explain(problem, path) from problem
        try:
            yield
        finally:
            _say(file, "")


def _lock(file: FileIO, folder: Path) -> None:
    if sys.platform == "win32":
        return  # a lock there keeps the next one from reading who holds it: two at once are not told of
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        file.seek(0)
        who = (file.read() or b"").decode(errors="replace") or "another process"
        raise StorageError(
            f"{folder} is being published into by {who}: wait until that is done, or give another folder."
        ) from problem


def _say(file: FileIO, who: str) -> None:
    file.truncate(0)
    file.write(who.encode())
