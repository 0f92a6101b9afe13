"""The figures of a run follow from its outcomes, and the text for people says the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.cli.figures import figures
from app.evaluation.judging import Outcome
from app.evaluation.labels import united
from app.evaluation.layout import Dataset, Recording
from app.evaluation.metrics import Tally
from app.evaluation.result import evaluation_result


def outcome(tp: int, fp: int, fn: int, delays: tuple[int, ...] = (), vus_pr: float | None = None) -> Outcome:
    return Outcome(Tally(tp, fp, fn, 1000, 10 * fp, delays), vus_pr, "" if vus_pr else "the scores are constant", 0.5)


OUTCOMES = {
    "A-1": {"application": outcome(1, 0, 0, (4,), 0.5), "random": outcome(0, 3, 1)},
    "A-2": {"application": outcome(2, 0, 1, (0, 10), 0.7), "random": outcome(1, 1, 2, (9,))},
    "A-3": {"application": outcome(0, 1, 0), "random": outcome(0, 0, 0)},
}
NAMES = ["application", "random"]


def test_counts_are_summed_and_figures_made_of_the_sums() -> None:
    result = evaluation_result("mission", NAMES, OUTCOMES)
    best, noise = result.models
    assert (best.tp, best.fp, best.fn, best.precision, best.recall) == (3, 1, 1, 0.75, 0.75)
    assert best.f05 == pytest.approx(0.75)
    assert best.nominal_alarm_fraction == pytest.approx(10 / 3000, abs=1e-6)
    right = 0.75 * (1 - 10 / 3000)
    assert best.f05_corrected == pytest.approx(1.25 * right * 0.75 / (0.25 * right + 0.75), abs=1e-6)
    assert (best.median_delay_samples, best.vus_pr, best.vus_pr_reason, best.seconds) == (4, 0.6, None, 1.5)
    assert (noise.vus_pr, noise.vus_pr_reason) == (None, "On every channel the scores are constant.")
    assert best.f05_corrected is not None and best.f05_corrected_ci is not None and noise.f05_corrected is not None
    assert best.f05_corrected_ci[0] <= best.f05_corrected <= best.f05_corrected_ci[1]
    (paired,) = result.paired
    assert paired.name == "random" and paired.difference is not None and paired.ci is not None
    assert paired.difference == pytest.approx(best.f05_corrected - noise.f05_corrected, abs=1e-6)
    assert paired.ci[0] <= paired.difference <= paired.ci[1]


def test_a_model_that_does_the_same_on_every_channel_is_not_apart_in_any_draw() -> None:
    same = {name: {"application": one["application"], "twin": one["application"]} for name, one in OUTCOMES.items()}
    (paired,) = evaluation_result("mission", ["application", "twin"], same).paired
    assert (paired.difference, paired.ci) == (0.0, (0.0, 0.0))


def test_figures_that_do_not_exist_are_null() -> None:
    nothing = {"A-1": {"application": outcome(0, 0, 0), "random": outcome(0, 2, 0)}}
    result = evaluation_result("mission", NAMES, nothing)
    best, noise = result.models
    assert (best.precision, best.recall, best.f05, best.f05_corrected, best.median_delay_samples) == (None,) * 5
    assert (noise.precision, noise.recall) == (0.0, None)
    assert [(one.difference, one.ci) for one in result.paired] == [(None, None)]


def test_one_channel_has_no_interval() -> None:
    result = evaluation_result("mission", NAMES, {"A-1": OUTCOMES["A-1"]})
    assert [model.f05_corrected_ci for model in result.models] == [None, None]
    assert [one.ci for one in result.paired] == [None]


def test_the_text_has_a_row_a_model_and_says_what_stands_out() -> None:
    spans = {"A-1": united([(1, 2)]), "A-2": united([(1, 2), (5, 6), (8, 9)]), "A-3": united([])}
    dataset = Dataset("mission", tuple(Recording(n, Path(n), Path(n), s, None) for n, s in spans.items()))
    lines = figures(evaluation_result("mission", NAMES, OUTCOMES), dataset).splitlines()
    assert lines[0] == "mission: 3 channels, 4 labelled events; 1 channel without a label, nominal time only."
    heads, best, noise = lines[1:4]
    assert best.split()[:5] == ["application", "3", "1", "1", "0.750"]
    assert noise.split()[:4] == ["random", "1", "4", "3"] and noise.split()[-3].startswith("+")
    assert {len(best), len(noise)} <= {len(heads), len(heads) - 1, len(heads) + 1} or best.endswith("-")
    assert lines[4] == "random has no VUS-PR. On every channel the scores are constant."
    assert max(len(line) for line in lines) <= 130
    assert np.all([not line.endswith(" ") for line in lines])
