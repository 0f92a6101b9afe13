"""One satellite's orbit: a TLE made from the seed, propagated by SGP4. Pure values, any thread.

Times are seconds since the run began. The moment of the year and of the day at which a run begins is chosen, satellite
by satellite and whatever the date on its samples, so that everything that happens once an orbit happens in the first
quarter of an hour: an eclipse begins 60 to 130 s after the start, and a first contact 250 to 400 s after it. Whoever
watches from the start has seen each of it before it comes again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sgp4.api import WGS72, Satrec
from sgp4.exporter import export_tle

from simulator.chance import Floats
from simulator.sky import EARTH, shadow_depth, sidereal, sun_direction
from simulator.stations import MASK, STATIONS, contacts_of

__all__ = ["Floats", "Orbit", "plan_orbit"]

_J2000 = 2451545.0
_SGP4_ZERO = 2433281.5  # the Julian date from which SGP4 counts the days of an epoch
_YEAR = 10957.5  # 2030-01-01T00:00:00Z, days since J2000
_MU, _J2 = 398600.8, 1.082616e-3  # WGS 72, as SGP4 has them: km^3/s^2
_TROPICAL = 365.2421897  # days in which the orbit's plane turns once, with the sun
_WANTED = (260.0, 370.0), (410.0, 520.0)
"""Start and length of the first contact, seconds."""
_FIRST = 200.0, 450.0, 1000.0  # seconds: it begins between the first two, and ends before the third
_COLD = -300.0  # seconds: no contact after this warms the transmitter already
_LATE = 800.0  # seconds after the start at which a usual first eclipse has ended
_SHOWN = 30.0  # seconds of the contact after the eclipse, during which the mode says so
_BOOKED = 340.0  # seconds of the shortest pass that rises high enough
_HIGHEST_SUN = np.radians(72.0)  # above the orbit's plane: no eclipse


@dataclass(frozen=True, slots=True)
class Orbit:
    """``period`` in seconds, the lines of the TLE, and ``epoch``: the start of the run in days since J2000."""

    period: float
    tle: tuple[str, str]
    epoch: float
    eclipse: tuple[float, float]
    """Start and end of the first eclipse, seconds after the start; equal where there is none."""

    def days(self, t: Floats) -> Floats:
        """``t`` seconds after the start as days since J2000."""
        return self.epoch + t / 86400

    def along(self, t: Floats) -> Floats:
        """(n, 3) position in km at ``t`` (n,) seconds after the start, in TEME."""
        return _propagate(Satrec.twoline2rv(*self.tle), self.epoch, t)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the orbit lies and where on it the satellite is at the start: angles in radians, ``epoch`` as above."""

    epoch: float
    node: float
    latitude: float


def plan_orbit(rng: np.random.Generator, eclipse: float | None = None) -> Orbit:
    """An orbit of 94 to 96 minutes; ``eclipse`` in seconds, None for about 8 to 11 minutes.

    The longest that such an orbit can have is some 36 minutes: more is that.
    """
    period = float(np.round(rng.uniform(94, 96) * 60))
    begin, length = float(rng.uniform(60, 130)), float(rng.uniform(490, 630))
    wanted = length if eclipse is None else eclipse
    radius = (_MU * (period / (2 * np.pi)) ** 2) ** (1 / 3)
    # The node keeps pace with the sun: Vallado, section 9.6, for the drift that J2 causes.
    rate = 2 * np.pi / (_TROPICAL * 86400)
    inclination = float(np.arccos(-rate * period / (2 * np.pi) / (1.5 * _J2 * (EARTH / radius) ** 2)))
    shape = float(rng.uniform(0.0008, 0.0014)), float(np.radians(rng.uniform(85, 95)))
    for _ in range(20):
        place = _choose(rng, radius, inclination, period, (begin, wanted))
        ask, start = wanted, begin
        # SGP4 moves a satellite by kilometres about the circle that was planned with: ask again for what is missing.
        for _ in range(3):
            aimed = _aim(place.epoch, radius, inclination, period, (start, ask), place.node)
            orbit = _make(period, inclination, shape, aimed)
            found, end = orbit.eclipse
            if end <= found or wanted > 2000:
                break
            start, ask = start + begin - found, max(ask + 0.7 * (wanted - (end - found)), 1.0)
        # Where the plane turns much with the length of the eclipse, the stations no longer lie below it.
        if _heard(orbit):
            break
    return orbit


