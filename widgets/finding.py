"""A finding opened below its row: what departs and how much, the score, since when, who saw it. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter

from widgets import text
from widgets.model import Clock, Departure, FindingRow
from widgets.paint import RIGHT, write
from widgets.theme import Theme, font, metrics

MOST = 5
"""Channels that have a bar of their own; the others share one line."""
_BAR, _LINE = 22, 19


def facts(row: FindingRow, clock: Clock) -> list[tuple[str, str]]:
    """Name and value of each line under the bars."""
    out = []
    if row.score > 0:
        at = f" at {text.moment(row.peak, clock)}" if row.peak is not None else ""
        out.append(("Score", f"peak {text.over_threshold(row.score)}{at}"))
    if row.onset is not None and row.onset < row.start:
        out.append(("Rising from", text.moment(row.onset, clock)))
    out.append(("Since", text.moment(row.start, clock)))
    lasted = text.duration((clock.now if row.open else row.end) - row.start)
    out.append(("Lasts" if row.open else "Lasted", lasted))
    if row.judge:
        out.append(("Seen by", row.judge))
    if row.seconded:
        out.append(("Seconded by", ", ".join(row.seconded)))
    return out


def _shown(row: FindingRow) -> list[tuple[str, float]]:
    ranked = sorted(row.departures, key=lambda d: -d.share)
    shown = [(d.name, d.share) for d in ranked[:MOST]]
    rest = ranked[MOST:]
    if rest:
        shown.append((f"{len(rest)} more", sum(d.share for d in rest)))
    return shown


def percents(shares: list[float]) -> list[int]:
    """Shares as whole per cent that add up to what the shares add up to: the largest remainders are rounded up."""
    floors = [int(share * 100) for share in shares]
    short = round(sum(shares) * 100) - sum(floors)
    by_rest = sorted(range(len(shares)), key=lambda i: floors[i] - shares[i] * 100)
    for i in by_rest[: max(0, short)]:
        floors[i] += 1
    return floors


def _response_height(row: FindingRow, width: int) -> int:
    """What the response needs, wrapped to ``width``."""
    if not row.response:
        return 0
    room = QRect(0, 0, max(1, width - 26), 10_000)
    return metrics(12).boundingRect(room, Qt.TextFlag.TextWordWrap, row.response).height() + 12


def detail_height(row: FindingRow, width: int) -> int:
    """Logical pixels that the details need in a dock of ``width``."""
    lines = len(facts(row, Clock(row.end)))
    bars = 30 + _BAR * len(_shown(row)) if row.departures else 8
    return bars + 20 * len(_sentences(row)) + 6 + _LINE * lines + 12 + _response_height(row, width)


def _sentences(row: FindingRow) -> list[str]:
    """What is said of the first channel, and of the finding as a whole."""
    first = row.departures[0] if row.departures else Departure("", 0.0)
    said = [first.expected, first.reason, row.likeness]
    return [f"{one[:1].upper()}{one[1:]}" for one in said if one]


def draw_detail(painter: QPainter, rect: QRect, row: FindingRow, clock: Clock, theme: Theme) -> None:
    """Bars, then lines of name and value."""
    left, right, y = rect.x() + 14, rect.right() - 12, rect.y() + 8
    if row.departures:
        words = QRect(left, y, right - left, 20)
        write(painter, words, "What departs, and how much of it", theme.color("text_2"), 12)
        y += 22
        y = _bars(painter, QRect(left, y, right - left, 0), row, theme)
    for sentence in _sentences(row):
        write(painter, QRect(left, y, right - left, 20), sentence, theme.color("text_2"), 12)
        y += 20
    y += 6
    for name, value in facts(row, clock):
        line = QRect(left, y, right - left, _LINE)
        used = write(painter, line, name, theme.color("text_2"), 12)
        write(painter, line.adjusted(used + 12, 0, 0, 0), value, theme.color("text"), 12, 400, RIGHT)
        y += _LINE
    if row.response:
        painter.setFont(font(12))
        painter.setPen(theme.color("text"))
        painter.drawText(QRect(left, y + 8, right - left, rect.bottom() - y), Qt.TextFlag.TextWordWrap, row.response)


def _bars(painter: QPainter, room: QRect, row: FindingRow, theme: Theme) -> int:
    shown = _shown(row)
    prefix = _common_subsystem([name for name, _ in shown])
    width = room.width()
    name_width = max(110, width * 42 // 100 - 10)
    percent_width = metrics(12).horizontalAdvance("100 %")
    bar_left, bar_right = room.x() + name_width + 8, room.right() - percent_width - 12
    full = max(1, bar_right - bar_left)
    y = room.y()
    kind = "text_3" if row.quiet else row.mark.kind.value
    for (name, share), percent in zip(shown, percents([s for _, s in shown]), strict=True):
        name_room = QRect(room.x(), y, name_width, _BAR)
        write(painter, name_room, name.removeprefix(prefix), theme.color("text"), 12)
        track = QRect(bar_left, y + _BAR // 2 - 4, full, 8)
        painter.fillRect(track, theme.color("raised"))
        track.setWidth(max(2, round(full * min(1.0, max(0.0, share)))))
        painter.fillRect(track, theme.color(kind))
        value = QRect(bar_right, y, room.right() + 1 - bar_right, _BAR)
        write(painter, value, f"{percent} %", theme.color("text"), 12, 400, RIGHT)
        y += _BAR
    return y


def _common_subsystem(names: list[str]) -> str:
    """``aocs/`` where every channel named lies in it: then it need not be said on each line."""
    heads = {name.rpartition("/")[0] for name in names if "/" in name}
    return f"{next(iter(heads))}/" if len(heads) == 1 and all("/" in name for name in names[:MOST]) else ""
