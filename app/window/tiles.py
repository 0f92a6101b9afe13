"""What the charts have of the archive: columns in tiles, a bounded number of them. Pure; GUI thread but for ``cut``.

Time is cut into columns of one of ``WIDTHS`` and those into tiles of ``COLUMNS``, all counted from 1970: the same
moment lies in the same column whatever is shown around it, so that going back finds what was there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.link.columns import Columns
from app.window.feed import is_score
from telemetry import Times

_SECOND, _DAY = 1_000_000, 86_400_000_000
WIDTHS: tuple[int, ...] = (
    *(n * 10**power for power in range(7) for n in (1, 2, 5)),
    *(n * _SECOND for n in (10, 20, 60, 120, 300, 600, 1200, 3600, 7200, 21_600, 43_200)),
    *(n * 10**power * _DAY for power in range(4) for n in (1, 2, 5)),
)
"""Widths of columns, microseconds, that an archive answers with just as they are asked for."""
COLUMNS = 512
BOUND = 6_000
"""Tiles kept: those of a hundred charts on the widest screen and of one window beside it, 100 MB at the very most."""
MINUTE = 60 * _SECOND
COARSER = 8
"""So many wider widths are looked at for something to show until the right one is there."""

Floats = npt.NDArray[np.float64]
Span = tuple[int, int]


def width_for(dt: int) -> int:
    """The widest of ``WIDTHS`` that is not above ``dt`` microseconds (at least 1)."""
    return WIDTHS[bisect_right(WIDTHS, dt) - 1]


@dataclass(frozen=True, slots=True)
class Question:
    """Tiles ``first`` .. ``last`` of ``width`` microseconds a column, of each of ``keys``."""

    keys: tuple[str, ...]
    width: int
    first: int
    last: int

    @property
    def start(self) -> int:
        """UTC microseconds."""
        return self.first * self.width * COLUMNS

    @property
    def stop(self) -> int:
        """UTC microseconds."""
        return (self.last + 1) * self.width * COLUMNS

    @property
    def columns(self) -> int:
        """In all tiles of a key together."""
        return (self.last - self.first + 1) * COLUMNS

    def touches(self, other: Question) -> bool:
        """Whether an answer to this one is of use for ``other``."""
        near = self.width == other.width and self.first <= other.last and other.first <= self.last
        return near and (self.keys == other.keys or not set(self.keys).isdisjoint(other.keys))


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Columns of one channel; all that was recorded before ``known`` (UTC microseconds) is in them."""

    columns: Columns
    known: int


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Stretches ``times`` <= t < ``ends`` of least and greatest values, ascending: (m,) arrays."""

    times: Times
    ends: Times
    low: Floats
    high: Floats

    def within(self, start: int, stop: int) -> Blocks:
        """What of them lies in ``start`` <= t < ``stop``."""
        here = (self.ends > start) & (self.times < stop)
        return Blocks(
            np.maximum(self.times[here], start), np.minimum(self.ends[here], stop), self.low[here], self.high[here]
        )

    @property
    def step(self) -> int:
        """The usual time between two moments, microseconds; 0 where most of them are longer."""
        moments = self.times[self.ends - self.times == 1]
        return int(np.median(np.diff(moments))) if len(moments) > max(1, len(self.times) // 2) else 0

    def drawn(self, dt: int) -> tuple[Times, Floats]:
        """As samples for columns of ``dt`` microseconds: each column that a block covers gets its least and greatest.

        (n,) ascending times and their values.
        """
        parts = np.maximum(1, -(-(self.ends - self.times) // dt))
        of = np.repeat(np.arange(len(parts)), parts)
        nth = np.arange(len(of)) - np.repeat(np.cumsum(parts) - parts, parts)
        begin = self.times[of] + nth * dt
        end = np.minimum(begin + dt, self.ends[of]) - 1
        times = np.stack([begin, np.maximum(begin, end)], axis=1).reshape(-1)
        return times, np.stack([self.low[of], self.high[of]], axis=1).reshape(-1)


NOTHING = Blocks(*(np.empty(0, dtype=np.int64),) * 2, *(np.empty(0),) * 2)

Cut = Mapping[tuple[str, int], Tile]


def cut(question: Question, found: Mapping[str, Columns], until: int) -> Cut:
    """The tiles of an answer by key and place; ``until`` is what had been recorded when it was read. Any thread."""
    size = question.width * COLUMNS
    nothing = Columns(NOTHING.times, NOTHING.low, NOTHING.high, NOTHING.times)
    tiles = {}
    for key in question.keys:
        columns = found.get(key, nothing)
        for place in range(question.first, question.last + 1):
            stop = (place + 1) * size
            known = min(stop, max(until, place * size))
            tiles[key, place] = Tile(columns.between(place * size, stop), known)
    return tiles


class Tiles:
    """The tiles asked for last."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._held: OrderedDict[tuple[str, int, int], Tile] = OrderedDict()
        self.earliest: int | None = None
        """Nothing was recorded before, UTC microseconds; None where that is not known."""

    def __len__(self) -> int:
        return len(self._held)

    def clear(self) -> None:
        """Another archive, or another run."""
        self._held.clear()
        self.earliest = None

    def put(self, width: int, tiles: Cut) -> None:
        """Keep an answer; what was not looked at for longest goes."""
        for (key, place), tile in tiles.items():
            self._held[key, width, place] = tile
            self._held.move_to_end((key, width, place))
        while len(self._held) > self._bound:
            self._held.popitem(last=False)

    def missing(self, key: str, width: int, start: int, stop: int) -> tuple[int, int] | None:
        """The first and the last tile of ``start`` <= t < ``stop`` that is not there, or not up to date."""
        places = [place for place, _ in self._holes(key, width, start, stop)]
        return (places[0], places[-1]) if places else None

    def question(self, keys: Sequence[str], width: int, spans: Mapping[str, Span], most: int) -> Question | None:
        """What to ask for so that each key has its span: ``most`` of them at once, the first in ``keys`` first."""
        found = {key: hole for key in keys if (hole := self.missing(key, width, *spans[key])) is not None}
        chosen = tuple(found)[:most]
        if not chosen:
            return None
        return Question(chosen, width, min(found[key][0] for key in chosen), max(found[key][1] for key in chosen))

    def read(self, key: str, width: int, start: int, stop: int) -> tuple[Blocks, list[Span]]:
        """What is there of ``start`` <= t < ``stop``, and the spans of which nothing is known yet.

        Where a tile is missing, wider columns take its place if they are there.
        """
        start, stop = self._clip(start, stop)
        parts: list[Blocks] = []
        unread: list[Span] = []
        at = start
        for _, (begin, end) in [*self._holes(key, width, start, stop), (0, (stop, stop))]:
            if at < begin:
                parts.append(self._blocks(key, width, at, begin))
            if begin < end:
                instead = self._instead(key, width, begin, end)
                if instead is None:
                    unread.append((begin, end))
                else:
                    parts.append(instead)
            at = max(at, end)
        return _joined(parts), unread

    def _clip(self, start: int, stop: int) -> Span:
        return (start if self.earliest is None else max(start, self.earliest)), stop

    def _holes(self, key: str, width: int, start: int, stop: int) -> Iterable[tuple[int, Span]]:
        """Tiles, and the parts of the span in them that are not known, in order."""
        start, stop = self._clip(start, stop)
        size = width * COLUMNS
        for place in range(start // size, -(-stop // size) if stop > start else start // size):
            tile = self._held.get((key, width, place))
            begin, end = max(start, place * size), min(stop, (place + 1) * size)
            if tile is not None:
                begin = max(begin, tile.known)
            if begin < end:
                yield place, (begin, end)

    def _instead(self, key: str, width: int, start: int, stop: int) -> Blocks | None:
        at = WIDTHS.index(width) + 1
        for wider in WIDTHS[at : at + COARSER]:
            if not any(True for _ in self._holes(key, wider, start, stop)):
                return self._blocks(key, wider, start, stop)
        return None

    def _blocks(self, key: str, width: int, start: int, stop: int) -> Blocks:
        size = width * COLUMNS
        parts = []
        for place in range(start // size, -(-stop // size)):
            at = key, width, place
            tile = self._held.get(at)
            if tile is not None:
                self._held.move_to_end(at)
                parts.append(_of(tile.columns, width, is_score(key)))
        return _joined(parts).within(start, stop)


def _of(columns: Columns, width: int, minutes: bool) -> Blocks:
    """A column that holds one value is a moment, others last as long as they are wide; a score's, a minute at least."""
    lengths = max(width, MINUTE) if minutes else np.where(columns.count > 1, width, 1)
    return Blocks(columns.times, columns.times + lengths, columns.low, columns.high)


def _joined(parts: Sequence[Blocks]) -> Blocks:
    if not parts:
        return NOTHING
    times, ends, low, high = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("times", "ends", "low", "high")
    )
    # A score's minute may reach into the next column.
    return Blocks(times, np.minimum(ends, np.append(times[1:], ends[-1:])), low, high)
