"""The shapes: circle 1, triangle 2, diamond 3, square 4, octagon 5, and for findings a hexagon with a wave.

GUI thread. Never hue alone: each level has its own outline and digit. Filled needs you, outlined is answered, an
arrow inside says that it went back by itself. Each is drawn once for its size, ratio and theme, then copied.
"""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF, QTransform

from widgets.model import Kind, Mark, Style
from widgets.paint import on_pixel, ratio_of
from widgets.theme import PX, Theme, font

SQUARE = 6
"""Side of the green square of a healthy thing, logical pixels."""

_POINTS: dict[Kind, tuple[tuple[float, float], ...]] = {
    Kind.WARNING: ((0.5, 0.04), (0.98, 0.93), (0.02, 0.93)),
    Kind.DISTRESS: ((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)),
    Kind.CRITICAL: ((0.06, 0.06), (0.94, 0.06), (0.94, 0.94), (0.06, 0.94)),
    Kind.SEVERE: (
        (0.29, 0.0),
        (0.71, 0.0),
        (1.0, 0.29),
        (1.0, 0.71),
        (0.71, 1.0),
        (0.29, 1.0),
        (0.0, 0.71),
        (0.0, 0.29),
    ),
    Kind.FINDING: ((0.25, 0.06), (0.75, 0.06), (1.0, 0.5), (0.75, 0.94), (0.25, 0.94), (0.0, 0.5)),
}
_DIGIT_SIZE = {Kind.WARNING: 0.56, Kind.DISTRESS: 0.56}
_LOW = {Kind.WARNING: 0.16}
"""How far below the middle the inside of a shape lies, as a share of its size."""

_cache: dict[tuple[Kind, Style, int, float, str, int], QPixmap] = {}


@cache
def outline(kind: Kind) -> QPainterPath:
    """The outline of a kind in the unit square; nobody changes it."""
    path = QPainterPath()
    if kind in _POINTS:
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in _POINTS[kind]]))
        path.closeSubpath()
    elif kind is Kind.WATCH:
        path.addEllipse(QRectF(0.02, 0.02, 0.96, 0.96))
    else:
        path.addRect(QRectF(0.0, 0.0, 1.0, 1.0))
    return path


@cache
def _wave() -> QPainterPath:
    path = QPainterPath(QPointF(0.20, 0.56))
    path.cubicTo(QPointF(0.30, 0.36), QPointF(0.38, 0.28), QPointF(0.46, 0.48))
    path.cubicTo(QPointF(0.55, 0.70), QPointF(0.62, 0.74), QPointF(0.80, 0.44))
    return path


@cache
def _arrow() -> QPainterPath:
    path = QPainterPath(QPointF(0.69, 0.36))
    path.lineTo(0.69, 0.55)
    path.lineTo(0.34, 0.55)
    path.moveTo(0.46, 0.42)
    path.lineTo(0.33, 0.55)
    path.lineTo(0.46, 0.68)
    return path


def pixmap(mark: Mark, size: int, ratio: float, look: Theme, tint: QColor | None = None) -> QPixmap:
    """A shape of ``size`` logical pixels for a screen of ``ratio``; ``tint`` recolours a grey or outlined one."""
    key = (mark.kind, mark.style, size, ratio, look.name, 0 if tint is None else tint.rgb())
    made = _cache.get(key)
    if made is None:
        made = _cache[key] = _make(mark, size, ratio, look, tint)
    return made


def draw_mark(
    painter: QPainter, x: float, y: float, mark: Mark, size: int, look: Theme, tint: QColor | None = None
) -> None:
    """Draw a shape with its top left corner at ``x``, ``y``; a normal one is the small green square, centred."""
    painter.drawPixmap(on_pixel(x, y), pixmap(mark, size, ratio_of(painter), look, tint))


def _make(mark: Mark, size: int, ratio: float, look: Theme, tint: QColor | None) -> QPixmap:
    side = max(1, round(size * ratio))
    made = QPixmap(side, side)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if mark.kind is Kind.NORMAL:
            at = (size - SQUARE) / 2
            painter.fillRect(QRectF(at, at, SQUARE, SQUARE), look.color("normal"))
        else:
            _draw(painter, mark, size, look, tint)
    finally:
        painter.end()
    return made


def _draw(painter: QPainter, mark: Mark, size: int, look: Theme, tint: QColor | None) -> None:
    word = tint or look.color("text_3" if mark.style is Style.GREY else mark.kind.value)
    filled = mark.style is Style.FILLED
    width = 1.0 if filled or mark.style is Style.GREY else max(1.25, size / 12)
    # The pen lies wholly inside the box, whatever the size.
    scale = QTransform().translate(width / 2, width / 2).scale(size - width, size - width)
    path = scale.map(outline(mark.kind))
    pen = QPen(word, width, j=Qt.PenJoinStyle.MiterJoin)
    if filled:
        fill = look.color(f"fill_{mark.kind.value}")
        painter.setBrush(fill)
        painter.setPen(pen if fill != word else QPen(fill, width, j=Qt.PenJoinStyle.MiterJoin))
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
    painter.drawPath(path)
    _inside(painter, mark, size, look.color(f"on_{mark.kind.value}") if filled else word)


def _inside(painter: QPainter, mark: Mark, size: int, ink: QColor) -> None:
    low = _LOW.get(mark.kind, 0.0) * size
    stroke = QPen(ink, max(1.25, size / 11), c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if mark.style is Style.RETURNED:
        painter.setPen(stroke)
        small = 0.62 if mark.kind is Kind.WARNING else 0.86
        edge = size * (1 - small) / 2
        painter.drawPath(QTransform().translate(edge, edge + low).scale(size * small, size * small).map(_arrow()))
    elif mark.kind is Kind.FINDING:
        painter.setPen(stroke)
        painter.drawPath(QTransform().scale(size, size).map(_wave()))
    else:
        painter.setPen(ink)
        painter.setFont(font(max(7, round(size * _DIGIT_SIZE.get(mark.kind, 0.68))), 600))
        painter.drawText(QRectF(0, low, size, size), Qt.AlignmentFlag.AlignCenter, str(mark.kind.level))


def draw_square(painter: QPainter, x: int, y: int, look: Theme, well: bool = True) -> None:
    """The square that opens a line of status: green while all is well, hollow grey when it is not."""
    side = PX["space_1"] + 2
    if well:
        painter.fillRect(x, y, side, side, look.color("normal"))
    else:
        painter.setPen(look.color("text_3"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(x, y, side - 1, side - 1)
