"""What is learned of a channel from its own past: its kind, its range, its linear prediction. Judge's thread.

Pure numpy on the history of one channel at a time; nothing here depends on how that history arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from telemetry import Channel

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LAGS = 64
"""Values that a prediction looks back on."""
_RIDGE = 1.0
FIT_SHARE = 0.7
"""The first part of the history is fitted, the rest calibrates."""
_LIMIT = 1e3  # in half ranges: keeps squares of what is absurd inside a double's accuracy
_COUNTED = 0.9  # share of equal steps that makes a counter
_WRAPS = 0.03  # share of steps back that a counter of whole numbers may have
_NEW_STATE = 10.0  # range of 0 or 1: a new state is told at its second sample, and outshines no real excursion
_MODULI = np.array([2.0**k for k in (8, 10, 12, 14, 16, 20, 24, 32)])


class Kind(IntEnum):
    """How the values of a channel are looked at."""

    LEVEL = 0
    """As they are."""
    COUNTER = 1
    """By their steps: the level grows or wraps, which is nothing to remark on."""
    STATE = 2
    """0 where the code was met before, 1 where it never was: codes have names, not sizes."""


@dataclass(frozen=True, slots=True)
class Fit:
    """One channel as its history shows it.

    ``middle`` and ``half`` scale the judged series to about -1 .. 1; ``weights`` (LAGS,), oldest first, and
    ``bias`` predict the next scaled value from the last LAGS; ``usual`` and ``least`` are the median of the standard
    deviation over 64 samples and the smallest that counts. ``step`` and ``top`` describe a counter, ``known``
    the codes of a state. ``spacing`` is rows of the group a value.
    """

    kind: Kind
    middle: float
    half: float
    weights: Floats
    bias: float
    usual: float
    least: float
    step: float
    top: float
    known: frozenset[float]
    spacing: float


class Fits:
    """The fits of the channels of a group, as arrays that score all of them at once."""

    def __init__(self, channels: int) -> None:
        self.ready: Mask = np.zeros(channels, dtype=bool)
        self.kind = np.zeros(channels, dtype=np.int8)
        self.middle, self.step, self.top = np.zeros((3, channels))
        self.half, self.spacing, self.usual, self.least = np.ones((4, channels))
        self.weights, self.bias = np.zeros((channels, 1, LAGS)), np.zeros(channels)
        self.known: list[Floats] = [np.empty(0)] * channels
        self.plain = True

    def take(self, channel: int, fit: Fit) -> None:
        """Use ``fit`` for channel number ``channel`` from now on."""
        self.ready[channel] = True
        self.kind[channel] = fit.kind
        self.middle[channel], self.half[channel] = fit.middle, fit.half
        self.weights[channel, 0], self.bias[channel] = fit.weights, fit.bias
        self.usual[channel], self.least[channel] = fit.usual, fit.least
        self.step[channel], self.top[channel], self.spacing[channel] = fit.step, fit.top, fit.spacing
        self.known[channel] = np.array(sorted(fit.known))
        self.plain = not self.kind.any()

    def fit(self, channel: int) -> Fit:
        """What ``take`` was given for channel number ``channel``."""
        return Fit(
            kind=Kind(int(self.kind[channel])),
            middle=float(self.middle[channel]),
            half=float(self.half[channel]),
            weights=self.weights[channel, 0].copy(),
            bias=float(self.bias[channel]),
            usual=float(self.usual[channel]),
            least=float(self.least[channel]),
            step=float(self.step[channel]),
            top=float(self.top[channel]),
            known=frozenset(self.known[channel].tolist()),
            spacing=float(self.spacing[channel]),
        )

    def series(self, x: Floats, which: npt.NDArray[np.intp] | None = None) -> Floats:
        """(c, n) the judged series of (c, n + 1) values of the channels ``which`` (None: all of the group)."""
        y = x[:, 1:]
        if self.plain:
            return y
        y = y.copy()
        for row, channel in enumerate(range(len(self.kind)) if which is None else which):
            if self.kind[channel] == Kind.COUNTER:
                y[row] = unwrap(x[row], self.step[channel], self.top[channel])
            elif self.kind[channel] == Kind.STATE:
                y[row] = ~np.isin(x[row, 1:], self.known[channel])
        return y

    def scale(self, y: Floats, which: npt.NDArray[np.intp] | None = None) -> Floats:
        """(c, n) the judged series in half ranges around the middle."""
        middle, half = (self.middle, self.half) if which is None else (self.middle[which], self.half[which])
        scaled: Floats = np.clip((y - middle[:, None]) / half[:, None], -_LIMIT, _LIMIT)
        return scaled


def unwrap(x: Floats, step: float, top: float) -> Floats:
    """(n,) steps of (n + 1,) counter values; a fall from the ``top`` (or a power of two) is one usual step."""
    steps = np.diff(x)
    (falls,) = np.nonzero(steps * np.sign(step) < 0)
    for i in falls:
        ahead = abs(x[i] + step)
        reach = 2 * abs(step) + 1e-9
        near_power = (np.abs(_MODULI - ahead) <= reach).any()
        if near_power or (top > 0 and abs(x[i]) >= top - reach):
            steps[i] = step
    return steps


def fit_channel(channel: Channel, x: Floats, good: Mask) -> Fit:
    """What ``x`` (n + 1,) says of a channel, of which ``good`` (n,) of the last n samples count as nominal.

    A value that was missing is held in ``x`` and not good. At least two samples must be good.
    """
    values = x[1:][good]
    kind, step, top = _kind(channel, x, good, values)
    known = frozenset(np.unique(values).tolist()) if kind is Kind.STATE else frozenset()
    y = x[1:]
    if kind is Kind.COUNTER:
        y = unwrap(x, step, top)
    elif kind is Kind.STATE:
        y = np.zeros(len(y))
    (rows,) = np.nonzero(good)
    fit_rows = rows[: max(2, int(len(rows) * FIT_SHARE))]
    middle = float(np.median(y[fit_rows]))
    half = _range(channel, kind, y[rows]) / 2
    u = np.clip((y - middle) / half, -_LIMIT, _LIMIT)
    weights, bias = _ridge(u, fit_rows[fit_rows >= LAGS])
    # A code that comes and goes is no scatter: only being new counts.
    usual, least = (0.0, 1.0) if kind is Kind.STATE else _activity(u, fit_rows)
    spacing = max(1.0, len(good) / len(rows))
    return Fit(kind, middle, half, weights, bias, usual, least, step, top, known, spacing)


def _kind(channel: Channel, x: Floats, good: Mask, values: Floats) -> tuple[Kind, float, float]:
    if channel.type == "i4":
        return Kind.STATE, 0.0, 0.0
    steps = np.diff(x)[good]
    if channel.type == "bool" or len(steps) < 16:
        return Kind.LEVEL, 0.0, 0.0
    moving = steps[steps != 0]
    if 2 * len(moving) < len(steps):
        return Kind.LEVEL, 0.0, 0.0
    step = float(np.median(moving))
    if step == 0:  # as often up as down
        return Kind.LEVEL, 0.0, 0.0
    backward = steps * np.sign(step) < 0
    steady = np.abs(steps - step) <= 1e-6 * max(abs(step), float(np.abs(values).max()) * 1e-6)
    whole = bool((values == np.rint(values)).all())
    if steady.mean() < _COUNTED and not (whole and backward.mean() <= _WRAPS):
        return Kind.LEVEL, 0.0, 0.0
    return Kind.COUNTER, step, float(np.abs(values).max()) if backward.any() else 0.0


def _range(channel: Channel, kind: Kind, y: Floats) -> float:
    """The operating range in the units of the judged series: declared, else what was seen, never nothing."""
    if kind is Kind.STATE:
        return _NEW_STATE
    if channel.span is not None and kind is Kind.LEVEL:
        declared = float(channel.span[1] - channel.span[0])
        if np.isfinite(declared) and declared > 0:
            return declared
    seen = float(y.max() - y.min())
    level = float(np.abs(y).max())
    if channel.type in ("i8", "u8", "bool"):
        seen = max(seen, 1.0)
    # A channel that never moved says nothing of how far it may: a tenth of its level.
    return max(seen, 0.1 * level if seen == 0 else 1e-9 * level, 1e-9)


def _ridge(u: Floats, rows: npt.NDArray[np.intp]) -> tuple[Floats, float]:
    """Weights (LAGS,), oldest first, and bias of the ridge regression of u[t] on the LAGS values before it."""
    if len(rows) < 2:
        return np.zeros(LAGS), 0.0
    windows = np.lib.stride_tricks.sliding_window_view(u, LAGS)[rows - LAGS]
    target = u[rows]
    means, mean = windows.mean(axis=0), float(target.mean())
    windows = windows - means
    gram = windows.T @ windows
    gram[np.diag_indices(LAGS)] += _RIDGE
    weights: Floats = np.linalg.solve(gram, windows.T @ (target - mean))
    return weights, mean - float(means @ weights)


def _activity(u: Floats, rows: npt.NDArray[np.intp]) -> tuple[float, float]:
    """Median of the standard deviation over 64 samples, and the least that counts: .02 max(std, .05)."""
    least = 0.02 * max(float(u[rows].std()), 0.05)
    ends = rows[rows >= LAGS - 1]
    if not len(ends):
        return 0.0, least
    windows = np.lib.stride_tricks.sliding_window_view(u, LAGS)[ends - (LAGS - 1)]
    return float(np.median(windows.std(axis=1))), least
