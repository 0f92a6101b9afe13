"""Samples as lines of JSON, the provisional form of ``docs/simulate.md``: one line a sample of a group. Pure.

Numbers keep their exact value. JSON knows no infinity: it is sent as the text ``inf`` or ``-inf``. A value that is
missing, or that its source marks as wrong, is left out; a sample without any value is not sent.
"""

from __future__ import annotations

import json
import math

from app.playing.table import usable
from app.playing.windows import Window
from telemetry import Frame
from telemetry.clock import iso

DATAGRAM = 1472
"""Bytes of a UDP payload that an Ethernet frame carries unfragmented, over IPv4."""

Packet = tuple[int, bytes]
"""A time in UTC microseconds, and one line with its line end."""
_Value = float | int | bool | str


def packets(window: Window, most: int | None = None) -> list[Packet]:
    """The samples of ``window`` in the order of their times, each line at most ``most`` bytes long (None: any).

    A sample that is longer comes as several lines, each with some of its values.
    """
    out = [packet for part in window.parts for packet in _lines(part, most)]
    out.sort(key=lambda packet: packet[0])  # stable: groups of one moment keep their order
    return out


def _lines(frame: Frame, most: int | None) -> list[Packet]:
    names = [channel.path for channel in frame.group.channels]
    columns = [column.tolist() for column in frame.columns]
    masks = [usable(frame, i) for i in range(len(names))]
    gaps = [None if mask.all() else mask.tolist() for mask in masks]
    out: list[Packet] = []
    for row, time in enumerate(frame.times.tolist()):
        values: dict[str, _Value] = {
            name: column[row] for name, column, gap in zip(names, columns, gaps, strict=True) if gap is None or gap[row]
        }
        out += [(time, line) for line in _encoded(frame, time, values, most)]
    return out


def _encoded(frame: Frame, time: int, values: dict[str, _Value], most: int | None) -> list[bytes]:
    if not values:
        return []
    head = {"satellite": frame.group.satellite, "group": frame.group.name, "time": iso(time)}
    line = _dumped(head, values)
    if most is None or len(line) <= most or len(values) == 1:
        return [line]
    pairs = list(values.items())
    half = len(pairs) // 2
    return [
        *_encoded(frame, time, dict(pairs[:half]), most),
        *_encoded(frame, time, dict(pairs[half:]), most),
    ]


def _dumped(head: dict[str, str], values: dict[str, _Value]) -> bytes:
    try:
        text = json.dumps({**head, "values": values}, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        finite = {name: _spelled(value) for name, value in values.items()}
        text = json.dumps({**head, "values": finite}, separators=(",", ":"), ensure_ascii=False)
    return text.encode() + b"\n"


def _spelled(value: _Value) -> _Value:
    return str(value) if isinstance(value, float) and math.isinf(value) else value
