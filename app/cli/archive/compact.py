"""``perigee archive compact``: the file is made small."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from app.cli.archive.held import reserve_mb, work
from app.cli.archive.results import CompactResult
from app.cli.errors import INTERRUPTED, OK, complain


def compact(path: Path, settings: Sequence[str], *, as_json: bool) -> int:
    """Compact, and print what that came to; the exit code."""
    found = work(path, work="compact", reserve_mb=reserve_mb(settings))
    if not found.pop("whole"):
        complain("Interrupted; the archive is as it was.")
        return INTERRUPTED
    result = CompactResult(path=str(path.resolve()), **found)
    text = f"{result.path} has {result.after / 1e6:,.1f} MB, and had {result.before / 1e6:,.1f} MB.\n"
    sys.stdout.write(result.model_dump_json(indent=2) + "\n" if as_json else text)
    return OK
