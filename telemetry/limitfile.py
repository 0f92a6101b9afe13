"""Files of limits and derived channels: TOML, or CSV with a row a limit. ``docs/limits.md`` describes both."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from telemetry.channel import Limit
from telemetry.derived import Definition
from telemetry.expression import ExpressionError, parse
from telemetry.limitfields import FIELDS, Fail, LimitsError, fields_of, limit_of
from telemetry.limits import problem

_DERIVED = ("expression", "unit", "description")
_LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class Definitions:
    """What a file defines: limits by the pattern of a channel's key, in order, and derived channels."""

    limits: tuple[tuple[str, tuple[Limit, ...]], ...] = ()
    derived: tuple[Definition, ...] = ()


def read_limits(path: Path) -> Definitions:
    """What the file at ``path`` defines; CSV where its name ends so, else TOML. An empty table is a channel without
    limits. Raises LimitsError.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise LimitsError(f"{path} is too large for a file of limits: give another one.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise LimitsError(f"{path} cannot be read ({problem.strerror}): give another file of limits.") from problem
    except UnicodeDecodeError as problem:
        raise LimitsError(f"{path} is not written in UTF-8: save it so, or give another file of limits.") from problem
    return _from_csv(path.name, text) if path.suffix.lower() == ".csv" else _from_toml(path.name, text)


def to_toml(limits: Sequence[tuple[str, tuple[Limit, ...]]]) -> str:
    """Limits as a file that ``read_limits`` reads back."""
    parts = []
    for pattern, own in limits:
        name = f"limits.{_quoted(pattern)}"
        parts += [f"[[{name}]]\n{_assignments(limit)}" for limit in own] or [f"[{name}]\n"]
    return "\n".join(parts)


def to_csv(limits: Sequence[tuple[str, tuple[Limit, ...]]]) -> str:
    """Limits as a file that ``read_limits`` reads back."""
    out = io.StringIO()
    table = csv.DictWriter(out, ("channel", *FIELDS), lineterminator="\n")
    table.writeheader()
    for pattern, own in limits:
        table.writerows({"channel": pattern, **fields_of(limit)} for limit in own)
        if not own:
            table.writerow({"channel": pattern})
    return out.getvalue()


def _assignments(limit: Limit) -> str:
    values = fields_of(limit).items()
    return "".join(f"{name} = {_quoted(value) if isinstance(value, str) else repr(value)}\n" for name, value in values)


def _quoted(text: str) -> str:
    """A string of TOML: JSON's, but for one control character that JSON may leave as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


# TOML


