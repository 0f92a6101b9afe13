"""Rows into passes: where one ends, when each began, in which order they are played, what is there twice.

The rules are the contract's: a pass ends where a session column changes, or where time falls by more than 100 median
steps or back to its first value. Passes of relative times are put on the calendar one after the other. Absolute times
stay as they are: passes that overlap are merged in the order of their times. One thread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from telemetry.clock import iso
from telemetry.files.bounds import counted
from telemetry.files.column import Mask, Table, Texts
from telemetry.files.seconds import Timeline
from telemetry.frame import Times
from telemetry.period import UNITS
from telemetry.source import SourceError
from telemetry.timebase import DAY, EARLIEST, LATEST, YEAR_2000, day_first, parse_label

APART = UNITS["h"]
"""Between the end of an undated pass and the beginning of the next."""
_FALL = 100
_SESSION = re.compile(r"(^|[\W_\d])(session|pass|passes|run|contact|campaign|recording)([\W_\d]|$)", re.IGNORECASE)

Index = npt.NDArray[np.intp]


@dataclass(slots=True, eq=False)
class Played:
    """Rows in the order they are played.

    ``order`` (n,) are row numbers of the table, None where they are all rows as they stand; ``times`` (n,) ascending
    UTC microseconds; ``passes`` are half-open ranges of (n,); ``step`` is the median step in microseconds, 0 where
    there is none; ``relative`` says that no date was known.
    """

    order: Index | None
    times: Times
    passes: tuple[tuple[int, int], ...]
    step: int
    relative: bool


def play(table: Table, line: Timeline, start: int | None) -> Played:
    """Put the rows of a table in order. ``start`` is where relative times begin, in UTC microseconds.

    Raises SourceError where the times leave the calendar.
    """
    order = _with_times(table, line)
    times = line.times if order is None else line.times[order]
    if _is_backwards(times):
        order = np.flip(np.arange(len(times)) if order is None else order)
        times = times[::-1]
        table.notes.append("The rows stand newest first: they are played oldest first.")
    sessions = _session_columns(table, line, order, times)
    cuts = _cuts(times, [codes for codes, _ in sessions])
    starts = np.flatnonzero(cuts)
    bounds = np.append(starts, len(times))
    dated = False
    if line.relative:
        if line.counted:
            # Rows are counted anew in each pass.
            times = times - np.repeat(times[starts], np.diff(bounds)) + times[0]
        dates = _dates(sessions if start is None else [], starts)
        dated = start is not None or any(date is not None for date in dates)
        times = _placed(times, bounds, dates, YEAR_2000 if start is None else start, table.notes)
    elif start is not None:
        table.notes.append(
            f"The times have dates of their own ({iso(int(times[0]))}), so the start given was not needed."
        )
    if times.max() > LATEST or times.min() < EARLIEST:
        cure = "name another column with --time COLUMN" if start is None else "give another --start TIME"
        raise SourceError(f"The passes of this file reach beyond the calendar: {cure}.")
    played, order = _sorted(times, order)
    spans = _spans(times, played, bounds, table.notes)
    return Played(order, played, spans, _median_step(played, spans), line.relative and not dated)


def _with_times(table: Table, line: Timeline) -> Index | None:
    if line.missing is None or not line.missing.any():
        return None
    lost = int(np.count_nonzero(line.missing))
    table.notes.append(f"{counted(lost, 'row')} left out for want of a time that can be read.")
    return np.flatnonzero(~line.missing)


def _is_backwards(times: Times) -> bool:
    steps = np.diff(times)
    return len(times) > 2 and int(np.count_nonzero(steps < 0)) > 2 * int(np.count_nonzero(steps > 0))


def _median_step(times: Times, passes: tuple[tuple[int, int], ...] = ()) -> int:
    steps = np.diff(times)
    if len(passes) > 1:
        steps = np.delete(steps, [first - 1 for first, _ in passes[1:]])
    steps = steps[steps > 0]
    return int(np.median(steps)) if len(steps) else 0


def _session_columns(
    table: Table, line: Timeline, order: Index | None, times: Times
) -> list[tuple[npt.NDArray[np.int32], list[str]]]:
    """(codes, labels) of the columns whose change ends a pass, in the rows of ``order``.

    A column is one by its name, or because no label of it comes back and either time falls where it changes or
    its labels are dates. A mode that changes in mid-pass is neither.
    """
    found = []
    falls = np.diff(times) < 0
    for i, column in enumerate(table.columns):
        if i in line.used or not isinstance(column.data, Texts):
            continue
        codes, labels = column.data.codes()
        codes = codes if order is None else codes[order]
        if (codes < 0).any():
            # A label that stands only on the first row of its pass holds until the next one.
            codes = codes[np.maximum.accumulate(np.where(codes >= 0, np.arange(len(codes)), 0))]
        changes = np.diff(codes) != 0
        count = int(np.count_nonzero(changes))
        named = _SESSION.search(column.name) is not None
        once = count == len(np.unique(codes)) - 1 and count * 2 <= len(codes)
        dated = once and count < 10_000 and all(parse_label(labels[c]) is not None for c in np.unique(codes) if c >= 0)
        if named or dated or (once and count and bool(np.any(falls[changes]))):
            found.append((codes, labels))
    return found


def _cuts(times: Times, sessions: list[npt.NDArray[np.int32]]) -> Mask:
    """(n,) where a pass begins."""
    cuts = np.zeros(len(times), dtype=bool)
    cuts[:1] = True
    for codes in sessions:
        cuts[1:] |= np.diff(codes) != 0
    far = _FALL * _median_step(times)
    falls = np.flatnonzero(np.diff(times) < 0) + 1
    if not len(falls):
        return cuts
    begun = np.flatnonzero(cuts)
    beginning = begun[np.searchsorted(begun, falls, side="right") - 1]
    first = 0
    for row, known, before, now in zip(
        falls.tolist(), beginning.tolist(), times[falls - 1].tolist(), times[falls].tolist(), strict=True
    ):
        first = max(first, known)
        if before - now > far or now == times[first]:
            cuts[row] = True
            first = row
    return cuts


def _dates(sessions: list[tuple[npt.NDArray[np.int32], list[str]]], starts: Index) -> list[int | None]:
    """The date in the label of each pass."""
    dates: list[int | None] = [None] * len(starts)
    for codes, labels in sessions:
        first, _ = day_first(labels)
        for k, code in enumerate(codes[starts].tolist()):
            if dates[k] is None and code >= 0:
                dates[k] = parse_label(labels[code], first)
    return dates


def _placed(times: Times, bounds: Index, dates: list[int | None], base: int, notes: list[str]) -> Times:
    """Relative times on the calendar: dated passes at their date, the others an hour after the one before."""
    low = np.array([int(times[a:b].min()) for a, b in pairwise(bounds.tolist())])
    high = np.array([int(times[a:b].max()) for a, b in pairwise(bounds.tolist())])
    origins: list[int] = []
    for date in dates:
        origins.append(date if date is not None else origins[-1] if origins else base)
    shifts = np.zeros(len(low), dtype=np.int64)
    end: int | None = None
    moved = 0
    for k in sorted(range(len(low)), key=lambda k: origins[k]):
        # Seconds that count on through several days do not begin anew at each label's date.
        late = dates[k] is not None and not 0 <= low[k] < DAY
        begin = origins[k] + (0 if late else int(low[k]))
        if end is not None and (dates[k] is None or begin <= end):
            moved += dates[k] is not None
            begin = end + APART
        shifts[k] = begin - low[k]
        end = begin + int(high[k] - low[k])
    if moved:
        notes.append(f"Passes that would overlap by their dates follow one another an hour apart ({moved:,} moved).")
    return times + np.repeat(shifts, np.diff(bounds))


def _sorted(times: Times, order: Index | None) -> tuple[Times, Index | None]:
    if not np.any(np.diff(times) < 0):
        return times, order
    by_time = np.argsort(times, kind="stable")
    return times[by_time], by_time if order is None else order[by_time]


def _spans(times: Times, played: Times, bounds: Index, notes: list[str]) -> tuple[tuple[int, int], ...]:
    """The passes as ranges of the sorted rows; those that overlap are one."""
    spans = sorted((int(times[a:b].min()), int(times[a:b].max())) for a, b in pairwise(bounds.tolist()))
    merged: list[list[int]] = []
    for low, high in spans:
        if merged and low <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    if len(merged) < len(spans):
        notes.append(f"{len(spans):,} stretches of rows overlap in time and were merged into {len(merged):,}.")
    edges = [*np.searchsorted(played, [low for low, _ in merged]).tolist(), len(played)]
    return tuple(pairwise(edges))
