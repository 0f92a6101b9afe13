"""Scores as they are kept: the largest ratio of each channel in each minute, with counts.

A bank gives a ratio for every sample; kept whole they would double the archive. What a chart of a month, a
report and a look back need is how near each channel came to its threshold and where nothing was judged, and a
minute's maximum says that for a few bytes a channel. For a while (``Retention.ratios``) every ratio is kept besides,
as half a float, two bytes each. Called under the recorder's lock, by whoever hands in scores.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from detection.event import Judged, Scored
from telemetry import Group, Times
from telemetry.clock import SECOND

MINUTE = 60 * SECOND
BANK = "bank"
"""The name under which the bank of plain scores is kept."""


_LARGEST = float(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Ratios of (n,) times: (n, channels) of all channels, or where ``channels`` is given (n,), of one each."""

    times: Times
    ratio: npt.NDArray[np.float32]
    channels: npt.NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Minute:
    """Largest ratio, and values judged and skipped, of each channel of ``group`` from ``start`` for one minute.

    ``parts`` are what it is the maximum of, where that is kept.
    """

    session: int
    group: Group
    model: str
    version: str
    start: int
    ratio: npt.NDArray[np.float32]
    judged: npt.NDArray[np.uint32]
    skipped: npt.NDArray[np.uint32]
    parts: list[Part] = field(default_factory=list)

    def ratios(self) -> tuple[Times, npt.NDArray[np.uint16]]:
        """Every ratio of the minute: (n,) ascending times, (channels, n) bits of half floats, NaN where there is none.

        Of several at one time the largest stands.
        """
        times, where = np.unique(np.concatenate([part.times for part in self.parts]), return_inverse=True)
        out = np.full((len(self.ratio), len(times)), np.nan, dtype=np.float32)
        done = 0
        for part in self.parts:
            at = where[done : done + len(part.times)]
            done += len(part.times)
            if part.channels is None:
                np.fmax.at(out.T, at, part.ratio)
            else:
                np.fmax.at(out, (part.channels, at), part.ratio)
        # What is beyond the largest half float is far beyond any threshold.
        half = np.where(np.isinf(out), out, np.clip(out, 0.0, _LARGEST)).astype(np.float16)
        return times, half.view(np.uint16)


class Minutes:
    """Minutes in the making, one a group and judge; each is handed out when the next one begins.

    With ``whole`` they hold every ratio.
    """

    def __init__(self, whole: bool) -> None:
        self._whole = whole
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
            part = _add(minute, item, a, b)
            if self._whole and len(part.times):
                minute.parts.append(part)
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


def _add(minute: Minute, item: Judged | Scored, a: int, b: int) -> Part:
    if isinstance(item, Judged):
        ratio = item.ratio[a:b]
        np.fmax(minute.ratio, np.fmax.reduce(ratio, axis=0), out=minute.ratio)
        minute.judged[:] += (~np.isnan(ratio)).sum(axis=0).astype(np.uint32)
        return Part(item.times[a:b], ratio)
    channels, skipped = item.channels[a:b], item.skipped[a:b]
    scored = ~skipped & ~np.isnan(item.ratio[a:b])
    np.fmax.at(minute.ratio, channels[scored], item.ratio[a:b][scored])
    np.add.at(minute.judged, channels[scored], np.uint32(1))
    np.add.at(minute.skipped, channels[skipped], np.uint32(1))
    return Part(item.times[a:b][scored], item.ratio[a:b][scored], channels[scored])
