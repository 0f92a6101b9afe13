"""A model of several channels on one satellite: its patterns bound, its windows cut, its scores judged. Judge's thread.

Its channels meet on the model's own grid. Values are normalised by what the version stores. Its scores are smoothed
over two spans, a short one and a long one, and the least that counts of either is the largest that it reached in the
version's own nominal time. So nothing is commissioned here: it judges from the first whole window on, by the same
record as every other score, of which only the margins are its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial

import numpy as np
import numpy.typing as npt

from detection.compose import Point
from detection.event import Scored
from detection.fit import Floats, Mask
from detection.grid import HELD, Grid
from detection.network import Submit, result
from detection.record import Record
from detection.settings import DetectionSettings
from detection.spec import WindowSpec
from detection.thresholds import Thresholds
from telemetry import Channel, Group, Times

_BATCH = 256
_REAL = 0.9  # of a window of each channel, before it is scored
_MOST = 1e4  # scales: what a float32 network still digests
_LARGEST = 1e12
_LEAST = 1e-3  # scales that a score never counts as less than

Places = list[tuple[Group, int]]
"""The group and the number in it of each channel of a model, in its order."""


def bind(spec: WindowSpec, groups: Sequence[Group]) -> tuple[Places, list[str]]:
    """Where the channels of ``spec`` lie on one satellite, and the patterns that bind none there, or several."""
    places: Places = []
    lacking: list[str] = []
    for pattern in spec.channels:
        found = [
            (group, number)
            for group in groups
            for number, channel in enumerate(group.channels)
            if fnmatchcase(channel.key, pattern)
        ]
        if len(found) == 1:
            places += found
        else:
            lacking.append(pattern)
    return places, lacking


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    times: Times
    future: Future[npt.NDArray[np.float32]] | None


class Smoothing:
    """Scores of ``n`` channels smoothed by each of ``alphas``, which are those of a grid point.

    One score comes each ``stride`` points. The first of ``alphas`` begins at the first score, the others at nothing.
    """

    def __init__(self, alphas: Sequence[float], stride: int, n: int) -> None:
        self._rates = 1.0 - (1.0 - np.array(alphas)[:, None]) ** stride
        self._state = np.zeros((len(alphas), n))

    def take(self, raw: Floats, told: Mask, following: Mask) -> Floats:
        """(alphas, n, k) of scores ``raw`` (n, k) where ``told``; ``following`` (k,) come right after another."""
        out = np.empty((len(self._state), *raw.shape))
        for i in range(raw.shape[1]):
            rates = np.where(told[:, i], self._rates, 0.0)
            if not following[i]:
                # There is nothing to go on from; what lasts has to show again that it does.
                self._state[:] = 0.0
                rates[0] = told[:, i]
            self._state += rates * (raw[:, i] - self._state)
            out[:, :, i] = self._state
        return out


class Bound:
    """One model on one satellite, whose channels lie at ``places``.

    A window waits ``patience`` microseconds for a group that has not passed it.
    """

    def __init__(self, spec: WindowSpec, places: Places, submit: Submit, settings: DetectionSettings) -> None:
        assert spec.sample_period is not None
        n = len(places)
        self.spec = spec
        self.scored = 0
        self.skipped = 0
        self.patience = HELD * spec.sample_period
        self._places = places
        self._channels: list[Channel] = [group.channels[number] for group, number in places]
        self._submit = submit
        self.opens = settings.between_opens
        self._smoothing = Smoothing(settings.between_alphas, spec.stride, n)
        self._reach = settings.merge * spec.sample_period
        self._location = np.array([one.location for one in spec.places])[:, None]
        self._scale = np.array([one.scale for one in spec.places])[:, None]
        floors = np.array([[one.usual, one.lasting] for one in spec.places]).T.clip(_LEAST)
        self._record = Record(settings.between, floors, n, stride=spec.stride)
        self._record.armed_from[:] = 0
        orbit = max(group.orbit or settings.orbit for group, _ in places)
        self._record.extend(int(settings.orbits * orbit / spec.sample_period))
        columns = [(group.key, number) for group, number in places]
        self._grid = Grid(spec.sample_period, columns, [one.step for one in spec.places])
        self._values: Floats = np.empty((n, 0))
        self._times: Times = np.empty(0, dtype=np.int64)
        self._pending: deque[_Asked | Callable[[], None]] = deque()
        self._last = 0

    @property
    def waiting_since(self) -> int | None:
        """Time of the oldest window whose score is not known, None where there is none."""
        return next((int(item.times[0]) for item in self._pending if isinstance(item, _Asked)), None)

    def factor(self, thresholds: Thresholds) -> None:
        """From the next window on thresholds are what they were times the operator's factor for each channel."""
        self._pending.append(partial(self._record.factor, thresholds.factors([one.key for one in self._channels])))

    def restart(self) -> None:
        """The clock of the stream was set back."""
        self._grid.restart()
        self._values, self._times = self._values[:, :0], self._times[:0]

    def put(self, key: str, times: Times, values: Floats) -> None:
        """Take what a group sent, (channels of the group, n) and NaN where there is none to be judged."""
        self._grid.put(key, times, values)

    def close(self, until: int) -> None:
        """Everything up to ``until`` has arrived: cut and submit the windows that end by then."""
        times, values = self._grid.close(until)
        if not len(times):
            return
        values = np.clip((values - self._location) / self._scale, -_MOST, _MOST)
        before = len(self._times)
        self._times = np.concatenate([self._times, times])
        self._values = np.concatenate([self._values, values], axis=1)
        step, stride = self._grid.period, self.spec.stride
        (ends,) = np.nonzero((self._times[before:] // step + 1) % stride == 0)
        for start in range(0, len(ends), _BATCH):
            self._cut(before + ends[start : start + _BATCH])
        keep = self.spec.window - 1
        self._times, self._values = self._times[-keep:], self._values[:, -keep:]

    def _cut(self, ends: npt.NDArray[np.intp]) -> None:
        """Ask for the scores of the windows whose newest points are the columns ``ends``."""
        width, step = self.spec.window, self._grid.period
        wanted = self._times[ends][:, None] + np.arange(1 - width, 1) * step
        at = np.searchsorted(self._times, wanted)
        there = self._times[np.minimum(at, len(self._times) - 1)] == wanted
        windows = np.where(there[None], self._values[:, np.minimum(at, len(self._times) - 1)], np.nan)
        real = np.isfinite(windows)
        whole = (real.mean(axis=2) >= _REAL).all(axis=0)
        if not whole.any():
            return
        windows = _filled(windows[:, whole], real[:, whole]).transpose(1, 2, 0)
        flat = np.ascontiguousarray(windows.reshape(len(windows), -1), dtype=np.float32)
        self._pending.append(_Asked(self._times[ends][whole], self._submit(self.spec.model, flat)))

    def collect(self, wait: Callable[[], float] | None = None) -> tuple[list[Scored], list[Point]]:
        """What has come back, in order. ``wait`` gives the seconds that each outstanding future may still take."""
        scored: list[Scored] = []
        points: list[Point] = []
        while self._pending:
            asked = self._pending[0]
            if not isinstance(asked, _Asked):
                asked()
                self._pending.popleft()
                continue
            if asked.future is not None and wait is None and not asked.future.done():
                break
            self._pending.popleft()
            count, n = len(asked.times), len(self._channels)
            flat = result(asked.future, 0.0 if wait is None else wait(), count * n)
            if flat is None:
                self.skipped += count
                ratio = np.full((n, count), np.nan)
            else:
                self.scored += count
                ratio = self._judge(asked.times, flat.reshape(count, n).T, points)
            scored += self._told(asked.times, ratio, flat is None)
        return scored, points

    def _judge(self, times: Times, scores: Floats, points: list[Point]) -> Floats:
        """Ratios (channels, n) of scores (channels, n), NaN where there is none."""
        told: Mask = np.isfinite(scores)
        raw = np.where(told, np.clip(scores, -_LARGEST, _LARGEST), 0.0)
        following = np.diff(times, prepend=self._last) == self.spec.stride * self._grid.period
        self._last = int(times[-1])
        smoothed = self._smoothing.take(raw, told, following)
        verdict = self._record.judge(smoothed * told, told)
        spec = self.spec
        for hit in verdict.hits:
            path, when = self._channels[hit.channel].path, int(times[hit.column])
            said = hit.describe(spec.model)
            points.append(Point(when, spec.model, spec.version, path, hit.ratio, self._reach, said, opens=self.opens))
        return np.where(told, verdict.ratio, np.nan)

    def _told(self, times: Times, ratio: Floats, skipped: bool) -> list[Scored]:
        """The ratios (channels, n), group by group."""
        out = []
        for key in dict.fromkeys(group.key for group, _ in self._places):
            rows = [i for i, (group, _) in enumerate(self._places) if group.key == key]
            numbers = np.array([self._places[i][1] for i in rows], dtype=np.int32)
            out.append(
                Scored(
                    self._places[rows[0]][0],
                    self.spec.model,
                    self.spec.version,
                    np.repeat(times, len(rows)),
                    np.tile(numbers, len(times)),
                    ratio[rows].T.reshape(-1).astype(np.float32),
                    np.full(len(times) * len(rows), skipped),
                )
            )
        return out


def _filled(windows: Floats, real: Mask) -> Floats:
    """(c, n, width) with the value before where one is missing, the first where none came before."""
    last = np.maximum.accumulate(np.where(real, np.arange(real.shape[2]), -1), axis=2)
    last = np.where(last < 0, real.argmax(axis=2)[:, :, None], last)
    return np.take_along_axis(windows, last, axis=2)
