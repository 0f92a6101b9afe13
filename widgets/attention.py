"""What asks for attention, worst first: alarms of limits, then findings of the models, the selected one opened.

GUI thread. One list of painted rows: section heads 28 px, rows 70 px, and below the selected row what departs and
by how much, who saw it and who else did.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from widgets import text
from widgets.finding import detail_height, draw_detail
from widgets.model import Clock, FindingRow, Kind, Style, spoken
from widgets.paint import RIGHT, Index, RowDelegate, focus_ring, write
from widgets.rows import RowList
from widgets.shapes import draw_mark
from widgets.theme import PX, Theme


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a section."""

    title: str
    note: str = ""


class AttentionModel(QAbstractListModel):
    """Heads and rows, in order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Head | FindingRow] = []

    def set_findings(self, findings: Iterable[FindingRow]) -> bool:
        """Sort and show. True where rows came, went or moved; otherwise they only changed in place."""
        ranked = sorted(findings, key=lambda f: (f.mark.asks, f.open, f.mark.rank, f.score, f.start), reverse=True)
        alarms = [row for row in ranked if row.alarm]
        advisory = [row for row in ranked if not (row.alarm or row.quiet)]
        quiet = [row for row in ranked if row.quiet]
        rows: list[Head | FindingRow] = []
        sections = (
            ("Alarms", alarms),
            ("Findings of the models, advisory", advisory),
            ("Like what was judged rare nominal", quiet),
        )
        for title, part in sections:
            if part:
                going_on = sum(row.open for row in part)
                rows += [Head(title, f"{going_on} of {len(part)} open"), *part]
        if [_identity(row) for row in rows] == [_identity(row) for row in self.rows]:
            changed = [i for i, row in enumerate(rows) if row != self.rows[i]]
            self.rows = rows
            if changed:
                self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))
            return False
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()
        return True

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's default
        """Heads and rows."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The title, and for a screen reader the whole row in words."""
        if not 0 <= index.row() < len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if isinstance(row, Head):
                return f"{row.title}, {row.note}"
            parts = ", ".join(" ".join(filter(None, (d.name, f"{d.share:.0%}", d.expected))) for d in row.departures)
            said = ". ".join(filter(None, (row.sentence, row.likeness, row.state)))
            told = f"{spoken(row.mark)}, {row.title}, {row.satellite}. {said}. {parts}"
            return f"{told}. {row.response}" if row.response else told
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(row, FindingRow):
            return f"{row.sentence}\n{row.response}" if row.response else row.sentence
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Heads cannot be selected."""
        if 0 <= index.row() < len(self.rows) and isinstance(self.rows[index.row()], Head):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def row_of(self, key: int) -> int:
        """The row of a finding; -1 where it is not there."""
        return next((i for i, row in enumerate(self.rows) if isinstance(row, FindingRow) and row.key == key), -1)


def _identity(row: Head | FindingRow) -> object:
    return row.title if isinstance(row, Head) else (row.key, detail_height(row, PX["dock_right"]))


class AttentionRow(RowDelegate):
    """Draws heads and rows; the selected row is higher by its details where these are wanted."""

    def __init__(self, look: Theme, model: AttentionModel, parent: QWidget) -> None:
        super().__init__(look, PX["row_alarm"], parent)
        self.model = model
        self.clock = Clock(0)
        self.details = True
        self.selected = -1

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Heads, rows, and the selected row with its details."""
        row = self.model.rows[index.row()]
        if isinstance(row, Head):
            return QSize(0, PX["group_header"])
        more = detail_height(row, option.rect.width()) if self.details and index.row() == self.selected else 0
        return QSize(0, PX["row_alarm"] + more)

    def draw(self, painter: QPainter, rect: QRect, index: Index, selected: bool, focused: bool) -> None:
        """A head, or a row with or without its details."""
        row = self.model.rows[index.row()]
        if isinstance(row, Head):
            draw_head(painter, rect, row.title, row.note, self.look)
            return
        top = QRect(rect.x(), rect.y(), rect.width(), PX["row_alarm"])
        self._row(painter, top, row, selected)
        if rect.height() > top.height():
            below = QRect(rect.x(), top.bottom() + 1, rect.width(), rect.height() - top.height())
            draw_detail(painter, below, row, self.clock, self.look)
        painter.fillRect(rect.x(), rect.bottom(), rect.width(), 1, self.look.color("line"))
        if focused:
            focus_ring(painter, top, self.look)

    def _row(self, painter: QPainter, rect: QRect, row: FindingRow, selected: bool) -> None:
        theme = self.look
        if selected:
            painter.fillRect(rect, theme.color("selected"))
        needs_you = row.mark.style is Style.FILLED
        kind = row.mark.kind.value
        if needs_you:
            painter.fillRect(rect.x(), rect.y(), 3, rect.height(), theme.color(kind))
        y = rect.y()
        size = PX["shape_row"]
        draw_mark(painter, rect.x() + 14, y + 9, row.mark, size, theme)
        left, right = rect.x() + 43, rect.right() - 12
        second = theme.color("text_2" if selected else "text_3")
        old = text.age(row.start, self.clock.now)
        title = QRect(left, y + 8, right - left, 20)
        age = write(painter, title, old, theme.color("text_2"), 12, 400, RIGHT)
        title.setRight(right - age - 8)
        write(painter, title, row.title, theme.color("text"), 13, 600)
        write(painter, QRect(left, y + 27, right - left, 18), row.sentence, theme.color("text_2"), 12)
        last = QRect(left, y + 45, right - left, 18)
        name = write(painter, last, row.satellite, second, 12, 400, RIGHT)
        last.setRight(right - name - 8)
        # Critical and severe words lose their contrast on the selected ground.
        faint = selected and row.mark.kind in (Kind.CRITICAL, Kind.SEVERE)
        token = ("text" if faint else kind) if needs_you else "text_2"
        write(painter, last, row.state, theme.color(token), 12, 500 if needs_you else 400)


