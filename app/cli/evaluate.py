"""``perigee evaluate``: labelled recordings judged, figures on stdout, progress on stderr."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app import paths
from app.cli.errors import ENDED_EARLY, INTERRUPTED, OK, complain
from app.cli.figures import figures
from app.evaluation.layout import read_dataset
from app.evaluation.result import evaluation_result
from app.evaluation.run import BrokenRunError, Evaluation, Outcomes, choose
from app.interrupt import Interrupt
from inference import read_repository

LINE_S = 60.0


def evaluate(folder: Path, models: Sequence[str], repository: Path | None, *, as_json: bool) -> int:
    """Judge the recordings of ``folder`` and print what was found; the exit code. Raises what cannot be carried out."""
    stop = threading.Event()
    interrupted = Interrupt(stop.set)
    outcomes: Outcomes | None = None
    try:
        names, cards, notes = choose(read_repository(repository or paths.SEED_REPOSITORY), models)
        dataset = read_dataset(folder)
        for note in notes:
            complain(note)
        evaluation = Evaluation(dataset, cards, names, stop)
        with _Bar(len(dataset.recordings)) as bar:
            for told in evaluation.run():
                bar.show(evaluation.done)
                outcomes = told
    except BrokenRunError as problem:
        complain(f"Ended early. {problem}")
        return ENDED_EARLY
    finally:
        interrupted.restore()
    if outcomes is None:
        complain(
            f"Interrupted with {evaluation.done} of {len(dataset.recordings)} channels judged: figures of a part would "
            "be those of another data set, so none are given."
        )
        return INTERRUPTED
    result = evaluation_result(dataset.name, names, outcomes)
    sys.stdout.write(result.model_dump_json(indent=2) + "\n" if as_json else figures(result, dataset))
    return INTERRUPTED if interrupted.seen else OK


class _Bar:
    """How many of ``total`` channels are judged: a bar on a terminal, elsewhere a line a minute."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._next = time.monotonic()
        columns = (TextColumn("Judging channels"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(
            *columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), refresh_per_second=5
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def show(self, done: int) -> None:
        """``done`` channels are judged."""
        self._bar.update(self._task, completed=done)
        if self._bar.disable and time.monotonic() >= self._next:
            self._next += LINE_S
            complain(f"{done} of {self._total} channels judged.")
