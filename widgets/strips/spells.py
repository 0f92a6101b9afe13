"""Gaps and states of one strip as spells of columns, for the words written on them. Pure numpy, GUI thread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from widgets.strips.data import StripData
from widgets.strips.table import LATER, NEVER


@dataclass(frozen=True, slots=True)
class Spell:
    """Columns ``first`` .. ``last`` with the state in force, NaN for a gap."""

    first: int
    last: int
    state: float


def gaps(data: StripData, row: int, first: int, last: int) -> list[Spell]:
    """The gaps of a strip that reach into the columns ``first`` .. ``last``, what is not read yet left out."""
    table, gap, now = data.table, int(data.rules.gap[row]), data.rules.now
    left = max(first, table.left)
    places = table.places(left, min(last, table.right))
    there = np.flatnonzero(table.last_time[row, places] > NEVER)
    before, after = int(table.last_before(left).times[row]), int(table.after.times[row])
    ends = np.concatenate([[max(before, int(data.rules.began[row]))], table.last_time[row, places[there]]])
    starts = np.concatenate([table.first_time[row, places[there]], [after if after < LATER else now]])
    found: list[Spell] = []
    holes = unread(data, row, first, last)
    for i in np.flatnonzero((ends > NEVER) & (starts - np.where(ends > NEVER, ends, starts) > gap)).tolist():
        begin = max(int(ends[i]) // table.dt + (i > 0), left)
        end = min(int(starts[i]) // table.dt - (i < len(there)), last)
        if begin <= end:
            found += _without(Spell(begin, end, float("nan")), holes)
    return found


def unread(data: StripData, row: int, first: int, last: int) -> list[Spell]:
    """The columns of a strip in ``first`` .. ``last`` of which nothing is known yet."""
    left, right = max(first, data.table.left), min(last, data.table.right)
    there = data.table.unread[row, data.table.places(left, right)]
    edges = np.flatnonzero(np.diff(there, prepend=False, append=False)).reshape(-1, 2)
    return [Spell(left + begin, left + end - 1, float("nan")) for begin, end in edges.tolist()]


def states(data: StripData, row: int, first: int, last: int) -> list[Spell]:
    """The states of a strip in the columns ``first`` .. ``last``, gaps left out."""
    table = data.table
    left, right = max(first, table.left), min(last, table.right, data.rules.now // table.dt)
    if right < left:
        return []
    places = table.places(left, right)
    there = np.flatnonzero(table.last_time[row, places] > NEVER)
    before = data.table.last_before(left)
    values = np.concatenate([[before.values[row]], table.last_value[row, places[there]]])
    lows, highs = table.low[row, places[there]], table.high[row, places[there]]
    begins = np.concatenate([[0], there])
    fresh = np.concatenate([[True], (lows != values[:-1]) | (highs != values[:-1])])
    holes = sorted([*gaps(data, row, left, right), *unread(data, row, left, right)], key=lambda one: one.first)
    out: list[Spell] = []
    starts = np.flatnonzero(fresh)
    for n, i in enumerate(starts.tolist()):
        begin = left + int(begins[i])
        end = left + int(begins[starts[n + 1]]) - 1 if n + 1 < len(starts) else right
        if begin > end or np.isnan(values[i]):
            continue
        out += _without(Spell(begin, end, float(values[i])), holes)
    return out


def _without(spell: Spell, holes: list[Spell]) -> list[Spell]:
    parts, begin = [], spell.first
    for hole in holes:
        if hole.last < begin or hole.first > spell.last:
            continue
        if hole.first > begin:
            parts.append(Spell(begin, hole.first - 1, spell.state))
        begin = hole.last + 1
    if begin <= spell.last:
        parts.append(Spell(begin, spell.last, spell.state))
    return parts
