"""How wide what is, for the window there is. Pure; sizes in logical pixels."""

from __future__ import annotations

from dataclasses import dataclass

from widgets.rail import WIDTH as RAIL
from widgets.theme import PX


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``left`` and ``right`` are the docks' widths, lines included. ``columns`` of charts stand side by side.

    ``compact``: low strips with heads of ``head``. ``details``: the right dock shows more than rows.
    """

    left: int
    right: int
    rail: bool
    details: bool
    overview: bool
    date: bool
    compact: bool
    head: int
    columns: int


def arrange(width: int, height: int) -> Arrangement:
    """The arrangement for a window of this size."""
    narrow, small = width < 1600, width < 1440
    low = height < 800
    left = RAIL if small else 240 if narrow else PX["dock_left"]
    return Arrangement(
        left=left,
        right=320 if narrow else PX["dock_right"],
        rail=small,
        details=not small,
        overview=not low,
        date=not small,
        compact=small or low,
        head=148 if small or low else PX["strip_head"],
        columns=2 if width >= 2560 else 1,
    )
