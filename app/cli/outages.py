"""What a run without a window says of the servers that score: one that is lost, and one that is back. Main thread."""

from __future__ import annotations

from collections.abc import Callable

from inference.engine import EngineStatus


class Outages:
    """Shown how the engine does now and then; each change is said once, however often a server is tried meanwhile."""

    def __init__(self, now: EngineStatus, say: Callable[[str], None]) -> None:
        self._before = now
        self._lost = False
        self._say = say

    def see(self, now: EngineStatus) -> None:
        """Say what has become of the servers since the last time."""
        before, self._before = self._before, now
        if now.interruptions > before.interruptions:
            self._lost = True
            self._say(_loss(now))
        if now.kind == "triton" and not now.trouble and (self._lost or before.kind == "embedded"):
            word = "again" if self._lost else "now"
            self._lost = False
            self._say(f"A Triton scores {word}: {now.reason} Scored again elsewhere so far: {now.rescored:,} windows.")


def _loss(now: EngineStatus) -> str:
    if now.kind == "embedded":
        return now.reason  # it says what is wrong and who scores
    if now.trouble:
        return f"{now.trouble} Another server scores: {now.reason}"
    return "A Triton was lost for a moment."
