"""The window's process: one window, its look, its link to a core, and its end.

The order of start-up is chosen for speed: the core is started before Qt is imported, the empty window is shown
before the charts (and numpy) are made.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import tomllib
from logging.handlers import RotatingFileHandler

from PySide6.QtCore import QByteArray, QSettings, QSize, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QMoveEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from app.launch import may_attach, start
from app.paths import log_file, settings_file, window_state_file
from app.plan import Plan
from app.window.crash import catch_faults
from widgets.empty import Empty
from widgets.theme import Appearance, Choice, Theme
from widgets.watch import WatchView

log = logging.getLogger(__name__)

FIRST_SIZE = QSize(1600, 900)
_AFTER_MS = 500
"""After it was moved, a window that is killed comes back where it is."""
_LOG_BYTES = 2_000_000


class Centre(QWidget):
    """Where the charts will be: a sentence until they are there."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._shown: QWidget = Empty(look, "Starting to watch.", parent=self)

    def show_widget(self, widget: QWidget) -> None:
        """Fill the centre with ``widget``."""
        before, self._shown = self._shown, widget
        widget.setParent(self)
        widget.setGeometry(self.rect())
        widget.show()
        self.setFocusProxy(widget)
        before.hide()
        before.deleteLater()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What is shown fills it."""
        self._shown.setGeometry(self.rect())


class Window(QMainWindow):
    """The main window: it says when it is to be closed, and closes when it is told that all is recorded."""

    closing = Signal()

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self.centre = Centre(look)
        self.view = WatchView(look, self.centre)
        self.setCentralWidget(self.view)
        self.setWindowTitle("Perigee")
        self._may_close = False
        self._state = QSettings(str(window_state_file()), QSettings.Format.IniFormat)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_AFTER_MS)
        self._later.timeout.connect(self._keep_geometry)
        geometry = self._state.value("geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            screen = QGuiApplication.primaryScreen()
            self.resize(FIRST_SIZE if screen is None else FIRST_SIZE.boundedTo(screen.availableSize()))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Recording is drained first; the window says so meanwhile."""
        if self._may_close:
            event.accept()
            return
        event.ignore()
        self._keep_geometry()
        self.view.say("Writing what was received, then closing.")
        self.closing.emit()

    def moveEvent(self, event: QMoveEvent) -> None:
        """See ``_AFTER_MS``."""
        self._later.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """See ``_AFTER_MS``."""
        super().resizeEvent(event)
        self._later.start()

    def _keep_geometry(self) -> None:
        self._state.setValue("geometry", self.saveGeometry())
        self._state.sync()

    def close_now(self) -> None:
        """Everything is recorded."""
        self._may_close = True
        self.close()


def first_window(plan: Plan) -> tuple[QApplication, Window]:
    """The program and its window, shown, empty still."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(["perigee"])
    app.setApplicationName("Perigee")
    app.setDesktopFileName("perigee")
    appearance = Appearance(app, theme_choice(plan))
    window = Window(appearance.look)
    appearance.changed.connect(window.view.set_theme)
    window.show()
    return app, window


def run(plan: Plan) -> int:
    """Show the window on ``plan`` until it is closed; the exit code."""
    _log_to_file()
    core = None if may_attach(plan.archive_path) else start(plan)
    app, window = first_window(plan)
    faults = catch_faults()
    faults.met.connect(window.view.say)
    starter = Starter(window, plan, core)
    QTimer.singleShot(0, starter.go)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: window.close())
    app.exec()
    return starter.exit_code


class Starter:
    """What follows the first paint: charts, link, and what to do when they fail."""

    def __init__(self, window: Window, plan: Plan, core: subprocess.Popen[bytes] | None) -> None:
        self._window, self._plan, self._core = window, plan, core
        self.exit_code = 0

    def go(self) -> None:
        """Make the charts and open the link to the core."""
        from app.window.chronicle import Chronicle
        from app.window.corelink import CoreLink
        from app.window.feed import Feed
        from app.window.watching import Watching
        from widgets.strips.widget import Strips

        window = self._window
        chronicle = Chronicle(Feed())
        strips = Strips(window.view.theme, chronicle)
        app = QApplication.instance()
        appearance = app.findChild(Appearance) if app is not None else None
        if appearance is not None:
            appearance.changed.connect(strips.set_theme)
        self.link = CoreLink(self._plan, self._core)
        self.link.closed.connect(window.close_now)
        window.closing.connect(self.link.close)
        self.watching = Watching(window.view, strips, chronicle, self.link)
        self.watching.attached.connect(lambda: self._watching(strips))
        self.watching.failed.connect(self._failed)
        self._strips = strips
        self.link.open()

    def _watching(self, strips: QWidget) -> None:
        self.exit_code = 0
        if strips.parent() is not self._window.centre:
            self._window.centre.show_widget(strips)
            self._window.view.setFocus()

    def _failed(self, sentence: str) -> None:
        """Said in the window; on a terminal too, and by the exit code, where watching never began."""
        if self._strips.parent() is not self._window.centre:
            sys.stderr.write(f"perigee: {sentence}\n")
            self.exit_code = 2
            self._window.centre.show_widget(Empty(self._window.view.theme, "Nothing is being watched."))
        else:
            self.exit_code = 3


def theme_choice(plan: Plan) -> Choice:
    """``widgets.theme`` of the settings. Whether all settings are sound is the core's to say."""
    try:
        values = tomllib.loads(settings_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        values = {}
    part = values.get("widgets")
    chosen = part.get("theme") if isinstance(part, dict) else None
    for override in plan.settings:
        key, _, value = override.partition("=")
        if key.strip() == "widgets.theme":
            chosen = value.strip().strip('"')
    return chosen if chosen in ("dark", "light") else "system"


def _log_to_file() -> None:
    handler = RotatingFileHandler(log_file("window"), maxBytes=_LOG_BYTES, backupCount=2, encoding="utf-8")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", handlers=[handler], force=True
    )
