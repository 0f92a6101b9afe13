"""Counts against labels, F0.5 and intervals, held against their plain definitions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evaluation.labels import united
from app.evaluation.metrics import (
    RESAMPLES,
    alarm_fraction,
    f_score,
    interval,
    merged,
    precision,
    recall,
    resamples,
    tally,
)

LENGTH = 120
samples_of_alarms = st.lists(st.integers(0, LENGTH - 1), unique=True, max_size=30).map(sorted)
spans = st.lists(st.tuples(st.integers(0, LENGTH - 1), st.integers(0, 20)), max_size=6).map(
    lambda pairs: united([(start, min(start + more, LENGTH - 1)) for start, more in pairs])
)


@given(samples_of_alarms, st.integers(0, 15))
def test_samples_at_most_the_reach_apart_are_one_alarm(samples: list[int], reach: int) -> None:
    alarms = merged(np.array(samples, dtype=np.int64), reach).tolist()
    assert all(next_first - last > reach for (_, last), (next_first, _) in pairwise(alarms))
    for first, last in alarms:
        inside = [sample for sample in samples if first <= sample <= last]
        assert (inside[0], inside[-1]) == (first, last)
        assert all(b - a <= reach for a, b in pairwise(inside))
    assert sum(first <= sample <= last for sample in samples for first, last in alarms) == len(samples)


@given(samples_of_alarms, spans, st.integers(0, 15), st.integers(1, 9))
def test_counts_are_those_of_their_definition(
    samples: list[int], labels: npt.NDArray[np.int64], reach: int, held: int
) -> None:
    stamps = np.array(samples, dtype=np.int64)
    counted = tally(stamps, labels, LENGTH, reach=reach, held=held)
    alarms = [set(range(first, last + 1)) for first, last in merged(stamps, reach).tolist()]
    events = [set(range(start, end + 1)) for start, end in labels.tolist()]
    found = [event for event in events if any(event & alarm for alarm in alarms)]
    labelled = set().union(*events)
    in_alarm = {sample + k for sample in samples for k in range(held)} & set(range(LENGTH))
    assert (counted.tp, counted.fn) == (len(found), len(events) - len(found))
    assert counted.fp == sum(not alarm & labelled for alarm in alarms)
    assert counted.nominal == LENGTH - len(labelled)
    assert counted.alarmed == len(in_alarm - labelled)
    delays = [max(0, min(min(alarm) for alarm in alarms if alarm & event) - min(event)) for event in found]
    assert list(counted.delays) == delays


@given(st.lists(st.integers(0, 50), min_size=5, max_size=5))
def test_f_is_that_of_its_definition_and_the_correction_only_lowers_it(counts: list[int]) -> None:
    tp, fp, fn, nominal, alarmed = counts
    row = np.array([tp, fp, fn, nominal, min(alarmed, nominal)])
    raw, corrected = float(f_score(row, corrected=False)), float(f_score(row, corrected=True))
    if tp + fn == 0:
        assert np.isnan(raw) and np.isnan(corrected)
    else:
        assert raw == pytest.approx(1.25 * tp / (1.25 * tp + 0.25 * fn + fp))
        assert 0 <= corrected <= raw + 1e-12
        if not row[4]:
            assert corrected == pytest.approx(raw)


def test_an_alarm_that_never_ends_finds_everything_and_is_worth_nothing() -> None:
    counted = tally(np.arange(1000), np.array([[100, 200], [500, 600]]), 1000, reach=100)
    assert (counted.tp, counted.fp, counted.fn) == (2, 0, 0)
    assert float(f_score(counted.counts, corrected=False)) == 1.0
    assert float(f_score(counted.counts, corrected=True)) == 0.0


def test_what_cannot_be_divided_is_nan() -> None:
    nothing = np.array([0, 0, 0, 10, 0])
    assert np.isnan([precision(nothing), recall(nothing), f_score(nothing, corrected=True)]).all()
    assert float(alarm_fraction([1, 0, 0, 0, 0])) == 0.0  # every sample is labelled
    assert float(f_score([0, 0, 3, 10, 0], corrected=True)) == 0.0  # nothing was found


def test_resamples_draw_as_many_channels_as_there_are_and_always_the_same() -> None:
    drawn = resamples(7)
    assert drawn.shape == (RESAMPLES, 7)
    assert (drawn.sum(axis=1) == 7).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(7), abs=0.1)
    assert np.array_equal(drawn, resamples(7))


def test_an_interval_leaves_out_draws_that_say_nothing() -> None:
    figures = np.concatenate([np.linspace(0, 1, 1001), np.full(500, np.nan)])
    assert interval(figures) == pytest.approx((0.025, 0.975))
    assert interval(np.full(3, np.nan)) is None
