"""Where in all that is played the charts are: a slider over what can be shown and what is still to come. GUI thread.

Handed a ``PlaybackView``, it emits what the operator wants and shows only what it is told, but for the handle while it
is dragged.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

from widgets import text
from widgets.model import Clock, PlaybackView
from widgets.paint import CENTER, RIGHT, focus_ring, painted, write
from widgets.theme import PX, Theme, metrics

STEPS = 1000
"""Values of the slider, for those who are told it in numbers."""
_SNAP = 4
"""Pixels from the newest sample that still mean it: what is there is live."""
_HANDLE, _KEY = 8, 16


class Scrub(QSlider):
    """``left`` and ``right`` are the plot's edges, so that it lies under the charts to the pixel."""

    moved = Signal(object)
    """The end of the charts wanted, UTC microseconds (an int of Python); it has been played."""
    live_wanted = Signal()
    skipped = Signal(object)
    """A moment that is not played yet, wanted as soon as can be, UTC microseconds."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.theme = theme
        self.left = PX["strip_head"] + PX["axis_left"]
        self.right = PX["plot_gutter_right"]
        self._view = PlaybackView(0, paused=False, speed=None)
        self._drag: int | None = None
        self.setRange(0, STEPS)
        self.setFixedHeight(PX["button_small"])
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Time shown, in what is played")
        self.setToolTip("Drag back to see what was played, and on to skip there. L goes back to live.")
        self.valueChanged.connect(lambda value: self._ask(self._begin + (self._end - self._begin) * value // STEPS))

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = theme
        self.update()

    def set_head(self, head: int) -> None:
        """Width of the strips' heads, so that both plots begin at one place."""
        self.left = head + PX["axis_left"]
        self.update()

    def set_view(self, view: PlaybackView) -> None:
        """Where playback stands, and the charts."""
        before, self._view = self._looks(), view
        with QSignalBlocker(self):
            self.setValue(STEPS * (self._shown - self._begin) // (self._end - self._begin))
        at = f"shows up to {self._moment(self._shown)}"
        self.setAccessibleDescription(at if view.shown is None else f"{at}, {self._behind()}")
        if self._looks() != before:
            self.update()

    # where what is

    @property
    def _begin(self) -> int:
        return min(self._view.began, self._newest - 1)

    @property
    def _newest(self) -> int:
        return self._view.position

    @property
    def _end(self) -> int:
        return max(self._newest, self._view.end or 0)

    @property
    def _shown(self) -> int:
        shown = self._newest if self._view.shown is None else self._view.shown
        return min(max(shown, self._begin), self._newest)

    @property
    def _first(self) -> int:
        """Where the charts end that begin at the begin of it all."""
        return min(self._begin + self._view.window, self._newest)

    def _groove(self) -> QRect:
        thick = PX["space_1"]
        return QRect(self.left, (self.height() - thick) // 2, max(1, self.width() - self.left - self.right), thick)

    def _x(self, time: int) -> int:
        groove = self._groove()
        return groove.x() + round(groove.width() * (time - self._begin) / (self._end - self._begin))

    def _time(self, x: float) -> int:
        groove = self._groove()
        time = self._begin + round((self._end - self._begin) * (x - groove.x()) / groove.width())
        if abs(x - self._x(self._newest)) <= _SNAP:
            return self._newest
        return min(max(time, self._begin), self._end)

    # looks

    def words(self) -> str:
        """What stands at the handle while it is dragged."""
        if self._drag is None:
            return ""
        at = self._moment(self._drag)
        return f"Skip to {at}" if self._drag > self._newest else at

    def _moment(self, time: int) -> str:
        return text.moment(time, Clock(self._newest, self._view.origin))

    def _behind(self) -> str:
        return f"behind live {text.duration(self._newest - self._shown)}"

    def _looks(self) -> tuple[object, ...]:
        """All that can be seen of where playback stands."""
        places = self._x(self._newest), self._x(self._shown), self._x(self._view.until or self._begin)
        return *places, self._view.shown is None, self._moment(self._begin), self._last()

    def _last(self) -> str:
        return self._moment(self._end) if self._end > self._newest else ""

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """The groove, filled as far as it is played; the handle; where the charts are in words."""
        theme, groove, view = self.theme, self._groove(), self._view
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, 0, self.width(), 1, theme.color("line"))
        newest = self._x(self._newest)
        painter.setPen(theme.color("line_strong"))
        painter.drawRect(groove.adjusted(0, 0, -1, -1))
        painter.fillRect(QRect(groove.x(), groove.y(), newest - groove.x(), groove.height()), theme.color("text_3"))
        if view.until is not None:
            at = self._x(min(view.until, self._end))
            painter.fillRect(at - 1, groove.y() - 3, 1, groove.height() + 6, theme.color("text_3"))
        self._draw_words(painter, groove)
        self._draw_handle(painter, groove)
        if self.hasFocus():
            focus_ring(painter, self.rect(), theme)

    def _draw_words(self, painter: QPainter, groove: QRect) -> None:
        """Live, or not and the key that goes back; when it all begins, where there is room; when it ends."""
        theme, live = self.theme, self._view.shown is None
        room = QRect(PX["space_4"], 0, groove.x() - PX["space_2"] - PX["space_4"], self.height())
        ink = theme.color("text_2" if live else "text")
        used = write(painter, room, "Live" if live else "Behind live", ink, PX["font_12"], 400 if live else 500)
        if not live:
            key = QRect(room.x() + used + PX["space_2"], (self.height() - _KEY) // 2, _KEY, _KEY)
            painter.setPen(theme.color("line_strong"))
            painter.drawRect(key.adjusted(0, 0, -1, -1))
            write(painter, key, "L", theme.color("text_2"), PX["font_11"], 400, CENTER)
            used += PX["space_2"] + _KEY
        room.setLeft(room.x() + used + PX["space_2"])
        begin = self._moment(self._begin)
        if metrics(PX["font_11"]).horizontalAdvance(begin) <= room.width():
            write(painter, room, begin, theme.color("text_3"), PX["font_11"], 400, RIGHT)
        after = QRect(groove.right() + PX["space_2"], 0, self.right - PX["space_2"], self.height())
        write(painter, after, self._last(), theme.color("text_3"), PX["font_11"])

    def _draw_handle(self, painter: QPainter, groove: QRect) -> None:
        theme = self.theme
        at = self._shown if self._drag is None else self._drag
        handle = QRectF(self._x(at) - _HANDLE / 2, (self.height() - 14) / 2, _HANDLE, 14)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("panel"))
        painter.setBrush(theme.color("text" if self._drag is not None or self._view.shown is not None else "text_2"))
        painter.drawRoundedRect(handle, PX["radius"], PX["radius"])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if self._drag is not None:
            width = metrics(PX["font_11"], 500).horizontalAdvance(self.words()) + 2 * PX["space_2"]
            x = round(handle.right()) + PX["space_1"]
            if x + width > groove.right():
                x = round(handle.left()) - PX["space_1"] - width
            tag = QRect(x, (self.height() - 18) // 2, width, 18)
            painter.fillRect(tag, theme.color("text"))
            write(painter, tag, self.words(), theme.color("panel"), PX["font_11"], 500, CENTER)

    # moving

    def _ask(self, time: int) -> None:
        """Charts that end at a time that has been played, or live."""
        if time >= self._newest:
            self.live_wanted.emit()
        else:
            self.moved.emit(max(time, self._begin))

    def _drag_to(self, x: float) -> None:
        time = self._time(x)
        if time != self._drag:
            self._drag = time
            self._ask(time)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The handle comes to where it is pressed."""
        groove = self._groove()
        if event.button() == Qt.MouseButton.LeftButton and abs(event.position().x() - groove.center().x()) <= (
            groove.width() / 2 + _HANDLE
        ):
            self._drag_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it."""
        if self._drag is not None:
            self._drag_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go; what is not played yet is skipped to."""
        wanted, self._drag = self._drag, None
        self.update()
        if wanted is not None and wanted > self._newest:
            self.skipped.emit(wanted)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The wheel belongs to the charts."""
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right move by a window, Home and End to the ends of what has been played."""
        times = {
            Qt.Key.Key_Left: max(self._shown - self._view.window, self._first),
            Qt.Key.Key_Right: self._shown + self._view.window,
            Qt.Key.Key_Home: self._first,
            Qt.Key.Key_End: self._newest,
        }
        time = times.get(Qt.Key(event.key()))
        if time is None:
            event.ignore()
        else:
            self._ask(time)
