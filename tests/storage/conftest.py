"""A disk that can be filled."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_READ_ONLY, _REMOUNT, _DETACH = 1, 32, 2


def make_read_only(disk: Path) -> None:
    """Take no writing on a small disk from here on."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mount(b"tmpfs", os.fsencode(disk), b"tmpfs", ctypes.c_ulong(_REMOUNT | _READ_ONLY), None) == 0


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 12 MB, in a folder of its own: pytest's folders are cleared by whichever run of it ends."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    # The calls themselves: neither a process to start nor a table of mounts to read, while others mount theirs.
    libc = ctypes.CDLL(None, use_errno=True)
    folder = Path(tempfile.mkdtemp(prefix="perigee-disk-"))
    name = os.fsencode(folder)
    if libc.mount(b"tmpfs", name, b"tmpfs", ctypes.c_ulong(0), b"size=12m"):
        folder.rmdir()
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        assert libc.umount2(name, _DETACH) == 0, os.strerror(ctypes.get_errno())
        folder.rmdir()
