"""CPU of one live frame of 32 charts x 20,000 points at 1920x1080: the strips with their whole visual grammar (band,
fill outside it, expectation, hatched gaps, eclipse, finding, limits, grid, heads, axis; one new column a frame) against
naive pyqtgraph, a PlotWidget with auto-range each: once with nothing but the trace, once with the band as a FillBetween
of all points. Offscreen, user and system time, taken in turns in one process; the first ratio is the one to quote."""

from __future__ import annotations

import math
import os
import statistics
import time
from typing import Any

import numpy as np
import numpy.typing as npt

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from telemetry import Limit, Severity
from widgets.strips.layout import Sizes
from widgets.strips.spec import FindingSpan, StripSpec
from widgets.strips.widget import Strips
from widgets.theme import apply, theme

CHARTS, POINTS = 32, 20_000
SIZE = (1920, 1080)
FRAMES, TURNS = 40, 5
STEP = 1_000_000
START = 1_900_000_000 * STEP
Floats = npt.NDArray[np.float64]


def signals(count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """(count, CHARTS) samples and what a model expects of them: a wave that wanders off at the end."""
    at = np.arange(count)[:, None]
    phase, length = rng.uniform(0, 6, CHARTS), rng.uniform(2000, 9000, CHARTS)
    model = np.sin(at / length * 2 * math.pi + phase)
    values = model + rng.normal(0, 0.03, (count, CHARTS)) + np.maximum(0, at - 0.75 * POINTS) / POINTS * 3
    return values, model


class Ours:
    """The strips, fed as the window feeds them."""

    def __init__(self, values: Floats, model: Floats) -> None:
        self.values, self.model = values, model
        self.keys = [f"SAT-001/s/c{i}" for i in range(CHARTS)]
        self.at = POINTS
        widget = self.widget = Strips(theme("dark"))
        widget.set_sizes(Sizes(least=24, usual=32, most=36))  # all 32 on the screen at once
        limits = (Limit(Severity.WARNING, low=-0.9, high=2.5),)
        widget.set_strips([
            StripSpec(k, f"channel {i}", "SAT-001 / s", "V", satellite="SAT-001", period=STEP, limits=limits)
            for i, k in enumerate(self.keys)
        ])  # fmt: skip
        widget.resize(*SIZE)
        widget.set_span(POINTS * STEP)
        widget.set_began(START)
        times = START + np.arange(POINTS) * STEP
        for i, key in enumerate(self.keys):
            there = (np.arange(POINTS) // 1500 % 5 != i % 5) | (i % 4 > 0)  # every fourth chart has gaps
            now, low, high = values[:POINTS, i], model[:POINTS, i] - 0.1, model[:POINTS, i] + 0.1
            widget.reset(key, times[there], now[there], low[there], high[there])
        dark = [(START + n * 4000 * STEP, START + (n * 4000 + 1500) * STEP) for n in range(9)]
        widget.set_eclipse({"SAT-001": dark})
        onset = START + int(0.75 * POINTS) * STEP
        widget.set_findings([FindingSpan(onset, None, "SAT-001", frozenset(self.keys[::2]))])
        widget.set_now(START + (POINTS - 1) * STEP)
        widget.show()
        self.column = 13  # samples in a column, rounded up: every frame has a new one

    def frame(self) -> None:
        """One frame: what has come since the last one, and the timer's tick."""
        part = slice(self.at, self.at + self.column)
        times = START + np.arange(part.start, part.stop) * STEP
        self.at = part.stop
        self.widget.append_group(self.keys, times, self.values[part])
        self.widget.append_expected(self.keys, times, self.model[part] - 0.1, self.model[part] + 0.1)
        self.widget.set_now(int(times[-1]))
        self.widget.tick()


class Theirs:
    """What one writes first: a PlotWidget each, all data set again every frame."""

    def __init__(self, values: Floats, model: Floats, column: int, banded: bool) -> None:
        import pyqtgraph as pg

        self.values, self.model, self.column, self.at = values, model, column, POINTS
        self.widget = QWidget()
        grid = QGridLayout(self.widget)
        self.curves = []
        for i in range(CHARTS):
            plot = pg.PlotWidget()
            band = (plot.plot(), plot.plot()) if banded else ()
            if banded:
                plot.addItem(pg.FillBetweenItem(*band, brush=(190, 204, 218, 40)))
            self.curves.append((plot.plot(pen="w"), band))
            grid.addWidget(plot, i // 4, i % 4)
        self.widget.resize(*SIZE)
        self.widget.show()

    def frame(self) -> None:
        """One frame: all data again."""
        self.at += self.column
        part = slice(self.at - POINTS, self.at)
        x = np.arange(part.start, part.stop, dtype=np.float64)
        for i, (curve, band) in enumerate(self.curves):
            curve.setData(x, self.values[part, i])
            for edge, apart in zip(band, (-0.1, 0.1), strict=False):
                edge.setData(x, self.model[part, i] + apart)


def _cpu(app: QApplication, side: Ours | Theirs) -> float:
    """CPU milliseconds of a frame with its repaint."""
    before = time.process_time()
    side.frame()
    app.processEvents()
    return (time.process_time() - before) * 1000


def run() -> list[dict[str, Any]]:
    """CPU milliseconds of a frame of ours and of naive pyqtgraph, medians of turns."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    look = theme("dark")
    apply(app, look)
    values, model = signals(POINTS + 16 * (FRAMES + 3) * (TURNS + 1) * 4, np.random.default_rng(7))
    ours = Ours(values, model)
    for _ in range(30):
        _cpu(app, ours)
    plain = Theirs(values, model, ours.column, banded=False)
    full = Theirs(values, model, ours.column, banded=True)
    for side in (plain, full):
        _cpu(app, side)
    mine, plains, fulls = [], [], []
    for turn in range(TURNS):
        mine.append(statistics.fmean(_cpu(app, ours) for _ in range(FRAMES)))
        plains.append(statistics.fmean(_cpu(app, plain) for _ in range(4)))
        if turn % 2 == 0:  # seconds a frame: few are enough
            fulls.append(_cpu(app, full))
    for one in (ours, plain, full):
        one.widget.close()
    cost = statistics.median(mine)
    name = f"CPU of a live frame, {CHARTS} charts x {POINTS} points, against naive pyqtgraph"
    return [
        {"name": f"{name} {what}", "ours": cost, "theirs": theirs, "unit": "ms", "ratio": theirs / cost, "aim": aim}
        for what, theirs, aim in (
            ("(the trace alone)", statistics.median(plains), "40x less"),
            ("(trace and band)", statistics.median(fulls), ""),
        )
    ]


if __name__ == "__main__":
    for row in run():
        print(row)
