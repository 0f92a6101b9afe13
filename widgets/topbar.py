"""The bar on top: name, views, counts by severity, clock. GUI thread."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, Signal
from PySide6.QtGui import QHelpEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QToolTip, QWidget

from widgets import text
from widgets.button import Button
from widgets.icons import draw_logo
from widgets.model import Clock, Counts, Kind, Mark, Style
from widgets.paint import RIGHT, painted, write
from widgets.shapes import draw_mark
from widgets.theme import PX, Theme, metrics

_ORDER: tuple[tuple[Kind, str], ...] = (
    (Kind.SEVERE, "severe"),
    (Kind.CRITICAL, "critical"),
    (Kind.DISTRESS, "distress"),
    (Kind.WARNING, "warning"),
    (Kind.WATCH, "watch"),
    (Kind.FINDING, "findings"),
)
_GAP = 14
VIEWS = ("Watch", "Scoring")


class CountsBar(QWidget):
    """How many things ask for attention, by severity, worst first; a count of zero is a grey outline."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._counts = Counts()
        self._places: list[tuple[int, int, Kind, int]] = []
        self.set_counts(Counts())

    def set_counts(self, counts: Counts) -> bool:
        """Show ``counts``. True where the width needed has changed."""
        before = self.needed()
        self._counts = counts
        x, places = 0, []
        for kind, name in _ORDER:
            count = getattr(counts, name)
            width = PX["shape"] + 5 + metrics(15, 600).horizontalAdvance(text.number(count))
            x += _GAP if kind is Kind.FINDING else 0
            places.append((x, width, kind, count))
            x += width + _GAP
        self._places = places
        words = ", ".join(_words(kind, count) for _, _, kind, count in places)
        self.setAccessibleName(f"Counts: {words}")
        self.update()
        return self.needed() != before

    def needed(self) -> int:
        """Width of all counts, logical pixels."""
        return self._places[-1][0] + self._places[-1][1] if self._places else 0

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Shape and number, six times, with a line before the findings."""
        theme, height = self.theme, self.height()
        for x, width, kind, count in self._places:
            mark = Mark(kind, Style.FILLED if count else Style.GREY)
            draw_mark(painter, x, (height - PX["shape"]) / 2, mark, PX["shape"], theme)
            at = QRect(x + PX["shape"] + 5, 0, width, height)
            color = theme.color("text" if count else "text_3")
            write(painter, at, text.number(count), color, 15, 600 if count else 400)
            if kind is Kind.FINDING:
                painter.fillRect(x - _GAP - 1, height // 2 - 7, 1, 14, theme.color("line_strong"))

    def event(self, event: QEvent) -> bool:
        """A tool tip says the count under the pointer in words."""
        if isinstance(event, QHelpEvent):
            for x, width, kind, count in self._places:
                if x <= event.x() < x + width:
                    QToolTip.showText(event.globalPos(), _words(kind, count), self)
                    return True
        return super().event(event)


def _words(kind: Kind, count: int) -> str:
    return text.counted(count, "finding") if kind is Kind.FINDING else f"{text.number(count)} {kind.value}"


class TopBar(QWidget):
    """Name and views at the left, counts and clock at the right. ``views`` are those that there are."""

    view_chosen = Signal(str)

    def __init__(self, theme: Theme, views: Sequence[str] = VIEWS, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._clock: Clock | None = None
        self._wide = True
        self.setFixedHeight(PX["topbar"])
        self._views = QButtonGroup(self)
        self._buttons: list[Button] = []
        for number, view in enumerate(views, 1):
            button = Button(theme, view, "view", name=f"View {view}", parent=self)
            button.hint(f"{view} (Ctrl+{number})")
            button.setCheckable(True)
            button.setChecked(view == views[0])
            button.clicked.connect(lambda _=False, view=view: self.view_chosen.emit(view))
            self._views.addButton(button)
            self._buttons.append(button)
        self.train = Button(theme, "Train a model", "flat", parent=self)
        self.train.hint("Train a model of the subsystem that is selected, on its last nominal hours (Ctrl+T)")
        self._buttons.append(self.train)
        self.counts = CountsBar(theme, self)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self.counts.theme = theme
        for button in self._buttons:
            button.theme = theme
        self.update()

    def set_view(self, view: str) -> None:
        """Which of the views is shown."""
        for button in self._views.buttons():
            button.setChecked(button.text() == view)

    def set_counts(self, counts: Counts) -> None:
        """Show how many things ask for attention."""
        if self.counts.set_counts(counts):
            self._place()

    def set_clock(self, clock: Clock) -> None:
        """Show the session's clock; drawn again only when the second changes."""
        before = self._clock
        self._clock = clock
        if before is None or self._clock_text(before) != self._clock_text(clock):
            self.setAccessibleName(f"UTC {self._clock_text(clock)}")
            self.update(self.width() - 300, 0, 300, self.height())

    def set_wide(self, wide: bool) -> None:
        """Whether there is room for the date."""
        self._wide = wide
        self._place()
        self.update()

    @staticmethod
    def _clock_text(clock: Clock) -> str:
        return text.clock(clock.now, clock.origin)

    def _clock_width(self) -> int:
        dated = self._clock is None or self._clock.origin is None
        width = metrics(PX["font_22"]).horizontalAdvance("00:00:00" if dated else "T+000:00:00")
        if dated:
            width += 9 + metrics(12).horizontalAdvance("UTC")
            if self._wide:
                width += 8 + metrics(12).horizontalAdvance("2026-03-14 \u00b7 day 073")
        return width + PX["space_4"]

    def _place(self) -> None:
        x = 126
        for button in self._buttons:
            size = button.sizeHint()
            tall = min(size.height(), self.height() - 1)
            button.setGeometry(x, (self.height() - 1 - tall) // 2, size.width(), tall)
            x += size.width()
        needed = self.counts.needed()
        left = self.width() - self._clock_width() - PX["space_5"] - needed
        self.counts.setGeometry(max(x, left), 0, needed, self.height() - 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Counts and clock stay at the right."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground, logo, name, clock, and the line below."""
        theme, width, height = self.theme, self.width(), self.height()
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, height - 1, width, 1, theme.color("line"))
        draw_logo(painter, 17, (height - 21) / 2, theme.color("text"))
        write(painter, QRect(48, 0, 80, height - 1), "Perigee", theme.color("text"), PX["font_15"], 600)
        if self._clock is None:
            return
        right = width - PX["space_4"]
        if self._clock.origin is None:
            quiet = theme.color("text_3")
            if self._wide:
                words = text.date_and_day(self._clock.now)
                right -= write(painter, QRect(0, 1, right, height - 1), words, quiet, 12, 400, RIGHT) + 8
            right -= write(painter, QRect(0, 1, right, height - 1), "UTC", quiet, 12, 400, RIGHT) + 9
        words = self._clock_text(self._clock)
        left = right - metrics(PX["font_22"]).horizontalAdvance(words)
        at = QRect(left, 0, right - left + 1, height - 1)
        write(painter, at, words, theme.color("text"), PX["font_22"])
