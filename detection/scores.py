"""The plain scores of the bank, for many channels and samples at once, and their smoothing. Judge's thread.

Every number depends on the samples before it and on nothing else: sums over a window are dot products of that
window alone (``vecdot`` takes one window at a time), never differences of running sums or a product of matrices
whose shape depends on how the stream was cut.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from detection.fit import LAGS, Fits, Floats

SHORT = 32
"""Samples of the short standard deviation."""
NEEDED = np.array([LAGS + 2, 3, SHORT + 1, LAGS + 1, 2, 2])
"""Samples in a row that each plain score needs, itself included; the first after a gap is in none, because the
step to it is no step."""
_ONES = np.ones(LAGS)


def windows(u: Floats, length: int, n: int) -> Floats:
    """(c, n, length) view of the windows that end with each of the last ``n`` columns of (c, m) ``u``."""
    first = u.shape[1] - n - length + 1
    view: Floats = as_strided(
        u[:, first:], (u.shape[0], n, length), (u.strides[0], u.strides[1], u.strides[1]), writeable=False
    )
    return view


def deviation(u: Floats, length: int, n: int) -> Floats:
    """(c, n) standard deviation of the ``length`` samples that end with each of the last ``n``."""
    view = windows(u, length, n)
    mean = np.vecdot(view, _ONES[:length]) / length
    variance = np.vecdot(view, view) / length - mean * mean
    spread: Floats = np.sqrt(np.maximum(variance, 0.0))
    return spread


def plain_scores(u: Floats, n: int, fits: Fits, which: npt.NDArray[np.intp] | None = None) -> tuple[Floats, Floats]:
    """Raw scores (scores, c, n) of the last ``n`` columns of (c, LAGS + n) scaled values, and the prediction (c, n).

    What lies above the middle and what lies below are scores of their own: on a channel that often reaches far to one
    side, a departure to the other would be nothing new.
    """
    part = slice(None) if which is None else which
    new = u[:, -n:]
    predicted = np.vecdot(windows(u[:, :-1], LAGS, n), fits.weights[part]) + fits.bias[part, None]
    out = np.empty((len(NEEDED), u.shape[0], n))
    np.abs(new - predicted, out=out[0])
    np.abs(new - u[:, -n - 1 : -1], out=out[1])
    out[2] = deviation(u, SHORT, n)
    long = deviation(u, LAGS, n)
    least = fits.least[part, None]
    np.abs(np.log((long + least) / (fits.usual[part, None] + least)), out=out[3])
    np.maximum(new, 0.0, out=out[4])
    np.maximum(-new, 0.0, out=out[5])
    return out, predicted


def smooth(state: Floats, raw: Floats, rate: Floats) -> Floats:
    """Exponential smoothing over the last axis of ``raw`` (..., n); ``state`` (...,) goes on from call to call.

    ``rate`` (..., n) is the weight of each new score: 0 holds, 1 starts afresh.
    """
    n = raw.shape[-1]
    by_row = np.ascontiguousarray(np.moveaxis(raw, -1, 0)).reshape(n, -1)
    rates = np.ascontiguousarray(np.moveaxis(rate, -1, 0)).reshape(n, -1)
    now = state.reshape(-1)
    step = np.empty_like(now)
    for i in range(n):
        np.subtract(by_row[i], now, out=step)
        step *= rates[i]
        now += step
        by_row[i] = now
    smoothed: Floats = np.moveaxis(by_row.reshape(n, *state.shape), 0, -1)
    return smoothed
