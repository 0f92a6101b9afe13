"""Sister channels beside each other: a fault as old as the recording has no past that it could differ from.

Owned by the judge's thread. Blocks of telemetry time are compared when every group has passed them or is silent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detection.comparison import BACK, KEPT, Found, History
from detection.compose import Composer, Point
from detection.event import Event
from detection.family import Name, name_of
from detection.fit import Mask
from detection.levels import BLOCK, Block, Levels
from detection.settings import SISTERS
from telemetry import Group

_VERSION = "1"
_MOST = 128  # members: more that are alike in name are a list
_WITHIN, _ACROSS = 5, 8  # blocks compared; in three windows in a row no eclipse of a low orbit hides all but one
_LASTS = 3  # comparisons in a row before a difference is one
_REACH = KEPT * BLOCK  # joins what one difference shows in several passes
Member = tuple[str, str]
"""Satellite and path of a channel."""


@dataclass(slots=True)
class _Difference:
    """``found`` comparisons in a row, ``unseen`` blocks since the last; ``score`` and ``text`` while it lasts."""

    found: int = 0
    unseen: int = 0
    score: float = 0.0
    text: str = ""

    def follow(self, found: Found | None) -> None:
        """The next comparison; None where there could be none."""
        if found and found.score > 1:
            self.found, self.unseen = self.found + 1, 0
            if self.found >= _LASTS:
                self.score, self.text = found.score, found.text
            return
        self.unseen += 1
        if found:
            self.found = 0
        if (found and found.score < BACK) or self.unseen > KEPT:
            self.text = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One channel in one block."""

    block: Block
    column: int
    name: Name

    @property
    def values(self) -> tuple[float, ...]:
        """Level, step, still, moving, slots."""
        block, i = self.block, self.column
        return block.level[i], block.step[i], block.still[i], block.moving[i], block.slots[i]


_NOTHING = (np.nan,) * 5


class _Family:
    """Members that are compared with each other; ``across`` satellites or within one."""

    def __init__(self, name: Name, across: bool) -> None:
        self._name, self._across = name, across
        self._signs: set[str] = set()
        self._axes: set[str] = set()
        self._lower: dict[Member, _Difference] = {}
        self._stopped: dict[Member, _Difference] = {}
        self._history = History("sisters in the fleet" if across else "sisters")

    def close(self, rows: dict[Member, _Row]) -> Iterator[tuple[Member, _Difference]]:
        """The next block of the members that have values in it; the differences that last, of these members."""
        for member in sorted(rows.keys() - self._lower.keys()):
            self._lower[member], self._stopped[member] = _Difference(), _Difference()
            self._signs.add(rows[member].name.sign)
            self._axes.add(rows[member].name.axis)
            self._history.widen()
        members = list(self._lower)
        if not 3 <= len(members) <= _MOST:
            return
        self._history.append(np.array([rows[one].values if one in rows else _NOTHING for one in members]).T)
        if self._across and len({satellite for satellite, _ in members}) < 3:
            return
        name, signed = self._name, {"+", "-"} <= self._signs
        alike = name.alike or name.voltage or signed
        # What the faces of a body get depends on how it turns; the components of a vector are no sisters.
        turns = len(self._axes) > 1 and (name.light or not alike)
        if name.measures and not turns:
            blocks = _ACROSS if self._across else _WITHIN
            self._follow(self._lower, self._history.lower(blocks, alike, _known(self._lower)))
        if not (turns and alike):
            self._follow(self._stopped, self._history.stopped(name.alike or signed, _known(self._stopped)))
        for member in members:
            for difference in (self._lower[member], self._stopped[member]):
                if difference.text and member in rows:
                    yield member, difference

    def _follow(self, differences: dict[Member, _Difference], found: dict[int, Found]) -> None:
        for i, difference in enumerate(differences.values()):
            difference.follow(found.get(i))


def _known(differences: dict[Member, _Difference]) -> Mask:
    return np.array([bool(one.text) for one in differences.values()])


class Sisters:
    """Every family of a session, and the events of each satellite that they lead to; ``keys`` numbers them."""

    def __init__(self, keys: Iterator[int]) -> None:
        self._keys = keys
        self._groups: dict[str, tuple[Group, Levels, list[tuple[int, Name]]]] = {}
        self._families: dict[tuple[str, str], _Family] = {}
        self._composers: dict[str, Composer] = {}

    def meet(self, group: Group, levels: Levels) -> None:
        """A group whose blocks will grow in ``levels``."""
        names = ((i, name_of(channel)) for i, channel in enumerate(group.channels))
        self._groups[group.key] = group, levels, [(i, name) for i, name in names if name]
        self._composers.setdefault(group.satellite, Composer(group.satellite, self._keys))

    def advance(self, passed: int) -> list[Event]:
        """Events that opened, changed or closed; no sample older than ``passed`` will come any more."""
        pending = {number for _, levels, _ in self._groups.values() for number in levels.pending()}
        for number in sorted(number for number in pending if (number + 1) * BLOCK <= passed):
            self._close(number)
        # A point is as late as its block's end: it must not come after what is already told.
        known = passed // BLOCK * BLOCK - 1
        return [event for composer in self._composers.values() for event in composer.advance(known, known)]

    def finish(self) -> list[Event]:
        """The stream has ended, or begins anew: everything is compared, closed and forgotten."""
        pending = {number for _, levels, _ in self._groups.values() for number in levels.pending()}
        for number in sorted(pending):
            self._close(number)
        self._families.clear()
        for _, levels, _ in self._groups.values():
            levels.restart()
        return [event for composer in self._composers.values() for event in composer.finish()]

    def _close(self, number: int) -> None:
        rows: dict[tuple[str, str], dict[Member, _Row]] = {}
        names: dict[tuple[str, str], Name] = {}
        for group, levels, named in self._groups.values():
            block = levels.close(number)
            if block is None:
                continue
            for column, name in named:
                if not block.slots[column]:
                    continue
                member = group.satellite, group.channels[column].path
                for key in [(group.satellite, name.pattern)] * name.varies + [("", name.pattern)]:
                    names[key] = name
                    rows.setdefault(key, {})[member] = _Row(block, column, name)
        for key, own in rows.items():
            if key not in self._families:
                self._families[key] = _Family(names[key], across=not key[0])
            for (satellite, path), difference in self._families[key].close(own):
                newest = own[satellite, path].block.newest
                point = Point(newest, SISTERS, _VERSION, path, difference.score, _REACH, difference.text)
                self._composers[satellite].add(point)
