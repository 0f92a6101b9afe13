"""One session: sources, judge, pool and archive under one roof. No Qt; runs in the core, headless and in tests.

Owns every thread and its end: source, judge, pool, recorder (drains), archive, in that order, each with a
deadline.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.commissioning import stored
from app.counters import Counter
from app.disk import DiskOutlook
from app.eventlog import EventLog
from app.limits import LimitBook, kept_beside
from app.line import Line
from app.opinions import Opinions
from app.paths import thresholds_file
from app.plan import Plan
from app.playback import Playback
from app.settings import Settings, StorageSettings
from app.thresholds import ThresholdError, load, rows
from app.triton import notes as notes_on_triton
from app.triton import triton_options
from detection import Commissioning, CommissioningError, Flaws, Judge, Thresholds
from detection.event import Event
from inference import Engine, ModelCard, Pool, RefusedModelError, open_engine, read_repository
from storage import Archive, Reader, Recorder, Retention, Upkeep
from telemetry import Group, Injected, Source
from telemetry.clock import SECOND
from telemetry.limitfile import Definitions
from telemetry.ring import LiveRing

log = logging.getLogger(__name__)

STOP_DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Totals:
    """What a session has done so far, summed over its sources."""

    frames: int
    samples: int
    recorded: int
    lost: int
    unjudged: int
    scored: int
    skipped: int
    by_model: dict[str, int]
    elapsed_s: float


class Session:
    """Everything between the sources and the archive; made by ``open_session``."""

    def __init__(
        self,
        plan: Plan,
        sources: Sequence[Source],
        archive: Archive,
        engine: Engine,
        cards: Sequence[ModelCard],
        settings: Settings,
        ring: LiveRing | None,
        started: int,
        notes: Sequence[str] = (),
        thresholds: Thresholds = Thresholds(),
        given: Definitions = Definitions(),
    ) -> None:
        self._catalogue_notes = tuple(notes)
        self.thresholds = thresholds
        self.commissioned: dict[str, tuple[int, int]] = {}
        self.plan = plan
        self.engine = engine
        self.cards = tuple(cards)
        self.archive = archive
        self.ring = ring
        self.events = EventLog()
        self.groups: tuple[Group, ...] = tuple(group for source in sources for group in source.groups)
        self.limits = LimitBook(self.groups, given, kept_beside(plan.archive_path))
        self.injected: tuple[Injected, ...] = tuple(fault for source in sources for fault in source.injected)
        self.relative = all(source.relative for source in sources)
        keep = settings.storage
        self.recorder = Recorder(archive, reserve_bytes=keep.reserve_mb << 20, whole_scores=keep.scores_days > 0)
        self.upkeep = Upkeep(archive, _retention(keep), (keep.bound_mb << 20) or None)
        self.id = archive.begin_session(
            started=started,
            origin=sources[0].origin,
            sources=[source.name for source in sources],
            settings=json.dumps({**settings.model_dump(mode="json"), "thresholds": rows(thresholds)}),
            models=json.dumps([{"name": c.name, "version": c.version, "sha256": c.sha256} for c in cards]),
            relative=self.relative,
            limits=self.limits.sha256,
        )
        archive.add_labels(self.id, self.injected)
        self.pool = Pool(
            engine,
            cards,
            workers=settings.inference.workers,
            max_batch=settings.inference.batch_windows,
            age_s=settings.inference.batch_age_ms / 1000,
        )
        self._abandon = threading.Event()
        self._begun = time.monotonic()
        self._ended: float | None = None
        self._rate: tuple[float, int, int] = (self._begun, 0, 0)
        self._closed = False
        folder, reserve = plan.archive_path.parent, settings.storage.reserve_mb << 20
        self._disk = DiskOutlook(lambda: shutil.disk_usage(folder).free, reserve)
        self.specs = [card.spec for card in cards]
        recorded = self._recorded_before()
        self._commissioning_notes: list[str] = []
        self.lines = [self._line(number, len(sources), source, recorded) for number, source in enumerate(sources)]
        self._note_gaps(recorded, started)
        self.playback = Playback(plan, self.lines, lambda label: archive.add_labels(self.id, [label]))
        self.opinions = Opinions(self.id, archive, self.events, self.lines)
        self.opinions.recall()

    def _recorded_before(self) -> dict[str, int]:
        """The newest time of each group, by key, that the cores of this run which died have recorded.

        Sessions before the run's first are another matter, whatever they hold: they may lie in its future.
        """
        first = self.plan.continues
        if first is None:
            return {}
        reader = Reader(self.archive)
        group_of = {channel.key: group.key for group in self.groups for channel in group.channels}
        newest: dict[str, int] = {}
        for session in reader.sessions():
            if not first <= session.id < self.id:
                continue
            for key, latest in reader.latest(session.id).items():
                group = group_of.get(key)
                if group is not None:
                    newest[group] = max(newest.get(group, latest.time), latest.time)
        return newest

    def _note_gaps(self, recorded: dict[str, int], now: int) -> None:
        """What a source that cannot wait sent while no core was there stands as a gap."""
        last = max(recorded.values(), default=now)
        if last < now and any(line.source.mode == "live" for line in self.lines):
            self.recorder.gap(self.id, last, now, "Recording stopped by itself and was started again.")

    # the operator's word on detection; any thread

    @property
    def satellites(self) -> list[str]:
        """Every satellite, in the order of the sources."""
        return list(dict.fromkeys(group.satellite for group in self.groups))

    def line_of(self, satellite: str) -> Line:
        """The line that watches a satellite. Raises CommissioningError."""
        for line in self.lines:
            if any(group.satellite == satellite for group in line.source.groups):
                return line
        raise CommissioningError(f"No satellite {satellite} is being watched.")

    def ask(self, model: str, windows: npt.NDArray[np.float32]) -> Future[npt.NDArray[np.float32]] | None:
        """Scores for somebody who can wait."""
        return self.pool.submit(model, windows, wait=True, stop=self._abandon)

    def adopt(self, found: Commissioning) -> None:
        """Judge a satellite by ``found`` from now on. Raises CommissioningError."""
        self.line_of(found.satellite).settle(found)
        self.commissioned[found.satellite] = found.start, found.stop

    def set_thresholds(self, thresholds: Thresholds) -> None:
        """Hold scores against ``thresholds`` from now on."""
        self.thresholds = thresholds
        for line in self.lines:
            line.settle(thresholds)

    def start(self) -> None:
        """Begin to watch."""
        for line in self.lines:
            line.start()

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` s for every source to end by itself; whether they have."""
        deadline = time.monotonic() + timeout
        for line in self.lines:
            line.join(deadline)
        return all(line.ended for line in self.lines)

    def stop(self) -> None:
        """Ask every source to end; what has been taken is still judged and recorded."""
        for line in self.lines:
            line.stop()

    @property
    def notes(self) -> list[str]:
        """Sentences about what was set aside on the way: cells, models, a damaged archive's tail."""
        sources = [note for line in self.lines for note in getattr(line.source, "notes", ())]
        judges = [note for line in self.lines for note in line.judge.notes]
        # Every line asks the same models, so each would say the same of them.
        return list(
            dict.fromkeys(
                [
                    *sources,
                    *self.limits.notes,
                    *self._catalogue_notes,
                    *self._commissioning_notes,
                    *judges,
                    *self.archive.notices,
                ]
            )
        )

    def flaws(self) -> dict[str, Flaws]:
        """What was wrong with the samples, by channel key, over all sources."""
        return {key: one for line in self.lines for key, one in line.judge.flaws.items()}

    @property
    def recording_failed(self) -> bool:
        """Whether samples are not reaching the archive."""
        return self.recorder.status().state != "recording"

    @property
    def failed(self) -> str | None:
        """A sentence where something ended that should not have, else None."""
        for line in self.lines:
            if line.error is not None:
                return f"{line.source.name}: {line.error}"
        status = self.recorder.status()
        return status.error or None

    def close(self) -> None:
        """Stop and drain everything, each step with a deadline. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.stop()
        deadline = time.monotonic() + STOP_DEADLINE_S
        for line in self.lines:
            if not line.join(deadline):
                log.error("%s did not stop within %g s and was left", line.source.name, STOP_DEADLINE_S)
        self._abandon.set()
        self.pool.close(STOP_DEADLINE_S)
        self.upkeep.close(STOP_DEADLINE_S)
        self.recorder.end_session(self.id, int(time.time() * SECOND))
        self.recorder.close(STOP_DEADLINE_S)
        self.archive.close()
        self.engine.close()
        self._ended = time.monotonic()

    def totals(self) -> Totals:
        """Counts over all sources."""
        pool = self.pool.status()
        skipped = sum(line.judge.skipped for line in self.lines)
        return Totals(
            frames=sum(line.frames for line in self.lines),
            samples=sum(line.samples for line in self.lines),
            recorded=self.recorder.status().recorded_samples,
            lost=sum(line.lost for line in self.lines) + self.recorder.status().lost_samples,
            unjudged=sum(line.unjudged for line in self.lines),
            scored=sum(pool.scored.values()),
            skipped=skipped,
            by_model=dict(pool.scored),
            elapsed_s=(self._ended or time.monotonic()) - self._begun,
        )

    def all_events(self) -> list[Event]:
        """Events still in memory, by start."""
        return self.events.all()

    def publish(self) -> None:
        """Write the counters into the live ring's header. Called a few times a second by the core."""
        if self.ring is None:
            return
        totals, recorder, pool = self.totals(), self.recorder.status(), self.pool.status()
        out = self.ring.counters
        now = time.monotonic()
        since, before, rate = self._rate
        if now - since >= 1.0:
            rate = round((totals.samples - before) / (now - since))
            self._rate = (now, totals.samples, rate)
        delays = np.array([delay for line in self.lines for delay in tuple(line.delays)] or [0])
        live = all(line.live for line in self.lines)
        ends = [line.end for line in self.lines]
        values = {
            Counter.FIRST: min((line.first for line in self.lines if line.first), default=0),
            Counter.NOW: max(line.now for line in self.lines),
            Counter.CLOCK: max(line.clock for line in self.lines),
            Counter.FRAMES: totals.frames,
            Counter.SAMPLES: totals.samples,
            Counter.RECORDED: totals.recorded,
            Counter.RATE: rate,
            Counter.DELAY_P50: int(np.percentile(delays, 50)),
            Counter.DELAY_P99: int(np.percentile(delays, 99)),
            Counter.WAITING: pool.waiting,
            Counter.BOUND: pool.bound,
            Counter.SCORED: totals.scored,
            Counter.SKIPPED: totals.skipped,
            Counter.RECORDING: int(recorder.state == "recording"),
            Counter.ARCHIVE_BYTES: recorder.bytes,
            Counter.LOST: totals.lost,
            Counter.BEHIND_MS: int(max(line.behind for line in self.lines) * 1000),
            Counter.ENDED: int(all(line.ended for line in self.lines)),
            Counter.LIVE: int(live),
            # History comes in a burst that says nothing about the days ahead.
            Counter.DAYS_LEFT: self._disk.days_left(recorder.bytes, now) if live else -1,
            Counter.GROWTH: self._disk.growth if live else 0,
            Counter.PAUSED: int(all(line.pace.paused for line in self.lines)),
            Counter.SPEED: round(1000 * (self.lines[0].pace.speed or 0.0)),
            Counter.SKIP_TO: max(line.pace.skipping_to for line in self.lines),
            Counter.END: max(ends) if all(ends) else 0,
            Counter.BEAT: time.monotonic_ns(),
        }
        for counter, value in values.items():
            out[counter] = value

    def _line(self, number: int, lines: int, source: Source, recorded: dict[str, int]) -> Line:
        satellites = dict.fromkeys(group.satellite for group in source.groups)
        known, notes = stored(self.archive, satellites, source.name)
        self._commissioning_notes += notes
        self.commissioned.update((one.satellite, (one.start, one.stop)) for one in known)
        judge = Judge(
            self.specs,
            self._submitter(source.mode == "paced"),
            thresholds=self.thresholds,
            commissionings=known,
            limits=self.limits.in_force,
            # Every line numbers its events by itself; a step of as many as there are keeps the numbers apart.
            keys=count(1 + number, lines),
            groups=source.groups,
        )
        taken = {group.key: recorded[group.key] for group in source.groups if group.key in recorded}
        return Line(
            number, source, self.id, judge, self.recorder, self.events, self.ring, self._abandon, self.plan, taken
        )

    def _submitter(
        self, paced: bool
    ) -> Callable[[str, npt.NDArray[np.float32]], Future[npt.NDArray[np.float32]] | None]:
        def submit(model: str, windows: npt.NDArray[np.float32]) -> Future[npt.NDArray[np.float32]] | None:
            return self.pool.submit(model, windows, wait=paced, stop=self._abandon)

        return submit


