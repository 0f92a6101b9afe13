"""CSV as it is met in the wild: what was written is what arrives, and what was set aside is said."""

from __future__ import annotations

import csv
import math
import os
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry import Frame, Quality
from telemetry.clock import parse_iso
from telemetry.files import FileSource, open_file

YEAR_2000 = parse_iso("2000-01-01T00:00:00Z")


def write(path: Path, text: str | bytes, name: str = "sat.csv") -> Path:
    file = path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def frames(source: FileSource, span: int = 60_000_000) -> list[Frame]:
    return list(source.frames(threading.Event(), span))


def cells(source: FileSource) -> dict[str, list[Any]]:
    """Every channel's values in order, None where one is missing."""
    out: dict[str, list[Any]] = {}
    for frame in frames(source):
        for i, channel in enumerate(frame.group.channels):
            shown = zip(frame.columns[i].tolist(), frame.present(i).tolist(), strict=True)
            out.setdefault(channel.name, []).extend(v if p else None for v, p in shown)
    return out


def times(source: FileSource) -> list[int]:
    return [t for frame in frames(source) for t in frame.times.tolist()]


def count(source: FileSource) -> int:
    return sum(frame.count() for frame in frames(source))


def test_every_number_of_a_real_recording_arrives_once() -> None:
    folder = os.environ.get("PERIGEE_REAL_DATA")
    if not folder:
        pytest.skip("PERIGEE_REAL_DATA is not set: no real recording to read")
    path = Path(folder) / "birds" / "nepalisat.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in ("session", "t")]
    written = sum(not math.isnan(float(row[name])) for row in rows for name in names if row[name].strip())
    source = open_file(path)
    assert (len(rows), len(names)) == (3040, 18)
    assert [c.name for c in source.groups[0].channels] == names and source.groups[0].satellite == "nepalisat"
    assert count(source) == written == 54_720
    assert cells(source) == {name: [float(row[name]) for row in rows] for name in names}
    starts = [parse_iso(day) for day in ("2020-11-09", "2020-11-25", "2021-04-10")]
    assert [first for first, _ in source.passes] == starts and not source.relative
    assert source.groups[0].period == 5_000_000


def test_units_leave_the_name_and_no_subsystem_is_invented(tmp_path: Path) -> None:
    text = "time,Vbat (V),I_sun(+X) [mA],plain\n2020-01-01T00:00:00Z,1,2,3\n2020-01-01T00:00:01Z,1,2,3\n"
    source = open_file(write(tmp_path, text, "leo-1.csv"))
    found = [(c.satellite, c.path, c.unit) for c in source.groups[0].channels]
    assert found == [("leo-1", "Vbat", "V"), ("leo-1", "I_sun(+X)", "mA"), ("leo-1", "plain", "")]
    assert (source.mode, source.origin, source.injected) == ("paced", "import", ())
    assert source.end == parse_iso("2020-01-01T00:00:01Z")


def test_a_missing_cell_is_no_sample_and_an_infinity_is_one(tmp_path: Path) -> None:
    text = "time,a,b\n0,,1\n1,nan,2\n2,NULL,n/a\n3,inf,4\n4,-Infinity,5\n5,1.5,6\n"
    source = open_file(write(tmp_path, text))
    assert cells(source) == {"a": [None, None, None, math.inf, -math.inf, 1.5], "b": [1, 2, None, 4, 5, 6]}
    assert count(source) == 8
    quality = frames(source)[0].quality
    assert quality is not None and quality[1] is not None
    assert quality[1].tolist() == [0, 0, Quality.MISSING, 0, 0, 0]


def test_integers_stay_exact_beyond_what_a_float_holds(tmp_path: Path) -> None:
    rows = [(9007199254740993, 18446744073709551615), (-9007199254740995, 0)]
    source = open_file(write(tmp_path, "time,i,u\n" + "".join(f"{k},{i},{u}\n" for k, (i, u) in enumerate(rows))))
    assert [c.type for c in source.groups[0].channels] == ["i8", "u8"]
    assert cells(source) == {"i": [i for i, _ in rows], "u": [u for _, u in rows]}


