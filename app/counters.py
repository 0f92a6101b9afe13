"""What the core says of itself many times a second: int64 counters in the header of the live ring."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol


class Counters(Protocol):
    """What counters are read from: the ring's array, or a list."""

    def __getitem__(self, counter: int, /) -> int:
        """The value of one."""


class Counter(IntEnum):
    """Index of each counter in ``LiveRing.counters`` (0 is the ring's own)."""

    BEAT = 1
    """Monotonic nanoseconds of the core's last sign of life."""
    NOW = 2
    """Newest telemetry time, UTC microseconds."""
    CLOCK = 3
    """The session's clock, UTC microseconds: the playback position, or now."""
    FRAMES = 4
    SAMPLES = 5
    RECORDED = 6
    """Samples acknowledged by the archive."""
    RATE = 7
    """Samples in the last second."""
    DELAY_P50 = 8
    """Sample to score, microseconds."""
    DELAY_P99 = 9
    WAITING = 10
    """Windows waiting for a score."""
    BOUND = 11
    """How many may wait."""
    SCORED = 12
    SKIPPED = 13
    """Windows never scored."""
    RECORDING = 14
    """1 while samples reach the archive."""
    ARCHIVE_BYTES = 15
    LOST = 16
    """Samples that could not be recorded."""
    BEHIND_MS = 17
    """How far playback is behind the speed asked for."""
    ENDED = 18
    """1 when every source has ended."""
    LIVE = 19
    """1 once history has been taken in and the pace has begun."""
    DAYS_LEFT = 20
    """Days until the disk is full at the present growth; -1 where it cannot be said."""
    FIRST = 21
    """Oldest telemetry time taken in, UTC microseconds; 0 before there is one."""
    PAUSED = 22
    """1 while playback stands still."""
    SPEED = 23
    """Telemetry milliseconds a second; 0: as fast as possible."""
    SKIP_TO = 24
    """Where a skip under way leads to, UTC microseconds; 0: none is."""
    END = 25
    """The last moment of the telemetry, UTC microseconds; 0 where that is not known."""
    GROWTH = 26
    """Bytes that the archive grows by in a day, at present; 0 where it cannot be said."""
