"""A real satellite beside the simulated one: a picture, and the figures of both as text.

NEPALISAT is a 1U CubeSat of the BIRDS-3 programme that tumbles slowly; three sessions of telemetry at 5 s. The
simulated satellite is flown with an eclipse as long as that one has, and looked at every 5 s too.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from docs.simulator.flight import Floats, fly
from docs.simulator.paint import Row, Trace, paint
from simulator.cubesat import FACES

_PACE = 5.0  # seconds between samples
_PANELS = ("py", "px", "mz", "mx", "pz")
_REQUEST = "sim:tumbling?satellites=1&seed=3&eclipse=34&duration=21600"
_AROUND = (-0.4, 0.95)  # hours from the end of the eclipse


@dataclass(frozen=True, slots=True)
class Pass:
    """An orbit, or part of it: ``t`` seconds, and what both satellites have.

    ``panels`` (their temperatures) and ``currents`` are (m, n), the others (n,). ``currents`` and ``flow`` (into the
    battery) are in amperes, ``volts`` those of the battery, temperatures in
    Celsius.
    """

    t: Floats
    dark: Floats
    panels: Floats
    currents: Floats
    volts: Floats
    flow: Floats
    battery: Floats

    @property
    def array(self) -> Floats:
        """(n,) current of all panels."""
        total: Floats = self.currents.sum(axis=0)
        return total

    def exits(self) -> list[int]:
        """The samples at which an eclipse ends."""
        return [int(i) + 1 for i in np.flatnonzero(np.diff(self.dark) < 0)]

    def entries(self) -> list[int]:
        """The samples at which an eclipse begins."""
        return [int(i) + 1 for i in np.flatnonzero(np.diff(self.dark) > 0)]


def recorded(path: Path) -> list[Pass]:
    """The sessions of the recording at ``path``."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    passes = []
    for session in dict.fromkeys(line["session"] for line in lines):
        own = [line for line in lines if line["session"] == session]

        def column(name: str, own: list[dict[str, str]] = own) -> Floats:
            return np.array([float(line[name]) for line in own])

        volts = np.max([column(f"V{panel}") for panel in _PANELS], axis=0)
        passes.append(
            Pass(
                column("t"),
                (volts < 2500).astype(np.float64),
                np.array([column(f"T{panel}") for panel in _PANELS]),
                np.array([column(f"I{panel}") for panel in _PANELS]) / 1000,
                column("Vbat"),
                -column("Ibatt") / 1000,  # recorded as what the battery gives
                column("Tbatt"),
            )
        )
    return passes


def simulated() -> Pass:
    """Some orbits of the simulated satellite."""
    flight = fly(_REQUEST, 21_600)
    every = int(_PACE)

    def column(path: str) -> Floats:
        return flight.values[path][::every]

    return Pass(
        flight.hours["eps/eclipse"][::every] * 3600,
        column("eps/eclipse"),
        np.array([column(f"thermal/panel_{face}_temperature") for face in FACES]),
        np.array([column(f"eps/panel_{face}_current") for face in FACES]),
        column("eps/battery_voltage"),
        column("eps/battery_current"),
        column("eps/battery_temperature"),
    )


def step_of(values: Floats) -> float:
    """The converter's step: the usual distance of neighbouring values, but for those that rounding has split."""
    apart = np.diff(np.unique(np.round(values, 6)))
    return float(np.median(apart[apart > 0.5 * np.percentile(apart, 75)]))


def noise_of(values: Floats, window: int = 25) -> float:
    """Standard deviation about a parabola through each ``window`` samples, in the quietest quarter of them."""
    x, found = np.linspace(-1, 1, window), []
    for first in range(0, len(values) - window + 1, window):
        part = values[first : first + window]
        found.append(float((part - np.polyval(np.polyfit(x, part, 2), x)).std(ddof=3)))
    return float(np.percentile(found, 25))


def constant_of(t: Floats, values: Floats) -> float:
    """Seconds of the exponential that fits ``values`` best, of all from 60 s to two hours."""
    best = (np.inf, np.nan)
    for tau in np.geomspace(60, 7200, 240):
        base = np.stack([np.ones_like(t), np.exp(-(t - t[0]) / tau)], axis=1)
        weights, *_ = np.linalg.lstsq(base, values, rcond=None)
        best = min(best, (float(((base @ weights - values) ** 2).sum()), float(tau)))
    return best[1]


def slope_of(t: Floats, values: Floats) -> float:
    """Of a straight line, a minute."""
    return float(np.polyfit(t, values, 1)[0] * 60)


