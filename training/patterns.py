"""Plain nominal patterns: what healthy telemetry of any satellite is made of. Pure functions of a generator.

Every pattern is (n,) float64 in units of its own, about 1 in size; ``series`` draws one, adds noise, quantises it
and holds a few values, as recorded telemetry does. Nothing here was cut from anybody's recording, so models
trained on it carry no licence but this program's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Series = npt.NDArray[np.float64]
Pattern = Callable[[np.random.Generator, int], Series]


def _log(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def sine(rng: np.random.Generator, n: int) -> Series:
    """One to three harmonics of a period of 10 to 6,000 samples (magnetometers, angles, temperatures)."""
    period, at = _log(rng, 10, 6000), np.arange(n)
    out = np.zeros(n)
    for harmonic in range(1, int(rng.integers(1, 4)) + 1):
        phase = rng.uniform(0, 2 * np.pi)
        out += rng.normal() / harmonic**1.5 * np.sin(2 * np.pi * harmonic * at / period + phase)
    return out


def eclipse(rng: np.random.Generator, n: int) -> Series:
    """Sunlight and shadow in turn, followed at once (currents) or with a lag (temperatures, charge)."""
    period = _log(rng, 200, 6000)
    phase = (np.arange(n) / period + rng.uniform()) % 1.0
    lit = (phase > rng.uniform(0.2, 0.45)).astype(np.float64)
    if rng.uniform() < 0.5:
        lit *= np.maximum(0.0, np.sin(np.pi * phase)) ** rng.uniform(0.3, 1.5)
    return _follow(lit, _log(rng, 1, period / 3))


def thermostat(rng: np.random.Generator, n: int) -> Series:
    """A heater between two bounds: the temperature, or the heater's own switching."""
    up, down = _log(rng, 0.002, 0.2), _log(rng, 0.001, 0.1)
    out, heat = np.empty(n), np.empty(n)
    level, on = rng.uniform(), True
    for i in range(n):
        level += up * (1.3 - level) if on else -down * (level + 0.3)
        if level > 1.0:
            on = False
        elif level < 0.0:
            on = True
        out[i], heat[i] = level, on
    return heat if rng.uniform() < 0.4 else out


def steps(rng: np.random.Generator, n: int) -> Series:
    """Modes and switches: a few levels, each kept for a while."""
    levels = rng.normal(size=int(rng.integers(2, 6)))
    dwell = _log(rng, 15, 1500)
    changes = np.cumsum(rng.uniform(size=n) < 1.0 / dwell)
    order = rng.integers(0, len(levels), int(changes[-1]) + 1)
    target: Series = levels[order][changes]
    return _follow(target, _log(rng, 0.3, 20))


def walk(rng: np.random.Generator, n: int) -> Series:
    """A random walk that is pulled back to its middle."""
    pull = _log(rng, 3e-4, 0.1)
    level = _follow(rng.normal(size=n), 1.0 / pull)
    return level * float(np.sqrt(2.0 / pull) * 0.5)


def sawtooth(rng: np.random.Generator, n: int) -> Series:
    """A counter that wraps, or a buffer that fills and is emptied."""
    period = _log(rng, 12, 3000)
    phase = (np.arange(n) / period + rng.uniform()) % 1.0
    fall = rng.uniform(0.0, 0.3) if rng.uniform() < 0.5 else 0.0
    out = np.where(phase < 1 - fall, phase / (1 - fall), (1 - phase) / fall if fall else 0.0)
    return np.asarray(out if rng.uniform() < 0.7 else -out, dtype=np.float64)


def pulses(rng: np.random.Generator, n: int) -> Series:
    """Short activity that comes again and again: transmissions, exposures, wheel unloading."""
    period, width = _log(rng, 30, 2000), rng.uniform(0.03, 0.3)
    jitter = np.cumsum(rng.normal(size=n) * 0.02 / np.sqrt(period)) if rng.uniform() < 0.5 else 0.0
    phase = (np.arange(n) / period + rng.uniform() + jitter) % 1.0
    active: Series = (phase < width).astype(np.float64)
    return _follow(active, _log(rng, 0.3, max(1.0, period * width)))


def still(rng: np.random.Generator, n: int) -> Series:
    """A level that only noise moves."""
    return np.full(n, rng.normal())


def _follow(target: Series, lag: float) -> Series:
    """First-order lag of ``lag`` samples."""
    out = np.empty_like(target)
    share, level = 1.0 - np.exp(-1.0 / max(lag, 1e-3)), float(target[0])
    for i, value in enumerate(target.tolist()):
        level += share * (value - level)
        out[i] = level
    return out


PATTERNS: tuple[Pattern, ...] = (sine, sine, eclipse, thermostat, steps, walk, sawtooth, pulses, still)
"""What is drawn from; a sine is drawn twice as often."""


def series(rng: np.random.Generator, n: int) -> Series:
    """(n,) of one nominal channel: one pattern or two added, noise, steps of an ADC, values held over dropouts."""
    out = PATTERNS[int(rng.integers(len(PATTERNS)))](rng, n)
    if rng.uniform() < 0.35:
        out = out + rng.uniform(0.05, 0.7) * PATTERNS[int(rng.integers(len(PATTERNS)))](rng, n)
    size = float(np.ptp(out)) or 1.0
    if rng.uniform() < 0.85:
        out = out + rng.normal(size=n) * size * _log(rng, 5e-4, 0.12)
    if rng.uniform() < 0.6:
        step = float(np.ptp(out)) * _log(rng, 1e-3, 0.15)
        out = np.round(out / step) * step if step > 0 else out
    if rng.uniform() < 0.2:
        held = rng.uniform(size=n) < _log(rng, 0.002, 0.1)
        held[0] = False
        last = np.maximum.accumulate(np.where(held, 0, np.arange(n)))
        out = out[last]
    return out
