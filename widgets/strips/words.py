"""What a strip's head says: the newest value, what was expected of it, how old it is. No Qt here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from widgets.strips.board import Board
from widgets.strips.table import NEVER
from widgets.text import NONE, TIMES, age, number

_BAND_AGE = 64
"""An expectation more gap limits older than this is no longer one."""


@dataclass(frozen=True, slots=True)
class HeadWords:
    """``quiet``: the value is old, and written so. ``line`` is the third line, ``remark`` follows the subtitle."""

    value: str
    unit: str
    line: str
    remark: str
    quiet: bool


def decimals_of(board: Board, row: int) -> int:
    """Decimals of a strip's values: its own, or about 150 steps over the range shown."""
    spec = board.specs[row]
    if spec.decimals is not None:
        return spec.decimals
    if spec.kind == "score":
        return 1
    one = board.ranges[row]
    return min(9, max(0, round(2.15 - math.log10(one.high - one.low))))


def head_words(board: Board, row: int, note: str, column: int | None) -> HeadWords:
    """The words of a strip now, or at a ``column`` under the cursor. ``note`` takes the place of what is expected."""
    data, spec = board.data, board.specs[row]
    stale = bool(data.stale[row]) and column is None
    low, high = float(data.band_low[row]), float(data.band_high[row])
    if column is None:
        value = float(data.latest_value[row])
        if data.latest_time[row] - data.band_time[row] > _BAND_AGE * data.rules.gap[row]:
            low = high = math.nan
    else:
        value, low, high = data.at(row, column)
    decimals = decimals_of(board, row)
    remark = "late" if row in board.late else ""
    line = note if note and column is None else _expected(low, high, decimals)
    if stale:
        known = data.latest_time[row] > NEVER
        line = f"stale {age(int(data.latest_time[row]), data.rules.now)}" if known else "no data yet"
        remark = line if spec.kind == "enum" else remark
    if spec.kind == "enum":
        return HeadWords("" if math.isnan(value) else spec.state(value), "", "", remark, stale)
    unit = f"{TIMES} threshold" if spec.kind == "score" else spec.unit
    text = NONE if math.isnan(value) else number(value, decimals)
    return HeadWords(text, unit, line, remark, stale or math.isnan(value))


def _expected(low: float, high: float, decimals: int) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    if math.isinf(low):
        return "" if math.isinf(high) else f"expected under {number(high, decimals)}"
    if math.isinf(high):
        return f"expected over {number(low, decimals)}"
    return f"expected {number(low, decimals)} to {number(high, decimals)}"
