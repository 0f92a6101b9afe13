"""What ``perigee evaluate`` prints for people: a table, and sentences that say what its figures mean. Pure."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from app.evaluation.layout import Dataset
from app.evaluation.result import EvaluationResult, Interval, ModelResult, PairedResult

_NONE = "-"
_HEADS = ("found", "false", "missed", "F0.5", "corrected", "95 %", "in alarm", "delay", "VUS-PR", "behind")
_MEANING = """
found, missed: labelled events that an alarm touches, or none does. false: alarms that touch no label.
F0.5 weighs false alarms more than misses; corrected: its precision times the share of nominal time not in alarm.
in alarm: share of the time outside every label. delay: median of the samples from a label's start to its alarm.
VUS-PR: whether scores are higher near labels, thresholds aside; a mean over channels.
95 %: bootstrap over channels. behind: corrected F0.5 of application less this one's; they differ where 0 is outside.
bank: the plain scores alone. random: what chance gives by the same policy. Nothing is point-adjusted.
"""


def figures(result: EvaluationResult, dataset: Dataset) -> str:
    """The text, with its line ends."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for head in _HEADS:
        table.add_column(head, justify="right", no_wrap=True)
    paired = {one.name: one for one in result.paired}
    for model in result.models:
        table.add_row(model.name, *_cells(model, paired.get(model.name)))
    out = io.StringIO()
    Console(file=out, width=1000, color_system=None, highlight=False, markup=False).print(table)
    events = sum(len(recording.spans) for recording in dataset.recordings)
    unlabelled = sum(not len(recording.spans) for recording in dataset.recordings)
    head = f"{result.dataset}: {_counted(len(dataset.recordings), 'channel')}, {_counted(events, 'labelled event')}"
    head += f"; {_counted(unlabelled, 'channel')} without a label, nominal time only." if unlabelled else "."
    lines = [head, *out.getvalue().splitlines()]
    lines += [f"{one.name} has no VUS-PR. {one.vus_pr_reason}" for one in result.models if one.vus_pr_reason]
    return "\n".join(line.rstrip() for line in lines) + _MEANING


def _cells(model: ModelResult, paired: PairedResult | None) -> tuple[str, ...]:
    ahead = _NONE
    if paired is not None and paired.difference is not None:
        ahead = f"{paired.difference:+.3f} {_range(paired.ci, '+.3f')}"
    return (
        f"{model.tp:,}",
        f"{model.fp:,}",
        f"{model.fn:,}",
        _share(model.f05),
        _share(model.f05_corrected),
        _range(model.f05_corrected_ci, ".3f"),
        f"{100 * model.nominal_alarm_fraction:.2f} %",
        _NONE if model.median_delay_samples is None else f"{model.median_delay_samples:g}",
        _share(model.vus_pr),
        ahead,
    )


def _share(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _range(value: Interval | None, how: str) -> str:
    return _NONE if value is None else f"[{value[0]:{how}}, {value[1]:{how}}]"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
