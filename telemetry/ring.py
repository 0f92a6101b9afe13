"""The newest minutes of everything, in memory that the core writes and a window reads.

One file in memory (``mmap``), no lock: a header of int64 counters, then named *tracks*, each a ring of rows
(a time, and one value a column) with one head that only grows. The writer writes rows, then the head; a reader
takes the head, copies, reads the head again and drops what was overtaken meanwhile. Heads go on after the
writer was started again on the same file, so a reader never sees time run backwards.

One writer (any thread of the core, one a track); any number of readers in any process.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from telemetry.frame import Times

COUNTERS = 64
"""int64 counters at the start of the file. The first and the last are the ring's own; the others its user's."""
_MAGIC = 0x50455249_47454531
_BORN = COUNTERS - 1
_HEAD_WORDS = 8
_MARGIN = 64
"""Rows that a reader leaves to the writer: it may be writing them now."""

TrackType = Literal["f4", "f8"]


class RingError(Exception):
    """The ring cannot be made or attached; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Track:
    """One ring of rows: ``width`` values of ``type`` beside a time, ``capacity`` rows."""

    name: str
    width: int
    capacity: int
    type: TrackType = "f8"

    @property
    def bytes(self) -> int:
        """Bytes that the track takes in the file."""
        item = 8 if self.type == "f8" else 4
        return _HEAD_WORDS * 8 + self.capacity * 8 + _pad(self.capacity * self.width * item)


