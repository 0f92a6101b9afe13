"""The few line icons, drawn: chevrons, arrows, magnifier, clock, cross, an open ring, the logo. GUI thread.

Paths live on a grid of 16; strokes are 1.5 logical pixels whatever the size.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform

Icon = Literal[
    "right",
    "down",
    "previous",
    "next",
    "first",
    "last",
    "play",
    "pause",
    "step",
    "search",
    "clock",
    "cross",
    "check",
    "provisional",
]

_LINES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "right": (((6.2, 4.8), (9.4, 8), (6.2, 11.2)),),
    "down": (((4.8, 6.4), (8, 9.6), (11.2, 6.4)),),
    "previous": (((9.8, 3.8), (5.6, 8), (9.8, 12.2)),),
    "next": (((6.2, 3.8), (10.4, 8), (6.2, 12.2)),),
    "first": (((7.6, 3.8), (3.4, 8), (7.6, 12.2)), ((12.6, 3.8), (8.4, 8), (12.6, 12.2))),
    "last": (((8.4, 3.8), (12.6, 8), (8.4, 12.2)), ((3.4, 3.8), (7.6, 8), (3.4, 12.2))),
    "cross": (((4, 4), (12, 12)), ((12, 4), (4, 12))),
    "check": (((3.2, 8.4), (6.6, 11.8), (12.8, 4.6)),),
}
_FILLED = ("play", "pause", "step")


@cache
def _path(name: Icon) -> QPainterPath:
    path = QPainterPath()
    if name == "play":
        path.moveTo(4, 3)
        path.lineTo(13, 8)
        path.lineTo(4, 13)
        path.closeSubpath()
    elif name == "pause":
        path.addRect(QRectF(4, 3, 3, 10))
        path.addRect(QRectF(9.5, 3, 3, 10))
    elif name == "step":
        path.moveTo(3, 3.5)
        path.lineTo(10, 8)
        path.lineTo(3, 12.5)
        path.closeSubpath()
        path.addRect(QRectF(11, 3.5, 2, 9))
    elif name == "search":
        path.addEllipse(QRectF(2.5, 2.5, 8, 8))
        path.moveTo(9.6, 9.6)
        path.lineTo(13.5, 13.5)
    elif name == "clock":
        path.addEllipse(QRectF(2.5, 2.5, 11, 11))
        path.moveTo(8, 5)
        path.lineTo(8, 8.2)
        path.lineTo(10.2, 9.2)
    elif name == "provisional":
        ring = QRectF(3.5, 3.5, 9, 9)
        for start in range(20, 380, 90):
            path.arcMoveTo(ring, start)
            path.arcTo(ring, start, 50)
    for line in _LINES.get(name, ()):
        path.moveTo(*line[0])
        for point in line[1:]:
            path.lineTo(*point)
    return path


def draw_icon(painter: QPainter, x: float, y: float, name: Icon, color: QColor, size: int = 16) -> None:
    """Draw an icon of ``size`` logical pixels with its top left corner at ``x``, ``y``."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path = QTransform().translate(x, y).scale(size / 16, size / 16).map(_path(name))
    if name in _FILLED:
        painter.fillPath(path, color)
    else:
        width = 1.1 if name in ("right", "down", "clock", "provisional") else 1.5
        painter.setPen(QPen(color, width, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
    painter.restore()


def draw_logo(painter: QPainter, x: float, y: float, color: QColor, size: int = 20) -> None:
    """An orbit, its planet at one focus, and a satellite where the two are nearest."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(x + size / 2, y + size / 2)
    painter.scale(size / 20, size / 20)
    painter.rotate(-35)
    painter.setPen(QPen(color, 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(0, 0), 9.2, 5.6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(QPointF(-3.6, 0), 2.5, 2.5)
    painter.drawEllipse(QPointF(-9.2, 0), 1.6, 1.6)
    painter.restore()
