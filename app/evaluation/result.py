"""What ``perigee evaluate --json`` prints: the contract as types, from which ``docs/schema`` is made, and figures."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np
from pydantic import BaseModel, ConfigDict

from app.evaluation.judging import APPLICATION, Outcome
from app.evaluation.metrics import Floats, alarm_fraction, f_score, interval, precision, recall, resamples
from app.evaluation.run import Outcomes

Interval = tuple[float, float]
_DIGITS = 6


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelResult(_Part):
    """One model over all channels; counts are of events and alarms, not of samples.

    null stands where there is nothing to divide by: no alarm (``precision``), no labelled event (``recall``, F0.5),
    none found (``median_delay_samples``), a single channel (``f05_corrected_ci``). ``vus_pr`` is the mean over the
    channels that have one; ``vus_pr_reason`` says why where it is null. ``seconds`` of judging, summed over processes;
    models other than ``application`` are judged side by side and share theirs.
    """

    name: str
    tp: int
    fp: int
    fn: int
    precision: float | None
    recall: float | None
    f05: float | None
    f05_corrected: float | None
    f05_corrected_ci: Interval | None
    nominal_alarm_fraction: float
    median_delay_samples: float | None
    vus_pr: float | None
    vus_pr_reason: str | None
    seconds: float


class PairedResult(_Part):
    """Corrected F0.5 of ``application`` less that of ``name``, on the same draws of channels."""

    name: str
    difference: float | None
    ci: Interval | None


class EvaluationResult(_Part):
    """Everything that one run of ``evaluate`` measured; intervals are 95 % bootstrap intervals over channels."""

    dataset: str
    models: list[ModelResult]
    paired: list[PairedResult]


def evaluation_result(dataset: str, names: Sequence[str], outcomes: Outcomes) -> EvaluationResult:
    """The figures of ``names``, of which ``application`` is one, from the outcomes of at least one recording."""
    counts = {
        name: np.array([outcome[name].tally.counts for outcome in outcomes.values()], dtype=np.float64)
        for name in names
    }
    weights = resamples(len(outcomes))
    draws = {name: f_score(weights @ own, corrected=True) for name, own in counts.items()}
    models = [
        _model(name, counts[name].sum(axis=0), draws[name], [outcome[name] for outcome in outcomes.values()])
        for name in names
    ]
    best = {model.name: model.f05_corrected for model in models}
    paired = [
        PairedResult(
            name=name,
            difference=_difference(best[APPLICATION], best[name]),
            ci=_interval(draws[APPLICATION] - draws[name], len(outcomes)),
        )
        for name in names
        if name != APPLICATION
    ]
    return EvaluationResult(dataset=dataset, models=models, paired=paired)


def _model(name: str, counts: Floats, draws: Floats, outcomes: Sequence[Outcome]) -> ModelResult:
    tp, fp, fn, *_ = counts.astype(int).tolist()
    delays = [delay for outcome in outcomes for delay in outcome.tally.delays]
    volumes = [outcome.vus_pr for outcome in outcomes if outcome.vus_pr is not None]
    reasons = sorted({outcome.vus_pr_reason for outcome in outcomes})
    return ModelResult(
        name=name,
        tp=tp,
        fp=fp,
        fn=fn,
        precision=_figure(precision(counts)),
        recall=_figure(recall(counts)),
        f05=_figure(f_score(counts, corrected=False)),
        f05_corrected=_figure(f_score(counts, corrected=True)),
        f05_corrected_ci=_interval(draws, len(outcomes)),
        nominal_alarm_fraction=round(float(alarm_fraction(counts)), _DIGITS),
        median_delay_samples=float(median(delays)) if delays else None,
        vus_pr=round(float(np.mean(volumes)), _DIGITS) if volumes else None,
        vus_pr_reason=None if volumes else f"On every channel {' or '.join(reasons)}.",
        seconds=round(sum(outcome.seconds for outcome in outcomes), 3),
    )


def _figure(value: Floats) -> float | None:
    return None if np.isnan(value) else round(float(value), _DIGITS)


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(one - other, _DIGITS)


def _interval(draws: Floats, channels: int) -> Interval | None:
    """None for a single channel, too: every draw of it is the same, which would look like certainty."""
    found = interval(draws) if channels > 1 else None
    return found and (round(found[0], _DIGITS), round(found[1], _DIGITS))