def _heard(orbit: Orbit) -> bool:
    """Whether all of the first contact is seen in the first 17 minutes: out of the eclipse too, and from cold on."""
    t = np.arange(-700.0, 1700.0, 10.0)
    contacts, _, _ = contacts_of(t, orbit.along(t), sidereal(orbit.days(t)))
    begin, end = next((one for one in contacts if one[1] > _COLD), (np.inf, np.inf))
    # A long eclipse hides all of it, wherever it lies.
    shown = end >= orbit.eclipse[1] + _SHOWN or orbit.eclipse[1] > _LATE
    return shown and _FIRST[0] <= begin <= _FIRST[1] and end <= _FIRST[2]


def _choose(
    rng: np.random.Generator, radius: float, inclination: float, period: float, dark: tuple[float, float]
) -> _Place:
    """A moment of the year at which the first contact comes when it should."""
    begin, wanted = dark
    t = np.arange(-700, 1700, 10.0)  # all of every pass that touches the first 17 minutes
    best: tuple[float, _Place] | None = None
    turns = np.arange(-8, 8) / 128  # days, while which the sun hardly moves
    for _ in range(600):
        day = _YEAR + float(rng.uniform(0, 365))
        for node in rng.permutation(_nodes(day, radius, inclination, _sun_height(wanted, radius, period))):
            place = _aim(day, radius, inclination, period, (begin, wanted), float(node))
            up = _circle(place.latitude + 2 * np.pi * t / period, place.node, inclination)
            missed = _missed(up, sidereal(day + turns[:, None] + t / 86400), radius, t)
            if best is None or missed.min() < best[0]:
                hour = float(turns[int(missed.argmin())])
                best = float(missed.min()), replace(place, epoch=day + hour)
            if best[0] == 0.0:
                return best[1]
    assert best is not None
    return best[1]


def _missed(up: Floats, turn: Floats, radius: float, t: Floats) -> Floats:
    """(hours,) seconds by which the first contact misses what is wanted.

    ``up`` (n, 3) is the way to the satellite from the middle of the earth, which is turned by ``turn`` (hours, n).
    """
    # The satellite is above the mask while it is this close to overhead.
    near = np.cos(np.arccos(EARTH / radius * np.cos(MASK)) - MASK)
    seen = np.zeros(turn.shape, dtype=np.bool_)
    for station in STATIONS:
        latitude, longitude = np.radians(station.latitude), np.radians(station.longitude)
        level = up[:, 0] * np.cos(turn + longitude) + up[:, 1] * np.sin(turn + longitude)
        above = np.cos(latitude) * level + np.sin(latitude) * up[:, 2] > near
        # Short passes are low ones, which are not booked.
        seen |= above & (above.sum(axis=1, keepdims=True) * (t[1] - t[0]) > _BOOKED)
    seen[:, 3:-3] |= seen[:, :-6] & seen[:, 6:]  # a gap this short may be none
    rises = seen[:, 1:] & ~seen[:, :-1] & (t[1:] > 0)
    first = np.where(rises.any(axis=1), rises.argmax(axis=1) + 1, len(t) - 1)
    over = ~seen & (np.arange(len(t)) > first[:, None])
    last = np.where(over.any(axis=1), over.argmax(axis=1), len(t) - 1)
    out = np.zeros(len(first))
    for value, (low, high) in zip((t[first], t[last] - t[first]), _WANTED, strict=True):
        out += np.maximum(low - value, 0) + np.maximum(value - high, 0)
    return out


def _sun_height(eclipse: float, radius: float, period: float) -> float:
    """How high the sun stands above the plane of an orbit with an eclipse of so many seconds, radians.

    From the half angle of a cylinder's shadow, cos(half) = sqrt(1 - (R/r)^2) / cos(height): Wertz, SMAD, chapter 5.
    """
    if eclipse <= 0:
        return float(_HIGHEST_SUN)
    narrow = np.sqrt(1 - (EARTH / radius) ** 2) / np.cos(np.pi * eclipse / period)
    return float(np.arccos(min(narrow, 1.0))) if narrow > 0 else 0.0


