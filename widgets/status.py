"""The strip at the bottom: source, rate, sample to score, queue, skipped | engine, recording. GUI thread.

Painted as one widget: it is handed new figures several times a second, and nothing of it may move when one of
them gains a digit.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QToolTip, QWidget

from widgets import text
from widgets.model import Kind, Mark, StatusView
from widgets.paint import focus_ring, painted, write
from widgets.shapes import draw_mark, draw_square
from widgets.theme import PX, Theme, metrics

_PAD = 14
_SQUARE = 13


@dataclass(frozen=True, slots=True)
class Segment:
    """One entry: runs of words, each strong or not; a square or a shape before them; the sentence of its tip."""

    name: str
    runs: tuple[tuple[str, bool], ...]
    square: bool | None = None
    mark: Mark | None = None
    tip: str = ""

    @property
    def words(self) -> str:
        """All of it as one text."""
        return " ".join(run for run, _ in self.runs)


def left_segments(view: StatusView) -> list[Segment]:
    """What stands at the left: where samples come from and how they fare."""
    out = [Segment("source", ((view.state, True), (view.source, False)), square=view.well)]
    if view.behind >= text.SECOND:
        words = f"{text.duration(view.behind)} behind its speed"
        out.append(Segment("behind", ((words, True),), tip="The session cannot hold the speed asked for."))
    if view.rate is not None:
        rate = text.number(view.rate)
        out.append(Segment("rate", ((f"{rate} samples/s", False),), tip="Samples received in the last second."))
    if view.delay is not None:
        delay = f"{text.number(view.delay / 1000)} ms"
        tip = "From a sample's arrival to its score, median."
        out.append(Segment("delay", (("sample to score", False), (delay, True)), tip=tip))
    if view.bound:
        queue = f"queue {text.number(view.waiting)} of {text.number(view.bound)}"
        out.append(Segment("queue", ((queue, False),), tip="Windows that wait for a score."))
    skipped = text.counted(view.skipped, "window") + " skipped"
    tip = "Windows of a live source that were never scored: a recorded gap in the scores, none in the samples."
    out.append(Segment("skipped", ((skipped, view.skipped > 0),), tip=tip))
    if view.quality:
        out.append(Segment("quality", ((view.quality, False),), tip=view.quality_tip))
    return out


def right_segments(view: StatusView) -> list[Segment]:
    """What stands at the right: who scores, and whether it is recorded."""
    out = []
    if view.engine:
        tip = f"{view.engine_reason} More in Scoring (Ctrl+2).".lstrip()
        out.append(Segment("engine", ((view.engine, False),), square=view.engine_well, tip=tip))
    if view.recording:
        parts = ["Recording"]
        if view.size is not None:
            parts.append(text.size(view.size))
        if view.days_left is not None and view.days_left >= 0:
            parts.append(f"{text.counted(view.days_left, 'day')} left")
        tip = ""
        if view.growth is not None:
            tip = f"The archive grows by {text.size(view.growth)} a day; days are left until the disk is full."
        out.append(Segment("recording", ((", ".join(parts), False),), square=True, tip=tip))
    elif view.recording is not None:
        lost = f", {text.counted(view.lost, 'sample')} lost" if view.lost else ""
        tip = "Watching and limits go on; recording resumes by itself when it can."
        out.append(Segment("recording", ((f"NOT RECORDING{lost}", True),), mark=Mark(Kind.CRITICAL), tip=tip))
    return out


class StatusStrip(QWidget):
    """Handed a ``StatusView``. Left and Right walk its entries when it has the keyboard, and say their tips.

    A click on one, or Enter, says ``chosen`` with its name.
    """

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._view: StatusView | None = None
        self._widest: dict[str, int] = {}
        self._places: list[tuple[QRect, Segment]] = []
        self._current = 0
        self.setFixedHeight(PX["status_strip"])
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Status")

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = theme
        self.update()

    def set_status(self, view: StatusView) -> None:
        """Show new figures; nothing is drawn where they say the same."""
        if view != self._view:
            self._view = view
            words = "; ".join(s.words for s in (*left_segments(view), *right_segments(view)))
            self.setAccessibleDescription(words)
            self.update()

    def segments(self) -> list[Segment]:
        """The entries that have room, from left to right."""
        self._lay_out()
        return [segment for _, segment in self._places]

    def _width(self, segment: Segment) -> int:
        width = sum(metrics(12, 600 if strong else 400).horizontalAdvance(run) for run, strong in segment.runs)
        width += 5 * (len(segment.runs) - 1)
        if segment.square is not None:
            width += _SQUARE
        elif segment.mark is not None:
            width += PX["shape_small"] + 6
        # An entry never shrinks: a queue of 9 and one of 10 leave its neighbours where they are.
        widest = self._widest[segment.name] = max(width, self._widest.get(segment.name, 0))
        return width if segment.name in ("source", "engine", "recording") else widest

    def _lay_out(self) -> None:
        self._places = []
        if self._view is None:
            return
        height, end = self.height(), self.width() - 1
        for segment in reversed(right_segments(self._view)):
            width = self._width(segment)
            self._places.insert(0, (QRect(end - _PAD - width, 0, width, height), segment))
            end -= width + 2 * _PAD
        x, left = _PAD - 1, []
        for segment in left_segments(self._view):
            width = self._width(segment)
            if x + width + _PAD > end:
                break
            left.append((QRect(x, 0, width, height), segment))
            x += width + 2 * _PAD
        self._places = left + self._places

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Every entry, parted by lines."""
        theme, height = self.theme, self.height()
        painter.fillRect(self.rect(), theme.color("panel"))
        painter.fillRect(0, 0, self.width(), 1, theme.color("line"))
        self._lay_out()
        for i, (place, segment) in enumerate(self._places):
            x = place.x()
            joined = i > 0 and place.x() - self._places[i - 1][0].right() < 3 * _PAD
            if joined:
                painter.fillRect(x - _PAD, height // 2 - 7, 1, 14, theme.color("line_strong"))
            if segment.square is not None:
                draw_square(painter, x, height // 2 - 3, theme, segment.square)
                x += _SQUARE
            elif segment.mark is not None:
                draw_mark(painter, x, (height - PX["shape_small"]) // 2, segment.mark, PX["shape_small"], theme)
                x += PX["shape_small"] + 6
            for run, strong in segment.runs:
                color = self._ink(segment, strong)
                room = QRect(x, 1, self.width(), height - 1)
                x += write(painter, room, run, color, 12, 600 if strong else 400) + 5
            if self.hasFocus() and i == self._current:
                focus_ring(painter, place.adjusted(-6, 2, 6, -2), theme)

    def _ink(self, segment: Segment, strong: bool) -> QColor:
        if segment.mark is not None:
            return self.theme.color(segment.mark.kind.value)
        return self.theme.color("text" if strong else "text_2")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk the entries, or choose the one that it is on."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._places:
            self.chosen.emit(self._places[min(self._current, len(self._places) - 1)][1].name)
            return
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self._places:
            event.ignore()
            return
        self._current = min(max(0, self._current + step), len(self._places) - 1)
        place, segment = self._places[self._current]
        QToolTip.showText(self.mapToGlobal(place.topLeft()), segment.tip, self)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the entry under the pointer."""
        segment = self._at(event.position().toPoint())
        if segment is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(segment.name)

    def event(self, event: QEvent) -> bool:
        """The tip of the entry under the pointer."""
        if isinstance(event, QHelpEvent) and (segment := self._at(event.pos())) is not None:
            QToolTip.showText(event.globalPos(), segment.tip, self)
            return True
        return super().event(event)

    def _at(self, point: QPoint) -> Segment | None:
        return next((one for place, one in self._places if place.adjusted(-_PAD, 0, _PAD, 0).contains(point)), None)
