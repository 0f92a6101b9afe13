"""What became of packets, as a line for the operator. Pure."""

from __future__ import annotations

from app.playing.impairments import Fates
from telemetry.clock import SECOND


def fates_line(fates: Fates, one: str, many: str) -> str:
    """``Of 1,000 rows 12 were lost, ...``; ``one`` and ``many`` are what a packet is called."""
    held = fates.held / SECOND / max(1, fates.offered - fates.lost)
    delay = f"; held back by {held:.3g} s on average" if fates.held else ""
    return (
        f"Of {counted(fates.offered, one, many)} {fates.lost:,} lost, {fates.doubled:,} doubled, "
        f"{fates.late:,} out of order{delay}."
    )


def counted(number: int, one: str, many: str) -> str:
    """``1 row``, ``1,000 rows``."""
    return f"{number:,} {one if number == 1 else many}"
