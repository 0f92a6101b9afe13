"""What was recorded, as frames again. Any thread."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from storage.answers import Samples
from storage.errors import StorageError
from storage.reader import Reader
from storage.roster import DTYPES
from telemetry import Frame, Group, Quality
from telemetry.clock import SECOND, iso

SPAN = 600 * SECOND
"""Telemetry in a frame."""


def recorded_frames(reader: Reader, session: int, satellite: str, start: int, stop: int) -> Iterator[Frame]:
    """Frames of every group of a satellite in ``start`` <= t < ``stop`` (UTC microseconds), groups in turns.

    Of two values of a channel at one time the later one stands. Raises StorageError, also where values of the span
    have expired: what is left of them is no telemetry.
    """
    _look_for_expired(reader, session, start, stop)
    # One whose channels changed on the way is there once a shape: the last holds.
    groups = {group.key: group for group in reader.groups(session) if group.satellite == satellite}.values()
    keys = list(dict.fromkeys(channel.key for group in groups for channel in group.channels))
    for begin in range(start, stop, SPAN):
        found = reader.raw(session, keys, begin, min(begin + SPAN, stop))
        for group in groups:
            parts = [found.get(channel.key) for channel in group.channels]
            if any(parts):
                yield _frame(group, parts)


def _look_for_expired(reader: Reader, session: int, start: int, stop: int) -> None:
    gone = [day for day in reader.expired(session) if day.samples and day.start < stop and day.stop > start]
    if gone:
        widths = {"second": SECOND, "minute": 60 * SECOND, "hour": 3600 * SECOND}
        left = [f"a summary a {name}" for name, width in widths.items() if any(day.kept == width for day in gone)]
        raise StorageError(
            f"Values from before {iso(max(day.stop for day in gone))} have expired, of which "
            f"{' and '.join(left) or 'nothing'} is kept: choose a later span."
        )


def _frame(group: Group, parts: list[Samples | None]) -> Frame:
    times = np.unique(np.concatenate([part.times for part in parts if part is not None]))
    columns, qualities = [], []
    for channel, part in zip(group.channels, parts, strict=True):
        column = np.zeros(len(times), DTYPES[channel.type])
        quality = np.full(len(times), Quality.MISSING, np.uint8)
        if part is not None:
            at = np.searchsorted(times, part.times)
            column[at], quality[at] = part.values, part.quality
        columns.append(column)
        qualities.append(quality)
    return Frame(group, times, tuple(columns), tuple(qualities))
