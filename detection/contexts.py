"""The modes of one satellite, in which limits hold: what each was at any time, and up to when that is known.

Judge's thread. A mode may come in another group than the channel that it bears on; what it was at a time is known
once its group, or the stream as a whole, has passed that time. So limits that depend on a mode wait for it, and the
answer is the same however the stream is cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detection.fit import Floats
from telemetry import Group, Times
from telemetry.limits import Condition, states_of

KEPT = 4096
"""Changes of a mode that are remembered."""
_BEFORE = -(1 << 62)


@dataclass(slots=True)
class _Mode:
    states: Mapping[str, float] = field(default_factory=dict)
    times: Times = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: Floats = field(default_factory=lambda: np.empty(0))
    newest: int = _BEFORE


class Modes:
    """The channels, by path, on which a limit of the satellite depends."""

    def __init__(self) -> None:
        self._modes: dict[str, _Mode] = {}

    def watch(self, paths: Iterable[str]) -> None:
        """Remember these channels from now on."""
        for path in paths:
            self._modes.setdefault(path, _Mode())

    def take(self, group: Group, times: Times, x: Floats) -> None:
        """(channels, n) values of a group, NaN where there is none, have come."""
        for channel, values in zip(group.channels, x, strict=True):
            mode = self._modes.get(channel.path)
            if mode is not None and len(times):
                mode.states = mode.states or states_of(channel)
                mode.newest = int(times[-1])
                self._append(mode, times, values)

    def known(self, path: str, passed: int) -> int:
        """Up to when a mode is known, where every group has passed the time ``passed``."""
        return max(self._modes[path].newest, passed)

    def meets(self, condition: Condition, times: Times) -> npt.NDArray[np.bool_]:
        """(n,) whether the newest value at or before each time meets ``condition``; False before the first value."""
        mode = self._modes[condition.channel]
        if not len(mode.times):
            return np.zeros(len(times), dtype=bool)
        met = np.array([False, *(condition.met(value, mode.states) for value in mode.values.tolist())])
        return np.asarray(met[np.searchsorted(mode.times, times, "right")])

    def _append(self, mode: _Mode, times: Times, values: Floats) -> None:
        here = ~np.isnan(values)
        times, values = times[here], values[here]
        if not len(times):
            return
        # A clock that was set back takes what it had passed with it.
        old = int(np.searchsorted(mode.times, times[0], "left"))
        times = np.concatenate([mode.times[:old], times])
        values = np.concatenate([mode.values[:old], values])
        changed = np.concatenate([[True], values[1:] != values[:-1]])
        mode.times, mode.values = times[changed][-KEPT:], values[changed][-KEPT:]


def chosen(conditions: Sequence[Condition], modes: Modes, times: Times) -> npt.NDArray[np.intp]:
    """(n,) which of ``conditions`` holds first at each time; their number where none does."""
    out = np.full(len(times), len(conditions), dtype=np.intp)
    for place in range(len(conditions) - 1, -1, -1):
        out[modes.meets(conditions[place], times)] = place
    return out
