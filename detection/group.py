"""One group of channels, sample by sample: the bank, the baseline, the windows of the networks. Judge's thread.

Frames are taken apart into stretches that end at absolute multiples of rows, at gaps and where a channel comes
back, and everything that changes a parameter happens there: how the stream was cut changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.compose import Point
from detection.event import Judged
from detection.fit import FIT_SHARE, LAGS, Fits, Floats, Kind, Mask, fit_channel
from detection.limits import Limits
from detection.network import Network, Strip, Submit
from detection.period import Period
from detection.place import Places
from detection.record import Hit, Record, Verdict
from detection.scores import NEEDED, plain_scores, smooth
from detection.settings import BANK, LIMITS, ROBUST_Z, DetectionSettings
from detection.spec import WindowSpec
from detection.tape import Tape
from telemetry import Frame, Group, Quality, Severity, Times

_FLOORS = np.array([0.02, 0.02, 0.01, 0.25, 0.02])  # of ar, diff, std, lstd, z, in half ranges (lstd: in nepers)
_NEEDED = np.append(NEEDED, 1)[:, None, None]
_STRETCH = 100
_EARLY = 10  # rows of a stretch while the period is being measured
_NEVER = 1 << 60
_VERSION = "1"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a frame gave: its ratios, and the points for the composers of findings and of limits."""

    judged: Judged
    findings: list[Point]
    limits: list[Point]


class GroupJudge:
    """Everything that is known of one group while a session lasts."""

    def __init__(self, group: Group, specs: Sequence[WindowSpec], submit: Submit, settings: DetectionSettings) -> None:
        n = len(group.channels)
        self.group = group
        self.row = 0
        self.newest = -_NEVER
        self._settings = settings
        self._period = Period(group.period, settings.gap)
        self._paths = [channel.path for channel in group.channels]
        self._fits = Fits(n)
        self._places = Places(n)
        self._limits = Limits(group.channels, settings.persistence)
        reach = 0
        if group.period and group.orbit:
            reach = int(settings.orbits * group.orbit / group.period)
        self._bank = Record(settings.bank, _FLOORS, n, reach=reach, history=settings.history)
        self._base = Record(settings.baseline, np.full(1, 0.02), n, reach=reach)
        discrete = np.array([channel.type in ("bool", "i4") for channel in group.channels], dtype=bool)
        self._bank.forgets = self._base.forgets = ~discrete
        self.networks = [Network(spec, group, submit, settings, ~discrete, reach) for spec in specs]
        self._tail = max([LAGS + 1, *(spec.window for spec in specs)])
        keep = settings.history + self._tail + _STRETCH
        self._values = Tape(n, keep, np.float64)
        self._counts = Tape(n, keep, np.int32)  # samples in a row since the (re)start; 0 before the first
        self._valid = Tape(n, keep, np.bool_)
        self._state = np.zeros((6, n))
        self._held = np.zeros(n)
        self._started: Mask = np.zeros(n, dtype=bool)
        self._first = np.zeros(n, dtype=np.int64)
        self._since = np.zeros(n, dtype=np.int64)
        self._age = np.zeros(n, dtype=np.int64)
        self._taken = np.zeros(n, dtype=np.int64)
        self._stage = np.zeros(n, dtype=np.int64)
        self._armable: Mask = np.zeros(n, dtype=bool)
        self._rearmed = np.zeros(n, dtype=np.int64)
        self._final = False
        self._run = 0

    @property
    def period(self) -> int:
        """Step between samples in microseconds, declared or measured; 0 while it is not known."""
        return self._period.step

    @property
    def provisional(self) -> Mask:
        """(channels,) which still learn from the stream."""
        return self._stage < len(self._settings.fits)

    def feed(self, frame: Frame) -> Found:
        """Judge a frame of this group. What is older than the newest sample was late: recorded, not judged."""
        times, x = frame.times, _matrix(frame)
        n = len(times)
        judged = Judged(self.group, times, *(np.full((n, len(x)), np.nan, dtype=np.float32) for _ in range(3)))
        found = Found(judged, [], [])
        at = int(np.searchsorted(times, self.newest, "left"))
        while at < n:
            size = _EARLY if self._period.measuring else _STRETCH
            stop = min(n, at + size - self.row % size)
            stop = at + self._cut(times[at:stop], x[:, at:stop])
            self._stretch(times[at:stop], x[:, at:stop], slice(at, stop), found)
            at = stop
        for network in self.networks:
            network.submit()
        return found

    def commission(self) -> None:
        """Take all that was seen so far, odd or not, as the commissioning of every channel with enough of it."""
        (which,) = np.nonzero(self._started & (self._taken >= self._settings.fits[0]))
        if len(which):
            self._learn(which, commission=True)
            self._stage[which] = len(self._settings.fits)
            self._armable[which] = True
            self._arm()

    def _cut(self, times: Times, x: Floats) -> int:
        """Samples up to the next gap or return of a channel, which is at the first of the next stretch."""
        if self._period.gap(times[0]):
            self._run = 0
            self._restart(self._started)
        count = self._period.run(times)
        valid = np.isfinite(x[:, :count])
        if self._started.all() and valid.all() and not self._age.any():
            return count
        # Rows since the last value, before each row; a channel that was away for too long starts again.
        columns = np.arange(count)
        last = np.maximum.accumulate(np.where(valid, columns, -1 - self._age[:, None]), axis=1)
        before = np.concatenate([-1 - self._age[:, None], last[:, :-1]], axis=1)
        away = columns - 1 - before
        limit = self._settings.gap * self._fits.spacing[:, None]
        back = valid & ((away > limit) | ~(self._started[:, None] | (before >= 0)))
        self._restart(back[:, 0])
        self._first[back[:, 0] & ~self._started] = self.row
        self._started |= back[:, 0]
        later = back[:, 1:].any(axis=0)
        return 1 + int(later.argmax()) if later.any() else count

    def _restart(self, which: Mask) -> None:
        self._since[which] = 0
        wait = np.ceil(self._settings.rearm * self._fits.spacing[which])
        self._rearmed[which] = np.where(self._started[which], self.row + wait.astype(np.int64), 0)
        self._arm()

    def _arm(self) -> None:
        self._bank.armed_from = np.where(self._armable, self._rearmed, _NEVER)
        self._base.armed_from = self._bank.armed_from

    def _stretch(self, times: Times, x: Floats, place: slice, found: Found) -> None:
        n = len(times)
        for out in self._limits.check(x):
            found.limits.append(
                self._point(times, out.column, LIMITS, out.channel, out.ratio, out.reason, severity=out.severity)
            )
        valid = np.isfinite(x)
        held = self._hold(x, valid)
        counts = np.where(self._started[:, None], self._since[:, None] + np.arange(1, n + 1), 0)
        self._since = counts[:, -1].copy()
        self._taken += valid.sum(axis=1)
        self._values.append(held)
        self._counts.append(counts)
        self._valid.append(valid)
        if self._fits.ready.any():
            self._judge(times, counts, valid, place, found)
        else:
            idle = np.zeros((len(x), n))
            self._bank.judge(np.zeros((5, len(x), n)), valid)
            self._base.judge(idle[None], valid)
        self.row += n
        self._run += n
        self._period.learn(times)
        self.newest = int(times[-1])
        if self.row % _STRETCH == 0:
            self._refit()

    def _hold(self, x: Floats, valid: Mask) -> Floats:
        """The values with missing ones replaced by the value before."""
        if valid.all():
            self._held = x[:, -1].copy()
            self._age[:] = 0
            return x
        columns = np.arange(x.shape[1])
        last = np.maximum.accumulate(np.where(valid, columns, -1), axis=1)
        held = np.take_along_axis(x, np.maximum(last, 0), axis=1)
        held = np.where(last < 0, self._held[:, None], held)
        self._held = held[:, -1].copy()
        age = columns[-1] - last[:, -1]
        self._age = np.where(last[:, -1] < 0, self._age + x.shape[1], age) * self._started
        return held

    def _judge(self, times: Times, counts: npt.NDArray[np.int64], valid: Mask, place: slice, found: Found) -> None:
        n, fits = len(times), self._fits
        x = self._values.last(LAGS + 1 + n)
        y = fits.series(x)
        u = fits.scale(y)
        raw = np.empty((6, len(x), n))
        raw[:5], predicted = plain_scores(u, n, fits)
        smoothed = self._smooth(self._state[:5], raw[:5], counts, valid)
        verdict = self._bank.judge(smoothed, valid)
        learn = valid & verdict.calm & (counts > 1)
        location, scale, half = self._places.follow(y[:, -n:], learn)
        np.minimum(np.abs(y[:, -n:] - location) / scale, 1e6, out=raw[5])
        plain = self._smooth(self._state[5:], raw[5:], counts, valid)
        base = self._base.judge(plain, valid)
        learning = ~self._armable
        shown = valid & fits.ready[:, None]
        found.judged.ratio[place] = np.where(shown, verdict.ratio, np.nan).T
        self._expect(predicted, verdict.bound, x, counts, place, found)
        self._report(times, verdict, found)
        for hit in base.hits:
            found.findings.append(self._finding(times, hit, ROBUST_Z, self._settings.robust_z_opens))
        if not self.networks:
            return
        live = valid & (self.row + np.arange(n) >= self._bank.armed_from[:, None])
        for network in self.networks:
            width = network.spec.window - 1 + n
            series = fits.series(self._values.last(width + 1))
            real = self._valid.last(width)
            network.take(
                Strip(times, series, real, counts, location, half, live, shown, learning, fits.spacing, self._run)
            )

    def _smooth(self, state: Floats, raw: Floats, counts: npt.NDArray[np.int64], valid: Mask) -> Floats:
        needed = _NEEDED[: len(raw)] if len(raw) > 1 else _NEEDED[-1:]
        told = counts >= needed
        rate = np.where(valid, self._settings.alpha, 0.0) * told
        rate[(counts == needed) & told] = 1.0
        return smooth(state, raw, rate) * told

    def _expect(
        self,
        predicted: Floats,
        bound: Floats,
        x: Floats,
        counts: npt.NDArray[np.int64],
        place: slice,
        found: Found,
    ) -> None:
        """The band in channel units: what was predicted, give or take the threshold of its residual."""
        fits, n = self._fits, predicted.shape[1]
        middle, half = fits.middle[:, None], fits.half[:, None]
        if not fits.plain:
            middle = middle + np.where(fits.kind[:, None] == Kind.COUNTER, x[:, -n - 1 : -1], 0.0)
        known = (counts > LAGS) & fits.ready[:, None] & (fits.kind[:, None] != Kind.STATE)
        center, wide = middle + predicted * half, bound * half
        found.judged.low[place] = np.where(known, center - wide, np.nan).T
        found.judged.high[place] = np.where(known, center + wide, np.nan).T

    def _report(self, times: Times, verdict: Verdict, found: Found) -> None:
        for hit in verdict.hits:
            found.findings.append(self._finding(times, hit, BANK[hit.score], True))
            for other in hit.seconds:
                found.findings.append(self._finding(times, hit, BANK[other], False))
        for column, channel in verdict.settled:
            point = self._point(times, column, "", channel, 1.0, "", settled=True)
            found.findings.append(point)

    def _finding(self, times: Times, hit: Hit, judge: str, opens: bool) -> Point:
        reason = describe(judge, hit) if opens else ""
        return self._point(times, hit.column, judge, hit.channel, hit.ratio, reason, opens=opens)

    def _point(
        self,
        times: Times,
        column: int,
        judge: str,
        channel: int,
        ratio: float,
        reason: str,
        *,
        severity: Severity = Severity.WATCH,
        opens: bool = True,
        settled: bool = False,
    ) -> Point:
        reach = self._settings.merge * max(self.period, 1)
        path = self._paths[channel]
        return Point(int(times[column]), judge, _VERSION, path, ratio, reach, reason, severity, opens, settled)

    def _refit(self) -> None:
        """Fit the channels that have reached the next of their counts; one in alarm waits."""
        if self._final:
            return
        fits = np.array([*self._settings.fits, _NEVER])
        due = self._started & (self._taken >= fits[self._stage]) & ~self._bank.unsettled
        if due.any():
            (which,) = np.nonzero(due)
            self._learn(which)
            while (behind := self._taken[which] >= fits[self._stage[which]]).any():
                self._stage[which] += behind
            self._armable[which] = self._taken[which] >= self._settings.arm_after
            self._arm()
        if (self._stage >= len(self._settings.fits)).all():
            self._final = True
            for tape in (self._values, self._counts, self._valid):
                tape.shrink(self._tail + _STRETCH)

    def _learn(self, which: npt.NDArray[np.intp], *, commission: bool = False) -> None:
        """Fit the channels ``which`` to their history, and write their records anew by the new fit."""
        fits = self._fits
        n = int(min(self.row - self._first[which].min(), self._settings.history))
        x = self._values.last(n + LAGS + 1)[which]
        counts = self._counts.last(n)[which].astype(np.int64)
        valid = self._valid.last(n)[which]
        good = valid & (counts > 1)
        if not commission:
            good &= ~self._bank.quarantined(n)[which]
        enough = good.sum(axis=1) > LAGS
        which, x, counts, valid, good = which[enough], x[enough], counts[enough], valid[enough], good[enough]
        if not len(which):
            return
        for row, channel in enumerate(which):
            fit = fit_channel(self.group.channels[channel], x[row, LAGS:], good[row])
            first = not fits.ready[channel] or fits.kind[channel] != fit.kind
            fits.take(int(channel), fit)
            if first or commission:
                y = fits.series(x[row : row + 1], which[row : row + 1])[0, -n:]
                self._places.begin(int(channel), y[good[row]], 2 * fit.half)
        if commission:
            self._places.fixed[which] = True
            self._bank.forgive(which)
            self._base.forgive(which)
        y = fits.series(x, which)
        location, scale = self._places.now(which)
        raw = np.empty((6, len(which), n))
        raw[:5], _ = plain_scores(fits.scale(y, which), n, fits, which)
        np.minimum(np.abs(y[:, -n:] - location[:, None]) / scale[:, None], 1e6, out=raw[5])
        state = np.zeros((6, len(which)))
        smoothed = self._smooth(state, raw, counts, valid)
        self._state[:, which] = state
        largest = np.empty((6, len(which)))
        for row in range(len(which)):
            (rows,) = np.nonzero(good[row])
            largest[:, row] = smoothed[:, row, rows[int(len(rows) * FIT_SHARE) :]].max(axis=1)
        floors = np.minimum(0.02 * fits.half[which] / scale, 1.0)
        self._bank.relearn(which, smoothed[:5], good, largest[:5])
        self._base.relearn(which, smoothed[5:], good, largest[5:], floors[None])
        self._bank.since[which] = self._base.since[which] = self._first[which]
        for network in self.networks:
            network.learned(which, fits.kind[which] == Kind.STATE, commission)


def describe(judge: str, hit: Hit) -> str:
    """The sentence for a hit: which score, and by how much over what."""
    return f"{judge} {hit.factor:.1f} x anything in the last {max(hit.seen // 100 * 100, 100):,} samples"


def _matrix(frame: Frame) -> Floats:
    """(channels, n) values to judge, NaN where there is none to be judged."""
    x = np.ascontiguousarray(frame.matrix().T)
    if frame.quality is not None:
        for i, quality in enumerate(frame.quality):
            if quality is not None:
                x[i, (quality & Quality.LATE) != 0] = np.nan
    return x
