"""``make pictures``: the picture of docs/detection.md, of what the judge makes of four simulated faults."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtGui import QGuiApplication

from benchmarks.faults import AFTER, LENGTH, ONSET, ORBITS, commissioning
from detection import Judge
from docs.simulator.paint import Row, Trace, paint
from simulator import open_simulation
from simulator.faults import Kind
from simulator.kinds import FAULTS
from telemetry.clock import SECOND

FOLDER = Path(__file__).resolve().parent
SEED = 1
SHOWN = ("gyro_bias", "sensor_stuck", "slow_drift", "wheel_stiction")
"""Found at once; found by its silence; found late; not found on its channel at all."""
MOST = 4.0
"""Times the threshold that a picture shows."""


def rows(kind: Kind) -> list[Row]:
    """The main channel of a fault with what was expected of it, and below it the largest score over its threshold."""
    known = commissioning(SEED)
    judge = Judge([], lambda model, windows: None, commissionings=known)
    with TemporaryDirectory(prefix="pg-") as folder:
        file = Path(folder) / "one.toml"
        file.write_text(
            f'[[faults]]\nkind = "{kind.name}"\nchannel = "{kind.main}"\nat = {ONSET}\nfor = {LENGTH}\n',
            encoding="utf-8",
        )
        source = open_simulation(f"sim:{file}?satellites=1&seed={SEED}&duration={ONSET + LENGTH + AFTER}")
    (label,) = source.injected
    start = known[0].start
    parts = []
    for frame in source.frames(threading.Event(), 600 * SECOND):
        if frame.times[0] < known[0].stop:
            continue
        (judged,) = judge.feed(frame).judged
        paths = [channel.path for channel in frame.group.channels]
        if kind.main in paths:
            i = paths.index(kind.main)
            band = judged.low[:, i], judged.high[:, i], judged.ratio[:, i]
            parts.append(np.stack([judged.times - start, frame.matrix()[:, i], *band]).astype(np.float64))
    times, values, low, high, ratio = np.concatenate(parts, axis=1)
    hours = times / (3600 * SECOND)
    fault = (label.start - start) / (3600 * SECOND), (label.end - start) / (3600 * SECOND)
    visible = (label.visible - start) / (3600 * SECOND)
    unit = next(c.unit for group in source.groups for c in group.channels if c.path == kind.main)
    over = np.where(ratio > 1.0, ratio, np.nan)
    expected = (Trace(hours, low, "disabled"), Trace(hours, high, "disabled"))
    alarm = () if np.isnan(over).all() else (Trace(hours, np.minimum(over, MOST), "finding", 2.0),)
    return [
        Row(kind.name, (f"{kind.main} [{unit}]",), (*expected, Trace(hours, values)), fault, visible, height=84),
        Row(
            "score over threshold",
            (),
            (
                Trace(hours, np.ones(len(hours)), "disabled"),
                Trace(hours, np.minimum(ratio, MOST)),
                *alarm,
            ),
            fault,
            visible,
            height=60,
        ),
    ]


def main() -> int:
    """Draw it."""
    app = QGuiApplication.instance() or QGuiApplication([])
    assert app is not None
    kinds = {kind.name: kind for kind in reversed(FAULTS)}
    target = FOLDER / "four-faults.png"
    drawn = [row for name in SHOWN for row in rows(kinds[name])]
    paint(target, drawn, (ORBITS / 3600, (ONSET + LENGTH + AFTER) / 3600), [])
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
