"""Lists of painted rows, and the field that narrows one. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QLineEdit, QListView, QWidget

from widgets.icons import draw_icon
from widgets.paint import write
from widgets.theme import PX, Theme, font

NAVIGATION = {
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab,
}
"""Keys that a list answers itself; every other one is left to the view's single keys."""


class RowList(QListView):
    """A list of painted rows. Letters and arrows that it has no use for go on to the view that holds it."""

    row_activated = Signal(int)

    def __init__(self, theme: Theme, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.nothing = ""
        """The sentence shown while there are no rows."""
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        # Filled by itself, so that new values do not redraw the dock behind.
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self.viewport().setAutoFillBackground(True)
        self.setFont(font(PX["font_13"]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Navigate, activate with Enter, or leave the key to others."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.currentIndex().isValid():
                self.row_activated.emit(self.currentIndex().row())
        elif event.key() in NAVIGATION:
            super().keyPressEvent(event)
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A double click is Enter."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            self.row_activated.emit(index.row())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows, or the sentence that says why there are none."""
        super().paintEvent(event)
        model = self.model()
        if self.nothing and (model is None or not model.rowCount()):
            painter = QPainter(self.viewport())
            room = QRect(14, 4, self.viewport().width() - 28, PX["row_table"])
            write(painter, room, self.nothing, self.theme.color("text_3"), 12)
            painter.end()

    def seen(self) -> range:
        """Rows on screen."""
        model = self.model()
        count = model.rowCount() if model is not None else 0
        if not count or self.viewport().height() <= 0:
            return range(0)
        first = self.indexAt(self.viewport().rect().topLeft())
        last = self.indexAt(self.viewport().rect().bottomLeft())
        return range(max(0, first.row()), last.row() + 1 if last.isValid() else count)


class FilterField(QLineEdit):
    """A field with a magnifier that narrows a list; Escape empties it, Down goes on to the list."""

    left = Signal()

    def __init__(self, theme: Theme, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setPlaceholderText("Filter")
        self.setAccessibleName(name)
        self.setFont(font(PX["font_13"]))
        self.setMaxLength(120)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape and Down; everything else is typed. Plain keys end here, they are never a view's single key."""
        if event.key() == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            else:
                self.left.emit()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)
            event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The field, and the magnifier on it."""
        super().paintEvent(event)
        painter = QPainter(self)
        draw_icon(painter, 9, (self.height() - 14) / 2, "search", self.theme.color("text_3"), 14)
        painter.end()
