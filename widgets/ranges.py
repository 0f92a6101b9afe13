"""The toolbar over the charts: title, steps between findings, ranges, steps of one window, live. GUI thread."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QWidget

from widgets import text
from widgets.button import Button
from widgets.paint import RIGHT, painted, write
from widgets.theme import PX, Theme, metrics


@dataclass(frozen=True, slots=True)
class RangeChoice:
    """A button: ``span`` in microseconds, or ``orbits``, whose length the satellite decides, or all there is."""

    label: str
    span: int = 0
    orbits: int = 0
    everything: bool = False

    def length(self, orbit: int | None, all_: int) -> int | None:
        """Microseconds, given the orbital period and all there is; None where that is not known, or is not so much."""
        if self.everything:
            return all_ if all_ > text.DAY else None
        if self.span > text.DAY and self.span > all_:
            return None
        return self.span if not self.orbits else None if orbit is None else self.orbits * orbit


CHOICES = (
    RangeChoice("1 m", text.MINUTE),
    RangeChoice("5 m", 5 * text.MINUTE),
    RangeChoice("15 m", 15 * text.MINUTE),
    RangeChoice("1 h", text.HOUR),
    RangeChoice("2 orbits", orbits=2),
    RangeChoice("6 h", 6 * text.HOUR),
    RangeChoice("1 d", text.DAY),
    RangeChoice("7 d", 7 * text.DAY),
    RangeChoice("30 d", 30 * text.DAY),
    RangeChoice("All", everything=True),
)
LONG = 3
"""So many of them, the last, have a button only where the bar is wide and the archive reaches back further."""
_TITLE = 170
"""Pixels that are the title's whatever else wants to be there."""
_NEARLY = 0.98


