"""``perigee archive info`` and ``verify``: what there is in an archive, and whether it is as it should be."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.cli.archive.held import reserve_mb, work
from app.cli.archive.results import InfoResult, SpanResult, SummariesResult, VerifyResult
from app.cli.errors import ENDED_EARLY, INTERRUPTED, OK, complain
from app.link.wire import Header
from app.playing.report import counted
from telemetry.clock import iso


def info(path: Path, settings: Sequence[str], *, as_json: bool) -> int:
    """Print what there is; the exit code."""
    found = work(path, work="info")
    result = InfoResult(**_facts(path, found, settings))
    sys.stdout.write(result.model_dump_json(indent=2) + "\n" if as_json else _text(result))
    return OK


def verify(path: Path, published: Path | None, settings: Sequence[str], *, as_json: bool) -> int:
    """Read everything, and print what is wrong; 3 where anything is, else 0."""
    folder = None if published is None else str(published.absolute())
    found = work(path, work="verify", published=folder)
    if not found["whole"]:
        complain("Interrupted; nothing is said of an archive that was read in part.")
        return INTERRUPTED
    facts = {**_facts(path, found["facts"], settings), "samples": found["samples"], "problems": list(found["problems"])}
    result = VerifyResult(**facts, blocks=found["blocks"], chunks=found["chunks"], files=found["files"])
    if as_json:
        sys.stdout.write(result.model_dump_json(indent=2) + "\n")
    elif result.problems:
        sys.stdout.write("\n".join(result.problems) + "\n")
    else:
        files = f", and {result.files:,} published files" if published is not None else ""
        sys.stdout.write(
            f"Nothing is wrong with {result.path}: {result.samples:,} samples in {result.chunks:,} chunks{files}.\n"
        )
    return ENDED_EARLY if result.problems else OK


def _facts(path: Path, found: Header, settings: Sequence[str]) -> dict[str, Any]:
    """The fields of ``InfoResult``."""
    path = path.resolve()
    samples, size = int(found["samples"]), int(found["bytes"])
    each = size / samples if samples else None
    rate = found["samples_a_day"]
    ever = samples + int(found["summed"])  # most of them small by now, but each took its room when it came
    grows = None if rate is None or not ever else int(rate * size / ever)
    free = shutil.disk_usage(path.parent).free
    reserve = reserve_mb(settings) << 20
    old = _span(found["summed_first"], found["summed_last"])
    return {
        "path": str(path),
        "version": found["version"],
        "sessions": found["sessions"],
        "samples": samples,
        "span": _span(found["first"], found["last"]),
        "summaries": SummariesResult(samples=found["summed"], span=old) if old is not None else None,
        "bytes": size,
        "bytes_per_sample": None if each is None else round(each, 2),
        "bytes_a_day": grows,
        "free_bytes": free,
        "days_left": max(0, free - reserve) // grows if grows else None,
        "problems": list(found["problems"]),
    }


def _span(first: int | None, last: int | None) -> SpanResult | None:
    return None if first is None or last is None else SpanResult(start=iso(first), end=iso(last))


def _text(result: InfoResult) -> str:
    held = f"{counted(result.samples, 'sample', 'samples')} of {counted(result.sessions, 'session', 'sessions')}"
    lines = [f"{result.path}: {held}, {_size(result.bytes)}"]
    if result.span is not None:
        lines[0] += f", {result.bytes_per_sample:g} bytes a sample"
        lines.append(f"From {result.span.start} to {result.span.end}")
    if result.summaries is not None:
        old = result.summaries
        held = counted(old.samples, "older sample lives", "older samples live")
        lines.append(f"{held} on as summaries, from {old.span.start} to {old.span.end}, which share the file")
    if result.bytes_a_day is not None and result.days_left is not None:
        lines.append(f"Grows by {_size(result.bytes_a_day)} a day at the rate of the newest session")
        lines.append(f"{_size(result.free_bytes)} are free on its disk: enough for {result.days_left:,} days")
    else:
        lines.append(f"{_size(result.free_bytes)} are free on its disk")
    return "\n".join([*lines, *result.problems]) + "\n"


def _size(size: int) -> str:
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:,.1f} {name}"
    return f"{size / 1e3:,.0f} kB"