def test_true_and_false_are_a_bool_channel(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, "time,on\n0,true\n1,False\n2,\n3,TRUE\n"))
    assert source.groups[0].channels[0].type == "bool"
    assert cells(source) == {"on": [True, False, None, True]}


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftime;a;b\n0;1,5;-2\n1;2,25;3\n2;0,125;4\n",
        "time\ta\tb\r\n0\t1.5\t-2\r\n1\t2.25\t3\r\n2\t.125\t+4\r\n",
        "time|a|b\n0|1.5|-2\n1|2.25|3\n2|0.125|4\n",
        "sep=;\ntime;a;b\n0;1,5;-2\n1;2,25;3\n2;0,125;4\n",
        'time,a,b\n0,"1,5","-2"\n1,"2,25","3"\n2,"0,125","4"\n',
        "time,a,b\r0,1.5,-2\r1,2.25,3\r2,0.125,4",
        "# made by hand\n\ntime,a,b\n[s],[V],[mA]\n0,1.5,-2\n\n# half way\n1,2.25,3\n2,0.125,4\n",
        "Operator: me\nSatellite: two\n\ntime,a,b\n0,1.5,-2\n1,2.25,3\n2,0.125,4\n",
        "time,a,b,\n0,1.5,-2,\n1,2.25,3,\n2,0.125,4,\n",
        "time,a,b\n0,1.5,-2\n1,2.25,3\ntime,a,b\n2,0.125,4\n",
        " time, a, b\n 0, 1.5, -2\n 1, 2.25, 3\n 2, 0.125, 4\n",
        "# time a b\n0 1.5 -2\n1 2.25 3\n2 1.25e-1 4\n",
        "time,note,a,b\n0,x,1.5,-2\n1,y,2.25,3\n2,x,1.25D-01,4\n",
        'time,note,a,b\n0,"two\nlines",1.5,-2\n1,"a ""word"", said",2.25,3\n2,,0.125,4\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_every_dialect_says_the_same(tmp_path: Path, text: str, encoding: str) -> None:
    source = open_file(write(tmp_path, text.encode(encoding)))
    assert cells(source) == {"a": [1.5, 2.25, 0.125], "b": [-2, 3, 4]}
    assert times(source) == [YEAR_2000 + k * 1_000_000 for k in range(3)]
    assert source.relative


def test_a_file_without_a_header_is_read_by_its_content(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, "0,1.5,7\n5,2.5,8\n10,3.5,9\n15,4.5,9\n"))
    assert cells(source) == {"column_2": [1.5, 2.5, 3.5, 4.5], "column_3": [7, 8, 9, 9]}
    assert source.groups[0].period == 5_000_000


def test_thousands_are_not_decimals(tmp_path: Path) -> None:
    english = open_file(write(tmp_path, 'time,a\n0,"1,234.5"\n1,"2,345"\n2,"1,234,567"\n', "en.csv"))
    german = open_file(write(tmp_path, "time;a\n0;1.234,5\n1;2345\n2;1 234 567\n", "de.csv"))
    assert cells(english) == cells(german) == {"a": [1234.5, 2345, 1234567]}


def test_letters_of_windows_are_read_in_units(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, "time,T (°C)\n0,1\n1,2\n".encode("cp1252")))
    assert source.groups[0].channels[0].unit == "°C"


def test_empty_and_double_headers_get_names_of_their_own(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, "time,a,,a,a [V]\n0,1,2,3,4\n1,1,2,3,4\n"))
    assert [c.name for c in source.groups[0].channels] == ["a", "column_3", "a_2", "a_3"]
    assert any("more than one column" in note for note in source.notes)


def test_ragged_rows_keep_their_place_and_their_numbers(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, "time,a,b\n0,1,2\n1,3\n2,4,5,6\n3,7,8\n"))
    assert cells(source) == {"a": [1, 3, 4, 7], "b": [2, None, 5, 8]}
    assert any(note.startswith("1 row was shorter") for note in source.notes)
    assert any(note.startswith("1 row was longer") for note in source.notes)


def test_a_few_bad_cells_are_left_out_and_counted(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, "time,Tbatt\n0,1\n1,ERR\n2,3\n3,<->\n4,5\n"))
    assert cells(source) == {"Tbatt": [1, None, 3, None, 5]}
    assert "2 cells were left out of 'Tbatt' for being no number ('ERR', '<->')." in source.notes


def test_columns_of_text_are_no_channels_and_constants_are(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, "time,sat,mode,c\n0,X,SAFE,5\n1,X,SUN,5\n2,X,SAFE,5\n"))
    assert cells(source) == {"c": [5, 5, 5]} and len(source.passes) == 1
    assert "Columns without numbers are no channels: sat, mode." in source.notes


def test_a_zero_byte_inside_a_number_makes_it_no_number(tmp_path: Path) -> None:
    rows = "".join(f"2024-03-01T00:00:{i:02d}Z,{i}\n" for i in range(30)).encode()
    path = write(tmp_path, b"time,a\n" + rows + b"2024-03-01T00:01:00Z,20\x00199\n2024-03-01T00:01:01Z,7\n")
    assert cells(open_file(str(path)))["a"][-2:] == [None, 7.0]


