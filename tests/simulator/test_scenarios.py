"""Scenarios as files: the built-in ones, and one's own."""

from __future__ import annotations

import threading
import tomllib
from pathlib import Path

import numpy as np
import pytest

import simulator
from simulator import SCENARIOS, Simulation, open_simulation
from simulator.kinds import EVENTS, FAULTS
from simulator.scenario import BUILT_IN, built_in, read_scenario
from telemetry import SourceError
from telemetry.clock import SECOND, parse_iso

START = parse_iso("2030-01-01T00:00:00Z")
FOLDER = Path(simulator.__file__).parent / "scenarios"
ROOT = FOLDER.parent.parent

OWN = """
name = "two"
description = "two faults and an event"

[fleet]
satellites = 2
seed = 11
duration = "1 h"
rate = 2

[[faults]]
kind = "gyro_bias"
satellite = "SAT-002"
channel = "aocs/gyro_z"
at = "40%"
for = "20 min"
strength = 3

[[faults]]
kind = "slow_drift"
at = 1_000

[[events]]
kind = "manoeuvre"
at = "10 min"
for = 300.0
"""


def bytes_of(source: Simulation, span: int = 600 * SECOND) -> dict[str, bytes]:
    parts: dict[str, list[bytes]] = {}
    for frame in source.frames(threading.Event(), span):
        for channel, column in zip(frame.group.channels, frame.columns, strict=True):
            parts.setdefault(channel.key, []).append(column.tobytes())
    return {key: b"".join(pieces) for key, pieces in parts.items()}


def test_each_is_built_in_in_a_file_with_its_name() -> None:
    assert len(BUILT_IN) >= 10
    assert {path.stem for path in FOLDER.iterdir()} == set(BUILT_IN)
    assert set(SCENARIOS) == {*BUILT_IN, "load"}
    for name in BUILT_IN:
        assert built_in(name).name == name
        assert len(built_in(name).description) > 20


def test_they_come_with_an_installed_package_and_stand_in_the_readme() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    assert data["simulator"] == ["scenarios/*.toml"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"| `sim:{name}` |" in readme for name in SCENARIOS)


def test_every_kind_stands_in_the_documentation_with_its_strength() -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    rows = {row[1]: row for row in (line.split("|") for line in page.splitlines() if line.startswith("| `"))}
    for kind in (*FAULTS, *EVENTS):
        row = [cell.strip() for cell in rows[f" `{kind.name}` "]]
        if not kind.nominal:
            assert row[3] == ("" if kind.strength is None else f"{kind.strength:g}"), kind.name
            assert row[4].startswith("hidden: ") == kind.hidden, kind.name


