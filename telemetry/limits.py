"""What makes limits sound: the context in which one holds, and the rules that those of a channel obey together."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from telemetry.channel import Channel, Limit, Severity

MOST_PERSISTENCE = 1_000_000
MOST_DELAY = 7 * 86_400_000_000
"""A week, in microseconds."""
_CONTEXT = re.compile(r"""\s*(?:'([^']+)'|"([^"]+)"|([^\s'"=!<>]+))\s*(==|!=|<=|>=|<|>)\s*(?:'([^']*)'|(.*?))\s*""")
_SWITCH = {"off": 0.0, "false": 0.0, "on": 1.0, "true": 1.0}
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """``channel`` (its path) compared with ``wanted``: a number, or for == and != the name of a state."""

    channel: str
    operator: str
    wanted: str

    def met(self, value: float, states: Mapping[str, float]) -> bool:
        """Whether ``value`` meets it; ``states`` are codes by lower-case name. A NaN or an unknown name never does."""
        wanted = states.get(self.wanted.lower())
        if wanted is None:
            wanted = _number(self.wanted)
        if wanted is None or math.isnan(value):
            return False
        if self.operator in ("==", "!="):
            return (value == wanted) == (self.operator == "==")
        return _COMPARE[self.operator](value, wanted)

    def never(self, channel: Channel) -> str:
        """Why no value of ``channel`` can ever meet it, as the end of a sentence; empty where one may."""
        states, number = states_of(channel), _number(self.wanted)
        if self.wanted.lower() in states or (number is not None and (self.operator != "==" or not states)):
            return ""
        if states and number not in states.values():
            return f"has no state {self.wanted}: there are {', '.join(states)}"
        return "" if states or channel.type == "i4" else "has numbers and no states: compare it with a number"


def states_of(channel: Channel) -> Mapping[str, float]:
    """The codes of a channel's states by lower-case name; none where it has none, or they are not known."""
    named = {name.lower(): float(code) for code, name in channel.states}
    return named or (_SWITCH if channel.type == "bool" else {})


def condition(text: str) -> Condition:
    """``obc/mode == safe`` as a value. Raises ValueError with a sentence."""
    found = _CONTEXT.fullmatch(text)
    wanted = (found[5] if found[5] is not None else found[6]) if found else ""
    if not found or not wanted:
        raise ValueError(f"a context is a channel, a comparison and a value, such as obc/mode == safe, not '{text}'")
    operator = found[4]
    if operator in _COMPARE and _number(wanted) is None:
        raise ValueError(f"'{operator}' compares with a number, not with '{wanted}'")
    return Condition(found[1] or found[2] or found[3], operator, wanted)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with limit number ``place`` of a channel: at which field, and a sentence without a full stop."""

    place: int
    field: str
    sentence: str


def problem(limits: Sequence[Limit]) -> Problem | None:
    """The first thing that is wrong with the limits of one channel, None where they are sound."""
    for place, limit in enumerate(limits):
        wrong = _wrong(limit)
        if wrong is not None:
            return Problem(place, *wrong)
    for place, limit in enumerate(limits):
        for other in limits[:place]:
            if (other.quantity, other.when) == (limit.quantity, limit.when):
                wrong = _disorder(limit, other)
                if wrong is not None:
                    return Problem(place, *wrong)
    return None


def binds(pattern: str, key: str) -> bool:
    """Whether ``pattern`` names the channel of ``key``; its satellite may be a pattern (``*/eps/battery_voltage``)."""
    satellite, _, path = key.partition("/")
    wanted, _, wanted_path = pattern.partition("/")
    return path == wanted_path and (satellite == wanted or fnmatchcase(satellite, wanted))


def limits_to_json(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """As plain values, for a socket or an archive."""
    return [asdict(limit) for limit in limits]


def limits_from_json(data: Sequence[Mapping[str, Any]]) -> tuple[Limit, ...]:
    """The limits that ``limits_to_json`` or an earlier version wrote."""
    return tuple(Limit(**{**one, "severity": Severity(one["severity"])}) for one in data)


def _wrong(limit: Limit) -> tuple[str, str] | None:
    low, high = limit.low, limit.high
    for name, bound in (("low", low), ("high", high)):
        if bound is not None and not math.isfinite(bound):
            return name, f"{name} must be a finite number"
    if limit.severity is Severity.NORMAL:
        return "severity", "severity must be watch, warning, distress, critical or severe"
    if low is None and high is None:
        return "low", "a limit needs low, high or both"
    if low is not None and high is not None and low >= high:
        return "low", f"low ({low:g}) must be less than high ({high:g})"
    if limit.persistence is not None and not 1 <= limit.persistence <= MOST_PERSISTENCE:
        return "persistence", f"persistence must be a number of samples from 1 to {MOST_PERSISTENCE:,}"
    if not (math.isfinite(limit.deadband) and limit.deadband >= 0):
        return "deadband", "deadband must be 0 or more"
    if low is not None and high is not None and 2 * limit.deadband >= high - low:
        return "deadband", f"deadband ({limit.deadband:g}) leaves nothing between low and high to return to"
    for name, delay in (("on_delay_s", limit.on_delay), ("off_delay_s", limit.off_delay)):
        if not 0 <= delay <= MOST_DELAY:
            return name, f"{name} must be from 0 to 604,800 seconds"
    if limit.when:
        try:
            condition(limit.when)
        except ValueError as raised:
            return "when", str(raised)
    return None


def _disorder(limit: Limit, other: Limit) -> tuple[str, str] | None:
    if limit.severity is other.severity:
        return "severity", f"there are two limits of severity {limit.severity.value} for the same context"
    worse, milder = (limit, other) if limit.severity.level > other.severity.level else (other, limit)
    words = f"the {worse.severity.value} limit must not lie inside the {milder.severity.value} limit"
    if worse.low is not None and milder.low is not None and worse.low > milder.low:
        return "low", f"{words}: {worse.low:g} is above {milder.low:g}"
    if worse.high is not None and milder.high is not None and worse.high < milder.high:
        return "high", f"{words}: {worse.high:g} is below {milder.high:g}"
    return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
