"""Painting that cannot take the program down, and the few lines that every painted view needs. GUI thread.

An exception inside a paint event leaves Qt with an open painter and repeats at every redraw. ``painted`` and
``RowDelegate`` end the painter, log the first fault of each place with its traceback, and leave the rest blank.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from widgets.theme import PX, Theme, font, metrics

log = logging.getLogger(__name__)

Index = QModelIndex | QPersistentModelIndex
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTER = Qt.AlignmentFlag.AlignCenter

_W = TypeVar("_W", bound=QWidget)
_told: set[str] = set()


def first_time(place: str) -> bool:
    """Whether this is the first fault of ``place``: it repeats at every redraw, its traceback is told once."""
    new = place not in _told
    _told.add(place)
    return new


def painted(draw: Callable[[_W, QPainter], None]) -> Callable[[_W, QPaintEvent], None]:
    """Make a ``paintEvent`` of a method that draws with the painter it is given."""

    @wraps(draw)
    def paint_event(self: _W, event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            draw(self, painter)
        except Exception:
            if first_time(type(self).__name__):
                log.exception("%s could not be drawn", type(self).__name__)
        finally:
            painter.end()

    return paint_event


class RowDelegate(QStyledItemDelegate):
    """Draws the rows of a list; ``draw`` is what a subclass writes."""

    def __init__(self, look: Theme, height: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.look = look
        self.height = height

    def draw(self, painter: QPainter, rect: QRect, index: Index, selected: bool, focused: bool) -> None:
        """Draw one row. ``focused``: it is current and its list has the keyboard."""
        raise NotImplementedError

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw a row with nothing of its pen and clip left behind."""
        painter.save()
        try:
            rect, state = option.rect, option.state
            selected = bool(state & QStyle.StateFlag.State_Selected)
            focused = bool(state & QStyle.StateFlag.State_HasFocus)
            self.draw(painter, rect, index, selected, focused)
        except Exception:
            if first_time(type(self).__name__):
                log.exception("%s could not be drawn", type(self).__name__)
        finally:
            painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Every row is equally high."""
        return QSize(0, self.height)


def legible(text: str) -> str:
    """``text`` as it is drawn: Plex's thin space is one pixel at 13, and 2 118 would read 2118."""
    return text.replace("\u2009", " ")


def write(
    painter: QPainter,
    rect: QRect,
    text: str,
    color: QColor,
    px: int = 13,
    weight: int = 400,
    align: Qt.AlignmentFlag = LEFT,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> int:
    """Write one line into ``rect``, elided where it does not fit. Returns the width it took."""
    if not text or rect.width() <= 0:
        return 0
    measure = metrics(px, weight)
    text = legible(text)
    width = measure.horizontalAdvance(text)
    if width > rect.width():
        text = measure.elidedText(text, elide, rect.width())
        width = min(rect.width(), measure.horizontalAdvance(text))
    painter.setFont(font(px, weight))
    painter.setPen(color)
    painter.drawText(rect, align | Qt.TextFlag.TextSingleLine, text)
    return width


def focus_ring(painter: QPainter, rect: QRect, look: Theme, radius: int = 0) -> None:
    """The 2 px ring of what has the keyboard, inside ``rect``."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = painter.pen()
    pen.setColor(look.color("focus"))
    pen.setWidth(PX["focus_ring"])
    pen.setStyle(Qt.PenStyle.SolidLine)
    painter.setPen(pen)
    inner = rect.adjusted(1, 1, -1, -1)
    if radius:
        painter.drawRoundedRect(inner, radius, radius)
    else:
        painter.drawRect(inner)


def ratio_of(painter: QPainter) -> float:
    """Device pixels a logical pixel, of what is painted on."""
    device = painter.device()
    return float(device.devicePixelRatioF()) if device is not None else 1.0


def on_pixel(x: float, y: float) -> QPointF:
    """The whole logical pixel nearest to a place."""
    return QPointF(QPoint(round(x), round(y)))
