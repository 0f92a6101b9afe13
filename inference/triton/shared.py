"""A piece of shared memory through which windows reach a server on this machine, and scores come back."""

from __future__ import annotations

import contextlib
import os
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from inference.engine import Floats
from inference.errors import ServerGoneError

_PAGE = 4096


class SharedPlace:
    """At least ``size`` bytes, made here and removed by ``close``; used by one thread, closed by any. Raises OSError.

    It belongs to ``owner``, a user and a group, where one is given: to whom a server runs as that is not this user.
    Should this process be killed, Python's resource tracker removes it.
    """

    def __init__(self, size: int, owner: tuple[int, int] | None = None) -> None:
        self._memory = SharedMemory(create=True, size=-(-size // _PAGE) * _PAGE)
        try:
            _reserve(self._memory)
        except OSError:
            self.close()
            raise
        self.name = self._memory.name.lstrip("/")
        self.key = f"/{self.name}"
        self.size = self._memory.size
        if owner is not None:
            try:
                os.chown(Path("/dev/shm", self.name), *owner)  # noqa: S108 - shared memory, no temporary file
            except OSError:
                self.close()
                raise

    def put(self, values: Floats) -> None:
        """Copy ``values`` to the start. Raises ServerGoneError once closed."""
        self._view(0, values.shape)[...] = values

    def take(self, offset: int, shape: tuple[int, ...]) -> Floats:
        """A copy of the float32 values of this shape that lie ``offset`` bytes from the start. Raises as ``put``."""
        return self._view(offset, shape).copy()

    def _view(self, offset: int, shape: tuple[int, ...]) -> Floats:
        buffer: memoryview | None = self._memory.buf
        if buffer is not None:
            with contextlib.suppress(ValueError):  # released since
                return np.ndarray(shape, np.float32, buffer, offset)
        raise ServerGoneError("The connection to the Triton was closed.")

    def close(self) -> None:
        """Remove it. May be called twice."""
        with contextlib.suppress(BufferError):
            self._memory.close()
        with contextlib.suppress(FileNotFoundError):
            self._memory.unlink()


def _reserve(memory: SharedMemory) -> None:
    """Take the memory now. Otherwise the first write to a file system that is full would kill this process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(memory._fd, 0, memory.size)  # type: ignore[attr-defined]  # the module gives its descriptor no public name
