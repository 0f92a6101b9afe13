"""What must not be overlooked in one line, and what may be: the banner and the toast. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.button import Button
from widgets.model import Kind, Notice
from widgets.paint import painted, write
from widgets.shapes import draw_mark
from widgets.theme import PX, Theme, metrics

TOAST_MS = 6000


class Banner(QWidget):
    """One line over the charts: shape, sentence, one button. It stays until its reason is gone."""

    action_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.notice: Notice | None = None
        self.button = Button(theme, "", parent=self)
        self.button.clicked.connect(self.action_wanted.emit)
        self.setFixedHeight(PX["replay_banner"])
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self.button.theme = theme
        self.update()

    def set_notice(self, notice: Notice | None) -> bool:
        """Show a notice, or none. True where it appeared or went."""
        before, self.notice = self.notice, notice
        if notice is not None and notice != before:
            self.button.setText(notice.action)
            self.button.setAccessibleName(notice.action)
            self.setAccessibleName(notice.sentence)
            self.setToolTip(notice.sentence)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
            self._place()
            self.update()
        self.button.setVisible(notice is not None and bool(notice.action))
        self.setVisible(notice is not None)
        return (before is None) != (notice is None)

    def _place(self) -> None:
        size = self.button.sizeHint()
        self.button.setGeometry(self.width() - size.width() - 12, 6, size.width(), size.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The button stays at the right end."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """A bar of the shape's colour at the left, the shape, the sentence."""
        theme, height = self.theme, self.height() - 1
        painter.fillRect(self.rect(), theme.color("raised"))
        painter.fillRect(0, height, self.width(), 1, theme.color("line"))
        if self.notice is None:
            return
        kind = self.notice.mark.kind
        if kind is not Kind.NORMAL:
            painter.fillRect(0, 0, 3, height, theme.color(kind.value))
        draw_mark(painter, 14, (height - PX["shape_row"]) // 2, self.notice.mark, PX["shape_row"], theme)
        end = self.button.x() if self.notice.action else self.width()
        room = QRect(44, 0, end - 44 - 12, height)
        write(painter, room, self.notice.sentence, theme.color("text"), 13, 500)


class Toast(QWidget):
    """One sentence at the bottom right for six seconds; never an alarm."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.sentence = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TOAST_MS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def say(self, sentence: str) -> None:
        """Show a sentence; it takes the place of one that is still there."""
        self.sentence = sentence
        self.setAccessibleName(sentence)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        self.show()
        self.raise_()
        self.update()
        self._timer.start()

    def sizeHint(self) -> QSize:
        """As wide as the sentence."""
        return QSize(metrics(13).horizontalAdvance(self.sentence) + 2 * PX["space_4"], 40)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """The sentence on a raised ground."""
        theme = self.theme
        painter.fillRect(self.rect(), theme.color("raised"))
        painter.setPen(theme.color("line_strong"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        room = self.rect().adjusted(PX["space_4"], 0, -PX["space_4"] + 1, 0)
        write(painter, room, self.sentence, theme.color("text"))
