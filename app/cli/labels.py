"""What ``perigee simulate --labels`` writes: the faults that are in what was played, as types."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from app.cli.result import InjectedResult, injected_result
from telemetry import Category, Source
from telemetry.clock import iso


class LabelResult(InjectedResult):
    """What was put in: a fault, or a nominal event that looks odd; ``strength`` in sigmas of its main channel."""

    category: Category
    strength: float | None


class Labels(BaseModel):
    """Times are ISO 8601 UTC; ``start`` and ``end`` are the first and the last sample that was played."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    start: str
    end: str
    injected: list[LabelResult]


def labels_of(source: Source, first: int, last: int) -> Labels:
    """The labels of ``source`` played from ``first`` to ``last`` (UTC microseconds).

    What had not begun by then is in none of the samples, and not among them.
    """
    return Labels(
        source=source.name,
        start=iso(first),
        end=iso(last),
        injected=[
            LabelResult(
                **injected_result(one).model_dump(),
                category=one.category,
                strength=None if one.strength is None else round(one.strength, 3),
            )
            for one in source.injected
            if one.start <= last
        ],
    )
