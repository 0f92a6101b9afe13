"""Parquet: types, times and units as they are met, row groups, what is damaged or hostile."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from telemetry import Frame, SourceError
from telemetry.clock import parse_iso
from telemetry.files import FileSource, open_file

N = 6
COUNT = np.arange(N)
SECONDS = [k * 1_000_000 for k in range(N)]


def save(folder: Path, columns: dict[str, Any], name: str = "sat.dat", **how: Any) -> Path:
    path = folder / name
    pq.write_table(pa.table(columns), path, row_group_size=4, **how)
    return path


def whole(source: FileSource) -> Frame:
    (frame,) = source.frames(threading.Event(), 10**15)
    return frame


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_timestamps_of_any_unit_and_zone_are_utc(tmp_path: Path, unit: str, zone: str | None) -> None:
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    source = open_file(save(tmp_path, {"x": pa.array(COUNT * factor, pa.timestamp(unit, zone)), "a": COUNT * 1.0}))
    assert whole(source).times.tolist() == SECONDS and not source.relative


@pytest.mark.parametrize(
    ("name", "column", "first"),
    [
        ("day", pa.array(COUNT.astype(np.int32)).cast(pa.date32()), 0),
        ("when", [f"2020-01-01T00:00:0{k}Z" for k in range(N)], parse_iso("2020-01-01")),
        ("unix", COUNT + 1_577_836_800, parse_iso("2020-01-01")),
        ("span", pa.array(COUNT * 1000, pa.duration("ms")), parse_iso("2000-01-01")),
        ("t", COUNT * 0.5, parse_iso("2000-01-01")),
    ],
)
def test_other_columns_say_when_too(tmp_path: Path, name: str, column: Any, first: int) -> None:
    source = open_file(save(tmp_path, {"a": COUNT * 1.0, name: column}))
    assert whole(source).times[0] == first and [c.name for c in source.groups[0].channels] == ["a"]


def test_columns_keep_their_own_type(tmp_path: Path) -> None:
    columns = {
        "time": pa.array(COUNT, pa.timestamp("s")),
        "f4 [V]": COUNT.astype(np.float32),
        "half": COUNT.astype(np.float16),
        "small": pa.array(COUNT, pa.int16()),
        "big": [2**60 + 1, None, 3, 4, 5, 6],
        "huge": pa.array([2**64 - 1] * N, pa.uint64()),
        "on": [True, None, False, True, True, False],
        "money": [Decimal("1.25")] * N,
        "text": ["1.5", "2", "oops", None, "3", "nan"],
        "mode": pa.array(["SAFE", "SUN"] * 3).dictionary_encode(),
        "nothing": pa.nulls(N),
        "list": [[1, 2]] * N,
        "nan": [1.0, float("nan"), None, 4.0, float("inf"), 6.0],
    }
    source = open_file(save(tmp_path, columns))
    frame = whole(source)
    types = {c.name: c.type for c in source.groups[0].channels}
    assert types == {
        "f4": "f4", "half": "f4", "small": "i8", "big": "i8", "huge": "u8", "on": "bool", "money": "f8",
        "text": "f8", "nan": "f8",
    }  # fmt: skip
    present = {c.name: frame.present(i).tolist().count(True) for i, c in enumerate(source.groups[0].channels)}
    assert present == {**dict.fromkeys(types, N), "big": 5, "on": 5, "text": 3, "nan": 4}
    assert frame.columns[3][0] == 2**60 + 1 and frame.columns[4][0] == 2**64 - 1
    assert "Nested or binary columns were left out: 'list'." in source.notes
    assert "1 cell was left out of 'text' for being no number ('oops')." in source.notes


def test_the_index_of_a_table_of_pandas_is_the_time_and_never_a_channel(tmp_path: Path) -> None:
    dated = save(tmp_path, {"a": COUNT * 1.0, "__index_level_0__": pa.array(COUNT, pa.timestamp("s"))})
    assert whole(open_file(dated)).times.tolist() == SECONDS
    counted = save(tmp_path, {"a": COUNT * 1.0, "t": COUNT * 1.0, "__index_level_0__": COUNT})
    assert [c.name for c in open_file(counted).groups[0].channels] == ["a"]


def test_names_that_come_twice_are_two_channels(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(COUNT), pa.array(COUNT), pa.array(COUNT * 2)], names=["t", "a", "a"])
    pq.write_table(table, tmp_path / "twice.parquet")
    source = open_file(tmp_path / "twice.parquet")
    assert [c.name for c in source.groups[0].channels] == ["a", "a_2"]
    assert whole(source).columns[1].tolist() == (COUNT * 2).tolist()


def test_a_file_that_was_cut_or_flipped_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = save(tmp_path, {"time": COUNT, "a": COUNT * 1.0, "s": ["x"] * N})
    good = path.read_bytes()
    rng = np.random.default_rng(5)
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(SourceError, match="damaged Parquet file"):
        open_file(path)
    for _ in range(150):
        bad = bytearray(good)
        for at in rng.integers(0, len(good), 3):
            bad[at] = int(rng.integers(0, 256))
        path.write_bytes(bad)
        try:
            source = open_file(path)
            assert all(len(frame) for frame in source.frames(threading.Event(), 10**6))
        except SourceError as problem:
            assert "\n" not in str(problem) and str(problem).endswith(".")


def test_a_small_file_of_a_billion_rows_is_refused_before_it_is_read(tmp_path: Path) -> None:
    zeros = pa.table({"time": pa.nulls(9_000_000, pa.int8())})
    with pq.ParquetWriter(tmp_path / "bomb.parquet", zeros.schema, compression="zstd") as writer:
        for _ in range(30):
            writer.write_table(zeros)
    assert (tmp_path / "bomb.parquet").stat().st_size < 1 << 20
    with pytest.raises(SourceError, match="the most that is read from one file"):
        open_file(tmp_path / "bomb.parquet")
