"""The samples of all strips as columns, what is newest of each, and from which column on a picture is out of date.

Pure numpy, GUI thread. Live samples are scattered into the table as they come; for another span or another place
in time the table is read again from the ``Reader``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from widgets.strips.runs import Rules, measure
from widgets.strips.spec import Floats, Reader, StripSpec, Times
from widgets.strips.table import LATER, NEVER, Ints, Table

AHEAD = 64
"""Columns held to the right of the view: samples that are a little ahead of the clock find their place there."""
BEHIND = 8
GAP_PERIODS = 3
_UNKNOWN_GAP = 10_000_000
CLEAN = LATER
ALL = NEVER
"""Dirty from the first column on."""


class StripData:
    """Columns, newest values and dirtiness of ``specs``; (S,) arrays are in their order."""

    def __init__(self, specs: Sequence[StripSpec], reader: Reader) -> None:
        n = len(specs)
        self.specs = tuple(specs)
        self.index = {spec.key: i for i, spec in enumerate(specs)}
        self.table = Table(n, 1, 1, 0)
        self.dirty = np.full(n, ALL, dtype=np.int64)
        gap = [_UNKNOWN_GAP if spec.period is None else GAP_PERIODS * spec.period for spec in specs]
        self._gap = np.array(gap, dtype=np.int64)
        self.rules = Rules(self._gap.copy(), np.full(n, NEVER, dtype=np.int64), 0)
        self.latest_time = np.full(n, NEVER, dtype=np.int64)
        self.latest_value = np.full(n, np.nan)
        self.band_time = np.full(n, NEVER, dtype=np.int64)
        self.band_low = np.full(n, np.nan)
        self.band_high = np.full(n, np.nan)
        self.stale = np.zeros(n, dtype=np.bool_)
        self._reader = reader
        self._learning = np.array([spec.period is None for spec in specs], dtype=np.bool_)
        self._unread = np.ones(n, dtype=np.bool_)
        """Strips to be read again at the next look."""

    def rows(self, keys: Sequence[str]) -> tuple[Ints, Ints]:
        """Strips that show any of ``keys``, and the place of each in ``keys``."""
        found = [(self.index[key], i) for i, key in enumerate(keys) if key in self.index]
        pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def forget(self, row: int) -> None:
        """Read one strip again at the next look: its history has changed."""
        self._unread[row] = True
        self.latest_time[row], self.latest_value[row] = NEVER, np.nan
        self.band_time[row], self.band_low[row], self.band_high[row] = NEVER, np.nan, np.nan

    def reread(self, row: int) -> None:
        """Read one strip again at the next look: more of its past is known."""
        self._unread[row] = True

    def begin(self, time: int) -> None:
        """Watching began at ``time``: from then on a strip without samples is a gap."""
        self.rules.began[:] = time
        self.dirty[:] = ALL

    def look(self, dt: int, width: int, right: int, now: int) -> bool:
        """Have the ``width`` columns up to ``right`` in the table; whether everything had to be read again."""
        self.rules.now = now
        table = self.table
        needed = width + BEHIND + AHEAD
        again = (
            table.dt != dt
            or table.width != needed
            or right - width + 1 - BEHIND < table.left
            or right + AHEAD - table.right >= needed
        )
        if again:
            self.table = Table(len(self.specs), needed, dt, right + AHEAD)
            self._unread[:] = True
        else:
            table.advance(right + AHEAD)
            self._unread |= table.after.times < (table.right + 1) * dt
        for row in np.flatnonzero(self._unread):
            self._read(int(row))
        self._unread[:] = False
        self._age()
        return again

    def append(self, rows: Ints, times: Times, matrix: Floats) -> None:
        """Add (n,) times with (n, C) values to the strips ``rows`` (C,)."""
        if not len(times) or not len(rows):
            return
        if (np.diff(times) < 0).any():
            order = np.argsort(times, kind="stable")
            times, matrix = times[order], matrix[order]
        previous = self.latest_time[rows]
        self._learn(rows, times)
        self.table.scatter(rows, times, matrix, previous)
        earliest = int(times[0])
        since = np.where(earliest > previous, previous, earliest - self.rules.gap[rows])
        self._soil(rows, np.where(previous == NEVER, NEVER, since))
        real = ~np.isnan(matrix)
        last = len(times) - 1 - real[::-1].argmax(axis=0)
        newer = real.any(axis=0) & (times[last] >= previous)
        self.latest_time[rows[newer]] = times[last[newer]]
        self.latest_value[rows[newer]] = matrix[last, np.arange(len(rows))][newer]

    def expect(self, rows: Ints, times: Times, low: Floats, high: Floats) -> None:
        """Add (n,) ascending times with (n, C) lowest and highest expected values."""
        if not len(times) or not len(rows):
            return
        self.table.expect(rows, times, low, high)
        self._soil(rows, np.full(len(rows), int(times[0])) - self.rules.gap[rows])
        known = ~(np.isnan(low) | np.isnan(high))
        last = len(times) - 1 - known[::-1].argmax(axis=0)
        newer = known.any(axis=0) & (times[last] >= self.band_time[rows])
        column = np.arange(len(rows))
        self.band_time[rows[newer]] = times[last[newer]]
        self.band_low[rows[newer]] = low[last, column][newer]
        self.band_high[rows[newer]] = high[last, column][newer]

    def _soil(self, rows: Ints, since: Times) -> None:
        columns = np.where(since <= NEVER, ALL, since // self.table.dt - 1)
        np.minimum.at(self.dirty, rows, columns)

    def _age(self) -> None:
        """A gap limit that has passed, or a sample that came after all, changes what stands after the last one."""
        since = np.maximum(self.latest_time, self.rules.began)
        known = since > NEVER
        stale = known & (self.rules.now - np.where(known, since, self.rules.now) > self.rules.gap)
        changed = np.flatnonzero(stale != self.stale)
        if len(changed):
            self._soil(changed, since[changed])
            self.stale = stale

    def _read(self, row: int) -> None:
        table, gap, key = self.table, int(self.rules.gap[row]), self.specs[row].key
        start, stop = table.left * table.dt - gap, (table.right + 1) * table.dt + gap
        times, values = self._reader.samples(key, start, stop)
        self._learn(np.array([row]), times)
        table.clear(row)
        past = self._reader.past(key, start, stop, table.dt)
        # Another session may have been recorded at another rate.
        self.rules.gap[row] = max(self._gap[row], GAP_PERIODS * past.step)
        more = int(self.rules.gap[row]) - gap
        if more > 0:
            past = self._reader.past(key, start - more, stop + more, table.dt)
        table.load(row, past.times, past.values)
        table.load(row, times, values)
        for span in past.unread:
            table.mark_unread(row, *span)
        if not len(times):
            times, values = past.times, past.values
        if len(times) and times[-1] >= self.latest_time[row]:
            real = np.flatnonzero(~np.isnan(values))
            if len(real):
                self.latest_time[row], self.latest_value[row] = times[real[-1]], values[real[-1]]
        band_times, low, high = self._reader.expected(key, start, stop)
        table.load_expected(row, band_times, low, high)
        if len(band_times) and band_times[-1] >= self.band_time[row]:
            known = np.flatnonzero(~(np.isnan(low) | np.isnan(high)))
            if len(known):
                last = known[-1]
                self.band_time[row] = band_times[last]
                self.band_low[row], self.band_high[row] = low[last], high[last]
        self.dirty[row] = ALL

    def _learn(self, rows: Ints, times: Times) -> None:
        """The median step of the history, where the spec does not say the period."""
        if not self._learning[rows].any() or len(times) < 4:
            return
        step = int(np.median(np.diff(times[-2000:])))
        if step > 0:
            unknown = rows[self._learning[rows]]
            self.rules.gap[unknown] = self._gap[unknown] = GAP_PERIODS * step
            self._learning[unknown] = False
            self.dirty[unknown] = ALL

    def at(self, row: int, column: int) -> tuple[float, float, float]:
        """Value in force in a column (NaN in a gap) and the bounds of the band there."""
        runs = measure(self.table, column, column, self.rules, np.array([row]))
        place = column % self.table.width
        value = self.table.last_value[row, place]
        value = runs.state[0, 0] if np.isnan(value) else value
        return float(value), float(runs.band_low[0, 0]), float(runs.band_high[0, 0])

    def late_in(self, first: int, last: int) -> set[int]:
        """The strips with late samples in the columns."""
        places = self.table.places(max(first, self.table.left), min(last, self.table.right))
        return set(np.nonzero(self.table.late[:, places])[0].tolist())

    def extents(self, first: int, last: int) -> npt.NDArray[np.float64]:
        """(S, 5) least and greatest sample and bound of the band in the columns, and the band's mean width; or NaN."""
        places = self.table.places(max(first, self.table.left), min(last, self.table.right))
        columns = [
            np.where(np.isfinite(held), held, np.nan)
            for held in (
                self.table.low[:, places],
                self.table.high[:, places],
                self.table.band_low[:, places],
                self.table.band_high[:, places],
            )
        ]
        kinds = (np.fmin, np.fmax, np.fmin, np.fmax)
        found = [kind.reduce(held, axis=1) for kind, held in zip(kinds, columns, strict=True)]
        width = columns[3] - columns[2]
        known = ~np.isnan(width)
        count = known.sum(axis=1)
        mean = np.where(known, width, 0.0).sum(axis=1) / np.maximum(count, 1)
        return np.stack([*found, np.where(count > 0, mean, np.nan)], axis=1)
