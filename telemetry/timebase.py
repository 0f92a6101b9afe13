"""Dates and times as they are met in files, to UTC microseconds: one text, a whole column, or inside a label.

Understood: ISO 8601 with its calendar, ordinal (``2020-314T12:00:00``) and compact forms, slashes, points, month
names, two-digit years, AM and PM, fractions after a point or a comma, ``Z``, ``UTC`` and offsets; a time without an
offset is UTC. Second 60 is the first of the next minute. Pure; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from telemetry.clock import SECOND

Kind = Literal["moment", "date", "clock"]
"""What a text is: a date with a time of day, a date alone, or a time of day (also: hours since a start) alone."""

DAY = 86_400 * SECOND
EARLIEST = (date(1, 1, 1).toordinal() - 719_163) * DAY
LATEST = (date(9999, 12, 31).toordinal() - 719_163) * DAY
"""Times beyond these cannot be written as a date."""
YEAR_2000 = (date(2000, 1, 1).toordinal() - 719_163) * DAY
"""Where telemetry without any date is put."""


class Moment(NamedTuple):
    """A parsed text: microseconds (since 1970, or since midnight for a ``clock``) and what it was."""

    time: int
    kind: Kind


_NAMES = "january february march april may june july august september october november december"
_FULL = _NAMES.split()
_MONTHS = {name[:3]: i + 1 for i, name in enumerate(_FULL)}
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_CALENDAR = r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"
_ORDINAL = r"(?P<y>\d{4})[-/:. ](?P<doy>\d{3})"
_COMPACT = r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)"
_NUMERIC = r"(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})"
_DAY_MONTH = rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-/., ]*{_MONTH}[-/., ]*(?P<y>\d{{4}})"
_MONTH_DAY = rf"{_MONTH} *(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? +(?P<y>\d{{4}})"
_DATES = (_CALENDAR, _ORDINAL, _DAY_MONTH, _MONTH_DAY, _NUMERIC, _COMPACT)
_TIME = (
    r"(?:(?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,:](?P<f>\d{1,12}))?)? ?(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"|(?P<H2>\d\d)(?P<M2>\d\d)(?:(?P<S2>\d\d)(?:[.,](?P<f2>\d{1,12}))?)?)"
)
_ZONE = r"(?: ?(?P<zone>[Zz]|UTC|GMT|UT|(?P<zs>[+-])(?P<zh>\d\d):?(?P<zm>\d\d)?))?"
_WEEKDAY = r"(?:(?:[Mm]on|[Tt]ue|[Ww]ed|[Tt]hu|[Ff]ri|[Ss]at|[Ss]un)[a-z]*,? +)?"
_FORMS = tuple(re.compile(rf"{_WEEKDAY}{d}(?:(?: ?T| ?, ?| +|[:_-]){_TIME}{_ZONE})?", re.ASCII) for d in _DATES)
_CTIME = re.compile(rf"{_WEEKDAY}{_MONTH} +(?P<d>\d{{1,2}}) +{_TIME} (?:[A-Z]{{3}} )?(?P<y>\d{{4}})", re.ASCII)
_CLOCK = re.compile(
    r"(?P<sign>[+-])?(?:T\+ ?)?(?:(?P<days>\d{1,6})(?: days? |[dT/]|:(?=\d\d:\d\d:\d\d)))?"
    r"(?P<H>\d{1,5}):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{1,12}))?)? ?(?P<half>[AaPp]\.?[Mm]\.?)?[Zz]?",
    re.ASCII,
)
_IN_LABEL = (
    *(
        re.compile(rf"(?<![0-9A-Za-z]){d}(?:[T _-]{_TIME}{_ZONE})?(?!\d)", re.ASCII)
        for d in (_CALENDAR, _DAY_MONTH, _MONTH_DAY, _NUMERIC)
    ),
    re.compile(rf"(?<!\d){_COMPACT}(?:[T_-]?{_TIME}{_ZONE})?(?!\d)", re.ASCII),
)


def _month(text: str) -> int | None:
    low = text.lower()
    month = _MONTHS.get(low[:3])
    return month if month and (_FULL[month - 1].startswith(low) or low == "sept") else None


def _time_of_day(part: dict[str, str | None]) -> int | None:
    hour = part.get("H") or part.get("H2")
    if hour is None:
        return None
    h, m, s = int(hour), int(part.get("M") or part.get("M2") or 0), int(part.get("S") or part.get("S2") or 0)
    half = part.get("half")
    if half:
        if not 1 <= h <= 12:
            raise ValueError
        h = h % 12 + (12 if half[0] in "Pp" else 0)
    if m > 59 or s > 60:
        raise ValueError
    fraction = (part.get("f") or part.get("f2") or "")[:6].ljust(6, "0")
    return (h * 3600 + m * 60 + s) * SECOND + int(fraction)


def _days(part: dict[str, str | None], day_first: bool) -> int:
    year_text = part["y"] or ""
    year = int(year_text)
    if len(year_text) == 2:
        year += 2000 if year < 70 else 1900
    if part.get("doy"):
        doy = int(part["doy"] or 0)
        found_days = date(year, 1, 1).toordinal() + doy - 1
        if not date(year, 1, 1).toordinal() <= found_days <= date(year, 12, 31).toordinal():
            raise ValueError
        return found_days - 719_163
    if part.get("a"):
        first, second = int(part["a"] or 0), int(part["b"] or 0)
        day, month = (first, second) if day_first else (second, first)
    else:
        named = part.get("month")
        found = _month(named) if named else int(part["m"] or 0)
        if found is None:
            raise ValueError
        day, month = int(part["d"] or 0), found
    return date(year, month, day).toordinal() - 719_163


def _build(match: re.Match[str], day_first: bool) -> Moment | None:
    part = match.groupdict()
    try:
        days, clock = _days(part, day_first), _time_of_day(part)
    except ValueError:
        return None
    if clock is None:
        return Moment(days * DAY, "date")
    if clock > DAY + SECOND:
        return None
    if part.get("zs"):
        offset = (int(part["zh"] or 0) * 60 + int(part["zm"] or 0)) * 60 * SECOND
        clock += -offset if part["zs"] == "+" else offset
    return Moment(days * DAY + clock, "moment")


def parse_moment(text: str, day_first: bool = True) -> Moment | None:
    """The date, time of day or both that ``text`` is as a whole, or None. ``day_first`` decides 03/04/2020."""
    text = text.strip()
    if not 4 <= len(text) <= 60 or not any(c.isdigit() for c in text):
        return None
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            found = _build(match, day_first)
            # Eight digits alone are a number before they are a date.
            if found is not None and not text.isdigit():
                return found
    match = _CTIME.fullmatch(text)
    if match is not None:
        return _build(match, day_first)
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    try:
        clock = _time_of_day(match.groupdict())
    except ValueError:
        return None
    total = (clock or 0) + int(match["days"] or 0) * DAY
    return Moment(-total if match["sign"] == "-" else total, "clock")


def parse_label(text: str, day_first: bool = True) -> int | None:
    """UTC microseconds of a date (and time of day, if any) inside a label such as ``Pass 9 Nov 2020``, or None."""
    if len(text) > 200:
        return None
    for form in _IN_LABEL:
        match = form.search(text)
        found = _build(match, day_first) if match else None
        if found is not None:
            return found.time
    return None


_DAY_MONTH_ORDER = re.compile(rf"(?<!\d){_NUMERIC}(?!\d)", re.ASCII)


def day_first(texts: Sequence[str]) -> tuple[bool, bool]:
    """Whether dates such as 03/04/2020 put the day first, and whether that is sure.

    Sure where some date allows one reading only, or no date is of that form. Otherwise the reading that spans
    less time (consecutive days rather than the third of consecutive months), and the day where both span the same.
    """
    spans: dict[bool, list[int]] = {True: [], False: []}
    for text in texts:
        match = _DAY_MONTH_ORDER.search(text)
        if match is None:
            continue
        a, b = int(match["a"]), int(match["b"])
        if a > 12 >= b:
            return True, True
        if b > 12 >= a:
            return False, True
        for first in (True, False):
            found = _build(match, first)
            if found is not None:
                spans[first].append(found.time)
    if not spans[True]:
        return True, True
    width = {first: max(times) - min(times) if times else 0 for first, times in spans.items()}
    return width[True] <= width[False], False
