"""One source on its way: ingest, then the judge. Two threads a source, so that none delays another.

The ingest thread hands each frame to the live ring, the recorder and the judge's queue, in that order: what is
recorded never waits for what is scored. The judge thread feeds the detector and passes on what it says.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from app.bounded import BoundedQueue
from app.cutting import cut, joined
from app.eventlog import EventLog
from app.pace import Pace
from app.plan import Plan
from detection import Commissioning, Item, Judge, Output, Ruling, Thresholds
from detection.event import Event, Judged, Scored
from storage import Recorder
from telemetry import Frame, Source, SourceError, Tick
from telemetry.clock import SECOND
from telemetry.ring import LiveRing

log = logging.getLogger(__name__)

QUEUE_VALUES = 2_000_000
"""Values waiting for the judge (16 MB); a paced source waits when they are that many."""
SPAN_AT_MAX = 60 * SECOND
"""Telemetry in one frame at full speed, and the most that is judged at once."""
SPAN_AHEAD = 5 * SECOND
"""Telemetry that a source at a set speed makes ahead: what the operator injects shows no sooner."""
FRAMES_A_SECOND = 10
"""Frames a group and second of wall time, at a set speed: what a moving chart needs."""
WARM_UP = 3000 * SECOND
"""What a judge needs to have seen to judge as one that never stopped; a successor is shown no more of it."""
FLOOD_REST_S = 0.02
"""Pause of a live source after a frame that could not be taken whole."""
NEVER = -(1 << 62)
PUT_DEADLINE_S = 60.0
"""A recorder or a judge that takes nothing for this long has failed."""

_Item = tuple[Item, int]


class Line:
    """One source, from its first frame to its last score.

    ``recorded`` holds the newest time of each group (by key, UTC microseconds) that a core which died has recorded:
    so much is only judged again.
    """

    def __init__(
        self,
        number: int,
        source: Source,
        session: int,
        judge: Judge,
        recorder: Recorder,
        events: EventLog,
        ring: LiveRing | None,
        abandon: threading.Event,
        plan: Plan,
        recorded: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.number = number
        self.source = source
        self.judge = judge
        self._session = session
        self._recorder = recorder
        self._events = events
        self._ring = ring
        self._stop = threading.Event()
        self._abandon = abandon
        self._history = int((plan.history or 0.0) * SECOND)
        self.pace = Pace(plan.speed, self._stop, self._history, paused=plan.paused)
        self._resume_from = plan.resume_from
        self._recorded = dict(recorded)
        self._shown = {group.key: self._newest(f"s:{group.key}") for group in source.groups if plan.resume_from}
        self._told_until = self._judged_before()
        self._held: dict[int, Event] = {}
        self._duration = None if plan.duration is None else int(plan.duration * SECOND)
        self._queue: BoundedQueue[_Item | None] = BoundedQueue(QUEUE_VALUES)
        self._paced = source.mode == "paced"
        self.frames = 0
        self.samples = 0
        self.lost = 0
        self.unjudged = 0
        self.first = 0
        self.now = 0
        self.clock = 0
        self.delays: deque[int] = deque(maxlen=256)
        self.error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._guard, args=(self._ingest,), name=f"ingest-{number}", daemon=True),
            threading.Thread(target=self._guard, args=(self._score,), name=f"judge-{number}", daemon=True),
        ]

    def start(self) -> None:
        """Begin."""
        # The judge first: what is handed over to a judge that does not live yet would go unjudged.
        for thread in reversed(self._threads):
            thread.start()

    def stop(self) -> None:
        """Ask the source to end; what has been taken is still judged and recorded."""
        self._stop.set()

    def settle(self, word: Commissioning | Thresholds | Ruling) -> None:
        """The operator's word on detection, in force from the next sample on."""
        self._hand_over((word, 0), wait=True)

    @property
    def ended(self) -> bool:
        """Both threads have come to their end."""
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def behind(self) -> float:
        """Seconds that playback is behind the speed asked for."""
        return self.pace.behind

    @property
    def live(self) -> bool:
        """Whether history has been taken in, and samples arrive at their pace."""
        return not self._paced or self.pace.live

    @property
    def end(self) -> int:
        """The last moment of its telemetry, UTC microseconds; 0 where that is not known."""
        asked = self.first + self._duration if self.first and self._duration is not None else None
        return min((end for end in (asked, self.source.end) if end is not None), default=0)

    def join(self, deadline: float) -> bool:
        """Wait until ``deadline`` (monotonic seconds); whether both threads have ended."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return self.ended

    # ingest thread

    def _ingest(self) -> None:
        end: int | None = None
        try:
            for frame in self._frames():
                if end is None and self._duration is not None:
                    end = int(frame.times[0]) + self._duration
                if end is not None and frame.times[-1] >= end:
                    if frame.times[0] >= end:
                        break
                    frame = frame.part(0, int(np.searchsorted(frame.times, end)))
                since, moment = int(frame.times[0]), int(frame.times[-1])
                if self._paced and not self.pace.wait_for(moment, self._tick, since):
                    break
                if not self._take(frame):
                    break
        finally:
            self.source.close()
            self._hand_over(None, wait=True)

    def _frames(self) -> Iterator[Frame]:
        if not self._paced:
            return (one for one in self.source.frames(self._stop, SPAN_AT_MAX) if len(one))
        ahead = SPAN_AT_MAX if self.pace.speed is None else max(SPAN_AHEAD, self._span())
        return cut(self.source.frames(self._stop, ahead), self._span, self._history)

    def _span(self) -> int:
        """Telemetry in one frame at the speed of the moment, microseconds."""
        speed = self.pace.speed
        return SPAN_AT_MAX if speed is None else max(1, int(speed * SECOND / FRAMES_A_SECOND))

    def _take(self, frame: Frame) -> bool:
        stamp = time.monotonic_ns()
        self.first = self.first or int(frame.times[0])
        self.clock = max(self.clock, int(frame.times[-1]))
        known = self._recorded.get(frame.group.key)
        if known is not None and frame.times[0] <= known:
            fresh = int(np.searchsorted(frame.times, known, "right"))
            if frame.times[-1] >= known - WARM_UP:
                self._hand_over((frame.part(0, fresh), 0), wait=self._paced)
            if fresh == len(frame):
                return not self._stop.is_set()
            frame = frame.part(fresh, len(frame))
        if self._ring is not None:
            shown = int(np.searchsorted(frame.times, self._shown.get(frame.group.key, NEVER), "right"))
            if shown < len(frame):
                part = frame.part(shown, len(frame))
                self._ring.append(f"s:{frame.group.key}", part.times, part.matrix(), stamp)
        count = frame.count()
        self.frames += 1
        self.samples += count
        self.now = max(self.now, int(frame.times[-1]))
        recorded = self._recorder.put(self._session, frame, wait=self._paced, timeout=PUT_DEADLINE_S)
        if not recorded:
            self.lost += count
        judged = self._hand_over((frame, stamp if self.live else 0), wait=self._paced)
        if not ((recorded and judged) or self._paced):
            # What floods faster than it can be taken would otherwise keep every other thread from the interpreter.
            self._stop.wait(FLOOD_REST_S)
        return not self._stop.is_set()

    def _tick(self, position: int) -> None:
        self.clock = position
        self._hand_over((Tick(position), 0), wait=False)

    def _hand_over(self, item: _Item | None, *, wait: bool) -> bool:
        # A paced source waits for the judge as long as the judge lives; a live one cannot, and its samples then
        # go unjudged, counted.
        weight = len(item[0]) * len(item[0].columns) if item is not None and isinstance(item[0], Frame) else 0
        while not self._abandon.is_set() and self._threads[1].is_alive():
            if self._queue.put(item, weight, 0.25 if wait else 0.0):
                return True
            if not wait:
                break
        self.unjudged += weight
        return False

    # judge thread

    def _score(self) -> None:
        while not self._abandon.is_set():
            found, item = self._queue.get(0.25)
            if not found:
                continue
            items = [item, *self._queue.take()]
            ended = None in items
            for what, stamp in joined([one for one in items if one is not None], SPAN_AT_MAX):
                if self._abandon.is_set():
                    return
                self._pass_on(self.judge.feed(self._as_it_is(what)))
                if stamp:
                    self.delays.append((time.monotonic_ns() - stamp) // 1000)
            if ended:
                self._pass_on(self.judge.drain())
                return

    def _as_it_is(self, item: Item) -> Item:
        """A ruling with its event as it is by now: it may have grown or ended while the ruling was on its way."""
        if not isinstance(item, Ruling) or item.session is not None:
            return item
        known = self._events.get(item.event.key)
        return item if known is None else replace(item, event=known[1])

    def _pass_on(self, output: Output) -> None:
        told = self._told_until
        newest = max((int(judged.times[-1]) for judged in output.judged), default=None)
        for judged in output.judged:
            if told is not None and judged.times[-1] <= told:
                continue
            self._record(judged)
            if self._ring is not None:
                block = np.concatenate([judged.ratio, judged.low, judged.high], axis=1)
                self._ring.append(f"j:{judged.group.key}", judged.times, block, time.monotonic_ns())
        for scored in output.scored:
            if told is None or scored.times[-1] > told:
                self._record(scored)
        for event in output.events:
            self._events.put(self.number, event)
            if told is None:
                self._record(event)
            elif event.open:
                self._held[event.key] = event
            else:
                self._held.pop(event.key, None)
        if told is not None and newest is not None and newest > told:
            # From here on nobody has told this before; what was open then goes on in this session.
            for event in self._held.values():
                self._record(event)
            self._told_until = None
            self._held.clear()

    def _judged_before(self) -> int | None:
        """The newest sample that the core which died had judged, as the live ring has it; None: there was none."""
        if self._resume_from is None or self._ring is None:
            return self._resume_from
        return max((self._newest(f"j:{group.key}") for group in self.source.groups), default=NEVER)

    def _newest(self, track: str) -> int:
        """The newest time on a track of the live ring."""
        if self._ring is None:
            return NEVER
        rows = self._ring.read(track, max(0, self._ring.head(track) - 1))
        return int(rows.times[-1]) if len(rows.times) else NEVER

    def _record(self, item: Judged | Scored | Event) -> None:
        self._recorder.put(self._session, item, wait=True, timeout=PUT_DEADLINE_S)

    # both

    def _guard(self, body: Callable[[], None]) -> None:
        try:
            body()
        except SourceError as problem:
            self.error = problem
            log.warning("%s ended early: %s", self.source.name, problem)
            self._stop.set()
        except Exception as problem:
            self.error = problem
            log.exception("%s ended by itself", threading.current_thread().name)
            self._stop.set()
