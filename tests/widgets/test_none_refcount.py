"""PySide6 6.12.0 on CPython 3.11 loses a reference to None on most calls that return nothing.

A live plot then ends after minutes with ``Fatal Python error: none_dealloc``. 6.8.3 to 6.11.3 are clean, and from
CPython 3.12 on None is immortal. This is why PySide6-Essentials is pinned; the pin may move when this test passes.
"""

from __future__ import annotations

import sys

import pyqtgraph
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QGraphicsRectItem
from pytestqt.qtbot import QtBot

CALLS = 1_000
NOISE = 50
"""References that the interpreter itself takes and returns meanwhile."""


def test_qt_calls_that_return_nothing_keep_the_count_of_none(qtbot: QtBot) -> None:
    plot = pyqtgraph.PlotWidget()
    qtbot.addWidget(plot)
    # Not PlotDataItem: its setPos gains a reference a call, which harms nothing and would hide as many lost.
    curve = pyqtgraph.PlotCurveItem([0.0, 1.0], [0.0, 1.0])
    plot.addItem(curve)
    bare = QGraphicsRectItem()
    pen = QPen()
    before = sys.getrefcount(None)
    for index in range(CALLS):
        for item in (curve, bare):
            item.setPos(float(index), 0.0)
            item.setPen(pen)
    assert abs(sys.getrefcount(None) - before) < NOISE
