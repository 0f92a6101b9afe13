"""Durations as text: ``5s``, ``200ms``, ``2min``, ``1h`` to microseconds. Pure; any thread."""

from __future__ import annotations

import re
from fractions import Fraction

UNITS: dict[str, int] = {
    "us": 1, "µs": 1, "μs": 1, "usec": 1, "microsecond": 1,
    "ms": 1_000, "msec": 1_000, "millis": 1_000, "millisecond": 1_000,
    "s": 1_000_000, "sec": 1_000_000, "second": 1_000_000,
    "m": 60_000_000, "min": 60_000_000, "minute": 60_000_000,
    "h": 3_600_000_000, "hr": 3_600_000_000, "hour": 3_600_000_000,
    "d": 86_400_000_000, "day": 86_400_000_000,
}  # fmt: skip
"""Microseconds in each unit of time, by its singular name."""

_DURATION = re.compile(r"\s*(\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})\s*([a-zA-Zµμ]*)\s*", re.ASCII)
_LONGEST = 10 * 366 * UNITS["day"]


def unit_of_time(text: str) -> int | None:
    """Microseconds in one ``text`` (``ms``, ``Seconds``, ``hrs``), or None where that is no unit of time."""
    text = text.strip().lower()
    return UNITS.get(text) or (UNITS.get(text[:-1]) if text.endswith("s") and len(text) > 2 else None)


def parse_duration(text: str) -> int:
    """Microseconds of ``5s``, ``200 ms``, ``2min``, ``1.5h`` or a bare number of seconds.

    At least one microsecond and at most ten years. Raises ValueError with a sentence.
    """
    match = _DURATION.fullmatch(text)
    unit = unit_of_time(match[2] or "s") if match else None
    if match is None or unit is None:
        raise ValueError(f"'{text}' is not a duration: write 5s, 200ms, 2min, 1h or a number of seconds.")
    exact = Fraction(match[1].rstrip(".")) * unit
    if not 1 <= exact <= _LONGEST:
        raise ValueError(f"'{text}' is out of range: a duration is between a microsecond and ten years.")
    return round(exact)
