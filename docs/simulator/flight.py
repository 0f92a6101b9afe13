"""One simulated satellite as arrays: a day of it, or a run with one fault beside the same run without it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from simulator import open_simulation
from simulator.faults import Kind
from telemetry import Channel, Injected
from telemetry.clock import SECOND

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Flight:
    """For each channel's path its ``channels``, ``hours`` (n,) after the start and ``values`` (n,)."""

    channels: dict[str, Channel]
    hours: dict[str, Floats]
    values: dict[str, Floats]
    injected: tuple[Injected, ...]
    start: int

    def eclipses(self) -> list[tuple[float, float]]:
        """(from, to) in hours."""
        hours, dark = self.hours["eps/eclipse"], self.values["eps/eclipse"] > 0.5
        edges = np.flatnonzero(np.diff(np.concatenate(([0], dark.astype(np.int8), [0]))))
        last = len(hours) - 1
        return [(float(hours[a]), float(hours[min(b, last)])) for a, b in edges.reshape(-1, 2).tolist()]

    def hour(self, time: int) -> float:
        """Of a UTC time in microseconds."""
        return (time - self.start) / (3600 * SECOND)


def fly(request: str, seconds: int) -> Flight:
    """Play ``request`` (``sim:...``), which has one satellite, for so many ``seconds``."""
    source = open_simulation(request)
    times: dict[str, list[npt.NDArray[np.int64]]] = {}
    parts: dict[str, list[Floats]] = {}
    channels: dict[str, Channel] = {}
    for frame in source.frames(threading.Event(), seconds * SECOND):
        for channel, column in zip(frame.group.channels, frame.matrix().T, strict=True):
            channels[channel.path] = channel
            times.setdefault(channel.path, []).append(frame.times)
            parts.setdefault(channel.path, []).append(column)
    joined = {path: np.concatenate(arrays) for path, arrays in times.items()}
    start = int(min(array[0] for array in joined.values() if len(array)))
    hours = {path: (array - start) / (3600.0 * SECOND) for path, array in joined.items()}
    values = {path: np.concatenate(arrays).astype(np.float64) for path, arrays in parts.items()}
    return Flight(channels, hours, values, tuple(source.injected), start)


def fly_with(kind: Kind, seed: int, seconds: int, at: int, length: int) -> Flight:
    """A run with one fault of ``kind`` at its own strength, from second ``at`` on for ``length`` seconds."""
    with TemporaryDirectory(prefix="pg-") as folder:
        path = Path(folder) / "one.toml"
        path.write_text(
            f'[[faults]]\nkind = "{kind.name}"\nchannel = "{kind.main}"\nat = {at}\nfor = {length}\n', encoding="utf-8"
        )
        return fly(f"sim:{path}?satellites=1&seed={seed}&duration={seconds}", seconds)
