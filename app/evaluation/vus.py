"""VUS-PR: the volume under the range-based precision-recall surface. Pure functions of arrays.

Paparrizos, Boniol, Palpanas, Tsay, Elmore, Franklin: Volume Under the Surface, PVLDB 15(11), 2774-2787, 2022, with 250
thresholds and every buffer from 0 to 500 samples. The definition, to the last sample, is that of aeon (BSD-3); only
what changes from one buffer to the next is computed for each, and all models at once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.evaluation.metrics import Floats, Mask

LARGEST_BUFFER = 500
THRESHOLDS = 250

_Index = npt.NDArray[np.int64]


def obstacle(labels: Mask, scores: Floats) -> str:
    """Why there is no volume for (n,) ``labels`` and ``scores``, as half a sentence; empty where there is one."""
    if not labels.any():
        return "no sample is labelled"
    if scores.min() == scores.max():
        return "the scores are constant"
    return ""


def vus_pr(labels: Mask, scores: Floats, largest: int = LARGEST_BUFFER) -> Floats:
    """(m,) volumes of (m, n) finite ``scores``, none of which meets an ``obstacle``, against (n,) ``labels``."""
    models, n = scores.shape
    bins, predicted = _thresholds(scores)
    found = _cumulated(bins[:, labels], np.ones(int(labels.sum())))
    starts, ends = _runs(labels)
    place, distance, reach = _slopes(labels, starts, ends, largest // 2)
    near, place = np.unique(place, return_inverse=True)
    padded = np.concatenate([bins, np.full((models, 1), THRESHOLDS - 1)], axis=1)
    volume = np.zeros(models)
    for buffer in range(largest + 1):
        slope = buffer // 2
        count = int(np.searchsorted(reach, slope, "right"))
        overlaid = np.bincount(place[:count], np.sqrt(1 - distance[:count] / max(buffer, 1)), len(near))
        weight = np.minimum(overlaid, 1.0, dtype=np.float64)
        true = found + _cumulated(bins[:, near], weight)
        positive = found[0, -1] + weight.sum() / 2  # the mean of what is labelled and what is when slopes count
        exists = _existence(padded, *_regions(starts, ends, slope, n))
        recall = np.minimum(true / positive, 1.0) * exists
        precision = true / predicted
        steps = np.diff(recall, axis=1, prepend=0.0)
        volume += (steps * (precision + np.concatenate([np.ones((models, 1)), precision[:, :-1]], axis=1))).sum(axis=1)
    return volume / 2 / (largest + 1)


def _thresholds(scores: Floats) -> tuple[_Index, Floats]:
    """(m, n) number of the first threshold that each score reaches; (m, THRESHOLDS) how many scores reach each."""
    n = scores.shape[1]
    bins = np.empty(scores.shape, dtype=np.int64)
    for own, out in zip(-scores, bins, strict=True):
        chosen = np.sort(own)[np.linspace(0, n - 1, THRESHOLDS, dtype=np.int64)]
        out[:] = np.searchsorted(chosen, own, "left")
    return bins, _cumulated(bins, np.ones(n))


def _cumulated(bins: _Index, weight: Floats) -> Floats:
    """(m, THRESHOLDS) sum of the ``weight`` (k,) of the samples whose ``bins`` (m, k) reach each threshold."""
    models = len(bins)
    flat = (bins + THRESHOLDS * np.arange(models)[:, None]).ravel()
    sums = np.bincount(flat, np.tile(weight, models), models * THRESHOLDS)
    return sums.reshape(models, THRESHOLDS).cumsum(axis=1, dtype=np.float64)


def _runs(labels: Mask) -> tuple[_Index, _Index]:
    """First and last sample of each run of labelled samples."""
    edges = np.flatnonzero(np.diff(labels, prepend=False, append=False))
    return edges[::2], edges[1::2] - 1


def _slopes(labels: Mask, starts: _Index, ends: _Index, longest: int) -> tuple[_Index, _Index, _Index]:
    """Unlabelled samples on a slope, once for each slope: which, how far from its event, from what length on.

    In order of that length. A slope after an event begins at its last sample, so it ends one sample sooner.
    """
    steps = np.arange(1, longest + 1)
    before, after = starts[:, None] - steps, ends[:, None] + steps
    place = np.concatenate([before.ravel(), after.ravel()])
    distance = np.tile(steps, 2 * len(starts))
    reach = distance + np.repeat([0, 1], before.size)
    inside = (place >= 0) & (place < len(labels))
    inside[inside] = ~labels[place[inside]]
    place, distance, reach = place[inside], distance[inside], reach[inside]
    order = np.argsort(reach, kind="stable")
    return place[order], distance[order], reach[order]


def _regions(starts: _Index, ends: _Index, slope: int, n: int) -> tuple[_Index, _Index]:
    """First and last sample of each event with its slopes; events whose slopes meet are one."""
    first, last = np.maximum(starts - slope, 0), np.minimum(ends + max(slope - 1, 0), n - 1)
    apart = first[1:] > last[:-1] + 1
    return first[np.r_[True, apart]], last[np.r_[apart, True]]


def _existence(padded: _Index, first: _Index, last: _Index) -> Floats:
    """(m, THRESHOLDS) share of the regions with a sample that reaches each threshold; ``padded`` (m, n + 1)."""
    edges = np.stack([first, last + 1], axis=1).ravel()
    best = np.minimum.reduceat(padded, edges, axis=1)[:, ::2]
    return _cumulated(best, np.ones(len(first))) / len(first)
