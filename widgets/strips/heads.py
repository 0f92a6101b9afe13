"""What stands beside the charts: heads and value axes at the left, limits at the right. GUI thread.

Both are kept as pictures and drawn again where something has changed; a new value repaints its own rectangle.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPixmap

from widgets.icons import draw_icon
from widgets.model import Kind, Mark, Style
from widgets.paint import RIGHT, write
from widgets.shapes import draw_mark
from widgets.strips.board import Board
from widgets.strips.layout import GUTTER, PAD, Layout
from widgets.strips.ranges import Range
from widgets.strips.words import HeadWords, decimals_of
from widgets.text import number
from widgets.theme import Theme, font, metrics

_EDGE = 6
"""Labels nearer than this to a strip's edge are left out."""
_X = 16
_LOW = 104
"""Strips lower than this write their value smaller."""
_FLAT = 64
"""Strips lower than this have no room for a value."""
_HEXAGON = Mark(Kind.FINDING)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the strips are on the screen: layout, scroll position, device pixels a logical one."""

    layout: Layout
    scroll: int
    ratio: float

    def top(self, row: int) -> int:
        """The upper edge of a strip in the widget."""
        return self.layout.tops[row] - self.scroll

    def rect(self, row: int, left: int, width: int) -> QRect:
        """A part of a strip, separator included."""
        return QRect(left, self.top(row), width, self.layout.tops[row + 1] - self.layout.tops[row])

    def head(self, row: int) -> QRect:
        """Head and value axis of a strip."""
        return self.rect(row, 0, self.layout.plot_left)

    def gutter(self, row: int) -> QRect:
        """Limits of a strip."""
        return self.rect(row, self.layout.gutter_left, GUTTER)

    def device(self, y: int) -> int:
        """A height counted from the first strip in device pixels: the same rounding everywhere."""
        return round(y * self.ratio)

    def y_of(self, row: int, shown: Range, value: float) -> float:
        """The height of a value in the widget."""
        top, bottom = self.top(row), self.top(row) + self.layout.tops[row + 1] - self.layout.tops[row] - 1
        return bottom - 1 - PAD - (value - shown.low) * (bottom - top - 1 - 2 * PAD) / (shown.high - shown.low)


class Heads:
    """Two pictures: ``left`` (heads and axes) and ``right`` (limits), each as high as the strips' view."""

    def __init__(self, look: Theme) -> None:
        self.look = look
        self.left = QPixmap()
        self.right = QPixmap()
        self._place: Place | None = None

    def rebuild(self, place: Place) -> None:
        """Empty pictures of another size; every strip has to be drawn into them."""
        self._place = place
        self.left = self._sheet(place.layout.plot_left)
        self.right = self._sheet(GUTTER)

    def _sheet(self, width: int) -> QPixmap:
        assert self._place is not None
        ratio, height = self._place.ratio, max(1, self._place.layout.view_height)
        made = QPixmap(round(width * ratio), round(height * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(self.look.color("panel"))
        return made

    def draw_head(self, board: Board, row: int, words: HeadWords, finding: bool, selected: bool) -> None:
        """Draw one strip's head and axis."""
        place = self._place
        assert place is not None
        painter = QPainter(self.left)
        try:
            rect = place.head(row)
            painter.setClipRect(rect)
            painter.fillRect(rect, self.look.color("panel"))
            head = QRect(0, rect.top(), place.layout.head, rect.height())
            if selected:
                painter.fillRect(head, self.look.color("selected"))
                painter.fillRect(QRect(0, rect.top(), 2, rect.height()), self.look.color("focus"))
            self._words(painter, board, row, head, words, finding, selected)
            if board.specs[row].kind != "enum":
                self._axis(painter, board, row, rect)
            painter.fillRect(QRectF(rect.right(), rect.top(), 1, rect.height()), self.look.color("line"))
            self._separator(painter, row, rect)
        finally:
            painter.end()

    def draw_value(self, row: int, words: HeadWords, selected: bool) -> QRect:
        """Draw only value and third line of a strip again; the rectangle that they lie in."""
        place = self._place
        assert place is not None
        head = QRect(0, place.top(row), place.layout.head, place.rect(row, 0, 0).height())
        area = self._value_area(head)
        painter = QPainter(self.left)
        try:
            painter.setClipRect(area)
            painter.fillRect(area, self.look.color("selected" if selected else "panel"))
            self._value(painter, head, words, selected)
        finally:
            painter.end()
        return area

    def _words(
        self, painter: QPainter, board: Board, row: int, head: QRect, words: HeadWords, finding: bool, selected: bool
    ) -> None:
        spec, look = board.specs[row], self.look
        y, room = head.top() + (3 if head.height() < _FLAT else 7), head.width() - _X - 8
        title_room = room - (22 if finding else 0)
        width = write(painter, QRect(_X, y, title_room, 18), spec.title, look.color("text"), 13, 600)
        if finding:
            draw_mark(painter, _X + width + 8, y + 2, _HEXAGON, 14, look)
        if head.height() < 36:
            return
        under = ", ".join(part for part in (spec.subtitle, words.remark) if part)
        write(painter, QRect(_X, y + 19, room, 16), under, look.color("text_2" if selected else "text_3"), 11)
        if spec.kind != "enum":
            self._value(painter, head, words, selected)

    def _value_area(self, head: QRect) -> QRect:
        return QRect(_X - 2, head.top() + 43, head.width() - _X + 2, max(0, head.height() - 45))

    def _value(self, painter: QPainter, head: QRect, words: HeadWords, selected: bool) -> None:
        if head.height() < _FLAT:
            return
        look, low, room = self.look, head.height() < _LOW, head.width() - _X - 8
        quiet = look.color("text_2" if selected else "text_3")
        size = 20 if low else 24
        base = head.top() + (61 if low else 68)
        painter.setFont(font(size, 500))
        painter.setPen(quiet if words.quiet else look.color("text"))
        painter.drawText(_X, base, words.value)
        x = _X + metrics(size, 500).horizontalAdvance(words.value) + 5
        painter.setFont(font(12))
        painter.setPen(look.color("text_2"))
        painter.drawText(x, base, words.unit)
        line = QRect(_X, base + (5 if low else 6), room, 16)
        if words.quiet and words.line:
            draw_icon(painter, _X, line.top() + 2, "clock", quiet, 12)
            line.setLeft(_X + 16)
        said = words.line
        if metrics(12).horizontalAdvance(said) > line.width():
            said = said.removeprefix("expected ")  # the two numbers matter more than the word
        write(painter, line, said, quiet if words.quiet else look.color("text_2"), 12)

    def _axis(self, painter: QPainter, board: Board, row: int, rect: QRect) -> None:
        assert self._place is not None
        shown, last = board.ranges[row], -1e9
        right = self._place.layout.plot_left - 8
        for value in reversed(shown.ticks):
            y = self._place.y_of(row, shown, value)
            if y - rect.top() < _EDGE or rect.bottom() - y < _EDGE or y - last < 14:
                continue
            last = y
            box = QRect(self._place.layout.head, round(y) - 8, right - self._place.layout.head, 16)
            write(painter, box, number(value, shown.decimals), self.look.color("text_3"), 11, align=RIGHT)

    def draw_gutter(self, board: Board, row: int) -> None:
        """Draw one strip's limits: value and shape, grey until crossed; those out of sight at their edge."""
        place = self._place
        assert place is not None
        painter = QPainter(self.right)
        try:
            painter.translate(-place.layout.gutter_left, 0)
            rect = place.gutter(row)
            painter.setClipRect(rect)
            painter.fillRect(rect, self.look.color("panel"))
            if board.specs[row].kind != "enum":
                self._limits(painter, board, row, rect)
            painter.fillRect(QRectF(rect.left(), rect.top(), 1, rect.height()), self.look.color("line"))
            self._separator(painter, row, rect)
        finally:
            painter.end()

    def _limits(self, painter: QPainter, board: Board, row: int, rect: QRect) -> None:
        spec, shown = board.specs[row], board.ranges[row]
        decimals = decimals_of(board, row)
        inside: list[tuple[float, Mark, str, str]] = []
        above: list[tuple[float, Mark, str, str]] = []
        below: list[tuple[float, Mark, str, str]] = []
        if spec.kind == "score":
            inside.append((1.0, _HEXAGON, "1", "finding"))
        for limit, crossed in zip(spec.limits, board.crossed[row], strict=True):
            mark = Mark(Kind(limit.severity), Style.OUTLINED if crossed else Style.GREY)
            token = str(limit.severity) if crossed else "text_3"
            for value, side, arrow in ((limit.low, below, "\u2193"), (limit.high, above, "\u2191")):
                if value is None:
                    continue
                text = _short(value, decimals)
                if shown.low <= value <= shown.high:
                    inside.append((value, mark, text, token))
                else:
                    side.append((value, mark, f"{text} {arrow}", token))
        marks = [(self._place.y_of(row, shown, one[0]), *one[1:]) for one in inside] if self._place else []
        # Of those out of sight the nearest of each side: it is crossed first.
        if above:
            marks.append((rect.top() + 9.0, *min(above, key=lambda one: one[0])[1:]))
        if below:
            marks.append((rect.bottom() - 9.0, *max(below, key=lambda one: one[0])[1:]))
        taken: list[float] = []
        for y, mark, text, token in marks:
            y = min(max(y, rect.top() + 8.0), rect.bottom() - 8.0)
            if any(abs(y - other) < 14 for other in taken):
                continue
            taken.append(y)
            draw_mark(painter, rect.left() + 5, round(y) - 6, mark, 12, self.look)
            box = QRect(rect.left() + 22, round(y) - 8, rect.width() - 30, 16)
            write(painter, box, text, self.look.color(token), 11, align=Qt.AlignmentFlag.AlignVCenter)

    def _separator(self, painter: QPainter, row: int, rect: QRect) -> None:
        assert self._place is not None
        place = self._place
        scale = max(1, round(place.ratio))
        bottom = place.device(place.layout.tops[row + 1]) - place.device(place.scroll)
        line = QRectF(rect.left(), (bottom - scale) / place.ratio, rect.width(), scale / place.ratio)
        painter.fillRect(line, self.look.color("line"))


def _short(value: float, decimals: int) -> str:
    """A limit as it was set: no more decimals than it needs, and no more than the values have."""
    for count in range(decimals + 1):
        if abs(round(value, count) - value) < 1e-9 * max(1.0, abs(value)):
            return number(value, count)
    return number(value, decimals)
