"""Limits, judged at once. Judge's thread; nothing is learned here.

A sample costs next to nothing while its channel is within the tightest of its limits: only channels that are beyond
one, or were, are walked sample by sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.contexts import Modes, chosen
from detection.fit import Floats
from detection.watch import Watch
from telemetry import Channel, Limit, Severity, Times
from telemetry.limits import Condition, condition
from telemetry.steps import Steps


@dataclass(frozen=True, slots=True)
class Excursion:
    """A sample at ``time`` while ``limit`` is raised on channel number ``channel``, by a ``value`` of its quantity.

    ``bound`` is the side of the limit that the value is beyond, or was; ``ratio`` see ``Watch.ratio``.
    """

    time: int
    channel: int
    ratio: float
    reason: str
    limit: Limit
    bound: float
    value: float


@dataclass(slots=True)
class _Own:
    """What one channel is watched by: its limits, and the contexts that some of them hold in, in order."""

    limits: tuple[Limit, ...]
    watches: list[Watch]
    conditions: tuple[Condition, ...]


@dataclass(slots=True)
class _Alike:
    """Channels that have the same contexts, and in each of these their tightest limits: (contexts, quantities)."""

    channels: list[int]
    low: Floats
    high: Floats


class Limits:
    """The limits of the channels of a group; ``limits`` holds those of each, in the order of the channels.

    Quantities are the rows of a matrix: the channels' values, then the rates of those that have limits of rate.
    Channels whose limits depend on a mode wait in ``_held`` until ``release``.
    """

    def __init__(
        self, channels: Sequence[Channel], limits: Sequence[tuple[Limit, ...]], persistence: int, modes: Modes
    ) -> None:
        self._channels = channels
        self._persistence = persistence
        self._modes = modes
        self._rated = np.zeros(len(channels), dtype=bool)
        self._steps = Steps(0)
        self._own = [_Own((), [], ()) for _ in channels]
        self._held: list[tuple[Times, Floats]] = []
        self.set(limits)

    def set(self, limits: Sequence[tuple[Limit, ...]]) -> None:
        """Judge by these from now on; what is held is released before.

        A channel whose limits stay goes on as if nothing had been said.
        """
        rated = [any(limit.quantity == "rate" for limit in own) for own in limits]
        if rated != self._rated.tolist():
            self._rated = np.array(rated, dtype=bool)
            self._steps = Steps(sum(rated))
        rows = len(self._channels) + np.cumsum(rated) - 1
        self._alike: dict[tuple[Condition, ...], _Alike] = {}
        for channel, limits_now in enumerate(limits):
            own = self._own[channel]
            if limits_now != own.limits:
                own = self._own[channel] = self._watch(limits_now)
            shape = len(own.conditions) + 1, len(self._channels) + sum(rated)
            fresh = _Alike([], np.full(shape, -np.inf), np.full(shape, np.inf))
            alike = self._alike.setdefault(own.conditions, fresh)
            alike.channels.append(channel)
            for watch in own.watches:
                watch.row = int(rows[channel]) if watch.limit.quantity == "rate" else channel
                place = watch.context, watch.row
                alike.low[place] = max(alike.low[place], -np.inf if watch.limit.low is None else watch.limit.low)
                alike.high[place] = min(alike.high[place], np.inf if watch.limit.high is None else watch.limit.high)
        self._modes.watch(self._paths())
        self._alive = {channel for channel in range(len(limits)) if self._under_way(channel)}

    def reset(self) -> None:
        """The clock was set back: what was under way is not any more."""
        self._held.clear()
        self._steps = Steps(int(self._rated.sum()))
        self._alive.clear()
        for own in self._own:
            for watch in own.watches:
                watch.reset()

    def check(self, times: Times, x: Floats) -> list[Excursion]:
        """Excursions in (channels, n) values, NaN where there is none to check, in order of time.

        A missing value neither ends a run beyond a limit nor counts in it.
        """
        q = x
        if self._rated.any():
            q = np.concatenate([x, self._steps.rates(times, x[self._rated])])
        if any(self._alike):
            self._held.append((times, q.copy()))
        return _in_order(self._judge((), times, q))

    @property
    def held_since(self) -> int | None:
        """Time of the oldest sample that waits for a mode."""
        return int(self._held[0][0][0]) if self._held else None

    def release(self, passed: int) -> list[Excursion]:
        """Excursions of samples whose modes are known by now; every group has passed the time ``passed``."""
        if not self._held:
            return []
        until = min(self._modes.known(path, passed) for path in self._paths())
        found: list[Excursion] = []
        while self._held and self._held[0][0][0] <= until:
            times, q = self._held.pop(0)
            n = int(np.searchsorted(times, until, "right"))
            if n < len(times):
                self._held.insert(0, (times[n:], q[:, n:]))
            times, q = times[:n], q[:, :n]
            for conditions in filter(None, self._alike):
                found += self._judge(conditions, times, q)
        return _in_order(found)

    def _judge(self, conditions: tuple[Condition, ...], times: Times, q: Floats) -> list[Excursion]:
        """Excursions of the channels that have these contexts."""
        alike = self._alike.get(conditions)
        if alike is None:
            return []
        contexts = chosen(conditions, self._modes, times) if conditions else None
        present = np.zeros(1, dtype=np.intp) if contexts is None else np.unique(contexts)
        least, most = np.fmin.reduce(q, axis=1), np.fmax.reduce(q, axis=1)
        beyond = ((least < alike.low[present]) | (most > alike.high[present])).any(axis=0)
        if not (self._alive or beyond.any()):
            return []
        found: list[Excursion] = []
        for channel in alike.channels:
            if channel in self._alive or any(beyond[watch.row] for watch in self._own[channel].watches):
                found += self._walk(channel, times, q, contexts)
        return found

    def _paths(self) -> Iterator[str]:
        return (one.channel for conditions in self._alike for one in conditions)

    def _under_way(self, channel: int) -> bool:
        return not all(watch.idle for watch in self._own[channel].watches)

    def _watch(self, limits: tuple[Limit, ...]) -> _Own:
        texts = list(dict.fromkeys(limit.when for limit in limits if limit.when))
        known = [*texts, ""]
        watches = [
            Watch(limit, 0, known.index(limit.when), self._persistence)
            for limit in limits
            if limit.severity is not Severity.NORMAL
        ]
        return _Own(limits, watches, tuple(condition(text) for text in texts))

    def _walk(self, channel: int, times: Times, q: Floats, contexts: npt.NDArray[np.intp] | None) -> list[Excursion]:
        """The samples of one channel past all its limits: the worst that is raised at each."""
        worst: dict[int, tuple[Watch, float]] = {}
        for watch in self._own[channel].watches:
            values = q[watch.row]
            outside = watch.outside(values)
            if watch.idle and not (outside if contexts is None else outside & (contexts == watch.context)).any():
                continue
            (here,) = np.nonzero(~np.isnan(values))
            steps = zip(here.tolist(), times[here].tolist(), values[here].tolist(), strict=True)
            for column, time, value in steps:
                if contexts is not None and contexts[column] != watch.context:
                    watch.reset()
                elif watch.step(time, value):
                    before = worst.get(column)
                    if before is None or before[0].limit.severity.level < watch.limit.severity.level:
                        worst[column] = watch, value
        if self._under_way(channel):
            self._alive.add(channel)
        else:
            self._alive.discard(channel)
        unit = self._channels[channel].unit
        return [
            Excursion(
                int(times[column]),
                channel,
                watch.ratio(value),
                watch.describe(value, unit),
                watch.limit,
                watch.bound(value),
                value,
            )
            for column, (watch, value) in worst.items()
        ]


def _in_order(found: list[Excursion]) -> list[Excursion]:
    return sorted(found, key=lambda one: (one.time, one.channel))
