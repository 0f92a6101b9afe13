"""The channels of a CubeSat: coarse converters, and sensors with offsets. Plain data, any thread."""

from __future__ import annotations

from simulator.catalogue import NO_LIMIT, Measurement, Row, measurement_of
from simulator.cubesat import FACES


def cubesat_measurements(satellite: str) -> tuple[Measurement, ...]:
    """Every channel of ``satellite``, subsystem by subsystem."""
    return tuple(measurement_of(satellite, row) for row in _TABLE)


def _panels() -> tuple[Row, ...]:
    rows: list[Row] = []
    for face in FACES:
        name, text = f"eps/panel_{face}", f"Panel {'-' if face.endswith('minus') else '+'}{face[0].upper()}"
        current, volts = (0.002, 0.005, 0.0, 0.008), (0.008, 0.0015, 0.0, 0.1)
        rows += [
            (f"{name}_current", "A", "f4", (0, 0.6), (None, 0.7), (None, 0.9), current, text),
            (f"{name}_voltage", "V", "f4", (0, 6), (None, 6), (None, 7), volts, text),
        ]
    return tuple(rows)


_HOT = ((-45, 80), (-55, 90))
_TABLE: tuple[Row, ...] = (
    ("eps/battery_voltage", "V", "f4", (3.0, 4.3), (3.4, 4.3), (3.2, 4.35), (0.003, 0.025), "One cell"),
    ("eps/battery_current", "A", "f4", (-1, 1), (-1, 1), (-1.5, 1.5), (0.004, 0.003, 0.0, 0.01), "Charging above 0"),
    (
        "eps/battery_temperature",
        "°C",
        "f4",
        (-10, 40),
        (-10, 45),
        (-20, 60),
        (0.04, 0.4),
        "The cell, which has no heater",
    ),
    *_panels(),
    ("eps/eclipse", "", "bool", None, NO_LIMIT, NO_LIMIT, (), "The sun is hidden by the earth"),
    *(
        (f"thermal/panel_{f}_temperature", "°C", "f4", (-40, 70), *_HOT, (0.07, 0.11), "Behind the cells")
        for f in FACES
    ),
    ("thermal/board_temperature", "°C", "f4", (-20, 50), (-25, 60), (-35, 70), (0.1, 0.25), "Stack of boards"),
    *(
        (f"aocs/gyro_{a}", "deg/s", "f4", (-4, 4), (-8, 8), NO_LIMIT, (0.02, 0.01, 0.03), f"Rate about {a}")
        for a in "xyz"
    ),
    *(
        (f"aocs/magnetometer_{a}", "nT", "f4", (-6e4, 6e4), (-7e4, 7e4), NO_LIMIT, (150, 50), f"Field along {a}")
        for a in "xyz"
    ),
    (
        "comm/beacon_power",
        "dBm",
        "f4",
        (17, 23),
        (17.5, None),
        (16, None),
        (0.05, 0.05, 0.06),
        "Beacon, at the antenna",
    ),
    ("comm/frame_counter", "", "u8", (0, 255), NO_LIMIT, NO_LIMIT, (), "Transfer frames made, modulo 256"),
    ("comm/link_rssi", "dBm", "f4", (-125, -80), (-122, None), NO_LIMIT, (0.8, 0.5), "Strength of the uplink"),
    ("comm/link_snr", "dB", "f4", (-5, 45), (-5, None), NO_LIMIT, (0.6, 0.5), "Uplink signal to noise"),
    ("obc/cpu_load", "%", "f4", (0, 100), (None, 85), (None, 98), (1.2, 0.5, 1.0), "Processor busy"),
    ("obc/uptime", "s", "u8", (0, 65535), NO_LIMIT, NO_LIMIT, (), "Since the computer was reset, modulo 65,536"),
)