def _nodes(day: float, radius: float, inclination: float, height: float) -> list[float]:
    """Right ascensions of the node with which the sun stands ``height`` above or below the orbit's plane."""
    x, y, z = sun_direction(np.array([day]))[0]
    level, nodes = float(np.hypot(x, y)), []
    for sign in (1, -1):
        sine = (sign * np.sin(height) - z * np.cos(inclination)) / (level * np.sin(inclination))
        if abs(sine) <= 1:
            turn = float(np.arcsin(sine))
            nodes += [float(np.arctan2(y, x)) + turn, float(np.arctan2(y, x)) + np.pi - turn]
    return nodes


def _aim(
    epoch: float, radius: float, inclination: float, period: float, dark: tuple[float, float], near: float
) -> _Place:
    """The satellite so placed that an eclipse begins ``dark[0]`` seconds after ``epoch`` and lasts ``dark[1]``."""
    begin, wanted = dark
    nodes = _nodes(epoch, radius, inclination, _sun_height(wanted, radius, period))
    node = min(nodes, key=lambda one: _apart(one, near), default=near)
    sun = sun_direction(np.array([epoch]))[0]
    ascending, ahead = _circle(np.array([0.0, np.pi / 2]), node, inclination)
    middle = np.arctan2(-sun @ ahead, -sun @ ascending)  # of the shadow, from the node
    return _Place(epoch, node, float(middle - 2 * np.pi * (begin + wanted / 2) / period))


def _apart(one: float, other: float) -> float:
    """The angle between two angles, radians."""
    return float(abs((one - other + np.pi) % (2 * np.pi) - np.pi))


def _circle(latitude: Floats, node: float, inclination: float) -> Floats:
    """(n, 3) unit vectors at arguments of latitude ``latitude`` (n,)."""
    ascending = np.array([np.cos(node), np.sin(node), 0.0])
    ahead = np.array([-np.sin(node) * np.cos(inclination), np.cos(node) * np.cos(inclination), np.sin(inclination)])
    vectors: Floats = np.cos(latitude)[:, None] * ascending + np.sin(latitude)[:, None] * ahead
    return vectors


def _make(period: float, inclination: float, shape: tuple[float, float], place: _Place) -> Orbit:
    """The orbit as its TLE has it: rounded to the digits of its two lines."""
    eccentricity, perigee = shape
    true = place.latitude - perigee
    # Equation of the centre to first order, the other way round.
    mean = true - 2 * eccentricity * np.sin(true)
    satellite = Satrec()
    # No drag: the rare manoeuvres make up for it.
    satellite.sgp4init(
        *(WGS72, "i", 99999, place.epoch + _J2000 - _SGP4_ZERO, 0.0, 0.0, 0.0),
        *(eccentricity, perigee, inclination, mean % (2 * np.pi), 120 * np.pi / period, place.node % (2 * np.pi)),
    )
    first, second = export_tle(satellite)
    t = np.arange(0, 2700, 10.0)
    position = _propagate(Satrec.twoline2rv(first, second), place.epoch, t)
    depth = shadow_depth(position, sun_direction(place.epoch + t / 86400))
    edges = [
        float(t[i] + 10 * depth[i] / (depth[i] - depth[i + 1])) for i in np.flatnonzero(np.diff(np.signbit(depth)))
    ]
    eclipse = (edges[0], edges[1]) if len(edges) > 1 else (0.0, 0.0)
    return Orbit(period, (first, second), place.epoch, eclipse)


def _propagate(satellite: Satrec, epoch: float, t: Floats) -> Floats:
    whole = np.floor(epoch)
    # SGP4 takes a date as a whole and a part, so that seconds are not lost in the days since 4713 BC.
    error, position, _ = satellite.sgp4_array(np.full(len(t), whole + _J2000), epoch - whole + t / 86400)
    assert not error.any(), "a circular orbit without drag is propagated for ever"
    return np.asarray(position, dtype=np.float64)
