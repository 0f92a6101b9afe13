"""Ctrl-C, SIGTERM and SIGHUP: what runs is asked to end in order, rather than cut off. For the main thread."""

from __future__ import annotations

import signal
import sys
import threading
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
    """From now until ``restore``, each of the three calls ``end``, on a thread of its own, and does nothing else.

    A signal comes while the main thread may hold any lock, so ``end`` could not take that lock on it. ``seen`` says
    whether one came.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self.seen = False
        self._end = end
        self._before = {name: signal.signal(name, self._ask) for name in _signals()}
        if _early:
            self._ask(signal.SIGINT, None)

    def then(self, end: Callable[[], None]) -> None:
        """From now on ``end`` is what is called; at once where one has come already."""
        self._end = end
        if self.seen:
            end()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        threading.Thread(target=self._end, name="interrupt", daemon=True).start()

    def restore(self) -> None:
        """The three do again what they did before."""
        for name, before in self._before.items():
            signal.signal(name, before)


def _signals() -> list[signal.Signals]:
    found = [signal.SIGINT, signal.SIGTERM]
    # Whoever began a run with nohup wants it to outlive the terminal.
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found