def _pad(size: int) -> int:
    return -(-size // 64) * 64


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a track: (n,) times, (n, width) values, the head after the last, and how many were missed."""

    times: Times
    values: npt.NDArray[np.floating]
    head: int
    missed: int


class _TrackView:
    def __init__(self, buffer: mmap.mmap, offset: int, track: Track) -> None:
        self.track = track
        self.words = np.frombuffer(buffer, dtype=np.int64, count=_HEAD_WORDS, offset=offset)
        offset += _HEAD_WORDS * 8
        self.times = np.frombuffer(buffer, dtype=np.int64, count=track.capacity, offset=offset)
        offset += track.capacity * 8
        count = track.capacity * track.width
        flat = np.frombuffer(buffer, dtype=np.dtype(track.type), count=count, offset=offset)
        self.values = flat.reshape(track.capacity, track.width)


class LiveRing:
    """Counters and tracks in one memory-mapped file; make one with ``create`` or ``attach``."""

    def __init__(self, path: Path, tracks: Sequence[Track], writable: bool) -> None:
        self.path = path
        self.tracks = tuple(tracks)
        size = self.size(tracks)
        access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
        with path.open("r+b" if writable else "rb") as file:
            if os.fstat(file.fileno()).st_size != size:
                raise RingError("The live memory of the core does not have the size it says.")
            self._map = mmap.mmap(file.fileno(), size, access=access)
        self.counters = np.frombuffer(self._map, dtype=np.int64, count=COUNTERS)
        self._views: dict[str, _TrackView] = {}
        offset = COUNTERS * 8
        for track in tracks:
            self._views[track.name] = _TrackView(self._map, offset, track)
            offset += track.bytes
        if writable:
            if not self.counters[_BORN]:
                self.counters[_BORN] = time.time_ns()
            self.counters[0] = _MAGIC
        elif self.counters[0] != _MAGIC:
            raise RingError("The live memory of the core is not one of this program's.")

    @property
    def born(self) -> int:
        """When this memory was made, nanoseconds since 1970: the same for a writer that goes on with it."""
        return int(self.counters[_BORN])

    @staticmethod
    def size(tracks: Sequence[Track]) -> int:
        """Bytes of a ring of these tracks."""
        return COUNTERS * 8 + sum(track.bytes for track in tracks)

    @classmethod
    def create(cls, path: Path, tracks: Sequence[Track]) -> LiveRing:
        """The ring at ``path``, for its one writer; one of the same layout goes on where it stood.

        Readable by its user only. Raises RingError where there is no room.
        """
        layout = path.with_suffix(".json")
        text = describe(tracks)
        size = cls.size(tracks)
        try:
            known = layout.read_text() == text and path.stat().st_size == size
        except (OSError, UnicodeDecodeError):
            known = False
        if not known:
            path.unlink(missing_ok=True)
            if shutil.disk_usage(path.parent).free < size:
                raise RingError(f"No room for {size >> 20} MB of live telemetry in {path.parent}.")
            with os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600), "r+b") as file:
                file.truncate(size)
            layout.touch(mode=0o600)
            layout.write_text(text)
        return cls(path, tracks, writable=True)

    @classmethod
    def attach(cls, path: Path, layout: str) -> LiveRing:
        """The ring at ``path`` for reading; ``layout`` is the writer's ``describe``. Raises RingError."""
        try:
            return cls(path, [Track(**one) for one in json.loads(layout)], writable=False)
        except (OSError, ValueError, TypeError) as problem:
            raise RingError(f"The live memory of the core cannot be read: {problem}.") from problem

    def append(self, name: str, times: Times, values: npt.NDArray[np.floating], stamp: int = 0) -> None:
        """Add (n,) times with (n, width) values; the oldest rows are overwritten.

        ``stamp`` is kept beside the head as ``stamp(name)``: the moment of the newest append on whatever clock
        the caller uses to measure delays.
        """
        view = self._views[name]
        capacity = view.track.capacity
        head, n = int(view.words[0]), len(times)
        first = max(0, n - capacity)
        at = (head + first) % capacity
        kept = n - first
        tail = min(kept, capacity - at)
        view.times[at : at + tail] = times[first : first + tail]
        view.values[at : at + tail] = values[first : first + tail]
        if kept > tail:
            view.times[: kept - tail] = times[first + tail :]
            view.values[: kept - tail] = values[first + tail :]
        view.words[1] = stamp
        view.words[0] = head + n

    def head(self, name: str) -> int:
        """Rows ever written to a track."""
        return int(self._views[name].words[0])

    def oldest(self, name: str) -> int | None:
        """Time of the oldest row of a track that ``read`` would find; None where there is none."""
        view = self._views[name]
        head, capacity = int(view.words[0]), view.track.capacity
        return int(view.times[_oldest(head, capacity) % capacity]) if head else None

    def stamp(self, name: str) -> int:
        """The stamp of the newest append."""
        return int(self._views[name].words[1])

    def read(self, name: str, since: int = 0) -> Rows:
        """A copy of the rows from head ``since`` on, as far as they are still there."""
        view = self._views[name]
        capacity = view.track.capacity
        head = int(view.words[0])
        first = min(max(since, _oldest(head, capacity)), head)
        at, n = first % capacity, head - first
        tail = min(n, capacity - at)
        times = np.concatenate([view.times[at : at + tail], view.times[: n - tail]])
        values = np.concatenate([view.values[at : at + tail], view.values[: n - tail]])
        overtaken = min(max(0, int(view.words[0]) - capacity - first), n)
        return Rows(times[overtaken:], values[overtaken:], head, first + overtaken - min(since, head))

    def span(
        self, name: str, column: int, start: int, stop: int, until: int | None = None
    ) -> tuple[Times, npt.NDArray[np.float64]]:
        """A copy of one column between two times (inclusive), oldest first, as far as it is still there.

        ``until`` is a head: later rows are left out, for a reader that is handed them with ``read``.
        """
        view = self._views[name]
        capacity = view.track.capacity
        head = int(view.words[0]) if until is None else min(int(view.words[0]), until)
        oldest = min(_oldest(int(view.words[0]), capacity), head)
        times: list[Times] = []
        values: list[npt.NDArray[np.float64]] = []
        for first, last in self._runs(oldest, head, capacity):
            low = first + int(np.searchsorted(view.times[first:last], start, "left"))
            high = first + int(np.searchsorted(view.times[first:last], stop, "right"))
            if high > low:
                times.append(view.times[low:high].copy())
                values.append(view.values[low:high, column].astype(np.float64))
        if not times:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
        return np.concatenate(times), np.concatenate(values)

    @staticmethod
    def _runs(oldest: int, head: int, capacity: int) -> list[tuple[int, int]]:
        """The one or two stretches of slots that rows ``oldest`` .. ``head`` lie in, oldest first."""
        if head == oldest:
            return []
        first, last = oldest % capacity, (head - 1) % capacity + 1
        return [(first, last)] if first < last else [(first, capacity), (0, last)]

    def close(self) -> None:
        """Let go of the memory; the file stays for whoever else reads it."""
        # numpy views of a mapping keep it alive, and closing it under them is refused: drop them, not it.
        self._views.clear()
        self.counters = np.zeros(COUNTERS, dtype=np.int64)

    def unlink(self) -> None:
        """Remove the file; readers that have it keep what they see."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".json").unlink(missing_ok=True)


def _oldest(head: int, capacity: int) -> int:
    """The first row that the writer is not about to overwrite."""
    return max(0, head - capacity + min(_MARGIN, capacity // 2))


def describe(tracks: Sequence[Track]) -> str:
    """The layout as JSON, to hand to readers."""
    return json.dumps([asdict(track) for track in tracks])


def memory_folder(size: int) -> Path:
    """A folder of this user whose files live in memory and that has room for ``size`` bytes.

    Linux keeps ``/dev/shm`` in memory (64 MB of it in many containers, hence the check); elsewhere, and where it
    is full, the temporary folder, which the page cache keeps nearly as near.
    """
    user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    for base in (Path("/dev/shm"), Path(tempfile.gettempdir())):  # noqa: S108 - made 0700 and checked below
        if base.is_dir() and os.access(base, os.W_OK) and shutil.disk_usage(base).free > size * 1.25:
            folder = base / f"perigee-{user}"
            folder.mkdir(mode=0o700, exist_ok=True)
            if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
                continue  # another user's folder under our name: never trust it
            folder.chmod(0o700)
            return folder
    raise RingError(f"No room for {size >> 20} MB of live telemetry in memory or in the temporary folder.")
