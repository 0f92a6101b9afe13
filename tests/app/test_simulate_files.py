"""``perigee simulate --to FILE``: what is written is read back, value by value, by the reader of ``monitor``."""

from __future__ import annotations

import gc
import json
import re
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from app.cli.commands import run
from app.cli.labels import Labels
from app.cli.result import MonitorResult
from app.playing.address import TableFile
from app.playing.files import TableTarget
from app.playing.impairments import Impairments
from app.playing.windows import Window
from simulator import open_simulation
from telemetry import Channel, Column, Frame, Group
from telemetry.clock import SECOND
from telemetry.files import FileSource, open_file

if TYPE_CHECKING:
    from tests.app.conftest import Start

SUFFIXES = pytest.mark.parametrize("suffix", ["csv", "parquet"])
Values = dict[str, tuple[list[int], list[Any]]]


def simulated(spec: str) -> Values:
    """Times and exact values of each channel that has any, by its header without the unit."""
    source = open_simulation(spec)
    return values_of(list(source.frames(threading.Event(), 60 * SECOND)))


def read(path: Path) -> Values:
    """The same of a file; the name of a channel is its column's."""
    return values_of(whole(open_file(path)))


def whole(source: FileSource) -> list[Frame]:
    return list(source.frames(threading.Event(), 1 << 60))


def values_of(frames: list[Frame]) -> Values:
    out: Values = {}
    for frame in frames:
        for i, channel in enumerate(frame.group.channels):
            here = frame.present(i)
            name = channel.key if channel.subsystem else channel.name
            times, values = out.setdefault(name, ([], []))
            times += frame.times[here].tolist()
            values += frame.columns[i][here].tolist()  # Python's own numbers: a float32 with all its digits
    return {name: both for name, both in out.items() if both[0]}


def simulate(*arguments: str) -> None:
    assert run(["simulate", *arguments]) == 0


@SUFFIXES
@pytest.mark.parametrize(
    "spec",
    [
        "sim:demo?duration=900&satellites=2",
        "sim:quiet?satellites=1&duration=120&rate=3",
        "sim:load?channels=12&duration=40&rate=10&satellites=2",
    ],
    ids=["fleet", "odd-rate", "patterns"],
)
def test_every_value_comes_back_from_the_file_as_it_was_simulated(tmp_path: Path, suffix: str, spec: str) -> None:
    file = tmp_path / f"fleet.{suffix}"
    simulate(spec, "--to", str(file))
    source = open_file(file)
    assert not source.relative
    assert [note for note in source.notes if "no channels" not in note] == []
    assert values_of(whole(source)) == simulated(spec)
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


@SUFFIXES
def test_units_come_back_too(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"fleet.{suffix}"
    simulate("quiet", "--satellites", "1", "--duration", "900", "--to", str(file))
    (group,) = open_file(file).groups
    known = {c.key: c.unit for one in open_simulation("sim:quiet?satellites=1").groups for c in one.channels}
    assert {channel.name: channel.unit for channel in group.channels}.items() <= known.items()
    assert {channel.name for channel in group.channels} >= {"SAT-001/eps/battery_voltage", "SAT-001/obc/mode"}


def test_parquet_keeps_the_types(tmp_path: Path) -> None:
    file = tmp_path / "fleet.parquet"
    simulate("demo", "--satellites", "1", "--duration", "60", "--to", str(file))
    kinds = {field.name: str(field.type) for field in pq.read_schema(file)}
    assert kinds["time"] == "timestamp[us, tz=UTC]"
    assert kinds["SAT-001/eps/battery_voltage [V]"] == "float"
    assert kinds["SAT-001/eps/eclipse"] == "bool"
    assert kinds["SAT-001/obc/mode"] == "int32"
    assert kinds["SAT-001/comm/frame_counter"] == "uint64"


def test_the_csv_is_plain_text_with_iso_times(tmp_path: Path) -> None:
    file = tmp_path / "fleet.csv"
    simulate("demo", "--satellites", "1", "--duration", "3", "--to", str(file))
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    assert head.startswith("time,SAT-001/eps/battery_voltage [V],")
    assert [line.partition(",")[0] for line in lines] == [f"2030-01-01T00:00:0{second}Z" for second in range(3)]
    assert '"' not in "".join(lines)


@SUFFIXES
def test_extreme_values_come_back(tmp_path: Path, suffix: str) -> None:
    kinds = {"f4": np.float32, "f8": np.float64, "i8": np.int64, "u8": np.uint64, "i4": np.int32, "bool": np.bool_}
    extremes: dict[str, list[Any]] = {
        "f4": [float(np.float32(0.1)), 3.4028234663852886e38, 1e-45, np.inf],
        "f8": [0.1, 1.7976931348623157e308, 5e-324, -np.inf],
        "i8": [-(2**63), 2**63 - 1, 0, 1],
        "u8": [2**64 - 1, 0, 2**63, 1],
        "i4": [-(2**31), 2**31 - 1, 0, 1],
        "bool": [True, False, True, True],
    }
    channels = tuple(Channel("A", "x", kind, type=kind) for kind in kinds)  # type: ignore[arg-type]  # its own keys
    group = Group("A", "x", channels)
    columns: tuple[Column, ...] = tuple(np.array(extremes[kind], dtype=number) for kind, number in kinds.items())
    times = np.arange(4, dtype=np.int64) * 100_000 + 1_900_000_000 * SECOND + 1
    frame = Frame(group, times, columns)
    file = tmp_path / f"extreme.{suffix}"
    target = TableTarget(TableFile(file, "csv" if suffix == "csv" else "parquet"), [group], Impairments(), 0)
    target.take(Window((frame,)))
    target.finish()
    assert read(file) == values_of([frame])


@SUFFIXES
def test_doubled_and_disordered_rows_read_back_as_if_nothing_had_happened(tmp_path: Path, suffix: str) -> None:
    """The reader's own promise: equal rows of a time are one, small disorder is sorted."""
    spec = "sim:demo?satellites=1&duration=600"
    clean, bad = tmp_path / f"clean.{suffix}", tmp_path / f"bad.{suffix}"
    simulate(spec, "--to", str(clean))
    simulate(spec, "--to", str(bad), "--duplicates", "0.2", "--reorder", "0.2")
    assert read(bad) == read(clean)
    assert bad.read_bytes() != clean.read_bytes()


def test_rows_are_lost_doubled_and_disordered_as_the_seed_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / name for name in ("one.csv", "two.csv", "other.csv", "clean.csv")]
    bad = ("--loss", "0.1", "--duplicates", "0.05", "--reorder", "0.1")
    for file, seed in zip(files[:3], ("1", "1", "2"), strict=True):
        simulate("demo", "--seed", seed, "--duration", "1000", "--to", str(file), *bad)
    said = capsys.readouterr().out
    simulate("demo", "--seed", "1", "--duration", "1000", "--to", str(files[3]))
    one, two, other, clean = (file.read_text().splitlines() for file in files)
    assert one == two != other
    # Nothing is invented, and every line is whole.
    assert set(one) <= set(clean)
    found = re.search(r"Of 1,000 rows (\d+) lost, (\d+) doubled, (\d+) out of order\.", said)
    assert found is not None, said
    lost, doubled, late = map(int, found.groups())
    assert (lost, doubled) == (len(clean) - len(set(one)), len(one) - len(set(one)))
    assert 60 < lost < 140 and doubled > 20 and late > 40


