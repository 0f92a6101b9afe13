"""Between the core and the page Scoring: figures once a second while the page is shown, long texts on demand.

GUI thread; the asking itself is done on the link's job thread, and nothing here waits for it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer

from app.window.corelink import CoreLink
from app.window.question import Question
from app.window.servers import Servers
from app.window.serving import Rates, gone, scoring_view
from telemetry.clock import SECOND
from widgets import text
from widgets.scoring.model import Lines
from widgets.scoring.page import ScoringPage

EVERY_MS = 1_000
FIGURES = "engine"
"""What is asked once a second; where it cannot be had, the page says so by itself."""
_TEXTS = {"log": "engine_log", "config": "engine_config"}
_ROOM = re.compile(r" {2,}(?=\|$)|(?<=-{40})-+")
"""What makes lines of a server's tables wider than any window."""


class Scoring(QObject):
    """Keeps the page up to date."""

    def __init__(self, page: ScoringPage, link: CoreLink) -> None:
        super().__init__(page)
        self._page, self._link = page, link
        self._question = Question(link, FIGURES)
        self._rates = Rates()
        self.servers = Servers(page.foot)
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._ask)
        self._timer.start()
        page.opened.connect(self._on_opened)
        page.lines.wanted.connect(lambda kind: link.ask(_TEXTS[kind]))
        link.attached.connect(self._on_attached)
        link.lost.connect(self._on_lost)
        link.failed.connect(self._on_gone)
        link.news.connect(self._on_news)
        link.answered.connect(self._on_answered)
        link.refused.connect(self._on_refused)

    def _ask(self) -> None:
        if self._page.isVisible():
            self._question.ask()

    def _on_opened(self) -> None:
        self._ask()
        self._page.lines.ask()

    def _on_attached(self) -> None:
        self._question.forget()
        self._rates = Rates()
        self._ask()

    def _on_lost(self) -> None:
        self._on_gone("The recorder stopped by itself. It is being started again.")

    def _on_gone(self, why: str) -> None:
        self._question.forget()
        self._page.set_view(gone(why))

    def _on_news(self, news: Mapping[str, Any]) -> None:
        if news["news"] == "engine":
            self._ask()
            if self._page.isVisible() and self._page.lines.empty:
                self._page.lines.ask()

    def _on_answered(self, do: str, answer: Mapping[str, Any]) -> None:
        now = int(time.time() * SECOND)
        if do == FIGURES:
            self._question.came()
            self._rates.take(answer)
            self._page.set_view(scoring_view(answer, self._rates, now))
        elif do == "engine_log":
            lines = [_ROOM.sub(" " if line.startswith("|") else "", line) for line in answer["lines"]]
            self._page.lines.set_lines("log", Lines(tuple(lines), text.clock(now)))
        elif do == "engine_config":
            lines = [line for name, config in answer["configs"].items() for line in (f"# {name}", *config.splitlines())]
            self._page.lines.set_lines("config", Lines(tuple(lines), text.clock(now)))

    def _on_refused(self, do: str, why: str) -> None:
        if do == FIGURES:
            self._question.came()
            self._page.set_view(gone(why))
