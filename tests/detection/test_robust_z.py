"""The visible baseline is what it says: pinned, so that no network is ever compared with a weaker one."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt
import pytest

from detection import DetectionSettings
from detection.fit import Floats, Mask
from detection.intake import Intake
from detection.period import Period
from detection.scorer import Scorer
from telemetry import Channel

SECOND = 1_000_000
COMMISSIONED = 1200


class _Watched(Scorer):
    """Keeps what the baseline's record is given."""

    seen: list[Floats]

    def _smooth(self, state: Floats, raw: Floats, counts: npt.NDArray[np.int64], valid: Mask) -> Floats:
        smoothed = super()._smooth(state, raw, counts, valid)
        if len(raw) == 1:
            self.seen.append(smoothed[0].copy())
        return smoothed


def _scores(channel: Channel, values: Floats) -> Floats:
    """(n - COMMISSIONED,) what the baseline makes of a channel commissioned on its first COMMISSIONED values."""
    settings = DetectionSettings()
    scorer, intake = _Watched((channel,), settings), Intake(1, Period(SECOND, settings.gap), settings.history + 200)
    scorer.seen = []
    at = 0
    while at < len(values):
        if at == COMMISSIONED:
            scorer.learn(np.array([0]), intake, nominal=True)
        times, x = np.arange(at, at + 100) * SECOND, values[None, at : at + 100]
        count, _ = intake.cut(times, x, np.ones(1))
        counts, valid = intake.take(times[:count], x[:, :count])
        scorer.judge(intake, counts, valid)
        intake.advance(times[:count])
        at += count
    scores: Floats = np.concatenate(scorer.seen, axis=1)[0]
    return scores


@pytest.mark.parametrize(
    ("name", "declared"), [("noise", None), ("noise", (-50.0, 50.0)), ("constant", None), ("spikes", None)]
)
def test_robust_z_is_the_distance_from_the_median_over_the_mad_smoothed_by_a_tenth(
    name: str, declared: tuple[float, float] | None
) -> None:
    rng = np.random.default_rng(5)
    values = {
        "noise": rng.normal(7.0, 2.0, 1500),
        "constant": np.full(1500, 3.0),
        "spikes": np.where(rng.random(1500) < 0.02, 10.0, 0.0) + rng.normal(0, 0.01, 1500),
    }[name]
    values[1400:] += 4.0
    nominal = values[1:COMMISSIONED]  # the first sample after a gap teaches nothing
    median = np.median(nominal)
    reach = np.ptp(nominal) if declared is None else declared[1] - declared[0]
    reach = reach or 0.1 * abs(median)  # a channel that never moved: a tenth of its level stands for its range
    scale = max(1.4826 * np.median(np.abs(nominal - median)), 0.01 * reach, 1e-9)
    expected, now = [], 0.0
    for i, value in enumerate(values):
        z = abs(value - median) / scale
        # The first sample starts nothing: the step to it is no step.
        now = 0.0 if i == 0 else z if i == 1 else now + 0.1 * (z - now)
        if i >= COMMISSIONED:
            expected.append(now)
    assert _scores(Channel("S", "x", "c", span=declared), values) == pytest.approx(np.array(expected), rel=1e-9)


def test_the_baseline_the_bank_and_the_networks_are_held_to_one_policy() -> None:
    settings = DetectionSettings()
    for field in fields(settings.baseline):
        if field.name != "margins":
            assert getattr(settings.baseline, field.name) == getattr(settings.bank, field.name), field.name
        assert getattr(settings.baseline, field.name) == getattr(settings.network, field.name), field.name
    assert settings.bank.margins == (1.75, 1.75, 1.75, 2.33, 1.75, 1.75)
    assert settings.baseline.margins == (1.75,)
    assert (settings.alpha, settings.baseline.budget) == (0.1, 1.5)
