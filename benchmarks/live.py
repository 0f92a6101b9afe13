"""Core and window as two processes under load: 1,000 channels at 10 Hz (10,000 samples/s), recorded and judged by the
bank and both models, 32 of them drawn at 1920x1080. GUI gaps are the times between wakings of a 5 ms timer in the
window's GUI thread, beside an idle process that asks for the same; sample to screen is from the core's append to the
end of the repaint that shows it. The fleet has flown for 300 s when measuring begins, so every judge is at work."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.folders import own_folders

HISTORY_S = 300.0
MEASURE_S = 60.0
READY_DEADLINE_S = 240.0
CHARTS = 32


def run() -> list[dict[str, Any]]:
    """Gaps of the GUI thread and the way from sample to screen, in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        environment = {**own_folders(Path(folder)), "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-m", "benchmarks.live", str(Path(folder, "live.duckdb"))]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    aims = {"p99": "p99 <= 30", "p99.9": "p99.9 <= 50"}
    load = f"{found['rate']:.0f} samples/s, {found['windows']:.0f} windows/s"
    rows = [
        {
            "name": f"GUI gap {name} ({load})",
            "ours": found["gui"][name],
            "theirs": found["idle"][name],
            "unit": "ms",
            "aim": aims.get(name, ""),
        }
        for name in found["gui"]
    ]
    for name, value in found["screen"].items():
        aim = "p99 <= 100" if name == "p99" else ""
        rows.append({"name": f"sample to screen {name}", "ours": value, "unit": "ms", "aim": aim})
    return rows


def _percentiles(values: list[float]) -> dict[str, float]:
    points = {"p50": 50.0, "p99": 99.0, "p99.9": 99.9, "worst": 100.0}
    return {name: float(np.percentile(values, point)) for name, point in points.items()}


def _window(archive: Path) -> dict[str, Any]:
    """Run in a process of its own: the window, measured from inside."""
    from PySide6.QtCore import Qt, QTimer

    from app.cli.watch import make_plan
    from app.counters import Counter
    from app.launch import start
    from app.window.main import Starter, first_window
    from widgets.strips.canvas import Canvas
    from widgets.strips.layout import Sizes

    plan = replace(make_plan(["sim:load?channels=1000&rate=10"], archive=archive), history=HISTORY_S)
    app, window = first_window(plan)
    window.resize(1920, 1080)
    starter = Starter(window, plan, start(plan))
    gaps: list[float] = []
    delays: list[float] = []
    waiting: list[int] = []
    seen: dict[str, int] = {}
    state: dict[str, Any] = {"measuring": False, "last": 0.0}

    paint = Canvas.paintEvent

    def painted(self: Canvas, event: Any) -> None:
        paint(self, event)
        now = time.monotonic_ns()
        delays.extend((now - stamp) / 1e6 for stamp in waiting)
        waiting.clear()

    Canvas.paintEvent = painted  # type: ignore[method-assign]  # a repaint's end has no signal
    starter.go()
    watching, tick = starter.watching, starter.watching.tick

    def ticked() -> None:
        tick()
        ring = watching._ring
        if ring is None or not state["measuring"]:
            return
        for group in watching.feed.groups:
            stamp = ring.stamp(f"s:{group.key}")
            if stamp != seen.get(group.key) and group.key in shown:
                seen[group.key] = stamp
                waiting.append(stamp)

    watching._timer.timeout.disconnect()
    watching._timer.timeout.connect(ticked)
    shown: set[str] = set()

    def woken() -> None:
        now = time.perf_counter()
        if state["measuring"]:
            gaps.append((now - state["last"]) * 1000)
        state["last"] = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(woken)
    timer.start(5)

    def counters() -> Any:
        return watching._counters

    begun = time.monotonic()

    def look() -> None:
        c = counters()
        if not state["measuring"]:
            judged = c[Counter.LIVE] and c[Counter.SCORED] and c[Counter.DELAY_P50] and c[Counter.DELAY_P50] < 500_000
            if judged:
                keys = [channel.key for group in watching.feed.groups for channel in group.channels][::31][:CHARTS]
                watching.charts._show(keys, "Load", None)
                watching._strips.set_sizes(Sizes(least=24, usual=24, most=24))
                shown.update(g.key for k in keys if (g := watching.feed.group_of(k)) is not None)
                seen.update({g: watching._ring.stamp(f"s:{g}") for g in shown if watching._ring is not None})
                QTimer.singleShot(3000, measure)
                looker.stop()
            elif time.monotonic() - begun > READY_DEADLINE_S:
                window.close()

    def measure() -> None:
        c = counters()
        state.update(measuring=True, scored=int(c[Counter.SCORED]), samples=int(c[Counter.SAMPLES]))
        state["idle"] = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ticker", str(MEASURE_S)], stdout=subprocess.PIPE, text=True
        )
        QTimer.singleShot(int(MEASURE_S * 1000), finish)

    def finish() -> None:
        c = counters()
        state["measuring"] = False
        state["windows"] = (int(c[Counter.SCORED]) - state["scored"]) / MEASURE_S
        state["rate"] = (int(c[Counter.SAMPLES]) - state["samples"]) / MEASURE_S
        window.close()

    looker = QTimer()
    looker.timeout.connect(look)
    looker.start(250)
    app.exec()
    if "windows" not in state:
        raise SystemExit("the load was not judged in time")
    idle = json.loads(state["idle"].communicate()[0])
    return {
        "gui": _percentiles(gaps),
        "idle": _percentiles(idle),
        "screen": _percentiles(delays),
        "windows": state["windows"],
        "rate": state["rate"],
    }


if __name__ == "__main__":
    json.dump(_window(Path(sys.argv[1])), sys.stdout)
