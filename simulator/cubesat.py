"""A CubeSat of one unit that tumbles: five panels on its faces, one cell, no wheels, no heater. May be shared.

It turns freely about an axis that it does not choose, so its panels see the sun at ever changing angles, one after
the other, and one face has none. Every panel charges the cell with whatever it gives; there is no other limit.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from simulator import sky
from simulator.chance import Floats, Use, draws
from simulator.leg import GRID, LEG, STEPS, Happened, Leg, State
from simulator.legs import PAD, WARM_UP, Legs
from simulator.orbit import Orbit, plan_orbit
from simulator.power import Battery
from simulator.readings import COUNTER, FRAME_RATE, LINK_NOISE
from simulator.spans import eased, edges_of, inside
from simulator.stations import NOTHING, contacts_of, received
from simulator.thermal import EARTH, SUN, ZERO, Network

FACES = ("x_plus", "x_minus", "y_plus", "z_plus", "z_minus")
"""The faces with a panel; on the sixth, -Y, are the antennas."""
CELL = Battery(cells=1, end=4.2, limit=5.0, capacity=0.58, ohms=0.17)
"""Aged: it has seen some years."""
_AXES, _SIGNS = np.array([0, 0, 1, 2, 2]), np.array([1.0, -1.0, 1.0, 1.0, -1.0])  # of the faces
_BOARD, _CELL = 5, 6  # nodes after the five panels
_AREA, _ABSORBED, _EMITTED = 0.01, 0.86, 0.80  # m^2 of a face; shares
_NETWORK = Network(
    np.array([60.0] * 5 + [800.0, 55.0]),
    np.array([_AREA * _EMITTED] * 5 + [0.002, 0.0]),  # through the sixth face, which is bare metal
    [*((face, _BOARD, 0.04) for face in range(5)), (_BOARD, _CELL, 0.03)],
)
_PANEL, _VOLTS, _FADE = 0.50, 5.0, 0.002  # amperes of a panel that faces the sun, at what voltage; lost a degree
_REGULATED = 0.88  # of it, after the regulator
_BASE, _BEACON, _SENDING = 0.92, 0.28, 0.5  # watts
_EVERY, _FOR = 150.0, 12.0  # seconds: a beacon
_SHINE = 0.25  # of the sun's light that a sunlit earth throws back on a face that looks down
_DARK, _DIM = 1.25, 0.006  # volts of a panel in the dark, and the light that halves what is missing
_PARTS = 5  # moments of a step over which light and load are averaged


Shared = tuple[Floats, Floats, Floats]


class Tumbling(Legs):
    """The course of CubeSat ``index`` of the fleet of ``seed``; ``eclipse`` in seconds."""

    def __init__(self, seed: int, index: int, eclipse: float | None = None) -> None:
        self.orbit: Orbit = plan_orbit(draws(seed, Use.SKY, index), eclipse)
        rng = draws(seed, Use.SKY, index, 1)
        pole = rng.standard_normal(3)
        self._pole = pole / np.sqrt((pole * pole).sum())
        self._tilt = float(rng.uniform(0.9, 1.3))
        # Radians a second about the pole, and of the body about its own axis.
        # Some turn in two minutes, few in a quarter of an hour.
        self.rates = 2 * np.pi / (130 / (1 - 0.85 * float(rng.random()))), 2 * np.pi / float(rng.uniform(1200, 2600))
        self._phases = rng.uniform(0, 2 * np.pi, 2)
        super().__init__(
            State(
                kelvin=ZERO + np.array([0.0] * 5 + [4.0, 5.0]),
                heating=(False, False),
                missing=0.05,
                stored=np.zeros(3),
                backlog=0.0,
                fuel=0.0,
                commands=0,
                last_command=0,
                booted=-float(np.round(rng.uniform(1e3, 5e4))) - WARM_UP * LEG,
                resets=0,
            )
        )

    def in_body(self, vectors: Floats, t: Floats) -> Floats:
        """(n, 3) inertial ``vectors`` along the body's axes at ``t`` (n,).

        A body with an axis of symmetry turns evenly about that axis, which goes evenly round a pole that stands still
        among the stars: Wertz, section 16.3.
        """
        pole = self._pole
        side = np.array([pole[1], -pole[0], 0.0]) / np.hypot(pole[0], pole[1])
        frame = np.stack((side, np.cross(pole, side), pole))
        along: Floats = (vectors[:, None, :] * frame).sum(axis=-1)
        for angle, one, other in (
            (self._phases[0] + self.rates[0] * t, 0, 1),
            (np.full(len(t), self._tilt), 1, 2),
            (self._phases[1] + self.rates[1] * t, 0, 1),
        ):
            cosine, sine = np.cos(angle), np.sin(angle)
            turned = cosine * along[:, one] + sine * along[:, other]
            along[:, other] = cosine * along[:, other] - sine * along[:, one]
            along[:, one] = turned
        return along

    def spin(self, t: Floats) -> Floats:
        """(n, 3) degrees a second about the body's axes."""
        precession, own = self.rates
        angle, across = self._phases[1] + own * t, precession * np.sin(self._tilt)
        about = np.full(len(t), precession * np.cos(self._tilt) + own)
        rates: Floats = np.degrees(np.stack((across * np.sin(angle), across * np.cos(angle), about), axis=-1))
        return rates

    def light(self, t: Floats) -> tuple[Floats, Floats]:
        """Sunlight (n,) 0..1, and (n, 5) the light on each panel, the earth's too, as a share of full sun."""
        position = self.orbit.along(t)
        sun = sky.sun_direction(self.orbit.days(t))
        light = sky.sunlight(sky.shadow_depth(position, sun))
        up = position / np.sqrt(sky.dot(position, position))[:, None]
        direct = np.maximum(self.in_body(sun, t)[:, _AXES] * _SIGNS, 0) * light[:, None]
        over_day = np.maximum(sky.dot(up, sun), 0)[:, None]
        return light, direct + _SHINE * over_day * (0.5 - 0.5 * self.in_body(up, t)[:, _AXES] * _SIGNS)

    def load(self, leg: Leg, t: Floats) -> Floats:
        """(n,) watts: the boards, the beacon now and then, and the transmitter over a station."""
        return _BASE + _BEACON * (t % _EVERY < _FOR) + _SENDING * eased(leg.contacts, t, 3.0)

    def _solve(self, number: int, begin: State) -> tuple[Leg, State]:
        start = number * LEG
        wide = start + GRID * np.arange(-PAD, STEPS + PAD + 1, dtype=np.float64)
        position, turn = self.orbit.along(wide), sky.sidereal(self.orbit.days(wide))
        contacts, elevation, distance = contacts_of(wide, position, turn)
        inner = slice(PAD, PAD + STEPS + 1)
        none, unknown = edges_of(()), np.zeros((2, STEPS), dtype=np.bool_)
        rows = {"elevation": elevation[inner], "distance": distance[inner]}
        leg = Leg(start, (), np.zeros((0, STEPS + 1)), unknown, edges_of(contacts), none, none, none, _NOTHING, begin)
        fine = start + GRID / _PARTS * (np.arange(STEPS * _PARTS, dtype=np.float64) + 0.5)
        shone = self.light(fine)[1].reshape(STEPS, _PARTS, -1).mean(axis=1)
        load = self.load(leg, fine).reshape(STEPS, _PARTS).mean(axis=1)
        kelvin, missing = np.empty((STEPS + 1, _CELL + 1)), np.empty(STEPS + 1)
        now, empty = begin.kelvin, begin.missing
        earth = _AREA * _EMITTED * EARTH * 0.25  # a face looks at it half of the time, and aslant
        kelvin[0], missing[0] = now, empty
        for i in range(STEPS):
            celsius, here = now - ZERO, slice(i, i + 1)
            flows, amperes, _ = _shared(
                shone[here], celsius[None, :5], load[here], np.array([empty]), celsius[_CELL:], np.zeros(1)
            )
            flow = float(flows[0])
            given = np.zeros(_CELL + 1)
            given[:5] = _AREA * _ABSORBED * SUN * shone[i] + earth - _VOLTS * amperes[0]
            given[_BOARD] = load[i] + (1 - _REGULATED) * _VOLTS * amperes.sum()
            given[_CELL] = flow * flow * CELL.ohms
            now = _NETWORK.step(now, given, GRID)
            empty = min(max(empty - flow * (GRID / 3600 / CELL.capacity), 0.0), 0.95)
            kelvin[i + 1], missing[i + 1] = now, empty
        rows |= {f"panel_{face}": kelvin[:, n] - ZERO for n, face in enumerate(FACES)}
        rows |= {"board": kelvin[:, _BOARD] - ZERO, "cell": kelvin[:, _CELL] - ZERO, "missing": missing}
        leg = replace(leg, rows=tuple(rows), grid=np.array(list(rows.values())))
        return leg, replace(begin, kelvin=kelvin[-1], missing=float(missing[-1]))


