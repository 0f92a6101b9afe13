"""The window's link to its core: found or started, kept, and started again when the core dies.

One job thread does everything that can wait; what it learns arrives on the GUI thread as signals, each of them
something that happens once.
"""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.launch import CoreDiedError, LaunchError, attach, start, wait_ready
from app.link.client import CoreClient
from app.link.wire import Header, LinkError, Reply
from app.paths import log_file
from app.plan import Plan
from app.unfinished import successor
from telemetry.clock import SECOND

log = logging.getLogger(__name__)

RESTARTS = 5
"""A core that dies this often within RESTARTS_S is left alone, and the operator is told."""
RESTARTS_S = 60.0
STOP_DEADLINE_S = 30.0
DEATH_DEADLINE_S = 5.0
"""For the process of a core whose socket is gone."""


class CoreLink(QObject):
    """Signals are emitted from other threads and arrive on the GUI thread."""

    attached = Signal(dict)
    """The core's ``hello``."""
    news = Signal(dict)
    lost = Signal()
    """The core died; it is being started again."""
    failed = Signal(str)
    """No core can be had; a sentence."""
    switched = Signal()
    """What was watched has ended in order, for something else."""
    answered = Signal(str, dict)
    """What was asked for, and the answer with what was asked."""
    refused = Signal(str, str)
    """What was asked of the core and was not done, and a sentence why."""
    closed = Signal()
    """Everything taken in is recorded, and the core has ended or is somebody else's."""

    def __init__(self, plan: Plan, process: subprocess.Popen[bytes] | None = None) -> None:
        super().__init__()
        self._plan = plan
        self._first = process
        self._client: CoreClient | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._jobs = ThreadPoolExecutor(1, thread_name_prefix="core-link")
        self._closing = threading.Event()
        self._dismissed = False
        self._switching = False
        self._deaths: deque[float] = deque(maxlen=RESTARTS)
        self.position: tuple[int, int] = (0, 0)
        """First and newest telemetry time seen (UTC microseconds), kept by the window for a successor."""
        self._run: int | None = None
        """The first session of what is watched: those of cores that followed a dead one come after it."""

    def open(self) -> None:
        """Attach to the core of the plan's archive, or to the one being started."""
        self._dismissed = False
        self._jobs.submit(self._guard, self._open)

    def ask(self, do: str, **values: object) -> None:
        """Ask the core for something; ``answered`` brings what it says, ``refused`` why it will not.

        Nothing is asked any more once the link is closing.
        """
        if not self._closing.is_set():
            self._jobs.submit(self._guard, lambda: self._ask(do, values))

    def fetch(self, do: str, came: Reply, **values: object) -> None:
        """Ask for something that takes long: ``came`` gets answer and payload on another thread, once or never."""
        if not self._closing.is_set():
            self._jobs.submit(self._guard, lambda: self._fetch(do, came, values))

    def switch(self, plan: Plan) -> None:
        """Watch something else: the core is stopped, drained, and another one started for ``plan``."""
        self._jobs.submit(self._guard, lambda: self._switch(plan))

    def close(self) -> None:
        """Stop the core, unless another window watches it too, and detach; ``closed`` says that it is done."""
        if not self._closing.is_set():
            self._closing.set()
            self._jobs.submit(self._end)
            self._jobs.shutdown(wait=False)

    # job thread

    def _guard(self, job: object) -> None:
        try:
            if callable(job):
                job()
        except (LaunchError, LinkError) as problem:
            self.failed.emit(str(problem))
        except Exception as problem:
            log.exception("core link")
            self.failed.emit(f"Perigee met a fault of its own ({problem}); its log has the details.")

    def _open(self) -> None:
        try:
            self._attach_or_start()
        except (CoreDiedError, LinkError) as problem:
            log.warning("the core died while it started: %s", problem)
            self._revive()

    def _attach_or_start(self) -> None:
        process, self._first = self._first, None
        if process is None:
            if self._try_attach(any_source=self._plan.any_source):
                return
            process = start(self._plan)
        self._process = process
        wait_ready(process)
        if not self._try_attach(any_source=True):
            raise CoreDiedError("The core started but does not answer.")

    def _try_attach(self, *, any_source: bool) -> bool:
        client = attach(Path(self._plan.archive), self._on_news, self._on_lost)
        if client is None:
            return False
        hello = client.ask("hello")
        plan = Plan.from_json(hello["plan"])
        if not any_source and plan.sources != self._plan.sources:
            client.close()
            raise LaunchError(
                f"{', '.join(plan.sources)} is being recorded into {self._plan.archive}: close that window, "
                "or give --archive FILE."
            )
        if self._plan.limits not in (None, plan.limits):
            hello["notes"].append(_without(self._plan.limits, plan.limits))
        self._plan = plan
        self._client = client
        if self._run is None:
            self._run = int(hello["session"]) if plan.continues is None else plan.continues
        self.attached.emit(hello)
        return True

    def _on_news(self, news: Header) -> None:
        if news["news"] == "ending":
            self._dismissed = True
        elif news["news"] == "plan":
            self._plan = Plan.from_json(news["plan"])
        else:
            self.news.emit(news)

    def _on_lost(self) -> None:
        if not (self._closing.is_set() or self._switching):
            self._jobs.submit(self._guard, self._revive)

    def _revive(self) -> None:
        self._client = None
        if self._dismissed:
            raise LaunchError("Recording was stopped from outside this window; everything received is recorded.")
        self.lost.emit()
        self._first = None
        while not self._closing.is_set():
            now = time.monotonic()
            if len(self._deaths) == RESTARTS and now - self._deaths[0] < RESTARTS_S:
                raise LaunchError(
                    f"The core ended {RESTARTS} times within a minute and was left; its log is {log_file('core')}."
                )
            self._deaths.append(now)
            try:
                self._reap(DEATH_DEADLINE_S)
                self._first = start(successor(self._plan, self._run, *self.position, int(time.time() * SECOND)))
                self._attach_or_start()
            except (CoreDiedError, LinkError) as problem:
                log.warning("a core died while it started: %s", problem)
            else:
                return

    def _ask(self, do: str, values: dict[str, Any]) -> None:
        client = self._client
        try:
            if client is None:
                raise LinkError("There is no session now.")
            self.answered.emit(do, {**values, **client.ask(do, **values)})
        except LinkError as problem:
            self.refused.emit(do, str(problem))

    def _fetch(self, do: str, came: Reply, values: dict[str, Any]) -> None:
        if self._client is not None:
            try:
                self._client.fetch(do, came, **values)
            except LinkError:
                log.info("nobody is there any more to be asked for %s", do)

    def _switch(self, plan: Plan) -> None:
        client = self._client
        if client is None:
            self.refused.emit("switch", "There is no session now.")
            return
        self._switching = True  # before the core can end: its end is no death
        try:
            if not client.ask("stop", unless_watched=True)["stopping"]:
                self.refused.emit("switch", "Another window watches this session too: close it first.")
                return
            self._client = None
            self.switched.emit()
            client.join(STOP_DEADLINE_S)
            client.close()
            self._reap(STOP_DEADLINE_S)
        finally:
            self._switching = self._dismissed = False
        self.position, self._run = (0, 0), None
        self._plan, self._first = plan, start(plan)
        self._open()

    def _end(self) -> None:
        client, self._client = self._client, None
        try:
            if client is not None and client.ask("stop", unless_watched=True)["stopping"]:
                client.join(STOP_DEADLINE_S)
                self._reap(STOP_DEADLINE_S)
            elif client is None and self._process is not None:
                self._process.terminate()
                self._reap(STOP_DEADLINE_S)
            elif self._process is not None:
                # It belongs to another window now, and is no longer this one's to wait for.
                self._process.returncode = 0
        except (LinkError, LaunchError) as problem:
            log.warning("the core did not stop as asked: %s", problem)
        finally:
            if client is not None:
                client.close()
            self.closed.emit()

    def _reap(self, timeout: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise LaunchError(
                f"The core no longer answers, and its process {self._process.pid} did not end within {timeout:g} s: "
                "end that process, then try again."
            ) from None


def _without(asked: str | None, in_force: str | None) -> str:
    """Said by a window that came with a file of limits to a core that began with another one, or none."""
    instead = f"with those of {in_force}" if in_force else "without it"
    return (
        f"The limits of {asked} are not in force: what is watched began {instead}. Close every window on it, and give "
        "--limits when the first one is opened again."
    )
