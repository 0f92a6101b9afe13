"""What cannot be watched is refused in one sentence with a cure, never a traceback."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry import SourceError
from telemetry.files import open_file, parse_duration


def refusal(path: Path, **how: object) -> str:
    with pytest.raises(SourceError) as caught:
        open_file(path, **how)  # type: ignore[arg-type]  # passed on as they are
    said = str(caught.value)
    assert "\n" not in said and said.endswith(".") and len(said) < 1000
    return said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n  \n", "holds no rows"),
        (b"time,a\n", "a header and no rows"),
        (b"a,b\n1,2\n3,4\n", "--time COLUMN, or give the step between rows with --period 5s"),
        (b"time,a\n0,x\n1,y\n", "no column of numbers"),
        (b"time,a\nNaT,1\n,2\nnan,3\n", "no time column"),
        (bytes(range(256)) * 40, "neither text nor Parquet"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "a NumPy array, which is not read: give CSV (text) or Parquet"),
        (b"PK\x03\x04" + bytes(40), "Excel workbook"),
        (b"\x1f\x8b\x08" + bytes(40), "gzip"),
        (b"PAR1", "damaged Parquet"),
        (b"PAR1" + bytes(100) + b"PAR1", "damaged Parquet"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "sat.csv"
    path.write_bytes(content)
    assert says in refusal(path)


def test_a_missing_file_a_folder_and_a_device_are_refused(tmp_path: Path) -> None:
    assert "There is no file" in refusal(tmp_path / "nothing.csv")
    assert "is a folder" in refusal(tmp_path)
    assert "cannot be read" in refusal(Path("a\0b"))
    assert "cannot be read" in refusal(tmp_path / ("x" * 5000))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "a device or a pipe" in refusal(tmp_path / "pipe")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sat.csv"
    path.write_text("time,a\n0,1\n")
    path.chmod(0)
    assert "may not be read" in refusal(path)


def test_an_absent_time_column_is_answered_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "sat.csv"
    path.write_text("timestamp,mode,empty,a\n0,SAFE,,1\n1,SAFE,,2\n")
    assert "did you mean 'timestamp'? its columns: timestamp, mode, empty, a" in refusal(path, time="timestmp")
    assert "holds no times (its first cell is 'SAFE')" in refusal(path, time="mode")
    assert "is empty" in refusal(path, time="empty")
    path.write_text('timestamp,mode,a\n0,"SAFE\nor not",1\n1,SUN,2\n')
    assert "(its first cell is 'SAFE or not')" in refusal(path, time="mode")


def test_a_hundred_thousand_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(",".join(["time", *(f"c{k}" for k in range(100_000))]) + "\n" + "0" + ",1" * 100_000 + "\n")
    assert "100,001 columns" in refusal(path)


def test_a_line_without_end_is_refused_without_reading_it_all(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    with path.open("wb") as file:
        file.write(b"1,2,3,4," * (10 << 17))
        file.truncate(1 << 30)  # a gigabyte that takes no room on the disk
    assert "a line of more than 8 MB" in refusal(path)
    with path.open("wb") as file:
        file.write(b"time,a\n0,1\n")
        file.truncate(1 << 30)
    assert "MB of zero bytes" in refusal(path)
    path.write_bytes(b'time,a\n0,"1\n' + b"1,2\n" * (3 << 20))
    assert "a quotation mark that is not closed" in refusal(path)


VALUES = ["", "0", "1", "-2.5", "1e999", "nan", "inf", "1,5", "9" * 400, "1604880000", "99999999999999999", "true"]
WORDS = ["9 Nov 2020", "2020-01-01T00:00:00Z", "12:00:00", "abc", "time", "t (V)"]
MARKS = ['"', ";", ",", "\t", "|", "#", "\n", "\r\n", "\0"]
piece = st.sampled_from([*VALUES, *WORDS, *MARKS])


@given(st.lists(piece, max_size=80), st.sampled_from(["utf-8", "utf-16", "latin-1"]), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_whatever_makes_more_than_a_sentence(
    tmp_path: Path, pieces: list[str], encoding: str, counted: bool
) -> None:
    path = tmp_path / "sat.csv"
    path.write_bytes("".join(pieces).encode(encoding))
    try:
        source = open_file(path, period=1_000_000 if counted else None)
    except SourceError as problem:
        assert "\n" not in str(problem) and str(problem).endswith(".")
        return
    last = None
    for frame in source.frames(threading.Event(), 10**6):
        assert last is None or frame.times[0] >= last
        last = frame.times[-1]


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("5s", 5_000_000),
        ("200ms", 200_000),
        ("2min", 120_000_000),
        ("1h", 3_600_000_000),
        ("0.1", 100_000),
        ("7", 7_000_000),
        (" 1.5 h ", 5_400_000_000),
        ("250us", 250),
        ("2 days", 172_800_000_000),
    ],
)
def test_durations_are_read_exactly(text: str, microseconds: int) -> None:
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize("text", ["", "0", "-1s", "fast", "5 parsecs", "1e3s", "nan", "9" * 30, "11 years", "4000d"])
def test_what_is_no_duration_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration.*\.$"):
        parse_duration(text)
