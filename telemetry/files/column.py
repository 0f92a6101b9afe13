"""What a file holds before it is telemetry: columns of numbers, of instants or of text, and the table of them.

Values only; made by the readers (``delimited``, ``parquet``), read by ``timeline``, ``passes`` and ``source``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry.frame import Times

Mask = npt.NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Numbers:
    """(n,) int64, uint64, float32, float64 or bool; ``missing`` (n,) is true where no value is, None: nowhere.

    ``bad`` counts the cells that held something else than a number, with a few of them in ``examples``.
    """

    values: npt.NDArray[Any]
    missing: Mask | None = None
    bad: int = 0
    examples: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Instants:
    """(n,) int64 microseconds; since 1970 where ``absolute``, else since a start that the file does not say."""

    times: Times
    missing: Mask | None
    absolute: bool


@dataclass(slots=True, eq=False)
class Texts:
    """(n,) strings or null, as Arrow's chunked array of strings."""

    cells: Any

    def codes(self) -> tuple[npt.NDArray[np.int32], list[str]]:
        """(n,) the number of each cell's label, -1 where it is null, and the labels."""
        coded = self.cells.dictionary_encode().unify_dictionaries().combine_chunks()
        if isinstance(coded, pa.ChunkedArray):
            coded = coded.chunk(0) if coded.num_chunks else pa.array([], pa.string()).dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
        return codes, [str(label) for label in coded.dictionary.to_pylist()]

    def head(self, count: int) -> list[str]:
        """The first ``count`` cells that are not null."""
        out: list[str] = []
        for chunk in self.cells.chunks:
            out += chunk.drop_null()[: count - len(out)].to_pylist()
            if len(out) >= count:
                break
        return out


@dataclass(slots=True, eq=False)
class Column:
    """One column: its header as it stood, the bare name and unit made of it, and its cells.

    ``named`` is false where the file gave no header and the name was made up here.
    """

    header: str
    name: str
    unit: str
    data: Numbers | Instants | Texts
    named: bool = True


@dataclass(slots=True, eq=False)
class Table:
    """A file's columns, each ``rows`` long; ``notes`` are sentences about what was set aside."""

    columns: list[Column]
    rows: int
    notes: list[str] = field(default_factory=list)


def join(parts: list[Numbers]) -> Numbers:
    """Blocks of one column as one, in the one type that holds them all; empties ``parts``.

    Integers stay integers while they fit 64 bits; a block without any value fits every type.
    """
    real = [p for p in parts if p.missing is None or not p.missing.all()]
    kinds = {p.values.dtype for p in real} or {p.values.dtype for p in parts}
    if len(kinds) == 1:
        kind = kinds.pop()
    elif all(k.kind in "iub" for k in kinds):
        low = min(int(p.values.min(initial=0)) for p in real)
        high = max(int(p.values.max(initial=0)) for p in real)
        kind = np.dtype(np.int64 if high < 2**63 else np.uint64 if low >= 0 else np.float64)
    else:
        kind = np.dtype(np.float64)
    size = sum(len(p.values) for p in parts)
    values = np.zeros(size, dtype=kind)
    missing = np.zeros(size, dtype=bool) if any(p.missing is not None for p in parts) else None
    bad, examples, at = sum(p.bad for p in parts), tuple(e for p in parts for e in p.examples)[:3], 0
    for part in parts:
        stop = at + len(part.values)
        if part.missing is None or not part.missing.all():
            values[at:stop] = part.values
        elif kind.kind == "f":
            values[at:stop] = np.nan
        if part.missing is not None and missing is not None:
            missing[at:stop] = part.missing
            if kind.kind == "f":
                values[at:stop][part.missing] = np.nan
        at = stop
        part.values = part.values[:0]
    parts.clear()
    return Numbers(values, missing, bad, examples)
