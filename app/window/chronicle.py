"""A channel's samples as the charts read them: the live ring, before it what is known of the archive. GUI thread."""

from __future__ import annotations

from app.window.feed import Feed, Floats
from app.window.tiles import Tiles, width_for
from telemetry import Times
from widgets.strips.spec import NO_PAST, Past


class Chronicle:
    """The strips' reader: ``feed`` has the newest of everything, ``tiles`` what was asked of the archive."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.tiles = Tiles()
        self.began = 0
        """The first telemetry time of what is watched, UTC microseconds; 0 before there is one."""

    def samples(self, key: str, start: int, stop: int) -> tuple[Times, Floats]:
        """See ``Reader`` of the strips."""
        return self.feed.samples(key, start, stop)

    def expected(self, key: str, start: int, stop: int) -> tuple[Times, Floats, Floats]:
        """See ``Reader`` of the strips."""
        return self.feed.expected(key, start, stop)

    def past(self, key: str, start: int, stop: int, dt: int) -> Past:
        """See ``Reader`` of the strips."""
        before = self.before(key, start, stop)
        if before is None:
            return NO_PAST
        blocks, unread = self.tiles.read(key, width_for(dt), *before)
        return Past(*blocks.drawn(dt), unread, blocks.step)

    def before(self, key: str, start: int, stop: int) -> tuple[int, int] | None:
        """What of a span the archive alone has; None: nothing."""
        floor = self.feed.floor(key)
        return None if floor is None or start >= floor else (start, min(stop, floor))
