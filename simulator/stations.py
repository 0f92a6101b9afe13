"""Ground stations: which of them sees a satellite, how high above its horizon, and how strongly. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.chance import Floats
from simulator.sky import EARTH, dot, fixed
from simulator.spans import Span, crossings, edges_of

MASK = np.radians(5.0)
"""A station works above this elevation."""
LOWEST_PASS = np.radians(9.5)
"""A pass that never rises above this is not booked."""
NOTHING = -118.0
"""What the receiver shows while no station sends, dBm."""
_CARRIER = 2.05e9  # hertz, S band
_HORIZON = 10.0  # dB lost at the mask
_SENT = 62.0  # dBm radiated by a station towards the satellite


@dataclass(frozen=True, slots=True)
class Station:
    """``latitude`` and ``longitude`` in degrees, east positive, on a spherical earth."""

    name: str
    latitude: float
    longitude: float


STATIONS = (
    Station("Kiruna", 67.86, 20.96),
    Station("Inuvik", 68.32, -133.55),
    Station("Punta Arenas", -52.94, -70.85),
    Station("Awarua", -46.53, 168.38),
    Station("Troll", -72.01, 2.53),
)
"""The network that the fleet has booked."""


def seen_from(station: Station, position: Floats, turn: Floats) -> tuple[Floats, Floats]:
    """(n,) elevation (radians) and range (km) of a satellite at ``position`` (n, 3), the earth turned by ``turn``."""
    up = fixed(float(np.radians(station.latitude)), turn + np.radians(station.longitude))
    way = position - EARTH * up
    distance = np.linalg.norm(way, axis=-1)
    elevation: Floats = np.arcsin(np.clip(dot(way, up) / distance, -1, 1))
    return elevation, distance


def contacts_of(t: Floats, position: Floats, turn: Floats) -> tuple[list[Span], Floats, Floats]:
    """Booked passes, and (n,) elevation and range of the highest station at ``t`` (n,) seconds; ``turn`` as above.

    A pass is whole where it touches no end of ``t``.
    """
    seen = [seen_from(station, position, turn) for station in STATIONS]
    passes = []
    for elevation, _ in seen:
        for begin, end in crossings(t, elevation - MASK):
            if elevation[np.searchsorted(t, begin) : np.searchsorted(t, end)].max(initial=-1) > LOWEST_PASS:
                passes.append((begin, end))
    elevations, distances = np.array([one[0] for one in seen]), np.array([one[1] for one in seen])
    highest = elevations.argmax(axis=0)[None]
    joined = edges_of(passes)
    return (
        list(zip(joined[::2].tolist(), joined[1::2].tolist(), strict=True)),
        np.take_along_axis(elevations, highest, 0)[0],
        np.take_along_axis(distances, highest, 0)[0],
    )


def received(elevation: Floats, distance: Floats) -> Floats:
    """Strength of the uplink, dBm, from ``elevation`` (radians) and ``distance`` (km).

    Free space loss (ITU-R P.525), an isoflux antenna under the satellite, which favours a low station as its distance
    asks for, and what hills and reflections take near the horizon.
    """
    loss = 20 * np.log10(4e3 * np.pi * distance * _CARRIER / 299_792_458.0)
    antenna = 3.0 - 6.0 * np.sin(np.maximum(elevation, 0)) ** 2
    horizon = _HORIZON * np.exp(-np.maximum(elevation - MASK, 0) / np.radians(4.0))
    level: Floats = _SENT - loss + antenna - horizon
    return level
