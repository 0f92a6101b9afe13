"""The operator's verdict on the selected finding: four buttons, the keys 1 to 4 on them, and a note. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.button import Button
from widgets.model import FindingRow
from widgets.paint import CENTER, RIGHT, painted, write
from widgets.theme import PX, Theme, metrics
from widgets.tuning.parts import Field

CHOICES = (
    ("true", "True", "It is an anomaly"),
    ("false", "False", "There is nothing odd about it"),
    ("rare nominal", "Rare", "It is rare and nominal: what is like it asks for no answer from now on"),
    ("unsure", "Unsure", "It cannot be said"),
)
"""Each verdict with its word on the button and what it means, in the order of the keys."""
TAKEN_BACK = "taken back"
"""Said of a finding instead of a verdict: that there is none any more."""
_LONGEST = 400
_CAP = 16
_SIDE = 14


class _Key(Button):
    """A button with its key in a small frame behind the word."""

    def __init__(self, theme: Theme, word: str, key: str, name: str, parent: QWidget) -> None:
        super().__init__(theme, word, name=name, parent=parent)
        self._key = key
        self.setCheckable(True)

    def sizeHint(self) -> QSize:
        """Word and key."""
        return super().sizeHint() + QSize(_CAP, 0)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground, word, key."""
        rect, ink = self.rect(), self._ink()
        self._ground(painter, rect)
        word = metrics(PX["font_13"], self._weight()).horizontalAdvance(self.text())
        left = (rect.width() - word - 6 - _CAP) // 2
        write(painter, QRect(left, 0, word + 2, rect.height()), self.text(), ink, 13, self._weight())
        cap = QRect(left + word + 6, (rect.height() - _CAP) // 2, _CAP - 1, _CAP - 1)
        painter.setPen(self.theme.color("line_strong"))
        painter.drawRoundedRect(cap, PX["radius"], PX["radius"])
        write(painter, cap, self._key, ink, 11, 400, CENTER)
        self._ring(painter)


class _Note(Field):
    """Escape leaves it."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Everything else is typed."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        super().keyPressEvent(event)


class VerdictBar(QWidget):
    """Shows the verdict on a finding, and says when the operator gives another, or takes it back."""

    given = Signal(object, str, str)
    """The key of the finding (an int of Python), the verdict or ``TAKEN_BACK``, and the note."""
    taken_up = Signal(object)
    """The operator has begun to judge the finding of this key: it is not to be changed for another meanwhile."""
    left = Signal()
    """The keyboard has nothing to do here any more."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.finding: FindingRow | None = None
        self.buttons: list[Button] = []
        for i, (verdict, word, meaning) in enumerate(CHOICES):
            button = _Key(theme, word, str(i + 1), f"Verdict {verdict}", self)
            button.hint(f"{meaning} ({i + 1})")
            button.clicked.connect(lambda _=False, i=i: self.give(i))
            self.buttons.append(button)
        self.note = _Note("Note on the finding")
        self.note.setParent(self)
        self.note.setMaxLength(_LONGEST)
        self.note.setPlaceholderText("Note, kept with your verdict")
        self.note.textEdited.connect(self._begin_note)
        self.note.returnPressed.connect(self._keep_note)
        self.note.left.connect(self._leave_note)
        self.setFixedHeight(PX["group_header"] + PX["button"] + PX["space_2"] + PX["input"] + 12)
        self.setAccessibleName("Verdict")
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = theme
        for button in self.buttons:
            button.theme = theme
        self.update()

    def set_finding(self, row: FindingRow | None) -> None:
        """The finding to be judged; None where nothing is selected that a model found."""
        before, self.finding = self.finding, row
        for i, (button, (verdict, _, meaning)) in enumerate(zip(self.buttons, CHOICES, strict=True), 1):
            button.setChecked(row is not None and row.verdict == verdict)
            button.hint(f"{'Take it back' if button.isChecked() else meaning} ({i})")
        # What is being typed stays until the finding is another, or another note on it was recorded.
        if (row and (row.key, row.note)) != (before and (before.key, before.note)):
            self.note.setText(row.note if row else "")
        self.update()

    def give(self, number: int) -> None:
        """The operator chose one of ``CHOICES``: the one that holds already, with no other note, is taken back.

        What is shown follows when it is recorded.
        """
        self.set_finding(self.finding)
        if self.finding is not None and self.isVisible():
            said = CHOICES[number][0], self.note.text().strip()
            again = said == (self.finding.verdict, self.finding.note)
            self.taken_up.emit(self.finding.key)
            self.given.emit(self.finding.key, *((TAKEN_BACK, "") if again else said))

    def _begin_note(self) -> None:
        if self.finding is not None:
            self.taken_up.emit(self.finding.key)

    def _keep_note(self) -> None:
        """With the verdict that holds; where there is none yet, the note waits for it."""
        note = self.note.text().strip()
        if self.finding is not None and self.finding.verdict and note != self.finding.note:
            self.given.emit(self.finding.key, self.finding.verdict, note)
        self.left.emit()

    def _leave_note(self) -> None:
        self.note.setText(self.finding.note if self.finding is not None else "")
        self.left.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Four buttons side by side, each as wide as its word needs and an equal part of what is left; a note below."""
        gap = PX["space_2"]
        wanted = [button.sizeHint().width() for button in self.buttons]
        left, last = _SIDE, self.width() - _SIDE
        spare = last - left - 3 * gap - sum(wanted)
        for button, width in zip(self.buttons, wanted, strict=True):
            button.setGeometry(left, PX["group_header"], width + spare // 4, PX["button"])
            left += width + spare // 4 + gap
        top = PX["group_header"] + PX["button"] + gap
        self.note.setGeometry(_SIDE, top, last - _SIDE, PX["input"])

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground, what is judged, and the lines."""
        theme, width = self.theme, self.width()
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, 0, width, 1, theme.color("line"))
        if self.finding is not None:
            room = QRect(_SIDE, 0, width - 2 * _SIDE, PX["group_header"])
            used = write(painter, room, "Your verdict", theme.color("text_2"), 12)
            write(painter, room.adjusted(used + 12, 0, 0, 0), self.finding.title, theme.color("text_3"), 12, 400, RIGHT)
