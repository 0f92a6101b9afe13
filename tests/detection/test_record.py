"""The rolling record: lag, quarantine, regimes, budget, arming, one score a channel at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from detection.record import Record, Verdict
from detection.settings import Policy

POLICY = Policy(margins=(2.0,))


def record(policy: Policy = POLICY, armed_from: int = 150, **more: int) -> Record:
    made = Record(policy, np.array([0.1]), 1, **more)
    made.armed_from[:] = armed_from
    return made


def feed(made: Record, scores: object) -> Verdict:
    row = np.asarray(scores, dtype=np.float64).reshape(1, 1, -1)
    return made.judge(row, np.ones(row.shape[1:], dtype=bool))


def alarms(verdict: Verdict) -> list[int]:
    return [hit.column for hit in verdict.hits]


def test_a_score_is_compared_with_the_largest_between_the_lag_and_the_reach() -> None:
    made = record()
    feed(made, [1.0, *[0.5] * 219])
    assert feed(made, [3.0]).ratio[0, 0] == pytest.approx(1.5), "over 2 x the 1.0 that is 220 samples old"


def test_the_newest_hundred_samples_are_not_in_the_record_yet() -> None:
    made = record()
    feed(made, [*[0.5] * 240, *[0.9] * 60])
    assert feed(made, [0.9]).ratio[0, 0] == pytest.approx(0.9 / (2 * 0.5))


def test_what_is_older_than_the_reach_is_forgotten() -> None:
    made = record()
    feed(made, [0.9, *[0.5] * 2109])
    assert feed(made, [0.9]).ratio[0, 0] == pytest.approx(0.9 / (2 * 0.5))


def test_an_extended_record_reaches_further_back() -> None:
    made = record()
    made.extend(6000)
    feed(made, [0.9, *[0.5] * 2109])
    assert feed(made, [0.9]).ratio[0, 0] == pytest.approx(0.9 / (2 * 0.9))


def test_a_record_that_does_not_forget_holds_what_it_saw_once() -> None:
    made = record()
    made.forgets[:] = False
    feed(made, [0.9, *[0.5] * 4000])
    assert feed(made, [0.9]).ratio[0, 0] == pytest.approx(0.9 / (2 * 0.9))


def test_the_record_never_falls_below_its_floor() -> None:
    made = record()
    feed(made, np.zeros(300))
    assert feed(made, [0.15]).ratio[0, 0] == pytest.approx(0.15 / (2 * 0.1))


def test_a_share_of_the_calibration_maximum_is_the_least_that_counts() -> None:
    made = record()
    made.calibrate(np.array([0]), np.array([[10.0]]))
    assert feed(made, [3.0]).ratio[0, 0] == pytest.approx(3.0 / (2 * 3.0))


def test_quarantined_samples_do_not_enter_the_record_so_a_repeat_is_caught() -> None:
    made = record(Policy(margins=(2.0,), budget=1.0))
    feed(made, np.full(300, 0.5))
    burst = [0.9] * 10 + [2.0] * 20 + [0.9] * 10
    assert len(alarms(feed(made, burst))) == 20
    feed(made, np.full(400, 0.5))
    verdict = feed(made, burst)
    assert len(alarms(verdict)) == 20, "the first burst is no excuse for the second"
    assert verdict.hits[0].ratio == pytest.approx(2.0 / (2 * 0.5)), "nor are the ten samples on either side of it"


def test_two_hundred_samples_above_the_record_are_the_new_regime() -> None:
    made = record()
    feed(made, np.full(300, 0.5))
    verdict = feed(made, np.full(500, 2.0))
    assert [channel for _, channel in verdict.settled] == [0]
    assert 199 <= verdict.settled[0][0] <= 210
    assert max(alarms(verdict)) <= verdict.settled[0][0], "the alarm ends there"
    assert feed(made, [2.0]).ratio[0, 0] == pytest.approx(0.5), "its samples are the record now"


def test_a_pause_up_to_a_hundred_samples_does_not_end_an_episode() -> None:
    made = record()
    feed(made, np.full(300, 0.5))
    verdict = feed(made, [*[2.0] * 110, *[0.5] * 80, *[2.0] * 40])
    assert len(verdict.settled) == 1


def test_a_longer_pause_begins_a_new_episode() -> None:
    made = record(Policy(margins=(2.0,), budget=1.0))
    feed(made, np.full(300, 0.5))
    verdict = feed(made, [*[2.0] * 150, *[0.5] * 120, *[2.0] * 150])
    assert not verdict.settled
    assert len(alarms(verdict)) == 300


def test_each_alarm_of_the_last_five_thousand_samples_raises_the_bar_by_half() -> None:
    def bursts() -> Iterator[float]:
        made = record()
        feed(made, np.full(300, 0.5))
        for _ in range(4):
            yield float(feed(made, np.full(5, 1.6)).ratio[0, -1])
            feed(made, np.full(300, 0.5))

    first, second, third, fourth = bursts()
    assert first == pytest.approx(1.6)
    assert second == pytest.approx(1.6 / 1.5, abs=1e-4)
    assert third == fourth == pytest.approx(1.6 / 1.5**2, abs=1e-4), "a burst that raised no alarm spends nothing"


def test_the_bar_falls_again_after_five_thousand_samples() -> None:
    made = record()
    feed(made, np.full(300, 0.5))
    feed(made, np.full(5, 1.6))
    feed(made, np.full(5200, 0.5))
    assert feed(made, [1.6]).ratio[0, 0] == pytest.approx(1.6)


def test_an_alarm_is_not_cut_short_by_its_own_budget() -> None:
    made = record()
    feed(made, np.full(300, 0.5))
    assert len(alarms(feed(made, np.full(60, 1.2)))) == 60


def test_unarmed_scores_are_shown_and_enter_the_record_but_raise_nothing() -> None:
    made = record(armed_from=250)
    verdict = feed(made, [*[0.5] * 100, *[2.0] * 50, *[0.5] * 150])
    assert not verdict.hits and verdict.ratio.max() > 1
    assert feed(made, [2.0]).ratio[0, 0] == pytest.approx(0.5)


def test_ratios_are_rounded_before_they_are_compared() -> None:
    made = record()
    feed(made, np.full(300, 0.5))
    assert not feed(made, [1.00004]).hits, "1.00004 of the threshold is the threshold"
    assert feed(made, [1.0002]).hits


def test_a_score_each_eight_samples_lives_by_the_same_spans() -> None:
    made = record(armed_from=40, stride=8)
    feed(made, np.full(40, 0.5))
    verdict = feed(made, np.full(60, 2.0))
    assert [channel for _, channel in verdict.settled] == [0]
    assert 24 <= verdict.settled[0][0] <= 27, "200 samples are 25 scores"


def test_the_record_tells_how_much_it_has_seen() -> None:
    made = record()
    feed(made, np.full(400, 0.5))
    (hit,) = feed(made, [2.0]).hits
    assert hit.describe("ar") == "ar 4.0 x anything in the last 400 samples"
