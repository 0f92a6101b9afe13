"""Buttons, painted: raised, primary, one of a joined group, flat, a tab, a view. GUI thread.

One class instead of a stylesheet: a weight of Plex Sans needs its axis set, and a group of ranges needs to be
joined to the pixel. A mouse click leaves the keyboard where it is; Tab reaches every button.
"""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath
from PySide6.QtWidgets import QAbstractButton, QWidget

from widgets.icons import Icon, draw_icon
from widgets.paint import focus_ring, painted
from widgets.theme import PX, Theme, font, metrics

Look = Literal["raised", "primary", "segment", "flat", "tab", "view"]
_ICON = 16


class Button(QAbstractButton):
    """A button of one ``look``. ``icon`` stands before the words, or after them where ``trailing`` is set.

    ``place`` of a segment says which of its ends are ends of the group: ``first``, ``last`` or empty.
    """

    def __init__(
        self,
        theme: Theme,
        text: str,
        look: Look = "raised",
        *,
        icon: Icon | None = None,
        name: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.look: Look = look
        self.place = ""
        self.padding = {"raised": 12, "primary": 14, "segment": 12, "flat": 8, "tab": 0, "view": 14}[look]
        self._icon: Icon | None = icon
        self.trailing = False
        self.setText(text)
        self.setAccessibleName(name or text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_icon(self, icon: Icon) -> None:
        """Another icon."""
        if icon != self._icon:
            self._icon = icon
            self.update()

    def hint(self, words: str) -> None:
        """What it does and its key, as a tool tip and for a screen reader."""
        self.setToolTip(words)
        self.setAccessibleDescription(words)

    def _weight(self) -> int:
        strong = self.look == "primary" or (self.isChecked() and self.look in ("segment", "tab", "view", "raised"))
        return 600 if strong else 400

    def sizeHint(self) -> QSize:
        """Wide enough for the words at their strongest, so that checking one never moves the others."""
        width = 2 * self.padding
        if self.text():
            width += metrics(PX["font_13"], 600).horizontalAdvance(self.text())
        if self._icon is not None:
            width += _ICON - 2 + (4 if self.text() else 0)
        height = PX["topbar"] if self.look == "view" else PX["dock_header"] if self.look == "tab" else PX["button"]
        return QSize(width, height)

    def minimumSizeHint(self) -> QSize:
        """Words are never cut."""
        return self.sizeHint()

    def _ground(self, painter: QPainter, rect: QRect) -> None:
        if self.look in ("flat", "tab", "view"):
            return
        theme, edges = self.theme, QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5)
        strong = self.isEnabled() and (self.look == "primary" or self.isChecked())
        token = "primary" if strong else "hover" if self.underMouse() or self.isDown() else "raised"
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        path = QPainterPath()
        if self.look == "segment" and self.place != "both":
            # The ends of the group are round; a neighbour's line is shared, hence half a pixel beyond the edge.
            path.setFillRule(Qt.FillRule.WindingFill)
            path.addRoundedRect(edges, PX["radius"], PX["radius"])
            if self.place != "first":
                path.addRect(edges.adjusted(0, 0, -PX["radius"], 0))
            if self.place != "last":
                path.addRect(edges.adjusted(PX["radius"], 0, 0, 0))
            path = path.simplified()
        else:
            path.addRoundedRect(edges, PX["radius"], PX["radius"])
        painter.setPen(theme.color("primary" if strong else "line_strong"))
        painter.setBrush(theme.color(token))
        painter.drawPath(path)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _ink(self) -> QColor:
        theme = self.theme
        if not self.isEnabled():
            return theme.color("disabled")
        if self.look in ("primary", "segment", "raised") and (self.look == "primary" or self.isChecked()):
            return theme.color("primary_text")
        quiet = self.look in ("flat", "segment", "tab", "view") and not self.isChecked()
        return theme.color("text_2" if quiet and not self.underMouse() else "text")

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground, words, icon, and the line or ring that the look has."""
        rect = self.rect()
        self._ground(painter, rect)
        ink, weight = self._ink(), self._weight()
        text = metrics(PX["font_13"], weight).horizontalAdvance(self.text())
        icon = 0 if self._icon is None else _ICON - 2 + (4 if self.text() else 0)
        left = (rect.width() - text - icon) // 2 if self.look != "tab" else 0
        at = left if self.trailing or not icon else left + icon
        painter.setFont(font(PX["font_13"], weight))
        painter.setPen(ink)
        painter.drawText(QRect(at, 0, text + 2, rect.height()), Qt.AlignmentFlag.AlignVCenter, self.text())
        if self._icon is not None:
            x = left + text + 4 if self.trailing else left - 1
            draw_icon(painter, x, (rect.height() - _ICON) / 2, self._icon, ink, _ICON)
        if self.look == "view" and self.isChecked():
            painter.fillRect(0, rect.height() - 3, rect.width(), 2, self.theme.color("text"))
        self._ring(painter)

    def _ring(self, painter: QPainter) -> None:
        if self.hasFocus():
            focus_ring(painter, self.rect(), self.theme, PX["radius"])
