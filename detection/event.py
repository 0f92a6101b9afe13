"""What detection says: scores a sample, and events with their channels ranked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from telemetry import Group, Severity, Times

Category = Literal["anomaly", "rare nominal"]
"""Whether an event asks for attention, or is like one that an operator judged to be rare and nominal."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One channel's share of an event: its path, its unit-free share (all shares sum to 1), its peak.

    ``score`` is the channel's own peak over the threshold; ``reason`` is a sentence ("2.6 x anything in the
    last 2,000 samples"). ``actual`` is the value at the channel's largest score that lies outside what was expected
    of it, ``expected_low`` .. ``expected_high``, all in channel units. None where there is no such bound or value:
    a spread over many samples, a state, what an older archive did not keep.
    """

    name: str
    share: float
    score: float
    reason: str = ""
    expected_low: float | None = None
    expected_high: float | None = None
    actual: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One happening on one satellite.

    Times are UTC microseconds; ``end`` is the newest sample that belongs to it, and ``open`` says whether it
    goes on. ``model`` is a model's name, a plain score's (``ar``, ``diff``, ``std``, ``lstd``, ``z``), ``limits``,
    ``cycle``, ``silence`` or ``sisters``; ``score`` is the peak over the threshold; ``channels`` are ranked, largest
    share first.
    ``key`` is unique in a session and stays the same while the event grows. ``reason`` is a sentence.
    ``seconded`` names every other judge that saw the same, and ``versions`` pairs each of them all with its version,
    by name.

    ``onset`` is when the leading channel went above its record, which is before it passed the threshold that makes
    ``start``: at most ``start``. ``peak`` is the time of the largest score, and ``threshold`` what was in force
    there, in the units of that score (for a limit: the limit). None in what an older archive did not keep.
    ``category`` is ``rare nominal`` where an operator judged a like event so; ``likeness`` is then the sentence.
    ``response`` is what the worst limit that was passed says of cause, consequence and what to do, a line each.
    """

    key: int
    satellite: str
    start: int
    end: int
    open: bool
    severity: Severity
    model: str
    version: str
    score: float
    channels: tuple[Contribution, ...]
    reason: str = ""
    seconded: tuple[str, ...] = ()
    onset: int | None = None
    peak: int | None = None
    threshold: float | None = None
    versions: tuple[tuple[str, str], ...] = ()
    category: Category = "anomaly"
    likeness: str = ""
    response: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What was made of consecutive samples of one group, in step with them.

    ``times`` (n,) int64; ``ratio`` (n, channels) float32, largest score of the bank over its threshold, the alarm
    budget included (above 1 is an alarm where the channel is armed; NaN where a channel cannot be judged: before its
    first fit, missing, late); ``low`` and ``high`` (n, channels) float32, what was expected of the channel, in channel
    units: the linear prediction, give or take the threshold of its residual (NaN where there is none).
    """

    group: Group
    times: Times
    ratio: npt.NDArray[np.float32]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Scores of one model for windows of one group: (n,) stamps of the newest sample and, for each, its channel.

    ``ratio`` is over the model's threshold for that channel; NaN where it cannot be judged yet.
    ``skipped`` windows were never scored (a live source outran the pool): a recorded gap in the scores.
    """

    group: Group
    model: str
    version: str
    times: Times
    channels: npt.NDArray[np.int32]
    ratio: npt.NDArray[np.float32]
    skipped: npt.NDArray[np.bool_]
