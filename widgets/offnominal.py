"""Channels that are outside a limit or part of an open finding now, worst first. GUI thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from widgets import text
from widgets.model import Clock, OffNominalRow, spoken
from widgets.paint import RIGHT, Index, RowDelegate, focus_ring, write
from widgets.rows import RowList
from widgets.shapes import draw_mark
from widgets.theme import PX, Theme


class OffNominalModel(QAbstractListModel):
    """Rows, worst first, then the longest."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[OffNominalRow] = []

    def set_rows(self, rows: Iterable[OffNominalRow]) -> bool:
        """Sort and show. True where rows came, went or moved."""
        ranked = sorted(rows, key=lambda r: (tuple(-int(v) for v in r.mark.rank), r.since, r.key))
        before = self.rows
        if [row.key for row in before] == [row.key for row in ranked]:
            self.rows = ranked
            if ranked and ranked != before:
                self.dataChanged.emit(self.index(0), self.index(len(ranked) - 1))
            return False
        self.beginResetModel()
        self.rows = ranked
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's default
        """Channels that are off nominal."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The path, and for a screen reader the whole row."""
        if not 0 <= index.row() < len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.path
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{spoken(row.mark)}, {row.satellite}, {row.path}, {row.value}"
        return None


class OffNominalLine(RowDelegate):
    """Shape, path, satellite, value, and for how long."""

    def __init__(self, look: Theme, model: OffNominalModel, parent: QWidget) -> None:
        super().__init__(look, PX["row_table"], parent)
        self.model = model
        self.clock = Clock(0)

    def draw(self, painter: QPainter, rect: QRect, index: Index, selected: bool, focused: bool) -> None:
        """The channel of ``index``."""
        theme, row = self.look, self.model.rows[index.row()]
        if selected:
            painter.fillRect(rect, theme.color("selected"))
        size = PX["shape_small"]
        draw_mark(painter, rect.x() + 14, rect.y() + (rect.height() - size) // 2, row.mark, size, theme)
        quiet = theme.color("text_2" if selected else "text_3")
        room = rect.adjusted(38, 0, -12, 0)
        write(painter, room, text.age(row.since, self.clock.now), quiet, 12, 400, RIGHT)
        room.setRight(room.right() - 48)
        value = write(painter, room, row.value, theme.color("text"), 13, 400, RIGHT)
        room.setRight(room.right() - value - 10)
        name = write(painter, room, row.path, theme.color("text"), 13)
        write(painter, room.adjusted(name + 8, 1, 0, 0), row.satellite, quiet, 12)
        if focused:
            focus_ring(painter, rect, theme)


class OffNominalList(RowList):
    """Enter or a double click puts the channel on a chart."""

    channel_activated = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, "Off-nominal channels", parent)
        self.rows = OffNominalModel(self)
        self.line = OffNominalLine(theme, self.rows, self)
        self.setItemDelegate(self.line)
        self.setModel(self.rows)
        self.nothing = "Every channel is within its limits, and in no open finding."
        self.row_activated.connect(lambda row: self.channel_activated.emit(self.rows.rows[row].key))

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self.line.look = theme
        self.viewport().update()

    def set_rows(self, rows: Iterable[OffNominalRow]) -> None:
        """Replace the rows; the selection stays with its channel."""
        at = self.currentIndex().row()
        key = self.rows.rows[at].key if 0 <= at < len(self.rows.rows) else None
        if self.rows.set_rows(rows) and key is not None:
            row = next((i for i, each in enumerate(self.rows.rows) if each.key == key), -1)
            self.setCurrentIndex(self.rows.index(row) if row >= 0 else QModelIndex())

    def set_clock(self, clock: Clock) -> None:
        """Ages; drawn again when a second has passed."""
        old, self.line.clock = self.line.clock, clock
        if clock.now // text.SECOND != old.now // text.SECOND:
            self.viewport().update()
