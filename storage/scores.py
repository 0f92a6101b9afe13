"""Scores as they are kept: the largest ratio of each channel in each minute, with counts.

A bank gives a ratio for every sample; kept whole they would double the archive. What a chart of a month, a
report and a look back need is how near each channel came to its threshold and where nothing was judged, and a
minute's maximum says that for a few bytes a channel. Called under the recorder's lock, by whoever hands in scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.event import Judged, Scored
from telemetry import Group
from telemetry.clock import SECOND

MINUTE = 60 * SECOND
BANK = "bank"
"""The name under which the bank of plain scores is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Minute:
    """Largest ratio, and values judged and skipped, of each channel of ``group`` from ``start`` for one minute."""

    session: int
    group: Group
    model: str
    version: str
    start: int
    ratio: npt.NDArray[np.float32]
    judged: npt.NDArray[np.uint32]
    skipped: npt.NDArray[np.uint32]


class Minutes:
    """Minutes in the making, one a group and judge; each is handed out when the next one begins."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int, str, str], Minute] = {}

    def take(self, session: int, item: Judged | Scored) -> list[Minute]:
        """Minutes that ``item`` completes."""
        done: list[Minute] = []
        starts = item.times // MINUTE
        cuts = np.flatnonzero(np.diff(starts)) + 1
        for a, b in zip([0, *cuts.tolist()], [*cuts.tolist(), len(starts)], strict=True):
            if a == b:
                continue
            model, version = (BANK, "") if isinstance(item, Judged) else (item.model, item.version)
            key = (session, id(item.group), model, version)
            start = int(starts[a]) * MINUTE
            minute = self._open.get(key)
            if minute is None or minute.start != start:
                if minute is not None:
                    done.append(minute)
                minute = self._open[key] = _empty(session, item.group, model, version, start)
            _add(minute, item, a, b)
        return done

    def finish(self, session: int | None = None) -> list[Minute]:
        """Every minute begun, of one session or of all."""
        keys = [key for key in self._open if session is None or key[0] == session]
        return [self._open.pop(key) for key in keys]


def _empty(session: int, group: Group, model: str, version: str, start: int) -> Minute:
    width = len(group.channels)
    return Minute(
        session,
        group,
        model,
        version,
        start,
        np.full(width, np.nan, dtype=np.float32),
        np.zeros(width, dtype=np.uint32),
        np.zeros(width, dtype=np.uint32),
    )


def _add(minute: Minute, item: Judged | Scored, a: int, b: int) -> None:
    if isinstance(item, Judged):
        ratio = item.ratio[a:b]
        np.fmax(minute.ratio, np.fmax.reduce(ratio, axis=0), out=minute.ratio)
        minute.judged[:] += (~np.isnan(ratio)).sum(axis=0).astype(np.uint32)
        return
    channels, skipped = item.channels[a:b], item.skipped[a:b]
    scored = ~skipped & ~np.isnan(item.ratio[a:b])
    np.fmax.at(minute.ratio, channels[scored], item.ratio[a:b][scored])
    np.add.at(minute.judged, channels[scored], np.uint32(1))
    np.add.at(minute.skipped, channels[skipped], np.uint32(1))
