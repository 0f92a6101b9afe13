"""The tree where there is no room for it: a rail of shapes, one a satellite. GUI thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from widgets.model import Kind, Mark, spoken
from widgets.paint import CENTER, Index, RowDelegate, focus_ring, write
from widgets.rows import RowList
from widgets.shapes import draw_mark
from widgets.theme import PX, Theme

WIDTH = 44
_HEIGHT = 52


class RailModel(QAbstractListModel):
    """Satellites and the worst mark of each."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[tuple[str, Mark | None]] = []

    def set_rows(self, rows: Sequence[tuple[str, Mark | None]]) -> None:
        """Names and marks."""
        new = list(rows)
        if [name for name, _ in new] == [name for name, _ in self.rows]:
            changed, self.rows = new != self.rows, new
            if changed:
                self.dataChanged.emit(self.index(0), self.index(len(new) - 1))
            return
        self.beginResetModel()
        self.rows = new
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's default
        """Satellites."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Name, and name with state in words."""
        if not 0 <= index.row() < len(self.rows):
            return None
        name, mark = self.rows[index.row()]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{name}, {spoken(mark) if mark is not None else 'normal'}"
        return name if role == Qt.ItemDataRole.DisplayRole else None


class RailRow(RowDelegate):
    """The shape, and under it the end of the name."""

    def __init__(self, look: Theme, model: RailModel, parent: QWidget) -> None:
        super().__init__(look, _HEIGHT, parent)
        self.model = model

    def draw(self, painter: QPainter, rect: QRect, index: Index, selected: bool, focused: bool) -> None:
        """The satellite of ``index``."""
        name, mark = self.model.rows[index.row()]
        if selected and focused:
            painter.fillRect(rect, self.look.color("selected"))
        size = PX["shape_row"]
        x = rect.x() + (rect.width() - size) // 2
        draw_mark(painter, x, rect.y() + 9, mark or Mark(Kind.NORMAL), size, self.look)
        words = QRect(rect.x() + 2, rect.y() + 30, rect.width() - 4, 16)
        short = name.rpartition("-")[2] or name
        write(painter, words, short, self.look.color("text_2"), 11, 400, CENTER)
        if focused:
            focus_ring(painter, rect, self.look)


class Rail(RowList):
    """A click or Enter asks for the whole tree, at that satellite."""

    opened = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, "Satellites", parent)
        self.rows = RailModel(self)
        self._row = RailRow(theme, self.rows, self)
        self.setItemDelegate(self._row)
        self.setModel(self.rows)
        self.row_activated.connect(self._open)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self._row.look = theme
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """One click is enough."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            self.setCurrentIndex(index)
            self._open(index.row())

    def _open(self, row: int) -> None:
        self.opened.emit(self.rows.rows[row][0])
