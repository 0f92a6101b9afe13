"""One network on one group: windows cut and normalised, futures taken in order, scores judged. Judge's thread.

A window stands at every ``stride``-th sample since the last gap and holds one channel, less its location and over
its scale. Scores are judged by the same record as the baseline, in the order of their windows: when a future
completes decides when its scores are told, never what they lead to.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from detection.commissioning import Measure
from detection.compose import Point
from detection.event import Scored
from detection.fit import Floats, Mask
from detection.record import Record
from detection.settings import DetectionSettings
from detection.spec import WindowSpec
from telemetry import Group, Times

Submit = Callable[[str, npt.NDArray[np.float32]], "Future[npt.NDArray[np.float32]] | None"]
"""(model, (n, window) float32) to a future of (n,) float32 scores; None where they were refused.

A model of several channels is given (n, window x channels) and gives (n, channels).
"""

_BATCH = 256
_REAL = 0.9  # of a window, before it is scored
_MOST = 1e4  # scales: what a float32 network still digests
_LARGEST = 1e12
_NO_WINDOWS = np.empty((0, 0), dtype=np.float32)
_FLOOR = 0.05  # scales that a residual never counts as less than


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A stretch of a group as a network sees it; ``n`` samples after the ``window - 1`` before them.

    ``series`` and ``valid`` (channels, window - 1 + n) are the judged series and where a value really came;
    ``counts`` (channels, n) samples since the channel's restart; ``location`` and ``scale`` (channels, n);
    ``live`` (channels, n) may raise an alarm; ``ready`` (channels, n) can be scored; ``learning`` (channels,)
    still calibrates; ``spacing`` (channels,) rows a value; ``row`` is how many samples since the last gap came
    before; ``period`` the step in microseconds.
    """

    times: Times
    series: Floats
    valid: Mask
    counts: npt.NDArray[np.int64]
    location: Floats
    scale: Floats
    live: Mask
    ready: Mask
    learning: Mask
    spacing: Floats
    row: int
    period: int


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """Windows of some positions: ``which`` (2, k) position and channel of each."""

    times: Times
    windows: npt.NDArray[np.float32]
    which: npt.NDArray[np.intp]
    counts: npt.NDArray[np.int64]
    live: Mask
    learning: Mask
    period: int


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    cuts: list[_Cut]
    future: Future[npt.NDArray[np.float32]] | None


