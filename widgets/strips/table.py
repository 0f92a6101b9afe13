"""What each pixel column of each strip holds: a table used as a ring by column. Pure numpy, GUI thread.

Column ``c`` is every time ``t`` with ``t // dt == c``, in integer microseconds, so that a column never changes its
meaning while the picture moves. The table holds the columns ``right - width + 1`` .. ``right``; each knows least,
greatest, first and last sample and the last expectation. An absent sample is nothing at all: no NaN is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from widgets.strips.spec import Floats, Times

NEVER = np.iinfo(np.int64).min // 4
"""Earlier than any time; differences from real times do not overflow."""
LATER = np.iinfo(np.int64).max // 4
_NEAR = 32

Ints = npt.NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Neighbours:
    """One sample a strip: (m,) times and values. NEVER or LATER, with NaN, where there is none."""

    times: Times
    values: Floats


class Table:
    """``strips`` x ``width`` columns of ``dt`` microseconds, the newest being ``right``."""

    def __init__(self, strips: int, width: int, dt: int, right: int) -> None:
        self.strips, self.width, self.dt, self.right = strips, width, dt, right
        shape = (strips, width)
        self.low = np.full(shape, np.inf)
        self.high = np.full(shape, -np.inf)
        self.first_time = np.full(shape, LATER, dtype=np.int64)
        self.last_time = np.full(shape, NEVER, dtype=np.int64)
        self.first_value = np.full(shape, np.nan)
        self.last_value = np.full(shape, np.nan)
        self.band_time = np.full(shape, NEVER, dtype=np.int64)
        self.band_low = np.full(shape, np.nan)
        self.band_high = np.full(shape, np.nan)
        self.late = np.zeros(shape, dtype=np.bool_)
        self.unread = np.zeros(shape, dtype=np.bool_)
        """Columns of which nothing is known yet."""
        self.before = Neighbours(np.full(strips, NEVER, dtype=np.int64), np.full(strips, np.nan))
        """The last sample older than the table."""
        self.after = Neighbours(np.full(strips, LATER, dtype=np.int64), np.full(strips, np.nan))
        """The first sample newer than the table: drawn towards, and a reason to read again once it is in view."""

    @property
    def left(self) -> int:
        """The oldest column held."""
        return self.right - self.width + 1

    def places(self, first: int, last: int) -> npt.NDArray[np.intp]:
        """Where the columns ``first`` .. ``last`` lie in the arrays."""
        return np.arange(first, last + 1) % self.width

    def clear(self, row: int) -> None:
        """Forget everything about one strip."""
        self._wipe(row)
        self.before.times[row], self.before.values[row] = NEVER, np.nan
        self.after.times[row], self.after.values[row] = LATER, np.nan

    def advance(self, right: int) -> None:
        """Move on to newer columns; what leaves at the left is remembered as one sample a strip."""
        steps = min(right - self.right, self.width)
        if steps <= 0:
            return
        places = self.places(self.right + 1, self.right + steps)
        times = self.last_time[:, places]
        newest = times.argmax(axis=1)
        rows = np.arange(self.strips)
        gone = times[rows, newest]
        had = gone > NEVER
        self.before.times[had] = gone[had]
        self.before.values[had] = self.last_value[rows, places[newest]][had]
        self._wipe((slice(None), places))
        self.right = right

    def _wipe(self, where: int | tuple[slice, npt.NDArray[np.intp]]) -> None:
        for array, empty in (
            (self.low, np.inf),
            (self.high, -np.inf),
            (self.first_time, LATER),
            (self.last_time, NEVER),
            (self.band_time, NEVER),
            (self.band_low, np.nan),
            (self.band_high, np.nan),
            (self.late, False),
            (self.unread, False),
        ):
            array[where] = empty

    def load(self, row: int, times: Times, values: Floats) -> None:
        """Add a long, ascending history of one strip: its columns are cut out instead of scattered one by one."""
        real = ~np.isnan(values)
        if not real.all():
            times, values = times[real], values[real]
        start, stop = np.searchsorted(times, (self.left * self.dt, (self.right + 1) * self.dt))
        if start and times[start - 1] > self.before.times[row]:
            self.before.times[row], self.before.values[row] = times[start - 1], values[start - 1]
        if stop < len(times) and times[stop] < self.after.times[row]:
            self.after.times[row], self.after.values[row] = times[stop], values[stop]
        if start == stop:
            return
        times, values = times[start:stop], values[start:stop]
        columns = times // self.dt
        starts = np.concatenate(([0], np.flatnonzero(columns[1:] != columns[:-1]) + 1))
        ends = np.append(starts[1:], len(times)) - 1
        places = columns[starts] % self.width
        self.low[row, places] = np.minimum(self.low[row, places], np.minimum.reduceat(values, starts))
        self.high[row, places] = np.maximum(self.high[row, places], np.maximum.reduceat(values, starts))
        newer = times[ends] >= self.last_time[row, places]
        self.last_time[row, places[newer]] = times[ends[newer]]
        self.last_value[row, places[newer]] = values[ends[newer]]
        older = times[starts] < self.first_time[row, places]
        self.first_time[row, places[older]] = times[starts[older]]
        self.first_value[row, places[older]] = values[starts[older]]

    def mark_unread(self, row: int, start: int, stop: int) -> None:
        """Nothing is known yet of ``start`` <= t < ``stop``."""
        first, last = max(start // self.dt, self.left), min((stop - 1) // self.dt, self.right)
        self.unread[row, self.places(first, last)] = True

    def scatter(self, rows: Ints, times: Times, matrix: Floats, late_before: Times) -> None:
        """Add (n,) ascending times with (n, C) values to the strips ``rows`` (C,), all at once.

        Samples of a strip that are older than its ``late_before`` (C,) mark their columns as late.
        """
        at, channel = np.nonzero(~np.isnan(matrix))
        t, v = times[at], matrix[at, channel]
        columns = t // self.dt
        inside = (columns >= self.left) & (columns <= self.right)
        if not inside.all():
            self._outside(rows[channel[~inside]], t[~inside], v[~inside])
            channel, t, v, columns = channel[inside], t[inside], v[inside], columns[inside]
        where = rows[channel] * self.width + columns % self.width
        np.minimum.at(self.low.reshape(-1), where, v)
        np.maximum.at(self.high.reshape(-1), where, v)
        last, first = self.last_time.reshape(-1), self.first_time.reshape(-1)
        older, newer = t < first[where], t >= last[where]
        np.maximum.at(last, where, t)
        np.minimum.at(first, where, t)
        newer &= t == last[where]
        older &= t == first[where]
        self.last_value.reshape(-1)[where[newer]] = v[newer]
        self.first_value.reshape(-1)[where[older][::-1]] = v[older][::-1]
        late = t < late_before[channel]
        if late.any():
            self.late.reshape(-1)[where[late]] = True

    def _outside(self, rows: Ints, times: Times, values: Floats) -> None:
        right_end = (self.right + 1) * self.dt
        for row, t, v in zip(rows.tolist(), times.tolist(), values.tolist(), strict=True):
            if t < right_end and t >= self.before.times[row]:
                self.before.times[row], self.before.values[row] = t, v
            elif t >= right_end and t < self.after.times[row]:
                self.after.times[row], self.after.values[row] = t, v

    def expect(self, rows: Ints, times: Times, low: Floats, high: Floats) -> None:
        """Add (n,) ascending times with (n, C) lowest and highest expected values; a column keeps its newest."""
        at, channel = np.nonzero(~(np.isnan(low) | np.isnan(high)))
        t = times[at]
        columns = t // self.dt
        inside = (columns >= self.left) & (columns <= self.right)
        at, channel, t, columns = at[inside], channel[inside], t[inside], columns[inside]
        where = rows[channel] * self.width + columns % self.width
        known = self.band_time.reshape(-1)
        newer = t >= known[where]
        np.maximum.at(known, where, t)
        newer &= t == known[where]
        self.band_low.reshape(-1)[where[newer]] = low[at, channel][newer]
        self.band_high.reshape(-1)[where[newer]] = high[at, channel][newer]

    def load_expected(self, row: int, times: Times, low: Floats, high: Floats) -> None:
        """Add a long, ascending history of what is expected of one strip."""
        real = ~(np.isnan(low) | np.isnan(high))
        real &= (times >= self.left * self.dt) & (times < (self.right + 1) * self.dt)
        times, low, high = times[real], low[real], high[real]
        if not len(times):
            return
        columns = times // self.dt
        ends = np.append(np.flatnonzero(columns[1:] != columns[:-1]), len(times) - 1)
        places = columns[ends] % self.width
        newer = times[ends] >= self.band_time[row, places]
        places, ends = places[newer], ends[newer]
        self.band_time[row, places] = times[ends]
        self.band_low[row, places] = low[ends]
        self.band_high[row, places] = high[ends]

    def last_before(self, column: int) -> Neighbours:
        """The last sample of each strip in a column older than ``column``."""
        found = Neighbours(self.before.times.copy(), self.before.values.copy())
        for first, last in ((column - _NEAR, column - 1), (self.left, column - _NEAR - 1)):
            first = max(first, self.left)
            if last < first:
                break
            missing = found.times == self.before.times
            if not missing.any():
                break
            self._take_last(found, np.flatnonzero(missing), first, last)
        return found

    def _take_last(self, found: Neighbours, rows: Ints, first: int, last: int) -> None:
        places = self.places(first, last)
        times = self.last_time[np.ix_(rows, places)]
        newest = times.argmax(axis=1)
        best = times[np.arange(len(rows)), newest]
        had = best > NEVER
        found.times[rows[had]] = best[had]
        found.values[rows[had]] = self.last_value[rows[had], places[newest[had]]]

    def first_after(self, column: int) -> Neighbours:
        """The first sample of each strip in a column newer than ``column``."""
        found = Neighbours(self.after.times.copy(), self.after.values.copy())
        if column >= self.right:
            return found
        places = self.places(max(column + 1, self.left), self.right)
        times = self.first_time[:, places]
        oldest = times.argmin(axis=1)
        rows = np.arange(self.strips)
        best = times[rows, oldest]
        had = best < LATER
        found.times[had] = best[had]
        found.values[had] = self.first_value[rows[had], places[oldest[had]]]
        return found
