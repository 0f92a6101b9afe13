"""One section of the page Scoring, painted: head, sentences, table, facts. GUI thread.

Painted as one widget, since its figures change every second and nothing of it may move when they do.
"""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from widgets.attention import draw_head
from widgets.model import Mark
from widgets.paint import LEFT, RIGHT, legible, painted, write
from widgets.scoring.model import Fact, Remark, Row, Section, Table
from widgets.shapes import draw_mark
from widgets.theme import PX, Theme, font, metrics

PAD = 14
_GAP = 20
_GAPS = (10, 44)
"""Least and most between two columns."""
_LINE = 24
_SHAPE = PX["shape_small"] + 6
_BAR = 8
_NAME, _VALUE = 108, 132
"""Widths of a name and of a value that have a bar between them."""
_WRAP = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)


class SectionPart(QWidget):
    """Handed a ``Section``; as high as that needs at the width there is."""

    def __init__(self, theme: Theme, section: Section) -> None:
        super().__init__()
        self._theme = theme
        self.section = section
        self._wide = 0
        self._widest: dict[str, int] = {}
        self._say()

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        self.update()

    def set_section(self, section: Section) -> None:
        """Show this."""
        if section != self.section:
            self.section = section
            self._say()
            self.fit(self.width())
            self.update()

    def _say(self) -> None:
        self.setAccessibleName(self.section.title or "What scores")
        self.setAccessibleDescription(words_of(self.section))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Sentences wrap anew."""
        self.fit(self.width())

    def fit(self, width: int) -> None:
        """Be as high as is needed at this width."""
        height = self.needed(width)
        if height != self.height():
            self.setFixedHeight(height)

    def needed(self, width: int) -> int:
        """The height that is needed at this width, which may be had only later."""
        self._wide = width
        return self._draw(None)

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """All of it."""
        painter.fillRect(self.rect(), self._theme.color("panel"))
        self._wide = self.width()
        self._draw(painter)

    def _draw(self, painter: QPainter | None) -> int:
        """Draw, or without a painter only measure; the height."""
        section, y = self.section, 0
        if section.title:
            head = QRect(0, 0, self._wide, PX["group_header"])
            if painter is not None:
                draw_head(painter, head, section.title, section.note, self._theme)
            y = head.height() + PX["space_2"]
        for remark in section.remarks:
            y = self._remark(painter, y, remark) + PX["space_1"]
        if section.table.columns:
            y = self._table(painter, y, section.table) + PX["space_2"]
        if section.facts:
            y = self._facts(painter, y, section.facts)
        return y + PX["space_2"]

    def _remark(self, painter: QPainter | None, y: int, remark: Remark, x: int = PAD) -> int:
        x += 0 if remark.mark is None else _SHAPE
        room = QRect(x, y + 2, max(1, self._wide - x - PAD), 10_000)
        words = legible(remark.words)
        used = metrics(PX["font_13"]).boundingRect(room, _WRAP, words).height()
        if painter is not None:
            if remark.mark is not None:
                draw_mark(painter, PAD, y + 4, remark.mark, PX["shape_small"], self._theme)
            painter.setFont(font(PX["font_13"]))
            painter.setPen(self._theme.color("text_2" if remark.mark is None else "text"))
            painter.drawText(room, _WRAP, words)
        return y + 2 + used

    def _table(self, painter: QPainter | None, y: int, table: Table) -> int:
        places = self._columns(table)
        if painter is not None:
            for number, (head, (x, width)) in enumerate(zip(table.columns, places, strict=True)):
                align = LEFT if number < table.words else RIGHT
                write(painter, QRect(x, y, width, _LINE), head, self._theme.color("text_3"), 12, 400, align)
        y += _LINE
        for row in table.rows:
            if painter is not None:
                self._row(painter, y, row, table.words, places)
            y += _LINE
            if row.note:
                y = self._remark(painter, y - 4, Remark(row.note), PAD + _SHAPE) + PX["space_1"]
        return y

    def _columns(self, table: Table) -> list[tuple[int, int]]:
        """Where each column begins and how wide it is: the figures as they need, the first has what is left."""
        small, usual = metrics(12), metrics(PX["font_13"])
        widths = []
        for number, head in enumerate(table.columns):
            cells = [usual.horizontalAdvance(legible(row.cells[number])) for row in table.rows]
            # A column never gets narrower: a worker that begins to wait leaves the others' figures where they are.
            wide = max(small.horizontalAdvance(head), *cells, self._widest.get(head, 0)) + 1
            self._widest[head] = wide - 1
            widths.append(wide)
        room = self._wide - 2 * PAD - sum(widths[1:])
        gap = min(_GAPS[1], max(_GAPS[0], (room - widths[0] - _SHAPE) // (len(widths) - 1)))
        widths[0] = max(1, room - gap * (len(widths) - 1))
        places, x = [], PAD
        for width in widths:
            places.append((x, width))
            x += width + gap
        return places

    def _row(self, painter: QPainter, y: int, row: Row, words: int, places: list[tuple[int, int]]) -> None:
        theme = self._theme
        if row.mark is not None:
            draw_mark(painter, PAD, y + (_LINE - PX["shape_small"]) // 2, row.mark, PX["shape_small"], theme)
        for number, (cell, (x, width)) in enumerate(zip(row.cells, places, strict=True)):
            room = QRect(x, y, width, _LINE)
            if number == 0:
                room.adjust(_SHAPE if row.mark is not None else 0, 0, 0, 0)
            quiet = 0 < number < words and row.mark is None
            ink = theme.color("text_2" if quiet else "text")
            write(painter, room, cell, ink, 13, 400 if number else 500, LEFT if number < words else RIGHT)

    def _facts(self, painter: QPainter | None, y: int, facts: tuple[Fact, ...]) -> int:
        """A line each, or two on one line where both have room."""
        half, x = (self._wide - 2 * PAD - 2 * _GAP) // 2, 0
        for fact in facts:
            short = fact.share is None and _needs(fact) <= half
            if x and not short:
                x, y = 0, y + _LINE
            if painter is not None:
                width = half if short else self._wide - 2 * PAD
                self._fact(painter, QRect(PAD + x, y, width, _LINE), fact)
            if short and not x:
                x = half + 2 * _GAP
            else:
                x, y = 0, y + _LINE
        return y + (_LINE if x else 0)

    def _fact(self, painter: QPainter, room: QRect, fact: Fact) -> None:
        theme = self._theme
        named = write(painter, room, fact.name, theme.color("text_2")) + _GAP
        if fact.share is not None:
            bar = QRect(room.x() + _NAME, 0, room.width() - _NAME - _VALUE, _BAR)
            bar.moveTop(room.center().y() - _BAR // 2)
            painter.fillRect(bar, theme.color("raised"))
            bar.setWidth(round(bar.width() * min(max(fact.share, 0.0), 1.0)))
            painter.fillRect(bar, theme.color("text_2"))
        shape = 0 if fact.mark is None else _SHAPE
        value = room.adjusted(named + shape, 0, 0, 0)
        used = write(
            painter, value, fact.value, theme.color("text"), 13, 400, RIGHT, elide=Qt.TextElideMode.ElideMiddle
        )
        if fact.mark is not None:
            x = room.right() + 1 - used - shape
            draw_mark(painter, x, room.y() + (_LINE - PX["shape_small"]) // 2, fact.mark, PX["shape_small"], theme)


def _needs(fact: Fact) -> int:
    words = metrics(PX["font_13"]).horizontalAdvance(legible(fact.name + fact.value))
    return words + _GAP + (0 if fact.mark is None else _SHAPE)


def words_of(section: Section) -> str:
    """A section for a screen reader: marks are words there."""
    said = [f"{_word(one.mark)}{one.words}" for one in section.remarks]
    for row in section.table.rows:
        cells = ", ".join(f"{head} {cell}" for head, cell in zip(section.table.columns, row.cells, strict=True))
        said.append(f"{_word(row.mark)}{cells} {row.note}".rstrip())
    said += [f"{_word(one.mark)}{one.name} {one.value}" for one in section.facts]
    return "; ".join(said)


def _word(mark: Mark | None) -> str:
    return "" if mark is None else f"{mark.kind.value}: "
