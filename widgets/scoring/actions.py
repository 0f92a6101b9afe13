"""What can be done about a Triton on this workstation, at the foot of the page Scoring. GUI thread.

It emits what is wanted, and shows the newest words of what is under way, which can be cancelled.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QWidget

from widgets.button import Button
from widgets.paint import painted, write
from widgets.theme import PX, Theme

ACTIONS = {
    "install": ("Install", "Bring a tritonserver onto this machine, for this user (320 MB)."),
    "start": ("Start", "Start a Triton that stays until it is stopped; sessions use it."),
    "stop": ("Stop", "Stop the Triton that stays, and servers that nobody owns any more."),
}
"""What each does, by name: the word on its button, and the sentence of its tip."""
IDLE = "A Triton that stays, for this and later sessions."
_PAD = 16
_BUTTON = 30


class ActionsPart(QWidget):
    """``wanted`` names an action; ``cancelled`` ends the one that runs."""

    wanted = Signal(str)
    cancelled = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.words = IDLE
        self.buttons = {name: Button(theme, word) for name, (word, _) in ACTIONS.items()}
        self.cancel = Button(theme, "Cancel")
        row = QHBoxLayout(self)
        row.setContentsMargins(_PAD, PX["space_3"] + PX["line_13"] + PX["space_2"], _PAD, PX["space_3"])
        row.setSpacing(PX["space_2"])
        for name, button in self.buttons.items():
            button.hint(ACTIONS[name][1])
            button.clicked.connect(lambda _=False, name=name: self.wanted.emit(name))
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.cancel)
        for button in (*self.buttons.values(), self.cancel):
            button.setFixedHeight(_BUTTON)
        self.cancel.clicked.connect(self.cancelled)
        self.setFixedHeight(PX["space_3"] + PX["line_13"] + PX["space_2"] + _BUTTON + PX["space_3"])
        self.say(IDLE, running=False)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        for button in (*self.buttons.values(), self.cancel):
            button.theme = theme
            button.update()
        self.update()

    def say(self, words: str, *, running: bool) -> None:
        """The newest words; while something runs nothing else can be begun."""
        self.words = words
        for button in self.buttons.values():
            button.setEnabled(not running)
        self.cancel.setVisible(running)
        self.setAccessibleName("Triton on this workstation")
        self.setAccessibleDescription(words)
        self.setToolTip(words)
        self.update()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """The line above, and the words."""
        theme = self._theme
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, 0, self.width(), 1, theme.color("line"))
        room = QRect(_PAD, PX["space_3"], self.width() - 2 * _PAD, PX["line_13"])
        write(painter, room, self.words, theme.color("text_2"), PX["font_13"], elide=Qt.TextElideMode.ElideRight)