def test_the_example_in_the_documentation_is_a_scenario(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    block = page[page.index("    name = ") : page.index("`satellites`, `seed`")]
    path = tmp_path / "example.toml"
    path.write_text(block, encoding="utf-8")
    assert [one.kind for one in open_simulation(f"sim:{path}").injected] == ["gyro_bias", "manoeuvre"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_scenario_has_true_labels_in_the_order_of_time(name: str) -> None:
    source = open_simulation(f"sim:{name}")
    plan = built_in(name)
    assert len(source.injected) == len(plan.faults) + len(plan.events)
    assert [label.start for label in source.injected] == sorted(label.start for label in source.injected)
    satellites = {group.satellite for group in source.groups}
    paths = {channel.path for group in source.groups for channel in group.channels}
    for label in source.injected:
        assert label.satellite in satellites
        assert set(label.channels) <= paths
        assert START <= label.start <= label.visible < label.end
        assert label.strength is None or label.strength > 0.3
    assert sum(label.category == "nominal" for label in source.injected) == len(plan.events)


def test_the_quiet_one_has_nothing_and_the_busy_one_nothing_wrong() -> None:
    assert open_simulation("sim:quiet").injected == ()
    assert {label.category for label in open_simulation("sim:busy").injected} == {"nominal"}


@pytest.mark.parametrize("name", ["power", "busy", "demo"])
def test_they_fly_with_one_satellite_too(name: str) -> None:
    assert {label.satellite for label in open_simulation(f"sim:{name}?satellites=1").injected} == {"SAT-001"}


def test_a_run_with_faults_does_not_depend_on_how_it_is_cut() -> None:
    spec = "sim:sensors?satellites=2&duration=5400"
    assert bytes_of(open_simulation(spec)) == bytes_of(open_simulation(spec), 7_300_000)


def test_a_file_is_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    source = open_simulation(f"sim:{path}")
    manoeuvre, drift, gyro = source.injected
    assert (manoeuvre.kind, manoeuvre.category) == ("manoeuvre", "nominal")
    assert (manoeuvre.start, manoeuvre.end) == (START + 600 * SECOND, START + 900 * SECOND)
    assert (drift.kind, drift.start, drift.end) == ("slow_drift", START + 1000 * SECOND, START + 3600 * SECOND)
    assert (gyro.satellite, gyro.channels[0], gyro.start) == ("SAT-002", "aocs/gyro_z", START + 1440 * SECOND)
    assert gyro.strength == pytest.approx(3, rel=0.1)
    assert {group.period for group in source.groups} == {SECOND // 2}
    frames = [frame for frame in source.frames(threading.Event(), 600 * SECOND) if frame.group.key == "SAT-001/eps"]
    assert sum(map(len, frames)) == 7200


def test_what_the_query_says_goes_before_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    asked = open_simulation(f"sim:{path}?seed=3&satellites=4&rate=1&start=2031-01-01T00:00:00Z")
    moved = parse_iso("2031-01-01T00:00:00Z") - START
    assert [one.start - moved for one in asked.injected] == [
        one.start for one in open_simulation(f"sim:{path}").injected
    ]
    assert len({group.satellite for group in asked.groups}) == 4
    assert {group.period for group in asked.groups} == {SECOND}
    assert bytes_of(asked) != bytes_of(open_simulation(f"sim:{path}?seed=4&satellites=4&rate=1"))


def test_a_fault_that_the_run_does_not_reach_has_no_label(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    assert [one.kind for one in open_simulation(f"sim:{path}?duration=800").injected] == ["manoeuvre"]


def test_one_fault_more_leaves_the_others_where_they_were(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    before = open_simulation(f"sim:{path}").injected
    path.write_text(OWN + '\n[[faults]]\nkind = "spikes"\nsatellite = "SAT-001"\nat = 0\n', encoding="utf-8")
    after = open_simulation(f"sim:{path}").injected
    assert set(before) < set(after)


def test_two_faults_of_one_satellite_are_each_compared_with_the_run_that_has_the_other(tmp_path: Path) -> None:
    fault = '[[faults]]\nkind = "cooler_loss"\nat = {at}\nfor = 900\nstrength = {strength}\n'
    path = tmp_path / "own.toml"
    path.write_text(fault.format(at=1200, strength=4) + fault.format(at=1500, strength=2), encoding="utf-8")
    one, other = open_simulation(f"sim:{path}?satellites=1&duration=3600").injected
    assert one.strength == pytest.approx(4, rel=0.1)
    assert other.strength == pytest.approx(2, rel=0.1)


def test_the_demonstration_in_a_file_of_ones_own_is_the_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[[faults]]\nkind = "any"\n', encoding="utf-8")
    mine, demo = (open_simulation(f"sim:{name}?duration=3000&satellites=2&seed=9") for name in (path, "demo"))
    assert mine.injected == demo.injected
    assert bytes_of(mine) == bytes_of(demo)


def test_a_stuck_sensor_keeps_its_last_reading_unless_more_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[[faults]]\nkind = "sensor_stuck"\nat = 1500\nfor = 600\n', encoding="utf-8")
    source = open_simulation(f"sim:{path}?satellites=1&duration=2400")
    (label,) = source.injected
    name = f"{label.satellite}/{label.channels[0]}"
    values = np.frombuffer(bytes_of(source)[name], np.float32)
    nominal = np.frombuffer(bytes_of(open_simulation("sim:quiet?satellites=1&duration=2400"))[name], np.float32)
    assert set(values[1500:2101]) == {nominal[1500]}


def test_an_empty_file_is_a_quiet_fleet(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("", encoding="utf-8")
    scenario = read_scenario(path)
    assert (scenario.name, scenario.satellites, scenario.duration, scenario.faults) == ("empty", 3, None, ())


def test_a_satellite_that_the_query_left_out_is_a_sentence_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    with pytest.raises(SourceError, match=r'own\.toml, line 13: "satellite" is SAT-002, and 1 fly'):
        open_simulation(f"sim:{path}?satellites=1")
