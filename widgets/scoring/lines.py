"""Long texts of the page Scoring: the server's log, and by what config each model is served. GUI thread.

Read only when somebody asks for them; a filter keeps the lines that have its words.
"""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPalette, QResizeEvent, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from widgets import text
from widgets.button import Button
from widgets.fonts import mono
from widgets.paint import RIGHT, painted, write
from widgets.rows import FilterField
from widgets.scoring.model import Lines
from widgets.theme import PX, Theme
from widgets.tuning.parts import Segments

KINDS = ("log", "config")
_NOTHING = {
    "log": "There is no log: no Triton of this workstation scores.",
    "config": "No Triton scores, so none has a config.",
}


class LinesPart(QWidget):
    """Handed ``Lines``; asks for them with ``wanted``: ``log`` or ``config``."""

    wanted = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._held = {kind: Lines() for kind in KINDS}
        self.kinds = Segments(theme, (("Log", "Show the server's log"), ("Config", "Show the config of each model")))
        # In the order in which Tab walks them.
        self.kinds.setParent(self)
        self.filter = FilterField(theme, "Lines with", self)
        self.filter.setFixedHeight(PX["input"])
        self.again = Button(theme, "Read again")
        self.again.hint("Read what is there now (F5)")
        self.text = _Text(theme)
        self.note = _Note(theme)
        self._lay_out()
        self.kinds.chosen.connect(lambda _: self._turn())
        self.again.clicked.connect(self.ask)
        self.filter.textChanged.connect(lambda _: self._show(follow=True))
        self.filter.left.connect(self.text.setFocus)
        self._show(follow=True)

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setContentsMargins(14, PX["space_2"], 14, PX["space_2"])
        tools.setSpacing(PX["space_2"])
        tools.addWidget(self.kinds)
        tools.addWidget(self.filter, 1)
        tools.addWidget(self.again)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 1, 0, 0)
        column.setSpacing(0)
        column.addLayout(tools)
        column.addWidget(self.text, 1)
        column.addWidget(self.note)

    @property
    def kind(self) -> str:
        """Which text is shown."""
        return KINDS[self.kinds.choice]

    @property
    def empty(self) -> bool:
        """Whether nothing was read yet, or there was nothing."""
        return not self._held[self.kind].lines

    def ask(self) -> None:
        """Read what is shown anew."""
        self.wanted.emit(self.kind)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = self.filter.theme = self.again.theme = theme
        self.kinds.set_theme(theme)
        self.text.set_theme(theme)
        self.note.set_theme(theme)
        self.update()

    def set_lines(self, kind: str, lines: Lines) -> None:
        """What was read of ``log`` or ``config``."""
        self._held[kind] = lines
        if kind == self.kind:
            self._show(follow=self.text.at_end())

    def _turn(self) -> None:
        self._show(follow=True)
        self.ask()

    def _show(self, *, follow: bool) -> None:
        held, words = self._held[self.kind], self.filter.text().strip().casefold()
        found = [line for line in held.lines if words in line.casefold()]
        self.text.show_lines(found, at_end=follow and self.kind == "log")
        if not held.lines:
            self.note.say(_NOTHING[self.kind] if held.read else "")
        else:
            count = text.counted(len(held.lines), "line")
            some = f"{text.number(len(found))} of {count}" if words else count
            self.note.say(f"{some}, read at {held.read}")

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """The ground, and the line above."""
        painter.fillRect(self.rect(), self._theme.color("panel"))
        painter.fillRect(0, 0, self.width(), 1, self._theme.color("line"))


class _Note(QWidget):
    """How many lines there are."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.words = ""
        self.setFixedHeight(PX["row_tree"])

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def say(self, words: str) -> None:
        self.words = words
        self.setAccessibleName(words)
        self.update()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        painter.fillRect(0, 0, self.width(), 1, self._theme.color("line"))
        write(painter, self.rect().adjusted(14, 1, -14, 0), self.words, self._theme.color("text_2"), 12, 400, RIGHT)


class _Text(QPlainTextEdit):
    """Lines in a font of one width, read-only; the keyboard scrolls, selects and copies."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.setUndoRedoEnabled(False)
        self.setFont(mono(12))
        self.setProperty("ring", True)
        self.setAccessibleName("Lines")
        self.document().setDocumentMargin(PX["space_3"])
        self._loud = _Loud(self.document())
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        colors = self.palette()
        colors.setColor(QPalette.ColorRole.Base, theme.color("plot"))
        colors.setColor(QPalette.ColorRole.Text, theme.color("text_2"))
        self.setPalette(colors)
        self._loud.set_theme(theme)

    def at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - 1

    def resizeEvent(self, event: QResizeEvent) -> None:
        follow = self.at_end()
        super().resizeEvent(event)
        if follow:
            self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def show_lines(self, lines: list[str], *, at_end: bool) -> None:
        words, bar = "\n".join(lines), self.verticalScrollBar()
        if words != self.toPlainText():
            place = bar.value()
            self.setPlainText(words)
            bar.setValue(bar.maximum() if at_end else place)


class _Loud(QSyntaxHighlighter):
    """Errors and warnings among the lines of a log, which begin with E, F or W and the date."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._begin = QRegularExpression(r"^[EFW]\d{4}(?= )")
        self._first, self._rest = QTextCharFormat(), QTextCharFormat()
        self._first.setFontWeight(QFont.Weight.DemiBold)

    def set_theme(self, theme: Theme) -> None:
        self._first.setForeground(theme.color("warning"))
        self._rest.setForeground(theme.color("text"))
        self.rehighlight()

    def highlightBlock(self, line: str) -> None:
        found = self._begin.match(line)
        if found.hasMatch():
            self.setFormat(0, len(line), self._rest)
            self.setFormat(0, found.capturedLength(), self._first)