def test_a_column_that_is_named_is_read_though_many_of_its_times_are_damaged(tmp_path: Path) -> None:
    rows = [f"{'damaged' if i % 5 == 1 else f'2024-03-01T00:{i // 60:02d}:{i % 60:02d}Z'},{i}" for i in range(100)]
    path = write(tmp_path, "\n".join(["time,a", *rows]) + "\n")
    assert count(open_file(str(path), time="time")) == 80


def test_zero_bytes_after_a_power_cut_are_left_out(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, b"time,a\n0,1\n1,2\n" + bytes(4096)))
    assert cells(source) == {"a": [1, 2]}


def test_a_column_longer_than_a_block_is_one_column(tmp_path: Path) -> None:
    # More than one block of lines; the fraction comes only in the last one.
    n = 600_000
    body = "".join(f"{k},{k % 7},A{k % 3}\n" for k in range(n - 1))
    source = open_file(write(tmp_path, f"time,a,b\n{body}{n - 1},0.5,A\n"))
    got = np.concatenate([frame.columns[0] for frame in frames(source, 10**12)])
    assert got.dtype == np.float64 and len(got) == n and got[-1] == 0.5
    assert np.array_equal(got[:-1], np.arange(n - 1) % 7)


number = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, width=64),
    st.integers(-100, 100),
)


@given(
    rows=st.lists(st.tuples(number, st.floats(allow_nan=False, allow_infinity=False)), min_size=2, max_size=30),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoted=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tables_written_in_any_dialect_come_back(
    tmp_path: Path,
    rows: list[tuple[float | None, float]],
    separator: str,
    comma: bool,
    end: str,
    encoding: str,
    quoted: bool,
) -> None:
    comma = comma and (separator != "," or quoted)

    def spell(value: float | None) -> str:
        text = "" if value is None else repr(value)
        text = text.replace(".", ",") if comma else text
        return f'"{text}"' if quoted else text

    lines = [separator.join(["time", "a [V]", "b"])]
    lines += [separator.join([f"2021-03-04T05:06:{k:02d}Z", spell(a), spell(b)]) for k, (a, b) in enumerate(rows)]
    source = open_file(write(tmp_path, end.join(lines).encode(encoding)))
    got = cells(source)
    assert times(source) == [parse_iso(f"2021-03-04T05:06:{k:02d}Z") for k in range(len(rows))]
    assert got["b"] == [b for _, b in rows]
    assert count(source) == len(rows) + sum(a is not None for a, _ in rows)
    if any(a is not None for a, _ in rows):
        kind = source.groups[0].channels[0].type
        assert got["a"] == [a if a is None or kind == "i8" else float(a) for a, _ in rows]
        assert (kind == "i8") == all(isinstance(a, int) for a, _ in rows if a is not None)


@given(
    steps=st.lists(st.integers(0, 200), min_size=1, max_size=60),
    span=st.integers(1, 10**9),
    other=st.integers(1, 10**9),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_arrives_does_not_depend_on_how_it_is_cut(tmp_path: Path, steps: list[int], span: int, other: int) -> None:
    at = np.cumsum(np.array(steps) * 100)
    body = "".join(f"{t / 1000:.3f},{k}\n" for k, t in enumerate(at.tolist()))
    source = open_file(write(tmp_path, "t [s],a\n" + body), time="t")
    one, two = frames(source, span), frames(source, other)
    for cut, width in ((one, span), (two, other)):
        assert all(len(f) and (len(f) == 1 or f.times[-1] - f.times[0] < width) for f in cut)
        assert all(a.times[-1] <= b.times[0] for a, b in pairwise(cut))
    assert np.array_equal(np.concatenate([f.times for f in one]), np.concatenate([f.times for f in two]))
    assert np.array_equal(np.concatenate([f.columns[0] for f in one]), np.concatenate([f.columns[0] for f in two]))


def test_frames_share_the_memory_of_the_file_and_stop_when_told(tmp_path: Path) -> None:
    source = open_file(write(tmp_path, "time,a\n" + "".join(f"{k},{k}\n" for k in range(20_000))))
    stop = threading.Event()
    cut = source.frames(stop, 10**15)
    first, second = next(cut), next(cut)
    assert len(first) == len(second) == 8192
    assert first.columns[0].base is second.columns[0].base is not None
    stop.set()
    assert list(cut) == []
    source.close()
    source.close()
    assert frames(source) == []
