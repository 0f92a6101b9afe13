"""What the mouse asks of the charts: select, pan, zoom in time or value, fit. GUI thread."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from widgets.strips.heads import Place

_DRAG = 4
_ZOOM = 1.25
_STAY = 0.85
"""A zoom this far to the right keeps a live chart live: its newest column is what is looked at."""


class Charts(Protocol):
    """What the pointer works on."""

    def place(self) -> Place:
        """Where the strips are."""

    def time_span(self) -> tuple[int, int, bool]:
        """Right edge (UTC microseconds), span, and whether the right edge follows the clock."""

    def show_time(self, right: int, span: int, live: bool) -> None:
        """Show another stretch of time, and say so."""

    def choose(self, row: int) -> None:
        """Select a strip."""

    def fit(self, row: int) -> None:
        """Fit y of a strip."""

    def zoom_y(self, row: int, factor: float, share: float) -> None:
        """Zoom y of a strip about a share of its height."""


class Pointer:
    """Mouse events in, intentions out."""

    def __init__(self, charts: Charts) -> None:
        self._charts = charts
        self._pressed: QPointF | None = None
        self._from: tuple[int, int, bool] = (0, 1, True)
        self._dragging = False

    def press(self, event: QMouseEvent) -> None:
        """A click or a drag begins."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragging = event.position(), False
            self._from = self._charts.time_span()

    def move(self, event: QMouseEvent) -> bool:
        """Pan while the button is down; whether it is."""
        layout = self._charts.place().layout
        if self._pressed is None or self._pressed.x() < layout.plot_left:
            return self._pressed is not None
        dx = event.position().x() - self._pressed.x()
        if self._dragging or abs(dx) > _DRAG:
            self._dragging = True
            right, span, _ = self._from
            self._charts.show_time(right - round(dx * span / layout.plot_width), span, False)
        return True

    def release(self, event: QMouseEvent) -> None:
        """A press that has not moved selects."""
        if self._pressed is not None and not self._dragging:
            row = self._row(event.position())
            if row is not None:
                self._charts.choose(row)
        self._pressed = None

    def double(self, event: QMouseEvent) -> None:
        """Fit y."""
        row = self._row(event.position())
        if row is not None and event.position().x() >= self._charts.place().layout.head:
            self._charts.fit(row)

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom time at the pointer; with Shift pan; with Ctrl zoom the strip's values."""
        place = self._charts.place()
        steps = (event.angleDelta().y() or event.angleDelta().x()) / 120
        if not steps:
            return
        right, span, live = self._charts.time_span()
        modifiers = event.modifiers()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self._zoom_y(event.position(), place, _ZOOM**-steps)
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            self._charts.show_time(right - round(steps * span / 10), span, False)
        else:
            share = (event.position().x() - place.layout.plot_left) / place.layout.plot_width
            share = min(max(share, 0.0), 1.0)
            wanted = round(span * _ZOOM**-steps)
            pivot = right - round(span * (1 - share))
            stay = live and (steps < 0 or share >= _STAY)
            self._charts.show_time(pivot + round(wanted * (1 - share)), wanted, stay)

    def _zoom_y(self, at: QPointF, place: Place, factor: float) -> None:
        row = self._row(at)
        if row is not None:
            rect = place.rect(row, 0, 0)
            self._charts.zoom_y(row, factor, min(max((rect.bottom() - at.y()) / max(1, rect.height()), 0.0), 1.0))

    def _row(self, at: QPointF) -> int | None:
        place = self._charts.place()
        return None if at.y() >= place.layout.view_height else place.layout.strip_at(at.y() + place.scroll)
