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
SEEN = 2.0
"""Scaled units beyond which values are clipped (``training.models``)."""
FRAME_SPAN = 600_000_000
"""Microseconds of telemetry taken from a source at once."""


def by_range(values: Series, commissioning: int, margin: float = 1.0) -> Series:
    """Less the commissioning median, over half the commissioning range times ``margin``: the range becomes 2.

    ``margin`` above 1 is a declared range that the channel does not fill. A channel that stood still is divided
    by a millionth of its level instead.
    """
    first = values[:commissioning]
    width = max(float(np.ptp(first)) * margin, 1e-6 * float(np.abs(first).max()), 1e-9)
    return (values - float(np.median(first))) * (2.0 / width)


def by_deviation(values: Series, commissioning: int) -> Series:
    """Less the commissioning median, over the standard deviation of a normal distribution of the same MAD.

    A channel that mostly stands still has no MAD: a hundredth of its range stands in, and its activity then
    lies a hundred scales away.
    """
    first = values[:commissioning]
    median = float(np.median(first))
    mad = float(np.median(np.abs(first - median)))
    scale = max(1.4826 * mad, 0.01 * float(np.ptp(first)), 1e-6 * abs(median), 1e-9)
    return (values - median) / scale


def commissioned(rng: np.random.Generator, values: Series) -> Series:
    """``values`` scaled as some commissioning would have, chosen at random.

    A model is universal only if it does not care how a mission scales its channels: by the range seen, by a declared
    one, or by the usual deviation; over which samples; and how far the estimate has drifted since.
    """
    lengths = [n for n in COMMISSIONING if n + WINDOW <= len(values)]
    commissioning = int(rng.choice(lengths))
    if rng.uniform() < 0.5:
        out = by_deviation(values, commissioning)
    else:
        margin = 1.0 if rng.uniform() < 0.6 else float(np.exp(rng.uniform(0, np.log(20.0))))
        out = by_range(values, commissioning, margin)
    return (out + rng.normal() * 0.1) * float(np.exp(rng.normal() * 0.2))


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
    """(count, WINDOW) float32: ``each`` windows of every channel, wherever they lie, eight to a commissioning.

    A window of which more than half lies beyond what a network sees teaches it nothing and is left out.
    """
    out: list[npt.NDArray[np.float32]] = []
    for channel in channels:
        for _ in range(max(1, each // 8)):
            values = commissioned(rng, channel).astype(np.float32)
            starts = rng.integers(0, len(values) - WINDOW + 1, 8)
            cut = values[starts[:, None] + np.arange(WINDOW)]
            out.append(cut[(np.abs(cut) > SEEN).mean(axis=1) <= 0.5])
    return np.concatenate(out)
