"""What a window shows, kept so that the next one on the same archive shows it again. GUI thread.

Written a moment after it changed, in one step, and so there however the window ended. The charts come back live: where
they were looking back to is a matter of its day.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer

from app.paths import layout_file, write_whole
from app.window.charts import Charts
from widgets.rightdock import TABS
from widgets.strips.widget import Strips
from widgets.topbar import VIEWS
from widgets.watch import WatchView

log = logging.getLogger(__name__)

AFTER_MS = 500


class Layout(QObject):
    """Of one window; ``begin`` says on which archive, and restores what is kept of it."""

    def __init__(self, view: WatchView, strips: Strips, charts: Charts) -> None:
        super().__init__(view)
        self._view, self._strips, self._charts = view, strips, charts
        self._archive: Path | None = None
        self._kept: dict[str, Any] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AFTER_MS)
        self._timer.timeout.connect(self._keep)
        for changed in (charts.changed, view.view_shown, view.dock.tab_shown, view.channels.selection_changed):
            changed.connect(self._on_changed)

    def begin(self, archive: Path) -> None:
        """The window shows telemetry that is recorded into ``archive``."""
        if archive == self._archive:
            return
        self._archive = archive
        try:
            self._restore(json.loads(layout_file(archive).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
            log.info("what was shown last cannot be read: %s", problem)

    def _restore(self, kept: dict[str, Any]) -> None:
        self._strips.set_span(int(kept["span"]))
        shown = kept["shown"]
        if shown is not None:
            keys, title, chosen = shown
            self._charts.show_again([str(key) for key in keys], str(title), str(chosen))
        self._view.channels.select(str(kept["selected"]))
        if kept["tab"] in TABS:
            self._view.dock.show_tab(TABS.index(kept["tab"]))
        if kept["view"] in VIEWS and kept["view"] != VIEWS[0]:
            self._view.show_view(kept["view"])

    def _on_changed(self) -> None:
        if self._archive is not None and not self._timer.isActive():
            self._timer.start()

    def _keep(self) -> None:
        now = {
            "span": self._strips.span,
            "shown": self._charts.shown,
            "selected": self._view.channels.selected(),
            "tab": self._view.dock.shown,
            "view": self._view.shown,
        }
        if now != self._kept and self._archive is not None:
            try:
                write_whole(layout_file(self._archive), json.dumps(now))
            except OSError as problem:
                log.info("what is shown cannot be kept: %s", problem)
            self._kept = now
