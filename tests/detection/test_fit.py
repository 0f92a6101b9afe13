"""What is learned of a channel from its history."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from detection.fit import Kind, fit_channel, unwrap
from telemetry import Channel

RNG = np.random.default_rng(0)


def fitted(values: Any, kind: Any = "f8", **more: Any) -> Any:
    x = np.asarray(values, dtype=np.float64)
    return fit_channel(Channel("S", "", "c", type=kind, **more), x, np.ones(len(x) - 1, dtype=bool))


def test_a_declared_range_is_the_scale_and_else_the_range_that_was_seen() -> None:
    x = RNG.uniform(2, 4, 500)
    assert fitted(x, span=(0.0, 10.0)).half == 5.0
    assert fitted(x).half == pytest.approx(1.0, abs=0.05)


def test_a_constant_has_a_range_all_the_same() -> None:
    assert fitted(np.full(500, 28.0)).half == pytest.approx(1.4)
    assert fitted(np.zeros(500)).half > 0


def test_a_cycle_is_predicted_from_its_last_64_values() -> None:
    u = np.sin(np.arange(1001) / 5)
    fit = fitted(u)
    window = (u[437:501] - fit.middle) / fit.half
    expected = (u[501] - fit.middle) / fit.half
    assert float(window @ fit.weights) + fit.bias == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.arange(500) * 3 % 256, Kind.COUNTER),
        (np.cumsum(RNG.integers(0, 4, 500)), Kind.COUNTER),
        (np.arange(500) * 0.1, Kind.COUNTER),
        (1e6 - np.arange(500), Kind.COUNTER),
        (RNG.integers(0, 4, 500), Kind.LEVEL),
        (np.cumsum(RNG.standard_normal(500)), Kind.LEVEL),
        (np.linspace(0, 1, 500) + 0.01 * RNG.standard_normal(500), Kind.LEVEL),
        (np.full(500, 7.0), Kind.LEVEL),
    ],
)
def test_what_counts_is_told_from_what_varies(values: Any, kind: Kind) -> None:
    assert fitted(values).kind is kind


def test_an_enumerated_channel_knows_the_codes_it_met() -> None:
    fit = fitted(np.where(np.arange(500) % 9, 1, 4), kind="i4")
    assert fit.kind is Kind.STATE and fit.known == {1.0, 4.0}


def test_a_wrap_is_an_ordinary_step_and_a_reset_is_not() -> None:
    assert unwrap(np.array([250.0, 255.0, 4.0, 9.0]), 5.0, 0.0).tolist() == [5, 5, 5], "256 is a power of two"
    assert unwrap(np.array([990.0, 995.0, 0.0, 5.0]), 5.0, 995.0).tolist() == [5, 5, 5], "995 is the top it had"
    assert unwrap(np.array([400.0, 405.0, 0.0, 5.0]), 5.0, 995.0).tolist() == [5, -405, 5]


def test_whole_numbers_that_rise_as_often_as_they_fall_are_no_counter() -> None:
    values = np.rint(90 * np.sin(np.arange(2001) / 40))
    fit = fit_channel(Channel("SAT", "aocs", "wheel_speed", type="i8"), values, np.ones(2000, dtype=bool))
    assert fit.kind is Kind.LEVEL
