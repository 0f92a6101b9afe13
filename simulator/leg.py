"""A solved leg of a satellite's course: what is smooth as points of a grid, what is switched as spans. Pure values.

What changes faster than the grid is evaluated where it is asked for, at whatever moments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.chance import Floats
from simulator.power import BASE, IMAGER, SAFE_LOAD, THRUSTER, TRANSMITTER
from simulator.spans import eased

GRID = 10.0
"""Seconds of a step: the on-board computer looks at its thermostats as often."""
STEPS = 600
"""Steps of a leg."""
LEG = STEPS * GRID
"""Seconds that are solved at once: about an orbit."""
_SWITCH = 3.0  # seconds in which a consumer reaches its power


@dataclass(frozen=True, slots=True)
class State:
    """All that a leg hands on to the next. ``missing`` is the part of a full charge, ``booted`` a moment."""

    kelvin: Floats
    heating: tuple[bool, bool]
    missing: float
    stored: Floats
    backlog: float
    fuel: float
    commands: int
    last_command: int
    booted: float
    resets: int


@dataclass(frozen=True, slots=True)
class Happened:
    """Moments of a leg: resets of the computer, and telecommands with their codes."""

    resets: Floats
    told: Floats
    codes: Floats


@dataclass(frozen=True, slots=True)
class Leg:
    """The solved leg that begins ``start`` seconds after the run does. ``grid`` holds (STEPS + 1,) a name."""

    start: float
    rows: tuple[str, ...]
    grid: Floats
    heating: npt.NDArray[np.bool_]
    """(2, STEPS) the tank's and the battery's heater."""
    contacts: Floats
    sessions: Floats
    manoeuvres: Floats
    safe: Floats
    happened: Happened
    begin: State

    def at(self, t: Floats) -> dict[str, Floats]:
        """What is smooth, at ``t`` (n,) seconds after the start of the run: straight between points of the grid."""
        where = np.clip((t - self.start) / GRID, 0, STEPS)
        whole = np.minimum(where.astype(np.intp), STEPS - 1)
        part = where - whole
        values = self.grid[:, whole] * (1 - part) + self.grid[:, whole + 1] * part
        return dict(zip(self.rows, values, strict=True))

    def heaters(self, t: Floats) -> npt.NDArray[np.bool_]:
        """(2, n) whether the tank's and the battery's heater are on."""
        on: npt.NDArray[np.bool_] = self.heating[:, np.clip((t - self.start) / GRID, 0, STEPS - 1).astype(np.intp)]
        return on

    def imaging(self, t: Floats) -> Floats:
        """(n,) 0 .. 1, how far the payload is switched on."""
        return eased(self.sessions, t, _SWITCH)

    def sending(self, t: Floats) -> Floats:
        """(n,) 0 .. 1, how far the transmitter is switched on."""
        return eased(self.contacts, t, _SWITCH)

    def load(self, t: Floats) -> Floats:
        """(n,) watts of all loads but the heaters."""
        base = BASE + (SAFE_LOAD - BASE) * eased(self.safe, t, _SWITCH)
        consumers = IMAGER * self.imaging(t) + TRANSMITTER * self.sending(t)
        return base + consumers + THRUSTER * eased(self.manoeuvres, t, _SWITCH)
