"""Attitude: a body that faces the sun, the torques on it, and the wheels that take them up. Pure functions.

Body axes: z to the sun, y as near to the celestial north as that allows, x completing them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.chance import Floats
from simulator.sky import dot

WHEEL_INERTIA = 1.6e-4
"""Of each wheel about its axis, kg m^2."""
_MOTOR = 0.03  # N m of torque from an ampere
_UNLOADING = 1500.0  # seconds in which magnetic torquers take what has gathered
_MU = 398600.4418e9  # m^3/s^2
_RPM = 60 / (2 * np.pi)


@dataclass(frozen=True, slots=True)
class Character:
    """What differs from satellite to satellite: inertia (3,) kg m^2, residual dipole (3,) A m^2, and the wheels'
    bias (3,) rpm, Coulomb friction (3,) A and viscous friction (3,) A/rpm.
    """

    inertia: Floats
    dipole: Floats
    bias: Floats
    friction: Floats
    viscous: Floats


def draw_character(rng: np.random.Generator) -> Character:
    """One of a series of the same build."""
    return Character(
        np.array([9.0, 12.0, 7.0]) * rng.uniform(0.95, 1.05, 3),
        rng.uniform(0.05, 0.15, 3) * rng.choice((-1, 1), 3),
        np.array([1, -1, 1]) * rng.uniform(1700, 2800, 3),
        rng.uniform(0.36, 0.44, 3),
        rng.uniform(6e-6, 1e-5, 3),
    )


def in_body(vectors: Floats, sun: Floats) -> Floats:
    """(n, 3) inertial ``vectors`` along the body axes of a satellite that faces ``sun`` (n, 3)."""
    x = np.cross(np.array([0.0, 0.0, 1.0]), sun)
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    return np.stack((dot(vectors, x), dot(vectors, np.cross(sun, x)), dot(vectors, sun)), axis=-1)


def torque(character: Character, position: Floats, field: Floats) -> Floats:
    """(n, 3) N m on the body; ``position`` (km) and ``field`` (nT) along its axes.

    The gravity gradient, 3 mu/r^3 (r x J r), and a residual dipole in the field, m x B: Wertz, chapter 17.
    """
    distance = np.linalg.norm(position, axis=-1, keepdims=True)
    up = position / distance
    gradient = 3 * _MU / (distance * 1e3) ** 3 * np.cross(up, character.inertia * up)
    whole: Floats = gradient + np.cross(character.dipole, field * 1e-9)
    return whole


def momentum(first: Floats, torques: Floats, seconds: float) -> Floats:
    """(n + 1, 3) N m s in the wheels beyond their bias, ``first`` (3,) at first; ``torques`` (n, 3) a step each.

    h' = T - h / tau, solved exactly over each step; n steps must not be many times tau.
    """
    decay = np.exp(-seconds / _UNLOADING)
    powers = decay ** np.arange(len(torques) + 1)[:, None]
    gained = np.cumsum(torques / powers[1:], axis=0) * (_UNLOADING * (1 - decay))
    return np.concatenate((first[None], powers[1:] * (first + gained)))


def wheels(character: Character, stored: Floats, torques: Floats) -> tuple[Floats, Floats]:
    """(n, 3) speeds in rpm and motor currents in amperes for momentum ``stored`` and ``torques``, (n, 3) each."""
    speed = character.bias + stored / WHEEL_INERTIA * _RPM
    current = character.friction + character.viscous * np.abs(speed) + np.abs(torques) / _MOTOR
    return speed, current
