"""The strip charts as one bare widget: laid out, brought up to date, painted, and asked by the mouse. GUI thread.

``tick``, called by the owner's one timer, does the work of a frame and asks for a repaint of what has changed;
``paintEvent`` only copies pictures. Where nothing is new a frame costs nothing.
"""

from __future__ import annotations

import logging
import time

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QWidget

from widgets.paint import first_time
from widgets.strips.board import Board, Changes
from widgets.strips.colours import palette
from widgets.strips.heads import Heads, Place
from widgets.strips.layout import AXIS_BOTTOM, WIDE, make_layout
from widgets.strips.overlay import Overlay
from widgets.strips.pointer import Pointer
from widgets.strips.screen import paint_screen, plot_area
from widgets.strips.sheet import Arrangement
from widgets.strips.spec import Reader
from widgets.strips.words import HeadWords, head_words
from widgets.theme import Theme

log = logging.getLogger(__name__)

_TURNS = 8
"""The words of a strip are looked at once in so many frames: about four times a second, spread evenly."""
_SCROLL_BAR = 8


class Canvas(QWidget):
    """The widget behind ``Strips``, without the door for data."""

    selected = Signal(str)
    """The key of the strip that was clicked."""
    view_changed = Signal(object, object, bool)
    """The operator zoomed or panned: span and right edge (int, microseconds), and whether the charts are live."""
    cursor_moved = Signal(object)
    """The time under the cursor (int, microseconds), None when it has left."""

    def __init__(self, look: Theme, reader: Reader | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Live charts")
        self.board = Board(palette(look.colors, look.band_alpha), reader)
        self._look = look
        self._heads = Heads(look)
        self._overlay = Overlay(look)
        self._pointer = Pointer(self)
        self._sizes = WIDE
        self._notes: dict[str, str] = {}
        self._chosen: str | None = None
        self._place = Place(make_layout(1, 1, (), None, WIDE), 0, 1.0)
        self._arranged = False
        self._written: dict[int, tuple[HeadWords, bool]] = {}
        self._turn = 0
        self._cursor_on = False
        self._cursor: int | None = None
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.setVisible(False)
        self._bar.valueChanged.connect(self._rearrange)

    # a frame

    def tick(self, seconds: float | None = None) -> None:
        """Bring the charts up to date and ask for a repaint of what has changed: once a frame.

        ``seconds`` is a clock that only goes forward; None: the monotonic one.
        """
        self._bring_up(time.monotonic() if seconds is None else seconds, ask=True)

    def _bring_up(self, seconds: float, *, ask: bool) -> None:
        whole = not self._arranged or self._place.ratio != self.devicePixelRatioF()
        if whole:
            self._arrange()
        changes = self.board.tick(seconds)
        rows = range(self.board.sheet.arrangement.first, self.board.sheet.arrangement.last)
        self._turn += 1
        turn = range(rows.start + (self._turn - rows.start) % _TURNS, rows.stop, _TURNS)
        written = self._overlay.find(self.board, rows if whole or changes.reread else turn)
        areas = []
        if whole:
            self._write_all(rows)
        else:
            areas = self._rewrite(rows, rows if self._cursor is not None else turn, changes)
        if not ask:
            return
        if whole:
            self.update()
            return
        if changes.picture or written or self._cursor_on:
            self.update(plot_area(self._place))
        if changes.moved or changes.picture:
            self.update(0, self._place.layout.view_height, self.width(), AXIS_BOTTOM)
        for area in areas:
            self.update(area)

    def _rewrite(self, rows: range, looked: range, changes: Changes) -> list[QRect]:
        """Draw heads and limits again where words, range or finding have changed; the areas that did."""
        areas = []
        for row in rows:
            axis = row in changes.axes
            if axis or row in looked:
                words, finding = self._words(row)
                old = self._written.get(row)
                if axis or old is None or old[1] != finding or old[0].remark != words.remark:
                    self._write(row, words, finding)
                    areas.append(self._place.head(row))
                elif old[0] != words and self.board.specs[row].kind != "enum":
                    self._written[row] = words, finding
                    areas.append(self._heads.draw_value(row, words, self.board.specs[row].key == self._chosen))
            if axis:
                self._heads.draw_gutter(self.board, row)
                areas.append(self._place.gutter(row))
        return areas

    def _write_all(self, rows: range) -> None:
        self._heads.rebuild(self._place)
        for row in rows:
            self._write(row, *self._words(row))
            self._heads.draw_gutter(self.board, row)

    def _words(self, row: int) -> tuple[HeadWords, bool]:
        key = self.board.specs[row].key
        finding = any(one.end is None and key in one.keys for one in self.board.findings)
        return head_words(self.board, row, self._notes.get(key, ""), self._cursor), finding

    def _write(self, row: int, words: HeadWords, finding: bool) -> None:
        self._written[row] = words, finding
        self._heads.draw_head(self.board, row, words, finding, self.board.specs[row].key == self._chosen)

    # layout

    def _rearrange(self) -> None:
        """Lay out again before the next frame or repaint."""
        self._arranged = False
        self.update()

    def _arrange(self) -> None:
        specs, ratio = self.board.specs, self.devicePixelRatioF()
        chosen = None if self._chosen is None else self.board.data.index.get(self._chosen)
        layout = make_layout(self.width(), self.height(), [spec.kind for spec in specs], chosen, self._sizes)
        hidden = max(0, layout.total - layout.view_height)
        self._bar.blockSignals(True)
        self._bar.setRange(0, hidden)
        self._bar.setPageStep(layout.view_height)
        self._bar.setSingleStep(self._sizes.least)
        self._bar.blockSignals(False)
        self._bar.setVisible(hidden > 0)
        self._bar.setGeometry(self.width() - _SCROLL_BAR, 0, _SCROLL_BAR, layout.view_height)
        place = self._place = Place(layout, self._bar.value(), ratio)
        first, last = layout.visible(place.scroll)
        tops = tuple(place.device(top) - place.device(layout.tops[first]) for top in layout.tops[first : last + 1])
        width = place.device(layout.gutter_left) - place.device(layout.plot_left)
        self.board.arrange(Arrangement(first, last, tops, width, max(1, round(ratio))), layout.plot_width)
        self._written.clear()
        self._arranged = True

    def _reveal(self) -> None:
        """Scroll so that the selected strip shows."""
        row = None if self._chosen is None else self.board.data.index.get(self._chosen)
        if row is None:
            return
        if not self._arranged:
            self._arrange()
        layout = self._place.layout
        low, high = layout.tops[row], layout.tops[row + 1]
        if low < self._bar.value():
            self._bar.setValue(low)
        elif high > self._bar.value() + layout.view_height:
            self._bar.setValue(high - layout.view_height)
        self._arranged = False  # heads and gutters are still those of the layout before

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Copy what is ready; a fault leaves the rest blank and is told once, for it would end the process."""
        painter = QPainter(self)
        try:
            if not self._arranged or self._place.ratio != self.devicePixelRatioF():
                self._bring_up(time.monotonic(), ask=False)
            region, place = event.region(), self._place
            paint_screen(painter, region, self.board, place, self._heads, self._overlay, self.width())
            if self._cursor is not None:
                self._overlay.draw_cursor(painter, self.board, place, self._cursor)
        except Exception:
            if first_time("Strips"):
                log.exception("the charts could not be drawn")
        finally:
            painter.end()

    # Qt's events

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out again, once a frame."""
        self._rearrange()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """See ``Pointer``."""
        self._pointer.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """See ``Pointer``; without a button the cursor follows."""
        if not self._pointer.move(event) and self._cursor_on:
            x, layout = event.position().x(), self._place.layout
            inside = layout.plot_left <= x < layout.gutter_left
            width = self.board.sheet.arrangement.width
            column = self.board.sheet.right - width + 1 + int((x - layout.plot_left) * self._place.ratio)
            self._move_cursor(min(column, self.board.sheet.right) if inside else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """See ``Pointer``."""
        self._pointer.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """See ``Pointer``."""
        self._pointer.double(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """See ``Pointer``."""
        self._pointer.wheel(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """The cursor leaves with the mouse."""
        self._move_cursor(None)

    def sizeHint(self) -> QSize:
        """Room for a few strips."""
        return QSize(900, 600)

    def _move_cursor(self, column: int | None) -> None:
        if column != self._cursor:
            self._cursor = column
            self.cursor_moved.emit(None if column is None else column * self.board.dt)
            self.update()

    # what the pointer works on (see ``Charts``)

    def place(self) -> Place:
        """Where the strips are."""
        return self._place

    def time_span(self) -> tuple[int, int, bool]:
        """Right edge, span, and whether the charts are live."""
        board = self.board
        return (board.now if board.live else board.right_time), board.span, board.live

    def show_time(self, right: int, span: int, live: bool) -> None:
        """Show another stretch of time, and say so; what would end after now is live."""
        board = self.board
        board.set_span(span)
        board.live = live or right >= board.now
        board.set_right(right)
        self.view_changed.emit(board.span, self.time_span()[0], board.live)

    def choose(self, row: int) -> None:
        """Select a strip, and say so."""
        self._chosen = self.board.specs[row].key
        self._rearrange()
        self.selected.emit(self._chosen)

    def fit(self, row: int) -> None:
        """Fit y of a strip to its samples."""
        self.board.fit(row)
        self._rearrange()

    def zoom_y(self, row: int, factor: float, share: float) -> None:
        """Zoom the values of a strip."""
        self.board.zoom_y(row, factor, share)
        self._rearrange()
