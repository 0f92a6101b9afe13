"""``perigee simulate``: plays a simulation to a file, over a link or nowhere. Results on stdout, progress on stderr."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from app.cli.errors import ENDED_EARLY, INTERRUPTED, OK, UsageError, complain
from app.cli.labels import labels_of
from app.cli.playbar import PlayBar
from app.cli.rates import rates
from app.cli.watch import check_duration, read_speed
from app.interrupt import Interrupt
from app.playing.address import Link, TableFile, read_address
from app.playing.files import TableTarget
from app.playing.impairments import Impairments
from app.playing.links import LinkTarget
from app.playing.play import Playing, Tally
from app.playing.target import PlayError, Target
from app.playing.wholefile import WholeFile
from simulator import Simulation, open_simulation
from telemetry.clock import iso

PROGRESS_S = 0.2
LONGEST_DELAY_S = 86_400.0
_BEHIND_S = 1.0


def play(
    scenario: str,
    *,
    satellites: int | None = None,
    seed: int | None = None,
    duration: float | None = None,
    speed: str | None = None,
    to: str | None = None,
    labels: Path | None = None,
    impairments: Impairments = Impairments(),  # noqa: B008 - frozen
) -> int:
    """Play until the simulation ends or Ctrl-C; the exit code. Raises what cannot be carried out."""
    address = None if to is None else read_address(to)
    check_duration(duration)
    pace = read_speed(("1" if isinstance(address, Link) else "max") if speed is None else speed)
    _check(impairments, address)
    if labels is not None and labels.suffix.lower() != ".json":
        raise UsageError(f"--labels takes a file that ends in .json, not '{labels}'.")
    now = time.time_ns() // 1000
    source = open_simulation(with_options(scenario, satellites=satellites, seed=seed, duration=duration), now=now)
    if source.duration is None and pace is None and isinstance(address, TableFile):
        raise UsageError(
            f"{source.name} has no end, and at full speed it would soon fill the disk: give --duration 3600, say, or a "
            "--speed and end it with Ctrl-C."
        )
    stop = threading.Event()
    with ExitStack() as opened:
        beside = None if labels is None else WholeFile(labels, "--labels")
        if beside is not None:
            opened.callback(beside.drop)
        target = _open(address, source, impairments, stop)
        if target is not None:
            opened.callback(target.abandon)
        playing = Playing(source, target, pace, stop)
        return _carry_out(playing, source, target, beside, stop)


def with_options(scenario: str, *, satellites: int | None, seed: int | None, duration: float | None) -> str:
    """``sim:demo?seed=3``, whatever form ``scenario`` has; options that are given replace those of its query."""
    name, _, query = scenario.strip().removeprefix("sim:").partition("?")
    given = {"satellites": satellites, "seed": seed, "duration": duration}
    options = {key: value for key, value in given.items() if value is not None}
    parts = [part for part in query.split("&") if part and part.partition("=")[0] not in options]
    parts += [f"{key}={value if isinstance(value, int) else f'{value:.15g}'}" for key, value in options.items()]
    return f"sim:{name}?{'&'.join(parts)}" if parts else f"sim:{name}"


def _check(impairments: Impairments, address: TableFile | Link | None) -> None:
    named = {"loss": impairments.loss, "duplicates": impairments.duplicates, "reorder": impairments.reorder}
    for name, probability in named.items():
        if not 0 <= probability <= 1:
            raise UsageError(f"--{name} takes a probability from 0 to 1, such as 0.01, not {probability:g}.")
    if not 0 <= impairments.delay <= LONGEST_DELAY_S:
        raise UsageError(f"--delay takes seconds from 0 to {LONGEST_DELAY_S:.0f}, not {impairments.delay:g}.")
    if impairments.any and address is None:
        raise UsageError("Loss, duplicates, reordering and delay happen to what is sent: say with --to where it goes.")
    if impairments.delay > 0 and isinstance(address, TableFile):
        raise UsageError("--delay is for links, for a file knows no time of arrival: give udp:// or tcp:// with --to.")


def _open(
    address: TableFile | Link | None, source: Simulation, impairments: Impairments, stop: threading.Event
) -> Target | None:
    if isinstance(address, TableFile):
        return TableTarget(address, source.groups, impairments, source.seed)
    if isinstance(address, Link):
        return LinkTarget(address, impairments, source.seed, stop)
    return None


def _carry_out(
    playing: Playing, source: Simulation, target: Target | None, beside: WholeFile | None, stop: threading.Event
) -> int:
    interrupted = Interrupt(stop.set)
    try:
        playing.start()
        with PlayBar(playing, source.duration) as bar:
            while not playing.wait(PROGRESS_S):
                bar.show()
    finally:
        stop.set()
        interrupted.restore()
    try:
        if playing.error is not None:
            raise playing.error
        said = _said(playing, source, target) + _write_labels(playing.tally, source, beside)
    except PlayError as problem:
        complain(f"Ended early. {problem}")
        return INTERRUPTED if interrupted.seen else ENDED_EARLY
    sys.stdout.write("\n".join(said) + "\n")
    if playing.behind > _BEHIND_S:
        complain(f"The speed asked for could not be held: playing ended {playing.behind:.1f} s behind it.")
    return INTERRUPTED if interrupted.seen else OK


def _said(playing: Playing, source: Simulation, target: Target | None) -> list[str]:
    """The result, as lines."""
    tally = playing.tally
    if target is None:
        return rates(source, tally, playing.elapsed)
    if tally.first is None:
        return target.report()
    took = f"{tally.played:,.0f} s of telemetry in {playing.elapsed:.1f} s"
    return [*target.report(), f"{tally.total:,} samples, {took}, until {iso(tally.clock)}."]


def _write_labels(tally: Tally, source: Simulation, beside: WholeFile | None) -> list[str]:
    """Label what was played, if anything was; a line that says so. Raises PlayError."""
    if beside is None or tally.first is None:
        return []
    labels = labels_of(source, tally.first, tally.clock)
    try:
        beside.file.write((labels.model_dump_json(indent=2) + "\n").encode())
    except OSError as problem:
        raise beside.problem(problem) from problem
    beside.keep()
    faults = sum(one.category == "fault" for one in labels.injected)
    return [f"{beside.path}: {_counted(faults, 'fault')}, {_counted(len(labels.injected) - faults, 'nominal event')}."]


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
