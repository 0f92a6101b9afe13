"""Channels that are computed from others, as a source around the one that carries those. The source's thread.

The channels that are made of one group's (the *base*: that of the first channel an expression names) come in a group
of their own, at the base's times. A value of another group is held from its time to the next one. A row waits until
every group that it draws on has passed it, so that it is the same however the source cuts its frames.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from telemetry.channel import Channel, Group
from telemetry.formula import Formula
from telemetry.frame import Frame, Times
from telemetry.limits import binds
from telemetry.source import Source
from telemetry.steps import Floats

SUFFIX = ".derived"
"""Added to the name of the base for the name of the group."""
_NEVER = -(1 << 62)

_Inputs = dict[str, tuple[str, int]]
"""Where each name of an expression is: group and column."""
_Part = tuple[Channel, Formula, _Inputs]


@dataclass(frozen=True, slots=True)
class Definition:
    """A derived channel: ``channel`` is its key, where the satellite may be a pattern (``*/eps/power``)."""

    channel: str
    expression: str
    unit: str = ""
    description: str = ""


@dataclass(slots=True, eq=False)
class _Held:
    """The values of one channel, each held until the next."""

    times: Times = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: Floats = field(default_factory=lambda: np.empty(0))

    def take(self, times: Times, values: Floats) -> None:
        here = ~np.isnan(values)
        self.times = np.concatenate([self.times, times[here]])
        self.values = np.concatenate([self.values, values[here]])

    def at(self, times: Times) -> Floats:
        place = np.searchsorted(self.times, times, "right")
        return np.concatenate([[np.nan], self.values])[place]

    def forget(self, time: int) -> None:
        """Nothing at or before ``time`` is asked for any more."""
        old = max(0, int(np.searchsorted(self.times, time, "right")) - 1)
        self.times, self.values = self.times[old:], self.values[old:]


@dataclass(slots=True, eq=False)
class _Made:
    """The derived group of one base, and the rows of the base that wait."""

    base: Group
    group: Group
    formulas: list[Formula]
    inputs: list[_Inputs]
    waiting: deque[tuple[Frame, Floats]] = field(default_factory=deque)
    newest: int = _NEVER

    @property
    def others(self) -> set[str]:
        """Groups beside the base that are drawn on."""
        return {group for one in self.inputs for group, _ in one.values()} - {self.base.key}


class Derived:
    """``source`` with the groups of ``definitions`` after its own. ``notes`` says what was not made, and why."""

    def __init__(self, source: Source, definitions: Sequence[Definition]) -> None:
        self.source = source
        self.name, self.mode, self.origin = source.name, source.mode, source.origin
        self.relative, self.injected, self.end = source.relative, source.injected, source.end
        self._own_notes: list[str] = []
        self._made = self._bind(definitions)
        self.groups = (*source.groups, *(made.group for made in self._made))
        self._held = {(key, column): _Held() for made in self._made for key, column in _held(made)}
        self._newest: dict[str, int] = {}
        self._begun = _NEVER

    @property
    def notes(self) -> list[str]:
        """Sentences of the source, and about channels that could not be made."""
        return [*getattr(self.source, "notes", ()), *self._own_notes]

    def frames(self, stop: threading.Event, span: int) -> Iterator[Frame]:
        """The source's frames, and each derived one as soon as all that it draws on is there. Raises SourceError."""
        for frame in self.source.frames(stop, span):
            if len(frame):
                yield from self._take(frame, span)
            yield frame
            yield from self._ready(span)
        yield from self._rest()

    def close(self) -> None:
        """Give back what the source holds."""
        self.source.close()

    # frames

    def _take(self, frame: Frame, span: int) -> Iterator[Frame]:
        key, first = frame.group.key, int(frame.times[0])
        newest = self._newest.get(key, _NEVER)
        if first < newest - span:
            # The clock was set back: what was waiting is done, and nothing is remembered across it.
            yield from self._rest()
            self._begun, newest = first, _NEVER
            self._newest.clear()
            self._held = {place: _Held() for place in self._held}
            for made in self._made:
                for formula in made.formulas:
                    formula.reset()
        self._begun = max(self._begun, first)
        # What is older than what came before was late: nothing is made of it.
        frame = frame.part(int(np.searchsorted(frame.times, newest, "left")), len(frame))
        if not len(frame):
            return
        self._newest[key] = int(frame.times[-1])
        wanted = [column for group, column in self._held if group == key]
        bases = [made for made in self._made if made.base.key == key]
        if wanted or bases:
            x = frame.timely()
            for column in wanted:
                self._held[key, column].take(frame.times, x[column])
            for made in bases:
                made.waiting.append((frame, x))

    def _ready(self, span: int) -> Iterator[Frame]:
        """Rows whose time every group that they draw on has passed: by itself, or because the source promises that
        no frame begins more than ``span`` before another one.
        """
        for made in self._made:
            if made.waiting:
                passed = self._begun - span - 1
                until = min([max(self._newest.get(key, _NEVER), passed) for key in made.others], default=-_NEVER)
                yield from self._compute(made, until)
        self._forget()

    def _rest(self) -> Iterator[Frame]:
        for made in self._made:
            yield from self._compute(made, -_NEVER)

    def _compute(self, made: _Made, until: int) -> Iterator[Frame]:
        while made.waiting and made.waiting[0][0].times[0] <= until:
            frame, x = made.waiting.popleft()
            n = int(np.searchsorted(frame.times, until, "right"))
            if n < len(frame):
                made.waiting.appendleft((frame.part(n, len(frame)), x[:, n:]))
                frame, x = frame.part(0, n), x[:, :n]
            columns = []
            for formula, inputs in zip(made.formulas, made.inputs, strict=True):
                values = {
                    name: x[column] if group == made.base.key else self._held[group, column].at(frame.times)
                    for name, (group, column) in inputs.items()
                }
                columns.append(formula.compute(frame.times, values))
            made.newest = int(frame.times[-1])
            yield Frame(made.group, frame.times, tuple(columns), received=frame.received)

    def _forget(self) -> None:
        for (group, _), held in self._held.items():
            held.forget(min(made.newest for made in self._made if group in made.others))

    # binding

    def _bind(self, definitions: Sequence[Definition]) -> list[_Made]:
        groups: dict[str, Group] = {group.key: group for group in self.source.groups}
        places = {
            channel.key: (group.key, column)
            for group in groups.values()
            for column, channel in enumerate(group.channels)
        }
        found: dict[str, list[_Part]] = {}
        taken = set(places)
        for definition in definitions:
            path = definition.channel.partition("/")[2]
            for satellite in dict.fromkeys(group.satellite for group in groups.values()):
                channel = _channel(satellite, path, definition)
                if not binds(definition.channel, channel.key):
                    continue
                formula = Formula(definition.expression)
                inputs, missing = _inputs(formula, channel, places)
                if channel.key in taken:
                    missing = "there is a channel of that name already"
                if missing:
                    self._own_notes.append(f"{channel.key} is not derived: {missing}.")
                    continue
                taken.add(channel.key)
                base = inputs[formula.names[0].text][0]
                found.setdefault(base, []).append((channel, formula, inputs))
        return [_made(groups[key], own) for key, own in found.items()]


