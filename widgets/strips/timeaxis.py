"""Where the ticks of a time axis stand and what they say, in UTC or as T+. No Qt here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from widgets.text import MINUS

SECOND = 1_000_000
_MINUTE, _HOUR, _DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
MONTH = 30 * _DAY
"""Steps of this and more are told in months of the calendar, where times have a date."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEPS = (
    *(n * SECOND // 1000 for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 5, 10)),
    *(n * MONTH for n in (1, 3, 6, 12, 24, 60, 120)),
)
_MINOR = {MONTH: MONTH, 3 * MONTH: MONTH, 12 * MONTH: 3 * MONTH}


def tick_step(span: int, width: float, apart: float) -> int:
    """The smallest step (microseconds) that keeps labels ``apart`` pixels apart on ``width`` pixels of ``span``."""
    needed = span * apart / max(1.0, width)
    return next((step for step in STEPS if step >= needed), STEPS[-1])


def tick_times(start: int, stop: int, step: int, origin: int) -> list[int]:
    """Multiples of ``step`` after ``origin`` within ``start`` .. ``stop``; months of the calendar where that is 0."""
    if step >= MONTH and not origin:
        return _months(start, stop, step // MONTH)
    first = origin - (origin - start) // step * step
    return list(range(first, stop + 1, step))


def minor_step(step: int) -> int:
    """The step of the short ticks between those that are labelled."""
    return _MINOR.get(step, step // 2 or 1)


def _months(start: int, stop: int, apart: int) -> list[int]:
    begin = moment(start)
    found = []
    for month in range((12 * begin.year + begin.month - 1) // apart * apart, 12 * datetime.max.year, apart):
        time = (datetime(max(1, month // 12), month % 12 + 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
        if time > stop:
            break
        if time >= start:
            found.append(time)
    return found


def moment(time: int) -> datetime:
    """UTC microseconds as a datetime, held within the years that one can have."""
    try:
        return _EPOCH + timedelta(microseconds=time)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if time > 0 else datetime.min.replace(tzinfo=UTC)


@lru_cache(256)
def label(time: int, step: int, origin: int | None) -> str:
    """``00:30``, ``00:30:15``, the day at midnight (``14 Mar``), ``Mar 2026``, ``2026``.

    Where times are relative, ``T+00:30``, and ``T+12 d``.
    """
    if origin is not None and step >= _DAY:
        return f"T{'+' if time >= origin else MINUS}{abs(time - origin) // _DAY} d"
    if origin is not None:
        seconds, rest = divmod(abs(time - origin), SECOND)
        sign = "+" if time >= origin else MINUS
        text = f"T{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
        return text + _fine(seconds % 60, rest, step)
    at = moment(time)
    if step >= MONTH:
        return f"{at:%b %Y}" if step < 12 * MONTH else f"{at.year}"
    if step >= _DAY or (at.hour == at.minute == at.second == at.microsecond == 0 and step >= _HOUR):
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}" + _fine(at.second, at.microsecond, step)


def _fine(seconds: int, micros: int, step: int) -> str:
    if step >= _MINUTE:
        return ""
    return f":{seconds:02d}" if step >= SECOND else f":{seconds:02d}.{micros // 1000:03d}"


def heading(time: int, origin: int | None) -> str:
    """What stands at the axis' left: the day, or what T is."""
    return "since the start" if origin is not None else f"UTC, {moment(time):%Y-%m-%d}"
