"""Which column says when, found by its content, and what it says in microseconds.

Best first: date and time of day; epoch seconds (ms, us, ns by magnitude) under a name of time; a date column beside
a time-of-day column; seconds since a start under a name of time; hours and minutes since a start; epoch numbers
under any name; dates alone; a first column that starts at 0 and grows in equal steps. One thread.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import numpy as np

from telemetry.clock import SECOND
from telemetry.files.column import Column, Instants, Mask, Numbers, Table, Texts
from telemetry.files.instants import Spelling, read_instants, spelling
from telemetry.files.seconds import Timeline, bounded, from_number, number_rank, words_of
from telemetry.frame import Times
from telemetry.period import unit_of_time
from telemetry.source import SourceError
from telemetry.timebase import DAY, LATEST

NAMED = 0.5
"""Share of a column's first cells that must be times where the operator named it."""
_TIME_WORDS = (
    "t time times timestamp timestamps ts date datetime utc epoch unix unixtime posix clock met obt gmt sclk tai "
    "second seconds sec secs s elapsed uptime millis ms us ns since minutes hours tick ticks "
    "zeit datum temps tiempo fecha hora tempo 시간 時刻 时间"
)
_WORDS = frozenset(_TIME_WORDS.split())
_UNITS_OF_TIME = "utc gmt tai gps unix posix epoch iso iso8601 local ut z ns nsec"
_TIME_UNITS = frozenset(_UNITS_OF_TIME.split())
_JOINED = re.compile(
    r"(time|date|epoch|utc|seconds|elapsed)(stamp|_?(s|ms|us|ns|sec|utc|unix|tag))?|(unix|gps|obc?|sc|rtc)time"
)
_RECEPTION = re.compile(r"rece(i|pt)|\bert\b|ground|insert|ingest|download", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Candidate:
    rank: float
    index: int
    how: str
    spelling: Spelling | None = None
    partner: int = -1


def find_timeline(table: Table, file: str, time: str | None, period: int | None) -> Timeline:
    """The times of a table's rows. Raises SourceError, naming the file, where nothing says when."""
    if time is not None:
        chosen = named_column(table, file, time)
        return _stretched(_from_column(table, chosen, file), table, period)
    best = min(_candidates(table, period is not None), key=lambda c: (c.rank, c.index), default=None)
    if best is None:
        if period is not None:
            return _counted(table, period)
        raise SourceError(
            f"{file} has no time column that can be recognised (its columns: {_listed(table)}): "
            "name it with --time COLUMN, or give the step between rows with --period 5s."
        )
    found = _made(table, best)
    if period is not None:
        name = table.columns[best.index].name
        if not found.relative:
            table.notes.append(f"Column '{name}' holds the times, so the period given was not needed.")
        elif abs(_step(found) - period) > period * 0.1:
            table.notes.append(f"The period given was used for the times, and '{name}' is a channel.")
            return _counted(table, period)
    return found


def named_column(table: Table, file: str, name: str) -> int:
    """The number of the column that the operator named: its header or bare name, in any case. Raises SourceError."""
    for i, column in enumerate(table.columns):
        if name in (column.header, column.name):
            return i
    for i, column in enumerate(table.columns):
        if name.strip().lower() in (column.header.lower(), column.name.lower()):
            return i
    near = difflib.get_close_matches(name, [c.name for c in table.columns], n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise SourceError(
        f"{file} has no column '{name}' ({hint}its columns: {_listed(table)}): give one of those to --time."
    )


def _listed(table: Table, most: int = 12) -> str:
    names = ", ".join(c.name[:40] for c in table.columns[:most])
    return names + (f" and {len(table.columns) - most} more" if len(table.columns) > most else "")


def _is_hinted(column: Column) -> bool:
    if column.unit and unit_of_time(column.unit) is None and column.unit.lower() not in _TIME_UNITS:
        return False  # T [K] is a temperature
    words = words_of(column.name)
    return any(word in _WORDS or _JOINED.fullmatch(word) for word in words)


def _candidates(table: Table, counted: bool = False) -> list[_Candidate]:
    out: list[_Candidate] = []
    dates: list[tuple[int, Spelling | None]] = []
    clocks: list[tuple[int, Spelling | None]] = []
    for i, column in enumerate(table.columns):
        hinted = _is_hinted(column)
        late = 0.5 if _RECEPTION.search(column.name) else 0.0
        if isinstance(column.data, Numbers):
            rank = number_rank(column, hinted, first=i == 0)
            if rank is not None:
                out.append(_Candidate(rank + late, i, "number"))
            continue
        found = spelling(column.data) if isinstance(column.data, Texts) else None
        kind = found.kind if found else "none"
        if isinstance(column.data, Instants):
            kind = "moment" if column.data.absolute else "clock"
        if kind == "moment":
            out.append(_Candidate((0 if hinted else 1) + late + (0 if _moves(column) else 8.5), i, "whole", found))
        elif kind == "date":
            dates.append((i, found))
            # A date that stays for many rows is a label of theirs; with a period it tells the passes apart.
            if _moves(column, every=2) and not counted:
                out.append(_Candidate(7 + late, i, "whole", found))
        elif kind == "clock":
            clocks.append((i, found))
            out.append(_Candidate(5 + late, i, "whole", found))
    if dates and clocks:
        out.append(_Candidate(3, dates[0][0], "pair", dates[0][1], clocks[0][0]))
    return out


def _moves(column: Column, every: int = 50) -> bool:
    """Whether a column changes at least every so many rows: a label of a session does not."""
    if isinstance(column.data, Instants):
        times = column.data.times
        return len(times) < 3 or int(np.count_nonzero(np.diff(times))) * every >= len(times) - 1
    assert isinstance(column.data, Texts)
    codes, labels = column.data.codes()
    return len(codes) < 3 or len(labels) * every >= len(codes)


def _made(table: Table, chosen: _Candidate) -> Timeline:
    column = table.columns[chosen.index]
    if chosen.how == "number":
        return from_number(column, chosen.index)
    days = read_instants(column.data, chosen.spelling, table.notes, column.name)
    if chosen.how == "whole":
        if not days.absolute:
            return bounded(_unwrapped(days.times, days.missing), days.missing, True, (chosen.index,))
        return bounded(days.times, days.missing, False, (chosen.index,))
    other = table.columns[chosen.partner]
    clock = read_instants(other.data, spelling(other.data) if isinstance(other.data, Texts) else None, [], other.name)
    masks = [m for m in (days.missing, clock.missing) if m is not None]
    missing = np.logical_or.reduce(masks) if masks else None
    return bounded(days.times + clock.times, missing, False, (chosen.index, chosen.partner))


def _from_column(table: Table, index: int, file: str) -> Timeline:
    column = table.columns[index]
    if isinstance(column.data, Numbers) and column.data.values.dtype.kind != "b":
        if column.data.missing is not None and column.data.missing.all():
            raise SourceError(f"Column '{column.name}' of {file} is empty: name another with --time COLUMN.")
        return from_number(column, index)
    # Who names a column knows it: it is one of times even where half its cells are damaged.
    found = spelling(column.data, NAMED) if isinstance(column.data, Texts) else None
    if found is None and not isinstance(column.data, Instants):
        first = column.data.head(1) if isinstance(column.data, Texts) else ["true"]
        said = f"its first cell is '{first[0][:40]}'" if first else "it is empty"
        raise SourceError(
            f"Column '{column.name}' of {file} holds no times ({said}): name another with --time COLUMN, "
            "or give the step between rows with --period 5s."
        )
    if found is not None and found.kind == "clock":
        # The date may stand in a column of its own.
        for candidate in _candidates(table):
            if candidate.how == "pair" and candidate.partner == index:
                return _made(table, candidate)
    return _made(table, _Candidate(0, index, "whole", found))


def _unwrapped(times: Times, missing: Mask | None) -> Times:
    """A time of day goes on over midnight: a fall of more than half a day is the next day."""
    if not len(times) or times.max() >= DAY + SECOND or times.min() < 0:
        return times
    real = np.arange(len(times)) if missing is None else np.flatnonzero(~missing)
    fell = np.zeros(len(times), dtype=np.int64)
    if len(real) > 1:
        fell[real[1:]] = np.diff(times[real]) < -DAY // 2
    return times + np.cumsum(fell) * DAY


def _counted(table: Table, period: int) -> Timeline:
    longest = (LATEST // 8) // max(1, table.rows)
    if period > longest:
        raise SourceError("The period given takes the times beyond the year 3000: give a shorter one, such as 5s.")
    return Timeline(np.arange(table.rows, dtype=np.int64) * period, None, True, (), counted=True)


def _step(line: Timeline) -> int:
    times = line.times if line.missing is None else line.times[~line.missing]
    steps = np.diff(times)
    return int(np.median(steps[steps > 0])) if (steps > 0).any() else 0


def _stretched(line: Timeline, table: Table, period: int | None) -> Timeline:
    """A counter that was named as the time, with the period of one count."""
    if period is None or not line.relative or abs(_step(line) - period) <= period * 0.1:
        return line
    data = table.columns[line.used[0]].data
    if not isinstance(data, Numbers) or data.values.dtype.kind not in "iu":
        return line
    steps = np.diff(line.times if line.missing is None else line.times[~line.missing])
    if steps[steps > 0].min(initial=LATEST) != SECOND:
        return line
    counts = line.times // SECOND
    if np.abs(counts).max(initial=0) > LATEST // 8 // period:
        return line
    table.notes.append(f"'{table.columns[line.used[0]].name}' was counted in steps of the period given.")
    return Timeline(counts * period, line.missing, True, line.used)