def test_when_every_row_is_lost_there_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lost.csv"
    simulate("demo", "--duration", "60", "--to", str(file), "--loss", "1")
    assert "there is no file" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    file.write_text("what was there\n")
    simulate("demo", "--duration", "60", "--to", str(file), "--loss", "1")
    assert f"so {file} is as it was." in capsys.readouterr().out
    assert file.read_text() == "what was there\n"


def test_a_single_row_is_counted_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate("demo", "--duration", "1", "--to", str(tmp_path / "one.csv"))
    assert "one.csv: 1 row of 156 channels." in capsys.readouterr().out


def test_a_file_of_the_same_name_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "fleet.csv"
    file.write_text("what was there\n")
    link = tmp_path / "newest.csv"
    link.symlink_to(file)
    simulate("demo", "--satellites", "1", "--duration", "5", "--to", str(link))
    assert link.is_symlink() and len(file.read_text().splitlines()) == 6


# labels


def test_the_labels_are_the_faults_of_monitor(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    simulate("demo", "--duration", "3600", "--labels", str(labels))
    found = Labels.model_validate_json(labels.read_text(), strict=True)
    (fault,) = found.injected
    (known,) = open_simulation("sim:demo").injected
    assert (fault.satellite, fault.kind, tuple(fault.channels)) == (known.satellite, known.kind, known.channels)
    assert found.start == "2030-01-01T00:00:00Z" and found.end == "2030-01-01T00:59:59Z"
    assert found.start < fault.start <= fault.visible < fault.end < found.end
    item = MonitorResult.model_json_schema()["$defs"]["InjectedResult"]["properties"]
    assert set(json.loads(labels.read_text())["injected"][0]) == {*item, "category", "strength"}
    assert fault.category == "fault"
    assert fault.strength is not None and 2.0 < fault.strength <= 6.0


def test_a_run_before_1970_ends_where_it_ends(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    simulate("demo?start=1960-01-01T00:00:00Z", "--duration", "5", "--labels", str(labels))
    found = Labels.model_validate_json(labels.read_text(), strict=True)
    assert (found.start, found.end) == ("1960-01-01T00:00:00Z", "1960-01-01T00:00:04Z")


def test_a_fault_that_had_not_begun_is_not_labelled(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    simulate("demo", "--duration", "60", "--labels", str(labels))
    assert json.loads(labels.read_text())["injected"] == []


def test_a_link_that_loses_everything_leaves_no_file_and_no_complaint(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    simulate("demo", "--duration", "5", "--loss", "1", "--to", str(tmp_path / "nothing.parquet"))
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in capfd.readouterr().err


# interrupted


@pytest.mark.skipif(sys.platform == "win32", reason="this system sends no SIGINT to one process alone")
@pytest.mark.parametrize(
    ("number", "suffix"), [(signal.SIGINT, "csv"), (signal.SIGTERM, "parquet")], ids=["Ctrl-C", "SIGTERM"]
)
def test_an_interrupted_run_leaves_whole_files(
    start: Start, tmp_path: Path, suffix: str, number: signal.Signals
) -> None:
    file, labels = tmp_path / f"fleet.{suffix}", tmp_path / "labels.json"
    process = start("simulate", "sim:demo", "--speed", "500", "--to", str(file), "--labels", str(labels))
    process.wait_for("samples")  # the first line of progress
    process.signal(number)
    code, printed, said = process.end()
    assert code == 130, said
    assert not any("Traceback" in line for line in said)
    found = read(file)
    times, _ = found["SAT-003/eps/battery_voltage"]
    seconds = len(times)
    assert f"{seconds:,} rows" in printed
    # The rows are whole: every group and satellite reaches equally far.
    expected = simulated(f"sim:demo?duration={seconds}")
    assert found == expected
    assert Labels.model_validate_json(labels.read_text()).end > "2030-01-01T00:00:"
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([file.name, labels.name])
