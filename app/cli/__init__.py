"""The command line: ``perigee`` opens the window, ``perigee monitor`` watches without one.

Standard output carries results only; progress and messages go to standard error. Neither Qt nor torch is
imported here: headless works where there is no libGL.
"""

from __future__ import annotations

import os
import sys
import threading


def main(argv: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    from app.cli.errors import INTERRUPTED
    from app.interrupt import catch_early

    catch_early()
    try:
        from app.cli.commands import run  # typer costs 70 ms, which an import of this package need not

        code = run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has gone; the interpreter's own flush at exit must not complain of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if argv is None and threading.active_count() > 1:
        # Whatever did not end by its deadline must not meet the end of the interpreter: that is an abort.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
