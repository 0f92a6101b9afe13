"""What the tests of whole runs share, with user folders of its own: the program as an operator starts it, and a window
at work in the test's own process."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import duckdb
import pytest

from app import launch
from app.counters import Counter
from app.link.card import read_card
from app.plan import Plan

if TYPE_CHECKING:
    from PySide6.QtCore import Qt
    from pytestqt.qtbot import QtBot

PERIGEE = Path(sysconfig.get_path("scripts")) / "perigee"
DEADLINE_S = 90.0
WINDOW_DEADLINE_MS = 60_000


class Run:
    """One run of the program as a process, its output read while it goes on."""

    def __init__(self, arguments: list[str], environment: dict[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            [str(PERIGEE), *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._result: list[str] = []
        self._messages: list[str] = []
        assert self._process.stdout is not None and self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._collect, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def wait_for(self, text: str) -> None:
        """Wait until ``text`` stands in a line on standard error."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            line = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
            assert line is not None, f"ended without saying {text!r}: {self._messages}"
            if text in line:
                return

    def signal(self, number: int) -> None:
        """Send a signal, as a terminal or a supervisor would."""
        self._process.send_signal(number)

    def end(self) -> tuple[int, str, list[str]]:
        """Exit code, standard output, and the lines of standard error, once the program has ended."""
        code = self._process.wait(DEADLINE_S)
        for reader in self._readers:
            reader.join(DEADLINE_S)
        return code, "".join(self._result), list(self._messages)

    def close(self) -> None:
        """Leave nothing running, whatever the test came to."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(DEADLINE_S)
        for reader in self._readers:
            reader.join(DEADLINE_S)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _collect(self, stream: IO[str]) -> None:
        self._result.append(stream.read())

    def _listen(self, stream: IO[str]) -> None:
        for line in stream:
            self._messages.append(line.rstrip("\n"))
            self._said.put(line)
        self._said.put(None)


Start = Callable[..., Run]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts the program with the arguments given; ``without`` names variables that it shall not see.

    The runs of a module share the user's folders, as those of one operator do, and none outlives its module.
    """
    home = tmp_path_factory.mktemp("operator")
    own = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("DATA", "CONFIG", "STATE")}
    runs: list[Run] = []

    def begin(*arguments: str, without: tuple[str, ...] = ()) -> Run:
        environment = {**os.environ, **own, "HOME": str(home)}
        for name in without:
            environment.pop(name, None)
        runs.append(Run(list(arguments), environment, home))
        return runs[-1]

    yield begin
    for run in runs:
        run.close()


@pytest.fixture(scope="session")
def ask() -> Callable[[str | Path, str], list[tuple[object, ...]]]:
    """Rows that plain DuckDB finds in an archive, opened as a stranger would: nothing of this program in between."""

    def rows(archive: str | Path, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(archive), read_only=True) as connection:
            return list(connection.execute(query).fetchall())

    return rows


class Desk:
    """A window at work in this process, its core in another."""

    def __init__(self, plan: Plan, qtbot: QtBot) -> None:
        from app.window.main import Starter, first_window  # Qt comes with it

        core = None if launch.may_attach(plan.archive_path) else launch.start(plan)
        _, self.window = first_window(plan)
        self.window.resize(1920, 1080)
        self.starter = Starter(self.window, plan, core)
        self.starter.go()
        self.watching = self.starter.watching
        self._archive = plan.archive_path
        self._bot = qtbot
        self.closed = False

    def wait(self, what: Callable[[], bool]) -> None:
        """Let the window work until ``what`` holds."""
        self._bot.waitUntil(what, timeout=WINDOW_DEADLINE_MS)

    def counter(self, which: Counter) -> int:
        """What the core says of itself."""
        return int(self.watching._counters[which])

    def press(self, key: Qt.Key) -> None:
        """A key, without a modifier."""
        from PySide6.QtTest import QTest

        QTest.keyClick(self.window.view, key)

    def kill_core(self) -> None:
        """As a crash would."""
        card = read_card(self._archive)
        assert card is not None
        os.kill(card.pid, signal.SIGKILL)

    def close(self) -> None:
        """As the operator does; waits until everything is recorded."""
        if not self.closed:
            self.closed = True
            with self._bot.waitSignal(self.starter.link.closed, timeout=WINDOW_DEADLINE_MS):
                self.window.close()


@pytest.fixture
def sit_down(qtbot: QtBot) -> Iterator[Callable[[Plan], Desk]]:
    """Opens windows, and closes each."""
    desks: list[Desk] = []

    def open_(plan: Plan) -> Desk:
        desks.append(Desk(plan, qtbot))
        return desks[-1]

    yield open_
    for desk in desks:
        desk.close()
        desk.window.deleteLater()
