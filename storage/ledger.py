"""What was acknowledged, kept beside the archive: the only witness when the end of the write-ahead log is lost.

A log whose tail is torn or damaged may open without a word, with its last transactions gone. So the number of
acknowledged commits also stands in a small file next to the archive, written after each commit by the recorder's
thread and removed when the archive is closed. It counts those of every writer, because one log may hold the commits
of several. It is not synced: a process that is killed leaves it whole, and after a power failure it is at worst
behind, which accuses nobody.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

SUFFIX = ".acknowledged"


@dataclass(frozen=True, slots=True)
class Mark:
    """What an archive has taken: the numbers of its writers' last commits added up, their samples, the wall time of
    the last commit, and the newest telemetry time among them all (None: there is none). UTC us.
    """

    commits: int
    samples: int
    committed: int
    newest: int | None


class Ledger:
    """The file of one archive. Written by one thread."""

    def __init__(self, archive: Path) -> None:
        self.path = archive.with_name(archive.name + SUFFIX)
        self._file: int | None = None

    def read(self) -> Mark | None:
        """What the last writer left, None where it left nothing that can be read."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            newest = found["newest"]
            return Mark(
                int(found["commits"]),
                int(found["samples"]),
                int(found["committed"]),
                None if newest is None else int(newest),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, mark: Mark) -> None:
        """Replace the mark, in place and padded, so that a full disk can still take it. Never raises."""
        text = json.dumps(asdict(mark)).ljust(255) + "\n"
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            os.pwrite(self._file, text.encode(), 0) if hasattr(os, "pwrite") else self._rewrite(text)
        except OSError:
            self.release()

    def _rewrite(self, text: str) -> None:
        assert self._file is not None
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, text.encode())

    def release(self) -> None:
        """Close the file and leave it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        """The archive is closed and whole: no witness is needed."""
        self.release()
        self.path.unlink(missing_ok=True)
