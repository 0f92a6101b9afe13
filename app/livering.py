"""The live ring of a session: which tracks it has, and where it lies. Any thread."""

from __future__ import annotations

from collections.abc import Sequence

from telemetry import Group
from telemetry.ring import LiveRing, RingError, Track, memory_folder

RING_BYTES = 128 << 20
"""Memory for the newest minutes of everything; what is older is in the archive."""
RING_ROWS = 86_400
"""Rows a group at the most: a day at 1 Hz."""


def ring_tracks(groups: Sequence[Group]) -> list[Track]:
    """Two tracks a group: ``s:KEY`` holds its samples, ``j:KEY`` ratio, low and high of each channel."""
    width = sum(len(group.channels) for group in groups)
    rows = max(1024, min(RING_ROWS, RING_BYTES // max(1, 20 * width + 16 * len(groups))))
    tracks = []
    for group in groups:
        tracks.append(Track(f"s:{group.key}", len(group.channels), rows, "f8"))
        tracks.append(Track(f"j:{group.key}", 3 * len(group.channels), rows, "f4"))
    return tracks


def make_ring(groups: Sequence[Group], name: str, *, goes_on: bool = False) -> LiveRing:
    """The live ring of a core, named after its archive so that a core which ``goes_on`` for a dead one finds its."""
    tracks = ring_tracks(groups)
    path = memory_folder(LiveRing.size(tracks)) / f"{name}.ring"
    try:
        if not goes_on:
            path.unlink(missing_ok=True)  # of a run that was cut off: its counters tell of another time
        return LiveRing.create(path, tracks)
    except OSError as problem:
        raise RingError(f"No live memory can be made in {path.parent}: {problem}.") from problem
