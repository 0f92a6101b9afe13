"""The last 24 hours below the charts: a row a satellite, its findings and alarms, a frame round what is shown.

GUI thread. Drag moves the frame; so do the arrows when it has the keyboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from widgets import text
from widgets.model import Clock, Kind, Span
from widgets.paint import CENTER, RIGHT, focus_ring, painted, write
from widgets.theme import PX, Theme

LENGTH = text.DAY
ROWS = 3
"""Satellites that have a row; with more of them those with something to show come first."""
_LABELS = 3 * text.HOUR


class Overview(QWidget):
    """``left`` and ``right`` are the plot's edges, so that it lies under the charts to the pixel."""

    moved = Signal(object)
    """The end of the window wanted, UTC microseconds (an int of Python)."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.left = PX["strip_head"] + PX["axis_left"]
        self.right = PX["plot_gutter_right"]
        self._clock = Clock(0)
        self._window = (0, 0)
        self._satellites: tuple[str, ...] = ()
        self._selected = ""
        self._spans: tuple[Span, ...] = ()
        self._eclipses: Mapping[str, Sequence[tuple[int, int | None]]] = {}
        self._grip: int | None = None
        self.setFixedHeight(PX["time_overview"])
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Last 24 hours")
        self.setToolTip("Drag to move the window in time.")

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = theme
        self.update()

    def set_head(self, head: int) -> None:
        """Width of the strips' heads, so that both plots begin at one place."""
        self.left = head + PX["axis_left"]
        self.update()

    def set_clock(self, clock: Clock) -> None:
        """The right end; drawn again when it has moved by a pixel."""
        step = max(1, LENGTH // max(1, self._plot().width()))
        if clock.origin != self._clock.origin or clock.now // step != self._clock.now // step:
            self._clock = clock
            self.update()

    def set_window(self, start: int, end: int) -> None:
        """What the charts show, UTC microseconds."""
        before = self._frame()
        self._window = (start, end)
        words = f"shows {text.clock(start, self._clock.origin)} to {text.clock(end, self._clock.origin)}"
        self.setAccessibleDescription(words)
        if self._frame() != before:
            self.update()

    def set_rows(self, satellites: Iterable[str], selected: str = "") -> None:
        """The satellites, and which of them the charts show."""
        rows = tuple(satellites)
        if (rows, selected) != (self._satellites, self._selected):
            self._satellites, self._selected = rows, selected
            self.update()

    def set_spans(self, spans: Iterable[Span]) -> None:
        """Findings and alarms."""
        new = tuple(spans)
        if new != self._spans:
            self._spans = new
            self.update()

    def set_eclipses(self, eclipses: Mapping[str, Sequence[tuple[int, int | None]]]) -> None:
        """Spans of darkness by satellite; an end of None goes on."""
        if eclipses != self._eclipses:
            self._eclipses = dict(eclipses)
            self.update()

    # geometry

    def _plot(self) -> QRect:
        return QRect(self.left, 8, max(1, self.width() - self.left - self.right), 44)

    def _x(self, time: int) -> float:
        plot = self._plot()
        return plot.x() + plot.width() * (time - self._clock.now + LENGTH) / LENGTH

    def _frame(self) -> QRect:
        plot = self._plot()
        start = min(max(self._x(self._window[0]), plot.x()), plot.right() - 3)
        end = min(max(self._x(self._window[1]), start + 4), plot.x() + plot.width())
        return QRect(round(start), plot.y() - 2, round(end) - round(start), plot.height() + 4)

    def _shown(self) -> list[str]:
        if len(self._satellites) <= ROWS:
            return list(self._satellites)
        marked = {span.satellite for span in self._spans if span.end >= self._clock.now - LENGTH}
        ranked = sorted(self._satellites, key=lambda s: (s != self._selected, s not in marked))
        chosen = set(ranked[:ROWS])
        return [s for s in self._satellites if s in chosen]

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Rows, spans, frame and hours."""
        theme, plot = self.theme, self._plot()
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, 0, self.width(), 1, theme.color("line"))
        write(painter, QRect(16, 15, 120, 18), "Last 24 hours", theme.color("text_2"), 12)
        write(painter, QRect(16, 32, 120, 18), "drag to move", theme.color("text_3"), 11)
        painter.fillRect(plot, theme.color("plot"))
        rows = self._shown()
        pitch = plot.height() / max(1, len(rows))
        painter.setClipRect(plot)
        dark = self._eclipses.get(self._selected) or (self._eclipses.get(rows[0]) if rows else None) or ()
        for start, end in dark:
            x, to = self._x(start), self._x(self._clock.now if end is None else end)
            painter.fillRect(QRectF(x, plot.y(), to - x, plot.height()), theme.color("eclipse"))
        for row in range(len(rows)):
            painter.fillRect(plot.x(), round(plot.y() + (row + 0.5) * pitch), plot.width(), 1, theme.color("line"))
        for span in sorted(self._spans, key=lambda s: (s.open, s.kind.level)):
            if span.satellite in rows:
                self._draw_span(painter, span, plot.y() + (rows.index(span.satellite) + 0.5) * pitch)
        painter.setClipping(False)
        for row, name in enumerate(rows):
            here = name == self._selected
            at = QRect(self.left - 130, round(plot.y() + row * pitch), 120, round(pitch))
            write(painter, at, name, theme.color("text" if here else "text_3"), 11, 500 if here else 400, RIGHT)
        self._hours(painter, plot)
        frame = self._frame()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("focus"), 1.5))
        painter.drawRect(frame)
        if self.hasFocus():
            focus_ring(painter, self.rect(), theme)

    def _draw_span(self, painter: QPainter, span: Span, middle: float) -> None:
        x, to = self._x(span.start), self._x(self._clock.now if span.open else span.end)
        # What is too short to be seen is widened about its own time, not into the time after it.
        width = max(4.0, to - x)
        x = (x + to - width) / 2
        # What is over is drawn muted, so that what goes on is seen first.
        painter.setOpacity(1.0 if span.open else 0.65)
        kind = "finding" if span.kind is Kind.FINDING else f"fill_{span.kind.value}"
        painter.fillRect(QRectF(round(x), round(middle) - 4, round(width), 8), self.theme.color(kind))
        painter.setOpacity(1.0)

    def _hours(self, painter: QPainter, plot: QRect) -> None:
        origin = self._clock.origin or 0
        first = self._clock.now - LENGTH
        time = first + (origin - first) % _LABELS
        while time <= self._clock.now:
            x = round(self._x(time))
            words = text.clock(time, self._clock.origin)[:-3]
            if plot.x() <= x <= plot.right() - 16:
                at = QRect(x - 36, plot.bottom() + 2, 72, self.height() - plot.bottom() - 3)
                write(painter, at, words, self.theme.color("text_3"), 11, 400, CENTER)
            time += _LABELS

    # moving

    def _move_to(self, end: int) -> None:
        length = self._window[1] - self._window[0]
        self.moved.emit(min(self._clock.now, max(end, self._clock.now - LENGTH + length)))

    def _time(self, x: float) -> int:
        plot = self._plot()
        return self._clock.now - LENGTH + round(LENGTH * (x - plot.x()) / plot.width())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Grip the frame where it is hit; a press elsewhere brings its middle there first."""
        x = event.position().x()
        if event.button() != Qt.MouseButton.LeftButton or not self._plot().adjusted(0, -8, 0, 30).contains(
            event.position().toPoint()
        ):
            return
        frame = self._frame()
        length = self._window[1] - self._window[0]
        if not frame.left() - 3 <= x <= frame.right() + 3:
            self._move_to(self._time(x) + length // 2)
            self._grip = length // 2
        else:
            self._grip = self._window[1] - self._time(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the frame."""
        if self._grip is not None:
            self._move_to(self._time(event.position().x()) + self._grip)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._grip = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right move by a window, Home and End to the ends of the day."""
        length = self._window[1] - self._window[0]
        now = self._clock.now
        ends = {
            Qt.Key.Key_Left: self._window[1] - length,
            Qt.Key.Key_Right: self._window[1] + length,
            Qt.Key.Key_Home: now - LENGTH,
            Qt.Key.Key_End: now,
        }
        end = ends.get(Qt.Key(event.key()))
        if end is None:
            event.ignore()
        else:
            self._move_to(end)
