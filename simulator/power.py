"""Panels, regulator, battery: the laws between light, load and charge. Pure functions of numbers or arrays alike.

The regulator (a shunt regulator in sections, as on most small satellites) takes from the panels what the bus and the
charge need and no more; what the panels cannot give comes from the battery.
"""

from __future__ import annotations

from typing import TypeVar

from simulator.chance import Floats

Number = TypeVar("Number", float, Floats)

BUS = 28.0
"""Regulated bus, volts."""
HEATER = 0.55
"""Current of the tank's heater when it is on, amperes."""
BATTERY_HEATER = 0.2
"""Current of the battery's heater when it is on, amperes."""
BASE, IMAGER, TRANSMITTER, THRUSTER, SAFE_LOAD = 58.0, 14.0, 9.0, 12.0, 44.0
"""Watts: what always runs, what each consumer adds, and what is left in safe mode."""
CAPACITY = 8.0
"""Of the battery, ampere hours."""
FULL = 99.8
"""State of charge at which charging ends, per cent."""
_CHARGE = 2.2  # amperes, the charger's limit
_END = 27.9  # volts at the cells at which the charge tapers
_PANEL = 98.0  # watts of a panel that faces the sun, at 28 degrees
_FADE = 0.0035  # of that, lost a degree: triple-junction cells at their maximum power point


def panel_current(light: Number, cosine: Number, temperature: Number) -> Number:
    """Amperes of bus current that one panel can give: the cosine law, less what heat costs (``temperature`` in C)."""
    return light * cosine * (1 - _FADE * (temperature - 28)) * (_PANEL / BUS)


def battery_flow(available: Number, load: Number, missing: Number) -> Number:
    """Amperes into the battery (charging above 0); ``available`` and ``load`` in amperes, ``missing`` of full 0..1.

    Constant current, then constant voltage: the taper follows from the internal resistance.
    """
    wish = least(_above((_END - cell_voltage(missing)) / RESISTANCE), _CHARGE)
    return least(available - load, wish)


def cell_voltage(missing: Number) -> Number:
    """Volts of the battery at rest: eight lithium-ion cells in series, steeper near full."""
    return 27.9 - 5.0 * missing - 0.3 * missing / (missing + 0.05)


RESISTANCE = 0.12
"""Internal resistance of the battery at 20 degrees, ohms."""


def battery_voltage(missing: Number, flow: Number, temperature: Number) -> Number:
    """Volts at the terminals: the internal resistance grows by 1 % for each degree below 20 C."""
    return cell_voltage(missing) + flow * RESISTANCE * (1 + 0.01 * (20 - temperature))


def least(one: Number, other: Number | float) -> Number:
    """The smaller of two numbers, or row by row of arrays: the same arithmetic for both."""
    return 0.5 * (one + other - abs(one - other))


def _above(one: Number) -> Number:
    return 0.5 * (one + abs(one))
