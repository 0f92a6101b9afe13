"""The bank and the baseline on the channels of one group: scores, their records, and what they learn from.

Judge's thread. Given stretches of samples by ``GroupJudge``; knows no times and no events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.commissioning import Commissioned, Measure
from detection.compose import Expectation
from detection.fit import FIT_SHARE, LAGS, Fits, Floats, Kind, Mask, fit_channel
from detection.intake import Intake
from detection.place import Places
from detection.record import Hit, Record, Verdict
from detection.scores import NEEDED, plain_scores, smooth
from detection.settings import BANK_NAME, ROBUST_Z, DetectionSettings
from telemetry import Channel

_FLOORS = np.array([0.02, 0.02, 0.01, 0.25, 0.02, 0.02])  # of BANK, in half ranges (lstd: in nepers)
_NEEDED = np.append(NEEDED, 2)[:, None, None]
_N = len(NEEDED)
_FARTHEST = 1e6  # scales from its place that a sample of a channel that never moved counts as
_LARGEST = 3e38  # what a chart's float32 holds
_NEVER = 1 << 60
_AT_ONCE = 32  # channels fitted together: a long history of many would fill the memory


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Of one stretch: the bank's verdict and the baseline's; the band ``low`` .. ``high`` in channel units, the
    ``location`` and ``scale`` in force; ``shown``: where scores can be told. All (channels, n).
    ``series`` (channels, n + 1) is what was judged and ``values`` what came, each with the sample before.
    """

    bank: Verdict
    baseline: Verdict
    low: Floats
    high: Floats
    location: Floats
    scale: Floats
    shown: Mask
    series: Floats
    values: Floats


