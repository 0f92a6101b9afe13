"""Where telemetry is played to: the contract of a target, and the one error of this package."""

from __future__ import annotations

from typing import Protocol

from app.playing.windows import Window


class PlayError(Exception):
    """Telemetry cannot be written or sent; the text is a sentence with a cure."""


class Target(Protocol):
    """Takes windows in the order of their time. Used by one thread, the one that plays.

    ``finish`` is called once, as the last thing; where it or ``take`` has failed, ``abandon`` is.
    """

    def take(self, window: Window) -> None:
        """Write or send everything in ``window``. Raises PlayError."""

    def finish(self) -> None:
        """Nothing more comes, be it the end or an interruption: what was taken is left whole. Raises PlayError."""

    def abandon(self) -> None:
        """Something failed: leave nothing half done behind."""

    def report(self) -> list[str]:
        """What was done, as lines for the operator; after ``finish``."""
