"""Values as words: numbers with fixed decimals, ages, times, and the sentences of findings. Pure; any thread.

Minus is U+2212 and thousands are parted by a thin space, so that numbers are read as they are printed.
"""

from __future__ import annotations

import math
import time as _time
from collections.abc import Sequence
from typing import SupportsFloat

from widgets.model import Clock, Kind

MINUS = "\u2212"
THIN = "\u2009"
TIMES = "\u00d7"
NONE = "\u2013"
"""What stands where there is no value."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def number(value: SupportsFloat, decimals: int = 0) -> str:
    """``-1764.2`` as ``−1 764``; infinities as a sign and NaN as a dash."""
    value = float(value)
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "\u221e" if value > 0 else f"{MINUS}\u221e"
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN)
    # What rounds to nothing has no sign, or noise about zero would flicker.
    return f"{MINUS}{text}" if value < 0 and any(c in "123456789" for c in text) else text


def decimals_for(span: tuple[float, float] | None, integer: bool = False) -> int | None:
    """Digits after the point for values that lie in ``span`` (channel units); about 300 steps across it.

    None where the span says nothing: then the value's own size decides.
    """
    if integer:
        return 0
    width = abs(span[1] - span[0]) if span is not None else 0.0
    if not math.isfinite(width) or width <= 0:
        return None
    return min(9, max(0, round(2.75 - math.log10(width))))


def format_value(
    value: SupportsFloat | None,
    unit: str = "",
    type: str = "f8",
    states: Sequence[tuple[int, str]] = (),
    span: tuple[float, float] | None = None,
) -> str:
    """A value as shown, its unit after a thin space where one is given; a dash where there is none.

    ``type`` and ``states`` are those of ``telemetry.Channel``; ``span`` is the declared range, or the observed
    one where none is declared: it fixes the decimals, so that a live value never changes its width by itself.
    """
    if value is None:
        return NONE
    real = float(value)
    if math.isnan(real):
        return NONE
    if states and math.isfinite(real):
        code = int(real)
        return next((name for each, name in states if each == code), f"code {number(code)}")
    if type == "bool":
        return "on" if real else "off"
    decimals = decimals_for(span, integer=type in ("i4", "i8", "u8"))
    text = number(real, decimals) if decimals is not None else _by_size(real)
    return f"{text}{THIN}{unit}" if unit else text


def _by_size(value: float) -> str:
    size = abs(value)
    if size == 0 or not math.isfinite(size):
        return number(value)
    if size >= 1e7 or size < 1e-5:
        mantissa, exponent = f"{value:.3e}".split("e")
        power = str(int(exponent)).replace("-", MINUS)
        return f"{mantissa.replace('-', MINUS)}e{power}"
    return number(value, min(9, max(0, 3 - math.floor(math.log10(size)))))


def duration(span: int) -> str:
    """Microseconds as the operator says them: ``42 s``, ``8 min``, ``2 h 10 min``, ``3 d``."""
    span = max(0, int(span))
    if span < MINUTE:
        return f"{span // SECOND} s"
    if span < HOUR:
        return f"{span // MINUTE} min"
    if span < 10 * HOUR:
        minutes = span % HOUR // MINUTE
        return f"{span // HOUR} h {minutes} min" if minutes else f"{span // HOUR} h"
    return f"{span // HOUR} h" if span < 3 * DAY else f"{span // DAY} d"


def age(since: int, now: int) -> str:
    """How long ago, in one unit: ``42 s``, ``8 min``, ``2 h``, ``3 d``."""
    span = max(0, int(now) - int(since))
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if span >= size:
            return f"{span // size} {unit}"
    return f"{span // SECOND} s"


def clock(time: int, origin: int | None = None) -> str:
    """``02:57:14`` UTC, or ``T+02:57:14`` since ``origin``."""
    if origin is None:
        seconds = int(time) // SECOND % 86_400
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    seconds = (int(time) - origin) // SECOND
    sign, seconds = ("+", seconds) if seconds >= 0 else (MINUS, -seconds)
    return f"T{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def date(time: int) -> str:
    """``2026-03-14``."""
    return _time.strftime("%Y-%m-%d", _time.gmtime(int(time) // SECOND))


def date_and_day(time: int) -> str:
    """``2026-03-14 · day 073``."""
    return _time.strftime("%Y-%m-%d \u00b7 day %j", _time.gmtime(int(time) // SECOND))


def moment(time: int, at: Clock) -> str:
    """A time of day; with its date where that is not the clock's own day."""
    if at.origin is not None or int(time) // DAY == at.now // DAY:
        return clock(time, at.origin)
    return f"{date(time)} {clock(time)}"


def stretch(start: int, stop: int, at: Clock) -> str:
    """``12:00 to 14:10, 2026-11-23``, with both dates where they differ; ``T+00:10:00 to T+02:20:00``."""
    if at.origin is not None:
        return f"{clock(start, at.origin)} to {clock(stop, at.origin)}"
    if int(start) // DAY == int(stop) // DAY:
        return f"{clock(start)[:5]} to {clock(stop)[:5]}, {date(start)}"
    return f"{date(start)} {clock(start)[:5]} to {date(stop)} {clock(stop)[:5]}"


def size(count: int) -> str:
    """Bytes as ``4.1 GB``."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{number(amount, 1 if amount < 9.95 and unit != 'bytes' else 0)} {unit}"
        amount /= 1000
    return f"{number(amount, 1)} TB"


def counted(count: int, noun: str) -> str:
    """``1 window``, ``2 windows``."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def finding_title(names: Sequence[str]) -> str:
    """``aocs/wheel_3_current and 4 more``."""
    if not names:
        return "no channel named"
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def over_threshold(score: float) -> str:
    """``3.8 × threshold``."""
    return f"{number(score, 1 if score < 99.95 else 0)} {TIMES} threshold"


def finding_state(open_: bool, start: int, end: int, at: Clock, verdict: str = "finding") -> str:
    """Where a finding stands: ``Finding, since 02:14:31`` or ``Rare nominal, ended 01:12:00 after 6 min``."""
    word = verdict.capitalize()
    if open_:
        return f"{word}, since {moment(start, at)}"
    return f"{word}, ended {moment(end, at)} after {duration(end - start)}"


def expected(low: float | None, high: float | None, actual: float, unit: str = "") -> str:
    """What was expected and what came: ``expected 12.1 to 12.9 V, was 10.4 V``; a bound of None is none."""
    known = [one for one in (low, high, actual) if one is not None]

    def said(value: float) -> str:
        return format_value(value, span=(min(known), max(known)))

    unit = unit and f"{THIN}{unit}"
    if low is not None and high is not None:
        span = f"{said(low)} to {said(high)}"
    elif low is not None:
        span = f"at least {said(low)}"
    elif high is not None:
        span = f"at most {said(high)}"
    else:
        return f"was {said(actual)}{unit}"
    return f"expected {span}{unit}, was {said(actual)}{unit}"


def alarm_state(kind: Kind, open_: bool, start: int, end: int, at: Clock) -> str:
    """Where an alarm of a limit stands: ``Warning, since 02:49:12``."""
    word = kind.value.capitalize()
    if open_:
        return f"{word}, since {moment(start, at)}"
    return f"{word}, normal since {moment(end, at)}"
