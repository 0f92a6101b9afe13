"""Thresholds in words: which channels a pattern means, what was asked for, what it would have meant. Pure; no Qt."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from glob import escape
from typing import Any

from widgets import text
from widgets.tuning.model import By, Preview, Scope, SetThreshold, Wish

_ROUGH = 1.0
"""Fewer days of scores than this say little of a day."""
EVERYTHING = Scope("*", "Every channel of every satellite.")


def scopes(satellite: str, subsystem: str, channel: str) -> tuple[Scope, Scope, Scope, Scope]:
    """Everything, and what there is of the keys of a satellite, a subsystem and a channel (empty: none)."""
    less = "" if subsystem or channel else " A subsystem or a channel is chosen in the tree."
    return (
        EVERYTHING,
        Scope(f"{escape(satellite)}/*", f"All channels of {satellite}.{less}"),
        Scope(f"{escape(subsystem)}/*", f"All channels of {spaced(subsystem)}.") if subsystem else Scope("", ""),
        Scope(escape(channel), f"{spaced(channel)} alone.") if channel else Scope("", ""),
    )


def spaced(key: str) -> str:
    """``SAT-001 / eps / bus_power``."""
    return key.replace("/", " / ")


def channels_in_words(pattern: str) -> str:
    """What a pattern of keys means."""
    if pattern == "*":
        return "Everything"
    return spaced(re.sub(r"\[([*?[])\]", r"\1", pattern.removesuffix("/*")))


def settled(rows: Iterable[Mapping[str, Any]]) -> tuple[SetThreshold, ...]:
    """What the core says is set."""
    return tuple(
        SetThreshold(
            channels=str(row["channels"]),
            words=channels_in_words(str(row["channels"])),
            meaning=f"{row['meaning']}, {times(row['factor'])}" if row["meaning"] else over(row["factor"]),
        )
        for row in rows
    )


def meaning(wish: Wish) -> str:
    """What was asked for, as it is kept with the threshold."""
    if wish.by == "share":
        return f"at most {figure(wish.amount)} % of the time"
    return f"about {figure(wish.amount)} {_findings(wish.amount)}"


def times(factor: float) -> str:
    """``1.4 ×``."""
    return f"{figure(factor)} {text.TIMES}"


def over(factor: float) -> str:
    """``1.4 × the threshold``."""
    return f"{times(factor)} the threshold"


def preview_of(answer: Mapping[str, Any], by: By) -> Preview:
    """The core's answer as it is drawn and said."""
    factors, a_day, share = answer["factors"], answer["a_day"], answer["share"]
    at = factors.index(answer["factor"])
    days, percent = float(answer["days"]), 100 * float(share[at])
    often = f"about {figure(a_day[at])} {_findings(a_day[at])}" if a_day[at] else "no finding"
    much = f"{figure(percent)} % of the time" if percent else "never above it"
    scores = f"{figure(days)} days" if days >= _ROUGH else text.duration(int(days * text.DAY))
    rough = "" if days >= _ROUGH else ", a rough figure"
    return Preview(
        by=by,
        factors=tuple(factors),
        values=tuple(a_day) if by == "findings" else tuple(100 * one for one in share),
        now=float(answer["now"]),
        wanted=float(answer["factor"]),
        words=f"At {over(factors[at])}: {often}, {much}, from {scores} of scores{rough}.",
    )


def figure(value: float) -> str:
    """Two digits, or the whole part where that has more: ``0.31``, ``1.4``, ``12``, ``480``."""
    if not value:
        return "0"
    decimals = max(0, 1 - math.floor(math.log10(abs(value))))
    words = text.number(value, decimals)
    return words.rstrip("0").rstrip(".") if decimals else words


def _findings(a_day: float) -> str:
    return "finding a day" if figure(a_day) == "1" else "findings a day"
