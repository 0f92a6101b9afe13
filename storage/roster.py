"""Numbers for groups and channels, and the rows that say what each number means. Recorder's thread only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from telemetry import Channel, ChannelType, Group
from telemetry.limits import limits_from_json

Kind = Literal["f4", "f8", "i8", "u8"]
"""The four list columns of a chunk."""

KINDS: Mapping[ChannelType, Kind] = {"f4": "f4", "f8": "f8", "i8": "i8", "u8": "u8", "bool": "i8", "i4": "i8"}
"""Where a channel's values are kept; codes and truths are widened, which loses nothing and packs as small."""

DTYPES: Mapping[ChannelType, np.dtype[Any]] = {
    "f4": np.dtype("f4"),
    "f8": np.dtype("f8"),
    "i8": np.dtype("i8"),
    "u8": np.dtype("u8"),
    "bool": np.dtype("?"),
    "i4": np.dtype("i4"),
}
"""The type of a channel's column in a frame."""

IDENTITIES = 10_000
"""Group objects remembered at once, should a source make a new one a frame."""

GROUP_ROWS = pa.schema(
    [
        ("id", pa.int32()),
        ("session", pa.int32()),
        ("satellite", pa.string()),
        ("name", pa.string()),
        ("period", pa.int64()),
        ("orbit", pa.int64()),
        ("channels", pa.list_(pa.int32())),
    ]
)
CHANNEL_ROWS = pa.schema(
    [
        ("id", pa.int32()),
        ("session", pa.int32()),
        ("satellite", pa.string()),
        ("subsystem", pa.string()),
        ("name", pa.string()),
        ("unit", pa.string()),
        ("type", pa.string()),
        ("states", pa.map_(pa.int64(), pa.string())),
        ("definition", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A group with its number, its channels' numbers, and which of them go into which list column."""

    id: int
    session: int
    group: Group
    channels: tuple[int, ...]
    by_kind: tuple[tuple[Kind, tuple[int, ...]], ...]


def by_kind(channels: Sequence[Channel]) -> tuple[tuple[Kind, tuple[int, ...]], ...]:
    """Which places go into which list column."""
    kinds: dict[Kind, list[int]] = {}
    for place, channel in enumerate(channels):
        kinds.setdefault(KINDS[channel.type], []).append(place)
    return tuple((kind, tuple(places)) for kind, places in kinds.items())


class Roster:
    """Every group and channel of the sessions being recorded; a channel that comes back keeps its number."""

    def __init__(self, last_group: int, last_channel: int) -> None:
        self._last_group = last_group
        self._last_channel = last_channel
        self._by_identity: dict[tuple[int, int], Numbered] = {}
        self._by_value: dict[tuple[int, Group], Numbered] = {}
        self._channels: dict[tuple[int, Channel], int] = {}
        self._new_groups: list[Numbered] = []
        self._new_channels: list[tuple[int, int, Channel]] = []

    def number(self, session: int, group: Group) -> Numbered:
        """The numbers of ``group``, given out now if it was never seen in this session."""
        # A group is hashed over all its channels; the same object comes with every frame. It is held by the
        # value found, so that its identity cannot be another's.
        found = self._by_identity.get((session, id(group)))
        if found is not None and found.group is group:
            return found
        found = self._by_value.get((session, group))
        if found is None:
            found = self._add(session, group)
        else:
            found = Numbered(found.id, session, group, found.channels, found.by_kind)
        if len(self._by_identity) >= IDENTITIES:
            self._by_identity.clear()
        self._by_identity[session, id(group)] = found
        return found

    def new_rows(self) -> tuple[pa.Table | None, pa.Table | None]:
        """Rows of what was numbered since the last call: groups, channels."""
        groups = [
            {
                "id": one.id,
                "session": one.session,
                "satellite": one.group.satellite,
                "name": one.group.name,
                "period": one.group.period,
                "orbit": one.group.orbit,
                "channels": list(one.channels),
            }
            for one in self._new_groups
        ]
        channels = [
            {
                "id": number,
                "session": session,
                "satellite": channel.satellite,
                "subsystem": channel.subsystem,
                "name": channel.name,
                "unit": channel.unit,
                "type": channel.type,
                "states": list(channel.states) or None,
                "definition": definition(channel),
            }
            for number, session, channel in self._new_channels
        ]
        self._new_groups, self._new_channels = [], []
        return (
            pa.Table.from_pylist(groups, GROUP_ROWS) if groups else None,
            pa.Table.from_pylist(channels, CHANNEL_ROWS) if channels else None,
        )

    def forget(self, session: int) -> None:
        """The session has ended: its numbers are not asked for again."""
        self._by_identity = {key: one for key, one in self._by_identity.items() if key[0] != session}
        self._by_value = {key: one for key, one in self._by_value.items() if key[0] != session}
        self._channels = {key: number for key, number in self._channels.items() if key[0] != session}

    def _add(self, session: int, group: Group) -> Numbered:
        numbers = []
        for channel in group.channels:
            number = self._channels.get((session, channel))
            if number is None:
                self._last_channel += 1
                number = self._channels[session, channel] = self._last_channel
                self._new_channels.append((number, session, channel))
            numbers.append(number)
        self._last_group += 1
        found = Numbered(self._last_group, session, group, tuple(numbers), by_kind(group.channels))
        self._by_value[session, group] = found
        self._new_groups.append(found)
        return found


def definition(channel: Channel) -> str:
    """Everything a channel says of itself, as JSON; ``channel_of`` is its inverse."""
    found = {field.name: getattr(channel, field.name) for field in fields(channel)}
    # A copy of every part, as asdict makes it, is most of the time that a thousand channels take.
    return json.dumps({**found, "limits": [asdict(limit) for limit in channel.limits]}, allow_nan=True)


def channel_of(text: str) -> Channel:
    """The channel that ``definition`` described."""
    found = json.loads(text)
    return Channel(
        satellite=found["satellite"],
        subsystem=found["subsystem"],
        name=found["name"],
        unit=found["unit"],
        type=found["type"],
        states=tuple((int(code), str(name)) for code, name in found["states"]),
        limits=limits_from_json(found["limits"]),
        span=None if found["span"] is None else (found["span"][0], found["span"][1]),
        description=found["description"],
    )
