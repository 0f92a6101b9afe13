"""From an archive or a source to what a model between channels is taught: whose channels, which time, what was odd.

Any thread; blocks while it reads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator import Simulation
from storage import Reader, StorageError
from telemetry import Channel, Quality, Source
from telemetry.clock import SECOND
from training.errors import TrainingError
from training.own import CancelledError
from training.spans import Recording, Series

FRAME_SPAN = 600 * SECOND
DAY = 86_400 * SECOND
"""Taken from the beginning of a source that has no end, unless something else is asked for."""
MARGIN = 300 * SECOND
"""What lies so near an event or a fault is not taken as nominal either, microseconds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which channels and which time; an empty ``satellite`` means every one, None no bound (UTC microseconds)."""

    subsystems: tuple[str, ...]
    satellite: str = ""
    first: int | None = None
    last: int | None = None

    def takes(self, channel: Channel) -> bool:
        """Whether this channel is asked for."""
        return channel.subsystem in (self.subsystems or ("",)) and self.satellite in ("", channel.satellite)

    def check(self, channels: Iterable[Channel]) -> None:
        """Raises TrainingError where these channels hold nothing that is asked for."""
        known = list(channels)
        satellites = dict.fromkeys(one.satellite for one in known)
        if self.satellite and self.satellite not in satellites:
            raise TrainingError(f"There is no satellite {self.satellite}: there is {', '.join(satellites)}.")
        subsystems = dict.fromkeys(one.subsystem for one in known if one.subsystem)
        for name in self.subsystems:
            if name not in subsystems:
                there = f"there is {', '.join(subsystems)}" if subsystems else "leave --subsystem out"
                raise TrainingError(f"There is no subsystem {name}: {there}.")
        if not any(self.takes(one) for one in known):
            raise TrainingError(f"Say what the model is to watch with --subsystem: there is {', '.join(subsystems)}.")


def from_source(source: Source, wanted: Wanted, stop: threading.Event) -> list[Recording]:
    """Everything that a source holds of what is wanted, a day of one that never ends.

    Raises TrainingError, SourceError, CancelledError.
    """
    channels = [channel for group in source.groups for channel in group.channels]
    wanted.check(channels)
    parts: dict[Channel, list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]] = {}
    first, last = _bounds(wanted)
    endless = wanted.last is None and isinstance(source, Simulation) and source.duration is None
    for frame in source.frames(stop, FRAME_SPAN):
        if not len(frame):
            continue
        if endless:
            first = max(first, int(frame.times[0]))
            last, endless = first + DAY, False
        if frame.times[0] > last:
            break
        here = slice(int(np.searchsorted(frame.times, first)), int(np.searchsorted(frame.times, last, "right")))
        values = frame.timely()
        for number, channel in enumerate(frame.group.channels):
            if wanted.takes(channel):
                parts.setdefault(channel, []).append((frame.times[here], values[number, here]))
    if stop.is_set():
        raise CancelledError
    series = [
        Series(channel, np.concatenate([t for t, _ in some]), np.concatenate([x for _, x in some]))
        for channel, some in parts.items()
    ]
    odd = [(one.satellite, one.start, one.end) for one in source.injected if one.category == "fault"]
    return _recordings(series, odd)


def from_archive(reader: Reader, session: int, wanted: Wanted) -> list[Recording]:
    """What an archive holds of a session; its labelled faults and its events are not nominal.

    Raises TrainingError, StorageError.
    """
    if session not in (sessions := [one.id for one in reader.sessions()]):
        raise StorageError(f"The archive has no session {session}: it has {', '.join(map(str, sessions)) or 'none'}.")
    channels = {channel.key: channel for group in reader.groups(session) for channel in group.channels}
    wanted.check(channels.values())
    keys = [key for key, channel in channels.items() if wanted.takes(channel)]
    first, last = _bounds(wanted)
    series = []
    for key, samples in reader.raw(session, keys, first, last + 1).items():
        bad = Quality.MISSING | Quality.INVALID | Quality.LATE
        good = (samples.quality & bad) == 0
        series.append(Series(channels[key], samples.times[good], samples.values[good].astype(np.float64)))
    odd = [(one.event.satellite, one.event.start, one.event.end) for one in reader.events(session)]
    odd += [(one.satellite, one.start, one.end) for one in reader.labels(session) if one.category == "fault"]
    return _recordings(series, odd)


def _bounds(wanted: Wanted) -> tuple[int, int]:
    first = -(1 << 62) if wanted.first is None else wanted.first
    return first, (1 << 62) if wanted.last is None else wanted.last


def _recordings(series: Sequence[Series], odd: Sequence[tuple[str, int, int]]) -> list[Recording]:
    satellites: dict[str, list[Series]] = {}
    for one in series:
        if len(one.times):
            satellites.setdefault(one.channel.satellite, []).append(one)
    return [
        Recording(name, tuple(own), tuple((a - MARGIN, b + MARGIN) for whose, a, b in odd if whose == name))
        for name, own in satellites.items()
    ]