def _retention(keep: StorageSettings) -> Retention:
    return Retention(
        keep.values_days or None,
        keep.seconds_days or None,
        keep.minutes_days or None,
        keep.hours_days or None,
        keep.scores_days,
    )


def open_session(
    plan: Plan,
    settings: Settings,
    sources: Sequence[Source],
    started: int,
    ring: LiveRing | None = None,
    given: Definitions = Definitions(),
    watched: bool = False,
    stop: threading.Event | None = None,
) -> Session:
    """A session that is ready to start. Raises StorageError, EngineError; closes what it opened then.

    ``watched`` says that somebody sits before it and is not to wait for a server to start; ``stop`` ends that wait.
    """
    notes: list[str] = []
    try:
        thresholds = load(thresholds_file())
    except ThresholdError as problem:
        thresholds = Thresholds()
        notes.append(str(problem))
    catalogue = read_repository(Path(plan.repository))
    cards = catalogue.select(plan.models)
    # Who can wait does so for the best engine; telemetry that cannot is judged from its first sample on.
    patient = not watched and all(source.mode == "paced" for source in sources)
    options = triton_options(settings.inference.triton)
    if plan.engine in ("auto", "triton"):  # whose servers run on this machine
        notes += notes_on_triton(options)
    while True:
        try:
            engine = open_engine(
                plan.engine,
                cards,
                options,
                max_batch=settings.inference.batch_windows,
                wait=patient,
                stop=stop,
            )
            break
        except RefusedModelError as problem:
            if plan.models:
                raise  # it was named
            notes.append(str(problem))
            cards = tuple(card for card in cards if card.name != problem.model)
    try:
        archive = Archive.open(plan.archive_path, memory_mb=settings.storage.memory_mb)
    except BaseException:
        engine.close()
        raise
    return Session(
        plan, sources, archive, engine, cards, settings, ring, started, [*catalogue.problems, *notes], thresholds, given
    )
