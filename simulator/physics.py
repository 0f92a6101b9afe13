"""The course of one satellite: charge, heat, momentum and pictures on board, solved leg by leg on a coarse grid.

May be shared between threads.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from simulator import attitude, sky, thermal
from simulator.chance import Floats, Use, draws
from simulator.leg import GRID, LEG, STEPS, Happened, Leg, State
from simulator.legs import PAD, WARM_UP, Legs
from simulator.orbit import Orbit, plan_orbit
from simulator.power import (
    BATTERY,
    BATTERY_HEATER,
    BUS,
    HEATER,
    TRANSMITTER,
    panel_current,
)
from simulator.schedule import Schedule, plan_schedule
from simulator.spans import Span, edges_of
from simulator.stations import contacts_of

__all__ = ["BUS", "FUEL", "HEATER", "SUN_ANGLE", "Course", "course_of"]

SUN_ANGLE = 3.2
"""Degrees that the panels' drive is off the sun, in the middle."""
FUEL = 3.2
"""Kilograms on board at the start."""
_PARTS = 5  # moments of a step over which light and load are averaged
_IMAGE, _SEND, _LEAST, _MOST = 0.25, 0.9, 40.0, 700.0  # MB/s made and sent, MB kept and MB that fit
_TRANSMITTER_HEAT = 7.0  # of its watts; the others leave by the antenna
_BURN = 5e-5  # kg/s of the thruster
_WAIT = 60.0  # seconds in which the satellite turns before a burn, and back after it


