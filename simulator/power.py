"""Panels, regulator, battery: the laws between light, load and charge. Pure functions of numbers or arrays alike.

The regulator (a shunt regulator in sections, as on most small satellites) takes from the panels what the bus and the
charge need and no more; what the panels cannot give comes from the battery.
"""

from __future__ import annotations

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
CAPACITY = 8.0
"""Of the battery, ampere hours."""
FULL = 99.8
"""State of charge at which charging ends, per cent."""
CELLS = 8
"""Lithium-ion cells of the battery, in series."""
_RESISTANCE = 0.12  # ohms of the battery at 20 degrees
_CHARGE = 1.8  # amperes, the charger's limit: it takes a quarter of the capacity in an hour
_END = 4.1  # volts of a cell at which the charge tapers: below the 4.2 that a cell can bear, so that it lasts
_PANEL = 98.0  # watts of a panel that faces the sun, at 28 degrees
_FADE = 0.0035  # of that, lost a degree: triple-junction cells at their maximum power point


def panel_current(light: Number, cosine: Number, temperature: Number) -> Number:
    """Amperes of bus current that one panel can give: the cosine law, less what heat costs (``temperature`` in C)."""
    return light * cosine * (1 - _FADE * (temperature - 28)) * (_PANEL / BUS)


def cell_voltage(missing: Number) -> Number:
    """Volts of one lithium-ion cell at rest: 4.1 where nothing is ``missing`` of its charge, 3.0 where all of it is.

    Steep near full, flat in the middle, and down a knee at the end.
    """
    return _END - 1.1 * missing + 0.6 * missing * missing - 0.018 * missing / (1.03 - missing)


def resistance(temperature: Number) -> Number:
    """Ohms inside the battery: 1 % more for each degree below 20 C."""
    return _RESISTANCE * (1 + 0.01 * (20 - temperature))


def battery_flow(surplus: Number, missing: Number, inside: Number) -> Number:
    """Amperes into the battery (charging above 0).

    ``surplus`` is what the panels give beyond the loads, watts (below 0: what the battery has to give), ``missing``
    of a full charge 0..1, ``inside`` its resistance in ohms. What there is, at most the charger's limit; from the end
    voltage on what the resistance lets through, which tapers off.
    """
    rest = CELLS * cell_voltage(missing)
    # surplus = current times voltage, and the voltage rises with the current.
    given: Number = 2 * surplus / (rest + np.sqrt(rest * rest + 4 * inside * surplus))
    wish = least(_above((CELLS * _END - rest) / inside), _CHARGE)
    return least(given, wish)


def battery_voltage(missing: Number, flow: Number, inside: Number) -> Number:
    """Volts at the terminals of the battery, ``inside`` its resistance in ohms."""
    return CELLS * cell_voltage(missing) + flow * inside


def least(one: Number, other: Number | float) -> Number:
    """The smaller of two numbers, or row by row of arrays: the same arithmetic for both."""
    return 0.5 * (one + other - abs(one - other))


def _above(one: Number) -> Number:
    return 0.5 * (one + abs(one))
