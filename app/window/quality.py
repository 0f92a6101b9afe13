"""How good the data are, as the status strip says it: counts of the core, asked for now and then. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from widgets import text

EVERY_S = 5.0
"""Seconds between two questions."""
MOST = 10
"""Channels named in the tip."""
_WORDS = {"jumped_back": "jumped back"}
_SHORT = 2


class DataQuality:
    """The last answer, in words."""

    def __init__(self) -> None:
        self._asked = -EVERY_S
        self.words = ""
        self.tip = ""

    def due(self, now: float) -> bool:
        """Whether to ask at ``now`` (monotonic seconds); it is then taken as asked."""
        if now - self._asked < EVERY_S:
            return False
        self._asked = now
        return True

    def take(self, channels: Mapping[str, Mapping[str, Any]]) -> None:
        """Counts by channel key and kind, none of them zero throughout."""
        totals: dict[str, int] = {}
        for counts in channels.values():
            for kind, count in counts.items():
                totals[kind] = totals.get(kind, 0) + int(count)
        # What is rarest in sound telemetry is counted last and said first.
        kinds = [kind for kind in reversed(totals) if totals[kind]][:_SHORT]
        self.words = _said({kind: totals[kind] for kind in kinds})
        worst = sorted(channels.items(), key=lambda one: (-sum(map(int, one[1].values())), one[0]))
        lines = [f"{key}: {_said(counts)}" for key, counts in worst[:MOST]]
        if len(worst) > MOST:
            lines.append(f"and {text.counted(len(worst) - MOST, 'channel')} more")
        self.tip = "\n".join(["Samples that were not as they should be, all of them recorded but the missing:", *lines])


def _said(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{text.number(int(n))} {_WORDS.get(kind, kind)}" for kind, n in counts.items() if n)
