"""``perigee triton`` from the page Scoring: a command in a process of its own, whose words the page shows. GUI thread.

A process, because bringing and starting a server takes up to minutes and loads gRPC, which a window has no need of.
"""

from __future__ import annotations

import os
import signal
import sys

from PySide6.QtCore import QCoreApplication, QObject, QProcess

from widgets.scoring.actions import IDLE, ActionsPart

END_MS = 5_000
_BEGUN = {"install": "Installing a tritonserver", "start": "Starting a Triton", "stop": "Stopping it"}


class Servers(QObject):
    """Runs one command at a time for the page's foot."""

    def __init__(self, part: ActionsPart) -> None:
        super().__init__(part)
        self._part = part
        self._process = QProcess(self)
        self._process.readyReadStandardError.connect(self._on_words)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._newest = ""
        part.wanted.connect(self._run)
        part.cancelled.connect(self._cancel)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.close)

    def close(self) -> None:
        """End what runs; it leaves nothing half done."""
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._cancel()
            if not self._process.waitForFinished(END_MS):
                self._process.kill()
                self._process.waitForFinished(END_MS)

    def _run(self, action: str) -> None:
        if self._process.state() != QProcess.ProcessState.NotRunning:
            return
        self._newest = ""
        self._part.say(f"{_BEGUN[action]} ...", running=True)
        self._process.start(sys.executable, ["-m", "app.cli", "triton", action])

    def _cancel(self) -> None:
        """As Ctrl+C would."""
        if os.name == "nt":
            self._process.kill()
        elif self._process.processId():
            os.kill(self._process.processId(), signal.SIGINT)

    def _on_words(self) -> None:
        said = bytes(self._process.readAllStandardError().data()).decode("utf-8", errors="replace")
        lines = [line.removeprefix("perigee: ") for line in said.splitlines() if line.startswith("perigee: ")]
        if lines:
            self._newest = lines[-1]
            self._part.say(self._newest, running=True)

    def _on_finished(self, code: int) -> None:
        said = bytes(self._process.readAllStandardOutput().data()).decode("utf-8", errors="replace").splitlines()
        self._on_words()
        # What went wrong is said last on standard error, what came of it first on standard output.
        words = said[0] if code == 0 and said else self._newest
        self._part.say(words.rstrip(": ") or IDLE, running=False)

    def _on_error(self, problem: QProcess.ProcessError) -> None:
        if problem == QProcess.ProcessError.FailedToStart:
            self._part.say("The command could not be started: is Perigee still installed?", running=False)
