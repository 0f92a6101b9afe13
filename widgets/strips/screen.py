"""One repaint: the ring in two parts, heads, limits and time axis, each only where it is asked for. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage, QPainter, QRegion

from widgets.strips.board import Board
from widgets.strips.heads import Heads, Place
from widgets.strips.layout import AXIS_BOTTOM
from widgets.strips.overlay import Overlay
from widgets.strips.sheet import Sheet


def plot_area(place: Place) -> QRect:
    """The charts, and three pixels of the gutter: the dot at the end of a trace reaches into it."""
    return QRect(place.layout.plot_left, 0, place.layout.plot_width + 3, place.layout.view_height)


def paint_screen(
    painter: QPainter, region: QRegion, board: Board, place: Place, heads: Heads, overlay: Overlay, width: int
) -> None:
    """Paint what ``region`` (logical pixels of the widget) touches."""
    layout, panel = place.layout, heads.look.color("panel")
    if region.intersects(QRect(0, 0, layout.plot_left, layout.view_height)):
        painter.drawPixmap(0, 0, heads.left)
    right = QRect(layout.gutter_left, 0, width - layout.gutter_left, layout.view_height)
    if region.intersects(right):
        painter.fillRect(right, panel)
        painter.drawPixmap(layout.gutter_left, 0, heads.right)
    if region.intersects(plot_area(place)):
        end = copy_ring(painter, board.sheet, place)
        if end < layout.view_height:
            painter.fillRect(layout.plot_left, end, layout.plot_width, layout.view_height - end, panel)
        painter.save()
        try:
            painter.setClipRect(plot_area(place), Qt.ClipOperation.IntersectClip)
            overlay.draw_charts(painter, board, place)
        finally:
            painter.restore()
    if region.intersects(QRect(0, layout.view_height, width, AXIS_BOTTOM)):
        overlay.draw_axis(painter, board, place, width)


def copy_ring(painter: QPainter, sheet: Sheet, place: Place) -> int:
    """Copy the picture, one of its pixels to one of the device's; the height at which it ends."""
    here, layout, ratio = sheet.arrangement, place.layout, place.ratio
    if here.last <= here.first:
        return 0
    width, height = here.width, here.tops[-1]
    left = place.device(layout.plot_left)
    offset = place.device(layout.tops[here.first]) - place.device(place.scroll)
    begin, end = max(0, -offset), min(height, place.device(layout.view_height) - offset)
    image = QImage(sheet.pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
    seam = (sheet.right + 1) % width
    painter.save()
    painter.scale(1 / ratio, 1 / ratio)
    painter.drawImage(QPoint(left, offset + begin), image, QRect(seam, begin, width - seam, end - begin))
    if seam:
        at = QPoint(left + width - seam, offset + begin)
        painter.drawImage(at, image, QRect(0, begin, seam, end - begin))
    painter.restore()
    return round((offset + end) / ratio)
