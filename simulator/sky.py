"""What lies around an orbit: where the sun is, how the earth turns, what it hides, its magnetic field. Pure functions.

Vectors are (n, 3) in the earth's equatorial frame of date (TEME, the frame of SGP4); the difference between the
true and the mean equinox, a few arc seconds, is left out.
"""

from __future__ import annotations

import numpy as np

from simulator.chance import Floats

EARTH = 6378.137
"""Equatorial radius of WGS 84, km."""
SUN_RADIUS = np.radians(0.2666)
"""Apparent radius of the sun from one astronomical unit, radians."""
_FLATTENING = 1 / 298.257223563
_DIPOLE = 29_734.0
"""Strength of the dipole part of IGRF-14 at 2025.0: sqrt(g10^2 + g11^2 + h11^2), nanotesla at 6371.2 km."""
_POLE = np.radians(np.array([80.8, -72.8]))
"""Latitude and longitude of that dipole's northern pole."""


def sun_direction(days: Floats) -> Floats:
    """(n, 3) unit vectors to the sun; ``days`` (n,) since J2000. Vallado, Fundamentals, algorithm 29 (0.01 deg)."""
    century = days / 36525
    anomaly = np.radians(357.5291092 + 35999.05034 * century)
    mean = 280.460 + 36000.771 * century
    longitude = np.radians(mean + 1.914666471 * np.sin(anomaly) + 0.019994643 * np.sin(2 * anomaly))
    obliquity = np.radians(23.439291 - 0.0130042 * century)
    return np.stack(
        (
            np.cos(longitude),
            np.cos(obliquity) * np.sin(longitude),
            np.sin(obliquity) * np.sin(longitude),
        ),
        axis=-1,
    )


def sidereal(days: Floats) -> Floats:
    """Greenwich mean sidereal time in radians; ``days`` since J2000 (UT1). IAU 1982, Vallado equation 3-47."""
    century = days / 36525
    seconds = 67310.54841 + (876600 * 3600 + 8640184.812866) * century + (0.093104 - 6.2e-6 * century) * century**2
    angle: Floats = np.radians(seconds / 240) % (2 * np.pi)
    return angle


def fixed(latitude: float, longitude: Floats) -> Floats:
    """(n, 3) unit vectors of a geocentric ``latitude`` at right ascensions ``longitude`` (n,), radians."""
    level = np.cos(latitude)
    height = np.full_like(longitude, np.sin(latitude))
    return np.stack((level * np.cos(longitude), level * np.sin(longitude), height), axis=-1)


def shadow_depth(position: Floats, sun: Floats) -> Floats:
    """(n,) how far the sun's centre stands above the earth's limb, in radii of the sun; below 0 it is hidden.

    ``position`` in km. The earth is a sphere without air, as in Vallado's algorithm 34.
    """
    distance = np.linalg.norm(position, axis=-1)
    apart = np.arccos(np.clip(-dot(position, sun) / distance, -1, 1))
    depth: Floats = (apart - np.arcsin(EARTH / distance)) / SUN_RADIUS
    return depth


def sunlight(depth: Floats) -> Floats:
    """The part of the sun's disc that is seen at ``depth`` (radii of the sun above the limb): 0 .. 1.

    Seen from a low orbit the limb is nearly straight: the disc is cut along a chord (Montenbruck & Gill, Satellite
    Orbits, section 3.4.2, for an earth much larger than the sun).
    """
    x = np.clip(depth, -1, 1)
    part: Floats = 1 - (np.arccos(x) - x * np.sqrt(1 - x * x)) / np.pi
    return part


def altitude(position: Floats) -> Floats:
    """(n,) height above the WGS 84 ellipsoid, km, to first order in its flattening (20 m)."""
    distance = np.linalg.norm(position, axis=-1)
    height: Floats = distance - EARTH * (1 - _FLATTENING * (position[:, 2] / distance) ** 2)
    return height


def field(position: Floats, turn: Floats) -> Floats:
    """(n, 3) the earth's field in nanotesla at ``position`` (km), with the earth turned by ``turn`` (radians).

    A tilted dipole in the middle of the earth: Wertz, Spacecraft Attitude Determination and Control, appendix H.
    """
    distance = np.linalg.norm(position, axis=-1, keepdims=True)
    up = position / distance
    pole = -fixed(float(_POLE[0]), turn + _POLE[1])
    whole: Floats = _DIPOLE * (6371.2 / distance) ** 3 * (3 * dot(pole, up)[:, None] * up - pole)
    return whole


def dot(one: Floats, other: Floats) -> Floats:
    """(n,) products of (n, 3) vectors, row by row."""
    product: Floats = (one * other).sum(axis=-1)
    return product
