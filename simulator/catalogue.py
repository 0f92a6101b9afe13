"""The channels of a built-in satellite: what each is called, measured in, limited to, and how it is measured.

Plain data, any thread. Names, units and limits are those of a small earth observation satellite.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.schedule import COMMANDS
from telemetry import Channel, ChannelType, Limit, Severity

MODES = ((0, "Safe"), (1, "Sun pointing"), (2, "Imaging"), (3, "Downlink"), (4, "Eclipse"), (5, "Manoeuvre"))
"""Codes of ``obc/mode``; Safe and Manoeuvre are rare, and never in the first hours."""
CONTACT = ("comm/link_rssi", "comm/link_snr")
"""Measured only while a ground station hears the satellite: a group of their own, with no frames otherwise."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A channel and its instrument, all in channel units.

    ``noise`` is the standard deviation of white noise, ``quantum`` the step of the converter, ``sway`` the
    amplitude of what is slow and irregular (coloured noise). ``offset`` is the most that the instrument shows where
    there is nothing, which differs from satellite to satellite; an ``unsigned`` one shows nothing below 0.
    """

    channel: Channel
    noise: float = 0.0
    quantum: float = 0.0
    sway: float = 0.0
    offset: float = 0.0
    unsigned: bool = False


TENTHS = 10
"""Ticks of a base sample: the steps of ``PACES`` are counted in them."""
PACES: dict[str, int] = {"gyros": 1, "aocs": 5, "payload": 50, "propulsion": 50, "thermal": 100, "housekeeping": 100}
"""Ticks between the samples of a group that has a rate of its own; any other has that of the run. With the usual 1 Hz:
10 Hz for gyros, 2 Hz for attitude, 0.2 Hz for payload and propulsion, 0.1 Hz for what is slow."""


def measurements(satellite: str, own_rates: bool = False) -> tuple[Measurement, ...]:
    """Every channel of ``satellite``, subsystem by subsystem; ``own_rates`` adds the slow housekeeping."""
    return tuple(measurement_of(satellite, row) for row in (_TABLE + _HOUSEKEEPING if own_rates else _TABLE))


def group_of(path: str, own_rates: bool = False) -> str:
    """The name of the group in which the channel ``path`` is sent."""
    if path in CONTACT:
        return "contact"
    subsystem, _, name = path.partition("/")
    if own_rates:
        if path in _HOUSEKEEPING_PATHS:
            return "housekeeping"
        if name.startswith("gyro_"):
            return "gyros"
        if name.endswith("_temperature") and subsystem != "payload":
            return "thermal"
    return subsystem


_Range = tuple[float | None, float | None]
Row = tuple[str, str, ChannelType, tuple[float, float] | None, _Range, _Range, tuple[float, ...], str]
"""Path, unit, type, span, warning, critical, (noise, quantum, sway, offset) and description of a channel."""
NO_LIMIT: _Range = (None, None)


def measurement_of(satellite: str, row: Row) -> Measurement:
    """What ``row`` of a table says of a channel of ``satellite``."""
    path, unit, kind, span, warning, critical, instrument, description = row
    subsystem, _, name = path.partition("/")
    states = {"obc/mode": MODES, "obc/last_command": COMMANDS}.get(path, ())
    limits = _limits(warning, critical)
    noise, quantum, sway, offset = (*instrument, 0.0, 0.0, 0.0, 0.0)[:4]
    channel = Channel(satellite, subsystem, name, unit, kind, states, limits, span, description)
    return Measurement(channel, noise, quantum, sway, offset, unit == "A" and span is not None and span[0] == 0)


def _limits(warning: _Range, critical: _Range) -> tuple[Limit, ...]:
    pairs = ((Severity.WARNING, warning), (Severity.CRITICAL, critical))
    return tuple(Limit(severity, *span) for severity, span in pairs if span != NO_LIMIT)


def _wheel(number: int) -> tuple[Row, ...]:
    name, text = f"aocs/wheel_{number}", f"reaction wheel {number}"
    idle = number == 4
    current = (0.0, 0.4) if idle else (0.0, 1.0)
    speed = (-400.0, 400.0) if idle else (-4000.0, 4000.0)
    fast, faster = (-4200.0, 4200.0), (-5000.0, 5000.0)
    instrument = (0.004, 0.001, 0.0, 0.003) if idle else (0.004, 0.001, 0.03, 0.003)
    rows: tuple[Row, ...] = (
        (f"{name}_current", "A", "f4", current, (None, 1.2), (None, 1.6), instrument, f"Motor current of {text}"),
        (f"{name}_speed", "rpm", "f4", speed, fast, faster, (1.5, 1.0, 12.0 if idle else 0.0), f"Speed of {text}"),
    )
    heat: Row = (
        f"{name}_temperature",
        "°C",
        "f4",
        (10.0, 40.0),
        (None, 40.0),
        (None, 55.0),
        (0.06, 0.05),
        f"Bearing temperature of {text}",
    )
    return rows if idle else (*rows, heat)


def _gyro(axis: str) -> Row:
    wide = ((-0.05, 0.05), (-0.1, 0.1))
    sway = (0.0003, 0.0001, 0.002)
    return (f"aocs/gyro_{axis}", "deg/s", "f4", (-0.02, 0.02), *wide, sway, f"Body rate about {axis}")


_TABLE: tuple[Row, ...] = (
    ("eps/battery_voltage", "V", "f4", (28, 34), (27.2, 33.6), (25.6, 34), (0.01, 0.04), "Battery, 8 cells in series"),
    (
        "eps/battery_current",
        "A",
        "f4",
        (-6, 6),
        (-7, 7),
        (-9, 9),
        (0.012, 0.008, 0.0, 0.03),
        "Charging above 0",
    ),
    ("eps/battery_temperature", "°C", "f4", (5, 30), (0, 35), (-5, 45), (0.06, 0.1), "Middle of the battery"),
    ("eps/battery_charge", "%", "f4", (40, 100), (30, None), (15, None), (0.05, 0.1), "State of charge"),
    (
        "eps/cell_imbalance",
        "mV",
        "f4",
        (0, 40),
        (None, 40),
        (None, 80),
        (0.22, 0.1, 0.8),
        "Highest less lowest cell",
    ),
    ("eps/array_current_y_plus", "A", "f4", (0, 5), (None, 5.5), (None, 7), (0.006, 0.01, 0.0, 0.03), "Panel +Y"),
    ("eps/array_current_y_minus", "A", "f4", (0, 5), (None, 5.5), (None, 7), (0.006, 0.01, 0.0, 0.03), "Panel -Y"),
    ("eps/bus_voltage", "V", "f4", (27, 29), (26.5, 29.5), (25, 31), (0.01, 0.005, 0.008), "Regulated bus"),
    ("eps/bus_power", "W", "f4", (40, 140), (None, 150), (None, 180), (0.4, 0.1), "All loads"),
    (
        "eps/heater_2_current",
        "A",
        "f4",
        (0, 1),
        (None, 1.0),
        (None, 1.3),
        (0.004, 0.002, 0.0, 0.006),
        "Tank heater",
    ),
    ("eps/eclipse", "", "bool", None, NO_LIMIT, NO_LIMIT, (), "The sun is hidden by the earth"),
    ("thermal/panel_y_plus_temperature", "°C", "f4", (-60, 80), (-70, 85), (-90, 100), (0.07, 0.1), "Panel +Y"),
    ("thermal/panel_y_minus_temperature", "°C", "f4", (-60, 80), (-70, 85), (-90, 100), (0.07, 0.1), "Panel -Y"),
    ("thermal/radiator_temperature", "°C", "f4", (-15, 25), (-25, 35), (-35, 45), (0.08, 0.05), "Radiator"),
    ("thermal/structure_temperature", "°C", "f4", (0, 35), (-5, 45), (-15, 55), (0.06, 0.05), "Main frame"),
    ("thermal/tank_temperature", "°C", "f4", (10, 35), (5, 35), (2, 45), (0.06, 0.05), "Held by heater 2"),
    *(row for number in (1, 2, 3, 4) for row in _wheel(number)),
    *(_gyro(axis) for axis in "xyz"),
    (
        "aocs/pointing_error",
        "deg",
        "f4",
        (0, 0.05),
        (None, 0.05),
        (None, 0.2),
        (0.0008, 0.0002, 0.003),
        "Off target",
    ),
    ("aocs/sun_angle", "deg", "f4", (0, 10), (None, 10), (None, 20), (0.035, 0.01, 0.35), "Panel normal to sun"),
    ("aocs/magnetometer_x", "nT", "f4", (-4e4, 4e4), (-6e4, 6e4), NO_LIMIT, (60, 10), "Field along x"),
    ("aocs/magnetometer_y", "nT", "f4", (-5e4, 5e4), (-6e4, 6e4), NO_LIMIT, (60, 10), "Field along y"),
    ("aocs/magnetometer_z", "nT", "f4", (-5e4, 5e4), (-6e4, 6e4), NO_LIMIT, (60, 10), "Field along z, towards the sun"),
    ("aocs/gps_altitude", "km", "f4", (300, 800), (300, 800), NO_LIMIT, (0.008, 0.001), "Above the ellipsoid, by GPS"),
    ("aocs/star_tracker_stars", "", "i8", (0, 30), (4, None), (1, None), (0.5, 1.0, 2.4), "Stars matched"),
    (
        "propulsion/tank_pressure",
        "bar",
        "f4",
        (14, 22),
        (12, 24),
        (10, 26),
        (0.004, 0.002),
        "Helium above the fuel",
    ),
    ("comm/backlog", "MB", "f4", (0, 800), (None, 800), (None, 1000), (0.0, 0.25), "Pictures not yet sent"),
    (
        "comm/beacon_power",
        "dBm",
        "f4",
        (27, 33),
        (27.5, None),
        (26, None),
        (0.012, 0.01, 0.06),
        "Beacon, at the antenna",
    ),
    (
        "comm/transmitter_temperature",
        "°C",
        "f4",
        (10, 50),
        (None, 55),
        (None, 70),
        (0.08, 0.05),
        "Power amplifier",
    ),
    ("comm/frame_counter", "", "u8", (0, 255), NO_LIMIT, NO_LIMIT, (), "Transfer frames made, modulo 256"),
    ("comm/link_rssi", "dBm", "f4", (-120, -80), (-118, None), NO_LIMIT, (0.4, 0.1), "Strength of the uplink"),
    ("comm/link_snr", "dB", "f4", (0, 45), (2, None), NO_LIMIT, (0.3, 0.1), "Uplink signal to noise"),
    ("payload/ccd_temperature", "°C", "f4", (-26, -10), (None, -12), (None, -5), (0.04, 0.02, 0.3), "Detector"),
    (
        "payload/cooler_current",
        "A",
        "f4",
        (0, 2),
        (None, 1.6),
        (None, 2),
        (0.006, 0.002),
        "Cooler of the detector",
    ),
    ("obc/mode", "", "i4", (0, 5), NO_LIMIT, NO_LIMIT, (), "What the satellite is doing"),
    ("obc/cpu_load", "%", "f4", (0, 100), (None, 85), (None, 98), (1.2, 0.5, 1.0), "Processor busy"),
    (
        "obc/gps_time_offset",
        "ns",
        "f4",
        (-400, 400),
        (-500, 500),
        (-1000, 1000),
        (9, 1.0, 24),
        "Clock less GPS time",
    ),
    ("obc/uptime", "s", "u8", (0, 65535), NO_LIMIT, NO_LIMIT, (), "Since the computer was reset, modulo 65,536"),
    ("obc/command_counter", "", "u8", (0, 65535), NO_LIMIT, NO_LIMIT, (), "Telecommands carried out, modulo 65,536"),
    ("obc/last_command", "", "i4", (0, 8), NO_LIMIT, NO_LIMIT, (), "The telecommand carried out last"),
)
_HOUSEKEEPING: tuple[Row, ...] = (
    (
        "eps/heater_1_current",
        "A",
        "f4",
        (0, 0.5),
        (None, 0.4),
        (None, 0.6),
        (0.003, 0.002, 0.0, 0.006),
        "Battery heater",
    ),
    ("propulsion/fuel_mass", "kg", "f4", (0, 3.5), (0.4, None), (0.2, None), (0.0, 0.001), "Reckoned from the burns"),
    ("obc/memory_used", "%", "f4", (0, 100), (None, 85), (None, 95), (0.2, 0.1), "Of the memory for programs"),
    ("obc/resets", "", "u8", (0, 255), NO_LIMIT, NO_LIMIT, (), "Resets of the computer, modulo 256"),
    *(
        (
            f"aocs/gps_{axis}",
            "km",
            "f8",
            (-7200, 7200),
            NO_LIMIT,
            NO_LIMIT,
            (0.006, 0.001),
            f"Position along {axis}, by GPS",
        )
        for axis in "xyz"
    ),
)
"""Sent only where channels have rates of their own."""
_HOUSEKEEPING_PATHS = frozenset(row[0] for row in _HOUSEKEEPING)
