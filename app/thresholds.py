"""The operator's factors on thresholds: kept in a file of his, and what one would mean, from scores that are stored."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from detection import Override, Thresholds
from detection.settings import BANK_NAME
from detection.thresholds import LEAST
from storage import Change, Reader, Weight
from telemetry import Times
from telemetry.clock import SECOND

MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
SET = "set threshold"
"""What the archive's audit calls a change of one."""
_MERGE = 2 * MINUTE  # minutes above a threshold that lie no farther apart are one finding
_MOST = 20.0
_STEPS = 60
_EVER = 1 << 62


class ThresholdError(Exception):
    """A threshold cannot be set as asked, or the file that keeps them cannot be used; the text is a sentence."""


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What factors on the thresholds of some channels would have meant for scores that are stored.

    (m,) ascending ``factors``, findings ``a_day`` and the ``share`` of judged time above the threshold; ``days``
    that were judged; ``now`` is the factor in force.
    """

    factors: npt.NDArray[np.float64]
    a_day: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]
    days: float
    now: float

    def for_findings(self, a_day: float) -> float:
        """The smallest factor from which on there are at most ``a_day`` findings a day. Raises ThresholdError.

        Far below it there may be as few: findings that never end are one.
        """
        return self._first(self.a_day <= a_day)

    def for_share(self, share: float) -> float:
        """The smallest factor at which at most ``share`` of the time is above the threshold. Raises ThresholdError."""
        return self._first(self.share <= share)

    def _first(self, enough: npt.NDArray[np.bool_]) -> float:
        over = np.flatnonzero(~enough)
        first = int(over[-1]) + 1 if len(over) else 0
        if first == len(enough):
            raise ThresholdError(
                f"Even at {_MOST:g} times the threshold there would be more: see whether those findings are true."
            )
        return float(self.factors[first])


def preview(reader: Reader, channels: str, now: Thresholds, days: float = 7.0) -> Preview:
    """What factors on the channels whose keys match would have meant in the last ``days`` that are stored.

    Counted from each minute's largest ratio, so a budget that an alarm spends is not. Raises StorageError,
    ThresholdError where nothing is stored.
    """
    sessions = reader.sessions()
    newest = max((one.last for one in sessions if one.last is not None), default=0)
    changes = reader.changes()
    weights: list[Weight] = []
    for one in sessions:
        if one.last is None or one.last < newest - days * DAY:
            continue
        keys = [channel.key for group in reader.groups(one.id) for channel in group.channels]
        chosen = [key for key in keys if Thresholds((Override(channels, 2.0),)).factor(key) == 2.0]
        weights += _weights(one.id, chosen, in_force(one.settings), changes)
    minutes, ratios = reader.worst_minutes(BANK_NAME, weights, newest - int(days * DAY), newest + 1)
    if not len(minutes):
        raise ThresholdError(f"No scores of {channels} are stored yet: try again when it has been watched for a while.")
    factors = np.geomspace(LEAST, _MOST, _STEPS)
    judged = len(minutes) * MINUTE / DAY
    keys_now = {one.key for one in weights}
    return Preview(
        factors=factors,
        a_day=np.array([_episodes(minutes[ratios > factor]) for factor in factors]) / judged,
        share=np.array([float((ratios > factor).mean()) for factor in factors]),
        days=judged,
        now=min((now.factor(key) for key in keys_now), default=1.0),
    )


def _episodes(minutes: Times) -> int:
    return 0 if not len(minutes) else 1 + int((np.diff(minutes) > _MERGE).sum())


def _weights(session: int, keys: Iterable[str], first: Thresholds, changes: Iterable[Change]) -> Iterator[Weight]:
    """The factors that were in force in a session: at ``first``, and after each change that was made in it.

    The minute of a change and the one before count for neither: a frame, which holds up to a minute, was on its way.
    """
    steps: list[tuple[dict[str, int], Thresholds]] = [({}, first)]
    for change in changes:
        if (change.session, change.what) == (session, SET):
            after = json.loads(change.after or "{}")
            since = after.pop("since", {})
            then = steps[-1][1].without(change.object)
            steps.append((since, then.with_override(Override(**after)) if after else then))
    for key in keys:
        satellite = key.partition("/")[0]
        begins = [since.get(satellite, -_EVER) for since, _ in steps]
        ends = [*(begin - 2 * MINUTE + 1 for begin in begins[1:]), _EVER]
        for begin, end, (_, then) in zip(begins, ends, steps, strict=True):
            yield Weight(session, key, then.factor(key), begin + 1, end)


def in_force(settings: str) -> Thresholds:
    """The thresholds that a session's recorded settings (JSON) name."""
    try:
        return _thresholds(json.loads(settings).get("thresholds", []))
    except (ValueError, ThresholdError):
        return Thresholds()


def load(file: Path) -> Thresholds:
    """The thresholds that ``file`` keeps; none where it is not there. Raises ThresholdError."""
    try:
        return _thresholds(tomllib.loads(file.read_text(encoding="utf-8")).get("threshold", []))
    except FileNotFoundError:
        return Thresholds()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ThresholdError) as problem:
        raise ThresholdError(
            f"{file} cannot be used ({problem}): thresholds are as they come; mend it or remove it."
        ) from problem


def save(file: Path, thresholds: Thresholds) -> None:
    """Keep ``thresholds`` in ``file``, whole or not at all. Raises ThresholdError."""
    lines = ["# What the operator set: the first pattern that matches a channel is in force.\n"]
    lines += [
        f"\n[[threshold]]\nchannels = {json.dumps(one.channels)}\nfactor = {one.factor!r}\n"
        f"meaning = {json.dumps(one.meaning)}\n"
        for one in thresholds.overrides
    ]
    fresh = file.with_name(file.name + ".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as out:
            out.writelines(lines)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError as problem:
        raise ThresholdError(f"Thresholds could not be kept in {file} ({problem.strerror}).") from problem


def rows(thresholds: Thresholds) -> list[dict[str, object]]:
    """As a session's settings and the window's messages hold them."""
    return [{"channels": one.channels, "factor": one.factor, "meaning": one.meaning} for one in thresholds.overrides]


def _thresholds(found: Iterable[object]) -> Thresholds:
    overrides = []
    for number, one in enumerate(found if isinstance(found, list) else [None], 1):
        try:
            if not isinstance(one, dict) or set(one) - {"channels", "factor", "meaning"}:
                raise ValueError("it takes channels, factor and meaning")
            overrides.append(Override(str(one["channels"]), float(one["factor"]), str(one.get("meaning", ""))))
        except (ValueError, TypeError, KeyError) as problem:
            raise ThresholdError(f"threshold {number}: {problem}") from problem
    return Thresholds(tuple(overrides))
