"""Reading that somebody else may stop: what is asked of an archive is not always wanted until it is answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from storage.door import Connection
from storage.errors import StorageError


class Readable(Protocol):
    """What a ``Reader`` reads from: an ``Archive``, or one that can be stopped."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A cursor of the caller's own, closed afterwards. Raises StorageError."""


class Stoppable:
    """An archive for one question; ``stop``, from any thread, ends it with a StorageError."""

    def __init__(self, archive: Readable) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._cursor: Connection | None = None
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped

    def stop(self) -> None:
        """End what is being read; nothing is read any more."""
        with self._lock:
            self._stopped = True
            if self._cursor is not None:
                self._cursor.interrupt()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See ``Readable``."""
        with self._archive.reading() as cursor:
            with self._lock:
                if self._stopped:
                    raise StorageError("Reading was stopped.")
                self._cursor = cursor
            try:
                yield cursor
            finally:
                with self._lock:
                    self._cursor = None
