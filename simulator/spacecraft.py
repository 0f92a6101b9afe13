"""One built-in satellite: the course of its orbit, measured by its instruments, block after block.

Used by one thread. Block ``i`` holds samples ``i * BLOCK`` onwards and depends on nothing but the seed, the
satellite and ``i``: any way of cutting blocks into frames gives the same values, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from itertools import count

import numpy as np
import numpy.typing as npt

from simulator.catalogue import PACES, TENTHS, Measurement, group_of, measurements
from simulator.chance import Floats, Use, draws
from simulator.cubesat import Tumbling, tumbling_of
from simulator.cubesat import read as read_cubesat
from simulator.cubesat_catalogue import cubesat_measurements
from simulator.faults import Fault, Kind
from simulator.leg import LEG, Leg
from simulator.physics import Course, course_of
from simulator.readings import CAUSES, LEVELS, PARAMETERS, follow, read
from simulator.schedule import SAFE_FOR
from simulator.spans import inside
from simulator.wander import Wander
from telemetry import Column, Frame, Group, Quality, Times
from telemetry.clock import SECOND

BLOCK = 512
"""Samples made at once: large enough for numpy, small enough that a live run never waits for one."""

_DTYPES = {"f4": np.float32, "f8": np.float64, "i8": np.int64, "u8": np.uint64, "i4": np.int32, "bool": np.bool_}
_IDLE_TURNS = 24  # of the idle wheel around rest, an orbit
_LOSSES = 0.05  # packets of a group lost in a block, where losses are asked for


class Spacecraft:
    """Satellite number ``index`` of the fleet of ``seed``; ``period`` in microseconds, ``eclipse`` in seconds.

    A ``tumbling`` one is a CubeSat without wheels (``cubesat``). With ``own_rates`` each group is sampled as fast as
    what it holds moves (``catalogue.PACES``), slow housekeeping is sent as well, and now and then a packet is lost.
    """

    block_length = BLOCK

    def __init__(
        self,
        seed: int,
        index: int,
        period: int,
        eclipse: float | None = None,
        own_rates: bool = False,
        tumbling: bool = False,
    ) -> None:
        rng = draws(seed, Use.CHARACTER, index)
        self.name = f"SAT-{index + 1:03d}"
        self.course: Course | Tumbling = (tumbling_of if tumbling else course_of)(seed, index, eclipse)
        self.orbit = self.course.orbit
        self.measurements = cubesat_measurements(self.name) if tumbling else measurements(self.name, own_rates)
        self.paths = tuple(m.channel.path for m in self.measurements)
        self._seed, self._index, self._period, self._own_rates = seed, index, period, own_rates
        self._eclipse, self._tumbling = eclipse, tumbling
        self._faults: tuple[Fault, ...] = ()
        self._row = {path: i for i, path in enumerate(self.paths)}
        self._level = np.array([[0.0 if tumbling else LEVELS.get(path, 0.0)] for path in self.paths])
        self._noise = np.array([[m.noise] for m in self.measurements])
        self._quantum = np.array([[m.quantum or 1.0] for m in self.measurements])
        self._swaying = [i for i, m in enumerate(self.measurements) if m.sway]
        self._wander = Wander(seed, index, len(self._swaying))
        self._sway = np.array([[self.measurements[i].sway] for i in self._swaying])
        self._idle = self.orbit.period / _IDLE_TURNS, float(rng.random())
        self._offset = np.array([[m.offset] for m in self.measurements]) * rng.random((len(self.paths), 1))
        self._floor = np.array([[0.0 if m.unsigned else -np.inf] for m in self.measurements])
        self.groups = self._make_groups()

    def reference(self) -> Spacecraft:
        """The same satellite without any fault, measured at 1 Hz."""
        return Spacecraft(self._seed, self._index, SECOND, self._eclipse, tumbling=self._tumbling)

    def can(self, kind: Kind) -> bool:
        """Whether it has the channel in which ``kind`` begins."""
        return kind.main in self._row

    def failing(self, fault: Fault) -> Spacecraft:
        """The same satellite with ``fault`` too: equal to this one, bit for bit, wherever the fault does not reach."""
        twin = copy(self)
        twin._faults = (*self._faults, fault)
        return twin

    def instrument(self, path: str) -> tuple[float, float]:
        """Noise (standard deviation) and quantum of the channel ``path``, in channel units."""
        measurement = self.measurements[self._row[path]]
        return measurement.noise, measurement.quantum

    def offset(self, path: str) -> float:
        """What the instrument of ``path`` shows where there is nothing, in channel units."""
        return float(self._offset[self._row[path], 0])

    def rarities(self, since: float, until: float) -> tuple[tuple[str, float, float], ...]:
        """Nominal events that look odd, in seconds after the start: manoeuvres, and resets with their safe mode."""
        if isinstance(self.course, Tumbling):
            return ()
        schedule = self.course.schedule
        burns = [("manoeuvre", *span) for span in schedule.manoeuvres(since, until)]
        upsets = [("computer reset", moment, moment + SAFE_FOR) for moment in schedule.resets(since, until)]
        return tuple(sorted((*burns, *upsets), key=lambda one: one[1]))

    def values(self, block: int) -> dict[str, Floats]:
        """What is measured in ``block``: (BLOCK,) float64 for each channel's path, in and out of contact."""
        t = np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.float64) * (self._period / SECOND)
        return self._measured(t, Use.NOISE, block)

    def blocks(self, start: int, first: int = 0) -> Iterator[list[Frame]]:
        """For each block from number ``first`` on, one frame a group.

        ``start`` is the time of the first sample of the run, UTC microseconds.
        """
        for block in count(first):
            yield self._at_own_rates(block, start) if self._own_rates else self._together(block, start)

    def _together(self, block: int, start: int) -> list[Frame]:
        times = start + np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.int64) * self._period
        values = self.values(block)
        heard = self._heard((times - start) / SECOND)
        frames = []
        for group in self.groups:
            here = slice(None) if group.name != "contact" else heard
            frames.append(_frozen(group, times[here], [values[c.path][here] for c in group.channels]))
        return frames

    def _at_own_rates(self, block: int, start: int) -> list[Frame]:
        ticks = np.arange(block * BLOCK * TENTHS, (block + 1) * BLOCK * TENTHS, dtype=np.int64)
        times = start + ticks * self._period // TENTHS
        t = ticks.astype(np.float64) * (self._period / SECOND / TENTHS)
        values, heard = self._measured(t, Use.PACE, block), self._heard(t)
        lost = draws(self._seed, Use.LOSS, self._index, block)
        frames = []
        for group in self.groups:
            here = ticks % PACES.get(group.name, TENTHS) == 0
            if group.name == "contact":
                here &= heard
            sent = np.flatnonzero(here)
            sent = np.delete(sent, np.flatnonzero(lost.random(len(sent)) < _LOSSES / max(len(sent), 1)))
            frames.append(_frozen(group, times[sent], [values[c.path][sent] for c in group.channels]))
        return frames

    def _make_groups(self) -> tuple[Group, ...]:
        members: dict[str, list[Measurement]] = {}
        for one in self.measurements:
            members.setdefault(group_of(one.channel.path, self._own_rates), []).append(one)
        return tuple(
            Group(
                self.name,
                name,
                tuple(m.channel for m in own),
                self._period * PACES.get(name, TENTHS) // TENTHS if self._own_rates else self._period,
                round(self.orbit.period * SECOND),
            )
            for name, own in members.items()
        )

    def _measured(self, t: Floats, use: Use, block: int) -> dict[str, Floats]:
        true = self._true(t)
        noise = draws(self._seed, use, self._index, block).standard_normal(true.shape, dtype=np.float32)
        shown = np.maximum(true + self._offset + self._noise * noise, self._floor)
        measured = np.rint(shown / self._quantum) * self._quantum
        rows: dict[str, Floats] = dict(zip(self.paths, measured, strict=True))
        for fault in self._faults:
            fault.spoil(rows, t)
        return rows

    def _true(self, t: Floats) -> Floats:
        """(channels, n) what a perfect instrument would show at ``t`` (n,) seconds after the start."""
        true = np.repeat(self._level, len(t), axis=1)
        true[self._swaying] += self._sway * self._wander(t)
        for leg, part in self._legs(t):
            rows = {path: true[i, part] for path, i in self._row.items()}  # views: what is set here is set in ``true``
            rows |= {name: np.zeros(len(t[part])) for name in PARAMETERS}
            for fault in self._faults:
                fault.impair(rows, t[part])
            if isinstance(self.course, Tumbling):
                read_cubesat(self.course, leg, t[part], rows)
            else:
                read(self.course, leg, t[part], self._idle, rows)
            if self._faults:
                before = {path: rows[path].copy() for path in CAUSES if path in rows}
                for fault in self._faults:
                    fault.apply(rows, t[part])
                if before:
                    follow(leg, t[part], before, rows)
                for fault in self._faults:
                    fault.follow(rows, t[part])
        return true

    def _legs(self, t: Floats) -> Iterator[tuple[Leg, slice]]:
        """The legs over which ascending ``t`` reaches, and where in it."""
        for number in range(int(t[0] // LEG), int(t[-1] // LEG) + 1):
            low, high = np.searchsorted(t, (number * LEG, (number + 1) * LEG))
            if low < high:
                yield self.course.leg(number), slice(int(low), int(high))

    def _heard(self, t: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.concatenate([inside(leg.contacts, t[part]) for leg, part in self._legs(t)])


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
