"""What is written on the charts and below them: end dots, states, reasons of gaps, the time axis. GUI thread.

Words are drawn once into small pictures and copied from then on: they move with every column.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from widgets.model import Clock
from widgets.strips.board import Board
from widgets.strips.heads import Place
from widgets.strips.layout import AXIS_BOTTOM
from widgets.strips.raster import box
from widgets.strips.spells import Spell, gaps, states, unread
from widgets.strips.table import NEVER
from widgets.strips.timeaxis import heading, label, minor_step, tick_times
from widgets.text import duration, moment
from widgets.theme import Theme, font, metrics

_KEPT = 512
_DOT = 5


class Words:
    """Pictures of short texts, the newest ``_KEPT`` of them."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int, int, int, int, float], QPixmap] = {}

    def get(
        self, text: str, color: QColor, ratio: float, px: int = 11, weight: int = 400, ground: QColor | None = None
    ) -> QPixmap:
        """``text`` on nothing, or on ``ground`` with room around it."""
        key = (text, color.rgb(), px, weight, 0 if ground is None else ground.rgb(), ratio)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= _KEPT:
                self._made.clear()
            made = self._made[key] = self._make(text, color, ratio, px, weight, ground)
        return made

    def _make(self, text: str, color: QColor, ratio: float, px: int, weight: int, ground: QColor | None) -> QPixmap:
        room = 0 if ground is None else 12
        width, height = metrics(px, weight).horizontalAdvance(text) + 2 + 2 * room, 16
        made = QPixmap(math.ceil(width * ratio), math.ceil(height * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(ground or Qt.GlobalColor.transparent)
        painter = QPainter(made)
        try:
            painter.setFont(font(px, weight))
            painter.setPen(color)
            painter.drawText(QRectF(room, 0, width, height), Qt.AlignmentFlag.AlignVCenter, text)
        finally:
            painter.end()
        return made


@dataclass(slots=True)
class Spells:
    """What is written on one strip."""

    gaps: list[Spell]
    states: list[Spell]
    unread: list[Spell]


class Overlay:
    """Draws on top of the picture; ``spells`` are found again a few strips a frame."""

    def __init__(self, look: Theme) -> None:
        self.look = look
        self.reasons: dict[str, str] = {}
        self.trouble = ""
        """Why what is not read yet cannot be read; empty: it is being read."""
        self._words = Words()
        self._spells: dict[int, Spells] = {}
        self._dots: dict[tuple[str, float], QPixmap] = {}

    def forget(self) -> None:
        """All spells are to be found again."""
        self._spells.clear()

    def find(self, board: Board, rows: Iterable[int]) -> bool:
        """Find the spells of some strips; whether any differ from what was written last."""
        changed = False
        right = board.right
        left = right - board.sheet.arrangement.width + 1
        for row in rows:
            enum = board.specs[row].kind == "enum"
            found = Spells(
                gaps(board.data, row, left, right),
                states(board.data, row, left, right) if enum else [],
                unread(board.data, row, left, right),
            )
            changed |= self._spells.get(row) != found
            self._spells[row] = found
        return changed

    def draw_charts(self, painter: QPainter, board: Board, place: Place) -> None:
        """End dots and words on the charts."""
        here = board.sheet.arrangement
        right = board.sheet.right
        left = right - here.width + 1
        for row in range(here.first, here.last):
            spells = self._spells.get(row)
            if spells is not None:
                reason = self.reasons.get(board.specs[row].key, "no data")
                for spell in spells.gaps:
                    self._reason(painter, board, place, row, spell, left, reason)
                for spell in spells.unread:
                    length = (spell.last + 1 - spell.first) * board.dt
                    self._reason(painter, board, place, row, spell, left, self.trouble or f"reading {duration(length)}")
                for spell in spells.states:
                    self._state(painter, board, place, row, spell, left)
            kind = board.specs[row].kind
            if kind == "score":
                self._threshold(painter, board, place, row)
            if kind != "enum":
                self._dot(painter, board, place, row, left, right)

    def _x(self, place: Place, columns: float) -> float:
        return place.layout.plot_left + columns / place.ratio

    def _reason(
        self, painter: QPainter, board: Board, place: Place, row: int, spell: Spell, left: int, text: str
    ) -> None:
        begin = self._x(place, max(spell.first, left) - left)
        end = self._x(place, min(spell.last + 1, left + board.sheet.arrangement.width) - left)
        rect = place.rect(row, 0, 0)
        if end - begin < 40 or rect.height() < 20:
            return
        middle = (max(spell.first, left) + spell.last) // 2 * board.dt
        ground = self.look.color(_ground(board, row, middle))
        made = self._words.get(text, self.look.color("text_3"), place.ratio, ground=ground)
        width = made.width() / place.ratio
        if end - begin < width + 8:
            return
        painter.drawPixmap(round((begin + end - width) / 2), rect.top() + (rect.height() - 17) // 2, made)

    def _state(self, painter: QPainter, board: Board, place: Place, row: int, spell: Spell, left: int) -> None:
        begin = self._x(place, max(spell.first, left) - left)
        end = self._x(place, spell.last + 1 - left)
        text = board.specs[row].state(spell.state)
        measure = metrics(12)
        if end - begin < 24:
            return
        if measure.horizontalAdvance(text) > end - begin - 12:
            text = measure.elidedText(text, Qt.TextElideMode.ElideRight, int(end - begin - 12))
            if len(text) < 4:
                return
        rect = place.rect(row, 0, 0)
        top, bottom = box(rect.top(), rect.bottom(), 1)
        if bottom - top < 14:
            return
        made = self._words.get(text, self.look.color("text_2"), place.ratio, 12)
        painter.drawPixmap(round(begin) + 7, (top + bottom) // 2 - 8, made)

    def _threshold(self, painter: QPainter, board: Board, place: Place, row: int) -> None:
        rect = place.rect(row, 0, 0)
        y = round(place.y_of(row, board.ranges[row], 1.0))
        if rect.top() + 18 < y < rect.bottom():
            made = self._words.get("threshold", self.look.color("text_2"), place.ratio)
            painter.drawPixmap(place.layout.plot_left + 7, y - 17, made)

    def _dot(self, painter: QPainter, board: Board, place: Place, row: int, left: int, right: int) -> None:
        data = board.data
        time, value = int(data.latest_time[row]), float(data.latest_value[row])
        column = time // data.table.dt
        if time <= NEVER or data.stale[row] or not left <= column <= right:
            return
        rect = place.rect(row, 0, 0)
        y = place.y_of(row, board.ranges[row], value)
        y = min(max(y, rect.top() + 2.0), rect.bottom() - 2.0)
        x = self._x(place, column - left + 0.5)
        painter.drawPixmap(round(x) - _DOT // 2 - 1, round(y) - _DOT // 2 - 1, self._dot_picture(place.ratio))

    def _dot_picture(self, ratio: float) -> QPixmap:
        made = self._dots.get((self.look.name, ratio))
        if made is None:
            side = math.ceil((_DOT + 2) * ratio)
            made = self._dots[self.look.name, ratio] = QPixmap(side, side)
            made.setDevicePixelRatio(ratio)
            made.fill(Qt.GlobalColor.transparent)
            painter = QPainter(made)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.look.color("text"))
            painter.drawEllipse(QRectF(1, 1, _DOT, _DOT))
            painter.end()
        return made

    def draw_cursor(self, painter: QPainter, board: Board, place: Place, column: int) -> None:
        """The line of the cursor and its time on the axis."""
        left = board.sheet.right - board.sheet.arrangement.width + 1
        x = round(self._x(place, column - left))
        bottom = place.layout.view_height
        painter.fillRect(x, 0, 1, bottom + 6, self.look.color("text_2"))
        text = moment(column * board.dt, Clock(board.now, board.origin))
        made = self._words.get(text, self.look.color("text"), place.ratio, 11, 600, self.look.color("panel"))
        width = made.width() / place.ratio
        room = place.layout.gutter_left + 40 - width
        painter.drawPixmap(round(min(max(x - width / 2, place.layout.plot_left - 12), room)), bottom + 6, made)

    def draw_axis(self, painter: QPainter, board: Board, place: Place, width: int) -> None:
        """The time axis along the lower edge."""
        look, layout, ratio = self.look, place.layout, place.ratio
        top = layout.view_height
        painter.fillRect(0, top, width, AXIS_BOTTOM, look.color("panel"))
        painter.fillRect(0, top, width, 1, look.color("line"))
        right = board.sheet.right
        left = right - board.sheet.arrangement.width + 1
        y = top + 7
        text_3 = look.color("text_3")
        painter.drawPixmap(16, y, self._words.get(heading(right * board.dt, board.origin), text_3, ratio))
        taken: list[tuple[float, float]] = []

        def put(text: str, x: float, color: QColor, weight: int, anchor: float) -> None:
            made = self._words.get(text, color, ratio, 11, weight)
            wide = made.width() / ratio
            begin = max(x - anchor * wide, layout.plot_left - 20.0)
            if all(begin > b + 10 or begin + wide < a - 10 for a, b in taken):
                taken.append((begin, begin + wide))
                painter.drawPixmap(round(begin), y, made)

        if board.live:
            put("now", layout.gutter_left, look.color("text"), 600, 0.5)
        shown = {spec.satellite for spec in board.specs}
        for found in sorted(board.findings, key=lambda one: -one.start):
            column = found.start // board.dt
            if found.satellite in shown and left <= column <= right:
                x = self._x(place, column - left)
                painter.fillRect(QRectF(round(x), top, 1, 9), look.color("finding"))
                put(moment(found.start, Clock(board.now, board.origin)), x - 4, look.color("finding"), 600, 1.0)
        step, origin = board.tick_step, board.origin or 0
        begin, end = left * board.dt, (right + 1) * board.dt
        labelled = set(tick_times(begin, end, step, origin))
        for time in tick_times(begin, end, minor_step(step), origin):
            x = self._x(place, time // board.dt - left)
            major = time in labelled
            painter.fillRect(QRectF(round(x), top + 1, 1, 5 if major else 3), look.color("line_strong"))
            if major and x < layout.gutter_left - 12:
                put(label(time, step, board.origin), x, text_3, 400, 0.5)


def _ground(board: Board, row: int, time: int) -> str:
    """The token of a strip's ground at a time."""
    spec = board.specs[row]
    if any(spec.key in one.keys and one.start <= time <= (one.end or board.now) for one in board.findings):
        return "finding_span"
    spans = board.eclipses.get(spec.satellite, ())
    dark = any(start <= time <= (board.now if end is None else end) for start, end in spans)
    return "eclipse" if dark else "plot"
