"""From nominal telemetry to windows to learn from: commissioned, scaled and cut as in service. numpy only."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from telemetry import Source
from training.patterns import Series, series

WINDOW = 136
"""Samples of a training window: what the longest model takes. Shorter models take its newest part."""
LENGTH = 3600
"""Samples of a plain series."""
COMMISSIONING = (300, 1000, 2000)
"""Samples that a channel's location and scale may come from, as in service."""
FRAME_SPAN = 600_000_000
"""Microseconds of telemetry taken from a source at once."""


def scaled(values: Series, commissioning: int, margin: float = 1.0) -> Series:
    """Less the commissioning median, over half the commissioning range times ``margin``: the range becomes 2.

    ``margin`` above 1 is a declared range that the channel does not fill. A channel that stood still is divided
    by a millionth of its level instead.
    """
    first = values[:commissioning]
    width = max(float(np.ptp(first)) * margin, 1e-6 * float(np.abs(first).max()), 1e-9)
    return (values - float(np.median(first))) * (2.0 / width)


def plain_channels(rng: np.random.Generator, count: int) -> Iterator[Series]:
    """``count`` made-up channels, each (LENGTH,)."""
    for _ in range(count):
        yield series(rng, LENGTH)


def source_channels(source: Source) -> list[Series]:
    """Every numeric channel of a finite nominal source, each (n,); values that are missing are held.

    Channels with fewer samples than a commissioning and a window are left out.
    """
    frames: dict[str, list[Series]] = {}
    for frame in source.frames(threading.Event(), FRAME_SPAN):
        frames.setdefault(frame.group.key, []).append(frame.matrix())
    out: list[Series] = []
    for parts in frames.values():
        matrix = np.concatenate(parts)
        for column in matrix.T:
            known = np.isfinite(column)
            if known.sum() < COMMISSIONING[0] + WINDOW:
                continue
            column = column[int(np.argmax(known)) :]
            last = np.maximum.accumulate(np.where(np.isfinite(column), np.arange(len(column)), 0))
            out.append(column[last])
    return out


def windows(rng: np.random.Generator, channels: Iterable[Series], each: int) -> npt.NDArray[np.float32]:
    """(count, WINDOW) float32: ``each`` windows of every channel, wherever they lie.

    Every window is commissioned anew with one of the lengths in ``COMMISSIONING`` and with a margin of 1 to 20, so that
    a model meets every share of its scale. A window far outside its commissioning range (beyond 4) is a new
    regime and no example of nominal behaviour: it is left out.
    """
    out: list[npt.NDArray[np.float32]] = []
    for channel in channels:
        for _ in range(max(1, each // 8)):
            lengths = [n for n in COMMISSIONING if n + WINDOW <= len(channel)]
            commissioning = int(rng.choice(lengths))
            margin = 1.0 if rng.uniform() < 0.6 else float(np.exp(rng.uniform(0, np.log(20.0))))
            values = scaled(channel, commissioning, margin).astype(np.float32)
            starts = rng.integers(0, len(values) - WINDOW + 1, 8)
            cut = values[starts[:, None] + np.arange(WINDOW)]
            out.append(cut[np.abs(cut).max(axis=1) < 4.0])
    return np.concatenate(out)