class Network:
    """The windows, the outstanding futures and the record of one model on one group."""

    def __init__(
        self,
        spec: WindowSpec,
        group: Group,
        submit: Submit,
        settings: DetectionSettings,
        fit: Mask,
    ) -> None:
        n = len(group.channels)
        self.spec = spec
        self.scored = 0
        self.skipped = 0
        self._group = group
        self._submit = submit
        self._merge = settings.merge
        self._opens = settings.networks_open
        self._alpha = 1.0 - (1.0 - settings.alpha) ** spec.stride
        self._fit = fit.copy()  # (channels,) a code has no shape that a network could know
        self.record = Record(settings.network, np.full(1, _FLOOR), n, stride=spec.stride)
        self.record.armed_from[:] = 0
        self._cuts: list[_Cut] = []
        self._count = 0
        self._pending: deque[_Asked | Callable[[], None]] = deque()
        self._state = np.zeros(n)
        self._last = np.full(n, 1 << 60)
        self._peak = np.zeros(n)
        self._judged: Mask = np.zeros(n, dtype=bool)

    @property
    def waiting_since(self) -> int | None:
        """Time of the oldest window whose score is not known, None where there is none."""
        for item in self._pending:
            if isinstance(item, _Asked):
                return int(item.cuts[0].times[0])
        return None

    def take(self, strip: Strip) -> None:
        """Cut the windows that end in ``strip``."""
        first = -(strip.row + 1) % self.spec.stride
        positions = np.arange(first, len(strip.times), self.spec.stride)
        size = max(1, _BATCH // len(self._fit))
        for start in range(0, len(positions), size):
            self._cut(strip, positions[start : start + size])
            if self._count >= _BATCH:
                self.submit()

    def _cut(self, strip: Strip, positions: npt.NDArray[np.intp]) -> None:
        width = self.spec.window
        ready = strip.ready[:, positions] & self._fit[:, None]
        ready &= strip.counts[:, positions] >= math.ceil(_REAL * width)
        if not strip.valid.all():
            real = np.count_nonzero(strip.valid[:, positions[:, None] + np.arange(width)], axis=2)
            ready &= real >= np.floor(_REAL * width / strip.spacing)[:, None]
        # Only positions that ask for something become rows of the record, whatever was cut together.
        asking = ready.any(axis=0)
        if not asking.any():
            return
        positions, ready = positions[asking], ready[:, asking]
        counts, which = strip.counts[:, positions], np.stack(np.nonzero(ready.T))
        position, channel = which
        # What lies before a restart is not of this run: its oldest sample stands for it.
        inside = np.maximum(np.arange(width), width - counts[channel, position][:, None])
        windows = strip.series[channel[:, None], positions[position][:, None] + inside]
        at = channel, positions[position]
        windows = (windows - strip.location[at][:, None]) / strip.scale[at][:, None]
        cut = np.clip(windows, -_MOST, _MOST).astype(np.float32)
        times = strip.times[positions]
        self._cuts.append(_Cut(times, cut, which, counts, strip.live[:, positions], strip.learning, strip.period))
        self._count += which.shape[1]

    def submit(self) -> None:
        """Ask for the scores of what has been cut."""
        if self._cuts:
            windows = np.concatenate([cut.windows for cut in self._cuts])
            # The windows are the pool's now: what waits here must stay small however long it waits.
            cuts = [replace(cut, windows=_NO_WINDOWS) for cut in self._cuts]
            self._pending.append(_Asked(cuts, self._submit(self.spec.model, windows)))
            self._cuts, self._count = [], 0

    def learned(self, which: npt.NDArray[np.intp], unfit: Mask, nominal: bool) -> None:
        """From here on the channels ``which`` are calibrated; ``unfit`` ones are not for networks.

        ``nominal``: whatever was odd until now was not.
        """
        self.submit()
        self._fit[which[unfit]] = False
        self._pending.append(partial(self._calibrate, which, nominal))

    @property
    def name(self) -> str:
        """The model and its version, as a commissioning calls them."""
        return f"{self.spec.model} {self.spec.version}"

    def commissioned(self, channel: int) -> Measure | None:
        """What the scores of channel number ``channel`` came to; None where they were never calibrated."""
        if not self._judged[channel]:
            return None
        return Measure(*(tuple(part[:, 0].tolist()) for part in self.record.measure(np.array([channel]))))

    def adopt(self, channel: int, unfit: bool, measure: Measure | None) -> None:
        """From here on a channel's scores are held against ``measure``; None: this model was not commissioned on it.

        A channel without a measure is judged by this model no more. ``unfit``: it is none for networks.
        """
        self.submit()
        self._fit[channel] &= not unfit
        self._pending.append(partial(self._adopt, channel, measure))

    def factor(self, factors: Floats) -> None:
        """From here on thresholds are multiplied by ``factors`` (channels,)."""
        self.submit()
        self._pending.append(partial(self.record.factor, factors))

    def collect(self, wait: Callable[[], float] | None = None) -> tuple[list[Scored], list[Point]]:
        """What has come back, in order. ``wait`` gives the seconds that each outstanding future may still take."""
        scored: list[Scored] = []
        points: list[Point] = []
        while self._pending:
            item = self._pending[0]
            if isinstance(item, _Asked):
                if item.future is not None and wait is None and not item.future.done():
                    break
                self._apply(item, wait, scored, points)
            else:
                item()
            self._pending.popleft()
        return scored, points

    def _calibrate(self, which: npt.NDArray[np.intp], nominal: bool) -> None:
        self._judged[which] = True
        if nominal:
            self.record.forgive(which)
        self.record.calibrate(which, self._peak[which][None])

    def _adopt(self, channel: int, measure: Measure | None) -> None:
        self._judged[channel] = measure is not None
        self._state[channel] = 0.0
        if measure is not None:
            floors, records = (np.array(part)[:, None] for part in (measure.floors, measure.records))
            self.record.adopt(np.array([channel]), floors, records)

    def _apply(
        self, asked: _Asked, wait: Callable[[], float] | None, scored: list[Scored], points: list[Point]
    ) -> None:
        count = sum(cut.which.shape[1] for cut in asked.cuts)
        scores = result(asked.future, 0.0 if wait is None else wait(), count)
        if scores is None:
            self.skipped += count
        else:
            self.scored += count
        start = 0
        ratios: list[Floats] = []
        for cut in asked.cuts:
            stop = start + cut.which.shape[1]
            ratios.append(self._judge(cut, None if scores is None else scores[start:stop], points))
            start = stop
        times = np.concatenate([cut.times[cut.which[0]] for cut in asked.cuts])
        numbers = np.concatenate([cut.which[1] for cut in asked.cuts]).astype(np.int32)
        ratio = np.concatenate(ratios).astype(np.float32)
        skipped = np.full(count, scores is None)
        spec = self.spec
        scored.append(Scored(self._group, spec.model, spec.version, times, numbers, ratio, skipped))

    def _judge(self, cut: _Cut, scores: Floats | None, points: list[Point]) -> Floats:
        """Ratios (k,) of the windows of ``cut``, NaN where there is none."""
        position, channel = cut.which
        shape = cut.counts.shape
        told = np.zeros(shape, dtype=bool)
        raw = np.zeros(shape)
        if scores is not None:
            usable = np.isfinite(scores)
            told[channel, position] = usable
            raw[channel, position] = np.where(usable, np.clip(scores, -_LARGEST, _LARGEST), 0.0)
        smoothed = np.empty(shape)
        for i in range(shape[1]):
            here = told[:, i]
            fresh = here & (cut.counts[:, i] <= self._last)
            rate = np.where(fresh, 1.0, self._alpha) * here
            self._state += rate * (raw[:, i] - self._state)
            self._last = np.where(here, cut.counts[:, i], self._last)
            smoothed[:, i] = self._state
        smoothed *= told
        learning = cut.learning[:, None] & told
        np.maximum(self._peak, np.where(learning, smoothed, 0.0).max(axis=1), out=self._peak)
        verdict = self.record.judge(smoothed[None], cut.live & told & self._judged[:, None])
        spec, reach = self.spec, self._merge * max(cut.period, 1)
        for hit in verdict.hits:
            reason, path = hit.describe(spec.model), self._group.channels[hit.channel].path
            when = int(cut.times[hit.column])
            point = Point(when, spec.model, spec.version, path, hit.ratio, reach, reason, opens=self._opens)
            points.append(replace(point, threshold=hit.threshold))
        ratio: Floats = np.where(told & self._judged[:, None], verdict.ratio, np.nan)[channel, position]
        return ratio


def result(future: Future[npt.NDArray[np.float32]] | None, timeout: float, count: int) -> Floats | None:
    """(count,) scores, flat, or None where they were refused, failed or did not come in time."""
    if future is None:
        return None
    try:
        scores = np.asarray(future.result(timeout), dtype=np.float64).reshape(-1)
    except (Exception, CancelledError):  # noqa: BLE001 - the pool has logged it; here it is a window without a score
        return None
    return scores if len(scores) == count else None
