"""``make bench``: every benchmark in turn, one table, written to ``docs/benchmarks.md``.

``python -m benchmarks [NAME ...]`` runs only those named and prints without writing.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ALL = ("charts", "scoring", "triton", "recording", "archive", "startup", "live", "restart")
TARGET = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"

_HEAD = """# Benchmarks

Made by `make bench`; `python -m benchmarks NAME` repeats one of {names}. Both sides of a ratio are measured in the
same run, taken in turns, so that a busy machine slows both: trust the ratios, not the milliseconds.

Measured on {date}: {cores} cores ({machine}), no GPU, {python}, {packages}.

| what | ours | against | ratio | aim |
|---|---|---|---|---|
"""


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _row(result: dict[str, Any]) -> str:
    unit = result["unit"]
    theirs = f"{_number(result['theirs'])} {unit}" if result.get("theirs") is not None else ""
    ratio = f"{result['ratio']:.2f}x" if result.get("ratio") is not None else ""
    return f"| {result['name']} | {_number(result['ours'])} {unit} | {theirs} | {ratio} | {result.get('aim', '')} |"


def main(names: list[str]) -> int:
    """Run the benchmarks named, or all of them and write the page."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"There is no benchmark '{unknown[0]}'; there are {', '.join(ALL)}.", file=sys.stderr)
        return 2
    os.environ.setdefault("PERIGEE_TRITON", "off")  # it has a benchmark of its own
    rows: list[str] = []
    notes: list[str] = []
    for name in names or ALL:
        print(f"{name} ...", file=sys.stderr, flush=True)
        module = importlib.import_module(f"benchmarks.{name}")
        for result in module.run():
            rows.append(_row(result))
            print(rows[-1], flush=True)
        notes.append(f"**{name}.** {' '.join((module.__doc__ or '').split())}")
    if not names:
        packages = ", ".join(
            f"{name} {version(name)}" for name in ("PySide6-Essentials", "numpy", "duckdb", "onnxruntime")
        )
        head = _HEAD.format(
            names=", ".join(f"`{name}`" for name in ALL),
            date=datetime.now(UTC).date().isoformat(),
            cores=os.cpu_count(),
            machine=platform.machine(),
            python=f"Python {platform.python_version()}",
            packages=packages,
        )
        TARGET.write_text(head + "\n".join(rows) + "\n\n" + "\n\n".join(notes) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
