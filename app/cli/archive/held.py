"""Work on an archive, by the core that holds it or, where none does, in this process. Progress on standard error."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from app import paths
from app.archiving import carry_out
from app.cli.errors import EndedEarlyError, UsageError, complain
from app.interrupt import Interrupt
from app.launch import attach
from app.link.client import CoreClient
from app.link.wire import GoneError, Header, LinkError
from app.settings import load
from storage import Archive

POLL_S = 0.2
LINE_S = 10.0


def work(path: Path, **request: object) -> Header:
    """The result of ``request`` (``app.archiving``); Ctrl-C stops the work. Raises what cannot be carried out."""
    stop = threading.Event()
    interrupted = Interrupt(stop.set)
    try:
        with Steps() as steps:
            client = attach(path, lambda _: None, lambda: None)
            if client is not None:
                try:
                    return _ask(client, request, stop, steps)
                except GoneError as problem:
                    raise EndedEarlyError(
                        f"The process that held {path} ended before this was done. The archive is whole: give the "
                        "command again."
                    ) from problem
                except LinkError as problem:
                    raise UsageError(str(problem)) from problem
                finally:
                    client.close()
            with Archive.open(path, create=False) as archive:
                if request["work"] not in ("info", "verify"):  # whose result has them
                    for notice in archive.notices:
                        complain(notice)
                return carry_out(archive, (), request, steps.show, stop)
    finally:
        interrupted.restore()


def reserve_mb(settings: Sequence[str]) -> int:
    """Disk space that recording leaves free, as the operator has set it. Raises SettingsError."""
    found, notices = load(paths.settings_file(), settings)
    for notice in notices:
        complain(notice)
    return found.storage.reserve_mb


def _ask(client: CoreClient, request: Header, stop: threading.Event, steps: Steps) -> Header:
    ticket = client.ask("archive", **request)["ticket"]
    while True:
        if stop.is_set():
            client.ask("stop_archiving", ticket=ticket)
        state = client.ask("archiving", ticket=ticket)
        if "failed" in state:
            raise UsageError(str(state["failed"]))
        if "result" in state:
            found: Header = state["result"]
            return found
        steps.show(str(state["step"]), float(state["done"]))
        time.sleep(POLL_S)  # the core tells no progress by itself; on `stop` this would not wait any more


class Steps:
    """How far the work is: on a terminal a line that is written over, elsewhere one now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._next = time.monotonic()
        self._wrote = False

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._wrote:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, step: str, done: float) -> None:
        """``step`` is being done; ``done`` of the whole (0 to 1)."""
        if not step:
            return
        text = f"{step}, {done:.0%}"
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{text[:100]}")
            sys.stderr.flush()
            self._wrote = True
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_S
            complain(text)
