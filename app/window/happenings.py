"""What telemetry itself tells the operator: states that change, eclipses, contacts. GUI thread, no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from telemetry import Channel, Group, Times
from widgets.model import EventRow, SatelliteView

CHANGES_BOUND = 20
"""A state that changes more often than this in one look is noise, and not listed."""
SPANS_BOUND = 200
CONTACT = "contact"
"""The group whose samples arrive only while a ground station hears the satellite."""
COMMAND = "last_command"
"""The channel whose states are telecommands as they are carried out."""
_GAP = 3


def is_eclipse(channel: Channel) -> bool:
    """Whether a channel says that its satellite is in the dark."""
    return channel.type == "bool" and channel.name.lower() in ("eclipse", "in_eclipse", "eclipse_flag")


def has_states(channel: Channel) -> bool:
    """Whether a channel's values have names."""
    return bool(channel.states)


@dataclass(slots=True)
class _Sky:
    dark: list[tuple[int, int | None]] = field(default_factory=list)
    word: str = ""


class Happenings:
    """Fed every fresh row of every group, in order."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._skies: dict[str, _Sky] = {}
        self._heard: dict[str, int] = {}
        self._out: set[str] = set()

    def see(self, group: Group, times: Times, values: npt.NDArray[np.float64]) -> list[EventRow]:
        """What happened in these rows."""
        rows: list[EventRow] = []
        for column, channel in enumerate(group.channels):
            if is_eclipse(channel) or has_states(channel):
                rows += self._see_states(channel, times, values[:, column])
        if group.name == CONTACT:
            rows += self._see_contact(group, times)
        return rows

    def pass_time(self, groups: Sequence[Group], now: int) -> list[EventRow]:
        """What silence tells: contacts that have ended by ``now``."""
        rows = []
        for group in groups:
            last = self._heard.get(group.key)
            if last is not None and group.key not in self._out and group.period and now - last > _GAP * group.period:
                self._out.add(group.key)
                rows.append(EventRow(last, group.satellite, "contact ended"))
        return rows

    @property
    def eclipses(self) -> dict[str, tuple[tuple[int, int | None], ...]]:
        """Spans of darkness by satellite."""
        return {name: tuple(sky.dark) for name, sky in self._skies.items()}

    @property
    def satellites(self) -> list[SatelliteView]:
        """One word a satellite."""
        return [SatelliteView(name, sky.word) for name, sky in self._skies.items()]

    def _see_states(self, channel: Channel, times: Times, values: npt.NDArray[np.float64]) -> list[EventRow]:
        there = np.isfinite(values)
        codes, at = values[there], times[there]
        if not len(codes):
            return []
        before = self._last.get(channel.key, np.nan)
        changed = np.flatnonzero(np.concatenate([[before], codes[:-1]]) != codes)
        self._last[channel.key] = float(codes[-1])
        rows = []
        for i in changed.tolist():
            first = i == 0 and np.isnan(before)
            if is_eclipse(channel):
                self._see_eclipse(channel.satellite, int(at[i]), bool(codes[i]))
                sentence = "eclipse began" if codes[i] else "eclipse ended"
            else:
                name = _name(channel, codes[i])
                sentence = f"command: {name}" if channel.name == COMMAND else f"{channel.name} is {name}"
            if not first:
                rows.append(EventRow(int(at[i]), channel.satellite, sentence))
        return rows if len(rows) <= CHANGES_BOUND else []

    def _see_eclipse(self, satellite: str, time: int, dark: bool) -> None:
        sky = self._skies.setdefault(satellite, _Sky())
        sky.word = "eclipse" if dark else "sunlit"
        if dark:
            sky.dark.append((time, None))
            del sky.dark[:-SPANS_BOUND]
        elif sky.dark and sky.dark[-1][1] is None:
            sky.dark[-1] = (sky.dark[-1][0], time)

    def _see_contact(self, group: Group, times: Times) -> list[EventRow]:
        rows: list[EventRow] = []
        last, limit = self._heard.get(group.key), _GAP * (group.period or 0)
        joined = times if last is None else np.concatenate([[last], times])
        for i in np.flatnonzero(np.diff(joined) > limit).tolist() if limit else []:
            if group.key not in self._out:
                rows.append(EventRow(int(joined[i]), group.satellite, "contact ended"))
            self._out.discard(group.key)
            rows.append(EventRow(int(joined[i + 1]), group.satellite, "contact began"))
        self._heard[group.key] = int(times[-1])
        return rows


def _name(channel: Channel, code: float) -> str:
    return next((name for known, name in channel.states if known == code), f"code {code:g}")
