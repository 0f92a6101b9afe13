"""The channels as the rows of a list: satellites, their subsystems, their channels; what is open and what matches.

GUI thread. A flat list of the rows that can be seen, instead of a tree of indexes: a thousand new values touch
two dictionaries and repaint the rows on screen, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from widgets.model import ChannelRow, Mark, Reading, SatelliteView, spoken, worst

PROVISIONAL = "provisional"
"""The word for a satellite of which it is not settled yet what is usual."""


@dataclass(slots=True, eq=False)
class Node:
    """One row: a satellite, a subsystem or a channel. ``channel`` is None for the first two."""

    level: Literal["satellite", "subsystem", "channel"]
    key: str
    name: str
    parent: Node | None = None
    channel: ChannelRow | None = None
    children: list[Node] = field(default_factory=list)
    mark: Mark | None = None
    """The worst of its own and all below."""
    open: bool = False

    def channels(self) -> Iterator[ChannelRow]:
        """Itself or all channels below, in order."""
        if self.channel is not None:
            yield self.channel
        for child in self.children:
            yield from child.channels()


def build(rows: Sequence[ChannelRow]) -> tuple[list[Node], dict[str, Node]]:
    """The satellites in the order in which they come, and every node by its key."""
    roots: list[Node] = []
    nodes: dict[str, Node] = {}
    for row in rows:
        above = nodes.get(row.satellite)
        if above is None:
            above = nodes[row.satellite] = Node("satellite", row.satellite, row.satellite, open=True)
            roots.append(above)
        if row.subsystem:
            key = f"{row.satellite}/{row.subsystem}"
            below = nodes.get(key)
            if below is None:
                below = nodes[key] = Node("subsystem", key, row.subsystem, above)
                above.children.append(below)
            above = below
        leaf = Node("channel", row.key, row.name, above, row)
        # A channel may bear the name of a subsystem; the subsystem keeps the key, the channel is still listed.
        nodes.setdefault(row.key, leaf)
        above.children.append(leaf)
    return roots, nodes


class ChannelModel(QAbstractListModel):
    """Rows that can be seen, in order. ``readings`` and ``plotted`` are read by the delegate."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Node] = []
        self.readings: dict[str, Reading] = {}
        self.plotted: frozenset[str] = frozenset()
        self.words: dict[str, str] = {}
        """What a satellite's row says beside its name."""
        self.provisional: frozenset[str] = frozenset()
        """Satellites of which it is not settled yet what is usual."""
        self.count = 0
        self._roots: list[Node] = []
        self._nodes: dict[str, Node] = {}
        self._filter: tuple[str, ...] = ()

    # what Qt asks

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's default
        """Rows that can be seen."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The name, and for a screen reader the whole row in words."""
        if not 0 <= index.row() < len(self.rows):
            return None
        node = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return node.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.spoken(node)
        if role == Qt.ItemDataRole.ToolTipRole and node.channel is not None:
            return node.channel.description or node.channel.key
        if role == Qt.ItemDataRole.ToolTipRole and node.level == "satellite" and node.name in self.provisional:
            return f"{node.name} is provisional: what is usual is still learned from the stream."
        return None

    def spoken(self, node: Node) -> str:
        """A row in words."""
        parts = [node.name]
        if node.channel is not None:
            reading = self.readings.get(node.key)
            if reading is not None:
                parts.append(
                    f"stale {reading.stale}" if reading.stale else f"{reading.text} {node.channel.unit}".strip()
                )
            if node.key in self.plotted:
                parts.append("on a chart")
        elif node.key in self.words:
            parts.append(self.words[node.key])
        if node.level == "satellite" and node.name in self.provisional:
            parts.append(PROVISIONAL)
        if node.channel is None:
            parts.append("open" if node.open else "closed")
        if node.mark is not None:
            parts.append(spoken(node.mark))
        return ", ".join(parts)

    # what the view is handed

    def set_channels(self, rows: Sequence[ChannelRow]) -> None:
        """Replace all rows; what was open stays open, marks are kept for keys that are still there."""
        before = self._nodes
        self.beginResetModel()
        self._roots, self._nodes = build(rows)
        self.count = len(rows)
        for key, node in self._nodes.items():
            old = before.get(key)
            if old is not None:
                node.open, node.mark = old.open, old.mark
        self.readings = {key: r for key, r in self.readings.items() if key in self._nodes}
        self.rows = list(self._seen())
        self.endResetModel()

    def set_words(self, satellites: Iterable[SatelliteView]) -> bool:
        """What the satellites' rows say beside their names. True where something changed."""
        words = {s.name: s.word for s in satellites if s.word}
        changed, self.words = words != self.words, words
        return changed

    def set_health(self, marks: Mapping[str, Mark]) -> bool:
        """Marks of channels by key (those not named are well); rolled up. True where something changed."""
        changed = False
        for root in self._roots:
            changed |= self._roll(root, marks)[1]
        return changed

    def _roll(self, node: Node, marks: Mapping[str, Mark]) -> tuple[Mark | None, bool]:
        below = [self._roll(child, marks) for child in node.children]
        own = marks.get(node.key)
        mark = worst(m for m in (own, *(m for m, _ in below)) if m is not None)
        changed = any(c for _, c in below) or mark != node.mark
        node.mark = mark
        return mark, changed

    def set_plotted(self, keys: Iterable[str]) -> None:
        """Channels on a chart; where a subsystem gets its first, it is opened."""
        keys = frozenset(keys)
        for key in keys - self.plotted:
            node = self._nodes.get(key)
            while node is not None and node.parent is not None:
                node = node.parent
                node.open = True
        self.plotted = keys
        self.refresh()

    def set_filter(self, words: str) -> None:
        """Show only channels whose key or description holds every word, and what they lie in, opened."""
        wanted = tuple(words.casefold().split())
        if wanted != self._filter:
            self._filter = wanted
            self.refresh()

    def toggle(self, node: Node) -> None:
        """Open what is closed and close what is open."""
        self.set_open(node, not node.open)

    def set_open(self, node: Node, open_: bool) -> None:
        """Open or close a satellite or a subsystem. While a filter is set everything that matches is open."""
        if node.children and node.open != open_ and not self._filter:
            node.open = open_
            self.refresh()

    def node(self, key: str) -> Node | None:
        """The node of a key."""
        return self._nodes.get(key)

    def row_of(self, node: Node) -> int:
        """Where a node is seen; -1 where it is not."""
        return next((i for i, each in enumerate(self.rows) if each is node), -1)

    @property
    def filtered(self) -> bool:
        """Whether a filter is set."""
        return bool(self._filter)

    @property
    def satellites(self) -> Sequence[Node]:
        """The satellites, in order."""
        return self._roots

    # which rows are seen

    def refresh(self) -> None:
        """Work the rows out again, telling Qt of the one stretch that changed, so that the place is kept."""
        rows = list(self._seen())
        old = self.rows
        same = 0
        while same < min(len(old), len(rows)) and old[same] is rows[same]:
            same += 1
        tail = 0
        while tail < min(len(old), len(rows)) - same and old[-1 - tail] is rows[-1 - tail]:
            tail += 1
        gone, new = len(old) - same - tail, len(rows) - same - tail
        nothing = QModelIndex()
        if gone:
            self.beginRemoveRows(nothing, same, same + gone - 1)
            self.rows = old[:same] + old[same + gone :]
            self.endRemoveRows()
        if new:
            self.beginInsertRows(nothing, same, same + new - 1)
            self.rows = rows
            self.endInsertRows()

    def _seen(self) -> Iterator[Node]:
        for root in self._roots:
            yield from self._matching(root) if self._filter else self._opened(root)

    def _opened(self, node: Node) -> Iterator[Node]:
        yield node
        if node.open:
            for child in node.children:
                yield from self._opened(child)

    def _matching(self, node: Node) -> Iterator[Node]:
        if node.channel is not None:
            text = f"{node.channel.key} {node.channel.description}".casefold()
            if all(word in text for word in self._filter):
                yield node
            return
        below = [row for child in node.children for row in self._matching(child)]
        if below:
            yield node
            yield from below
