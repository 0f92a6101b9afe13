"""A scenario: a fleet, its faults and its nominal events, read from a TOML file. Any thread.

    name = "two faults"
    [fleet]
    satellites = 2
    duration = "2 h"
    [[faults]]
    kind = "gyro_bias"
    at = "40%"
    for = "20 min"

Whatever cannot be used is one SourceError that names the file, the line and the key.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn, TypeGuard

from simulator.chance import SEEDS
from simulator.faults import Kind, Way
from simulator.kinds import EVENTS, FAULTS, names
from simulator.lines import Lines
from telemetry import SourceError

BUILT_IN = (
    *("bad-day", "hidden", "sensors", "attitude", "thermal", "power", "radio", "busy", "tumbling", "demo", "quiet"),
)
"""The scenarios that ship, from a bad day to a quiet one."""
RANGES: dict[str, tuple[float, float]] = {
    "satellites": (1, 64),
    "seed": (0, SEEDS - 1),
    "rate": (1e-3, 100.0),
    "duration": (1e-6, 1e10),
    "eclipse": (0.0, 36.0),
    "channels": (1, 100_000),
}
"""What the options of a simulation may be; times in seconds, ``eclipse`` in minutes an orbit."""
ANY = "any"
LONGEST = 7 * 86_400.0
"""Seconds that a scenario file may last: its faults are compared with the run without them before it begins."""

MOST = 64
"""Faults, and as many events: each is flown twice before the run begins, to be labelled."""
_LARGEST = 1_000_000  # bytes of a file
_STRONGEST = 100.0  # sigmas
_FOLDER = Path(__file__).resolve().parent / "scenarios"
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_TIME = re.compile(r"(\d{1,12}(?:\.\d{1,12})?) ?(%|s|min|h|d)", re.ASCII)
_TOP = ("name", "description", "fleet", "faults", "events")
_FLEET = ("satellites", "seed", "duration", "rate", "tumbling")
_ENTRY = {
    "faults": ("kind", "satellite", "channel", "at", "for", "strength"),
    "events": ("kind", "satellite", "channel", "at", "for"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault or nominal event that is asked for.

    ``kinds`` are those of its name (and channel): one is drawn. None of them: kind, satellite, time and strength
    are drawn, between 40 % and 80 % of the first hour. ``satellite`` is an index, None for any. ``start`` and
    ``end`` are whole seconds after the start of the run, ``strength`` sigmas of the main channel or None for the
    kind's own. ``where`` begins a sentence about it.
    """

    kinds: tuple[Kind, ...]
    satellite: int | None
    start: float
    end: float
    strength: float | None
    where: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as its file has it; ``duration`` in seconds (None: endless), ``rate`` in samples a second.

    ``tumbling`` are the indices of the satellites that are CubeSats without wheels.
    """

    name: str
    description: str
    satellites: int = 3
    seed: int = 7
    duration: float | None = None
    rate: float = 1.0
    faults: tuple[Entry, ...] = ()
    events: tuple[Entry, ...] = ()
    tumbling: tuple[int, ...] = ()


@cache
def built_in(name: str) -> Scenario:
    """The scenario ``name`` of ``BUILT_IN``."""
    return read_scenario(_FOLDER / f"{name}.toml")


def read_scenario(path: Path) -> Scenario:
    """The scenario in the file ``path``. Raises SourceError."""
    try:
        if path.exists() and not path.is_file():
            raise SourceError(f"{path} is no file: give the path of a TOML file, or sim:demo.")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise SourceError(f"There is no scenario file {path}: give the path of a TOML file, or sim:demo.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(f"The scenario {path} cannot be read ({reason}): give a TOML file, or sim:demo.") from None
    if len(data) > _LARGEST:
        raise SourceError(f"{path} is larger than 1 MB: a scenario is a short TOML file.")
    try:
        # Some editors begin a file with a mark that the grammar does not know.
        text = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
        return _Reader(str(path), text).scenario(tomllib.loads(text), path.stem)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{path}, line {line}: this is not UTF-8 text; save the file as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise SourceError(_syntax(path, text, str(error))) from None
    except RecursionError:
        raise SourceError(
            f"{path}, line 1: brackets are nested too deeply; a scenario needs none inside another."
        ) from None


def _syntax(path: Path, text: str, said: str) -> str:
    what, _, where = said.partition(" (at ")
    found = re.match(r"line (\d+)", where)
    line = int(found[1]) if found else len(text.splitlines()) or 1
    lines = text.splitlines()
    key = re.match(r"\s*[\"']?([\w-]+)", lines[line - 1]) if line <= len(lines) else None
    at = f' at "{key[1]}"' if key else ""
    return f"{path}, line {line}: this is not TOML{at}: {what[:1].lower()}{what[1:]}."


class _Reader:
    """Turns what TOML holds into a scenario, or into a sentence about its first mistake."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = Lines(text)

    def scenario(self, top: dict[str, object], stem: str) -> Scenario:
        self._known(top, "", 0, _TOP)
        for key in ("name", "description"):
            if not isinstance(top.get(key, ""), str):
                self._fail("", 0, key, f'"{key}" must be text in quotes')
        fleet = top.get("fleet", {})
        if not isinstance(fleet, dict):
            self._fail("", 0, "fleet", '"fleet" must be a table: write [fleet] on a line of its own')
        self._known(fleet, "fleet", 0, _FLEET)
        satellites = int(self._number(fleet, "satellites", 3, whole=True))
        duration = self._time(fleet["duration"], "fleet", 0, "duration", None) if "duration" in fleet else None
        if duration is not None and not 1 <= duration <= LONGEST:
            self._fail("fleet", 0, "duration", '"duration" must be from 1 second to 7 days, such as "2 h"')
        return Scenario(
            str(top.get("name", stem)),
            str(top.get("description", "")),
            satellites,
            int(self._number(fleet, "seed", 7, whole=True)),
            duration,
            self._number(fleet, "rate", 1.0),
            self._entries(top, "faults", FAULTS, satellites, duration),
            self._entries(top, "events", EVENTS, satellites, duration),
            self._tumbling(fleet, satellites),
        )

    def _tumbling(self, fleet: dict[str, object], satellites: int) -> tuple[int, ...]:
        """All of them, or those that are named."""
        value = fleet.get("tumbling", [])
        if value == "all":
            return tuple(range(int(RANGES["satellites"][1])))
        known = {f"SAT-{index + 1:03d}": index for index in range(satellites)}
        if not isinstance(value, list) or not all(isinstance(name, str) and name in known for name in value):
            several = f"some of {_fleet(satellites)}" if satellites > 1 else "SAT-001"
            said = f'"tumbling" must be "all" or a list of {several}, such as ["SAT-001"], not {_shown(value)}'
            self._fail("fleet", 0, "tumbling", said)
        return tuple(known[name] for name in value)

    def _entries(
        self, top: dict[str, object], table: str, kinds: tuple[Kind, ...], satellites: int, duration: float | None
    ) -> tuple[Entry, ...]:
        rows = top.get(table, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._fail("", 0, table, f'"{table}" must be tables: write [[{table}]] on a line of its own for each')
        if len(rows) > MOST:
            self._fail("", 0, table, f"{len(rows):,} [[{table}]] are too many: at most {MOST} can be flown")
        return tuple(self._entry(row, table, number, kinds, satellites, duration) for number, row in enumerate(rows))

    def _entry(
        self,
        row: dict[str, object],
        table: str,
        number: int,
        kinds: tuple[Kind, ...],
        satellites: int,
        duration: float | None,
    ) -> Entry:
        self._known(row, table, number, _ENTRY[table])
        where = self._where(table, number, "satellite")
        if row.get("kind") == ANY and table == "faults":
            for key in row:
                if key != "kind":
                    self._fail(table, number, key, f'"{key}" cannot stand beside kind = "any", which draws all of it')
            return Entry((), None, 0.0, 0.0, None, where)
        chosen = self._kinds(row, table, number, kinds)
        start, end = self._span(row, table, number, duration)
        strength = self._strength(row, table, number, chosen)
        return Entry(chosen, self._satellite(row, table, number, satellites), start, end, strength, where)

    def _kinds(self, row: dict[str, object], table: str, number: int, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
        name = row.get("kind")
        if name is None:
            self._fail(
                table, number, "kind", f'"kind" of [[{table}]] is missing: the known ones are {listed(names(kinds))}'
            )
        same = tuple(kind for kind in kinds if kind.name == name)
        if not same:
            near = _near(str(name), names(kinds))
            known = f"the known ones are {listed(names(kinds))}"
            self._fail(table, number, "kind", f'there is no "kind" {_shown(name)} in [[{table}]]: {known}{near}')
        if "channel" not in row:
            return same
        mains = tuple(kind.main for kind in same)
        if row["channel"] not in mains:
            said = f'"channel" cannot be {_shown(row["channel"])}: {name} begins in {" or ".join(mains)}'
            self._fail(table, number, "channel", said)
        return tuple(kind for kind in same if kind.main == row["channel"])

    def _satellite(self, row: dict[str, object], table: str, number: int, satellites: int) -> int | None:
        name = row.get("satellite", ANY)
        if name == ANY:
            return None
        found = re.fullmatch(r"SAT-(\d{3})", name, re.ASCII) if isinstance(name, str) else None
        if found is None or not 1 <= int(found[1]) <= satellites:
            said = f'"satellite" must be "any" or one of {_fleet(satellites)}, not {_shown(name)}'
            self._fail(table, number, "satellite", said)
        return int(found[1]) - 1

    def _span(self, row: dict[str, object], table: str, number: int, duration: float | None) -> tuple[float, float]:
        if "at" not in row:
            self._fail(table, number, "at", f'"at" of [[{table}]] is missing: give one such as at = "40%"')
        start = round(self._time(row["at"], table, number, "at", duration))
        if duration is not None and start >= duration:
            self._fail(
                table, number, "at", f'"at" must lie before the end of the run, which lasts {duration:g} seconds'
            )
        if "for" in row:
            length = round(self._time(row["for"], table, number, "for", duration))
            if not 1 <= length <= LONGEST:
                self._fail(table, number, "for", '"for" must be from 1 second to 7 days, such as for = "20 min"')
            return start, start + length
        if duration is None:
            said = f'"for" of [[{table}]] is missing, and [fleet] has no duration: give one such as for = "20 min"'
            self._fail(table, number, "for", said)
        return start, float(max(start + 1, round(duration)))

    def _strength(self, row: dict[str, object], table: str, number: int, kinds: tuple[Kind, ...]) -> float | None:
        value = row.get("strength")
        if value is None:
            return None
        if not _is_number(value) or not 0 < value <= _STRONGEST:
            said = f'"strength" must be sigmas of the main channel, above 0 and at most 100, not {_shown(value)}'
            self._fail(table, number, "strength", said)
        if any(kind.way in (Way.MISS, Way.SET) for kind in kinds):
            self._fail(table, number, "strength", f'"strength" means nothing for {kinds[0].name}: leave it out')
        return float(value)

    def _time(self, value: object, table: str, number: int, key: str, duration: float | None) -> float:
        """Seconds: a number of them, "25 min", or (of the run) "40%"."""
        most = RANGES["duration"][1]
        if _is_number(value) and (table == "fleet" or 0 <= value <= most):
            return float(max(0, min(value, most)))
        found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
        share = "" if table == "fleet" else '"40%", '
        if found is None:
            said = f'"{key}" must be {share}"25 min" (s, min, h, d) or a number of seconds, not {_shown(value)}'
            self._fail(table, number, key, said)
        if found[2] != "%":
            return float(found[1]) * _UNITS[found[2]]
        if duration is None or float(found[1]) > 100:
            why = "at most 100%" if duration is not None else "a time, for [fleet] has no duration to take a share of"
            self._fail(table, number, key, f'"{key}" must be {why}, such as {key} = "25 min"')
        return float(found[1]) / 100 * duration

    def _number(self, table: dict[str, object], key: str, default: float, whole: bool = False) -> float:
        value = table.get(key, default)
        low, high = RANGES[key]
        if not _is_number(value) or (whole and not isinstance(value, int)) or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            upper = SEEDS - 1 if key == "seed" else f"{high:g}"
            said = f'"{key}" must be {kind} from {low:g} to {upper}, such as {key} = {default:g}, not {_shown(value)}'
            self._fail("fleet", 0, key, said)
        return value

    def _known(self, row: dict[str, object], table: str, number: int, keys: tuple[str, ...]) -> None:
        for key in row:
            if key not in keys:
                place = {"": "a scenario", "fleet": "[fleet]"}.get(table, f"[[{table}]]")
                self._fail(table, number, key, f'{place} knows no "{key}": it takes {listed(keys)}{_near(key, keys)}')

    def _where(self, table: str, number: int, key: str) -> str:
        return f"{self._file}, line {self._lines.of(table, number, key)}: "

    def _fail(self, table: str, number: int, key: str, said: str) -> NoReturn:
        end = "" if said.endswith("?") else "."
        raise SourceError(f"{self._where(table, number, key)}{said}{end}")


def _fleet(satellites: int) -> str:
    return "SAT-001" if satellites == 1 else f"SAT-001 to SAT-{satellites:03d}"


def listed(texts: tuple[str, ...]) -> str:
    """ "a, b and c"."""
    *head, last = texts
    return f"{', '.join(head)} and {last}" if head else last


def _near(text: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(text, known, 1)
    return f'; did you mean "{near[0]}"?' if near else ""


def _shown(value: object) -> str:
    """A value as the file might have it, short enough for a sentence."""
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."


def _is_number(value: object) -> TypeGuard[int | float]:
    # An integer of TOML may be too large for a float to be asked whether it is finite.
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf
