"""``perigee train --subsystem``: a model of the operator's own telemetry, with progress that can be stopped."""

from __future__ import annotations

import math
import sys
import threading
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from app import paths
from app.cli.errors import INTERRUPTED, OK, UsageError, complain
from app.interrupt import Interrupt
from app.plan import Plan
from app.sources import open_source
from app.teaching import Wanted, from_archive, from_source
from storage import Archive, Reader
from telemetry.clock import iso, parse_iso
from training.own import STEPS, Ask, CancelledError, Standing, Trained, train_own, why_not
from training.spans import Recording


class StandingResult(BaseModel):
    """How one version does on nominal time; ``least`` in standard deviations of a channel (``training.own``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    alarm_fraction: float
    least: float


class TrainResult(BaseModel):
    """What ``perigee train --json`` prints; ``held_out`` is told of time that the networks asked had not seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    path: str
    sha256: str
    channels: list[str]
    sample_period_s: float
    start: str
    end: str
    windows: int
    steps: int
    seconds: float
    device: str
    parity_max_abs: float
    held_out: StandingResult
    replaced: StandingResult | None
    notes: list[str]


def teach(
    source: str | None,
    archive: Path | None,
    session: int | None,
    ask: Ask,
    first: str | None,
    last: str | None,
    repository: Path | None,
    *,
    as_json: bool,
) -> int:
    """Train and publish; the exit code. Raises what the doors raise."""
    if (source is None) == (archive is None):
        raise UsageError("Give a source to learn from, such as nominal.csv, or --archive FILE with --session N.")
    if archive is not None and session is None:
        raise UsageError("--archive needs --session N: 'SELECT * FROM sessions' in the archive lists them.")
    if ask.kind not in STEPS:
        raise UsageError(f"--kind is {' or '.join(STEPS)}, not '{ask.kind}'.")
    if not (math.isfinite(ask.minutes) and ask.minutes > 0):
        raise UsageError("--minutes takes a number above 0, such as 10.")
    if reason := why_not():
        raise UsageError(reason)  # before a day of telemetry is read for nothing
    if repository is not None and not repository.is_dir():
        raise UsageError(f"There is no folder {repository}: make it, or leave --repository out.")
    wanted = Wanted(ask.subsystems, ask.satellite, _moment("--from", first), _moment("--to", last))
    if wanted.first is not None and wanted.last is not None and wanted.first >= wanted.last:
        raise UsageError(f"Nothing lies from {first} to {last}: --from takes the earlier time, --to the later.")
    stop = threading.Event()
    interrupted = Interrupt(stop.set)
    try:
        recordings = _read(source, archive, session, wanted, stop)
        with _Bar() as bar:
            made = train_own(recordings, ask, repository or paths.working_repository(), bar.show, stop)
    except CancelledError:
        complain("Stopped; nothing was published.")
        return INTERRUPTED
    finally:
        interrupted.restore()
    outcome = _result(made)
    sys.stdout.write(outcome.model_dump_json(indent=2) + "\n" if as_json else summary(outcome))
    return OK


def _read(
    source: str | None, archive: Path | None, session: int | None, wanted: Wanted, stop: threading.Event
) -> list[Recording]:
    if source is not None:
        opened = open_source(source, Plan((source,), "", ""), 0)
        try:
            return from_source(opened, wanted, stop)
        finally:
            opened.close()
    assert archive is not None and session is not None
    if not archive.is_file():
        raise UsageError(f"There is no archive {archive}.")
    held = Archive.open(archive)
    try:
        return from_archive(Reader(held), session, wanted)
    finally:
        held.close()


def _moment(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_iso(text)
    except (ValueError, OverflowError) as problem:
        raise UsageError(f"{option} takes a time such as 2030-01-01T00:00:00Z, not '{text}'.") from problem


class _Bar:
    """Progress on standard error: a bar on a terminal, elsewhere a line at each tenth."""

    def __init__(self) -> None:
        columns = (TextColumn("Training"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}"))
        self._bar = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=1.0, left="")
        self._told = 0

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: float, left: float) -> None:
        self._bar.update(self._task, completed=done, left=f"{left:.0f} s left")
        if self._bar.disable and int(done * 10) > self._told:
            self._told = int(done * 10)
            sys.stderr.write(f"Training {self._told * 10} %, {left:.0f} s left\n")


def _result(made: Trained) -> TrainResult:
    def standing(one: Standing) -> StandingResult:
        return StandingResult(version=one.version, alarm_fraction=round(one.alarm_share, 6), least=round(one.least, 6))

    start, end = made.span
    return TrainResult(
        name=made.card.name,
        version=made.card.version,
        path=str(made.card.path),
        sha256=made.card.sha256,
        channels=list(made.channels),
        sample_period_s=made.period_s,
        start=iso(start),
        end=iso(end),
        windows=made.windows,
        steps=made.steps,
        seconds=round(made.seconds, 1),
        device=made.device,
        parity_max_abs=made.parity_max_abs,
        held_out=standing(made.now),
        replaced=None if made.before is None else standing(made.before),
        notes=list(made.notes),
    )


def summary(outcome: TrainResult) -> str:
    """The result in lines for a terminal."""
    lines = [
        f"{outcome.name} version {outcome.version}: {len(outcome.channels)} channels every "
        f"{outcome.sample_period_s:g} s, {outcome.windows:,} windows from {outcome.start} to {outcome.end}, "
        f"{outcome.seconds:.0f} s on {outcome.device}.",
        *outcome.notes,
        "On nominal time:",
    ]
    for one in filter(None, (outcome.held_out, outcome.replaced)):
        lines.append(
            f"  version {one.version}: {100 * one.alarm_fraction:.2f} % of windows in alarm, "
            f"what lasts is found from {one.least:.2f} standard deviations on, on half of the channels"
        )
    if outcome.replaced is not None and outcome.held_out.alarm_fraction > outcome.replaced.alarm_fraction:
        lines.append(
            f"  It is in alarm more often than version {outcome.replaced.version}: to go back, remove the folder of "
            f"version {outcome.version}."
        )
    lines.append(f"It judges from the next session on, wherever its channels are: {outcome.path}")
    return "\n".join(lines) + "\n"
