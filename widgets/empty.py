"""What stands where there is nothing yet: one sentence, one button where something can be done. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.button import Button
from widgets.paint import painted, write
from widgets.theme import Theme


class Empty(QWidget):
    """A sentence in the middle, and a button under it unless ``action`` is empty."""

    action_wanted = Signal()

    def __init__(self, theme: Theme, sentence: str, action: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.button = Button(theme, "", "primary", parent=self)
        self.button.clicked.connect(self.action_wanted.emit)
        self.say(sentence, action)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self.button.theme = theme
        self.update()

    def say(self, sentence: str, action: str = "") -> None:
        """Another sentence, another button."""
        self.sentence = sentence
        self.setAccessibleName(sentence)
        self.button.setText(action)
        self.button.setAccessibleName(action)
        self.button.setVisible(bool(action))
        self._place()
        self.update()

    def _place(self) -> None:
        size = self.button.sizeHint()
        self.button.setGeometry(
            (self.width() - size.width()) // 2, self.height() // 2 + 16, size.width(), size.height()
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The button stays under the sentence."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground and sentence."""
        painter.fillRect(self.rect(), self.theme.color("panel"))
        room = QRect(16, self.height() // 2 - 20, self.width() - 32, 24)
        write(painter, room, self.sentence, self.theme.color("text_2"), 13, 400, Qt.AlignmentFlag.AlignCenter)
