"""Declared limits are judged at once, from the first sample on, and by nothing learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from telemetry import Channel, Frame, Group, Limit, Quality, Severity
from telemetry.clock import SECOND

LIMITS = (Limit(Severity.CRITICAL, low=0.0, high=60.0), Limit(Severity.WARNING, high=50.0))


def telemetry(values: Any, quality: Any = None, kind: Any = "f8", start: int = 0) -> Frame:
    channel = Channel("SAT", "eps", "temperature", "°C", kind, limits=LIMITS)
    group = Group("SAT", "eps", (channel,), SECOND)
    column = np.asarray(values)
    times = (start + np.arange(len(column))) * SECOND
    return Frame(group, times, (column,), None if quality is None else (quality,))


def hot(at: int, value: float, length: int = 3) -> Any:
    x = np.full(60, 20.0)
    x[at : at + length] = value
    return x


def test_an_excursion_opens_an_event_of_the_limits_severity_at_once(events: Any) -> None:
    (event,) = events([telemetry(hot(5, 51.5))])
    assert (event.model, event.severity, event.start // SECOND) == ("limits", Severity.WARNING, 6)
    assert event.reason == "eps/temperature: 51.5 °C is above the warning limit of 50"
    assert event.score > 1 and event.channels[0].share == 1.0


def test_the_worst_limit_that_is_passed_is_named(events: Any) -> None:
    (event,) = events([telemetry(hot(5, 61.0))])
    assert event.severity is Severity.CRITICAL and "critical limit of 60" in event.reason
    (event,) = events([telemetry(hot(5, -3.0))])
    assert event.severity is Severity.CRITICAL and "below the critical limit of 0" in event.reason


def test_one_sample_beyond_a_limit_is_not_enough_and_two_in_a_row_are(events: Any) -> None:
    assert events([telemetry(hot(5, 51.0, length=1))]) == []
    assert len(events([telemetry(hot(5, 51.0, length=2))])) == 1
    alternating = np.where(np.arange(60) % 2, 51.0, 20.0)
    assert events([telemetry(alternating)]) == []


def test_a_missing_sample_between_two_does_not_end_the_run(events: Any) -> None:
    x = hot(5, 51.0, length=3)
    x[6] = np.nan
    assert len(events([telemetry(x)])) == 1


@pytest.mark.parametrize("flag", [Quality.INVALID, Quality.LATE, Quality.MISSING])
def test_invalid_and_late_values_are_not_checked(flag: Quality, events: Any) -> None:
    assert events([telemetry(hot(5, 51.0), quality=np.full(60, flag, dtype=np.uint8))]) == []


def test_an_infinity_is_beyond_any_limit(events: Any) -> None:
    (event,) = events([telemetry(hot(5, np.inf))])
    assert event.severity is Severity.CRITICAL and np.isfinite(event.score)


def test_excursions_of_a_satellite_that_belong_together_are_one_event(events: Any) -> None:
    (event,) = events([telemetry(np.concatenate([hot(5, 51.0), hot(20, 65.0)]))])
    assert event.severity is Severity.CRITICAL


def test_integers_are_checked_like_any_other_number(events: Any) -> None:
    assert len(events([telemetry(hot(5, 55.0).astype(np.int64), kind="i8")])) == 1


def test_the_persistence_runs_on_from_frame_to_frame(events: Any) -> None:
    x = hot(5, 51.0, length=2)
    assert len(events([telemetry(x[:6]), telemetry(x[6:], start=6)])) == 1
