"""Every example of docs/limits.md is read as it stands, and its tables name all that there is."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import numpy as np
import pytest

from telemetry import Channel, Frame, Group, ListSource, Severity
from telemetry.clock import SECOND
from telemetry.derived import Derived
from telemetry.expression import DEEPEST, FUNCTIONS, LONGEST
from telemetry.limitfields import FIELDS
from telemetry.limitfile import Definitions, read_limits
from telemetry.limits import binds

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```(toml|csv)\n(.*?)```", PAGE, flags=re.DOTALL)


def read(number: int, folder: Path) -> Definitions:
    kind, text = EXAMPLES[number]
    path = folder / f"limits.{kind}"
    path.write_text(text, encoding="utf-8")
    return read_limits(path)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_is_read(number: int, tmp_path: Path) -> None:
    found = read(number, tmp_path)
    assert found.limits or found.derived


def test_the_first_example_says_the_same_in_toml_and_in_csv(tmp_path: Path) -> None:
    (pattern, toml), *_ = read(0, tmp_path).limits
    (other, table), empty = read(2, tmp_path).limits
    assert pattern == other and binds(pattern, "SAT-001/eps/battery_voltage")
    for one, also in zip(toml, table, strict=True):
        assert (one.severity, one.low, one.high, one.persistence) == (
            also.severity,
            also.low,
            also.high,
            also.persistence,
        )
    assert toml[1].on_delay == 5 * SECOND and toml[1].severity is Severity.CRITICAL
    assert empty == ("SAT-002/thermal/tank_temperature", ()) == read(1, tmp_path).limits[0]


def test_the_table_of_keys_is_complete_and_in_order() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \| ", PAGE, flags=re.MULTILINE)) == FIELDS


def test_the_table_of_the_language_names_every_function_and_its_bounds() -> None:
    table = PAGE[PAGE.index("| written | gives |") :]
    assert set(re.findall(r"`(\w+)\(", table)) == set(FUNCTIONS)
    assert f"up to {LONGEST:,} characters and {DEEPEST} levels" in PAGE


def test_the_derived_channels_of_the_example_are_computed(tmp_path: Path) -> None:
    eps = Group("SAT", "eps", tuple(Channel("SAT", "eps", n) for n in ("battery_voltage", "battery_current")), SECOND)
    aocs = Group("SAT", "aocs", tuple(Channel("SAT", "aocs", f"wheel_{i}_speed") for i in (1, 2)), SECOND)
    heat = Group("SAT", "thermal", (Channel("SAT", "thermal", "tank_temperature"),), SECOND)
    times = np.arange(3) * SECOND
    frames = [
        Frame(eps, times, (np.full(3, 28.0), np.array([1.0, -1.0, 2.0]))),
        Frame(aocs, times, (np.full(3, -20.0), np.array([10.0, 20.0, 30.0]))),
        Frame(heat, times, (np.array([5.0, 6.0, 8.0]),)),
    ]
    source = Derived(ListSource(frames), read(4, tmp_path).derived)
    assert source.notes == []
    values = {
        channel.path: frame.columns[i].tolist()
        for frame in source.frames(threading.Event(), SECOND)
        if frame.group.name.endswith(".derived")
        for i, channel in enumerate(frame.group.channels)
    }
    np.testing.assert_equal(values["eps/battery_power"], [28, -28, 56])
    np.testing.assert_equal(values["aocs/wheel_imbalance"], [10, 5, 0])
    np.testing.assert_equal(values["thermal/gradient"], [np.nan, 0, 2])
