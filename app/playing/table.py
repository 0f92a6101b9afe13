"""Windows joined into rows of one table: a time, and one column a channel of every satellite. Pure; one thread.

A row is a moment at which some group has a sample; the cells of channels that have none there are null. A group with
two samples of one time has two rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from app.playing.windows import Window
from telemetry import Channel, Frame, Group, Quality, Times

TIME = "time"
_TYPES = {
    "f4": pa.float32(),
    "f8": pa.float64(),
    "i8": pa.int64(),
    "u8": pa.uint64(),
    "bool": pa.bool_(),
    "i4": pa.int32(),
}
_UNUSABLE = Quality.MISSING | Quality.INVALID


def header(channel: Channel) -> str:
    """``SAT-001/eps/battery_voltage [V]``: the form that is read back as a name and a unit."""
    return f"{channel.key} [{channel.unit}]" if channel.unit else channel.key


def usable(frame: Frame, channel: int) -> npt.NDArray[np.bool_]:
    """(n,) where channel number ``channel`` has a value that its source does not mark as wrong."""
    here = frame.present(channel)
    quality = frame.quality[channel] if frame.quality is not None else None
    return here if quality is None else here & ((quality & _UNUSABLE) == 0)


class Layout:
    """The columns of a table of ``groups``: the time, then every channel, group by group."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self._groups = tuple(groups)
        channels = [channel for group in groups for channel in group.channels]
        fields = [(header(channel), _TYPES[channel.type]) for channel in channels]
        self.schema: Any = pa.schema([pa.field(TIME, pa.timestamp("us", "UTC"), nullable=False), *fields])

    def rows(self, window: Window) -> Any:
        """The rows of ``window`` in the order of their times, as an Arrow table."""
        joined = {group.key: _joined(group, window) for group in self._groups}
        every = [times for times, _, _ in joined.values() if len(times)]
        times = _row_times(every)
        arrays: list[Any] = [pa.array(times, pa.timestamp("us", "UTC"))]
        for group in self._groups:
            own, columns, present = joined[group.key]
            where = np.searchsorted(times, own) + _occurrence(own)
            for i, channel in enumerate(group.channels):
                kind = _TYPES[channel.type]
                if not len(own):
                    arrays.append(pa.nulls(len(times), kind))
                    continue
                values = np.zeros(len(times), dtype=columns[i].dtype)
                missing = np.ones(len(times), dtype=bool)
                values[where] = columns[i]
                missing[where] = ~present[i]
                arrays.append(pa.array(values, mask=missing).cast(kind))
        return pa.Table.from_arrays(arrays, schema=self.schema)


_Joined = tuple[Times, list[npt.NDArray[Any]], list[npt.NDArray[np.bool_]]]


def _joined(group: Group, window: Window) -> _Joined:
    """The samples of one group: ascending times, values and where there are any, a channel each."""
    parts = [part for part in window.parts if part.group.key == group.key]
    if not parts:
        return np.empty(0, dtype=np.int64), [], []
    times = np.concatenate([part.times for part in parts])
    indices = range(len(group.channels))
    columns = [np.concatenate([part.columns[i] for part in parts]) for i in indices]
    present = [np.concatenate([usable(part, i) for part in parts]) for i in indices]
    if np.any(np.diff(times) < 0):
        order = np.argsort(times, kind="stable")
        times = times[order]
        columns, present = [one[order] for one in columns], [one[order] for one in present]
    return times, columns, present


def _row_times(every: Sequence[Times]) -> Times:
    """Each time that occurs, ascending, as often as the group has it that has it most often."""
    distinct = np.unique(np.concatenate(every))
    most = np.ones(len(distinct), dtype=np.int64)
    for times in every:
        if np.any(np.diff(times) == 0):
            own, counts = np.unique(times, return_counts=True)
            here = np.searchsorted(distinct, own)
            most[here] = np.maximum(most[here], counts)
    return np.repeat(distinct, most)


def _occurrence(times: Times) -> npt.NDArray[np.intp]:
    """(n,) how many of the same time stand before each of ascending ``times``."""
    return np.arange(len(times)) - np.searchsorted(times, times)
