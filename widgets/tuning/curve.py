"""The small chart of a threshold: findings a day, or the share of time, against factors on it. GUI thread.

Both axes are logarithmic, but for the foot of the upright one, which is nothing at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from widgets import text
from widgets.paint import LEFT, RIGHT, painted, write
from widgets.theme import PX, Theme, metrics
from widgets.tuning.model import Preview

HEIGHT = 148
_FACTORS = (1.0, 2.0, 5.0, 10.0, 20.0)
_LEFT, _TOP, _BOTTOM = 36, 36, 20
_MOST_LABELS = 4
_CAPTION = {"findings": "findings a day", "share": "% of the time"}


def decades(values: Sequence[float]) -> tuple[int, int]:
    """Powers of ten below and above all ``values`` that are not nothing; the first stands for nothing."""
    there = [value for value in values if value > 0]
    if not there:
        return -1, 1
    return math.ceil(math.log10(min(there)) - 1e-9) - 1, math.ceil(math.log10(max(there)) - 1e-9)


class Curve(QWidget):
    """Shows a ``Preview``: what is in force dashed, what is wanted as a line with a dot. Hidden without one."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._preview: Preview | None = None
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("What thresholds would have meant")
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        self.update()

    def set_preview(self, preview: Preview | None) -> None:
        """Another curve, or none."""
        if preview != self._preview:
            self._preview = preview
            self.setAccessibleDescription("" if preview is None else preview.words)
            self.setVisible(preview is not None)
            self.update()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Frame, grid, curve, marks."""
        theme, preview = self._theme, self._preview
        if preview is None:
            return
        plot = self.rect().adjusted(_LEFT, _TOP, -PX["space_2"], -_BOTTOM)
        painter.fillRect(plot, theme.color("plot"))
        caption = QRect(0, 0, self.width(), PX["line_11"])
        write(painter, caption, _CAPTION[preview.by], theme.color("text_3"), 11, 400, LEFT)
        low, high = decades(preview.values)
        first, last = math.log(preview.factors[0]), math.log(preview.factors[-1])

        def x(factor: float) -> float:
            share = (math.log(factor) - first) / (last - first)
            return plot.x() + min(max(share, 0.0), 1.0) * (plot.width() - 1)

        def y(value: float) -> float:
            share = 0.0 if value <= 0 else (math.log10(value) - low) / (high - low)
            return plot.bottom() - max(share, 0.0) * (plot.height() - 1)

        self._grid(painter, plot, [x(factor) for factor in _FACTORS], low, high)
        painter.setClipRect(plot)
        painter.setPen(QPen(theme.color("text_3"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x(preview.now), plot.y()), QPointF(x(preview.now), plot.bottom()))
        painter.setPen(QPen(theme.color("text"), 1))
        painter.drawLine(QPointF(x(preview.wanted), plot.y()), QPointF(x(preview.wanted), plot.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        points = [QPointF(x(f), y(v)) for f, v in zip(preview.factors, preview.values, strict=True)]
        painter.setPen(QPen(theme.color("trace"), 1))
        painter.drawPolyline(QPolygonF(points))
        painter.setClipping(False)
        nearest = min(points, key=lambda point: abs(point.x() - x(preview.wanted)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("text"))
        painter.drawEllipse(nearest, 3.5, 3.5)
        self._labels(painter, plot, f"{preview.wanted:.2g} {text.TIMES}", x(preview.now), x(preview.wanted))

    def _grid(self, painter: QPainter, plot: QRect, factors: Sequence[float], low: int, high: int) -> None:
        theme = self._theme
        ink, line = theme.color("text_3"), theme.color("grid")
        for factor, at in zip(_FACTORS, factors, strict=True):
            painter.fillRect(round(at), plot.y(), 1, plot.height(), line)
            words = f"{factor:g} {text.TIMES}"
            width = metrics(11).horizontalAdvance(words)
            left = min(round(at) - width // 2, self.width() - width)
            write(painter, QRect(left, plot.bottom() + 3, width, PX["line_11"]), words, ink, 11)
        step = max(1, math.ceil((high - low) / _MOST_LABELS))
        for power in range(low, high + 1, step):
            at = plot.bottom() - (power - low) / (high - low) * (plot.height() - 1)
            painter.fillRect(plot.x(), round(at), plot.width(), 1, line)
            words = "0" if power == low else text.number(10.0**power, max(0, -power))
            write(painter, QRect(0, round(at) - 8, plot.x() - 6, PX["line_11"]), words, ink, 11, 400, RIGHT)

    def _labels(self, painter: QPainter, plot: QRect, chosen: str, now: float, wanted: float) -> None:
        """What is in force and what is wanted, named on the sides that they turn to each other's backs."""
        top = plot.y() - PX["line_11"] - 1
        if abs(now - wanted) < 2:
            self._label(painter, f"now, {chosen}", wanted, top, "text", left=False)
            return
        self._label(painter, "now", now, top, "text_3", left=now < wanted)
        self._label(painter, chosen, wanted, top, "text", left=wanted < now)

    def _label(self, painter: QPainter, words: str, at: float, top: int, color: str, *, left: bool) -> None:
        width = metrics(11).horizontalAdvance(words)
        x = round(at) - width if left else round(at)
        x = min(max(x, _LEFT), self.width() - width)
        write(painter, QRect(x, top, width, PX["line_11"]), words, self._theme.color(color), 11)
