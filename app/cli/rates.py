"""The table of rates that a simulation played to nowhere ends with. Pure."""

from __future__ import annotations

from app.playing.play import Tally
from telemetry import Source

_HEADS = ("group", "satellites", "channels", "samples", "samples/s")


def rates(source: Source, tally: Tally, elapsed: float) -> list[str]:
    """Lines of a table with a row a group name, all satellites together, and one for the whole.

    ``samples/s`` is by the wall, over the ``elapsed`` seconds that playing took; last the telemetry seconds a second.
    """
    names = list(dict.fromkeys(group.name for group in source.groups))
    rows = [_HEADS]
    for name in names:
        own = [group for group in source.groups if group.name == name]
        satellites, channels = len({g.satellite for g in own}), sum(len(g.channels) for g in own)
        rows.append(_row(name, satellites, channels, tally.samples.get(name, 0), elapsed))
    everyone = {group.satellite for group in source.groups}
    rows.append(_row("all", len(everyone), sum(len(g.channels) for g in source.groups), tally.total, elapsed))
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADS))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    speed = tally.played / max(elapsed, 1e-9)
    return [*lines, f"{tally.played:,.0f} s of telemetry in {elapsed:.1f} s: {speed:,.1f} telemetry seconds a second."]


def _row(name: str, satellites: int, channels: int, samples: int, elapsed: float) -> tuple[str, str, str, str, str]:
    return name, f"{satellites:,}", f"{channels:,}", f"{samples:,}", f"{samples / max(elapsed, 1e-9):,.0f}"
