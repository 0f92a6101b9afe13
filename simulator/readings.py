"""What the course of a satellite means for each of its channels, before noise and converters. Used by one thread.

First what is nominal is set, channel by channel; then, where a fault has changed a channel, ``follow`` changes what
depends on it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.chance import Floats
from simulator.leg import Leg
from simulator.physics import FUEL, SUN_ANGLE, Course
from simulator.power import (
    BATTERY,
    BATTERY_HEATER,
    BUS,
    FULL,
    HEATER,
    panel_current,
)
from simulator.sky import sunlight
from simulator.spans import eased, inside
from simulator.stations import NOTHING, received
from simulator.thermal import ZERO

Mask = npt.NDArray[np.bool_]

SAFE, SUN_POINTING, IMAGING, DOWNLINK, ECLIPSE, MANOEUVRE = range(6)
"""Codes of ``obc/mode``."""
LEVELS = {
    "eps/cell_imbalance": 6.0,
    "eps/bus_voltage": 28.02,
    "aocs/pointing_error": 0.013,
    "aocs/sun_angle": SUN_ANGLE,
    "aocs/star_tracker_stars": 14.0,
    "comm/beacon_power": 30.1,
    "payload/ccd_temperature": -20.0,
}
"""Where a channel stands that nothing drives, or that is driven away from there."""
PARAMETERS = ("battery/resistance",)
"""What no channel shows, and a fault may change: ohms more inside the battery."""
COUNTER = 1 << 16
"""Uptime and telecommands are counted in words of 16 bits."""
FRAME_RATE = 5
"""Transfer frames a second: the counter wraps every 51 s."""
_TEMPERATURES = {
    "thermal/panel_y_plus_temperature": "panel_plus",
    "thermal/panel_y_minus_temperature": "panel_minus",
    "thermal/radiator_temperature": "radiator",
    "thermal/structure_temperature": "structure",
    "thermal/tank_temperature": "tank",
    "comm/transmitter_temperature": "transmitter",
    "eps/battery_temperature": "battery",
    **{f"aocs/wheel_{n}_temperature": f"wheel_{n}" for n in (1, 2, 3)},
}
_SMOOTH = {
    "comm/backlog": "backlog",
    "aocs/gps_altitude": "altitude",
    **{f"aocs/magnetometer_{axis}": f"field_{axis}" for axis in "xyz"},
    **{f"aocs/wheel_{n}_{what}": f"{what}_{n}" for n in (1, 2, 3) for what in ("speed", "current")},
}
_PRESSURE, _ULLAGE, _DENSITY = 18.6, 2.2, 1.0  # bar at 20 C and litres of gas with all the fuel; kg a litre
LINK_NOISE = -120.0
"""Of the receiver, dBm."""
_DROOP = 0.008  # volts of the bus, an ampere
_UNLIKE = 2.0  # millivolts that cells lie apart, an ampere
_PACKING, _PACKS = 60.0, 6.0  # seconds: housekeeping is packed once a minute


def read(course: Course, leg: Leg, t: Floats, idle: tuple[float, float], rows: dict[str, Floats]) -> None:
    """Add what is nominal at ``t`` (n,), within ``leg``, to ``rows``: path to (n,), which hold levels and
    what wanders, and what PARAMETERS are changed by.

    ``idle`` is the period (seconds) and the phase (turns) of the fourth wheel, which swings around rest.
    """
    at = leg.at(t)
    for path, name in (_TEMPERATURES | _SMOOTH).items():
        rows[path] += at[name]
    # The fourth wheel hunts around rest and crosses it every other minute.
    speed = rows["aocs/wheel_4_speed"]
    speed += 90 * np.sin(2 * np.pi * (t / idle[0] + idle[1]))
    rows["aocs/wheel_4_current"] += 0.08 + 0.1 * np.tanh(np.abs(speed) / 12)
    light = sunlight(at["depth"])
    _power(leg, t, at, light, rows)
    imaging, sending = leg.imaging(t), leg.sending(t)
    # What the imager gives off warms the detector beside it before the cooler answers.
    rows["payload/ccd_temperature"] += 0.3 * eased(leg.sessions, t, 40.0)
    rows["payload/cooler_current"] += 0.9 + 0.02 * imaging - 0.1 * (rows["payload/ccd_temperature"] + 20)
    rows["obc/cpu_load"] += 24 + 16 * imaging + 10 * sending + np.where(t % _PACKING < _PACKS, 8.0, 0.0)
    # An amplifier loses gain as it warms, most of which is levelled out.
    rows["comm/beacon_power"] -= 0.005 * at["transmitter"]
    rows["aocs/pointing_error"] += 0.015 * eased(leg.manoeuvres, t, 20.0)
    gas = (at["tank"] + ZERO) / (20 + ZERO) * _ULLAGE / (_ULLAGE + (FUEL - at["fuel"]) / _DENSITY)
    rows["propulsion/tank_pressure"] += _PRESSURE * gas
    heard = inside(leg.contacts, t)
    rows["eps/eclipse"][:] = light < 0.5
    rows["obc/mode"][:] = _modes(leg, t, light < 0.5, heard)
    level = np.where(heard, received(at["elevation"], at["distance"]), NOTHING)
    rows["comm/link_rssi"] += level
    rows["comm/link_snr"] += level - LINK_NOISE
    _count(leg, t, rows)
    if "obc/resets" in rows:
        _housekeeping(course, leg, t, at, rows)


def _power(leg: Leg, t: Floats, at: dict[str, Floats], light: Floats, rows: dict[str, Floats]) -> None:
    tank, battery = leg.heaters(t)
    rows["eps/heater_2_current"][:] = HEATER * tank
    load = leg.load(t) + BUS * (HEATER * tank + BATTERY_HEATER * battery)
    # The body's wobble is common to both panels, and so is their drive.
    cosine = np.cos(np.radians(rows["aocs/sun_angle"]))
    plus, minus = (panel_current(light, cosine, at[f"panel_{side}"]) for side in ("plus", "minus"))
    inside = BATTERY.resistance(at["battery"]) + rows["battery/resistance"]
    flow = BATTERY.flow((plus + minus) * BUS - load, at["missing"], inside)
    voltage = BATTERY.voltage(at["missing"], flow, inside)
    drawn = (load + flow * voltage) / BUS
    share = plus / np.maximum(plus + minus, 1e-9)
    rows["eps/array_current_y_plus"] += drawn * share
    rows["eps/array_current_y_minus"] += drawn * np.where(light > 0, 1 - share, 0.0)
    rows["eps/bus_power"] += load
    rows["eps/bus_voltage"] -= _DROOP * load / BUS
    # Cells differ in their resistance, so a current drives their voltages apart.
    rows["eps/cell_imbalance"] += _UNLIKE * abs(flow)
    rows["eps/battery_current"] += flow
    rows["eps/battery_charge"] += FULL * (1 - at["missing"])
    rows["eps/battery_voltage"] += voltage


def _modes(leg: Leg, t: Floats, dark: Mask, heard: Mask) -> Floats:
    mode = np.where(inside(leg.sessions, t), IMAGING, SUN_POINTING)
    mode = np.where(dark, ECLIPSE, np.where(heard, DOWNLINK, mode))
    codes: Floats = np.where(inside(leg.safe, t), SAFE, np.where(inside(leg.manoeuvres, t), MANOEUVRE, mode))
    return codes


def _count(leg: Leg, t: Floats, rows: dict[str, Floats]) -> None:
    rows["comm/frame_counter"][:] = np.floor(FRAME_RATE * t + 1e-6) % 256
    happened = leg.happened
    told = np.searchsorted(happened.told, t, side="right")
    codes = np.concatenate(((leg.begin.last_command,), happened.codes))
    rows["obc/command_counter"][:] = (leg.begin.commands + told) % COUNTER
    rows["obc/last_command"][:] = codes[told]
    booted = np.concatenate(((leg.begin.booted,), happened.resets))
    since = booted[np.searchsorted(happened.resets, t, side="right")]
    rows["obc/uptime"][:] = np.floor(t - since + 1e-6) % COUNTER


def _housekeeping(course: Course, leg: Leg, t: Floats, at: dict[str, Floats], rows: dict[str, Floats]) -> None:
    rows["eps/heater_1_current"] += BATTERY_HEATER * leg.heaters(t)[1]
    rows["propulsion/fuel_mass"] += at["fuel"]
    rows["obc/memory_used"] += 41 + 0.02 * at["backlog"] + 6 * leg.imaging(t)
    reset = np.searchsorted(leg.happened.resets, t, side="right")
    rows["obc/resets"][:] = (leg.begin.resets + reset) % 256
    position = course.orbit.along(t)
    for axis, name in enumerate("xyz"):
        rows[f"aocs/gps_{name}"] += position[:, axis]


CAUSES = ("eps/heater_2_current", "payload/ccd_temperature", "thermal/tank_temperature")
"""Channels whose change changes others."""


def follow(leg: Leg, t: Floats, before: dict[str, Floats], rows: dict[str, Floats]) -> None:
    """Change what depends on ``CAUSES`` as much as they were changed since ``before``: nothing where they were not."""
    extra = rows["eps/heater_2_current"] - before["eps/heater_2_current"]
    light = sunlight(leg.at(t)["depth"])
    rows["eps/bus_power"] += extra * BUS
    # By day the panels give what more is drawn, by night the battery.
    rows["eps/battery_current"] -= (1 - light) * extra * BUS / rows["eps/battery_voltage"]
    for panel in ("plus", "minus"):
        rows[f"eps/array_current_y_{panel}"] += light * extra / 2
    rows["payload/cooler_current"] -= 0.1 * (rows["payload/ccd_temperature"] - before["payload/ccd_temperature"])
    warmed = rows["thermal/tank_temperature"] - before["thermal/tank_temperature"]
    rows["propulsion/tank_pressure"] *= 1 + warmed / (before["thermal/tank_temperature"] + ZERO)
