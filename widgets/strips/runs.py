"""From columns of samples to vertical runs of values: what of trace, band, hatch and state each column shows.

Pure numpy, GUI thread. A column's run spans its samples and the straight line between samples at both of its
edges; neighbours share the edge between them, so the trace is joined at any zoom and no spike is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from widgets.strips.spec import Floats, Times
from widgets.strips.table import LATER, NEVER, Neighbours, Table

Flags = npt.NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Runs:
    """Of (m) strips and (k) columns; NaN where a column shows nothing of a kind."""

    low: Floats
    high: Floats
    hatch: Flags
    band_low: Floats
    band_high: Floats
    state: Floats
    """The state in force at the column's end."""
    change: Flags
    """A state began in this column."""
    late: Flags


@dataclass(slots=True, eq=False)
class Rules:
    """(S,) microseconds a strip: ``gap``, the longest step that is joined; ``began``, when watching it began."""

    gap: Times
    began: Times
    now: int


def measure(table: Table, first: int, last: int, rules: Rules, rows: npt.NDArray[np.intp]) -> Runs:
    """The runs of the strips ``rows`` in the columns ``first`` .. ``last``, which the table holds."""
    dt = table.dt
    at = np.ix_(rows, table.places(first, last))
    least, greatest = table.low[at], table.high[at]
    first_time, last_time = table.first_time[at], table.last_time[at]
    has = last_time > NEVER
    before, after = table.last_before(first), table.first_after(last)
    behind, ahead = _line(before, after, has, last_time, first_time, table, at, rows)
    gap = rules.gap[rows, None]

    # Edges: e = 0 .. k, the left edge of column first + e.
    edges = np.arange(first, last + 2, dtype=np.int64) * dt
    step = ahead.times - behind.times
    joined = (behind.times > NEVER) & (ahead.times < LATER) & (step <= gap)
    share = (edges - behind.times) / np.where(joined, step, 1)
    with np.errstate(invalid="ignore", over="ignore"):  # an infinite sample has a pixel, but no line leads to it
        line = np.where(joined, behind.values + (ahead.values - behind.values) * share, np.nan)
    low = np.fmin(np.fmin(np.where(has, least, np.nan), line[:, :-1]), line[:, 1:])
    high = np.fmax(np.fmax(np.where(has, greatest, np.nan), line[:, :-1]), line[:, 1:])

    # A gap: no sample here, and the step over this column is too long, or so long already that it will be.
    since = np.maximum(behind.times[:, :-1], rules.began[rows, None])
    until = np.where(ahead.times[:, 1:] < LATER, ahead.times[:, 1:], rules.now)
    known = since > NEVER
    hatch = ~has & known & (until - np.where(known, since, until) > gap) & (edges[1:] > since) & (edges[:-1] <= until)
    unread = table.unread[at]
    hatch &= ~unread

    band_low, band_high = _band(table, first, last, gap, rows)
    held = np.where(has, table.last_value[at], behind.values[:, :-1])
    state = np.where(hatch | unread | (edges[:-1] > rules.now), np.nan, held)
    previous = behind.values[:, :-1]
    after_gap = first_time - behind.times[:, :-1] > gap
    change = has & (after_gap | (least != previous) | (greatest != previous))
    return Runs(low, high, hatch, band_low, band_high, state, change, table.late[at] & has)


@dataclass(slots=True, eq=False)
class _Edges:
    """(m, k + 1) the sample next to each column edge, on one side of it."""

    times: Times
    values: Floats


def _line(
    before: Neighbours,
    after: Neighbours,
    has: Flags,
    last_time: Times,
    first_time: Times,
    table: Table,
    at: tuple[npt.NDArray[np.intp], ...],
    rows: npt.NDArray[np.intp],
) -> tuple[_Edges, _Edges]:
    m, k = has.shape
    ordinal = np.arange(1, k + 1)
    row = np.arange(m)[:, None]
    # Behind edge e: the last of [before, column 0 .. column e - 1] that has a sample.
    index = np.zeros((m, k + 1), dtype=np.intp)
    index[:, 1:] = np.maximum.accumulate(np.where(has, ordinal, 0), axis=1)
    times = np.concatenate([before.times[rows, None], last_time], axis=1)
    values = np.concatenate([before.values[rows, None], table.last_value[at]], axis=1)
    behind = _Edges(times[row, index], values[row, index])
    # Ahead of edge e: the first of [column e .. column k - 1, after] that has a sample.
    index = np.full((m, k + 1), k, dtype=np.intp)
    index[:, :-1] = np.minimum.accumulate(np.where(has, ordinal - 1, k)[:, ::-1], axis=1)[:, ::-1]
    times = np.concatenate([first_time, after.times[rows, None]], axis=1)
    values = np.concatenate([table.first_value[at], after.values[rows, None]], axis=1)
    return behind, _Edges(times[row, index], values[row, index])


def _band(table: Table, first: int, last: int, gap: Times, rows: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
    """What is expected in each column: its own, or a line between those beside it unless they are too far apart."""
    reach = int(min(gap.max(initial=0) // table.dt + 2, table.width))
    start, stop = max(first - reach, table.left), min(last + reach, table.right)
    at = np.ix_(rows, table.places(start, stop))
    times, low, high = table.band_time[at], table.band_low[at], table.band_high[at]
    here = slice(first - start, last - start + 1)
    has = times > NEVER
    if has[:, here].all() or not has.any():
        return low[:, here], high[:, here]
    n = has.shape[1]
    ordinal = np.arange(n)
    row = np.arange(len(rows))[:, None]
    left = np.maximum.accumulate(np.where(has, ordinal, -1), axis=1)[:, here]
    right = np.minimum.accumulate(np.where(has, ordinal, n)[:, ::-1], axis=1)[:, ::-1][:, here]
    inside = (left >= 0) & (right < n)
    left, right = np.where(inside, left, 0), np.where(inside, right, 0)
    since, until = times[row, left], times[row, right]
    inside &= until - np.where(inside, since, until) <= gap
    centres = np.arange(first, last + 1, dtype=np.int64) * table.dt + table.dt // 2
    apart = np.where(inside & (until > since), until - since, 1)
    share = np.where(right > left, np.clip((centres - since) / apart, 0.0, 1.0), 0.0)

    def between(values: Floats) -> Floats:
        a, b = values[row, left], values[row, right]
        # An infinite bound stays what it is: inf - inf would make it nothing.
        finite = np.isfinite(a) & np.isfinite(b)
        start = np.where(finite, a, 0.0)
        moved = start + (np.where(finite, b, 0.0) - start) * share
        return np.where(inside, np.where(finite, moved, a), np.nan)

    return between(low), between(high)
