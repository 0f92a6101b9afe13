"""VUS-PR is the volume that aeon computes, for every series that has one, and says why where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.evaluation.metrics import Floats, Mask
from app.evaluation.vus import obstacle, vus_pr
from tests.evaluation.aeon_vus import range_pr_vus_score

EXACT = 1e-9


def reference(labels: Mask, scores: Floats, largest: int) -> float:
    return float(range_pr_vus_score(labels.astype(np.int64), scores, max_buffer_size=largest))


@st.composite
def series(draw: st.DrawFn) -> tuple[Mask, Floats]:
    """Labels and scores, coarse enough for ties, short enough for slopes to meet and to run over both ends."""
    n = draw(st.integers(2, 400))
    labels = np.zeros(n, dtype=bool)
    for start, length in draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(1, 60)), min_size=1, max_size=6)):
        labels[start : start + length] = True
    levels = draw(st.sampled_from([2, 5, 1_000_000]))
    scores = draw(arrays(np.float64, n, elements=st.integers(-levels, levels).map(lambda k: k / 7.0)))
    assume(scores.min() < scores.max())
    return labels, scores


@settings(max_examples=25, deadline=None)
@given(series(), st.sampled_from([0, 1, 2, 3, 7, 20]))
def test_the_volume_is_that_of_aeon(made: tuple[Mask, Floats], largest: int) -> None:
    labels, scores = made
    (volume,) = vus_pr(labels, scores[None], largest)
    assert volume == pytest.approx(reference(labels, scores, largest), abs=EXACT)


def test_the_volume_is_that_of_aeon_where_slopes_are_long() -> None:
    rng = np.random.default_rng(1)
    labels = np.zeros(1200, dtype=bool)
    for start in rng.integers(0, 1200, 5):
        labels[start : start + rng.integers(1, 80)] = True
    scores = rng.normal(size=1200).cumsum() + 8 * labels
    (volume,) = vus_pr(labels, scores[None], 120)
    assert volume == pytest.approx(reference(labels, scores, 120), abs=EXACT)


@settings(max_examples=20, deadline=None)
@given(series(), st.floats(0.1, 1e6), st.floats(-1e6, 1e6))
def test_only_the_order_of_scores_counts_and_models_do_not_touch_each_other(
    made: tuple[Mask, Floats], factor: float, offset: float
) -> None:
    labels, scores = made
    rank = np.unique(scores, return_inverse=True)[1].astype(np.float64)
    noise = np.random.default_rng(0).normal(size=len(scores))
    alone = vus_pr(labels, scores[None], 20)
    together = vus_pr(labels, np.stack([noise, factor * rank + offset, scores]), 20)
    assert together[1:] == pytest.approx([alone[0], alone[0]], abs=EXACT)


def test_a_score_that_follows_the_labels_is_near_one_and_one_that_avoids_them_far_from_it() -> None:
    labels = np.zeros(5000, dtype=bool)
    labels[2000:2600] = True
    ramp = np.arange(5000) / 1e6
    good, bad = vus_pr(labels, np.stack([labels + ramp, ~labels + ramp]))
    assert good > 0.85 > 0.2 > bad > 0


def test_where_there_is_no_volume_the_reason_is_said() -> None:
    labels, scores = np.array([True, False, False]), np.array([1.0, 2.0, 3.0])
    assert obstacle(labels, scores) == ""
    assert obstacle(~labels & labels, scores) == "no sample is labelled"
    assert obstacle(labels, np.zeros(3)) == "the scores are constant"
    assert obstacle(labels[:1], scores[:1]) == "the scores are constant"
