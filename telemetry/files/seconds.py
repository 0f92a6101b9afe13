"""Columns of numbers as times: whether one looks like it, and what it says in microseconds. Pure; one thread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from telemetry.clock import SECOND
from telemetry.files.column import Column, Mask, Numbers
from telemetry.frame import Times
from telemetry.period import unit_of_time
from telemetry.timebase import DAY, EARLIEST, LATEST

_COUNTER_WORDS = "index idx id count counter seq sequence no nr number n row packet frame record unnamed"
_COUNTERS = frozenset(_COUNTER_WORDS.split())
_SCALES = {SECOND: 1, 1_000: 10**3, 1: 10**6, 0: 10**9}
_CENTURY = 100 * 366 * DAY
_1990, _2100 = 631_152_000, 4_102_444_800
Values = npt.NDArray[Any]


@dataclass(slots=True, eq=False)
class Timeline:
    """(n,) int64 microseconds, since 1970 or (``relative``) since a start; ``missing`` rows have no time.

    ``used`` are the numbers of the columns that it was made of, which are no channels.
    """

    times: Times
    missing: Mask | None
    relative: bool
    used: tuple[int, ...] = ()
    counted: bool = False


def words_of(name: str) -> list[str]:
    """The words of a name, lower case: ``unixTime_ms`` is ``unix``, ``time``, ``ms``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[^A-Za-z\u0080-\uffff]+", spaced) if word]


@np.errstate(over="ignore", invalid="ignore")  # numbers next to infinity are no times
def number_rank(column: Column, hinted: bool, first: bool) -> float | None:
    """How likely a column of numbers is the time: lower is better, in the order of ``timeline``; None: it is not."""
    data = column.data
    assert isinstance(data, Numbers)
    if data.values.dtype.kind == "b":
        return None
    values = data.values if data.missing is None else data.values[~data.missing]
    values = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not len(values):
        return None
    epoch = _magnitude(values) is not None
    if len(values) == 1:
        return (2 if epoch else 4) if hinted else None
    rising = values[1:] > values[:-1]
    # A clock that starts again is no disorder.
    falling = (values[1:] < values[:-1]) & (values[1:] != values[0])
    up, down = int(np.count_nonzero(rising)), int(np.count_nonzero(falling))
    if up + down == 0:
        return None
    steady = max(up, down) / (up + down)
    counter = set(words_of(column.name)) & _COUNTERS
    if hinted and not counter:
        digits = _digits(values)
        if digits:
            # Dates that stay for many rows are labels; as seconds they would make no sense at all.
            return 2 if digits == 14 else 7 if (up + down) * 2 >= len(values) - 1 else None
        strong = words_of(column.name) != ["t"]
        if steady > 0.7 or (strong and (epoch or steady > 0.4)):
            return (2 if epoch else 4) + (0 if steady > 0.7 else 5)
        return None
    if epoch and steady > 0.95:
        return 6
    return 9.5 if first and not counter and _is_ramp(values, column.named) else None


def _is_ramp(values: Values, named: bool) -> bool:
    """Whether a column of no telling name starts at 0 and grows in equal steps, restarts allowed.

    Under a header, steps of 1 are a counter and not a clock.
    """
    numbers = values.astype(np.float64)
    steps = np.diff(numbers)
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    if len(numbers) < (20 if named else 3) or step <= 0 or (named and step == 1.0):
        return False
    even = np.count_nonzero(np.abs(steps - step) <= step * 0.1) >= len(steps) * 0.95
    return bool(even and (not named or 0 <= numbers[0] <= step))


def _magnitude(values: Values) -> int | None:
    """Microseconds in one unit of epoch numbers of 1990 .. 2100 (0: nanoseconds), None where they are none."""
    middle = float(np.median(values))
    return next((factor for factor, scale in _SCALES.items() if _1990 * scale <= middle < _2100 * scale), None)


