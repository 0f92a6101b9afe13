"""Faults that a plain limit does not catch: what each does to which channels, how large, when, and when it shows.

Pure values, any thread. The size is counted in commissioning sigmas: the standard deviation of the main channel
over its first ``COMMISSIONING`` samples without the fault. The ceiling holds just as well for whoever takes the
standard deviation and the mean from one of the spans of ``OTHERS``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.orbit import Floats
from simulator.physics import HEATER

HOUR = 3600.0
"""The fault lies between 40 % and 80 % of it, in seconds after the start."""
COMMISSIONING = 1000
"""Samples at 1 Hz whose standard deviation is one sigma."""
OTHERS = (700, 1200, 1440)
"""What else might be called commissioning: the part that is fitted, a longer one, all that comes before a fault."""
CEILING = 6.0
"""No value of the main channel departs further from its commissioning mean, and none from the same run without the
fault, in sigmas."""


@dataclass(frozen=True, slots=True)
class Effect:
    """``amount`` in channel units at the height of the fault; a ``slow`` one follows like heat."""

    path: str
    amount: float
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to fail. ``main`` moves by the fault's size in the direction of ``sign``; ``others`` follow it."""

    name: str
    main: str
    sign: int
    others: tuple[Effect, ...]
    stuck_heater: bool = False


def _kinds() -> tuple[Kind, ...]:
    wheels = (
        Kind(
            "wheel_bearing_friction",
            f"aocs/wheel_{n}_current",
            1,
            (Effect(f"aocs/wheel_{n}_temperature", 1.5, slow=True), Effect("aocs/pointing_error", 0.006)),
        )
        for n in (1, 2, 3)
    )
    gyros = (Kind("gyro_bias", f"aocs/gyro_{axis}", 1, (Effect("aocs/pointing_error", 0.005),)) for axis in "xyz")
    cell = (Effect("eps/battery_voltage", -0.12), Effect("eps/battery_temperature", 0.8, slow=True))
    fade = (Effect("comm/transmitter_temperature", 1.5, slow=True),)
    return (
        *wheels,
        *gyros,
        Kind("battery_cell", "eps/cell_imbalance", 1, cell),
        Kind("transmitter_fade", "comm/beacon_power", -1, fade),
        Kind("cooler_loss", "payload/ccd_temperature", 1, ()),
        Kind("panel_drive_slip", "aocs/sun_angle", 1, ()),
        Kind("clock_drift", "obc/gps_time_offset", -1, ()),
        Kind("heater_stuck_on", "thermal/tank_temperature", 1, (), stuck_heater=True),
    )


KINDS = _kinds()
"""Every fault that a simulation can have."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one satellite; ``start``, ``end``, ``rise`` and ``fall`` in seconds after the start of the run.

    ``amount`` is the height of the fault on its main channel, in channel units, with its sign; of a stuck heater
    it is the temperature at which the tank settles.
    """

    kind: Kind
    start: float
    end: float
    rise: float
    fall: float
    amount: float

    def shape(self, t: Floats, slow: bool = False) -> Floats:
        """(n,) how far the fault has come at ``t`` (n,): 0 outside, 1 at its height, smooth between."""
        rise = min(4 * self.rise, (self.end - self.start) / 2) if slow else self.rise
        up, down = (t - self.start) / rise, (self.end - t) / self.fall
        part: Floats = np.clip(np.minimum(up, down), 0, 1)
        return part * part * (3 - 2 * part)

    def apply(self, rows: dict[str, Floats], t: Floats) -> None:
        """Change the course of the satellite (``rows``: path to (n,) values at ``t``) as the fault does."""
        shape = self.shape(t)
        if self.kind.stuck_heater:
            # The thermostat has lost its heater: the tank leaves its cycle and settles higher.
            tank = rows[self.kind.main]
            tank += shape * (self.amount - tank)
            rows["eps/heater_2_current"][(t >= self.start) & (t < self.end - self.fall)] = HEATER
        else:
            rows[self.kind.main] += self.amount * shape
        for effect in self.kind.others:
            rows[effect.path] += effect.amount * (self.shape(t, slow=True) if effect.slow else shape)
