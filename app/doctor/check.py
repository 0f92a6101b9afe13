"""Checks run side by side, and none is waited for longer than all of them may take."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

DEADLINE_S = 9.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a thing is as it should be, what was found, and what helps; both are sentences without a full stop."""

    ok: bool
    detail: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A check by its name; without what is ``needed`` Perigee cannot work, without the rest it does with less."""

    name: str
    find: Callable[[], Finding]
    needed: bool = False


def findings(looks: Sequence[Look], deadline: float = DEADLINE_S) -> list[Finding]:
    """What each look found, in order; for one that did not end within ``deadline`` s that."""
    found: dict[int, Finding] = {}

    def run(number: int, look: Look) -> None:
        try:
            found[number] = look.find()
        except Exception as problem:
            log.exception("the check of %s failed", look.name)
            found[number] = Finding(False, f"it could not be checked ({problem})", "Report this as a fault of Perigee")

    # Of the daemon kind: what hangs must not hold up the end of the program.
    threads = [threading.Thread(target=run, args=one, daemon=True) for one in enumerate(looks)]
    end = time.monotonic() + deadline
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = Finding(False, f"no answer within {deadline:g} s", "Find out what makes it hang, or try again")
    return [found.get(number, late) for number in range(len(looks))]
