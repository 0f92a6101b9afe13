"""How a limit is written, in a file or in the fields of a window, and how it is read back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NoReturn, cast

from telemetry.channel import Limit, Quantity, Severity
from telemetry.clock import SECOND

FIELDS = (
    "severity",
    "low",
    "high",
    "quantity",
    "when",
    "persistence",
    "deadband",
    "on_delay_s",
    "off_delay_s",
    "cause",
    "consequence",
    "action",
    "link",
)
"""What a limit is written with, in a table of TOML or a column of CSV."""
_NUMBERS = ("low", "high", "deadband", "on_delay_s", "off_delay_s")
SEVERITIES = tuple(one.value for one in Severity if one is not Severity.NORMAL)

Fail = Callable[[str, str], NoReturn]
"""Called with a field and a sentence."""


class LimitsError(Exception):
    """Limits cannot be read or kept; the text is a sentence that names the file, the line and the key."""


def fields_of(limit: Limit) -> dict[str, str | float | int]:
    """A limit as it is written; what is as usual is left out."""
    values: dict[str, str | float | int | None] = {
        "severity": limit.severity.value,
        "low": limit.low,
        "high": limit.high,
        "quantity": None if limit.quantity == "value" else limit.quantity,
        "when": limit.when or None,
        "persistence": limit.persistence,
        "deadband": limit.deadband or None,
        "on_delay_s": limit.on_delay / SECOND or None,
        "off_delay_s": limit.off_delay / SECOND or None,
        "cause": limit.cause or None,
        "consequence": limit.consequence or None,
        "action": limit.action or None,
        "link": limit.link or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def limit_of(values: Mapping[str, object], fail: Fail) -> Limit:
    """The limit that ``fields_of`` wrote; numbers may come as text. Whether it is sound is ``problem``'s to say."""
    for name in values:
        if name not in FIELDS:
            fail(str(name), f"there is no such key; there are {', '.join(FIELDS)}")
    texts = {name: values.get(name, "") for name in FIELDS}
    for name, value in texts.items():
        if not isinstance(value, str) and name not in (*_NUMBERS, "persistence"):
            fail(name, f"{name} must be text")
    numbers = {name: _number(name, texts[name], fail) for name in (*_NUMBERS, "persistence")}
    persistence = numbers["persistence"]
    if persistence is not None and not persistence.is_integer():
        fail("persistence", "persistence must be a whole number of samples")
    if texts["severity"] not in SEVERITIES:
        fail("severity", f"severity must be {', '.join(SEVERITIES[:-1])} or {SEVERITIES[-1]}")
    if texts["quantity"] not in ("", "value", "rate"):
        fail("quantity", "quantity must be value or rate")
    said = {name: str(texts[name]) for name in ("when", "cause", "consequence", "action", "link")}
    return Limit(
        Severity(str(texts["severity"])),
        numbers["low"],
        numbers["high"],
        cast(Quantity, texts["quantity"] or "value"),
        persistence=None if persistence is None else int(persistence),
        deadband=numbers["deadband"] or 0.0,
        on_delay=round((numbers["on_delay_s"] or 0.0) * SECOND),
        off_delay=round((numbers["off_delay_s"] or 0.0) * SECOND),
        **said,
    )


def _number(name: str, value: object, fail: Fail) -> float | None:
    if value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        fail(name, f"{name} must be a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        fail(name, f"{name} must be a number, not '{value}'")
    return number
