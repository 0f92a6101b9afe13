"""CPU to the first window on the screen, against a bare PySide6 window. Each in a fresh process, taken in turns."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.folders import own_folders

REPEATS = 7

_BARE = """
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
window = QMainWindow()
window.resize(1920, 1080)
window.show()
app.processEvents()
"""

_OURS = """
from app.cli.watch import make_plan
from app.window.main import first_window
app, window = first_window(make_plan(["sim:demo"]))
app.processEvents()
"""


def _cpu(code: str, environment: dict[str, str]) -> float:
    # os._exit: what is measured ends when the window stands; tearing down is another matter.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code + "\nimport os\nos._exit(0)"], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


def run() -> list[dict[str, Any]]:
    """CPU milliseconds of ours and of a bare window, medians of turns."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        environment = {**own_folders(Path(folder)), "QT_QPA_PLATFORM": "offscreen"}
        for code in (_BARE, _OURS):
            _cpu(code, environment)
        turns = [(_cpu(_OURS, environment), _cpu(_BARE, environment)) for _ in range(REPEATS)]
    ours, theirs = (statistics.median(column) for column in zip(*turns, strict=True))
    name = "CPU to the first window, against a bare PySide6 window"
    return [{"name": name, "ours": ours, "theirs": theirs, "unit": "ms", "ratio": ours / theirs, "aim": "under 3x"}]
