"""What pages are put together from: sentences, fields, joined buttons, heads of sections. GUI thread."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeyEvent, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QLabel, QLineEdit, QSizePolicy, QWidget

from widgets.attention import draw_head
from widgets.button import Button
from widgets.paint import legible, painted
from widgets.text import TIMES
from widgets.theme import PX, Theme, font


class Sentence(QLabel):
    """Words that wrap; there is nothing where they are empty. ``told``: a screen reader says them when they change."""

    def __init__(self, theme: Theme, parent: QWidget, color: str = "text", px: int = 13, *, told: bool = False) -> None:
        super().__init__(parent)
        self._color, self._told = color, told
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setFont(font(px))
        self.set_theme(theme)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        colors = self.palette()
        colors.setColor(QPalette.ColorRole.WindowText, theme.color(self._color))
        self.setPalette(colors)

    def say(self, words: str) -> None:
        """Other words."""
        words = legible(words).replace(" %", "\u00a0%").replace(f" {TIMES}", f"\u00a0{TIMES}")
        if words != self.text():
            self.setText(words)
            self.setVisible(bool(words))
            if self._told and words:
                QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))


class Field(QLineEdit):
    """A field of one line. Plain keys end here, they are never a view's single key."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("plain", True)
        self.setAccessibleName(name)
        self.setFont(font(PX["font_13"]))
        self.setFixedHeight(PX["input"])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Everything is typed."""
        super().keyPressEvent(event)
        event.accept()


class Segments(QWidget):
    """Buttons joined into one, of which one is chosen; narrower than they ask for where there is no room."""

    chosen = Signal(int)
    """The operator chose another."""

    def __init__(self, theme: Theme, choices: Sequence[tuple[str, str]]) -> None:
        """``choices``: words of each, and its name for a screen reader."""
        super().__init__()
        self._group = QButtonGroup(self)
        self.buttons: list[Button] = []
        for number, (words, name) in enumerate(choices):
            button = Button(theme, words, "segment", name=name, parent=self)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.place = "first" if number == 0 else "last" if number == len(choices) - 1 else ""
            self._group.addButton(button, number)
            self.buttons.append(button)
        self._group.idToggled.connect(self._toggled)
        self.buttons[0].setChecked(True)
        self._group.idClicked.connect(self.chosen)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        for button in self.buttons:
            button.theme = theme

    @property
    def choice(self) -> int:
        """The number of the one that is chosen."""
        return self._group.checkedId()

    def choose(self, number: int) -> None:
        """Choose one; no signal is sent."""
        self.buttons[number].setChecked(True)

    def _toggled(self, number: int, on: bool) -> None:
        """Tab comes to the one that is chosen, arrows go on to the others."""
        button = self.buttons[number]
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus if on else Qt.FocusPolicy.NoFocus)
        if on:
            self.setFocusProxy(button)

    def sizeHint(self) -> QSize:
        """All of them side by side."""
        return QSize(sum(b.sizeHint().width() - 1 for b in self.buttons) + 1, PX["button"])

    def minimumSizeHint(self) -> QSize:
        """They give way."""
        return QSize(0, PX["button"])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Side by side, a line shared."""
        short = max(0, self.sizeHint().width() - self.width())
        x = 0
        for number, button in enumerate(self.buttons):
            less = short // (len(self.buttons) - number)
            short -= less
            width = button.sizeHint().width() - less
            button.setGeometry(x, 0, width, PX["button"])
            x += width - 1


class SectionHead(QWidget):
    """The head of a section: a title, and a note at the right."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._title = self._note = ""
        self.setFixedHeight(PX["group_header"])

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        self.update()

    def say(self, title: str, note: str) -> None:
        """Another title, another note."""
        if (title, note) != (self._title, self._note):
            self._title, self._note = title, note
            self.setAccessibleName(f"{title}, {note}" if note else title)
            self.update()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """As the heads of the lists beside it."""
        draw_head(painter, self.rect(), self._title, self._note, self._theme)


class Bar(QWidget):
    """How much is done: 4 px, grey."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._share = 0.0
        self.setFixedHeight(PX["space_1"])

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        self.update()

    def set_share(self, share: float) -> None:
        """0..1."""
        if share != self._share:
            self._share = share
            self.update()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """The track, and what is done of it."""
        painter.fillRect(self.rect(), self._theme.color("line"))
        painter.fillRect(0, 0, round(self.width() * self._share), self.height(), self._theme.color("text"))
