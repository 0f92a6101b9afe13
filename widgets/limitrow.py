"""One limit as a line of fields. GUI thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from widgets.button import Button
from widgets.model import Kind, Mark, Style
from widgets.paint import painted
from widgets.shapes import draw_mark
from widgets.theme import PX, Theme, font

SEVERITIES = ("watch", "warning", "distress", "critical", "severe")
COLUMNS: tuple[tuple[str, str, int], ...] = (
    ("severity", "Severity", 116),
    ("low", "Low", 76),
    ("high", "High", 76),
    ("quantity", "Of", 80),
    ("when", "When", 0),
    ("persistence", "Samples", 60),
    ("deadband", "Deadband", 72),
    ("on_delay_s", "On after, s", 72),
    ("off_delay_s", "Off after, s", 72),
    ("remove", "", 28),
)
"""Name, heading and width of each column; the one without a width takes what is left."""
HEIGHT = 32
_GAP = 6
_FIXED = ("severity", "quantity", "remove")
"""Columns whose words would be cut if they were narrower."""
_LEAST_WHEN = 44
_SHAPE = 22


def columns(width: int) -> dict[str, QRect]:
    """Where each column of a line of ``width`` is."""
    room = width - _GAP * (len(COLUMNS) - 1)
    wanted = {name: wide for name, _, wide in COLUMNS}
    fixed = sum(wanted[name] for name in _FIXED)
    scale = min(1.0, (room - fixed - _LEAST_WHEN) / (sum(wanted.values()) - fixed))
    widths = {name: wide if name in _FIXED else int(wide * scale) for name, wide in wanted.items()}
    widths["when"] = room - sum(widths.values())
    places, x = {}, 0
    for name, own in widths.items():
        places[name] = QRect(x, (HEIGHT - PX["input"]) // 2, own, PX["input"])
        x += own + _GAP
    return places


class Field(QLineEdit):
    """A field of a form. Plain keys end here, they are never a view's single key."""

    entered = Signal()
    left = Signal()
    focused = Signal()

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("plain", True)
        self.setAccessibleName(name)
        self.setFont(font(PX["font_13"]))
        self.setMaxLength(400)

    def set_wrong(self, wrong: bool) -> None:
        """Whether what stands here cannot be."""
        if bool(self.property("wrong")) != wrong:
            self.setProperty("wrong", wrong)
            self.style().unpolish(self)
            self.style().polish(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter, Escape; everything else is typed."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)
            event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Say that the keyboard is here."""
        super().focusInEvent(event)
        self.focused.emit()


class Choice(Button):
    """A button that says which of a few words is chosen, and opens a menu of them."""

    chosen = Signal()

    def __init__(self, theme: Theme, name: str, now: str, choices: Sequence[str], parent: QWidget) -> None:
        super().__init__(theme, now, icon="down", parent=parent)
        self.trailing = True
        self.padding = 8
        self._name, self._choices = name, choices
        self.choose(now)
        self.clicked.connect(lambda: self.menu().popup(self.mapToGlobal(QPoint(0, self.height()))))

    def choose(self, text: str) -> None:
        """Another word."""
        self.setText(text)
        self.setAccessibleName(f"{self._name}: {text}")
        self.chosen.emit()

    def menu(self) -> QMenu:
        """The words; it goes when it is closed."""
        menu = QMenu(self)
        for text in self._choices:
            menu.addAction(text).triggered.connect(lambda _=False, text=text: self.choose(text))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu


class LimitRow(QWidget):
    """A line of the form. ``more`` are texts of the limit that stand elsewhere: its response."""

    changed = Signal()
    entered = Signal()
    left = Signal()
    focused = Signal()
    removed = Signal()

    def __init__(self, theme: Theme, values: Mapping[str, str], number: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        names = [name for name, _, _ in COLUMNS]
        self.more = {name: text for name, text in values.items() if name not in names}
        self.fields: dict[str, Field] = {}
        self.severity = self._choice("Severity", values.get("severity") or "warning", SEVERITIES)
        for name, heading, _ in COLUMNS:
            if name == "quantity":
                self.quantity = self._choice("Of", values.get("quantity") or "value", ("value", "rate"))
            elif name not in ("severity", "remove"):
                self.fields[name] = self._field(name, f"{heading}, limit {number}", values.get(name, ""))
        self.fields["when"].setPlaceholderText("always")
        self.fields["persistence"].setPlaceholderText("2")
        for name in ("deadband", "on_delay_s", "off_delay_s"):
            self.fields[name].setPlaceholderText("0")
        self.remove = Button(theme, "", "flat", icon="cross", name=f"Remove limit {number}", parent=self)
        self.remove.clicked.connect(self.removed.emit)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self.severity.theme = self.quantity.theme = self.remove.theme = theme
        self.update()

    def values(self) -> dict[str, str]:
        """What stands here, without what is empty or as usual."""
        texts = {
            "severity": self.severity.text(),
            "quantity": "" if self.quantity.text() == "value" else self.quantity.text(),
            **{name: field.text().strip().replace("\u2212", "-") for name, field in self.fields.items()},
            **self.more,
        }
        return {name: text for name, text in texts.items() if text}

    def part(self, name: str) -> QWidget | None:
        """The widget of a column."""
        return {"severity": self.severity, "quantity": self.quantity}.get(name) or self.fields.get(name)

    def _field(self, name: str, spoken: str, text: str) -> Field:
        field = Field(spoken, self)
        field.setText(text)
        field.setCursorPosition(0)
        if name != "when":
            field.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        field.textEdited.connect(lambda _: self.changed.emit())
        for own, signal in ((field.entered, self.entered), (field.left, self.left), (field.focused, self.focused)):
            own.connect(signal.emit)
        return field

    def _choice(self, name: str, now: str, choices: Sequence[str]) -> Choice:
        choice = Choice(self.theme, name, now, choices, self)
        choice.chosen.connect(self.changed.emit)
        choice.chosen.connect(self.update)
        choice.clicked.connect(self.focused.emit)
        return choice

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Every field in its column."""
        places = columns(self.width())
        self.severity.setGeometry(places["severity"].adjusted(_SHAPE, 0, 0, 0))
        self.quantity.setGeometry(places["quantity"])
        self.remove.setGeometry(places["remove"])
        for name, field in self.fields.items():
            field.setGeometry(places[name])

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """The shape of the severity, grey: it is no alarm."""
        painter.fillRect(self.rect(), self.theme.color("panel"))
        mark, size = Mark(Kind(self.severity.text()), Style.GREY), PX["shape_small"]
        draw_mark(painter, 1, (HEIGHT - size) // 2, mark, size, self.theme)
