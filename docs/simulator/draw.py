"""``make pictures``: the pictures of docs/simulator.md, drawn of what the simulator makes.

With ``--real FOLDER`` and ``PERIGEE_REAL_DATA`` a real satellite is drawn beside the simulated one, into FOLDER: that
picture contains recorded telemetry and is not part of the project.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtGui import QGuiApplication

from docs.simulator.flight import Flight, fly, fly_with
from docs.simulator.paint import Row, Trace, paint
from simulator.faults import Kind
from simulator.kinds import FAULTS

FOLDER = Path(__file__).resolve().parent
SEED = 1
DAY = 86_400
RUN, AT, LENGTH = 7200, 1800, 3000
"""Seconds of a run with a fault, its onset and how long it lasts: from one eclipse to before the next."""
ONSETS = {"battery_resistance": 700}
"""Where a kind begins elsewhere: this one is seen while the battery is charged."""

DAYS = {
    "eps": (
        *("eps/battery_voltage", "eps/battery_current", "eps/battery_charge", "eps/battery_temperature"),
        *("eps/cell_imbalance", "eps/array_current_y_plus", "eps/array_current_y_minus", "eps/bus_voltage"),
        *("eps/bus_power", "eps/heater_2_current"),
    ),
    "thermal": (
        *("thermal/panel_y_plus_temperature", "thermal/panel_y_minus_temperature", "thermal/radiator_temperature"),
        *("thermal/structure_temperature", "thermal/tank_temperature", "propulsion/tank_pressure"),
    ),
    "aocs": (
        *("aocs/wheel_1_speed", "aocs/wheel_2_speed", "aocs/wheel_3_speed", "aocs/wheel_1_current"),
        *("aocs/wheel_1_temperature", "aocs/gyro_x", "aocs/pointing_error", "aocs/magnetometer_x"),
        *("aocs/magnetometer_y", "aocs/magnetometer_z", "aocs/gps_altitude"),
    ),
    "comm": (
        *("comm/link_rssi", "comm/link_snr", "comm/backlog", "comm/beacon_power", "comm/transmitter_temperature"),
    ),
    "payload": ("payload/ccd_temperature", "payload/cooler_current", "obc/mode"),
    "obc": (
        *("obc/mode", "obc/cpu_load", "obc/gps_time_offset", "obc/uptime", "obc/command_counter"),
        "obc/last_command",
    ),
}
"""The channels of each picture of a day."""
PLAIN = ("obc/uptime", "obc/command_counter", "comm/link_rssi", "comm/link_snr")
"""Drawn without a mean."""
GROUPS = {
    "power": ("battery_cell", "cell_short", "panel_dead", "transmitter_fade", "runaway_task"),
    "heat": ("cooler_loss", "heater_stuck_on", "thermostat_drift", "radiator_degradation"),
    "attitude-and-clock": (
        *("wheel_bearing_friction", "gyro_bias", "panel_drive_slip", "fuel_leak", "clock_drift", "clock_jump"),
        "computer_reset",
    ),
    "hidden": (
        *("panel_degradation", "heater_element_open", "wheel_stiction", "charge_gauge_lag", "battery_resistance"),
    ),
    "sensors": ("slow_drift", "sensor_stuck", "spikes", "dropouts"),
}
"""The kinds of each picture of faults."""


def day_rows(flight: Flight, paths: tuple[str, ...]) -> list[Row]:
    """A row for each of ``paths``."""
    rows = []
    for path in paths:
        channel = flight.channels[path]
        whole = channel.type not in ("f4", "f8")
        plain = bool(channel.states) or path in PLAIN
        trace = Trace(flight.hours[path], flight.values[path], steps=whole, mean=not plain)
        title = f"{path} [{channel.unit}]" if channel.unit else path
        height = 22 + 15 * len(channel.states) if channel.states else 60
        rows.append(
            Row(title.partition("/")[2], (channel.description,), (trace,), states=channel.states, height=height)
        )
    return rows


def fault_row(kind: Kind, nominal: Flight) -> Row:
    """The main channel of ``kind`` over its twin; its figures go to standard output."""
    flight = fly_with(kind, SEED, RUN, ONSETS.get(kind.name, AT), LENGTH)
    (label,) = flight.injected
    path = kind.main
    hours, values, channel = flight.hours[path], flight.values[path], flight.channels[path]
    onset, end, visible = (flight.hour(time) for time in (label.start, label.end, label.visible))
    during = (hours >= onset) & (hours <= end)
    # Where it is again what it would have been, the fault has changed nothing.
    changed = during & (values != nominal.values[path])
    traces = (
        Trace(hours, nominal.values[path], "disabled", 2.2),
        Trace(hours, np.where(during, np.nan, values)),
        Trace(hours, np.where(during, values, np.nan), "finding", 1.2),
    )
    missing = hours[changed & np.isnan(values)]
    strength = "values missing" if label.strength is None else f"{label.strength:.3g} σ"
    notes = (
        f"{path} [{channel.unit}]",
        f"{strength}, visible after {round((visible - onset) * 3600):,} s",
    )
    print(kind.name, *notes, sep=" | ")
    return Row(kind.name, notes, traces, (onset, end), visible, missing if len(missing) else None, height=96)


def main(arguments: list[str] | None = None) -> int:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(prog="draw", description=__doc__)
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="draw a real satellite too, into this folder")
    asked = parser.parse_args(arguments)
    app = QGuiApplication.instance() or QGuiApplication([])
    assert app is not None
    if asked.real is not None:
        from docs.simulator.real import compare

        data = os.environ.get("PERIGEE_REAL_DATA")
        if not data:
            print("--real needs PERIGEE_REAL_DATA, the folder of recorded telemetry.", file=sys.stderr)
            return 2
        if asked.real.resolve().is_relative_to(FOLDER.parent.parent):
            print("--real needs a folder outside the project: recorded telemetry is no part of it.", file=sys.stderr)
            return 2
        print(compare(Path(data) / "birds" / "nepalisat.csv", asked.real / "nepalisat.png"))
        return 0
    day = fly(f"sim:quiet?satellites=1&seed={SEED}&duration={DAY}", DAY)
    for name, paths in DAYS.items():
        target = FOLDER / f"day-{name}.png"
        paint(target, day_rows(day, paths), (0.0, 24.0), day.eclipses())
        print(target)
    nominal = fly(f"sim:quiet?satellites=1&seed={SEED}&duration={RUN}", RUN)
    kinds = {kind.name: kind for kind in reversed(FAULTS)}  # of those with the same name, the first
    for name, members in GROUPS.items():
        target = FOLDER / f"faults-{name}.png"
        rows = [fault_row(kinds[member], nominal) for member in members]
        paint(target, rows, (0.0, RUN / 3600), nominal.eclipses())
        print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
