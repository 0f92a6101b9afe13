"""A column of dates or times of day as text, to microseconds: a fast way for ISO 8601, the careful way for the rest.

One thread.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.files.column import Instants, Numbers, Texts
from telemetry.timebase import Kind, day_first, parse_moment

_HEAD = 400
_PROBE = 16


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a column of text is, by its first cells; ``sample`` are those cells."""

    kind: Kind
    sample: tuple[str, ...]


def spelling(data: Texts, least: float = 0.9) -> Spelling | None:
    """Whether the first cells are dates with times, dates or times of day (``least`` of them), or None."""
    head = data.head(_HEAD)
    if not head:
        return None
    kinds = Counter(found.kind for text in head if (found := parse_moment(text)) is not None)
    # Day first or month first: a date that only one reading allows must not count as text.
    others = Counter(found.kind for text in head if (found := parse_moment(text, day_first=False)) is not None)
    kinds = max(kinds, others, key=lambda c: sum(c.values()))
    if sum(kinds.values()) < least * len(head):
        return None
    # Midnight is written as a bare date by some: one time of day makes them all moments.
    kind: Kind = "moment" if kinds["moment"] else max(kinds, key=lambda k: kinds[k])
    return Spelling(kind, tuple(head))


def read_instants(data: Numbers | Instants | Texts, how: Spelling | None, notes: list[str], name: str) -> Instants:
    """The column in microseconds; what cannot be read is missing. Notes say how doubtful dates were read."""
    if isinstance(data, Instants):
        return data
    assert isinstance(data, Texts) and how is not None
    times = np.zeros(len(data.cells), dtype=np.int64)
    missing = np.zeros(len(data.cells), dtype=bool)
    first: bool | None = None
    at = 0
    for chunk in data.cells.chunks:
        stop = at + len(chunk)
        fast = _iso(chunk) if how.kind != "clock" else None
        if fast is not None:
            times[at:stop], missing[at:stop] = fast
        else:
            if first is None:
                first, sure = _order_of(data)
                if not sure:
                    order = "the day first" if first else "the month first"
                    notes.append(f"Dates of '{name}' were read with {order}; ISO 8601 leaves no doubt.")
            times[at:stop], missing[at:stop] = _carefully(chunk, first, how.kind)
        at = stop
    return Instants(times, missing if missing.any() else None, absolute=how.kind != "clock")


def _order_of(data: Texts) -> tuple[bool, bool]:
    labels: list[str] = []
    for chunk in data.cells.chunks:
        if pa.types.is_dictionary(chunk.type):
            chunk = chunk.dictionary
        labels += chunk[:: max(1, len(chunk) // 5_000)].drop_null().to_pylist()
    return day_first(labels)


def _iso(cells: Any) -> tuple[Any, Any] | None:
    """Arrow's own reading of a block of ISO 8601, all with an offset or all without."""
    if pa.types.is_dictionary(cells.type):
        return None
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        try:
            pc.cast(cells[:_PROBE], kind)  # a cast that fails is slow: try a few first
            found = pc.cast(cells, kind)
        except pa.ArrowInvalid:
            continue
        missing = found.is_null().to_numpy(zero_copy_only=False)
        return found.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), missing
    return None


def _carefully(cells: Any, first: bool, kind: Kind) -> tuple[Any, Any]:
    coded = cells.dictionary_encode() if not pa.types.is_dictionary(cells.type) else cells
    labels = coded.dictionary.to_pylist()
    times = np.zeros(len(labels) + 1, dtype=np.int64)
    missing = np.ones(len(labels) + 1, dtype=bool)
    for i, label in enumerate(labels):
        found = parse_moment(label, first) if label is not None else None
        if found is not None and (found.kind == "clock") == (kind == "clock"):
            times[i], missing[i] = found.time, False
    codes = coded.indices.fill_null(len(labels)).to_numpy(zero_copy_only=False)
    return times[codes], missing[codes]
