"""Playing what can wait: where it is, play, pause, step, speed, skip; another scenario; a fault now. GUI thread.

Handed a ``PlaybackView``, it emits what the operator wants and shows only what it is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, Signal
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget

from widgets import text
from widgets.button import Button
from widgets.model import PlaybackView
from widgets.paint import LEFT, painted, write
from widgets.scrub import Scrub
from widgets.theme import PX, Theme, metrics

SPEEDS: tuple[tuple[str, float | None], ...] = (
    ("1 \u00d7", 1.0),
    ("10 \u00d7", 10.0),
    ("100 \u00d7", 100.0),
    ("max", None),
)
STEP = 10 * text.SECOND
SKIPS = (("10 min", 10 * text.MINUTE), ("1 h", text.HOUR), ("6 h", 6 * text.HOUR))


class Transport(QWidget):
    """A bar under the charts."""

    paused = Signal(bool)
    stepped = Signal(object)
    """Telemetry to let through, microseconds."""
    speed_chosen = Signal(object)
    """Telemetry seconds a second, None: as fast as possible."""
    skipped = Signal(object)
    """The moment to go to at once, UTC microseconds."""
    moved = Signal(object)
    """The end of the charts wanted, UTC microseconds."""
    live_wanted = Signal()
    scenario_chosen = Signal(str)
    fault_wanted = Signal(str)
    """The kind of the fault to inject now."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._view: PlaybackView | None = None
        self._scenarios: tuple[tuple[str, str], ...] = ()
        self.setAccessibleName("Playback")
        self.scrub = Scrub(theme, self)
        self.scrub.moved.connect(self.moved)
        self.scrub.live_wanted.connect(self.live_wanted)
        self.scrub.skipped.connect(self.skipped)
        self.setFixedHeight(self.scrub.height() + PX["toolbar"])
        self.play = Button(theme, "", icon="pause", name="Pause", parent=self)
        self.play.hint("Pause or play (Space)")
        self.step = Button(theme, "", icon="step", name="Step 10 seconds", parent=self)
        self.step.hint("Step 10 seconds and stand still (.)")
        self.skip = Button(theme, "Skip", icon="last", parent=self)
        self.skip.hint("Go through the next minutes or hours at once; they are recorded and judged")
        self.speeds: list[Button] = []
        for words, speed in SPEEDS:
            button = Button(theme, words, "segment", name=f"Speed {words}", parent=self)
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, speed=speed: self._choose_speed(speed))
            self.speeds.append(button)
        self.scenario = Button(theme, "Scenario", icon="down", parent=self)
        self.scenario.trailing = True
        self.scenario.hint("Play another built-in scenario, from its start")
        self.fault = Button(theme, "Inject a fault", icon="down", parent=self)
        self.fault.trailing = True
        self.fault.hint("Begin a fault now on the satellite that is shown; it is recorded as a label")
        self.play.clicked.connect(self.toggle)
        self.step.clicked.connect(lambda: self.stepped.emit(STEP))
        self.skip.clicked.connect(lambda: self._menu(self.skip, [(f"Skip {words}", n) for words, n in SKIPS]))
        self.scenario.clicked.connect(lambda: self._menu(self.scenario, self._scenarios))
        self.fault.clicked.connect(lambda: self._menu(self.fault, self._view.faults if self._view else ()))
        self.hide()

    def _buttons(self) -> list[Button]:
        return [self.play, self.step, self.skip, *self.speeds, self.scenario, self.fault]

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.theme = theme
        self.scrub.set_theme(theme)
        for button in self._buttons():
            button.theme = theme
        self.update()

    def set_head(self, head: int) -> None:
        """Width of the strips' heads, under which what can be dragged begins."""
        self.scrub.set_head(head)

    def set_scenarios(self, scenarios: Sequence[tuple[str, str]]) -> None:
        """What can be played instead: (words, name) of each."""
        self._scenarios = tuple(scenarios)
        self._place()

    def set_playback(self, view: PlaybackView | None) -> bool:
        """Where playback stands; None where nothing can be played. Whether the bar came or went."""
        if view == self._view:
            return False
        before, self._view = self._view, view
        if view is not None:
            self.scrub.set_view(view)
            standing = view.paused or view.ended
            self.play.set_icon("play" if standing else "pause")
            self.play.setAccessibleName("Play" if standing else "Pause")
            self.play.setEnabled(not view.ended)
            self.step.setEnabled(not view.ended)
            self.skip.setEnabled(not view.ended)
            for button, (_, speed) in zip(self.speeds, SPEEDS, strict=True):
                button.setChecked(speed == view.speed)
            self.fault.setVisible(bool(view.faults))
            self.fault.setEnabled(not view.ended)
            self.scenario.setVisible(bool(view.scenario))
            if before is None or bool(before.faults) != bool(view.faults):
                self._place()
        self.setVisible(view is not None)
        self.update()
        return (before is None) != (view is None)

    def toggle(self) -> None:
        """Pause, or play."""
        if self._view is not None and not self._view.ended:
            self.paused.emit(not self._view.paused)

    def _choose_speed(self, speed: float | None) -> None:
        if self._view is not None:
            for button, (_, other) in zip(self.speeds, SPEEDS, strict=True):
                button.setChecked(other == self._view.speed)
        self.speed_chosen.emit(speed)

    def _menu(self, button: Button, choices: Sequence[tuple[str, object]]) -> None:
        menu = QMenu(self)
        for words, value in choices:
            action = menu.addAction(words)
            action.triggered.connect(lambda _=False, value=value: self._chosen(button, value))
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(button.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _chosen(self, button: Button, value: object) -> None:
        if button is self.skip:
            if self._view is not None and isinstance(value, int):
                self.skipped.emit(self._view.position + value)
        elif button is self.scenario:
            self.scenario_chosen.emit(str(value))
        else:
            self.fault_wanted.emit(str(value))

    # looks

    def words(self) -> str:
        """Where playback stands, in words."""
        view = self._view
        if view is None:
            return ""
        at = text.clock(view.position, view.origin)
        if view.ended:
            return f"Ended at {at}"
        if view.until is not None:
            return f"{at}, skipping to {text.clock(view.until, view.origin)}"
        return f"{at}, paused" if view.paused else at

    def _place(self) -> None:
        self.scrub.setGeometry(0, 0, self.width(), self.scrub.height())
        top = self.scrub.height() + (PX["toolbar"] - PX["button"]) // 2
        x = PX["space_4"]
        for button, gap in ((self.play, 4), (self.step, 4), (self.skip, 16)):
            width = button.sizeHint().width() if button.text() else 34
            button.setGeometry(x, top, width, PX["button"])
            x += width + gap
        for i, button in enumerate(self.speeds):
            button.place = "first" if i == 0 else "last" if i == len(self.speeds) - 1 else ""
            width = button.sizeHint().width()
            button.setGeometry(x, top, width, PX["button"])
            x += width - 1
        self._words_at = x + PX["space_4"]
        x = self.width() - PX["space_4"]
        for button in (self.fault, self.scenario):
            if not button.isHidden():
                width = button.sizeHint().width()
                x -= width
                button.setGeometry(x, top, width, PX["button"])
                x -= 8
        self._words_end = x

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Buttons keep to their ends."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """Ground and words."""
        painter.fillRect(self.rect(), self.theme.color("panel"))
        bar = self.rect().adjusted(0, self.scrub.height(), 0, 0)
        room = QRect(self._words_at, bar.y(), max(0, self._words_end - self._words_at), bar.height())
        if metrics(12).horizontalAdvance(self.words()) <= room.width():
            write(painter, room, self.words(), self.theme.color("text_2"), 12, 400, LEFT)
