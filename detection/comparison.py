"""Whether one of several channels does less than the others, or nothing: the rule, on blocks. Judge's thread.

A member is judged only where the others agree among themselves: where members differ by design nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.fit import Floats, Mask

KEPT = 24
"""Blocks that are kept of a family."""
BACK = 0.94
"""A difference ends where its score falls below this: a little above the bar."""
FARTHEST = 16.0
"""The highest score: a sixteenth and nothing at all are the same."""
_LIT = 0.5  # of its own highest level: below that a family rests (panels in the dark) and is not compared
_SLOTS = 20  # with values in the blocks that are compared; half as many of a member that misses some
_AGREE = 0.1  # of their median: others that lie further apart have no common level
_HIGHER = 0.25  # of the others may lie higher: the neighbour of a dead panel carries the load of both
_BAR, _FEW_BAR, _FEW = 0.8, 0.6, 4  # a member below this share of the others' median; with fewer than 4 others
_SPREADS = 8  # times the others' spread that a member must lie below them
_STEPS = 10  # of its converter that a level must be worth
_STILL = 12  # blocks in which all the others move
_MOVES = 1.5  # highest over lowest level of a family that is known by moving together


@dataclass(frozen=True, slots=True)
class Found:
    """What the comparison of one member gave. ``score`` is above 1 where it differs, below ``BACK`` where it does
    not, and between where nothing can be said; ``text`` says how it differs.
    """

    score: float
    text: str = ""


class History:
    """The newest blocks of a family, the newest last; all arrays (blocks, members), see ``Block``.

    ``sisters`` is what its members are called.
    """

    def __init__(self, sisters: str) -> None:
        self._sisters = sisters
        self._level, self._step, self._still = np.full((3, KEPT, 0), np.nan)
        self._moving: Mask = np.zeros((KEPT, 0), dtype=bool)
        self._slots = np.zeros((KEPT, 0), dtype=np.int64)

    def widen(self) -> None:
        """One member more, which has no past."""
        self._level, self._step, self._still = (
            np.pad(rows, ((0, 0), (0, 1)), constant_values=np.nan) for rows in (self._level, self._step, self._still)
        )
        self._moving = np.pad(self._moving, ((0, 0), (0, 1)))
        self._slots = np.pad(self._slots, ((0, 0), (0, 1)))

    def append(self, rows: npt.NDArray[np.float64]) -> None:
        """The next block: (5, members) level, step, still, moving, slots; NaN where a member has no value."""
        for old in (self._level, self._step, self._still, self._moving, self._slots):
            old[:-1] = old[1:]
        self._level[-1], self._step[-1], self._still[-1] = rows[:3]
        self._moving[-1], self._slots[-1] = np.nan_to_num(rows[3:])

    def lower(self, blocks: int, alike: bool, known: Mask) -> dict[int, Found]:
        """Members compared by level over the newest ``blocks`` in which the family was not at rest; more of slow ones.

        ``alike`` families do the same by design; others are taken to where they move together. Members that are
        ``known`` to differ (members,) are no measure for the rest. Whoever cannot be compared is left out.
        """
        height = _medians(self._level)
        (lit,) = np.nonzero(height >= _LIT * height.max())
        filled = np.cumsum(self._slots[lit[::-1]].max(axis=1))
        blocks = max(blocks, 1 + int(np.searchsorted(filled, _SLOTS)))
        lit = lit[-blocks:]
        if len(lit) < blocks or lit[-1] != KEPT - 1:
            return {}
        slots = self._slots[lit]
        usable = (2 * np.count_nonzero(slots, axis=0) >= blocks) & (2 * slots.sum(axis=0) >= _SLOTS)
        # The second highest: one block may hold spikes.
        level = np.sort(np.where(slots > 0, self._level[lit], -np.inf), axis=0)[-2]
        found = {}
        for member in np.flatnonzero(usable):
            others = np.flatnonzero(usable & ~known)
            others = others[others != member]
            if len(others) < 2:
                continue
            middle = float(np.median(level[others]))
            share = float(level[member]) / middle if middle > 0 else np.inf
            top = _BAR if len(others) >= _FEW else _FEW_BAR
            if share * BACK > top:
                found[int(member)] = Found(top / share)
                continue
            bar = min(top, self._bar(level[others], middle, others, lit, alike))
            if share < bar:
                text = f"reaches {share:.2f} of what its {len(others)} {self._sisters} do"
                found[int(member)] = Found(min(bar / max(share, 1e-9), FARTHEST), text)
            else:
                found[int(member)] = Found(1.0)
        return found

    def _bar(
        self, level: Floats, middle: float, others: npt.NDArray[np.intp], lit: npt.NDArray[np.intp], alike: bool
    ) -> float:
        """The share below which a member differs from ``others`` at (others,) ``level``; 0 where nothing is said."""
        higher = level > (1 + _AGREE) * middle
        if level.min() < (1 - _AGREE) * middle or np.count_nonzero(higher) > _HIGHER * len(level):
            return 0.0
        # Of what never changes the converter's step is not known, and nothing is said.
        changes = np.diff(np.sort(self._level[lit][:, others], axis=0), axis=0)
        step = min(self._step[lit][:, others].min(), np.where(changes > 0, changes, np.inf).min())
        if middle < _STEPS * step or not (alike or self._together(others)):
            return 0.0
        return float(1 - _SPREADS * np.abs(level[~higher] / middle - 1).max())

    def _together(self, others: npt.NDArray[np.intp]) -> bool:
        """Whether these members agree in every block while their level goes up and down."""
        level = self._level[self._slots[:, others].all(axis=1)][:, others]
        if not len(level):
            return False
        middle = np.median(level, axis=1)
        turns = np.diff(middle)
        moves = middle.max() > _MOVES * middle.min() and (turns > 0).any() and (turns < 0).any()
        return bool(moves and (np.abs(level - middle[:, None]) <= _AGREE * middle[:, None]).all())

    def stopped(self, alike: bool, known: Mask) -> dict[int, Found]:
        """Members that have stood still in every block that is kept, beside others that move.

        One at exactly 0 is off, unless the family is ``alike``: nobody switches off a cell.
        """
        here = self._slots > 0
        # As still as ever, or away.
        same = np.where(here, self._still == self._still[-1], True).all(axis=0) & (alike | (self._still[-1] != 0))
        found = {}
        for member in np.flatnonzero(here[-1]):
            others = ~known
            others[member] = False
            count = np.count_nonzero(others)
            lively = (self._moving & here[:, member, None])[:, others].all(axis=1)
            if not same[member]:
                found[int(member)] = Found(0.0)
            elif count >= 2 and np.count_nonzero(lively) >= _STILL:
                text = f"stands still at {self._still[-1, member]:.6g} while its {count} {self._sisters} move"
                found[int(member)] = Found(FARTHEST, text)
        return found


def _medians(rows: Floats) -> Floats:
    """(n,) medians of (n, m) ``rows`` without their NaN; minus infinity where there is nothing else."""
    ordered = np.sort(rows, axis=1)  # NaN last
    here = np.count_nonzero(~np.isnan(rows), axis=1)
    each = np.arange(len(rows))
    middle: Floats = (ordered[each, (here - 1) // 2] + ordered[each, here // 2]) / 2
    return np.where(here > 0, middle, -np.inf)