@dataclass(slots=True)
class _Places:
    """On which line each table begins, and each key of it stands; nothing where the text is written unusually."""

    tables: dict[tuple[str, str, int], int] = field(default_factory=dict)
    keys: dict[tuple[str, str, int, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> _Places:
        places, now = cls(), None
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith("["):
                now = places._table(line, number)
            elif now is not None and "=" in line:
                places.keys.setdefault((*now, line.partition("=")[0].strip().strip("\"'")), number)
        return places

    def _table(self, line: str, number: int) -> tuple[str, str, int] | None:
        try:
            ((section, inner),) = tomllib.loads(line).items()
            (pattern,) = inner
        except (tomllib.TOMLDecodeError, ValueError, TypeError):
            return None
        now = section, pattern, sum((section, pattern) == known[:2] for known in self.tables)
        self.tables[now] = number
        return now

    def fail(self, file: str, section: str, pattern: str, place: int) -> Fail:
        def raised(key: str, sentence: str) -> NoReturn:
            line = self.keys.get((section, pattern, place, key), self.tables.get((section, pattern, place)))
            where = f", line {line}" if line is not None else ""
            raise LimitsError(f"{file}{where}, {pattern}, {key}: {sentence}.")

        return raised


def _from_toml(file: str, text: str) -> Definitions:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as raised:
        raise LimitsError(f"{file} is not sound TOML: {str(raised)[0].lower()}{str(raised)[1:]}.") from raised
    for key in data:
        if key not in ("limits", "derived"):
            raise LimitsError(f"{file}, {key}: there is no such table; there are limits and derived.")
    places = _Places.of(text)
    limits = []
    for pattern, own in _table(file, data, "limits").items():
        entries = own if isinstance(own, list) else [own] if own else []
        fails = [places.fail(file, "limits", pattern, place) for place in range(len(entries))]
        limits.append((pattern, _sound(pattern, entries, fails)))
    derived = [
        _definition(pattern, one, places.fail(file, "derived", pattern, 0))
        for pattern, one in _table(file, data, "derived").items()
    ]
    return Definitions(tuple(limits), tuple(derived))


def _table(file: str, data: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise LimitsError(f"{file}, {name}: a table of channels is needed here.")
    return found


def _sound(pattern: str, entries: Sequence[object], fails: Sequence[Fail]) -> tuple[Limit, ...]:
    """The limits of one channel, each with what to call where it is wrong."""
    limits = []
    for entry, fail in zip(entries, fails, strict=True):
        if "/" not in pattern:
            fail("channel", "a channel is named with its satellite, or a *, before a /: */eps/battery_voltage")
        if not isinstance(entry, dict):
            fail("severity", 'limits are tables: [[limits."*/eps/battery_voltage"]]')
        limits.append(limit_of(entry, fail))
    wrong = problem(limits)
    if wrong is not None:
        fails[wrong.place](wrong.field, wrong.sentence)
    return tuple(limits)


def _definition(pattern: str, values: object, fail: Fail) -> Definition:
    if "/" not in pattern:
        fail("channel", "a channel is named with its satellite, or a *, before a /: */eps/power")
    if not isinstance(values, dict):
        fail("expression", 'a derived channel is a table: [derived."*/eps/power"]')
    for name, value in values.items():
        if name not in _DERIVED:
            fail(name, f"there is no such key; there are {', '.join(_DERIVED)}")
        if not isinstance(value, str):
            fail(name, f"{name} must be text")
    try:
        parse(values.get("expression", ""))
    except ExpressionError as raised:
        fail("expression", str(raised))
    return Definition(pattern, **values)


# CSV


def _from_csv(file: str, text: str) -> Definitions:
    entries: dict[str, list[object]] = {}
    fails: dict[str, list[Fail]] = {}
    for line, row in _rows(file, text):
        pattern = row.pop("channel")
        entries.setdefault(pattern, [])
        fails.setdefault(pattern, [])
        values = {name: value for name, value in row.items() if value}
        if values:
            entries[pattern].append(values)
            fails[pattern].append(_at_line(file, line, pattern))
    return Definitions(tuple((pattern, _sound(pattern, own, fails[pattern])) for pattern, own in entries.items()))


def _rows(file: str, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(table, [])]
        if "channel" not in header:
            raise LimitsError(f"{file}, line 1: the first row names the columns, and channel is one of them.")
        twice = next((name for name in header if header.count(name) > 1), None)
        if twice is not None:
            raise LimitsError(f"{file}, line 1, {twice}: the column stands twice: leave one of them out.")
        for cells in table:
            if len(cells) > len(header):
                raise LimitsError(
                    f"{file}, line {table.line_num}: the row has {len(cells)} cells, and the first row names "
                    f"{len(header)} columns."
                )
            row = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
            if any(row.values()):
                if not row.get("channel"):
                    raise LimitsError(f"{file}, line {table.line_num}, channel: a limit needs a channel.")
                yield table.line_num, row
    except csv.Error as raised:
        raise LimitsError(f"{file}, line {table.line_num}: this is not sound CSV ({raised}).") from raised


def _at_line(file: str, line: int, pattern: str) -> Fail:
    def raised(key: str, sentence: str) -> NoReturn:
        raise LimitsError(f"{file}, line {line}, {pattern}, {key}: {sentence}.")

    return raised
