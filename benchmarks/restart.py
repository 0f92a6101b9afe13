"""kill -9 of the core under a window that watches the built-in fleet with both models: until the window says so, and
until samples of the next core are in it. Worst of the turns. After each, the archive holds every sample that was
acknowledged before the kill, or the benchmark fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.folders import own_folders

TURNS = 5
DEADLINE_S = 60.0


def run() -> list[dict[str, Any]]:
    """Seconds until told and until back, the worst of some turns."""
    turns = [_turn() for _ in range(TURNS)]
    told, back = (max(turn[name] for turn in turns) for name in ("told", "back"))
    return [
        {"name": "core killed: the window says so after", "ours": told, "unit": "s"},
        {"name": "core killed: samples again after", "ours": back, "unit": "s", "aim": "within 2 s"},
    ]


def _turn() -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        environment = {**own_folders(Path(folder)), "QT_QPA_PLATFORM": "offscreen"}
        archive = Path(folder, "t.duckdb")
        command = [sys.executable, "-m", "benchmarks.restart", str(archive)]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, float] = json.loads(done.stdout)
        query = "SELECT count(*) FROM samples WHERE session = 1"
        code = (
            f"import duckdb; print(duckdb.connect({str(archive)!r}, read_only=True).execute({query!r}).fetchone()[0])"
        )
        kept = int(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout)
    if kept < found["acknowledged"]:
        raise SystemExit(f"{found['acknowledged']:.0f} samples were acknowledged, {kept} are in the archive")
    return found


def _window(archive: Path) -> dict[str, float]:
    """Run in a process of its own: watch, kill the core, and wait."""
    from PySide6.QtWidgets import QApplication

    from app.cli.watch import make_plan
    from app.counters import Counter
    from app.launch import start
    from app.link.card import read_card
    from app.window.main import Starter, first_window

    plan = replace(make_plan(["sim:demo"], archive=archive), history=None)
    app, window = first_window(plan)
    starter = Starter(window, plan, start(plan))
    starter.go()
    watching = starter.watching

    def counter(which: Counter) -> int:
        return int(watching._counters[which])

    wait(app, lambda: bool(watching.ledger.counts().findings) and counter(Counter.LIVE) == 1)
    wait(app, lambda: counter(Counter.RECORDED) == counter(Counter.SAMPLES))
    card = read_card(archive)
    if card is None:
        raise SystemExit("the core left no card")
    acknowledged, newest = counter(Counter.RECORDED), counter(Counter.NOW)
    os.kill(card.pid, signal.SIGKILL)
    killed = time.monotonic()
    banner = window.view.banner
    wait(app, lambda: banner.notice is not None and "NOT RECORDING" in banner.notice.sentence)
    told = time.monotonic() - killed
    wait(app, lambda: any(times[-1] > newest for times in latest(watching)))
    back = time.monotonic() - killed
    starter.link.closed.connect(QApplication.quit)
    window.close()
    app.exec()
    return {"told": told, "back": back, "acknowledged": float(acknowledged)}


def latest(watching: Any) -> list[Any]:
    """Times of the charts' first channel, as the window would draw them."""
    key = watching.charts.keys[0]
    times, _ = watching.feed.samples(key, 0, 1 << 62)
    return [times] if len(times) else []


def wait(app: Any, what: Any) -> None:
    """Let the window work until ``what`` holds."""
    end = time.monotonic() + DEADLINE_S
    while not what():
        app.processEvents()
        time.sleep(0.002)  # turning without a rest would take a processor from the cores that are measured
        if time.monotonic() > end:
            raise SystemExit("nothing happened in time")


if __name__ == "__main__":
    json.dump(_window(Path(sys.argv[1])), sys.stdout)
