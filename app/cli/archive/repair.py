"""``perigee archive repair``: everything in a damaged archive that can be read, in a new file."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from app.cli.archive.held import Steps
from app.cli.archive.results import RepairResult
from app.cli.errors import INTERRUPTED, OK, UsageError, complain
from app.interrupt import Interrupt
from app.launch import may_attach
from app.link.card import read_card
from storage import repair as storage


def repair(path: Path, *, as_json: bool) -> int:
    """Repair where there is something to repair; the exit code. Raises what cannot be carried out."""
    card = read_card(path)
    if card is not None and may_attach(path):
        raise UsageError(
            f"{path} is being recorded into by process {card.pid}, and a repair puts another file in its place: close "
            "Perigee first."
        )
    stop = threading.Event()
    interrupted = Interrupt(stop.set)
    try:
        with Steps() as steps:
            found = storage.repair(path, say=steps.show, stop=stop)
    finally:
        interrupted.restore()
    if not found.whole:
        complain("Interrupted; the archive is as it was.")
        return INTERRUPTED
    result = RepairResult(
        path=str(path.resolve()),
        damaged=found.damaged or None,
        samples=found.samples,
        lost=found.lost,
        problems=list(found.problems),
    )
    sys.stdout.write(result.model_dump_json(indent=2) + "\n" if as_json else _text(result))
    return OK


def _text(result: RepairResult) -> str:
    if result.damaged is None:
        first = f"There is nothing to repair: all {result.samples:,} samples of {result.path} can be read."
    else:
        first = (
            f"{result.path} is a new file of {result.samples:,} samples; {result.lost:,} could not be read. The "
            f"damaged file is kept as {result.damaged}."
        )
    return "\n".join([first, *result.problems]) + "\n"
