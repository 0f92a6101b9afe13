"""The Watch view: bar, tree, charts, what asks for attention, status, arranged for the window there is.

GUI thread. Handed values through its ``set_`` methods, it emits what the operator wants; it decides nothing. The
charts are a widget of the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QResizeEvent, QShortcut
from PySide6.QtWidgets import QApplication, QWidget

from widgets.arrangement import Arrangement, arrange
from widgets.banner import Banner, Toast
from widgets.limits import LimitsPanel
from widgets.model import (
    ChannelRow,
    Clock,
    Counts,
    EventRow,
    FindingRow,
    LimitsView,
    Mark,
    Notice,
    OffNominalRow,
    PlaybackView,
    SatelliteView,
    Span,
    StatusView,
)
from widgets.overview import Overview
from widgets.paint import painted
from widgets.rail import Rail
from widgets.ranges import RangeBar
from widgets.rightdock import TABS, RightDock
from widgets.scoring.page import ScoringPage
from widgets.status import StatusStrip
from widgets.teach import TeachPanel
from widgets.theme import PX, Theme
from widgets.topbar import VIEWS, TopBar
from widgets.transport import STEP, Transport
from widgets.tree import ChannelsDock

_LEAST_CHARTS = 210
"""Height of the charts while limits are edited under them."""


class WatchView(QWidget):
    """``strips`` becomes a child and fills the centre."""

    channel_activated = Signal(str)
    """Put this channel on a chart, or take it off."""
    selection_changed = Signal(str)
    """The key selected in the tree: of a channel, a subsystem or a satellite."""
    span_chosen = Signal(object)
    """Length of the window wanted, microseconds."""
    window_stepped = Signal(int)
    window_moved = Signal(object)
    """End of the window wanted, UTC microseconds."""
    finding_stepped = Signal(int)
    finding_selected = Signal(object)
    finding_activated = Signal(object)
    """Show the charts at this finding's time (its key)."""
    verdict_given = Signal(object, str, str)
    """The key of a finding, what the operator says of it, and a note."""
    undo_wanted = Signal()
    view_shown = Signal(str)
    event_activated = Signal(object)
    """Show the charts at this ``EventRow``'s time."""
    live_wanted = Signal()
    detection_wanted = Signal(str)
    """The page Detection was opened, for this key of the tree where one was named."""
    limits_wanted = Signal(str)
    """Show the limits of this channel, or of the selected one where the key is empty."""
    teach_wanted = Signal()
    """Train a model of the subsystem that is selected."""
    banner_action = Signal()
    arranged = Signal(object)
    """The ``Arrangement`` has changed: strips may be compact, or in two columns."""

    def __init__(self, theme: Theme, strips: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.arrangement = arrange(1920, 1080)
        # In the order in which Tab walks them.
        self.top = TopBar(theme, parent=self)
        self.banner = Banner(theme, self)
        self.rail = Rail(theme, self)
        self.channels = ChannelsDock(theme, self)
        self.ranges = RangeBar(theme, self)
        self.strips = strips
        strips.setParent(self)
        if strips.focusPolicy() is Qt.FocusPolicy.NoFocus:
            strips.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.limits = LimitsPanel(theme, self)
        self.transport = Transport(theme, self)
        self.overview = Overview(theme, self)
        self.dock = RightDock(theme, self)
        self.scoring = ScoringPage(theme, self)
        self.scoring.hide()
        self.status = StatusStrip(theme, self)
        self.toast = Toast(theme, self)
        self.teach = TeachPanel(theme, self)
        self._drawer = False
        self._connect()
        self.setMinimumSize(960, 540)
        strips.setFocus()

    def _connect(self) -> None:
        self.channels.channel_activated.connect(self.channel_activated)
        self.channels.selection_changed.connect(self.selection_changed)
        self.channels.detection_wanted.connect(self.open_detection)
        self.channels.limits_wanted.connect(self.limits_wanted)
        self.limits.resized.connect(self._place)
        self.limits.closed.connect(self.close_limits)
        self.dock.off_nominal.channel_activated.connect(self.channel_activated)
        self.dock.attention.finding_selected.connect(self.finding_selected)
        self.dock.attention.finding_activated.connect(self.finding_activated)
        self.dock.verdicts.given.connect(self.verdict_given)
        self.dock.verdicts.taken_up.connect(self.finding_selected)
        self.dock.verdicts.left.connect(lambda: self.dock.attention.setFocus(Qt.FocusReason.OtherFocusReason))
        self.dock.events.event_activated.connect(self.event_activated)
        self.ranges.span_chosen.connect(self.span_chosen)
        self.ranges.window_stepped.connect(self.window_stepped)
        self.ranges.finding_stepped.connect(self.finding_stepped)
        self.ranges.live_wanted.connect(self.live_wanted)
        self.transport.moved.connect(self.window_moved)
        self.transport.live_wanted.connect(self.live_wanted)
        self.overview.moved.connect(self.window_moved)
        self.banner.action_wanted.connect(self.banner_action)
        self.rail.opened.connect(self._open_at)
        self.top.view_chosen.connect(self.show_view)
        self.status.chosen.connect(lambda entry: self.show_view("Scoring") if entry == "engine" else None)
        for number, name in enumerate(VIEWS, 1):
            QShortcut(QKeySequence(f"Ctrl+{number}"), self, partial(self.show_view, name))
        QShortcut(QKeySequence("Ctrl+F"), self, self.find_channel)
        self.top.train.clicked.connect(self.teach_wanted)
        QShortcut(QKeySequence("Ctrl+T"), self, self.teach_wanted.emit)
        QShortcut(QKeySequence("Ctrl+Z"), self, self.undo_wanted.emit)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)

    # values

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on; the caller's strips are the caller's."""
        self.theme = theme
        parts = (
            self.top,
            self.rail,
            self.channels,
            self.ranges,
            self.limits,
            self.transport,
            self.overview,
            self.dock,
            self.scoring,
            self.status,
            self.banner,
            self.teach,
        )
        for part in (*parts, self.banner):
            part.set_theme(theme)
        self.toast.theme = theme
        self.update()

    def set_clock(self, clock: Clock) -> None:
        """The session's clock: shown, and what ages are counted to."""
        self.top.set_clock(clock)
        self.dock.set_clock(clock)
        self.overview.set_clock(clock)

    def set_channels(self, rows: Sequence[ChannelRow]) -> None:
        """The channels there are."""
        self.channels.set_channels(rows)
        self._refresh_rail()

    def set_health(self, marks: Mapping[str, Mark]) -> None:
        """The marks of all channels that are not well, by key."""
        self.channels.set_health(marks)
        self._refresh_rail()

    def set_satellites(self, satellites: Iterable[SatelliteView]) -> None:
        """One word for each satellite."""
        self.channels.set_satellites(satellites)

    def set_counts(self, counts: Counts) -> None:
        """How many things ask for attention."""
        self.top.set_counts(counts)
        self.ranges.set_findings(counts.findings)

    def set_findings(self, rows: Iterable[FindingRow], spans: Iterable[Span] = ()) -> None:
        """What asks for attention, and the spans of the last 24 hours."""
        self.dock.set_findings(rows)
        self.overview.set_spans(spans)

    def add_events(self, rows: Iterable[EventRow]) -> None:
        """What has happened since the last call."""
        self.dock.add_events(rows)

    def set_off_nominal(self, rows: Iterable[OffNominalRow]) -> None:
        """Channels outside a limit or in an open finding."""
        self.dock.set_off_nominal(rows)

    def set_status(self, view: StatusView) -> None:
        """The figures of the session."""
        self.status.set_status(view)

    def set_window(self, start: int, end: int, behind: int | None = None) -> None:
        """What the charts show, UTC microseconds; ``behind`` live by so much, or None when live."""
        self.ranges.set_span(end - start)
        self.ranges.set_behind(behind)
        self.overview.set_window(start, end)

    def set_notice(self, notice: Notice | None) -> None:
        """The banner over the charts, or none."""
        if self.banner.set_notice(notice):
            self._place()

    def set_playback(self, view: PlaybackView | None) -> None:
        """Where playback stands; None where nothing can be played."""
        if self.transport.set_playback(view):
            self._place()

    def set_limits(self, view: LimitsView) -> None:
        """Show the limits of a channel under the charts."""
        came = self.limits.view is None
        self.limits.set_view(view)
        if came:
            self.limits.take_keyboard()

    def close_limits(self) -> None:
        """Put the limits away."""
        self.limits.set_view(None)
        self.strips.setFocus()

    def say(self, sentence: str) -> None:
        """A toast."""
        self.toast.say(sentence)
        self._place_toast()

    def show_view(self, name: str) -> None:
        """Show one of ``VIEWS`` and put the keyboard into it."""
        scoring = name == "Scoring"
        self.top.set_view(name)
        # What is covered takes neither keys nor clicks.
        for part in (self.rail, self.channels, self.ranges, self.strips, self.limits, self.transport, self.overview):
            part.setEnabled(not scoring)
        self.dock.setEnabled(not scoring)
        self._show_drawer(False)
        self.scoring.setVisible(scoring)
        (self.scoring if scoring else self.strips).setFocus()
        self.view_shown.emit(name)

    @property
    def shown(self) -> str:
        """The one of ``VIEWS`` that is shown."""
        return "Scoring" if self.scoring.isVisibleTo(self) else "Watch"

    def open_detection(self, key: str = "") -> None:
        """Show the page Detection and put the keyboard into it; ``key`` says what of."""
        self.show_view("Watch")
        self.dock.show_tab(TABS.index("Detection"))
        self.dock.tuning.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.detection_wanted.emit(key)

    # the tree where it is a rail

    def find_channel(self) -> None:
        """Put the keyboard into the filter of what is shown, bringing the channels out where they are put away."""
        if self.scoring.isVisible():
            self.scoring.lines.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        self._show_drawer(True)
        self.channels.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.channels.filter.selectAll()

    def _open_at(self, satellite: str) -> None:
        self._show_drawer(not self._drawer)
        if self._drawer:
            self.channels.select(satellite)
            self.channels.list.setFocus()

    def _show_drawer(self, out: bool) -> None:
        self._drawer = out and self.arrangement.rail
        self._place()

    def _focus_moved(self, _before: QWidget | None, now: QWidget | None) -> None:
        if self._drawer and now is not None and now is not self.rail and not self.channels.isAncestorOf(now):
            self._show_drawer(False)

    def _refresh_rail(self) -> None:
        self.rail.rows.set_rows([(node.name, node.mark) for node in self.channels.model.satellites])

    # looks

    def _place(self) -> None:
        old, now = self.arrangement, arrange(self.width(), self.height())
        self.arrangement = now
        width, height = self.width(), self.height()
        top = PX["topbar"]
        self.top.setGeometry(0, 0, width, top)
        self.top.set_wide(now.date)
        if self.banner.notice is not None:
            self.banner.setGeometry(0, top, width, self.banner.height())
            top += self.banner.height()
        bottom = height - PX["status_strip"]
        self.status.setGeometry(0, bottom, width, PX["status_strip"])
        self._drawer = self._drawer and now.rail
        self.rail.setVisible(now.rail)
        self.rail.setGeometry(0, top, now.left - 1, bottom - top)
        self.channels.setVisible(not now.rail or self._drawer)
        if now.rail:
            self.channels.setGeometry(now.left, top, PX["dock_left"], bottom - top)
        else:
            self.channels.setGeometry(0, top, now.left, bottom - top)
        self.dock.setGeometry(width - now.right, top, now.right, bottom - top)
        self.dock.set_details(now.details)
        centre = QRect(now.left, top, width - now.left - now.right, bottom - top)
        self.ranges.setGeometry(centre.x(), centre.y(), centre.width(), PX["toolbar"])
        over = PX["time_overview"] if now.overview else 0
        self.overview.setVisible(now.overview)
        self.overview.set_head(now.head)
        self.transport.set_head(now.head)
        self.overview.setGeometry(centre.x(), bottom - over, centre.width(), PX["time_overview"])
        used = centre.y() + PX["toolbar"]
        play = 0 if self.transport.isHidden() else self.transport.height()
        self.transport.setGeometry(centre.x(), bottom - over - play, centre.width(), self.transport.height())
        room = bottom - over - play - used
        edit = 0 if self.limits.view is None else min(self.limits.wanted_height(), max(room - _LEAST_CHARTS, room // 2))
        self.limits.setGeometry(centre.x(), used + room - edit, centre.width(), edit)
        self.strips.setGeometry(centre.x(), used, centre.width(), room - edit)
        self.scoring.setGeometry(0, top, width, bottom - top)
        if self._drawer:
            self.channels.raise_()
        self.teach.move(centre.x() + (centre.width() - self.teach.width()) // 2, used + PX["space_4"])
        self._place_toast()
        self.update()
        if now != old:
            self.arranged.emit(now)

    def _place_toast(self) -> None:
        size = self.toast.sizeHint()
        x = self.width() - size.width() - PX["space_4"]
        y = self.height() - PX["status_strip"] - size.height() - PX["space_4"]
        self.toast.setGeometry(x, y, size.width(), size.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Docks, rail, charts and bars take their places."""
        self._place()

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        """What no part covers: the line beside the rail."""
        painter.fillRect(self.rect(), self.theme.color("panel"))
        if self.arrangement.rail:
            painter.fillRect(self.arrangement.left - 1, 0, 1, self.height(), self.theme.color("line"))

    # keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Single keys that no part had a use for: a field that has the keyboard keeps them all."""
        plain = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        if plain or not self._single_key(Qt.Key(event.key())):
            event.ignore()

    def _single_key(self, key: Qt.Key) -> bool:
        if self.scoring.isVisible() and key != Qt.Key.Key_D:
            # The others are about what is covered.
            if key == Qt.Key.Key_Escape:
                self.show_view("Watch")
            return key == Qt.Key.Key_Escape
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.window_stepped.emit(-1 if key == Qt.Key.Key_Left else 1)
        elif key in (Qt.Key.Key_N, Qt.Key.Key_P):
            self.finding_stepped.emit(1 if key == Qt.Key.Key_N else -1)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            span = self.ranges.zoomed(1 if key == Qt.Key.Key_Minus else -1)
            if span is not None:
                self.span_chosen.emit(span)
        elif Qt.Key.Key_1 <= key <= Qt.Key.Key_4:
            self.dock.verdicts.give(key - Qt.Key.Key_1)
        elif key == Qt.Key.Key_L:
            self.live_wanted.emit()
        elif key == Qt.Key.Key_D:
            self.open_detection()
        elif key == Qt.Key.Key_Space and not self.transport.isHidden():
            self.transport.toggle()
        elif key == Qt.Key.Key_Period and not self.transport.isHidden():
            self.transport.stepped.emit(STEP)
        elif key == Qt.Key.Key_E:
            self.limits_wanted.emit("")
        elif key == Qt.Key.Key_Escape and self._drawer:
            self._show_drawer(False)
            self.rail.setFocus()
        else:
            return False
        return True


__all__ = ["Arrangement", "WatchView"]
