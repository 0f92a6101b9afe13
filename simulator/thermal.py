"""The thermal network: nodes with a heat capacity, joined to each other, radiating to space. Pure values, any thread.

A lumped-parameter model as in Gilmore, Spacecraft Thermal Control Handbook, chapter 15: explicit steps, short beside
the quickest node.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from simulator.chance import Floats

NODES = (
    *("panel_plus", "panel_minus", "structure", "battery", "radiator", "tank", "transmitter"),
    *("wheel_1", "wheel_2", "wheel_3"),
)
PLUS, MINUS, STRUCTURE, BATTERY, RADIATOR, TANK, TRANSMITTER, WHEELS = 0, 1, 2, 3, 4, 5, 6, 7
"""Numbers of the nodes; the wheels are the last three."""
ZERO = 273.15
"""0 degrees Celsius in kelvin."""
STEFAN = 5.670374e-8  # W m^-2 K^-4
SUN, EARTH, ALBEDO = 1361.0, 237.0, 0.3  # W/m^2 from the sun and from the earth, and what the earth reflects
_AREA = 0.35  # m^2 of a panel, which radiates from both its sides
# J/K. The tank is 3.2 kg of hydrazine (3.1 kJ/kg K) in a kilogram of titanium, the battery 2.5 kg of cells.
_CAPACITY = np.array([2000.0, 2150.0, 26_000.0, 2500.0, 3000.0, 10_500.0, 150.0, 700.0, 700.0, 700.0])
_RADIATING = np.array([2 * 0.82 * _AREA, 2 * 0.82 * _AREA, 0.0, 0.0, 0.32, 0.0, 0.0, 0.0, 0.0, 0.0])  # m^2 of black
_JOINTS = (  # W/K
    (PLUS, STRUCTURE, 0.05),
    (MINUS, STRUCTURE, 0.05),
    (STRUCTURE, RADIATOR, 5.0),
    (STRUCTURE, BATTERY, 0.6),
    (STRUCTURE, TANK, 2.3),
    (STRUCTURE, TRANSMITTER, 0.6),
    *((STRUCTURE, WHEELS + wheel, 0.5) for wheel in range(3)),
)


@dataclass(frozen=True, slots=True)
class Thermostat:
    """Switches a heater on below ``low`` and off above ``high``, degrees Celsius; between, it stays as it is."""

    low: float
    high: float

    def __call__(self, on: bool, temperature: float) -> bool:
        """Whether the heater is on now that its node has ``temperature``."""
        return temperature < self.high if on else temperature < self.low


BATTERY_THERMOSTAT = Thermostat(10.0, 12.0)
"""Heater 1, on the battery: it keeps a cold satellite from freezing, and is off as long as there is nothing wrong."""


class Network:
    """Nodes of ``capacity`` (nodes,) J/K that radiate as ``black`` (nodes,) m^2 do, with ``joints`` in W/K."""

    def __init__(self, capacity: Floats, black: Floats, joints: Iterable[tuple[int, int, float]]) -> None:
        self._capacity, self._black = capacity, black * STEFAN
        self._joints = np.zeros((len(capacity), len(capacity)))
        for one, other, conductance in joints:
            self._joints[[one, other], [one, other]] += conductance
            self._joints[[one, other], [other, one]] -= conductance

    def step(self, kelvin: Floats, heat: Floats, seconds: float) -> Floats:
        """(nodes,) temperatures ``seconds`` later; ``kelvin`` (nodes,) now, ``heat`` (nodes,) watts put into each."""
        square = kelvin * kelvin
        # Not as a product of matrices, whose sums may be in another order on another machine.
        conducted = (self._joints * kelvin).sum(axis=1)
        after: Floats = kelvin + (heat - conducted - self._black * square * square) * (seconds / self._capacity)
        return after


NETWORK = Network(_CAPACITY, _RADIATING, _JOINTS)


def heat_from_outside(light: Floats, over_day: Floats, cosine: Floats) -> Floats:
    """(n, nodes) watts from sun and earth; ``light`` 0..1, ``over_day`` cosine of the sun's zenith angle below.

    ``cosine`` is that of the angle between the sun and the panels' normals.
    """
    heat = np.zeros((len(light), len(NODES)))
    reflected = ALBEDO * SUN * np.maximum(over_day, 0)
    # A panel sees the earth beside it with a third of its two sides, all in all.
    panel = _AREA * (0.88 * SUN * light * cosine + 0.33 * (0.82 * EARTH + 0.88 * reflected) + 20.0)
    heat[:, PLUS], heat[:, MINUS] = panel, panel
    heat[:, STRUCTURE] = 9.0 * light + 4.0
    heat[:, RADIATOR] = 8.0 + 0.02 * reflected
    return heat