class Course(Legs):
    """Everything that happens to satellite ``index`` of the fleet of ``seed``; ``eclipse`` in seconds."""

    def __init__(self, seed: int, index: int, eclipse: float | None = None) -> None:
        self.orbit: Orbit = plan_orbit(draws(seed, Use.SKY, index), eclipse)
        rng = draws(seed, Use.SKY, index, 1)
        self.schedule: Schedule = plan_schedule(seed, index, self.orbit, self._first_contacts(), rng)
        self._attitude = attitude.draw_character(rng)
        self._wheel_heat = rng.uniform(1.6, 2.6, 3)
        width = float(rng.uniform(0.2, 0.27))
        self._thermostat = thermal.Thermostat(19.8 - width, 19.8 + width)
        first = State(
            kelvin=thermal.ZERO
            + np.array([45.0, 45.0, 15.0, 15.5, -1.0, float(rng.uniform(19.6, 20.0)), 20, 22, 22, 22]),
            heating=(bool(rng.random() < 0.5), False),
            missing=0.02,
            stored=np.zeros(3),
            backlog=0.0,
            fuel=FUEL,
            commands=int(rng.integers(20_000)),
            last_command=0,
            booted=-float(np.round(rng.uniform(1e3, 5e4))) - WARM_UP * LEG,
            resets=int(rng.integers(40)),
        )
        self._pictures = float(rng.uniform(380, 500))
        super().__init__(first)

    def _begin(self, number: int, state: State) -> State:
        # A run begins with pictures on board: the first contact shows by how much the backlog moves.
        return replace(state, backlog=self._pictures) if number == 0 else state

    def _first_contacts(self) -> list[Span]:
        t = np.arange(-PAD * GRID, 2 * PAD * GRID, GRID)
        return contacts_of(t, self.orbit.along(t), sky.sidereal(self.orbit.days(t)))[0]

    def _solve(self, number: int, begin: State) -> tuple[Leg, State]:
        start = number * LEG
        grid = start + GRID * np.arange(-PAD, STEPS + PAD + 1, dtype=np.float64)
        position = self.orbit.along(grid)
        sun, turn = sky.sun_direction(self.orbit.days(grid)), sky.sidereal(self.orbit.days(grid))
        contacts, elevation, distance = contacts_of(grid, position, turn)
        end, schedule = start + LEG, self.schedule
        inner = slice(PAD, PAD + STEPS + 1)
        position, sun, turn, grid = position[inner], sun[inner], turn[inner], grid[inner]
        rows = {
            "depth": sky.shadow_depth(position, sun),
            "elevation": elevation[inner],
            "distance": distance[inner],
            "altitude": sky.altitude(position),
        }
        spans = [
            contacts,
            schedule.sessions(start - 120, end),
            schedule.manoeuvres(start - 120, end),
            schedule.safe(start - 120, end),
        ]
        happened = _happened(schedule.commands(contacts, start, end), schedule.resets(start, end))
        contact, session, manoeuvre, safe = (edges_of(each) for each in spans)
        unknown = np.zeros((2, STEPS), dtype=np.bool_)
        leg = Leg(start, tuple(rows), _table(rows), unknown, contact, session, manoeuvre, safe, happened, begin)
        stored = self._turn(rows, position, sun, turn, begin.stored)
        over_day = sky.dot(position, sun) / np.linalg.norm(position, axis=-1)
        kelvin, missing, backlog, heating = self._march(leg, rows, over_day, begin)
        rows.update({name: kelvin[:, i] - thermal.ZERO for i, name in enumerate(thermal.NODES)})
        rows.update(missing=missing, backlog=backlog)
        burns = [(one[0] + _WAIT, one[1] - _WAIT) for one in schedule.manoeuvres(start, end)]
        burnt = sum((np.clip(grid, *one) - max(start, one[0]) for one in burns if one[1] > start), np.zeros(len(grid)))
        rows["fuel"] = np.maximum(begin.fuel - _BURN * burnt, 0.1)
        leg = replace(leg, rows=tuple(rows), grid=_table(rows), heating=heating)
        last = State(
            kelvin=kelvin[-1],
            heating=(bool(heating[0, -1]), bool(heating[1, -1])),
            missing=float(missing[-1]),
            stored=stored[-1],
            backlog=float(backlog[-1]),
            fuel=float(rows["fuel"][-1]),
            commands=begin.commands + len(happened.told),
            last_command=int(happened.codes[-1]) if len(happened.codes) else begin.last_command,
            booted=float(happened.resets[-1]) if len(happened.resets) else begin.booted,
            resets=begin.resets + len(happened.resets),
        )
        return leg, last

    def _turn(self, rows: dict[str, Floats], position: Floats, sun: Floats, turn: Floats, first: Floats) -> Floats:
        """The field and the wheels into ``rows``; the momentum (STEPS + 1, 3) that the wheels hold."""
        field = attitude.in_body(sky.field(position, turn), sun)
        torques = attitude.torque(self._attitude, attitude.in_body(position, sun), field)
        stored = attitude.momentum(first, torques[:-1], GRID)
        speed, current = attitude.wheels(self._attitude, stored, torques)
        for axis, name in enumerate("xyz"):
            rows[f"field_{name}"] = field[:, axis]
            rows[f"speed_{axis + 1}"], rows[f"current_{axis + 1}"] = speed[:, axis], current[:, axis]
        return stored

    def _march(
        self, leg: Leg, rows: dict[str, Floats], over_day: Floats, begin: State
    ) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
        """Temperatures (STEPS + 1, nodes) K, missing charge, MB on board (STEPS + 1,) and the heaters (2, STEPS)."""
        fine = leg.start + GRID / _PARTS * (np.arange(STEPS * _PARTS, dtype=np.float64) + 0.5)

        def mean(values: npt.NDArray[np.float64]) -> Floats:
            averaged: Floats = values.reshape(STEPS, _PARTS).mean(axis=1)
            return averaged

        light, load = mean(sky.sunlight(leg.at(fine)["depth"])), mean(leg.load(fine))
        imaging, sending = mean(leg.imaging(fine)), mean(leg.sending(fine))
        cosine = float(np.cos(np.radians(SUN_ANGLE)))
        heat = thermal.heat_from_outside(light, over_day[:-1], np.full(STEPS, cosine))
        for wheel, usual in enumerate(self._wheel_heat):
            heat[:, thermal.WHEELS + wheel] = usual + 4 * rows[f"current_{wheel + 1}"][:-1]
        heat[:, thermal.TRANSMITTER] = 2.5 + _TRANSMITTER_HEAT * sending
        # What is drawn and leaves neither by the antenna nor by the wheels warms the frame.
        heat[:, thermal.STRUCTURE] += load - 2.5 - TRANSMITTER * sending - heat[:, thermal.WHEELS :].sum(axis=1)
        made = ((_IMAGE * imaging - _SEND * sending) * GRID).tolist()
        kelvin = np.empty((STEPS + 1, len(thermal.NODES)))
        missing, backlog = np.empty(STEPS + 1), np.empty(STEPS + 1)
        heating = np.empty((2, STEPS), dtype=np.bool_)
        now, empty, pictures, (tank, battery) = begin.kelvin, begin.missing, begin.backlog, begin.heating
        kelvin[0], missing[0], backlog[0] = now, empty, pictures
        lights, amperes = light.tolist(), (load / BUS).tolist()
        for i in range(STEPS):
            celsius = (now - thermal.ZERO).tolist()
            tank = self._thermostat(tank, celsius[thermal.TANK])
            battery = thermal.BATTERY_THERMOSTAT(battery, celsius[thermal.BATTERY])
            drawn = amperes[i] + HEATER * tank + BATTERY_HEATER * battery
            plus = panel_current(lights[i], cosine, celsius[thermal.PLUS])
            minus = panel_current(lights[i], cosine, celsius[thermal.MINUS])
            inside = BATTERY.resistance(celsius[thermal.BATTERY])
            flow = BATTERY.flow((plus + minus - drawn) * BUS, empty, inside)
            taken = drawn * BUS + flow * BATTERY.voltage(empty, flow, inside)
            empty = max(empty - flow * (GRID / 3600 / BATTERY.capacity), 0.0)
            pictures = min(max(pictures + made[i], _LEAST), _MOST)
            given = heat[i]
            given[thermal.TANK] += HEATER * BUS * tank
            given[thermal.BATTERY] += BATTERY_HEATER * BUS * battery + flow * flow * inside
            if lights[i] > 0:
                # What leaves a panel as current does not warm it.
                share = taken / (plus + minus)
                given[thermal.PLUS] -= share * plus
                given[thermal.MINUS] -= share * minus
            now = thermal.NETWORK.step(now, given, GRID)
            kelvin[i + 1], missing[i + 1], backlog[i + 1] = now, empty, pictures
            heating[0, i], heating[1, i] = tank, battery
        return kelvin, missing, backlog, heating


def _table(rows: dict[str, Floats]) -> Floats:
    return np.array(list(rows.values()))


def _happened(commands: list[tuple[float, int]], resets: list[float]) -> Happened:
    told = np.array([moment for moment, _ in commands], dtype=np.float64)
    return Happened(
        np.array(resets, dtype=np.float64), told, np.array([code for _, code in commands], dtype=np.float64)
    )


@lru_cache(maxsize=64)
def course_of(seed: int, index: int, eclipse: float | None = None) -> Course:
    """The course of one satellite, solved once however many simulations show it."""
    return Course(seed, index, eclipse)
