"""Train a model: of which subsystem, of which kind, on which span; then how far it is. GUI thread.

A panel over the charts. Handed what there is, it emits what the operator wants.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.button import Button
from widgets.paint import painted, write
from widgets.theme import PX, Theme, font

KINDS = (("VAE", "vae"), ("Transformer", "transformer"))
WIDTH, HEIGHT = 520, 196
_BAR = 4


class TeachPanel(QWidget):
    """``wanted`` carries subsystem and kind."""

    wanted = Signal(str, str)
    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.satellite = ""
        self.kind = KINDS[0][1]
        self._subsystem = ""
        self._sentence = ""
        self._done: float | None = None
        self._left = ""
        self.resize(WIDTH, HEIGHT)
        self.kinds: list[Button] = []
        for number, (words, kind) in enumerate(KINDS):
            button = Button(theme, words, "segment", name=f"Kind {words}", parent=self)
            button.place = "first" if not number else "last"
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, kind=kind: self._choose(kind))
            self.kinds.append(button)
        self.train = Button(theme, "Train", "primary", parent=self)
        self.train.clicked.connect(lambda: self.wanted.emit(self._subsystem, self.kind))
        self.close_button = Button(theme, "Close", parent=self)
        self.close_button.clicked.connect(self._leave)
        self._choose(self.kind)
        self._place()
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = theme
        for button in (*self.kinds, self.train, self.close_button):
            button.theme = theme
        self.update()

    def ask(self, satellite: str, subsystem: str) -> None:
        """Open for a subsystem of a satellite; the span comes with ``propose``."""
        if self._done is None:
            self.satellite, self._subsystem = satellite, subsystem
            self._sentence = "Looking for the last nominal hours."
            self.train.setEnabled(False)
        self._settle()
        self.show()
        self.raise_()
        self.train.setFocus()

    def propose(self, why: str) -> None:
        """The span to learn from, as a sentence."""
        self._sentence = why
        self.train.setEnabled(True)
        self._settle()

    def progress(self, done: float, left_s: float) -> None:
        """How far training has come (0 to 1), and seconds left, below 0 where that is not known yet."""
        self._done = done
        self._left = "reading what was recorded" if left_s < 0 else f"{left_s:.0f} s left" if done < 1 else "checking"
        self._settle()

    def finish(self, sentence: str) -> None:
        """Training has ended; why, or with what."""
        self._done, self._sentence = None, sentence
        self._settle()

    def _choose(self, kind: str) -> None:
        self.kind = kind
        for button, (_, name) in zip(self.kinds, KINDS, strict=True):
            button.setChecked(name == kind)

    def _leave(self) -> None:
        if self._done is not None:
            self.cancelled.emit()
        else:
            self.hide()

    def _settle(self) -> None:
        busy = self._done is not None
        self.train.setVisible(not busy)
        for button in self.kinds:
            button.setEnabled(not busy)
        self.close_button.setText("Cancel" if busy else "Close")
        self.close_button.setAccessibleName(self.close_button.text())
        self.setAccessibleName(f"{self._title()}. {self._sentence}")
        self._place()
        self.update()

    def _title(self) -> str:
        return f"Train a model of {self._subsystem} on {self.satellite}"

    def _place(self) -> None:
        x, gap = PX["space_4"], PX["space_3"]
        for button in self.kinds:
            width = button.sizeHint().width()
            button.setGeometry(x, 56, width, PX["button"])
            x += width - 1
        x, y = self.width() - PX["space_4"], self.height() - PX["space_4"] - PX["button"]
        for button in (self.train, self.close_button):
            if not button.isHidden():
                width = button.sizeHint().width()
                x -= width
                button.setGeometry(x, y, width, PX["button"])
                x -= gap

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape puts the panel away; training goes on."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Buttons keep to their corner."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Title, sentence, and the bar while it trains."""
        theme, inset = self.theme, PX["space_4"]
        painter.fillRect(self.rect(), theme.color("raised"))
        painter.setPen(theme.color("line_strong"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        room = self.width() - 2 * inset
        write(painter, QRect(inset, 14, room, 24), self._title(), theme.color("text"), PX["font_15"], 600)
        painter.setPen(theme.color("text_2"))
        painter.setFont(font(PX["font_13"]))
        words = QRect(inset, 92, room, 40)
        painter.drawText(words, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop, self._sentence)
        if self._done is not None:
            bar = QRect(inset, 138, room, _BAR)
            painter.fillRect(bar, theme.color("line"))
            painter.fillRect(QRect(inset, 138, round(room * self._done), _BAR), theme.color("text_2"))
            left = QRect(inset, 150, room - self.close_button.width() - PX["space_3"], PX["button"])
            write(painter, left, self._left, theme.color("text_2"), 12)
