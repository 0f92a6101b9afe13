"""One built-in satellite: the course of its orbit, measured by its instruments, block after block.

Used by one thread. Block ``i`` holds samples ``i * BLOCK`` onwards and depends on nothing but the seed, the
satellite and ``i``: any way of cutting blocks into frames gives the same values, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from itertools import count, groupby

import numpy as np
import numpy.typing as npt

from simulator.catalogue import CONTACT, measurements
from simulator.chance import Use, draws
from simulator.faults import Fault
from simulator.orbit import Floats, plan_orbit
from simulator.physics import BUS, HEATER, HEATER_SHARE, solve_orbit
from telemetry import Column, Frame, Group, Quality, Times
from telemetry.clock import SECOND

BLOCK = 512
"""Samples made at once: large enough for numpy, small enough that a live run never waits for one."""

_DTYPES = {"f4": np.float32, "f8": np.float64, "i8": np.int64, "u8": np.uint64, "i4": np.int32, "bool": np.bool_}
_LEVELS = {
    "eps/cell_imbalance": 9.0,
    "eps/bus_voltage": 28.0,
    "aocs/pointing_error": 0.013,
    "aocs/sun_angle": 3.2,
    "aocs/star_tracker_stars": 14.0,
    "comm/beacon_power": 30.0,
    "payload/ccd_temperature": -20.0,
}
_SUN_POINTING, _IMAGING, _DOWNLINK, _ECLIPSE = 1, 2, 3, 4
_FRAME_RATE = 5  # transfer frames a second: the counter wraps every 51 s
_WARM, _BAND = 20.0, 1.5  # the tank's thermostat switches at 20 +- 1.5 degrees


class Spacecraft:
    """Satellite number ``index`` of the fleet of ``seed``; ``period`` in microseconds, ``eclipse`` in seconds."""

    block_length = BLOCK

    def __init__(self, seed: int, index: int, period: int, eclipse: float | None = None) -> None:
        rng = draws(seed, Use.CHARACTER, index)
        self.name = f"SAT-{index + 1:03d}"
        self.orbit = plan_orbit(rng, eclipse)
        self.measurements = measurements(self.name)
        self.paths = tuple(m.channel.path for m in self.measurements)
        self._seed, self._index, self._period = seed, index, period
        self._faults: tuple[Fault, ...] = ()
        self._row = {path: i for i, path in enumerate(self.paths)}
        course = solve_orbit(self.orbit, rng)
        # One more column than seconds: the last moment of an orbit is read between it and the first.
        self._course = np.array([np.append(values, values[0]) for values in course.values()])
        self._courses = [self._row[path] for path in course]
        self._level = np.array([[_LEVELS.get(path, 0.0)] for path in self.paths])
        self._noise = np.array([[m.noise] for m in self.measurements])
        self._quantum = np.array([[m.quantum or 1.0] for m in self.measurements])
        self._swaying = [i for i, m in enumerate(self.measurements) if m.sway]
        periods = [_between(rng, *self.measurements[i].periods) for i in self._swaying]
        self._pulse = 2 * np.pi / np.array(periods)
        self._offset = rng.uniform(0, 2 * np.pi, size=self._pulse.shape)
        self._sway = np.array([[self.measurements[i].sway] for i in self._swaying])
        self._thermostat = float(rng.uniform(130, 190)), float(rng.random())
        self.groups = self._make_groups()

    def failing(self, fault: Fault) -> Spacecraft:
        """The same satellite with ``fault`` too: equal to this one, bit for bit, wherever the fault does not reach."""
        twin = copy(self)
        twin._faults = (*self._faults, fault)
        return twin

    def instrument(self, path: str) -> tuple[float, float]:
        """Noise (standard deviation) and quantum of the channel ``path``, in channel units."""
        measurement = self.measurements[self._row[path]]
        return measurement.noise, measurement.quantum

    def values(self, block: int) -> dict[str, Floats]:
        """What is measured in ``block``: (BLOCK,) float64 for each channel's path, in and out of contact."""
        t = np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.float64) * (self._period / SECOND)
        true = self._true(t)
        noise = draws(self._seed, Use.NOISE, self._index, block).standard_normal(true.shape, dtype=np.float32)
        measured = np.rint((true + self._noise * noise) / self._quantum) * self._quantum
        rows: dict[str, Floats] = dict(zip(self.paths, measured, strict=True))
        for fault in self._faults:
            fault.spoil(rows, t)
        return rows

    def blocks(self, start: int) -> Iterator[list[Frame]]:
        """For each block, one frame a group; ``start`` is the time of the first sample, UTC microseconds."""
        for block in count():
            times = start + np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.int64) * self._period
            heard = self.orbit.in_contact((times - start) / SECOND)
            values = self.values(block)
            frames = []
            for group in self.groups:
                here = slice(None) if group.channels[0].path not in CONTACT else heard
                frames.append(_frozen(group, times[here], [values[c.path][here] for c in group.channels]))
            yield frames

    def _make_groups(self) -> tuple[Group, ...]:
        def group_of(path: str) -> str:
            return "contact" if path in CONTACT else path.partition("/")[0]

        return tuple(
            Group(
                self.name,
                name,
                tuple(m.channel for m in members),
                self._period,
                round(self.orbit.period * SECOND),
            )
            for name, members in groupby(self.measurements, key=lambda m: group_of(m.channel.path))
        )

    def _true(self, t: Floats) -> Floats:
        """(channels, n) what a perfect instrument would show at ``t`` (n,) seconds after the start."""
        true = np.repeat(self._level, len(t), axis=1)
        where = t % self.orbit.period
        whole = where.astype(np.intp)
        part = where - whole
        true[self._courses] += self._course[:, whole] * (1 - part) + self._course[:, whole + 1] * part
        # A cycle whose pace and middle wander with a second one: alive, and bounded for ever.
        turns = self._pulse[:, :, None] * t + self._offset[:, :, None]
        wander = np.sin(turns[:, 1])
        true[self._swaying] += self._sway * (np.sin(turns[:, 0] + 0.5 * wander) + 0.08 * wander)
        rows = {path: true[i] for path, i in self._row.items()}  # views: what is set here is set in ``true``
        self._set_thermostat(rows, t)
        for fault in self._faults:
            fault.apply(rows, t)
        self._set_derived(rows, t)
        for fault in self._faults:
            fault.follow(rows, t)
        return true

    def _set_thermostat(self, rows: dict[str, Floats], t: Floats) -> None:
        """The tank warms while its heater is on and cools while it is off, between the same two temperatures."""
        cycle, offset = self._thermostat
        phase = (t / cycle + offset) % 1
        heating = phase < HEATER_SHARE
        rise = np.where(heating, phase / HEATER_SHARE, (1 - phase) / (1 - HEATER_SHARE))
        rows["eps/heater_2_current"][:] = HEATER * heating
        rows["thermal/tank_temperature"][:] = _WARM + _BAND * (2 * rise - 1)

    def _set_derived(self, rows: dict[str, Floats], t: Floats) -> None:
        sun, dark, heard = self.orbit.sunlight(t), self.orbit.dark(t), self.orbit.in_contact(t)
        heater = rows["eps/heater_2_current"]
        rows["eps/bus_power"] += heater * BUS
        # The course of the orbit holds the heater's mean; the rest comes from the panels, or by night the battery.
        extra = heater - HEATER * HEATER_SHARE
        rows["eps/battery_current"] -= (1 - sun) * extra
        for panel in ("plus", "minus"):
            rows[f"eps/array_current_y_{panel}"] += sun * extra / 2
        rows["payload/cooler_current"] -= 0.1 * (rows["payload/ccd_temperature"] + 20)
        rows["eps/eclipse"][:] = dark
        mode = np.where(self.orbit.imaging(t), _IMAGING, _SUN_POINTING)
        rows["obc/mode"][:] = np.where(dark, _ECLIPSE, np.where(heard, _DOWNLINK, mode))
        rows["comm/frame_counter"][:] = np.floor(_FRAME_RATE * t + 1e-6) % 256
        rise = np.sin(np.pi * np.clip(self.orbit.contact_progress(t), 0, 1))
        # The earth turns below the orbit: no two contacts pass equally high.
        best = 22 + 5 * np.sin(2.4 * np.floor(t / self.orbit.period) + self._offset[0, 0])
        rows["comm/link_rssi"] += -112 + best * rise
        rows["comm/link_snr"] += 8 + best * rise


def _between(rng: np.random.Generator, low: float, high: float) -> Floats:
    """Two values between ``low`` and ``high``, each octave as likely as the next."""
    values: Floats = low * (high / low) ** rng.random(2)
    return values


def _frozen(group: Group, times: Times, measured: list[Floats]) -> Frame:
    """A frame of what was ``measured``, NaN where there is no value."""
    columns: list[Column] = []
    quality: list[npt.NDArray[np.uint8] | None] = []
    for channel, values in zip(group.channels, measured, strict=True):
        gap = np.isnan(values)
        # Only a float says by itself that a value is missing.
        told = channel.type not in ("f4", "f8") and bool(gap.any())
        columns.append((np.where(gap, 0.0, values) if told else values).astype(_DTYPES[channel.type]))
        quality.append((gap * np.uint8(Quality.MISSING)).astype(np.uint8) if told else None)
    for array in (times, *columns, *quality):
        if array is not None:
            array.flags.writeable = False
    return Frame(group, times, tuple(columns), tuple(quality) if any(q is not None for q in quality) else None)
