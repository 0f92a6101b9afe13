"""The recorder: a bounded queue, and the one thread that writes.

``put`` is called by ingest and judge threads and only appends; everything else (encoding, commits, opening again
after an error) happens on the recorder's own thread. A sample counts as recorded when its commit has returned.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from detection.event import Event, Judged, Scored
from storage.archive import Archive
from storage.batch import Batch
from storage.chunks import check
from storage.encoder import Encoder
from storage.errors import StorageError
from storage.scores import Minute, Minutes
from storage.waiting import Gap, Item, SessionEnd, Waiting
from telemetry import Frame

log = logging.getLogger(__name__)

BOUND_VALUES = 1_000_000
"""Values that may wait: ten seconds of 100,000 samples a second, 8 MB."""
COMMIT_VALUES = 400_000
"""Values in one commit at the most; more together cost less each, but a reader waits for them."""
INTERVAL_S = 0.25
"""Time between the arrival of the first value and its commit."""
RESERVE_BYTES = 512 << 20
"""Space left free on the disk: a checkpoint and every other program need some."""
DISK_LOOK_S = 1.0
RETRY_S = (0.25, 10.0)
"""First and longest wait before writing is tried again."""

State = Literal["recording", "failed"]


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """The recorder at one moment. ``error`` is a sentence where ``state`` is ``failed``, else empty.

    ``queued`` values wait, of ``bound``. ``recorded_samples`` are acknowledged; ``refused_samples`` were never
    taken (``put`` said so); ``lost_samples`` were taken and could not be written before the end;
    ``lost_news`` are events, ends of sessions and minutes of scores that were not kept.
    """

    state: State
    error: str
    queued: int
    bound: int
    recorded_samples: int
    refused_samples: int
    lost_samples: int
    lost_news: int
    commits: int
    last_commit_ms: float
    bytes: int


class Recorder:
    """Records into one archive until ``close``. ``put`` may be called from any thread.

    With ``whole_scores`` every ratio is kept, not their maximum a minute alone; not while recording cannot go on.
    ``on_commit`` is called on the recorder's thread after each commit, and must return at once. ``clock`` is
    monotonic seconds, ``free`` the free bytes of the archive's disk.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        bound_values: int = BOUND_VALUES,
        interval_s: float = INTERVAL_S,
        reserve_bytes: int = RESERVE_BYTES,
        whole_scores: bool = True,
        retry_s: tuple[float, float] = RETRY_S,
        on_commit: Callable[[RecorderStatus], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[], int] | None = None,
    ) -> None:
        self._archive = archive
        self._interval = interval_s
        self._reserve = reserve_bytes
        self._retry = retry_s
        self._on_commit = on_commit
        self._clock = clock
        self._free = free or (lambda: shutil.disk_usage(archive.path.parent).free)
        self._encoder = Encoder(*archive.claim())
        self._minutes = Minutes(whole_scores)
        self._waiting = Waiting(bound_values)
        self._refused: dict[int, Gap] = {}
        self._changed = threading.Condition()
        self._first: float | None = None
        self._looked = float("-inf")
        self._closing = False
        self._abandoned = False
        self._error = ""
        self._invalid = False
        self._recorded = self._refused_samples = self._lost = self._lost_news = self._commits = 0
        self._last_commit_ms = 0.0
        self._bytes = archive.bytes
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def put(
        self,
        session: int,
        item: Frame | Event | Judged | Scored,
        *,
        wait: bool = False,
        timeout: float = 10.0,
        stop: threading.Event | None = None,
    ) -> bool:
        """Hand in one item; whether it was taken. What is handed in first is committed first, or together.

        A frame finds no room in a full queue: with ``wait`` this waits up to ``timeout`` seconds, or until
        ``stop`` is set, else it returns at once; either way a refused frame is counted and stands as a gap in
        the archive. Events and scores are always taken. Raises ValueError for a frame whose columns are not of
        their channels' types.
        """
        if not isinstance(item, Frame):
            return self._put_news(session, item)
        check(item)
        values = len(item) * len(item.columns)
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._closing and not self._waiting.room(values):
                left = deadline - time.monotonic()
                if not wait or left <= 0 or (stop is not None and stop.is_set()):
                    break
                # An event of the caller's cannot wake this condition, hence the short turns.
                self._changed.wait(min(left, 0.1))
            if self._closing or not self._waiting.room(values):
                self._refuse(session, item)
                return False
            self._add(session, item, values)
        return True

    def end_session(self, session: int, ended: int) -> None:
        """The session is over at ``ended`` (UTC microseconds); written after everything that was handed in."""
        with self._changed:
            for minute in self._minutes.finish(session):
                self._add_minute(minute)
            self._add(session, SessionEnd(ended))

    def gap(self, session: int, start: int, stop: int, reason: str) -> None:
        """Nothing was received between two times (UTC microseconds of telemetry), for a ``reason`` (a sentence)."""
        with self._changed:
            self._add(session, Gap(start, stop, 0, reason))

    def status(self) -> RecorderStatus:
        """Counters and state, consistent with each other."""
        with self._changed:
            return RecorderStatus(
                state="failed" if self._error else "recording",
                error=self._error,
                queued=self._waiting.values + self._waiting.in_hand,
                bound=self._waiting.bound,
                recorded_samples=self._recorded,
                refused_samples=self._refused_samples,
                lost_samples=self._lost,
                lost_news=self._lost_news + self._waiting.dropped_news,
                commits=self._commits,
                last_commit_ms=self._last_commit_ms,
                bytes=self._bytes,
            )

    def close(self, deadline_s: float = 20.0) -> bool:
        """Write what waits, for up to ``deadline_s``, then end; whether everything was written.

        What could not be written is counted as lost. May be called twice.
        """
        with self._changed:
            if not self._closing:
                for minute in self._minutes.finish():
                    self._add_minute(minute)
            self._closing = True
            self._changed.notify_all()
        self._thread.join(deadline_s)
        if self._thread.is_alive():
            with self._changed:
                self._abandoned = True
                self._changed.notify_all()
            # A commit under way cannot be taken back; it ends by itself, or with the process.
            self._thread.join(1.0)
        if not self._thread.is_alive():
            self._archive.release()
        with self._changed:
            return self._lost == 0 and self._lost_news == 0 and not self._thread.is_alive()

    # any thread, under the lock

    def _put_news(self, session: int, item: Event | Judged | Scored) -> bool:
        with self._changed:
            if self._closing:
                self._lost_news += 1
                return False
            if isinstance(item, Event):
                return self._add(session, item)
            # Every minute is added, whether or not the one before it was.
            taken = [self._add_minute(minute) for minute in self._minutes.take(session, item)]
            return all(taken)

    def _add_minute(self, minute: Minute) -> bool:
        if self._error:
            minute.parts.clear()  # they could wait for hours, and they are large
        return self._add(minute.session, minute)

    def _add(self, session: int, item: Item, values: int = 0) -> bool:
        taken = self._waiting.add(session, item, values)
        if self._first is None:
            self._first = self._clock()
            self._changed.notify_all()
        elif self._waiting.values >= COMMIT_VALUES:
            self._changed.notify_all()
        return taken

    def _refuse(self, session: int, frame: Frame) -> None:
        samples = frame.count()
        if not samples:
            return
        self._refused_samples += samples
        start, stop = int(frame.times.min()), int(frame.times.max())
        before = self._refused.get(session)
        if before is not None:
            start, stop, samples = min(start, before.start), max(stop, before.stop), samples + before.samples
        reason = self._error or "The queue of the recorder was full."
        self._refused[session] = Gap(start, stop, samples, before.reason if before is not None else reason)

    # recorder's thread

    def _run(self) -> None:
        try:
            while (items := self._next()) is not None:
                if items and not self._write(self._encoder.encode(items), items):
                    return
            self._write(self._encoder.encode([], last=True), [])
        except Exception as problem:
            log.exception("the recorder ended by itself")
            with self._changed:
                self._error = f"Recording ended by itself ({problem}): start the program again."
                self._abandon([])

    def _next(self) -> list[tuple[int, Item]] | None:
        """What goes into the next commit; None when everything is written and the end has come."""
        with self._changed:
            while not self._due():
                if self._closing and not len(self._waiting) and not self._refused:
                    return None
                self._changed.wait(self._until_due())
            gaps = [(session, gap) for session, gap in self._refused.items()]
            self._refused.clear()
            items = self._waiting.take(COMMIT_VALUES) if len(self._waiting) else []
            self._first = self._clock() if len(self._waiting) else None
            return [*items, *gaps]

    def _due(self) -> bool:
        if not len(self._waiting) and not self._refused:
            return False
        full = self._waiting.values >= COMMIT_VALUES
        return self._closing or full or (self._first is not None and self._until_due() == 0.0)

    def _until_due(self) -> float | None:
        if self._first is None:
            return None
        return max(0.0, self._first + self._interval - self._clock())

    def _write(self, batch: Batch, items: list[tuple[int, Item]]) -> bool:
        """Commit, again and again if need be; False when the deadline of ``close`` came first."""
        pause, longest = self._retry
        while not batch.empty:
            problem = self._try(batch)
            if problem is None:
                break
            with self._changed:
                if not self._error:
                    log.warning("recording stopped: %s", problem)
                self._error = str(problem)
                # A queue that was full before is full of paced sources' frames; they go on waiting.
                self._changed.wait_for(lambda: self._abandoned, pause)
                if self._abandoned:
                    self._abandon(items)
                    return False
            pause = min(2 * pause, longest)
        with self._changed:
            self._waiting.done()
            self._changed.notify_all()
        return True

    def _try(self, batch: Batch) -> StorageError | None:
        try:
            self._look_at_disk()
            if self._invalid:
                self._archive.reopen()
            self._invalid = True
            began = time.perf_counter()
            self._archive.write(batch)
            took = time.perf_counter() - began
            self._invalid = False
        except StorageError as problem:
            return problem
        size = self._archive.bytes
        with self._changed:
            if self._error:
                log.warning("recording goes on")
            self._error = ""
            self._recorded += batch.samples
            self._commits += 1
            self._last_commit_ms = took * 1000
            self._bytes = size
        if self._on_commit is not None:
            self._on_commit(self.status())
        return None

    def _look_at_disk(self) -> None:
        now = self._clock()
        if not self._error and now - self._looked < DISK_LOOK_S:
            return
        self._looked = now
        try:
            free = self._free()
        except OSError as problem:
            raise StorageError(f"The disk of {self._archive.path} is gone ({problem}): attach it again.") from None
        if free < self._reserve:
            raise StorageError(
                f"Only {free / 1e6:,.0f} MB are free on the disk of {self._archive.path}, and "
                f"{self._reserve / 1e6:,.0f} MB are kept free: make some room there."
            )

    def _abandon(self, items: list[tuple[int, Item]]) -> None:
        left = [*items]
        while len(self._waiting):
            left.extend(self._waiting.take(self._waiting.bound))
        self._waiting.done()
        self._closing = True
        for _, item in left:
            if isinstance(item, Frame):
                self._lost += item.count()
            elif not isinstance(item, Gap):
                self._lost_news += 1
        self._changed.notify_all()
