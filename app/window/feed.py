"""The telemetry itself as the window has it: what is new since the last look, newest values, and history.

Reads the live ring that the core writes; nothing is held twice. GUI thread, no Qt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.link.columns import SCORE
from telemetry import Channel, Group, Limit, Times
from telemetry.ring import LiveRing

Floats = npt.NDArray[np.float64]
NEVER = np.iinfo(np.int64).min
_RATIO, _LOW, _HIGH = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Fresh:
    """Rows of a group since the last look: (n,) times, (n, channels) values. ``missed``: some were overwritten."""

    group: Group
    keys: tuple[str, ...]
    times: Times
    values: Floats
    missed: bool


@dataclass(frozen=True, slots=True, eq=False)
class FreshJudged:
    """What was judged since the last look: (n,) times, (n, channels) ratio over the threshold, expected low, high."""

    keys: tuple[str, ...]
    times: Times
    ratio: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Newest:
    """A channel's newest sample, and the lowest and highest seen (None before there are two different ones)."""

    time: int
    value: float
    seen: tuple[float, float] | None


class _Part:
    """One group: where reading stands, and the newest of each channel."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.keys = tuple(channel.key for channel in group.channels)
        self.samples, self.judged = f"s:{group.key}", f"j:{group.key}"
        self.heads = [0, 0]
        width = len(self.keys)
        self.time = np.full(width, NEVER)
        self.value = np.full(width, np.nan)
        self.low, self.high = np.full(width, np.inf), np.full(width, -np.inf)

    def note(self, times: Times, values: Floats) -> None:
        """Keep the newest finite sample of each channel, and its range."""
        there = ~np.isnan(values)
        any_ = there.any(axis=0)
        last = len(times) - 1 - np.argmax(there[::-1], axis=0)
        columns = np.arange(values.shape[1])
        newer = any_ & (times[last] >= self.time)
        self.time = np.where(newer, times[last], self.time)
        self.value = np.where(newer, values[last, columns], self.value)
        finite = np.isfinite(values)
        self.low = np.minimum(self.low, np.min(values, axis=0, where=finite, initial=np.inf))
        self.high = np.maximum(self.high, np.max(values, axis=0, where=finite, initial=-np.inf))


class Feed:
    """All groups of a session; ``samples`` and ``expected`` make it the strips' reader."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._where: dict[str, tuple[_Part, int]] = {}
        self._ring: LiveRing | None = None

    def attach(self, groups: Sequence[Group], ring: LiveRing) -> None:
        """Read from ``ring`` from now on. One that goes on where the last one stood loses nothing."""
        known = {part.group: part for part in self._parts}
        goes_on = self._ring is not None and self._ring.born == ring.born
        self._parts = []
        for group in groups:
            part = known.get(group) if goes_on else None
            if part is None or part.heads[0] > ring.head(part.samples):
                part = _Part(group)
            self._parts.append(part)
        self._where = {key: (part, i) for part in self._parts for i, key in enumerate(part.keys)}
        self._ring = ring

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups there are."""
        return tuple(part.group for part in self._parts)

    def channel(self, key: str) -> Channel | None:
        """The channel of a key."""
        found = self._where.get(key)
        return None if found is None else found[0].group.channels[found[1]]

    def group_of(self, key: str) -> Group | None:
        """The group that a channel arrives with."""
        found = self._where.get(key)
        return None if found is None else found[0].group

    def set_limits(self, key: str, limits: tuple[Limit, ...]) -> None:
        """Other limits of a channel are in force."""
        part, i = self._where[key]
        channels = list(part.group.channels)
        channels[i] = replace(channels[i], limits=limits)
        part.group = replace(part.group, channels=tuple(channels))

    def newest(self, key: str) -> Newest | None:
        """The newest sample of a channel; None before there is one."""
        part, i = self._where[key]
        if part.time[i] == NEVER:
            return None
        low, high = float(part.low[i]), float(part.high[i])
        return Newest(int(part.time[i]), float(part.value[i]), (low, high) if low < high else None)

    @property
    def oldest(self) -> int:
        """The oldest sample that is still there of any channel, UTC microseconds; 0 before there is one."""
        ring = self._ring
        times = [] if ring is None else [ring.oldest(part.samples) for part in self._parts]
        return min((time for time in times if time is not None), default=0)

    def floor(self, key: str) -> int | None:
        """From when on everything of a channel, or of its score, is here; None where that is not known."""
        found = self._where.get(channel_of(key))
        if found is None or self._ring is None:
            return None
        part = found[0]
        oldest = self._ring.oldest(part.judged if is_score(key) else part.samples)
        # Of a channel that has not come yet there is nothing since the first of all the others.
        return oldest if oldest is not None else self.oldest or None

    def fresh(self) -> Iterator[Fresh]:
        """Samples since the last call, group by group."""
        ring = self._ring
        for part in self._parts:
            if ring is None or ring.head(part.samples) == part.heads[0]:
                continue
            rows = ring.read(part.samples, part.heads[0])
            part.heads[0] = rows.head
            if len(rows.times):
                values = rows.values.astype(np.float64, copy=False)
                part.note(rows.times, values)
                yield Fresh(part.group, part.keys, rows.times, values, rows.missed > 0)

    def judged(self) -> Iterator[FreshJudged]:
        """Judgements since the last call, group by group."""
        ring = self._ring
        for part in self._parts:
            if ring is None or ring.head(part.judged) == part.heads[1]:
                continue
            rows = ring.read(part.judged, part.heads[1])
            part.heads[1] = rows.head
            if len(rows.times):
                block = rows.values.astype(np.float64).reshape(len(rows.times), 3, -1)
                yield FreshJudged(part.keys, rows.times, block[:, _RATIO], block[:, _LOW], block[:, _HIGH])

    # history: only what has been handed out, so that the strips are never given a row twice

    def samples(self, key: str, start: int, stop: int) -> tuple[Times, Floats]:
        """Samples of a channel, or of its score, between two times, inclusive."""
        found = self._where.get(channel_of(key))
        if found is None or self._ring is None:
            return _NO_TIMES, _NO_VALUES
        part, i = found
        if is_score(key):
            return self._ring.span(part.judged, i, start, stop, part.heads[1])
        return self._ring.span(part.samples, i, start, stop, part.heads[0])

    def expected(self, key: str, start: int, stop: int) -> tuple[Times, Floats, Floats]:
        """What was expected of a channel between two times, inclusive."""
        found = self._where.get(key)
        if found is None or self._ring is None:
            return _NO_TIMES, _NO_VALUES, _NO_VALUES
        part, i = found
        width = len(part.keys)
        times, low = self._ring.span(part.judged, _LOW * width + i, start, stop, part.heads[1])
        others, high = self._ring.span(part.judged, _HIGH * width + i, start, stop, part.heads[1])
        n = min(len(times), len(others))  # the oldest may have been overwritten between the two
        return times[len(times) - n :], low[len(low) - n :], high[len(high) - n :]


_NO_TIMES: Times = np.empty(0, dtype=np.int64)
_NO_VALUES: Floats = np.empty(0, dtype=np.float64)


def score_key(key: str) -> str:
    """The key of the strip that shows a channel's score."""
    return key + SCORE


def is_score(key: str) -> bool:
    """Whether a strip's key is that of a score."""
    return key.endswith(SCORE)


def channel_of(key: str) -> str:
    """The channel that a strip's key belongs to."""
    return key.removesuffix(SCORE)
