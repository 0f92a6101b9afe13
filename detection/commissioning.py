"""What a commissioning found: how each channel of a satellite is looked at, and what was usual in its nominal span.

A value that is stored, carried to another session and taken into its judge; JSON in between. Any thread.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from detection.fit import LAGS, Fit, Kind

_FORM = 1  # of the JSON


class CommissioningError(Exception):
    """What was stored is no commissioning; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one judge's scores of a channel came to: ``floors``, the least that a record counts as, and ``records``,
    the largest that each score was in the nominal span. One number a score of the judge.
    """

    floors: tuple[float, ...]
    records: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel is: median, median absolute deviation, smallest and largest value, and 1 % of its range."""

    location: float
    deviation: float
    low: float
    high: float
    least: float


@dataclass(frozen=True, slots=True)
class Commissioned:
    """One channel. ``measures`` by judge: ``bank``, ``robust_z``, and ``NAME VERSION`` of each network."""

    type: str
    samples: int
    fit: Fit
    place: Place
    measures: Mapping[str, Measure]


@dataclass(frozen=True, slots=True)
class Commissioning:
    """The channels of one satellite, by path, and the nominal span that they were fitted to (UTC microseconds)."""

    satellite: str
    start: int
    stop: int
    channels: Mapping[str, Commissioned]

    def to_json(self) -> str:
        """As it is stored; every number comes back to the bit."""
        return json.dumps({"form": _FORM, **asdict(self)}, default=_plain, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Commissioning:
        """What ``to_json`` wrote. Raises CommissioningError."""
        try:
            data = json.loads(text)
            if data.pop("form") != _FORM:
                raise CommissioningError("The commissioning was stored by another version: commission again.")
            channels = {path: _channel(one) for path, one in data.pop("channels").items()}
            return Commissioning(str(data["satellite"]), int(data["start"]), int(data["stop"]), channels)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise CommissioningError(f"The commissioning that is stored cannot be read ({problem}).") from problem


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not stored")


def _channel(data: Mapping[str, Any]) -> Commissioned:
    fit = data["fit"]
    weights = np.array(fit["weights"], dtype=np.float64)
    numbers = [value for value in fit.values() if isinstance(value, float)]
    if weights.shape != (LAGS,) or not np.isfinite([*weights, *numbers]).all() or not fit["half"] > 0:
        raise CommissioningError("The commissioning that is stored does not fit this version: commission again.")
    known = frozenset(float(code) for code in fit["known"])
    return Commissioned(
        type=str(data["type"]),
        samples=int(data["samples"]),
        fit=replace(Fit(**{**fit, "weights": weights, "known": known}), kind=Kind(fit["kind"])),
        place=Place(**data["place"]),
        measures={
            judge: Measure(tuple(map(float, one["floors"])), tuple(map(float, one["records"])))
            for judge, one in data["measures"].items()
        },
    )
