"""The Channels dock: count, filter, and the tree of satellites, subsystems and channels. GUI thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from widgets import text
from widgets.model import ChannelRow, Mark, Reading, SatelliteView
from widgets.paint import RIGHT, painted, write
from widgets.rows import FilterField, RowList
from widgets.theme import PX, Theme
from widgets.treemodel import ChannelModel
from widgets.treerow import TreeRow, indent


class TreeList(RowList):
    """The tree: Right opens, Left closes or goes up, a click on a chevron does either."""

    menu_wanted = Signal(QPoint)
    """The menu of the current row, at this place of the screen."""

    def __init__(self, theme: Theme, model: ChannelModel, parent: QWidget) -> None:
        super().__init__(theme, "Channels", parent)
        self._channels = model
        self.setModel(model)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open and close with the arrows."""
        index = self.currentIndex()
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and index.isValid() and not event.modifiers():
            node = self._channels.rows[index.row()]
            if event.key() == Qt.Key.Key_Right and node.children:
                self._channels.set_open(node, True)
            elif event.key() == Qt.Key.Key_Left and node.children and node.open:
                self._channels.set_open(node, False)
            elif event.key() == Qt.Key.Key_Left and node.parent is not None:
                self.setCurrentIndex(self._channels.index(self._channels.row_of(node.parent)))
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu of a row: of the one under the pointer, or of the current one where a key asks for it."""
        by_key = event.reason() is QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if not index.isValid():
            return
        self.setCurrentIndex(index)
        self.menu_wanted.emit(
            self.viewport().mapToGlobal(self.visualRect(index).center()) if by_key else event.globalPos()
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click left of a name opens or closes."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.button() == Qt.MouseButton.LeftButton:
            node = self._channels.rows[index.row()]
            if node.children and event.position().x() < indent(node.level, self.width()):
                self._channels.toggle(node)
                return
        super().mousePressEvent(event)


class ChannelsDock(QWidget):
    """The left dock."""

    channel_activated = Signal(str)
    """A channel was double-clicked, or Enter pressed on it: put it on a chart, or take it off."""
    selection_changed = Signal(str)
    """The key selected: of a channel, of a subsystem (``SAT-001/eps``) or of a satellite."""
    detection_wanted = Signal(str)
    """Show what the channel, the subsystem or the satellite of this key is judged by."""
    limits_wanted = Signal(str)
    """The limits of this channel are to be shown."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._quiet = False
        self.model = ChannelModel(self)
        self.filter = FilterField(theme, "Filter channels", self)
        self.list = TreeList(theme, self.model, self)
        self._row = TreeRow(theme, self.model, self.list)
        self.list.setItemDelegate(self._row)
        self.list.nothing = "No channels yet."
        self.setAccessibleName("Channels dock")
        self.filter.textChanged.connect(self._narrow)
        self.filter.left.connect(self.list.setFocus)
        self.list.row_activated.connect(self._activate)
        self.list.menu_wanted.connect(self._show_menu)
        self.list.selectionModel().currentChanged.connect(self._selected)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = self._row.look = self.filter.theme = self.list.theme = theme
        self.update()

    # values

    def set_channels(self, rows: Sequence[ChannelRow]) -> None:
        """Replace the tree; selection, what is open and marks stay where their keys do."""
        current = self.selected()
        self.model.set_channels(rows)
        self.select(current)
        self.update()

    def set_values(self, values: Mapping[str, Reading]) -> None:
        """New readings by channel key. Cheap: rows that cannot be seen are only remembered."""
        readings = self.model.readings
        seen = self.list.seen()
        rows = self.model.rows[seen.start : seen.stop]
        before = [readings.get(node.key) for node in rows]
        readings.update(values)
        self._touch(seen, [i for i, node in enumerate(rows) if readings.get(node.key) != before[i]])

    def set_health(self, marks: Mapping[str, Mark]) -> None:
        """The marks of all channels that are not well, by key; everything above them is rolled up."""
        if self.model.set_health(marks):
            self.list.viewport().update()

    def set_satellites(self, satellites: Iterable[SatelliteView]) -> None:
        """What the satellites' rows say beside their names."""
        if self.model.set_words(satellites):
            self.list.viewport().update()

    def set_provisional(self, satellites: Iterable[str]) -> None:
        """Satellites of which it is not settled yet what is usual."""
        names = frozenset(satellites)
        if names != self.model.provisional:
            self.model.provisional = names
            self.list.viewport().update()

    def set_plotted(self, keys: Iterable[str]) -> None:
        """Channels that are on a chart."""
        self.model.set_plotted(keys)
        self.list.viewport().update()

    def visible_channels(self) -> tuple[str, ...]:
        """Keys of the channels on screen now: only these need a reading."""
        seen = self.list.seen()
        return tuple(n.key for n in self.model.rows[seen.start : seen.stop] if n.channel is not None)

    def channels_below(self, key: str) -> tuple[str, ...]:
        """Keys of the channels of a satellite, a subsystem, or the channel itself."""
        node = self.model.node(key)
        return tuple(channel.key for channel in node.channels()) if node is not None else ()

    def selected(self) -> str:
        """The key selected, or an empty text."""
        row = self.list.currentIndex().row()
        return self.model.rows[row].key if 0 <= row < len(self.model.rows) else ""

    def select(self, key: str) -> None:
        """Select a key that is there, opening what it lies in; no signal is sent."""
        node = self.model.node(key)
        if node is None:
            return
        above = node.parent
        while above is not None:
            above.open, above = True, above.parent
        self.model.refresh()
        row = self.model.row_of(node)
        if row >= 0 and row != self.list.currentIndex().row():
            self._quiet = True
            self.list.setCurrentIndex(self.model.index(row))
            self._quiet = False

    # intentions

    def _touch(self, seen: range, changed: Sequence[int]) -> None:
        if changed:
            first, last = seen.start + changed[0], seen.start + changed[-1]
            self.model.dataChanged.emit(self.model.index(first), self.model.index(last))

    def _narrow(self, words: str) -> None:
        key = self.selected()
        self.model.set_filter(words)
        self.list.nothing = "No channel matches." if self.model.count else "No channels yet."
        node = self.model.node(key)
        row = self.model.row_of(node) if node is not None else -1
        if row >= 0:
            self._quiet = True
            self.list.setCurrentIndex(self.model.index(row))
            self._quiet = False
        self.update()

    def _activate(self, row: int) -> None:
        node = self.model.rows[row]
        if node.channel is not None:
            self.channel_activated.emit(node.key)
        else:
            self.model.toggle(node)

    def _show_menu(self, place: QPoint) -> None:
        menu = self.menu()
        if menu is not None:
            menu.popup(place)

    def menu(self) -> QMenu | None:
        """What can be done with the selected row; it goes when it is closed."""
        node = self.model.node(self.selected())
        if node is None:
            return None
        menu = QMenu(self)
        if node.channel is not None:
            on = node.key in self.model.plotted
            chart = menu.addAction("Take off the charts\tEnter" if on else "Put on a chart\tEnter")
            chart.triggered.connect(lambda: self.channel_activated.emit(node.key))
            menu.addAction("Limits\tE").triggered.connect(lambda: self.limits_wanted.emit(node.key))
        menu.addAction(f"Detection of {node.name}").triggered.connect(lambda: self.detection_wanted.emit(node.key))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _selected(self, now: QModelIndex, _before: QModelIndex) -> None:
        if now.isValid() and not self._quiet:
            self.selection_changed.emit(self.model.rows[now.row()].key)

    # looks

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Header, field, list."""
        header, width = PX["dock_header"], self.width()
        self.filter.setGeometry(10, header + PX["space_2"], width - 21, PX["input"])
        top = header + 2 * PX["space_2"] + PX["input"]
        self.list.setGeometry(0, top, width - 1, self.height() - top)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground, title and count."""
        theme, width, header = self.theme, self.width(), PX["dock_header"]
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, header - 1, width, 1, theme.color("line"))
        painter.fillRect(width - 1, 0, 1, self.height(), theme.color("line"))
        room = QRect(12, 0, width - 12 - 11, header - 1)
        write(painter, room, "Channels", theme.color("text"), 13, 600)
        matching = sum(node.channel is not None for node in self.model.rows) if self.model.filtered else None
        words = text.counted(self.model.count, "channel")
        if matching is not None:
            words = f"{text.number(matching)} of {words}"
        write(painter, room, words, theme.color("text_3"), 12, 400, RIGHT)
