"""What alarms are worth against labels: counts, F0.5, and bootstrap intervals over channels. Pure functions of arrays.

An alarm is a run of alarm samples with pauses of at most ``reach``. A labelled event that an alarm touches is a true
positive, one that none touches a false negative, and an alarm that touches no label a false positive. Nothing is
padded, and no sample counts as found because another one of its event was (point adjustment).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int64]
"""(n,) ascending numbers of samples."""
Spans = npt.NDArray[np.int64]
"""(k, 2) first and last sample, in order of time."""
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

RESAMPLES = 2000
SEED = 0
LEVEL = 0.95
BETA = 0.5


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one channel: labelled events found and missed, false alarms, samples outside every label and those of them
    in alarm, and for each event found the samples from its start to the start of the first alarm that touches it.
    """

    tp: int
    fp: int
    fn: int
    nominal: int
    alarmed: int
    delays: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        """All but the delays: a row of what ``f_score`` takes."""
        return self.tp, self.fp, self.fn, self.nominal, self.alarmed


def merged(samples: Samples, reach: int) -> Spans:
    """(k, 2) first and last of the ``samples`` of each alarm: samples at most ``reach`` apart are in the same one."""
    if not len(samples):
        return np.empty((0, 2), dtype=np.int64)
    (breaks,) = np.nonzero(np.diff(samples) > reach)
    return np.stack([samples[np.r_[0, breaks + 1]], samples[np.r_[breaks, len(samples) - 1]]], axis=1)


def within(spans: Spans, length: int) -> Mask:
    """(length,) whether a sample lies in one of the inclusive ``spans`` (k, 2); what lies behind the end is cut."""
    starts, ends = np.minimum(spans[:, 0], length), np.minimum(spans[:, 1] + 1, length)
    change = np.bincount(starts, minlength=length + 1) - np.bincount(ends, minlength=length + 1)
    inside: Mask = change[:length].cumsum() > 0
    return inside


def tally(samples: Samples, labels: Spans, length: int, *, reach: int, held: int = 1) -> Tally:
    """Counts of a channel of ``length`` samples with alarm ``samples`` and inclusive ``labels`` (k, 2), in order of
    time, none of which share a sample.

    ``held`` is for how many samples each alarm sample stands: a score that comes every 8 samples stands for 8. Time
    in alarm is that of the samples alone, without the pauses that make one alarm of several.
    """
    alarms = merged(samples, reach)
    found, first = _touched(labels, alarms)
    true, _ = _touched(alarms, labels)
    delays = np.maximum(alarms[first[found], 0] - labels[found, 0], 0)
    nominal = ~within(labels, length)
    alarmed = within(np.stack([samples, samples + held - 1], axis=1), length)
    return Tally(
        tp=int(found.sum()),
        fp=int((~true).sum()),
        fn=int((~found).sum()),
        nominal=int(nominal.sum()),
        alarmed=int((alarmed & nominal).sum()),
        delays=tuple(delays.tolist()),
    )


def _touched(spans: Spans, others: Spans) -> tuple[Mask, Samples]:
    """(k,) which ``spans`` share a sample with one of the ``others``, and the first one that may; both in order."""
    first = np.searchsorted(others[:, 1], spans[:, 0], "left")
    begin = np.append(others[:, 0], np.iinfo(np.int64).max)[first]
    return begin <= spans[:, 1], first


def alarm_fraction(counts: npt.ArrayLike) -> Floats:
    """Share of nominal samples in alarm, of (..., 5) counts; 0 where every sample is labelled."""
    nominal, alarmed = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)[3:]
    fraction: Floats = alarmed / np.maximum(nominal, 1)
    return fraction


def precision(counts: npt.ArrayLike) -> Floats:
    """tp / (tp + fp) of (..., 5) counts, NaN where there is no alarm."""
    tp, fp, *_ = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore"):
        share: Floats = tp / (tp + fp)
    return share


def recall(counts: npt.ArrayLike) -> Floats:
    """tp / (tp + fn) of (..., 5) counts, NaN where there is no labelled event."""
    tp, _, fn, *_ = np.moveaxis(np.asarray(counts, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore"):
        share: Floats = tp / (tp + fn)
    return share


def f_score(counts: npt.ArrayLike, *, corrected: bool) -> Floats:
    """Event-wise F0.5 of (..., 5) counts: 0 where nothing was found, NaN where there is no labelled event.

    ``corrected``: precision is multiplied by the share of nominal samples that are not in alarm, as in ESA's anomaly
    detection benchmark (Kotowski et al. 2024), for an alarm that never ends would find everything.
    """
    right = np.nan_to_num(precision(counts))
    if corrected:
        right = right * (1 - alarm_fraction(counts))
    found = recall(counts)
    with np.errstate(invalid="ignore"):
        score = (1 + BETA**2) * right * found / (BETA**2 * right + found)
    return np.where(right * found == 0, 0.0, score)


def resamples(channels: int) -> npt.NDArray[np.int64]:
    """(RESAMPLES, channels) how often each channel is in a sample of ``channels`` drawn with replacement.

    Always the same ones, so that two models are compared on the same draws.
    """
    return np.random.default_rng(SEED).multinomial(channels, np.full(channels, 1 / channels), size=RESAMPLES)


def interval(figures: Floats) -> tuple[float, float] | None:
    """The middle 95 % of bootstrap ``figures``; draws where a figure is NaN say nothing. None where none is left."""
    told = figures[~np.isnan(figures)]
    if not len(told):
        return None
    low, high = np.quantile(told, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
