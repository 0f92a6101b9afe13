"""Panels, regulator, battery: the laws between light, load and charge. Pure functions of numbers or arrays alike.

The regulator (a shunt regulator in sections, as on most small satellites) takes from the panels what the bus and the
charge need and no more; what the panels cannot give comes from the battery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from simulator.chance import Floats

Number = TypeVar("Number", float, Floats)

BUS = 28.0
"""Regulated bus, volts."""
HEATER = 0.8
"""Current of the tank's heater when it is on, amperes."""
BATTERY_HEATER = 0.2
"""Current of the battery's heater when it is on, amperes."""
BASE, IMAGER, TRANSMITTER, THRUSTER, SAFE_LOAD = 58.0, 14.0, 9.0, 12.0, 44.0
"""Watts: what always runs, what each consumer adds, and what is left in safe mode."""
FULL = 99.8
"""State of charge at which charging ends, per cent."""
_PANEL = 98.0  # watts of a panel that faces the sun, at 28 degrees
_FADE = 0.0035  # of that, lost a degree: triple-junction cells at their maximum power point


def panel_current(light: Number, cosine: Number, temperature: Number) -> Number:
    """Amperes of bus current that one panel can give: the cosine law, less what heat costs (``temperature`` in C)."""
    return light * cosine * (1 - _FADE * (temperature - 28)) * (_PANEL / BUS)


@dataclass(frozen=True, slots=True)
class Battery:
    """Lithium-ion ``cells`` in series of ``capacity`` ampere hours, and the charger before them.

    ``end`` is the voltage of a cell at which the charge tapers, ``limit`` the charger's amperes, ``ohms`` the
    resistance of all cells at 20 degrees. ``missing`` is the part of a full charge that is not there, 0..1; ``inside``
    the resistance at the time, ohms.
    """

    cells: int
    end: float
    limit: float
    capacity: float
    ohms: float

    def rest(self, missing: Number) -> Number:
        """Volts without a current: steep near full, flat in the middle, and down a knee to 1.1 V a cell less."""
        return self.cells * (self.end - 1.1 * missing + 0.6 * missing * missing - 0.018 * missing / (1.03 - missing))

    def resistance(self, temperature: Number) -> Number:
        """Ohms: 1 % more for each degree below 20 C."""
        return self.ohms * (1 + 0.01 * (20 - temperature))

    def flow(self, surplus: Number, missing: Number, inside: Number) -> Number:
        """Amperes into the battery (charging above 0).

        ``surplus`` is what the panels give beyond the loads, watts; below 0 it is what the battery has to give. All
        of it flows, at most the charger's limit; from the end voltage on what the resistance lets through, which
        tapers off.
        """
        rest = self.rest(missing)
        # surplus = current times voltage, and the voltage rises with the current.
        given: Number = 2 * surplus / (rest + np.sqrt(rest * rest + 4 * inside * surplus))
        return least(given, least(_above((self.cells * self.end - rest) / inside), self.limit))

    def voltage(self, missing: Number, flow: Number, inside: Number) -> Number:
        """Volts at the terminals."""
        return self.rest(missing) + flow * inside


BATTERY = Battery(cells=8, end=4.1, limit=1.8, capacity=8.0, ohms=0.12)
"""Charged to less than the 4.2 V that a cell can bear, so that it lasts, within some four hours."""


def least(one: Number, other: Number | float) -> Number:
    """The smaller of two numbers, or row by row of arrays: the same arithmetic for both."""
    return 0.5 * (one + other - abs(one - other))


def _above(one: Number) -> Number:
    return 0.5 * (one + abs(one))
