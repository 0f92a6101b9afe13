"""Between the operator's verdicts on findings and the core, which records them; each can be undone. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.window.corelink import CoreLink
from app.window.ledger import Ledger
from widgets.verdicts import TAKEN_BACK
from widgets.watch import WatchView


class Verdicts(QObject):
    """Of one window: what it undoes was said in it."""

    def __init__(self, view: WatchView, link: CoreLink, ledger: Ledger) -> None:
        super().__init__(view)
        self._view, self._link, self._ledger = view, link, ledger
        self._before: list[tuple[int, int, str, str]] = []
        view.verdict_given.connect(self._give)
        view.undo_wanted.connect(self._undo)
        link.switched.connect(self._before.clear)

    def _give(self, number: int, verdict: str, note: str) -> None:
        identity = self._ledger.identity(number)
        if identity is not None:
            said = self._ledger.opinion(number)
            self._before.append((*identity, *((said.verdict, said.note) if said else (TAKEN_BACK, ""))))
            self._ask(*identity, verdict, note)

    def _undo(self) -> None:
        """What was said before the last verdict that was given here is said again."""
        if self._before:
            self._ask(*self._before.pop())
            self._view.say("The last verdict is undone.")

    def _ask(self, session: int, key: int, verdict: str, note: str) -> None:
        self._link.ask("verdict", session=session, key=key, verdict=verdict, note=note)
