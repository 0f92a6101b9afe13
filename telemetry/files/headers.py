"""Headers to names and units: ``Battery voltage [V]`` is ``Battery voltage``, unit ``V``."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNIT = re.compile(r"(?P<name>.*?)\s*(?:\((?P<round>[^()\[\]]*)\)|\[(?P<square>[^()\[\]]*)\])\s*", re.DOTALL)
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_COMMON_UNITS = (
    "v mv uv kv a ma ua w mw kw wh mwh ah mah c °c ºc degc deg_c celsius f °f degf k kelvin deg ° degrees rad mrad "
    "deg/s °/s rad/s rpm s sec secs seconds ms us µs ns min h hr hours d days hz khz mhz ghz pa hpa kpa mpa bar mbar "
    "psi % pct percent counts count cnt dn raw dbm db dbi nt ut µt t g gauss m mm cm km m/s km/s m/s2 m/s^2 j kj nm "
    "mnm am2 a.m2 ohm kohm f uf bit bits byte bytes b kb mb bps kbps 1 - -- n/a none bool utc iso iso8601 string "
    "enum state text unitless dimensionless lux"
)
_COMMON = frozenset(_COMMON_UNITS.split())


def clean(header: str) -> str:
    """One line, without the characters that no screen shows."""
    return " ".join("".join(c if c.isprintable() else " " for c in header).split())


def split_unit(header: str) -> tuple[str, str]:
    """The bare name, and the unit that stood in () or [] at its end (empty: none)."""
    match = _UNIT.fullmatch(header)
    if match is None or not match["name"]:
        return header, ""
    return match["name"], (match["round"] if match["round"] is not None else match["square"]).strip()


def is_unit_row(cells: Sequence[str]) -> bool:
    """Whether a row under the header holds units: every cell is empty, in brackets, or a common unit."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(_BRACKETS.fullmatch(c) or c.lower() in _COMMON for c in filled)


def name_columns(headers: Sequence[str], units: Sequence[str] = ()) -> tuple[list[tuple[str, str]], list[str]]:
    """A (name, unit) for each header, names unique and not empty, and notes about those that were changed."""
    out: list[tuple[str, str]] = []
    seen: set[str] = set()
    bare = [split_unit(clean(header)) for header in headers]
    taken = {name for name, _ in bare}
    doubled: list[str] = []
    for i, (name, unit) in enumerate(bare):
        if i < len(units) and not unit:
            given = clean(units[i])
            brackets = _BRACKETS.fullmatch(given)
            unit = brackets[1].strip() if brackets else given
        unit = "" if unit.lower() in ("-", "--", "n/a", "none", "unitless", "dimensionless") else unit
        if not name or name in seen:
            stem, k = (name, 2) if name else ("column", i + 1)
            while f"{stem}_{k}" in taken:
                k += 1
            if name:
                doubled.append(name)
            name = f"{stem}_{k}"
            taken.add(name)
        seen.add(name)
        out.append((name, unit))
    notes = []
    if doubled:
        which = ", ".join(f"'{name}'" for name in dict.fromkeys(doubled[:5]))
        notes.append(f"{which} heads more than one column: the later ones were given a number.")
    return out, notes