class Scorer:
    """The plain scores and robust z of every channel of a group."""

    def __init__(self, channels: tuple[Channel, ...], settings: DetectionSettings) -> None:
        n = len(channels)
        self.fits = Fits(n)
        self.places = Places(n)
        self.bank = Record(settings.bank, _FLOORS, n, history=settings.history)
        self.baseline = Record(settings.baseline, np.ones(1), n)
        # A switch or a mode changes seldom and always alike: its record does not forget what it saw once.
        self.bank.forgets = self.baseline.forgets = np.array([c.type not in ("bool", "i4") for c in channels])
        self._channels = channels
        self._history = settings.history
        self._alpha = settings.alpha
        self._state = np.zeros((_N + 1, n))

    def arm(self, rows: npt.NDArray[np.int64], armable: Mask) -> None:
        """Raise alarms of the ``armable`` channels from ``rows`` (channels,) on."""
        self.bank.armed_from = self.baseline.armed_from = np.where(armable, rows, _NEVER)

    def judge(self, intake: Intake, counts: npt.NDArray[np.int64], valid: Mask) -> Result | None:
        """Judge the newest samples of ``intake``, (channels, n) ``counts`` and ``valid``; None while nothing is
        fitted.
        """
        fits, n = self.fits, counts.shape[1]
        if not fits.ready.any():
            self.bank.judge(np.zeros((_N, *counts.shape)), valid)
            self.baseline.judge(np.zeros((1, *counts.shape)), valid)
            return None
        x = intake.values.last(LAGS + 1 + n)
        y = fits.series(x)
        raw = np.empty((_N + 1, *counts.shape))
        raw[:_N], predicted = plain_scores(fits.scale(y), n, fits)
        bank = self.bank.judge(self._smooth(self._state[:_N], raw[:_N], counts, valid), valid)
        # The location is frozen while the bank finds the channel odd: it must not follow a fault.
        learn = valid & bank.calm & (counts > 1)
        location, scale = self.places.follow(y[:, -n:], learn)
        np.minimum(np.abs(y[:, -n:] - location) / scale, _FARTHEST, out=raw[_N])
        baseline = self.baseline.judge(self._smooth(self._state[_N:], raw[_N:], counts, valid), valid)
        low, high = self._expect(predicted, bank.bound, x, counts)
        shown = valid & fits.ready[:, None] & (counts > 1)
        return Result(bank, baseline, low, high, location, scale, shown, y[:, -n - 1 :], x[:, -n - 1 :])

    def expected(self, result: Result, hit: Hit, words: str) -> Expectation | None:
        """The value of ``hit`` and the range it lies outside of, by the score called ``words``; None where the score
        has none (a spread, a state, a switch), or where the value itself is inside and only those before it were not.
        """
        fits, i, j = self.fits, hit.channel, hit.column
        if fits.kind[i] == Kind.STATE or self._channels[i].type == "bool":
            return None
        before = float(result.values[i, j]) if fits.kind[i] == Kind.COUNTER else 0.0
        actual, width = float(result.values[i, j + 1]), hit.threshold * float(fits.half[i])
        low: float | None = None
        high: float | None = None
        match words:
            case "ar":
                low, high = float(result.low[i, j]), float(result.high[i, j])
            case "diff":
                last = float(result.series[i, j]) + before
                low, high = last - width, last + width
            case "z above":
                high = float(fits.middle[i]) + before + width
            case "z below":
                low = float(fits.middle[i]) + before - width
            case "robust_z":
                place, reach = float(result.location[i, j]) + before, hit.threshold * float(result.scale[i, j])
                low, high = place - reach, place + reach
        outside = (low is not None and actual < low) or (high is not None and actual > high)
        return Expectation(low, high, actual) if outside else None

    def commissioned(self, channel: int, samples: int) -> Commissioned:
        """What is known of channel number ``channel``, to be adopted elsewhere."""
        which = np.array([channel])
        measures = {
            judge: Measure(*(tuple(part[:, 0].tolist()) for part in record.measure(which)))
            for judge, record in ((BANK_NAME, self.bank), (ROBUST_Z, self.baseline))
        }
        kind = self._channels[channel].type
        return Commissioned(kind, samples, self.fits.fit(channel), self.places.place(channel), measures)

    def adopt(self, channel: int, known: Commissioned) -> None:
        """From here on channel number ``channel`` is looked at as it was ``commissioned``."""
        which = np.array([channel])
        self.fits.take(channel, known.fit)
        self.places.fix(channel, known.place)
        self._state[:, channel] = 0.0
        for judge, record in ((BANK_NAME, self.bank), (ROBUST_Z, self.baseline)):
            measure = known.measures[judge]
            record.adopt(which, np.array(measure.floors)[:, None], np.array(measure.records)[:, None])

    def learn(self, which: npt.NDArray[np.intp], intake: Intake, *, nominal: bool) -> None:
        """Fit the channels ``which`` to what ``intake`` kept, and write their records anew by the new fit.

        What was found odd stays out, unless all of it is declared ``nominal``: a commissioning.
        """
        for start in range(0, len(which), _AT_ONCE):
            self._learn(which[start : start + _AT_ONCE], intake, nominal)

    def _learn(self, which: npt.NDArray[np.intp], intake: Intake, nominal: bool) -> None:
        n = int(min(intake.row - intake.first[which].min(), self._history))
        x = intake.values.last(n + LAGS + 1)[which]
        counts = intake.counts.last(n)[which].astype(np.int64)
        valid = intake.valid.last(n)[which]
        good = valid & (counts > 1)
        if not nominal:
            good &= ~self.bank.quarantined(n)[which]
        enough = good.sum(axis=1) > LAGS
        which, x, counts, valid, good = which[enough], x[enough], counts[enough], valid[enough], good[enough]
        if not len(which):
            return
        for row, channel in enumerate(which):
            self._fit(int(channel), x[row], good[row], nominal)
        if nominal:
            self.places.fixed[which] = True
            self.bank.forgive(which)
            self.baseline.forgive(which)
        self._rewrite(which, x, counts, valid, good)
        self.bank.since[which] = self.baseline.since[which] = intake.first[which]

    def _fit(self, channel: int, x: Floats, good: Mask, nominal: bool) -> None:
        fit = fit_channel(self._channels[channel], x[LAGS:], good)
        first = not self.fits.ready[channel] or self.fits.kind[channel] != fit.kind
        self.fits.take(channel, fit)
        if first or nominal:
            y = self.fits.series(x[None], np.array([channel]))[0, LAGS:]
            self.places.begin(channel, y[good], 2 * fit.half)

    def _rewrite(
        self, which: npt.NDArray[np.intp], x: Floats, counts: npt.NDArray[np.int64], valid: Mask, good: Mask
    ) -> None:
        n = counts.shape[1]
        y = self.fits.series(x, which)
        location, scale = self.places.now(which)
        raw = np.empty((_N + 1, *counts.shape))
        raw[:_N], _ = plain_scores(self.fits.scale(y, which), n, self.fits, which)
        np.minimum(np.abs(y[:, -n:] - location[:, None]) / scale[:, None], _FARTHEST, out=raw[_N])
        state = np.zeros((_N + 1, len(which)))
        smoothed = self._smooth(state, raw, counts, valid)
        self._state[:, which] = state
        largest = np.empty((_N + 1, len(which)))
        for row in range(len(which)):
            (rows,) = np.nonzero(good[row])
            largest[:, row] = smoothed[:, row, rows[int(len(rows) * FIT_SHARE) :]].max(axis=1)
        floors = np.minimum(_FLOORS[-1] * self.fits.half[which] / scale, 1.0)
        self.bank.relearn(which, smoothed[:_N], good, largest[:_N])
        self.baseline.relearn(which, smoothed[_N:], good, largest[_N:], floors[None])

    def _smooth(self, state: Floats, raw: Floats, counts: npt.NDArray[np.int64], valid: Mask) -> Floats:
        """Smoothed scores, 0 where they cannot be told yet; a missing sample leaves the score as it was."""
        needed = _NEEDED[-1:] if len(raw) == 1 else _NEEDED[: len(raw)]
        told = counts >= needed
        rate = np.where(valid, self._alpha, 0.0) * told
        rate[counts == needed] = 1.0
        return smooth(state, raw, rate) * told

    def _expect(
        self, predicted: Floats, bound: Floats, x: Floats, counts: npt.NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """The band: what was predicted, give or take the threshold of its residual."""
        fits, n = self.fits, predicted.shape[1]
        center = fits.middle[:, None] + predicted * fits.half[:, None]
        if not fits.plain:
            center += np.where(fits.kind[:, None] == Kind.COUNTER, x[:, -n - 1 : -1], 0.0)
        known = (counts >= NEEDED[0]) & fits.ready[:, None] & (fits.kind[:, None] != Kind.STATE)
        wide = bound * fits.half[:, None]
        low = np.where(known, np.clip(center - wide, -_LARGEST, _LARGEST), np.nan)
        return low, np.where(known, np.clip(center + wide, -_LARGEST, _LARGEST), np.nan)
