"""A fault of the program's own: into the log with its traceback, onto the screen as a sentence. Any thread."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType

from PySide6.QtCore import QObject, Signal

log = logging.getLogger(__name__)

MOST = 20
"""Faults told in one run: what goes wrong in every frame is told often enough by then."""


class Faults(QObject):
    """Carries a fault to the GUI thread."""

    met = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._left = MOST

    def take(self, kind: type[BaseException], problem: BaseException | None, trace: TracebackType | None) -> None:
        """Log a fault and tell of it."""
        if issubclass(kind, KeyboardInterrupt):
            return
        if self._left > 0:
            self._left -= 1
            log.critical("a fault", exc_info=(kind, problem or kind(), trace))
            self.met.emit("Perigee met a fault of its own and goes on. Recording is not affected; the log has details.")


def catch_faults() -> Faults:
    """From now on no fault ends the window unseen. The caller keeps what is returned."""
    faults = Faults()
    sys.excepthook = faults.take
    threading.excepthook = lambda args: faults.take(args.exc_type, args.exc_value, args.exc_traceback)
    return faults