_NOTHING = Happened(np.zeros(0), np.zeros(0), np.zeros(0))


def _shared(shone: Floats, celsius: Floats, load: Floats, missing: Floats, cell: Floats, more: Floats) -> Shared:
    """Amperes into the cell (n,), of each panel (n, 5) at its own voltage, and volts of the cell (n,).

    ``shone`` and ``celsius`` (n, 5) are light and temperature of the panels, the others (n,): watts, part of a charge,
    the cell's temperature, and what is added to its resistance, ohms.
    """
    can = shone * _PANEL * (1 - _FADE * (celsius - 28))
    whole = can.sum(axis=1)
    within = CELL.resistance(cell) + more
    flow = CELL.flow(_VOLTS * _REGULATED * whole - load, missing, within)
    volts = CELL.voltage(missing, flow, within)
    part = np.where(whole > 1e-6, (load + flow * volts) / (_VOLTS * _REGULATED) / np.maximum(whole, 1e-6), 0.0)
    return flow, can * part[:, None], volts


def read(course: Tumbling, leg: Leg, t: Floats, rows: dict[str, Floats]) -> None:
    """Add what is nominal at ``t`` (n,), within ``leg``, to ``rows``: path to (n,), which hold levels and wander."""
    at = leg.at(t)
    light, shone = course.light(t)
    celsius = np.stack([at[f"panel_{face}"] for face in FACES], axis=1)
    load = course.load(leg, t)
    flow, amperes, volts = _shared(shone, celsius, load, at["missing"], at["cell"], rows["battery/resistance"])
    for n, face in enumerate(FACES):
        # Little light is enough for the voltage, and cold cells have more of it.
        lit = shone[:, n] / (shone[:, n] + _DIM)
        bright = _VOLTS + 0.2 - 0.006 * celsius[:, n] - 0.5 * amperes[:, n]
        rows[f"eps/panel_{face}_voltage"] += _DARK + lit * (bright - _DARK)
        rows[f"eps/panel_{face}_current"] += amperes[:, n]
        rows[f"thermal/panel_{face}_temperature"] += celsius[:, n]
    rows["eps/battery_voltage"] += volts
    rows["eps/battery_current"] += flow
    rows["eps/battery_temperature"] += at["cell"]
    rows["eps/eclipse"][:] = light < 0.5
    rows["thermal/board_temperature"] += at["board"]
    field = course.in_body(sky.field(course.orbit.along(t), sky.sidereal(course.orbit.days(t))), t)
    spin = course.spin(t)
    for n, axis in enumerate("xyz"):
        rows[f"aocs/gyro_{axis}"] += spin[:, n]
        rows[f"aocs/magnetometer_{axis}"] += field[:, n]
    rows["comm/beacon_power"] += 20.6 - 0.02 * at["board"]
    rows["obc/cpu_load"] += 18 + 12 * (t % _EVERY < _FOR) + 8 * eased(leg.contacts, t, 3.0)
    level = np.where(inside(leg.contacts, t), received(at["elevation"], at["distance"]), NOTHING)
    rows["comm/link_rssi"] += level
    rows["comm/link_snr"] += level - LINK_NOISE
    rows["comm/frame_counter"][:] = np.floor(FRAME_RATE * t + 1e-6) % 256
    rows["obc/uptime"][:] = np.floor(t - leg.begin.booted + 1e-6) % COUNTER


@lru_cache(maxsize=64)
def tumbling_of(seed: int, index: int, eclipse: float | None = None) -> Tumbling:
    """The course of one CubeSat, solved once however many simulations show it."""
    return Tumbling(seed, index, eclipse)
