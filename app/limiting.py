"""The operator's word on limits: asked of a session, in force in it at once, and noted. Any thread."""

from __future__ import annotations

from app.audit import note
from app.link.wire import Header
from app.session import Session
from storage import StorageError
from telemetry import Limit
from telemetry.limitfields import LimitsError
from telemetry.limits import limits_from_json, limits_to_json


class Limiting:
    """The limits of one session, for who may change them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def answer(self, request: Header) -> Header:
        """Carry out ``limits`` (those of ``key``, and who says them) or ``set_limits``."""
        key = str(request.get("key"))
        if request.get("do") == "set_limits":
            wanted = request.get("limits")
            try:
                self.set(key, limits_from_json(wanted) if isinstance(wanted, list) else None)
            except (LimitsError, StorageError) as problem:
                return {"error": str(problem)}
            except (TypeError, ValueError, KeyError) as problem:
                return {"error": f"These are no limits: {problem}."}
        book = self._session.limits
        if key not in book.in_force:
            return {"error": f"There is no channel {key} in this session."}
        return {"limits": limits_to_json(book.in_force[key]), "origin": book.origin(key)}

    def set(self, key: str, limits: tuple[Limit, ...] | None) -> None:
        """Judge a channel by ``limits`` from now on, keep them, and note it; None: by what the file or source says.

        Raises LimitsError, StorageError.
        """
        session = self._session
        before, after = (limits_to_json(one) for one in session.limits.set(key, limits))
        for line in session.lines:
            line.judge.set_limits(session.limits.in_force)
        note(session.archive, session.id, "set limits", key, before, after)
