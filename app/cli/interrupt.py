"""Ctrl-C and SIGTERM: what runs is asked to end in order, rather than cut off. For the main thread."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

_early = False


def catch_early() -> None:
    """Until an ``Interrupt`` is there, Ctrl-C raises KeyboardInterrupt, and is remembered.

    Raised while an object is being finalised it would be lost, and the run would go on.
    """
    signal.signal(signal.SIGINT, _raise)


def _raise(number: int, frame: FrameType | None) -> None:
    global _early  # noqa: PLW0603 - of the process, as its signals are
    _early = True
    raise KeyboardInterrupt


class Interrupt:
    """From now until ``restore``, each of the two calls ``end``, which must neither wait nor lock what a thread may.

    ``seen`` says whether one came.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self.seen = False
        self._end = end
        self._before = {name: signal.signal(name, self._ask) for name in (signal.SIGINT, signal.SIGTERM)}
        if _early:
            self._ask(signal.SIGINT, None)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        self._end()

    def restore(self) -> None:
        """The two do again what they did before."""
        for name, before in self._before.items():
            signal.signal(name, before)