def _declared(column: Column) -> int | None:
    """Microseconds in the unit that the header gives, ``[ms]`` or ``_ms`` (0: nanoseconds); None: it gives none."""
    for word in (column.unit.strip().lower(), *reversed(words_of(column.name)[1:])):
        if word in ("ns", "nanos", "nsec", "nanosecond", "nanoseconds"):
            return 0
        # A lone m, d or h at the end of a name says other things too.
        if word and (word not in ("m", "d", "h") or word == column.unit.strip().lower()) and unit_of_time(word):
            return unit_of_time(word)
    return None


@np.errstate(over="ignore", invalid="ignore")
def from_number(column: Column, index: int) -> Timeline:
    """Epoch numbers by their magnitude, else seconds (or the unit in the header) since a start.

    Integers such as 20201109120000 are dates. A unit in the header outranks a magnitude that contradicts it, as
    long as it makes less than a century of the numbers: 1e9 us are a quarter of an hour.
    """
    data = column.data
    assert isinstance(data, Numbers)
    values, missing = data.values, data.missing
    if values.dtype.kind == "f":
        lost = ~np.isfinite(values)
        missing = (lost if missing is None else lost | missing) if lost.any() else missing
    real = values if missing is None else values[~missing]
    if _digits(real):
        return bounded(_calendar(values), missing, False, (index,))
    factor, declared = _magnitude(real) if len(real) else None, _declared(column)
    if factor is not None and declared is not None and declared != factor:
        factor = None if float(np.median(real)) * (declared or 1e-3) < _CENTURY else factor
    relative = factor is None
    unit = factor if factor is not None else SECOND if declared is None else declared
    if values.dtype.kind == "f":
        scaled = np.where(np.isfinite(values), values, 0.0) * (unit or 1e-3)
        wild = np.abs(scaled) > float(LATEST)
        times = np.where(wild, LATEST + DAY, np.rint(np.clip(scaled, -float(LATEST), float(LATEST)))).astype(np.int64)
    elif unit == 0:
        times = (values // 1_000).astype(np.int64)
    else:
        most = LATEST // unit
        times = np.clip(values, 0 if values.dtype.kind == "u" else -most - 1, most + 1).astype(np.int64) * unit
    return bounded(times, missing, relative, (index,))


def _digits(values: Values) -> int:
    """14 or 8 where integers read as YYYYMMDDhhmmss or YYYYMMDD of 1970 .. 2100, all of them; else 0."""
    if values.dtype.kind not in "iu" or not len(values):
        return 0
    for digits, scale in ((14, 10**6), (8, 1)):
        days, clock = np.divmod(values, values.dtype.type(scale))
        year, month, day = days // 10_000, days // 100 % 100, days % 100
        real = (year >= 1970) & (year <= 2100) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
        if (real & (clock // 10_000 < 24) & (clock // 100 % 100 < 60) & (clock % 100 <= 60)).all():
            return digits
    return 0


def _calendar(values: Values) -> Times:
    numbers = values.astype(np.int64)
    days, clock = np.divmod(numbers, 10**6) if numbers.max(initial=0) >= 10**13 else (numbers, np.zeros_like(numbers))
    months = (np.maximum(days // 10_000, 1) - 1970) * 12 + np.clip(days // 100 % 100, 1, 12) - 1
    midnight = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + days % 100 - 1
    seconds = clock // 10_000 * 3600 + clock // 100 % 100 * 60 + clock % 100
    return midnight * DAY + seconds * SECOND


def bounded(times: Times, missing: Mask | None, relative: bool, used: tuple[int, ...]) -> Timeline:
    """A timeline in which times beyond the calendar (relative: beyond a thousand years) are missing."""
    low, high = (EARLIEST // 8, LATEST // 8) if relative else (EARLIEST, LATEST)
    wild = (times < low) | (times > high)
    if wild.any():
        missing = wild if missing is None else missing | wild
    return Timeline(times, missing, relative, used)