def draw_head(painter: QPainter, rect: QRect, title: str, note: str, theme: Theme) -> None:
    """The head of a section: title at the left, a note at the right."""
    painter.fillRect(rect, theme.color("canvas"))
    painter.fillRect(rect.x(), rect.bottom(), rect.width(), 1, theme.color("line"))
    room = rect.adjusted(14, 0, -12, -1)
    used = write(painter, room, note, theme.color("text_2"), 12, 400, RIGHT)
    write(painter, room.adjusted(0, 0, -used - 8, 0), title, theme.color("text_2"), 12)


class AttentionList(RowList):
    """The list. Enter or a double click asks for the finding's span; selecting one opens it here."""

    finding_selected = Signal(object)
    """The key of the finding that the operator selected (an int of Python)."""
    finding_activated = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, "Attention", parent)
        self.rows = AttentionModel(self)
        self.row = AttentionRow(theme, self.rows, self)
        self.nothing = "Nothing asks for attention."
        self.setUniformItemSizes(False)
        self.setModel(self.rows)
        self.setItemDelegate(self.row)
        self._quiet = False
        self.selectionModel().currentChanged.connect(self._current)
        self.row_activated.connect(self._activate)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self.row.look = theme
        self.viewport().update()

    def set_findings(self, findings: Iterable[FindingRow]) -> None:
        """Replace the rows; the selection stays with its finding, else the worst is opened."""
        key = self.selected()
        if self.rows.set_findings(findings):
            if key is None or self.rows.row_of(key) < 0:
                key = next((row.key for row in self.rows.rows if isinstance(row, FindingRow)), None)
            self.select(key)

    def set_clock(self, clock: Clock) -> None:
        """Ages; drawn again when a second has passed, as that is the finest of them."""
        old, self.row.clock = self.row.clock, clock
        if clock.now // text.SECOND != old.now // text.SECOND or clock.origin != old.origin:
            self.viewport().update()

    def set_details(self, details: bool) -> None:
        """Whether there is room for the details of the selected row."""
        if details != self.row.details:
            self.row.details = details
            self.scheduleDelayedItemsLayout()

    def selected(self) -> int | None:
        """The key of the selected finding."""
        found = self.current()
        return None if found is None else found.key

    def current(self) -> FindingRow | None:
        """The selected finding."""
        row = self.currentIndex().row()
        found = self.rows.rows[row] if 0 <= row < len(self.rows.rows) else None
        return found if isinstance(found, FindingRow) else None

    def select(self, key: int | None) -> None:
        """Select and open a finding; no signal is sent."""
        row = self.rows.row_of(key) if key is not None else -1
        self._quiet = True
        self.setCurrentIndex(self.rows.index(row) if row >= 0 else QModelIndex())
        self.row.selected = row
        self._quiet = False
        self.scheduleDelayedItemsLayout()

    def _current(self, now: QModelIndex, _before: QModelIndex) -> None:
        self.row.selected = now.row()
        self.scheduleDelayedItemsLayout()
        key = self.selected()
        if key is not None and not self._quiet:
            self.finding_selected.emit(key)

    def _activate(self, row: int) -> None:
        found = self.rows.rows[row]
        if isinstance(found, FindingRow):
            self.finding_activated.emit(found.key)
