"""Rows of traces over one axis of hours, painted as a PNG in the light theme. GUI thread; offscreen is enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from widgets.theme import font, theme

Floats = npt.NDArray[np.float64]
Span = tuple[float, float]

WIDTH = 1200
_LEFT, _RIGHT, _TOP, _BOTTOM = 292, 16, 12, 40
_GAP = 8
_NUMBERS = 44  # pixels for the numbers of a row's own axis
_LOOK = theme("light")


@dataclass(frozen=True, slots=True)
class Trace:
    """``values`` (n,) at ``hours`` (n,), in the colour ``token``; NaN where there is no value.

    With ``mean`` the range of each pixel is pale and its mean is the line: for what moves much within a pixel.
    """

    hours: Floats
    values: Floats
    token: str = "trace"
    width: float = 1.0
    steps: bool = False
    mean: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One label and what stands beside it; ``fault`` is (onset, end) and ``visible`` a moment, in hours.

    ``missing`` holds the hours at which there is no value; ``states`` names codes instead of numbers.
    """

    title: str
    notes: tuple[str, ...]
    traces: tuple[Trace, ...]
    fault: Span | None = None
    visible: float | None = None
    missing: Floats | None = None
    states: tuple[tuple[int, str], ...] = ()
    height: int = 60


def paint(path: Path, rows: Sequence[Row], hours: Span, eclipses: Sequence[Span], axis: str = "hours") -> None:
    """Write ``rows`` over the time ``hours`` to ``path``, eclipses as a grey ground."""
    height = _TOP + sum(row.height + _GAP for row in rows) + _BOTTOM
    image = QImage(WIDTH, height, QImage.Format.Format_RGB32)
    image.fill(_LOOK.color("raised"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    try:
        y = float(_TOP)
        for row in rows:
            _Box(painter, QRectF(_LEFT, y, WIDTH - _LEFT - _RIGHT, row.height), row, hours).paint(eclipses)
            y += row.height + _GAP
        _axis(painter, y - _GAP, hours, axis)
    finally:
        painter.end()
    image = image.convertToFormat(QImage.Format.Format_Indexed8, _shades(), Qt.ImageConversionFlag.AvoidDither)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not image.save(str(path), quality=0):
        raise OSError(f"{path} cannot be written")


def _shades() -> list[int]:
    """The colours of a picture, of which a file need hold only the numbers: each ink over each ground, in steps."""
    traces = ("trace", "finding", "line_strong", "disabled", "trace_2", "trace_3", "trace_4", "text_3")
    over: dict[str, tuple[str, ...]] = {
        "raised": ("text", "text_2", "text_3", "line_strong"),
        "plot": (*traces, "line"),
        "hover": (*traces, "line"),
        "disabled": ("finding",),
        "line_strong": ("trace",),
    }
    shades: dict[int, None] = {}
    for ground, inks in over.items():
        below = _rgb(ground)
        for ink in inks:
            above, most = _rgb(ink), 5 if ink.startswith("trace_") else 9
            for share in (number / most for number in range(most + 1)):
                mixed = (round(b + share * (a - b)) for a, b in zip(above, below, strict=True))
                shades[QColor(*mixed).rgb()] = None
    assert len(shades) <= 256
    return list(shades)


def _rgb(token: str) -> tuple[int, int, int]:
    color = _LOOK.color(token)
    return color.red(), color.green(), color.blue()


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` + 1 round numbers between ``low`` and ``high``."""
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= rough)
    first = int(np.ceil(low / step - 1e-9))
    return [number * step for number in range(first, int(np.floor(high / step + 1e-9)) + 1)]


@dataclass(frozen=True, slots=True)
class _Box:
    painter: QPainter
    box: QRectF
    row: Row
    hours: Span

    def paint(self, eclipses: Sequence[Span]) -> None:
        painter, box, row = self.painter, self.box, self.row
        painter.fillRect(box, _LOOK.color("plot"))
        for start, end in eclipses:
            left, right = max(self.x(start), box.left()), min(self.x(end), box.right())
            if right > left:
                painter.fillRect(QRectF(left, box.top(), right - left, box.height()), _LOOK.color("hover"))
        low, high = self._range()
        self._numbers(low, high)
        painter.save()
        painter.setClipRect(box)
        for trace in row.traces:
            for part, token in self._lines(trace, low, high):
                painter.setPen(QPen(_LOOK.color(token), trace.width))
                painter.drawPolyline(part)
        if row.fault is not None:
            self._marks(*row.fault)
        painter.restore()
        self._label()

    def x(self, hour: float) -> float:
        return self.box.left() + (hour - self.hours[0]) / (self.hours[1] - self.hours[0]) * self.box.width()

    def _range(self) -> Span:
        if self.row.states:
            return self.row.states[0][0] - 0.5, self.row.states[-1][0] + 0.5
        low = min(float(np.nanmin(trace.values)) for trace in self.row.traces)
        high = max(float(np.nanmax(trace.values)) for trace in self.row.traces)
        pad = 0.07 * (high - low) or 0.5
        return low - pad, high + pad

    def _y(self, values: Floats, low: float, high: float) -> Floats:
        y: Floats = self.box.bottom() - (values - low) / (high - low) * self.box.height()
        return y

    def _lines(self, trace: Trace, low: float, high: float) -> Iterator[tuple[QPolygonF, str]]:
        """Each unbroken part and its colour; a pixel has its first, least, greatest and last value at most."""
        x = self.box.left() + (trace.hours - self.hours[0]) / (self.hours[1] - self.hours[0]) * self.box.width()
        y = self._y(trace.values, low, high)
        good = np.isfinite(y)
        x, y = x[good], y[good]
        if len(x) < 2:
            return
        pace = float(np.median(np.diff(x)))
        for part in np.split(np.arange(len(x)), np.flatnonzero(np.diff(x) > 1.5 * pace) + 1):
            px, py = x[part], y[part]
            if len(px) > 4 * (px[-1] - px[0] + 1):
                starts = np.flatnonzero(np.diff(np.floor(px), prepend=-1.0))
                ends = np.append(starts[1:], len(px)) - 1
                least, most = np.minimum.reduceat(py, starts), np.maximum.reduceat(py, starts)
                if trace.mean:
                    middle = np.add.reduceat(py, starts) / (ends - starts + 1)
                    yield (
                        _polygon(np.repeat(np.floor(px[starts]) + 0.5, 2), np.stack([least, most], 1).ravel()),
                        "line_strong",
                    )
                    yield _polygon(np.floor(px[starts]) + 0.5, middle), trace.token
                    continue
                py = np.stack([py[starts], least, most, py[ends]], axis=1).ravel()
                px = np.repeat(np.floor(px[starts]) + 0.5, 4)
            elif trace.steps:
                px, py = np.repeat(px, 2)[1:], np.repeat(py, 2)[:-1]
            yield _polygon(px, py), trace.token

    def _numbers(self, low: float, high: float) -> None:
        painter, box = self.painter, self.box
        if self.row.states:
            told = [(float(code), name) for code, name in self.row.states]
        else:
            marks = ticks(low, high, int(box.height() // 15))
            step = abs(marks[1] - marks[0]) if len(marks) > 1 else abs(marks[0]) or 1.0
            told = [(mark, _number(mark, step)) for mark in marks]
        painter.setFont(font(11))
        for value, text in told:
            y = float(self._y(np.array([value]), low, high)[0])
            painter.setPen(QPen(_LOOK.color("line"), 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
            if box.top() + 3 <= y <= box.bottom() - 3:
                painter.setPen(_LOOK.color("text_3"))
                place = QRectF(box.left() - 126, y - 8, 120, 16)
                painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)

    def _marks(self, onset: float, end: float) -> None:
        painter, box = self.painter, self.box
        painter.setPen(QPen(_LOOK.color("text_2"), 1.0))
        painter.drawLine(QPointF(self.x(onset), box.top()), QPointF(self.x(onset), box.bottom()))
        painter.setPen(QPen(_LOOK.color("text_3"), 1.0, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(self.x(end), box.top()), QPointF(self.x(end), box.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_LOOK.color("finding"))
        if self.row.missing is not None:
            second = max(1.0, self.x(1 / 3600) - self.x(0.0))
            for hour in self.row.missing.tolist():
                painter.drawRect(QRectF(self.x(hour), box.bottom() - 5, second, 5))
        if self.row.visible is not None:
            x, top = self.x(self.row.visible), box.top()
            painter.drawPolygon([QPointF(x - 6, top), QPointF(x + 6, top), QPointF(x, top + 10)])
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _label(self) -> None:
        painter, box, row = self.painter, self.box, self.row
        width = box.left() - 16 - _NUMBERS
        y = box.top() + (box.height() - 17 - 15 * len(row.notes)) / 2
        painter.setFont(font(13, 600))
        painter.setPen(_LOOK.color("text"))
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(14, y, width, 17), align, row.title)
        painter.setFont(font(11))
        painter.setPen(_LOOK.color("text_2"))
        for number, note in enumerate(row.notes):
            painter.drawText(QRectF(14, y + 17 + 15 * number, width, 15), align, note)


def _number(mark: float, step: float) -> str:
    """With as many decimals as multiples of ``step`` need."""
    places = next(n for n in range(8) if abs(round(step, n) - step) < 1e-6 * step)
    return f"{round(mark, places) + 0.0:,.{places}f}".replace("-", "−")


def _polygon(x: Floats, y: Floats) -> QPolygonF:
    return QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)])


def _axis(painter: QPainter, y: float, hours: Span, name: str) -> None:
    width = WIDTH - _LEFT - _RIGHT
    painter.setFont(font(11))
    marks = ticks(*hours, 12)
    step = marks[1] - marks[0]
    if hours == (0.0, 24.0):
        marks, step = [float(hour) for hour in range(0, 25, 2)], 2.0
    painter.setPen(QPen(_LOOK.color("line_strong"), 1.0))
    painter.drawLine(QPointF(_LEFT, y + 2), QPointF(WIDTH - _RIGHT, y + 2))
    for mark in marks:
        x = _LEFT + (mark - hours[0]) / (hours[1] - hours[0]) * width
        painter.setPen(QPen(_LOOK.color("line_strong"), 1.0))
        painter.drawLine(QPointF(x, y + 2), QPointF(x, y + 6))
        painter.setPen(_LOOK.color("text_3"))
        painter.drawText(QRectF(x - 30, y + 7, 60, 15), Qt.AlignmentFlag.AlignCenter, _number(mark, step))
    painter.setPen(_LOOK.color("text_2"))
    painter.drawText(QRectF(_LEFT, y + 21, width, 15), Qt.AlignmentFlag.AlignCenter, name)
