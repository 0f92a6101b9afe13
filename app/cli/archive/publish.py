"""``perigee archive publish``: a folder gets what it lacks of an archive."""

from __future__ import annotations

import sys
from pathlib import Path

from app.cli.archive.held import work
from app.cli.archive.results import PublishResult
from app.cli.errors import INTERRUPTED, OK, complain
from app.playing.report import counted


def publish(folder: Path, path: Path, margin: float, *, as_json: bool) -> int:
    """Publish, and print what was added; the exit code."""
    found = work(path, work="publish", folder=str(folder.expanduser().absolute()), margin_s=margin)
    if not found.pop("whole"):
        complain("Interrupted; what was published stays, and the next run goes on there.")
        return INTERRUPTED
    result = PublishResult(path=str(path.resolve()), **found)
    sys.stdout.write(result.model_dump_json(indent=2) + "\n" if as_json else _text(result))
    return OK


def _text(result: PublishResult) -> str:
    text = f"Nothing is new for {result.folder}.\n"
    if result.files:
        text = (
            f"{result.folder} has {counted(result.samples, 'sample', 'samples')} of "
            f"{counted(result.days, 'day', 'days')} more: {counted(result.files, 'file', 'files')}, "
            f"{result.bytes / 1e6:,.1f} MB.\n"
        )
    if result.waiting:
        text += f"Not closed yet: {', '.join(result.waiting)}.\n"
    return text
