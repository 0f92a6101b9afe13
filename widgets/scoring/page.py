"""The page Scoring: what scores, its servers and GPUs, and what can be done about them, at the left; the pool and the
server's log at the right.

GUI thread. Handed values, it emits what is to be read and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QKeySequence, QPainter, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from widgets.paint import painted, write
from widgets.scoring.actions import ActionsPart
from widgets.scoring.lines import LinesPart
from widgets.scoring.model import ScoringView, Section
from widgets.scoring.section import PAD, SectionPart
from widgets.theme import PX, Theme

_LEFT = 0.46
"""Share of the width that the left column has."""
_POOL = 0.6
"""Share of the height that the pool may have before it scrolls."""


class Heading(QWidget):
    """What scores, and since when."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.title = self.since = ""
        self.setFixedHeight(PX["space_3"] + PX["line_22"] + PX["line_13"] + PX["space_2"])

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        self.update()

    def say(self, title: str, since: str) -> None:
        """Other words."""
        self.title, self.since = title, since
        self.setAccessibleName(f"{title}, {since}")
        self.update()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Two lines."""
        theme, width = self._theme, self.width() - 2 * PAD
        painter.fillRect(self.rect(), theme.color("panel"))
        top = PX["space_3"]
        title = QRect(PAD, top, width, PX["line_22"])
        write(painter, title, self.title, theme.color("text"), PX["font_22"], 600)
        since = QRect(PAD, top + PX["line_22"], width, PX["line_13"])
        write(painter, since, self.since, theme.color("text_2"), PX["font_13"])


class Column(QScrollArea):
    """Sections under each other; arrows and pages scroll it where it has the keyboard."""

    def __init__(self, theme: Theme, name: str, *above: QWidget) -> None:
        super().__init__()
        self._theme = theme
        self.sections: list[SectionPart] = []
        body = QWidget()
        self._rows = QVBoxLayout(body)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        for widget in above:
            self._rows.addWidget(widget)
        self._rows.addStretch(1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setProperty("ring", True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        for part in self.sections:
            part.set_theme(theme)

    def set_sections(self, sections: Sequence[Section]) -> None:
        """Show these; a section that goes on being there keeps its place."""
        while len(self.sections) > len(sections):
            part = self.sections.pop()
            self._rows.removeWidget(part)
            part.hide()
            part.deleteLater()
        for part, section in zip(self.sections, sections, strict=False):
            part.set_section(section)
        for section in sections[len(self.sections) :]:
            part = SectionPart(self._theme, section)
            self._rows.insertWidget(self._rows.count() - 1, part)
            self.sections.append(part)

    def wanted_height(self, width: int) -> int:
        """To show all of the sections at this width."""
        frame = 2 * PX["focus_ring"]
        return sum(part.needed(width - frame) for part in self.sections) + frame


class ScoringPage(QWidget):
    """Says ``opened`` whenever it comes to be shown: what it shows is asked for only while somebody looks."""

    opened = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.view = ScoringView()
        self.heading = Heading(theme)
        self.left = Column(theme, "What scores", self.heading)
        self.pool = Column(theme, "Workers")
        self.lines = LinesPart(theme)
        self.foot = ActionsPart(theme)
        for part in (self.left, self.foot, self.pool, self.lines):
            part.setParent(self)
        self.setAccessibleName("Scoring")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        QShortcut(QKeySequence("F5"), self, self.lines.ask, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._show()

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        for part in (self.heading, self.left, self.foot, self.pool, self.lines):
            part.set_theme(theme)
        self.update()

    def set_view(self, view: ScoringView) -> None:
        """Show this."""
        if view != self.view:
            self.view = view
            self._show()

    def _show(self) -> None:
        view = self.view
        self.heading.say(view.title, view.since)
        self.left.set_sections((view.now, *view.below))
        self.pool.set_sections((view.pool,))
        self._place()

    def _place(self) -> None:
        left, height = round(self.width() * _LEFT), self.height()
        right = self.width() - left - 1
        down = self.foot.height()
        self.left.setGeometry(0, 0, left, height - down)
        self.foot.setGeometry(0, height - down, left, down)
        pool = min(self.pool.wanted_height(right), round(height * _POOL))
        self.pool.setGeometry(left + 1, 0, right, pool)
        self.lines.setGeometry(left + 1, pool, right, height - pool)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two columns."""
        self._place()

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks."""
        super().showEvent(event)
        self.opened.emit()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """The ground, and the line between the columns."""
        painter.fillRect(self.rect(), self._theme.color("panel"))
        painter.fillRect(self.left.width(), 0, 1, self.height(), self._theme.color("line"))
