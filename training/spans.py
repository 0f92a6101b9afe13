"""What a model between channels is taught: recorded channels on one grid, and which of it was nominal. numpy only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.fit import Kind, fit_channel
from detection.grid import Grid
from detection.spec import Place
from telemetry import Channel, Times
from telemetry.clock import SECOND
from training.errors import TrainingError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

WINDOW = 128
LEAST_WINDOWS = 600
"""Grid points that a fit and its thresholds need at least."""
MOST_CHANNELS = 48
BLOCKS = 3
"""Blocks of nominal time; for each there is a network that is fitted without it."""
SHORTEST, LONGEST = SECOND, 600 * SECOND
"""Bounds of a grid's period, microseconds."""
_LOOKED_AT = 4096  # newest samples from which a channel's kind is told
_PRESENT = 0.9
_FEW = 4
_NAMED = re.compile(r"[^/,\s]+(/[^/,\s]+)?")  # what the contract's patterns can say


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One recorded channel: (n,) ascending times and values, NaN where there is none to be judged."""

    channel: Channel
    times: Times
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The channels of one satellite, and (start, end) spans in UTC microseconds in which something was not nominal."""

    satellite: str
    series: tuple[Series, ...]
    odd: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One or more satellites on the grid of a model to be.

    ``values`` (n, channels) normalised float32, what was missing held; ``times`` (n,); ``ends`` are the rows (k,) at
    which a whole nominal window ends. ``fitted`` are those of them that one of the ``BLOCKS`` networks learns from,
    ``held_out`` those of the block that it is fitted without: no window of either reaches into the other's newest
    points. ``notes`` are sentences about channels left out.
    """

    paths: tuple[str, ...]
    period: int
    places: tuple[Place, ...]
    values: npt.NDArray[np.float32]
    times: Times
    ends: npt.NDArray[np.int64]
    fitted: tuple[npt.NDArray[np.int64], ...]
    held_out: tuple[npt.NDArray[np.int64], ...]
    notes: tuple[str, ...]


def usable(channel: Channel, values: Floats) -> str:
    """Why a channel tells others nothing, empty where it does."""
    known = values[np.isfinite(values)]
    if channel.type == "i4":
        return "a code"
    if len(known) < LEAST_WINDOWS // 2:
        return "hardly ever sent"
    if float(np.ptp(known)) <= 1e-9 * float(np.abs(known).max()):
        return "constant"
    if not _NAMED.fullmatch(channel.path):
        return "named with a space, a comma or a slash"
    newest = known[-_LOOKED_AT:]
    if fit_channel(channel, newest, np.ones(len(newest) - 1, dtype=bool)).kind is Kind.COUNTER:
        return "a counter"
    return ""


def lesson(recordings: Sequence[Recording]) -> Lesson:
    """Put recordings of the same channels on one grid. Raises TrainingError where there is too little to learn from."""
    left: list[tuple[str, str]] = []
    paths: dict[str, list[Series]] = {}
    for recording in recordings:
        for one in recording.series:
            paths.setdefault(one.channel.path, []).append(one)
    for path, everywhere in list(paths.items()):
        reasons = [usable(one.channel, one.values) for one in everywhere]
        if len(everywhere) < len(recordings):
            reasons.append("not on every satellite")
        if any(reasons):
            left.append((path, next(filter(None, reasons))))
            del paths[path]
    _check(len(paths), left)
    steps = {path: int(np.median([_step(one.times) for one in own])) for path, own in paths.items()}
    period = _period(list(steps.values()))
    parts = [_gridded(recording, steps, period) for recording in recordings]
    real = np.mean(np.concatenate([np.isfinite(values) for _, values, _ in parts], axis=1), axis=1)
    kept = [i for i, share in enumerate(real) if share >= _PRESENT]
    names = list(steps)
    left += [(names[i], "silent for much of the time") for i in range(len(names)) if i not in kept]
    _check(len(kept), left)
    notes = [f"{path} is left out: {why}." for path, why in left]
    return _normalised([names[i] for i in kept], steps, period, [(t, v[kept], odd) for t, v, odd in parts], notes)


def _check(channels: int, left: Sequence[tuple[str, str]]) -> None:
    if channels < 2:
        reasons: dict[str, list[str]] = {}
        for path, why in left:
            reasons.setdefault(why, []).append(path)
        said = "; ".join(f"{_named(paths)} ({why})" for why, paths in reasons.items()) or "none"
        raise TrainingError(
            "There are not two channels that a model could learn to tell from each other: give more telemetry, or "
            f"other channels. Left out: {said}."
        )
    if channels > MOST_CHANNELS:
        raise TrainingError(
            f"{channels} channels are more than one model takes ({MOST_CHANNELS}): name fewer subsystems."
        )


def _named(paths: Sequence[str]) -> str:
    """All of a few; of many, the first and how many more."""
    few = len(paths) <= _FEW
    return ", ".join(paths) if few else f"{', '.join(paths[: _FEW - 1])} and {len(paths) - _FEW + 1} more"


def _step(times: Times) -> int:
    return int(np.median(np.diff(times))) if len(times) > 1 else SHORTEST


def _period(steps: Sequence[int]) -> int:
    """The median step of the faster half of the channels, in bounds: slower ones are held onto it."""
    if not steps:
        return SHORTEST
    fast = sorted(steps)[: -(-len(steps) // 2)]
    return int(np.clip(np.median(fast), SHORTEST, LONGEST))


def _gridded(recording: Recording, steps: dict[str, int], period: int) -> tuple[Times, Floats, Mask]:
    """Times (n,), values (channels, n) and which points were odd."""
    own = {one.channel.path: one for one in recording.series}
    grid = Grid(period, [(path, 0) for path in steps], list(steps.values()))
    for path in steps:
        grid.put(path, own[path].times, own[path].values[None])
    times, values = grid.close(max((int(own[path].times[-1]) for path in steps), default=0))
    odd = np.zeros(len(times), dtype=bool)
    for start, end in recording.odd:
        odd |= (times >= start) & (times <= end)
    return times, values, odd


def _normalised(
    paths: list[str], steps: dict[str, int], period: int, parts: list[tuple[Times, Floats, Mask]], notes: list[str]
) -> Lesson:
    whole: list[npt.NDArray[np.int64]] = []
    fitted: list[list[npt.NDArray[np.int64]]] = [[] for _ in range(BLOCKS)]
    held_out: list[list[npt.NDArray[np.int64]]] = [[] for _ in range(BLOCKS)]
    before = 0
    for times, values, odd in parts:
        ends = _whole(times, values, odd, period) + before
        whole.append(ends)
        for number, block in enumerate(np.array_split(ends, BLOCKS)):
            # A window that reaches back over the edge of a block has been seen on both sides.
            since, until = (block[0] - 1, block[-1]) if len(block) else (-1, -1)
            fitted[number].append(ends[(ends <= since) | (ends >= until + WINDOW)])
            held_out[number].append(block if not number else block[block > since + WINDOW])
        before += len(times)
    teach = np.concatenate(whole)
    if len(teach) < LEAST_WINDOWS or min(len(np.concatenate(one)) for one in held_out) < LEAST_WINDOWS // 8:
        raise TrainingError(
            f"{len(teach):,} points of nominal telemetry every {period / SECOND:g} s are too few to learn "
            "from: give a longer span, hours rather than minutes."
        )
    together = np.concatenate([values for _, values, _ in parts], axis=1)
    seen = together[:, teach]
    location = np.nanmedian(seen, axis=1)
    scale = np.nanstd(seen, axis=1)
    flat = ~(scale > 1e-9 * np.abs(location))
    if flat.any():
        raise TrainingError(f"{paths[int(flat.argmax())]} is constant in the part to fit: leave it out, or give more.")
    places = tuple(
        Place(float(a), float(b), 1.0, 1.0, steps[path]) for path, a, b in zip(paths, location, scale, strict=True)
    )
    normalised = ((together - location[:, None]) / scale[:, None]).T
    last = np.maximum.accumulate(np.where(np.isfinite(normalised), np.arange(len(normalised))[:, None], 0), axis=0)
    held = np.nan_to_num(np.take_along_axis(normalised, last, axis=0)).astype(np.float32)
    times = np.concatenate([one for one, _, _ in parts])
    return Lesson(
        tuple(paths),
        period,
        places,
        held,
        times,
        teach,
        tuple(np.concatenate(one) for one in fitted),
        tuple(np.concatenate(one) for one in held_out),
        tuple(notes),
    )


def _whole(times: Times, values: Floats, odd: Mask, period: int) -> npt.NDArray[np.int64]:
    """Rows at which a window ends that has no gap, nothing odd, and enough that was really seen of each channel."""
    n = len(times)
    if n < WINDOW:
        return np.empty(0, dtype=np.int64)
    ends = np.arange(WINDOW - 1, n)
    regular = times[ends] - times[ends - WINDOW + 1] == (WINDOW - 1) * period

    def within(flags: Mask) -> npt.NDArray[np.int64]:
        counts = np.concatenate([[0], np.cumsum(flags)])
        return np.asarray(counts[WINDOW:] - counts[:-WINDOW], dtype=np.int64)

    real = np.array([within(row) for row in np.isfinite(values)]).min(axis=0)
    good: npt.NDArray[np.int64] = ends[regular & (within(odd) == 0) & (real >= _PRESENT * WINDOW)]
    return good
