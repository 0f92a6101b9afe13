"""The limits of one channel, to be read and changed, under the charts. GUI thread.

Handed a ``LimitsView``, it emits what the operator wants to be in force; whether that is sound is said to it.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeyEvent, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from widgets.button import Button
from widgets.limitrow import COLUMNS, HEIGHT, Field, LimitRow, columns
from widgets.model import LimitsView
from widgets.paint import LEFT, RIGHT, painted, write
from widgets.theme import PX, Theme

RESPONSE = (
    ("cause", "Cause"),
    ("consequence", "Consequence"),
    ("action", "What to do"),
    ("link", "Link"),
)
MOST = 20
"""Limits of one channel in this form."""
_HEAD, _HEADINGS, _WORDS, _FOOT = 40, 20, 18, 44
_MARGIN = 16


class LimitsPanel(QWidget):
    """A form with a line a limit, and under the lines what the chosen one says of cause and cure."""

    applied = Signal(object)
    """The limits wanted: a list with a mapping of texts each."""
    reset_wanted = Signal()
    """What the file or the source says shall hold again."""
    closed = Signal()
    resized = Signal()
    """Another height is wanted."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.view: LimitsView | None = None
        self.rows: list[LimitRow] = []
        self.sentence = ""
        self._current: LimitRow | None = None
        self.setAccessibleName("Limits")
        self.close_button = Button(theme, "", "flat", icon="cross", name="Close limits", parent=self)
        self.close_button.hint("Close (Esc)")
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self._lines = QWidget()
        self._scroll.setWidget(self._lines)
        self.response = {name: Field(heading, self) for name, heading in RESPONSE}
        self.add = Button(theme, "Add a limit", parent=self)
        self.reset = Button(theme, "Reset", parent=self)
        self.reset.hint("What the file of limits or the source says holds again")
        self.apply = Button(theme, "Apply", "primary", parent=self)
        self.apply.hint("In force at once, kept for the next time, and noted in the archive (Enter)")
        self.close_button.clicked.connect(self.closed.emit)
        self.add.clicked.connect(self._add)
        self.reset.clicked.connect(self.reset_wanted.emit)
        self.apply.clicked.connect(self._apply)
        for name, field in self.response.items():
            field.textEdited.connect(lambda text, name=name: self._answer(name, text))
            field.entered.connect(self._apply)
            field.left.connect(self.closed.emit)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = theme
        for button in (self.close_button, self.add, self.reset, self.apply):
            button.theme = theme
        for row in self.rows:
            row.set_theme(theme)
        self.update()

    def set_view(self, view: LimitsView | None) -> None:
        """Show the limits of a channel, or nothing."""
        self.view = view
        for row in self.rows:
            row.deleteLater()
        self.rows, self._current = [], None
        for values in view.rows if view is not None else ():
            self._append(values)
        self.setAccessibleDescription("" if view is None else f"Limits of {view.key}, {view.says}")
        self.reset.setEnabled(view is not None and view.reset)
        self.set_problem("")
        self._choose(self.rows[0] if self.rows else None)
        self.setVisible(view is not None)
        self.resized.emit()

    def values(self) -> list[dict[str, str]]:
        """What stands in the form."""
        return [row.values() for row in self.rows]

    @property
    def changed(self) -> bool:
        """Whether something stands here that is not in force."""
        return self.view is not None and self.values() != list(self.view.rows)

    def set_problem(self, sentence: str, place: int = -1, field: str = "") -> None:
        """Say why limit number ``place`` cannot be, and go to its ``field``; an empty sentence: it can."""
        self.sentence = sentence
        for number, row in enumerate(self.rows):
            for name, one in row.fields.items():
                one.set_wrong(bool(sentence) and (number, name) == (place, field))
        if sentence:
            part = self.rows[place].part(field) if 0 <= place < len(self.rows) else None
            if part is not None:
                part.setFocus(Qt.FocusReason.OtherFocusReason)
            self.setAccessibleDescription(sentence)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))
        self.update()

    def take_keyboard(self) -> None:
        """Put the keyboard into the first field."""
        part = self.rows[0].fields["low"] if self.rows else self.add
        part.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def wanted_height(self) -> int:
        """Logical pixels that everything needs."""
        return 1 + _HEAD + _HEADINGS + max(1, len(self.rows)) * HEIGHT + _WORDS + PX["input"] + _FOOT

    # what the operator does

    def _append(self, values: dict[str, str]) -> LimitRow:
        row = LimitRow(self.theme, values, len(self.rows) + 1, self._lines)
        row.changed.connect(lambda: self.set_problem(""))
        row.entered.connect(self._apply)
        row.left.connect(self.closed.emit)
        row.focused.connect(lambda: self._choose(row))
        row.removed.connect(lambda: self._remove(row))
        row.show()
        self.rows.append(row)
        return row

    def _add(self) -> None:
        if len(self.rows) < MOST:
            row = self._append({})
            self._choose(row)
            self.resized.emit()
            self._place()
            row.fields["low"].setFocus(Qt.FocusReason.OtherFocusReason)

    def _remove(self, row: LimitRow) -> None:
        self.rows.remove(row)
        row.hide()
        row.deleteLater()
        self.set_problem("")
        self._choose(self.rows[0] if self.rows else None)
        self.take_keyboard()
        self.resized.emit()
        self._place()

    def _choose(self, row: LimitRow | None) -> None:
        """Show the response of a limit."""
        self._current = row
        for name, field in self.response.items():
            field.setEnabled(row is not None)
            field.setText("" if row is None else row.more.get(name, ""))
            field.setCursorPosition(0)
        self.update()

    def _answer(self, name: str, text: str) -> None:
        if self._current is not None:
            self._current.more[name] = text.strip()

    def _apply(self) -> None:
        self.applied.emit(self.values())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes from anywhere in the form."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            event.ignore()

    # looks

    def _place(self) -> None:
        width, height = self.width(), self.height()
        inner = width - 2 * _MARGIN
        self.close_button.setGeometry(width - 12 - PX["button"], 6, PX["button"], PX["button"])
        foot = height - _FOOT + 8
        x = width - _MARGIN
        for button in (self.apply, self.reset, self.add):
            wide = button.sizeHint().width()
            x -= wide
            button.setGeometry(x, foot, wide, PX["button"])
            x -= 8
        self._words_end = x
        below = height - _FOOT - PX["input"]
        each = (inner - 3 * 8) // 4
        for number, field in enumerate(self.response.values()):
            field.setGeometry(_MARGIN + number * (each + 8), below, each, PX["input"])
        top = 1 + _HEAD + _HEADINGS
        room = max(HEIGHT, below - _WORDS - top)
        self._scroll.setGeometry(_MARGIN, top, inner + 8, room)
        self._lines.resize(inner, max(1, len(self.rows)) * HEIGHT)
        for number, row in enumerate(self.rows):
            row.setGeometry(0, number * HEIGHT, inner, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lines above, response and buttons below."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground, title, headings, and the sentence."""
        theme, width = self.theme, self.width()
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, 0, width, 1, theme.color("line"))
        if self.view is None:
            return
        title = QRect(_MARGIN, 1, width - 2 * _MARGIN - PX["button"], _HEAD)
        used = write(painter, title, f"Limits of {self.view.key}", theme.color("text"), 13, 600)
        unit = f"{self.view.unit}, " if self.view.unit else ""
        write(painter, title.adjusted(used + 12, 0, 0, 0), unit + self.view.says, theme.color("text_3"), 12)
        quiet = theme.color("text_2")
        places = columns(width - 2 * _MARGIN)
        for name, heading, _ in COLUMNS if self.rows else ():
            room = QRect(_MARGIN + places[name].x(), 1 + _HEAD, places[name].width(), _HEADINGS - 2)
            right = name in ("low", "high", "persistence", "deadband", "on_delay_s", "off_delay_s")
            if name == "severity":
                room.adjust(22, 0, 0, 0)
            write(painter, room, heading, quiet, 11, 400, RIGHT if right else LEFT)
        if not self.rows:
            room = QRect(_MARGIN, 1 + _HEAD + _HEADINGS, width - 2 * _MARGIN, HEIGHT)
            write(painter, room, "No limits: every value is within them.", theme.color("text_3"), 13)
        number = self.rows.index(self._current) + 1 if self._current in self.rows else 0
        for (_, heading), field in zip(RESPONSE, self.response.values(), strict=True):
            spot = field.geometry()
            words = f"Limit {number}: {heading.lower()}" if number and len(self.rows) > 1 else heading
            write(painter, QRect(spot.x(), spot.y() - _WORDS, spot.width(), _WORDS), words, quiet, 11)
        foot = QRect(_MARGIN, self.height() - _FOOT + 8, self._words_end - _MARGIN - 8, PX["button"])
        write(painter, foot, self.sentence, theme.color("text"), 13, 500)