def figures(passes: list[Pass]) -> dict[str, float]:
    """What can be measured on both: the median of all places where it can."""
    found: dict[str, list[float]] = {}

    def tell(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for one in passes:
        for start in one.entries():
            for end in (e for e in one.exits() if e > start):
                tell("eclipse, s", float(one.t[end] - one.t[start]))
                break
        for end in one.exits():
            for start in (s for s in one.entries() if s > end):
                tell("sunlight, s", float(one.t[start] - one.t[end]))
                break
        dark = _parts(one, one.exits(), one.entries())
        for part in dark:
            night = slice(part.start + 6, part.stop - 6)
            if night.stop - night.start < 100:
                continue
            t = one.t[night]
            tell("panel cooling, time constant, s", constant_of(t, one.panels[:, night].mean(axis=0)))
            tell("panel noise, K", float(np.median([noise_of(panel[night]) for panel in one.panels])))
            tell("panel current in the dark, mA", 1000 * float(np.median(one.array[night])))
            tell("battery current noise, mA", 1000 * noise_of(one.flow[night]))
            tell("battery current in the dark, median, A", float(np.median(one.flow[night])))
            tell("battery current in the dark, 5 to 95 %, A", float(np.ptp(np.percentile(one.flow[night], (5, 95)))))
            tell("battery voltage noise, mV", 1000 * noise_of(one.volts[night]))
            tell("discharge slope, mV/min", 1000 * slope_of(t, one.volts[night]))
            tell("battery temperature, dark, K/min", slope_of(t, one.battery[night]))
        for end in one.exits():
            day = [s for s in one.entries() if s > end]
            stop = day[0] if day else len(one.t)
            if stop - end < 250:
                continue
            first = slice(end + 3, end + 63)
            sun = slice(end + 3, min(stop - 6, end + 420))
            mean = one.panels.mean(axis=0)
            tell("panel warming, first 5 min, K/min", slope_of(one.t[first], mean[first]))
            level = mean[end] + (1 - np.exp(-1)) * (np.percentile(mean[end:stop], 90) - mean[end])
            tell("panel warming, to 63 %, s", _PACE * int(np.argmax(mean[end:stop] > level)))
            tell("panels apart in sunlight, K", float(np.median(np.ptp(one.panels[:, end:stop], axis=0))))
            tell("array current in sunlight, noise/mean", noise_of(one.array[sun]) / float(one.array[sun].mean()))
            volts = one.volts[end:stop]
            full = int(np.argmax(volts >= np.percentile(volts, 90) - 0.002))
            tell("from sunrise to full voltage, s", full * _PACE)
            tell(
                "battery voltage, from 30 s before to 60 s after the eclipse, mV",
                1000 * float(one.volts[end + 12] - one.volts[end - 6]),
            )
            if full > 30:
                rise = slice(end + 12, end + full)
                tell("charge slope, mV/min", 1000 * slope_of(one.t[rise], one.volts[rise]))
            peak = end + int(np.argmax(one.flow[end:stop]))
            tell("largest charge current, A", float(one.flow[peak]))
            last = end + np.flatnonzero(one.flow[end:stop] > 0.8 * one.flow[peak])[-1]
            tell("taper, time constant, s", constant_of(one.t[last:stop], one.flow[last:stop]))
    joined = {name: np.concatenate([getattr(one, name).ravel() for one in passes]) for name in ("panels", "currents")}
    result = {name: float(np.median(values)) for name, values in found.items()}
    result["panel temperature step, K"] = step_of(joined["panels"])
    result["panel current step, mA"] = 1000 * step_of(joined["currents"])
    result["battery current step, mA"] = 1000 * step_of(np.concatenate([one.flow for one in passes]))
    result["battery voltage step, mV"] = 1000 * step_of(np.concatenate([one.volts for one in passes]))
    result["battery temperature step, K"] = step_of(np.concatenate([one.battery for one in passes]))
    result["battery temperature, range, K"] = float(np.median([np.ptp(one.battery) for one in passes]))
    result["eclipse, share of the orbit"] = result["eclipse, s"] / (result["eclipse, s"] + result["sunlight, s"])
    return result


def _parts(one: Pass, ends: list[int], starts: list[int]) -> list[slice]:
    """The stretches of darkness, those cut off by the end of the recording too."""
    edges = [0, *sorted([*ends, *starts]), len(one.t)]
    return [slice(a, b) for a, b in pairwise(edges) if one.dark[(a + b) // 2] > 0.5]


def compare(source: Path, target: Path) -> str:
    """Draw both satellites around the end of an eclipse into ``target``; their figures as a table."""
    real, model = recorded(source), simulated()
    rows: list[Row] = []
    what: tuple[tuple[str, str, Callable[[Pass], Floats]], ...] = (
        ("Panels", "°C", lambda one: one.panels),
        ("Current of each panel", "A", lambda one: one.currents),
        ("All panels' current", "A", lambda one: one.array[None]),
        ("Battery", "V", lambda one: one.volts[None]),
        ("Into the battery", "A", lambda one: one.flow[None]),
        ("Temperature of the battery", "°C", lambda one: one.battery[None]),
    )
    ground: list[tuple[float, float]] = []
    for title, unit, pick in what:
        for name, one in (("NEPALISAT", real[0]), ("simulated", model)):
            end = one.exits()[0] if name == "NEPALISAT" else one.exits()[1]
            hours = (one.t - one.t[end]) / 3600
            near = (hours >= _AROUND[0]) & (hours <= _AROUND[1])
            tokens = ("trace", "trace_2", "trace_3", "trace_4", "text_3")
            values = pick(one)
            traces = tuple(Trace(hours[near], row[near], tokens[i]) for i, row in enumerate(values))
            rows.append(Row(f"{title} [{unit}]", (name,), traces, height=84))
            ground = [(_AROUND[0], 0.0)]
    paint(target, rows, _AROUND, ground, "hours from the end of the eclipse")
    first, second = figures(real), figures([model])
    lines = [f"| {name} | {_short(first[name])} | {_short(second[name])} |" for name in first if name in second]
    return "\n".join(["| quantity | NEPALISAT | simulated |", "|---|---|---|", *lines])


def _short(value: float) -> str:
    return f"{float(f'{value:.3g}'):,g}".replace("-", "−")
