"""A CubeSat without wheels: what its panels see, how its one cell charges, and what can fail on it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from simulator import open_simulation
from simulator.chance import Floats
from simulator.cubesat import CELL, FACES, Tumbling
from simulator.spacecraft import Spacecraft
from telemetry import SourceError
from telemetry.clock import SECOND

BLOCKS = 24  # about two orbits


@cache
def flown(seed: int = 1) -> dict[str, Floats]:
    craft = Spacecraft(seed, 0, SECOND, 2040.0, tumbling=True)
    parts = [craft.values(block) for block in range(BLOCKS)]
    return {path: np.concatenate([part[path] for part in parts]) for path in craft.paths}


def deep(run: dict[str, Floats]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where it has been dark for a minute and stays so for another."""
    return np.convolve(run["eps/eclipse"], np.ones(121), "same") > 120.5


def test_turning_keeps_lengths_and_angles_and_goes_at_the_rate_that_the_gyros_show() -> None:
    course, rng = Tumbling(5, 0), np.random.default_rng(1)
    t = rng.uniform(0, 1e4, 50)
    one, other = rng.standard_normal((2, 50, 3))
    turned = course.in_body(one, t), course.in_body(other, t)
    np.testing.assert_allclose((turned[0] * turned[1]).sum(axis=1), (one * other).sum(axis=1), atol=1e-12)
    later = course.in_body(one, t + 0.01)
    # Seen from the body what stands still goes round the other way: v' = -w x v.
    expected = -np.cross(np.radians(course.spin(t)), turned[0])
    np.testing.assert_allclose((later - turned[0]) / 0.01, expected, atol=1e-3)


def test_its_panels_see_the_sun_one_after_the_other_and_nothing_in_the_dark() -> None:
    run = flown()
    currents = np.array([run[f"eps/panel_{face}_current"] for face in FACES])
    dark, lit = deep(run), run["eps/eclipse"] < 0.5
    assert np.ptp(currents[:, dark], axis=1).max() < 0.03, "what is left is the sensors' own"
    assert currents[:, dark].mean() > 0, "and that is not nothing"
    assert all(np.ptp(row[lit]) > 0.1 for row in currents)
    assert len(set(currents[:, lit].argmax(axis=0))) >= 4
    volts = np.array([run[f"eps/panel_{face}_voltage"] for face in FACES])
    assert volts[:, dark].max() < 1.6 and np.percentile(volts[:, lit], 95) > 4.8
    panels = np.array([run[f"thermal/panel_{face}_temperature"] for face in FACES])
    assert np.median(np.ptp(panels[:, lit], axis=0)) > 15
    assert panels.min() > -45 and panels.max() < 80


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_cell_charges_with_what_there_is_until_the_end_voltage_and_tapers(seed: int) -> None:
    run = flown(seed)
    volts, flow, dark = run["eps/battery_voltage"], run["eps/battery_current"], run["eps/eclipse"] > 0.5
    assert volts.min() > 3.7 and volts.max() <= CELL.end + 0.03
    assert (flow[deep(run)] < -0.15).all()
    full = ~dark & (volts > CELL.end - 0.02)
    assert full.mean() > 0.3
    assert np.median(flow[full]) < 0.25 * flow.max()
    # Coarse steps: the voltage stands on the same one most of the time.
    assert (np.diff(volts) == 0).mean() > 0.8
    assert len(np.unique(run["eps/battery_temperature"])) < 40


def test_a_fleet_may_have_both_and_a_fault_goes_where_its_channel_is(tmp_path: Path) -> None:
    path = tmp_path / "both.toml"
    fault = '[[faults]]\nkind = "wheel_stiction"\nat = 900\nfor = 300\n'
    path.write_text('[fleet]\ntumbling = ["SAT-001", "SAT-003"]\n' + fault, encoding="utf-8")
    source = open_simulation(f"sim:{path}")
    assert [label.satellite for label in source.injected] == ["SAT-002"]
    groups = {(group.satellite, group.name) for group in source.groups}
    assert ("SAT-002", "payload") in groups and ("SAT-001", "payload") not in groups
    path.write_text('[fleet]\ntumbling = ["SAT-001"]\n' + fault + 'satellite = "SAT-001"\n', encoding="utf-8")
    with pytest.raises(SourceError, match="SAT-001, which tumbles, has no aocs/wheel_4_current"):
        open_simulation(f"sim:{path}")
    path.write_text('[fleet]\ntumbling = ["SAT-004"]\n', encoding="utf-8")
    with pytest.raises(SourceError, match='line 2: "tumbling" must be "all" or a list of'):
        open_simulation(f"sim:{path}")


def test_a_gyro_fails_on_it_too_without_what_it_lacks() -> None:
    source = open_simulation("sim:tumbling?satellites=1")
    assert "gyro_bias" in source.faults and "wheel_stiction" not in source.faults
    label = source.inject("gyro_bias", "SAT-001", 0)
    assert label.channels[0].startswith("aocs/gyro_")
    assert all(name.startswith("aocs/gyro_") for name in label.channels)


def test_more_resistance_shows_where_a_current_flows_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text(
        '[fleet]\nsatellites = 1\n[[faults]]\nkind = "battery_resistance"\nat = 700\nfor = "2 h"\n', encoding="utf-8"
    )
    craft = Spacecraft(1, 0, SECOND)
    (member,) = open_simulation(f"sim:{path}?seed=1")._members
    assert isinstance(member, Spacecraft)
    for block in (2, 8, 11):
        plain, touched = craft.values(block), member.values(block)
        flow, apart = plain["eps/battery_current"], touched["eps/battery_voltage"] - plain["eps/battery_voltage"]
        assert np.abs(apart[np.abs(flow) < 0.05]).max(initial=0) < 0.06
        assert (apart[flow < -1.8] < -0.3).all()
        assert (touched["eps/battery_voltage"] < 32.9).all()
