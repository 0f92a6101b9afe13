"""Names that are on the disk when they are given. Any thread."""

from __future__ import annotations

import os
from pathlib import Path


def put(partial: Path, path: Path) -> None:
    """Give a finished file its name, in the place of what has it. Raises OSError."""
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make new names in ``folder`` durable, where the system lets a folder be synced. Raises OSError."""
    if hasattr(os, "O_DIRECTORY"):
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(held)
        finally:
            os.close(held)
