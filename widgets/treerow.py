"""One row of the tree, painted: bar if plotted, chevron, name, value, unit, worst shape. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from widgets.icons import Icon, draw_icon
from widgets.paint import RIGHT, Index, RowDelegate, focus_ring, legible, write
from widgets.shapes import draw_mark
from widgets.theme import PX, Theme, metrics
from widgets.treemodel import PROVISIONAL, ChannelModel, Node

SHAPE_RIGHT = 8
"""Where the shapes end, from the list's right edge."""
NARROW = 260
"""Below this width the tree gives its names what it can of indents and columns."""


def indent(level: str, width: int) -> int:
    """Where the name of a level begins, from the list's left edge."""
    first, step = (24, 14) if width >= NARROW else (20, 10)
    return first + step * ("satellite", "subsystem", "channel").index(level)


def columns(width: int) -> tuple[int, int]:
    """Where values end and units begin, from the list's left edge."""
    return (width - 70, width - 64) if width >= NARROW else (width - 63, width - 58)


class TreeRow(RowDelegate):
    """Columns are counted from the width of the list itself, so that a scroll bar moves nothing."""

    def __init__(self, look: Theme, model: ChannelModel, parent: QWidget) -> None:
        super().__init__(look, PX["row_tree"], parent)
        self._model = model
        self._list = parent

    def draw(self, painter: QPainter, rect: QRect, index: Index, selected: bool, focused: bool) -> None:
        """The row of ``index``."""
        node, theme = self._model.rows[index.row()], self.look
        width = self._list.width()
        y, height = rect.y(), rect.height()
        line = height - 1
        if selected:
            painter.fillRect(0, y, width, height, theme.color("selected"))
        plotted = node.key in self._model.plotted
        if plotted and node.channel is not None:
            painter.fillRect(0, y + 4, 2, height - 8, theme.color("text" if selected else "text_2"))
        left = indent(node.level, width)
        if node.children:
            icon: Icon = "down" if node.open or self._model.filtered else "right"
            draw_icon(painter, left - 16, y + (height - 13) // 2, icon, theme.color("text_3"), 13)
        end = columns(width)[0]
        start = self._value(painter, node, QRect(left, y, end - left, line), selected)
        strong = node.level == "satellite"
        bright = strong or plotted or selected or node.mark is not None
        name = QRect(left, y, start - left - 4, line)
        color = theme.color("text" if bright else "text_2")
        # Names of channels differ at their ends: what does not fit goes from the middle.
        write(painter, name, node.name, color, 13, 600 if strong else 400, elide=Qt.TextElideMode.ElideMiddle)
        stale = node.key in self._model.readings and bool(self._model.readings[node.key].stale)
        size = PX["shape_small"]
        x, top = width - SHAPE_RIGHT - size, y + (height - size) // 2
        if node.mark is not None:
            draw_mark(painter, x, top, node.mark, size, theme)
        elif stale and node.channel is not None:
            draw_icon(painter, x, top, "clock", theme.color("text_2" if selected else "text_3"), size)
        if node.level == "satellite" and node.name in self._model.provisional:
            draw_icon(painter, x - size - 6, top, "provisional", theme.color("text_2" if selected else "text_3"), size)
        if focused:
            focus_ring(painter, QRect(0, y, width, height), theme)

    def _value(self, painter: QPainter, node: Node, room: QRect, selected: bool) -> int:
        """Draw value and unit (or a satellite's word). Returns where the value begins."""
        theme = self.look
        if node.channel is None:
            word = self._model.words.get(node.key, "")
            room.setRight(room.right() - write(painter, room, word, theme.color("text"), 13, 400, RIGHT))
            if node.level == "satellite" and node.name in self._model.provisional:
                before = room.adjusted(metrics(13, 600).horizontalAdvance(node.name) + 12, 0, -8 if word else 0, 0)
                if metrics(12).horizontalAdvance(PROVISIONAL) <= before.width():
                    quiet = theme.color("text_2" if selected else "text_3")
                    room.setRight(before.right() - write(painter, before, PROVISIONAL, quiet, 12, 400, RIGHT))
            return room.right() + 1
        reading = self._model.readings.get(node.key)
        if reading is None:
            return room.right() + 1
        quiet = theme.color("text_2" if selected else "text_3")
        text = f"stale {reading.stale}" if reading.stale else reading.text
        # The value is never cut: what is short of room is the name.
        needed = metrics(13).horizontalAdvance(legible(text))
        start = room.right() + 1 - needed
        painter_room = QRect(start, room.y(), needed + 1, room.height())
        write(painter, painter_room, text, quiet if reading.stale else theme.color("text"))
        if not reading.stale and node.channel.unit:
            at = columns(self._list.width())[1]
            room_right = self._list.width() - SHAPE_RIGHT - PX["shape_small"] - 2
            unit = QRect(at, room.y(), room_right - at, room.height())
            write(painter, unit, node.channel.unit, theme.color("text_2"), 12)
        return start