def _made(base: Group, own: Sequence[_Part]) -> _Made:
    channels = tuple(channel for channel, _, _ in own)
    group = Group(base.satellite, base.name + SUFFIX, channels, base.period, base.orbit)
    return _Made(base, group, [formula for _, formula, _ in own], [inputs for _, _, inputs in own])


def _channel(satellite: str, path: str, definition: Definition) -> Channel:
    subsystem, _, name = path.rpartition("/")
    words = f"{definition.description} (derived: {definition.expression})".removeprefix(" ")
    return Channel(satellite, subsystem, name, definition.unit, description=words)


def _inputs(formula: Formula, channel: Channel, places: Mapping[str, tuple[str, int]]) -> tuple[_Inputs, str]:
    """Where each name of a formula is, and why not where one is nowhere."""
    inputs: _Inputs = {}
    if not formula.names:
        return {}, "its expression names no channel"
    for name in formula.names:
        full = f"{channel.satellite}/{name.text}"
        beside = f"{channel.satellite}/{channel.subsystem}/{name.text}"
        ending = [key for key in places if key.startswith(f"{channel.satellite}/") and key.endswith(f"/{name.text}")]
        found = next(([one] for one in (full, beside) if one in places), ending)
        if len(found) != 1:
            why = f"there are {len(ending)} channels {name.text}, give its path in quotes"
            return {}, why if ending else f"there is no channel {name.text}"
        inputs[name.text] = places[found[0]]
    return inputs, ""


def _held(made: _Made) -> set[tuple[str, int]]:
    return {place for one in made.inputs for place in one.values() if place[0] != made.base.key}