class RangeBar(QWidget):
    """Says what the operator wants to see; what is seen is handed back with ``set_span`` and ``set_behind``."""

    span_chosen = Signal(object)
    """Microseconds (an int of Python: a day of them does not fit Qt's)."""
    window_stepped = Signal(int)
    """-1: one window back, 1: one on."""
    finding_stepped = Signal(int)
    live_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._title = ""
        self._charts: int | None = None
        self._orbit: int | None = None
        self._all = 0
        self._span = 0
        self._behind: int | None = None
        self.setFixedHeight(PX["toolbar"])
        self.previous_finding = Button(theme, "Finding", "flat", icon="first", name="Previous finding", parent=self)
        self.previous_finding.setAccessibleName("Previous finding")
        self.previous_finding.hint("Previous finding (P)")
        self.next_finding = Button(theme, "Finding", "flat", icon="last", parent=self)
        self.next_finding.trailing = True
        self.next_finding.setAccessibleName("Next finding")
        self.next_finding.hint("Next finding (N)")
        self.back = Button(theme, "", icon="previous", name="One window back", parent=self)
        self.back.hint("One window back (Left)")
        self.group = QButtonGroup(self)
        self.choices: list[Button] = []
        for choice in CHOICES:
            button = Button(theme, choice.label, "segment", name=f"Show {choice.label}", parent=self)
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, choice=choice: self._choose(choice))
            self.group.addButton(button)
            self.choices.append(button)
        self.on = Button(theme, "", icon="next", name="One window on", parent=self)
        self.on.hint("One window on (Right)")
        self.live = Button(theme, "Live", icon="play", name="Live", parent=self)
        self.live.hint("Back to live (L)")
        self.live.setCheckable(True)
        self.live.setChecked(True)
        self.previous_finding.clicked.connect(lambda: self.finding_stepped.emit(-1))
        self.next_finding.clicked.connect(lambda: self.finding_stepped.emit(1))
        self.back.clicked.connect(lambda: self.window_stepped.emit(-1))
        self.on.clicked.connect(lambda: self.window_stepped.emit(1))
        self.live.clicked.connect(self._want_live)
        self.set_orbit(None)

    def _buttons(self) -> list[Button]:
        return [self.previous_finding, self.next_finding, self.back, *self.choices, self.on, self.live]

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = theme
        for button in self._buttons():
            button.theme = theme
        self.update()

    def set_title(self, title: str, charts: int | None = None) -> None:
        """What is shown, and on how many charts."""
        if (title, charts) != (self._title, self._charts):
            self._title, self._charts = title, charts
            self.update()

    def set_orbit(self, orbit: int | None) -> None:
        """The orbital period in microseconds; without one there is no button of two orbits."""
        self._orbit = orbit
        self.set_span(self._span)
        self._place()

    def set_reach(self, span: int) -> None:
        """All there is to see, microseconds; 0 where that is not known."""
        before, self._all = self._possible(), span
        if self._possible() != before:
            self._place()

    def _possible(self) -> list[bool]:
        return [choice.length(self._orbit, self._all) is not None for choice in CHOICES]

    def set_span(self, span: int) -> None:
        """The length of the window shown, microseconds; a button is marked where one says just that."""
        self._span = span
        lengths = [choice.length(self._orbit, self._all) for choice in CHOICES]
        self.group.setExclusive(False)
        for choice, length, button in zip(CHOICES, lengths, self.choices, strict=True):
            # All there is grows while it is looked at.
            all_ = choice.everything and length is not None and span not in lengths and span >= _NEARLY * length
            button.setChecked(span > 0 and (all_ or length == span))
        self.group.setExclusive(True)

    def set_behind(self, behind: int | None) -> None:
        """How far the window's end lies behind live, microseconds; None: it is live."""
        before, self._behind = self._words(), behind
        self.live.setChecked(behind is None)
        self.live.setAccessibleDescription(self._words() or "Live")
        self.on.setEnabled(behind is not None)
        if self._words() != before:
            self._place()
            self.update()

    def _words(self) -> str:
        return "" if self._behind is None else f"Behind live {text.duration(self._behind)}"

    def set_findings(self, count: int) -> None:
        """Without findings there is none to go to."""
        self.previous_finding.setEnabled(count > 0)
        self.next_finding.setEnabled(count > 0)

    def zoomed(self, steps: int) -> int | None:
        """The span of the button ``steps`` shorter (negative) or longer than what is shown; None at either end."""
        spans = sorted(s for s in (c.length(self._orbit, self._all) for c in CHOICES) if s is not None)
        beyond = [s for s in spans if s < self._span] if steps < 0 else [s for s in spans if s > self._span]
        return None if not beyond else beyond[-1] if steps < 0 else beyond[0]

    def _choose(self, choice: RangeChoice) -> None:
        length = choice.length(self._orbit, self._all)
        if length is not None:
            self.span_chosen.emit(length)

    def _want_live(self) -> None:
        # The button shows what is, not what was asked for: the owner answers with ``set_behind``.
        self.live.setChecked(self._behind is None)
        self.live_wanted.emit()

    def _place(self) -> None:
        """From the right end to the left; what is left over is the title's."""
        top = (self.height() - PX["button"]) // 2 - 1
        x = self.width() - PX["space_3"]

        def put(button: Button, gap: int) -> None:
            nonlocal x
            width = 30 if not button.text() else button.sizeHint().width()
            x -= width
            button.setGeometry(x, top, width, PX["button"])
            x -= gap

        put(self.live, 12)
        if self._behind is not None:
            x -= metrics(12).horizontalAdvance(self._words()) + 12
        put(self.on, 8)
        shown = [button for button, possible in zip(self.choices, self._possible(), strict=True) if possible]
        # Back, its line, and the two arrows to findings stand left of the choices.
        if x - sum(button.sizeHint().width() for button in shown) - 4 * 30 - 39 < _TITLE:
            shown = [button for button in shown if button not in self.choices[-LONG:]]
        for button in self.choices:
            button.setVisible(button in shown)
        for button in reversed(shown):
            button.place = "first" if button is shown[0] else "last" if button is shown[-1] else ""
            # Neighbours share one line.
            put(button, -1 if button is not shown[0] else 8)
        put(self.back, 15)
        self._line = x
        x -= 8
        # The steps between findings keep their arrows longer than their words.
        room = x - metrics(PX["font_15"], 600).horizontalAdvance(self._title) - 120
        for button in (self.next_finding, self.previous_finding):
            button.setText("Finding" if room > 180 else "")
            put(button, 8)
        self._end = x

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep everything at the right end."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground, title, number of charts, how far behind live."""
        theme, height = self.theme, self.height() - 1
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, height, self.width(), 1, theme.color("line"))
        painter.fillRect(self._line, height // 2 - 7, 1, 14, theme.color("line_strong"))
        room = QRect(PX["space_4"], 0, max(0, self._end - PX["space_4"]), height)
        width = write(painter, room, self._title, theme.color("text"), PX["font_15"], 600)
        if self._charts is not None:
            words = text.counted(self._charts, "chart")
            needed = metrics(12).horizontalAdvance(words) + 14
            if width + needed + 16 < room.width():
                chip = QRect(room.x() + width + 14, height // 2 - 10, needed, 20)
                painter.setPen(theme.color("line_strong"))
                painter.drawRect(chip.adjusted(0, 0, -1, -1))
                write(painter, chip.adjusted(7, 0, 0, 0), words, theme.color("text_2"), 12)
        if self._behind is not None:
            left = self.on.geometry().right()
            words_room = QRect(left, 0, self.live.x() - 12 - left, height)
            write(painter, words_room, self._words(), theme.color("text"), 12, 400, RIGHT)
