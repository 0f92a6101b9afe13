"""Rows of one time: equal ones are one row, different ones all stay and are flagged. Pure; one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from telemetry.files.column import Mask, Numbers, Table, Texts
from telemetry.frame import Quality, Times

Cells = Callable[[int, npt.NDArray[np.intp]], tuple[npt.NDArray[Any], Mask | None]]
_PRIME = np.uint64(0x9E3779B97F4A7C15)


def tied(times: Times) -> npt.NDArray[np.intp]:
    """The positions that share their time with another, of (n,) ascending times."""
    same = np.diff(times) == 0
    both = np.zeros(len(times), dtype=bool)
    both[1:] |= same
    both[:-1] |= same
    return np.flatnonzero(both)


def duplicates(table: Table, rows: npt.NDArray[np.intp], times: Times, used: tuple[int, ...]) -> Mask:
    """(k,) which of ``rows`` repeat an earlier one of the same time in every cell.

    ``rows`` (k,) are rows of the table, ``times`` (k,) their ascending times.
    """
    digest = np.zeros(len(rows), dtype=np.uint64)
    columns = [_bits(table, i, rows) for i in range(len(table.columns)) if i not in used]
    for bits in columns:
        digest = (digest ^ bits) * _PRIME
        digest ^= digest >> np.uint64(29)
    order = np.lexsort((np.arange(len(rows)), digest, times))
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(times[order]) != 0) | (digest[order][1:] != digest[order][:-1])
    leader = order[np.maximum.accumulate(np.where(new, np.arange(len(rows)), 0))]
    same = ~new
    for bits in columns:  # equal digests are nearly always equal rows: make it always
        same &= bits[order] == bits[leader]
    out = np.zeros(len(rows), dtype=bool)
    out[order] = same
    return out


def _bits(table: Table, index: int, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.uint64]:
    """(k,) a number for each cell that is equal where the cells are; missing cells are equal to one another."""
    data = table.columns[index].data
    if isinstance(data, Texts):
        return data.codes()[0][rows].astype(np.int64).view(np.uint64)
    values = data.values[rows] if isinstance(data, Numbers) else data.times[rows]
    missing = None if data.missing is None else data.missing[rows]
    if values.dtype.kind == "f":
        bits = (values.astype(np.float64) + 0.0).view(np.uint64)  # -0 is 0
    else:
        bits = values.astype(np.uint64 if values.dtype.kind == "u" else np.int64).view(np.uint64)
    if missing is not None:
        bits = np.where(missing, np.uint64(0x7FF8_DEAD_BEEF_0001), bits)
    return bits


def flag_repeats(times: Times, missing: Mask | None) -> npt.NDArray[np.uint8]:
    """(k,) REPEATED where a cell is the second or a later value of its channel at one time (ascending ``times``)."""
    present = np.ones(len(times), dtype=np.int64) if missing is None else (~missing).astype(np.int64)
    count = np.cumsum(present)
    first = np.maximum.accumulate(np.where(np.append(True, np.diff(times) != 0), np.arange(len(times)), 0))
    before = count - present - (count[first] - present[first])
    return np.where((before > 0) & (present > 0), np.uint8(Quality.REPEATED), np.uint8(0))
