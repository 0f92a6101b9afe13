"""How a text table is written: its separator, decimal sign, header, units, and what stands before it.

Found on the first lines alone. Pure; any thread.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.files.cells import NULLS, parse_number
from telemetry.files.headers import is_unit_row
from telemetry.timebase import parse_moment

SEPARATORS = (",", ";", "\t", "|")
"""In order of preference; spaces are tried where none of them makes columns."""
_LINES = 200
_CHARACTERS = 1 << 18
_CELLS = 500
_SPANNED = 20
_QUOTED = re.compile(r'(?:^|[,;\t|])[ ]*"', re.MULTILINE)
_COMMENT = re.compile(r"\s*(?:#(?!N/A)|%|//|\*|!)")
_DIGIT = re.compile(r"\d", re.ASCII)
_COMMA_DECIMAL = re.compile(r"[+-]?(?:\d*,\d+(?:[eE][+-]?\d+)?|\d{1,3}(?:\.\d{3})+,\d*)", re.ASCII)
_COMMA_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)
_POINT_DECIMAL = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dialect:
    """``skip`` lines, then rows of ``width`` cells. ``headers`` is empty where the file has none.

    ``comma``: decimals are written with a comma. ``quoted``: cells may stand in quotation marks. ``comment``:
    lines that begin with it are no rows. ``header_line`` is the header as it stands: files that were put
    together from several repeat it between their rows.
    """

    separator: str
    comma: bool
    quoted: bool
    skip: int
    width: int
    headers: tuple[str, ...]
    units: tuple[str, ...]
    comment: str
    header_line: str


def split(lines: Sequence[str], separator: str, quoted: bool = True) -> list[list[str]]:
    """Rows of cells, one a line; a line may hold line ends in quotation marks."""
    if separator == " ":
        return [line.split() for line in lines]
    if not quoted:
        return [line.split(separator) for line in lines]
    out: list[list[str]] = []
    for line in lines:
        try:
            out.append(next(csv.reader(io.StringIO(line, newline=""), delimiter=separator, skipinitialspace=True), []))
        except csv.Error:
            out.append(line.split(separator))
    return out


def find_dialect(sample: str) -> Dialect | None:
    """The dialect of the first lines of a file, or None where they are no table."""
    lines = _first_lines(sample)
    while lines and not lines[-1].strip():
        lines.pop()
    told = re.fullmatch(r"\s*sep=(.)\s*", lines[0]) if lines else None
    candidates = (told[1],) if told else SEPARATORS
    body = [line for line in lines[1 if told else 0 :] if line.strip() and not _COMMENT.match(line)]
    if not body:
        return None
    best = max(candidates, key=lambda s: _fit(body, s))
    if _fit(body, best)[0] <= 0:
        best = " " if _fit(body, " ")[0] > 0 else best
    return _layout(lines, 1 if told else 0, best, sample)


def _first_lines(sample: str) -> list[str]:
    """The first lines; a quoted cell may span some, which are then one here."""
    parts = sample.split("\n", _LINES)[:_LINES]
    quoted = _QUOTED.search(sample) is not None
    out: list[str] = []
    size = at = 0
    while at < len(parts) and (size <= _CHARACTERS or len(out) < 3):
        line, end = parts[at], at + 1
        if quoted and line.count('"') % 2:
            closes = (k for k in range(end, min(end + _SPANNED, len(parts))) if parts[k].count('"') % 2)
            end = next(closes, at) + 1
            line = "\n".join(parts[at:end])
        out.append(line)
        size += len(line)
        at = end
    return out


def _fit(lines: list[str], separator: str) -> tuple[float, float]:
    """How well ``separator`` makes columns of values: (0 where there is one column only, share of good rows)."""
    rows = split(lines, separator)
    widths = Counter(len(row) for row in rows)
    width = max(widths, key=lambda w: (widths[w], w))
    same = [row for row in rows if len(row) == width]
    if width < 2:
        return 0.0, 0.0
    tail = same[len(same) // 4 :]
    values = sum(_like_value(cell) for row in tail for cell in row[:_CELLS])
    share = values / max(1, sum(min(len(row), _CELLS) for row in tail))
    return share * len(same) / len(rows), width


def _like_value(cell: str) -> bool:
    """Whether a cell is a number (with either decimal sign), a time, or nothing."""
    cell = cell.strip()
    return cell.lower() in NULLS or _is_number(cell) or _is_time(cell)


def _is_number(cell: str) -> bool:
    if not _DIGIT.search(cell):
        return cell.strip().lower().lstrip("+-") in ("inf", "infinity")
    try:
        return parse_number(cell) is not None
    except ValueError:
        return False


def _is_time(cell: str) -> bool:
    return parse_moment(cell) is not None or parse_moment(cell, day_first=False) is not None


def _is_data(row: Sequence[str], width: int) -> bool:
    return abs(len(row) - width) <= 1 and any(_is_number(cell) or _is_time(cell) for cell in row)


def _layout(lines: list[str], start: int, separator: str, sample: str) -> Dialect:
    quoted = _is_quoted(sample, separator)
    rows = split(lines, separator, quoted)
    plain = [i for i in range(start, len(lines)) if lines[i].strip() and not _COMMENT.match(lines[i])]
    widths = Counter(len(rows[i]) for i in plain)
    width = max(widths, key=lambda w: (widths[w], w))
    full = [i for i in plain if _is_data(rows[i], width)]
    comment = next((m[0].strip() for line in lines if (m := _COMMENT.match(line))), "")
    first = _first_data(rows, full, width)
    header = units = None
    before = [i for i in plain if i < first and abs(len(rows[i]) - width) <= 1]
    # A row without numbers may also be one of which only labels arrived: names have no holes.
    whole = [i for i in before if all(cell.strip() for cell in rows[i][:-1])] or before
    if whole:
        header = whole[-1]
        under = next((i for i in before if i > header), None)
        if under is not None and is_unit_row(rows[under]):
            units = under
        elif len(whole) > 1 and is_unit_row(rows[header]):
            header, units = whole[-2], header
    else:
        header = _commented_header(lines, rows, first, separator, width)
    names: list[str] = [] if header is None else rows[header]
    if header is not None and header not in before:
        text = _COMMENT.sub("", lines[header], count=1)
        names = split([text], separator, quoted)[0]
    width = max(width, len(names))
    cells = [cell.strip() for i in plain if i >= first for cell in rows[i]]
    return Dialect(
        separator=separator,
        comma=_decimal_comma(cells, separator),
        quoted=quoted,
        skip=first + sum(line.count("\n") for line in lines[:first]),
        width=width,
        headers=tuple(names),
        units=() if units is None else tuple(rows[units]),
        comment=comment,
        header_line="" if header is None or header not in before else lines[header],
    )


def _first_data(rows: list[list[str]], full: list[int], width: int) -> int:
    """The line of the first row of data: one that is not, cell for cell, a heading of the rows below it."""
    for k, i in enumerate(full):
        below = [rows[j] for j in full[k + 1 : k + 40] if len(rows[j]) >= width - 1]
        heading = False
        for c, cell in enumerate(rows[i][:width]):
            under = [row[c] for row in below if c < len(row) and row[c].strip().lower() not in NULLS]
            if not under or cell.strip().lower() in NULLS or _is_number(cell) or _is_time(cell):
                continue
            if sum(_is_number(u) or _is_time(u) for u in under) > len(under) * 0.8:
                heading = True
        if not heading:
            return i
    return full[-1] + 1 if full else len(rows)


def _commented_header(lines: list[str], rows: list[list[str]], first: int, separator: str, width: int) -> int | None:
    """The comment just above the data, where it splits into as many names as there are columns."""
    for i in range(first - 1, -1, -1):
        if not lines[i].strip():
            continue
        if not _COMMENT.match(lines[i]):
            return None
        cells = split([_COMMENT.sub("", lines[i], count=1)], separator)[0]
        if len(cells) == width and width > 1 and not any(_is_number(cell) for cell in cells):
            return i
        return None
    return None


def _is_quoted(sample: str, separator: str) -> bool:
    if separator == " ":
        return False
    # An inch mark in a name is no quotation mark: those stand where a cell begins.
    return '"' not in sample or re.search(rf'(?:^|{re.escape(separator)})[ ]*"', sample, re.MULTILINE) is not None


def _decimal_comma(cells: list[str], separator: str) -> bool:
    clear = sum(1 for c in cells if _COMMA_DECIMAL.fullmatch(c) and not _COMMA_GROUPS.fullmatch(c))
    points = sum(1 for c in cells if _POINT_DECIMAL.fullmatch(c))
    if clear or points:
        return clear > points
    # Nothing but 1,234: thousands where commas also separate (they stood in quotes), else decimals.
    return separator != "," and any(_COMMA_GROUPS.fullmatch(c) for c in cells)
