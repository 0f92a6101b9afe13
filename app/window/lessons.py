"""Training a model from the window: the panel's wishes to the core, the core's progress to the panel. GUI thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer

from app.window.corelink import CoreLink
from widgets.watch import WatchView

POLL_MS = 500


class Lessons(QObject):
    """Between one core and the panel of one view."""

    def __init__(self, view: WatchView, link: CoreLink) -> None:
        super().__init__(view)
        self._view, self._link = view, link
        self._span: tuple[int, int] | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(lambda: link.ask("teaching"))
        view.teach_wanted.connect(self._open)
        view.teach.wanted.connect(self._teach)
        view.teach.cancelled.connect(lambda: link.ask("stop_teaching"))
        link.answered.connect(self._answered)
        link.refused.connect(self._refused)
        link.lost.connect(self._lost)

    def _open(self) -> None:
        satellite, _, rest = self._view.channels.selected().partition("/")
        subsystem = rest.partition("/")[0]
        if not subsystem:
            self._view.say("Select a subsystem in the list of channels first: a model is trained for one.")
            return
        self._view.teach.ask(satellite, subsystem)
        if not self._timer.isActive():
            self._link.ask("propose", satellite=satellite)

    def _teach(self, subsystem: str, kind: str) -> None:
        if self._span is not None:
            start, stop = self._span
            satellite = self._view.teach.satellite
            self._link.ask("teach", satellite=satellite, subsystem=subsystem, kind=kind, start=start, stop=stop)

    def _answered(self, do: str, answer: Mapping[str, Any]) -> None:
        panel = self._view.teach
        if do == "propose" and panel.isVisible() and not self._timer.isActive():
            self._span = int(answer["start"]), int(answer["stop"])
            panel.propose(f"Learns from {answer['why']}")
        elif do in ("teach", "teaching", "stop_teaching"):
            if "said" in answer:
                self._timer.stop()
                panel.finish(str(answer["said"]))
                if not panel.isVisible():
                    self._view.say(str(answer["said"]))
            elif "done" in answer:
                self._timer.start()
                panel.progress(float(answer["done"]), float(answer["left_s"]))

    def _refused(self, sentence: str) -> None:
        if self._view.teach.isVisible() and not self._timer.isActive():
            self._view.teach.finish(sentence)

    def _lost(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self._view.teach.finish("The recorder stopped by itself, and training with it; nothing was published.")
