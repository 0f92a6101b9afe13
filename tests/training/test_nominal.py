"""What is learnt from: nominal series, scaled as a commissioning would, cut into windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry import Channel, Frame, Group, ListSource
from training.nominal import COMMISSIONING, WINDOW, by_deviation, by_range, plain_channels, source_channels, windows
from training.patterns import PATTERNS, series

SECOND = 1_000_000


@pytest.mark.parametrize("number", range(len(PATTERNS)))
def test_every_pattern_is_finite_and_of_the_length_asked_for(number: int) -> None:
    values = PATTERNS[number](np.random.default_rng(number), 500)
    assert values.shape == (500,) and values.dtype == np.float64 and np.isfinite(values).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_series_is_the_same_for_the_same_seed_and_another_for_another(seed: int) -> None:
    one, same = (series(np.random.default_rng(seed), 300) for _ in range(2))
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, series(np.random.default_rng(seed + 1), 300))


def test_a_range_becomes_two_and_a_median_zero() -> None:
    values = np.random.default_rng(0).uniform(20.0, 30.0, size=1000)
    scaled = by_range(values, 1000)
    assert np.median(scaled) == pytest.approx(0.0) and np.ptp(scaled) == pytest.approx(2.0)
    assert np.ptp(by_range(values, 1000, margin=4.0)) == pytest.approx(0.5)


def test_normal_noise_has_unit_deviation_and_a_pulse_channel_stays_finite() -> None:
    noise = np.random.default_rng(0).normal(5.0, 3.0, size=20_000)
    assert by_deviation(noise, 20_000).std() == pytest.approx(1.0, abs=0.03)
    pulses = np.zeros(1000)
    pulses[::100] = 7.0
    assert by_deviation(pulses, 1000).max() == pytest.approx(100.0)
    assert np.isfinite(by_deviation(np.full(1000, 4.0), 1000)).all()


def test_windows_are_cut_from_every_channel_and_bounded() -> None:
    rng = np.random.default_rng(0)
    cut = windows(rng, plain_channels(rng, 12), 16)
    assert cut.dtype == np.float32 and cut.shape[1] == WINDOW and 100 < len(cut) <= 12 * 16
    assert np.isfinite(cut).all()


def test_channels_of_a_source_are_held_over_missing_values_and_short_ones_left_out() -> None:
    count = COMMISSIONING[0] + WINDOW + 10
    names = ("full", "holes", "late")
    group = Group("SAT", "g", tuple(Channel("SAT", "s", name) for name in names), period=SECOND)
    full = np.arange(count, dtype=np.float64)
    holes, late = full.copy(), full.copy()
    holes[5:8] = np.nan
    late[: count - 50] = np.nan
    frame = Frame(group, np.arange(count, dtype=np.int64) * SECOND, (full, holes, late))
    channels = source_channels(ListSource([frame]))
    assert len(channels) == 2
    np.testing.assert_array_equal(channels[0], full)
    np.testing.assert_array_equal(channels[1][3:10], [3, 4, 4, 4, 4, 8, 9])
