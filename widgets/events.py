"""The event table: time, satellite, sentence; newest first, 10,000 at most, narrowed by words. GUI thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets import text
from widgets.model import Clock, EventRow
from widgets.paint import Index, RowDelegate, focus_ring, write
from widgets.rows import FilterField, RowList
from widgets.theme import PX, Theme, metrics

MOST = 10_000
"""Events on screen; the oldest leave it, all are in the archive."""


class EventModel(QAbstractListModel):
    """Newest first. Rows come in the order in which things happened, give or take."""

    def __init__(self, parent: QObject | None = None, most: int = MOST) -> None:
        super().__init__(parent)
        self._most = most
        self._all: list[EventRow] = []
        self._shown: list[EventRow] = []
        """Oldest first, so that a new event is an append; rows are counted from the end."""
        self._words: tuple[str, ...] = ()
        self.clock = Clock(0)

    def row(self, number: int) -> EventRow:
        """The event of a row, 0 being the newest."""
        return self._shown[-1 - number]

    def __len__(self) -> int:
        return len(self._all)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's default
        """Events that match."""
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The sentence, and for a screen reader the whole row."""
        if not 0 <= index.row() < len(self._shown):
            return None
        row = self.row(index.row())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return row.sentence
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{text.moment(row.time, self.clock)}, {row.satellite}, {row.sentence}"
        return None

    def add(self, events: Iterable[EventRow]) -> None:
        """Add what happened. What is older than the newest row is put in its place, which costs a reset."""
        new = sorted(events, key=lambda e: e.time)[-self._most :]
        if not new:
            return
        late = bool(self._all) and new[0].time < self._all[-1].time
        over = len(self._all) + len(new) - self._most
        if late or over > 0:
            self.beginResetModel()
            self._all = sorted((*self._all, *new), key=lambda e: e.time)[-self._most :]
            self._shown = [e for e in self._all if self._matches(e)]
            self.endResetModel()
            return
        self._all += new
        matching = [e for e in new if self._matches(e)]
        if matching:
            self.beginInsertRows(QModelIndex(), 0, len(matching) - 1)
            self._shown += matching
            self.endInsertRows()

    def set_filter(self, words: str) -> None:
        """Show only events in which every word occurs."""
        self._words = tuple(words.casefold().split())
        self.beginResetModel()
        self._shown = [e for e in self._all if self._matches(e)]
        self.endResetModel()

    def clear(self) -> None:
        """Forget all."""
        self.beginResetModel()
        self._all, self._shown = [], []
        self.endResetModel()

    def newest(self, count: int) -> list[EventRow]:
        """The newest events, whatever the filter says."""
        return self._all[: -count - 1 : -1]

    def _matches(self, event: EventRow) -> bool:
        if not self._words:
            return True
        whole = f"{text.clock(event.time, self.clock.origin)} {event.satellite} {event.sentence}".casefold()
        return all(word in whole for word in self._words)


def draw_event(painter: QPainter, rect: QRect, row: EventRow, clock: Clock, theme: Theme, selected: bool) -> None:
    """One line: time, satellite, sentence."""
    quiet = theme.color("text_2" if selected else "text_3")
    when = text.clock(row.time, clock.origin)
    other_day = clock.origin is None and row.time // text.DAY != clock.now // text.DAY
    if other_day and clock.now:
        when = text.date(row.time)[5:] + " " + when[:-3]
    x, end = rect.x() + 14, rect.right() - 12
    time_width = max(62, metrics(12).horizontalAdvance(when) + 10)
    write(painter, QRect(x, rect.y(), time_width, rect.height()), when, quiet, 12)
    x += time_width
    write(painter, QRect(x, rect.y(), 56, rect.height()), row.satellite, quiet, 12)
    x += 60
    sentence = theme.color("text" if selected else "text_2")
    write(painter, QRect(x, rect.y(), end - x, rect.height()), row.sentence, sentence, 12)


class EventLine(RowDelegate):
    """Draws a row of the table."""

    def __init__(self, look: Theme, model: EventModel, parent: QWidget) -> None:
        super().__init__(look, PX["row_event"], parent)
        self.model = model

    def draw(self, painter: QPainter, rect: QRect, index: Index, selected: bool, focused: bool) -> None:
        """The event of ``index``."""
        if selected:
            painter.fillRect(rect, self.look.color("selected"))
        draw_event(painter, rect, self.model.row(index.row()), self.model.clock, self.look, selected)
        if focused:
            focus_ring(painter, rect, self.look)


class EventTable(QWidget):
    """Filter field and table."""

    event_activated = Signal(object)
    """An ``EventRow``: show the charts at its time."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = EventModel(self)
        self.filter = FilterField(theme, "Filter events", self)
        self.list = RowList(theme, "Events", self)
        self._line = EventLine(theme, self.model, self.list)
        self.list.setItemDelegate(self._line)
        self.list.setModel(self.model)
        self.list.nothing = "No events yet."
        self.filter.textChanged.connect(self._narrow)
        self.filter.left.connect(self.list.setFocus)
        self.list.row_activated.connect(lambda row: self.event_activated.emit(self.model.row(row)))

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.filter.theme = self.list.theme = self._line.look = theme
        self.list.viewport().update()

    def set_clock(self, clock: Clock) -> None:
        """Which day it is, and whether times have a date at all."""
        before, self.model.clock = self.model.clock, clock
        if clock.origin != before.origin or clock.now // text.DAY != before.now // text.DAY:
            self.list.viewport().update()

    def _narrow(self, words: str) -> None:
        self.model.set_filter(words)
        self.list.nothing = "No event matches." if len(self.model) else "No events yet."

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Field above, table below."""
        top = 2 * PX["space_2"] + PX["input"]
        self.filter.setGeometry(10, PX["space_2"], self.width() - 21, PX["input"])
        self.list.setGeometry(0, top, self.width(), self.height() - top)
