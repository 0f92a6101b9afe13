"""Sisters are found from names and units alone."""

from __future__ import annotations

import pytest

from detection.family import name_of
from telemetry import Channel

FAMILIES = [
    ["eps/panel_x_plus_voltage", "eps/panel_y_minus_voltage", "eps/panel_z_plus_voltage"],
    ["eps/panelXPlusVoltage", "eps/panelYMinusVoltage", "eps/panelZPlusVoltage"],
    ["Panel +X voltage", "Panel -Y voltage", "Panel +Z voltage"],
    ["X+ panel", "Y- panel", "Z+ panel"],
    ["Vpx", "Vmy", "Vpz"],
    ["VX+", "VY-", "VZ+"],
    ["aocs/wheel_1_speed", "aocs/wheel_2_speed", "aocs/wheel_4_speed"],
    ["RW1 speed", "RW2 speed", "RW3 speed"],
    ["eps/cell_3_voltage", "eps/cell_10_voltage", "eps/cell_11_voltage"],
    ["String A current", "String B current", "String C current"],
    ["aocs/gyro_x", "aocs/gyro_y", "aocs/gyro_z"],
]


def channel(path: str, unit: str = "") -> Channel:
    subsystem, _, name = path.rpartition("/")
    return Channel("SAT", subsystem, name, unit)


@pytest.mark.parametrize("paths", FAMILIES, ids=lambda paths: paths[0])
def test_names_that_differ_in_one_token_are_one_family(paths: list[str]) -> None:
    names = [name_of(channel(path)) for path in paths]
    assert all(name is not None and name.varies for name in names)
    assert len({name.pattern for name in names if name}) == 1


def test_families_are_kept_apart() -> None:
    others = [("aft/cell_1", "V"), ("fore/cell_1", "V"), ("fore/cell_1", "A"), ("fore/cell_1_rate", "V")]
    patterns = {name.pattern for path, unit in others if (name := name_of(channel(path, unit)))}
    assert len(patterns) == len(others)


@pytest.mark.parametrize(("name", "sign", "axis"), [("Vmz", "-", "z"), ("panel +Y", "+", "y"), ("gyro_x", "", "x")])
def test_a_face_has_a_sign_and_a_component_has_none(name: str, sign: str, axis: str) -> None:
    found = name_of(channel(name))
    assert found is not None and (found.sign, found.axis) == (sign, axis)


@pytest.mark.parametrize(("path", "unit"), [("panel_1_temperature", "°C"), ("Tpx", ""), ("beacon_1", "dBm")])
def test_half_a_temperature_or_a_decibel_is_not_less(path: str, unit: str) -> None:
    found = name_of(channel(path, unit))
    assert found is not None and not found.measures


@pytest.mark.parametrize("name", ["Vbat", "battery voltage", "Ibatt", "bus_power", "temperature", "tank pressure"])
def test_words_hold_no_index(name: str) -> None:
    found = name_of(channel(name))
    assert found is not None and not found.varies


def test_switches_and_codes_have_no_sisters() -> None:
    assert name_of(Channel("SAT", "", "heater_1", type="bool")) is None
    assert name_of(Channel("SAT", "", "mode_1", type="i4")) is None
