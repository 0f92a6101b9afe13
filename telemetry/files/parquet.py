"""Reads a Parquet file into columns, a batch of rows at a time. One thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from telemetry.files.bounds import check_columns, check_size
from telemetry.files.cells import NULLS, to_numbers
from telemetry.files.column import Column, Instants, Numbers, Table, Texts, join
from telemetry.files.headers import name_columns
from telemetry.source import SourceError

_BATCH_CELLS = 1 << 20
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def read_parquet(path: Path) -> Table:
    """The table in a Parquet file. Raises SourceError where it is damaged, too large or has nothing to read."""
    try:
        return _read(path)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError, NotImplementedError) as p:
        if isinstance(p, PermissionError):
            raise
        why = str(p).split("\n")[0].rstrip(".")[:160]
        raise SourceError(f"{path.name} is a damaged Parquet file ({why}): copy or export it again.") from p


def _read(path: Path) -> Table:
    with pq.ParquetFile(path, memory_map=False, thrift_string_size_limit=1 << 26) as file:
        schema = file.schema_arrow
        check_columns(path, len(schema))
        rows = file.metadata.num_rows
        usable = [i for i, field in enumerate(schema) if _reading(field.type) is not None]
        check_size(path, rows, len(usable))
        if rows <= 0:
            raise SourceError(f"{path.name} holds no rows: give a file with rows of numbers.")
        notes = _left_out(schema, usable)
        blocks: list[list[Any]] = [[] for _ in usable]
        names = [schema.field(i).name for i in usable]
        read = 0
        unique = len(set(schema.names)) == len(schema.names)
        texts = [schema.field(i).name for i in usable if pa.types.is_string(schema.field(i).type)]
        for batch in _batches(path, file, names if unique else None, texts, len(schema)):
            # What a flipped bit made of labels and their numbers must not reach code that trusts them.
            batch.validate(full=True)
            read += batch.num_rows
            columns = batch.columns if unique else [batch.column(i) for i in usable]
            if len(columns) != len(usable):
                columns = [batch.column(batch.schema.get_field_index(name)) for name in names]
            for block, cells in zip(blocks, columns, strict=True):
                block.append(_convert(cells))
        if read != rows and usable:
            raise ValueError(f"it has {read:,} of the {rows:,} rows that it announces")
    found, more = name_columns(names)
    out = []
    for i, (name, unit) in enumerate(found):
        parts, blocks[i] = blocks[i], []
        header = names[i]
        out.append(Column(header, name, unit, _whole(parts), named=not header.startswith("__index_level_")))
    return Table(out, rows, [*more, *notes])


def _batches(path: Path, file: Any, names: list[str] | None, texts: list[str], width: int) -> Any:
    # Text comes as numbered labels: a short one repeated a billion times would else fill the memory.
    coded = pq.ParquetFile(path, read_dictionary=texts, thrift_string_size_limit=1 << 26) if texts else file
    try:
        yield from coded.iter_batches(max(1024, _BATCH_CELLS // width), columns=names, use_threads=False)
    finally:
        if coded is not file:
            coded.close()


def _left_out(schema: Any, usable: list[int]) -> list[str]:
    rest = [schema.field(i).name for i in range(len(schema)) if i not in set(usable)]
    if not rest:
        return []
    names = ", ".join(f"'{name}'" for name in rest[:5]) + (" and more" if len(rest) > 5 else "")
    return [f"Nested or binary columns were left out: {names}."]


def _reading(kind: Any) -> str | None:
    """How a column of an Arrow type is read, or None where it is not."""
    t = pa.types
    if t.is_dictionary(kind):
        return _reading(kind.value_type)
    if t.is_boolean(kind) or t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind) or t.is_null(kind):
        return "number"
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return "text"
    if t.is_timestamp(kind) or t.is_date(kind):
        return "instant"
    return "span" if t.is_duration(kind) or t.is_time(kind) else None


def _convert(cells: Any) -> Any:
    """A batch of one column: Numbers, Instants, or an Arrow array of strings."""
    kind = cells.type
    how = _reading(kind)
    if how == "text":
        # Labels stay numbered until they are known to be few or to be numbers.
        return cells if pa.types.is_dictionary(kind) else pc.cast(cells, pa.string())
    if pa.types.is_dictionary(kind):
        cells = cells.dictionary_decode()
        kind = cells.type
    missing = cells.is_null().to_numpy(zero_copy_only=False) if cells.null_count else None
    if how in ("instant", "span"):
        return Instants(_microseconds(cells), missing, absolute=how == "instant")
    if pa.types.is_null(kind):
        return Numbers(np.zeros(len(cells)), np.ones(len(cells), dtype=bool))
    if pa.types.is_decimal(kind):
        whole = kind.scale <= 0 and kind.precision - kind.scale <= 18
        cells = pc.cast(cells, pa.int64() if whole else pa.float64())
    elif pa.types.is_float16(kind):
        cells = pc.cast(cells, pa.float32())
    elif pa.types.is_integer(kind) and kind != pa.uint64():
        cells = pc.cast(cells, pa.int64())
    if pa.types.is_floating(cells.type):
        values = cells.to_numpy(zero_copy_only=False)
        nan = np.isnan(values)
        return Numbers(values, nan if nan.any() else None)
    filled = cells.fill_null(False if pa.types.is_boolean(cells.type) else 0)
    return Numbers(filled.to_numpy(zero_copy_only=False), missing)


def _microseconds(cells: Any) -> Any:
    kind = cells.type
    if pa.types.is_date(kind):
        days = pa.types.is_date32(kind)
        raw = pc.cast(cells, pa.int32() if days else pa.int64()).fill_null(0)
        return raw.to_numpy(zero_copy_only=False).astype(np.int64) * (86_400_000_000 if days else 1_000)
    narrow = pa.types.is_time32(kind)
    raw = cells.cast(pa.int32()).cast(pa.int64()) if narrow else cells.cast(pa.int64())
    values = raw.fill_null(0).to_numpy(zero_copy_only=False)
    factor = 1_000_000 / _PER_SECOND[kind.unit]
    if factor < 1:
        return values // 1_000
    # A time beyond the calendar wraps to another one here: saturate, and the timeline leaves it out.
    most = np.iinfo(np.int64).max // int(factor)
    return np.clip(values, -most, most) * int(factor)


def _whole(parts: list[Any]) -> Numbers | Instants | Texts:
    first = parts[0]
    if isinstance(first, Numbers):
        return join(parts)
    if isinstance(first, Instants):
        masks = [np.zeros(len(p.times), dtype=bool) if p.missing is None else p.missing for p in parts]
        missing = np.concatenate(masks) if any(p.missing is not None for p in parts) else None
        return Instants(np.concatenate([p.times for p in parts]), missing, first.absolute)
    known = [_text_numbers(part) for part in parts]
    real = sum(n is not None and (n.missing is None or not n.missing.all()) for n in known)
    if real and real >= sum(n is None for n in known):
        forced = [n or _text_numbers(p, sure=True) for n, p in zip(known, parts, strict=True)]
        return join([n for n in forced if n is not None])
    return Texts(pa.chunked_array([p if pa.types.is_dictionary(p.type) else p.dictionary_encode() for p in parts]))


def _text_numbers(part: Any, sure: bool = False) -> Numbers | None:
    """The numbers that a batch of text spells, or None where it is text. Labels are read once each."""
    if not pa.types.is_dictionary(part.type):
        return to_numbers(part, sure=sure)
    labels = part.dictionary
    found = to_numbers(labels, sure=sure)
    if found is None:
        return None
    codes = part.indices.fill_null(0).to_numpy(zero_copy_only=False)
    absent = part.is_null().to_numpy(zero_copy_only=False)
    if not len(labels):
        return Numbers(np.zeros(len(part)), np.ones(len(part), dtype=bool))
    missing = absent if found.missing is None else absent | found.missing[codes]
    bad = 0
    if found.bad and found.missing is not None:
        wrong = found.missing.copy()
        for i in np.flatnonzero(wrong):
            wrong[i] = (labels[int(i)].as_py() or "").strip().lower() not in NULLS
        bad = int(np.count_nonzero(wrong[codes] & ~absent))
    return Numbers(found.values[codes], missing if missing.any() else None, bad, found.examples)
