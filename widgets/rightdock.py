"""The right dock: tabs Attention, Events, Off-nominal, Detection; under the first the latest events. GUI thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QWidget

from widgets.attention import AttentionList, draw_head
from widgets.button import Button
from widgets.events import EventTable, draw_event
from widgets.model import Clock, EventRow, FindingRow, OffNominalRow
from widgets.offnominal import OffNominalList
from widgets.paint import RIGHT, painted, write
from widgets.theme import PX, Theme, metrics
from widgets.tuning.panel import TuningPanel
from widgets.verdicts import VerdictBar

TABS = ("Attention", "Events", "Off-nominal", "Detection")
_NOTES = ("worst first", "newest first", "worst first", "")
_LATEST = 7


class LatestEvents(QWidget):
    """The newest few events under the findings; a click leads to all of them."""

    all_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme
        self.clock = Clock(0)
        self._rows: Sequence[EventRow] = ()
        self.setFixedHeight(PX["group_header"] + _LATEST * PX["row_event"] + PX["space_2"])
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Latest events")

    def set_rows(self, rows: Sequence[EventRow]) -> None:
        """The newest first."""
        if list(rows) != list(self._rows):
            self._rows = rows
            self.setAccessibleDescription("; ".join(f"{r.satellite} {r.sentence}" for r in rows))
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """All of them, please."""
        self.all_wanted.emit()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Head and lines."""
        theme, width = self.theme, self.width()
        painter.fillRect(self.rect(), theme.color("panel"))
        head = QRect(0, 0, width, PX["group_header"])
        draw_head(painter, head, "Latest events", "all in Events", theme)
        painter.fillRect(0, 0, width, 1, theme.color("line"))
        y = PX["group_header"] + 2
        for row in self._rows:
            draw_event(painter, QRect(0, y, width, PX["row_event"]), row, self.clock, theme, False)
            y += PX["row_event"]


class RightDock(QWidget):
    """Three lists and a page, one of them shown."""

    tab_shown = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._details = True
        self._tabs = QButtonGroup(self)
        self.tabs: list[Button] = []
        for i, name in enumerate(TABS):
            tab = Button(theme, name, "tab", name=f"{name} tab", parent=self)
            tab.setCheckable(True)
            self._tabs.addButton(tab, i)
            self.tabs.append(tab)
        self.attention = AttentionList(theme, self)
        self.verdicts = VerdictBar(theme, self)
        self.latest = LatestEvents(theme, self)
        self.events = EventTable(theme, self)
        self.off_nominal = OffNominalList(theme, self)
        self.tuning = TuningPanel(theme, self)
        self._pages: tuple[QWidget, ...] = (self.attention, self.events, self.off_nominal, self.tuning)
        self.latest.all_wanted.connect(lambda: self.show_tab(1))
        self.attention.selectionModel().currentChanged.connect(lambda *_: self._show_verdict())
        self._tabs.idToggled.connect(lambda i, on: self.show_tab(i) if on else None)
        self.show_tab(0)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self.latest.theme = theme
        for tab in self.tabs:
            tab.theme = theme
        self.attention.set_theme(theme)
        self.verdicts.set_theme(theme)
        self.events.set_theme(theme)
        self.off_nominal.set_theme(theme)
        self.tuning.set_theme(theme)
        self.update()

    def show_tab(self, number: int) -> None:
        """Show one of ``TABS``."""
        self._shown = number
        self.tab_shown.emit(TABS[number])
        self.tabs[number].setChecked(True)
        for i, page in enumerate(self._pages):
            page.setVisible(i == number)
        self._place()
        self.update()

    @property
    def shown(self) -> str:
        """The tab that is shown."""
        return TABS[self._shown]

    def set_details(self, details: bool) -> None:
        """Whether there is room for more than rows."""
        self._details = details
        self.attention.set_details(details)
        self._place()

    def set_findings(self, rows: Iterable[FindingRow]) -> None:
        """What asks for attention."""
        self.attention.set_findings(rows)
        self._show_verdict()

    def _show_verdict(self) -> None:
        row = self.attention.current()
        self.verdicts.set_finding(None if row is None or row.alarm else row)
        self._place()

    def set_off_nominal(self, rows: Iterable[OffNominalRow]) -> None:
        """Channels that are not as they should be."""
        self.off_nominal.set_rows(rows)

    def add_events(self, rows: Iterable[EventRow]) -> None:
        """What has happened since the last call."""
        self.events.model.add(rows)
        self.latest.set_rows(self.events.model.newest(_LATEST))

    def set_clock(self, clock: Clock) -> None:
        """For ages and dates."""
        self.latest.clock = clock
        self.attention.set_clock(clock)
        self.events.set_clock(clock)
        self.off_nominal.set_clock(clock)

    def _place(self) -> None:
        x = 14
        header = PX["dock_header"]
        for tab in self.tabs:
            width = tab.sizeHint().width()
            tab.setGeometry(x, 0, width, header - 1)
            x += width + PX["space_4"] - 2
        body = QRect(1, header, self.width() - 1, self.height() - header)
        latest = self._details and self._shown == 0 and body.height() > 3 * self.latest.height()
        self.latest.setVisible(latest)
        if latest:
            body.setHeight(body.height() - self.latest.height())
            self.latest.setGeometry(1, body.bottom() + 1, body.width(), self.latest.height())
        judging = self._shown == 0 and self.verdicts.finding is not None
        self.verdicts.setVisible(judging)
        if judging:
            body.setHeight(body.height() - self.verdicts.height())
            self.verdicts.setGeometry(1, body.bottom() + 1, body.width(), self.verdicts.height())
        self._pages[self._shown].setGeometry(body)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tabs above, the page below."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground, how the page is sorted, the lines."""
        theme, header = self.theme, PX["dock_header"]
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, header - 1, self.width(), 1, theme.color("line"))
        painter.fillRect(0, 0, 1, self.height(), theme.color("line"))
        tabs = self.tabs[-1].geometry().right() + PX["space_3"]
        note = QRect(tabs, 0, self.width() - 12 - tabs, header - 1)
        if metrics(12).horizontalAdvance(_NOTES[self._shown]) <= note.width():
            write(painter, note, _NOTES[self._shown], theme.color("text_3"), 12, 400, RIGHT)
