"""How a command ends: its exit codes, and what may be said in one line."""

from __future__ import annotations

import sys

OK = 0
BAD_INPUT = 2
ENDED_EARLY = 3
INTERRUPTED = 130


class UsageError(Exception):
    """What was typed cannot be carried out; the text is a sentence with a cure."""


class EndedEarlyError(Exception):
    """What was begun was not carried out to its end; the text is a sentence that says what is left."""


def complain(problem: object) -> None:
    """One line on standard error."""
    sys.stderr.write("perigee: " + " ".join(str(problem).split()) + "\n")
    sys.stderr.flush()
