"""The charts' side of the window: what is on them, what stretch of time, what is marked. GUI thread."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from app.window.choice import around, contact_keys, overview, satellite_of, score_spec, strip_spec
from app.window.feed import Feed, Fresh, FreshJudged, channel_of, is_score, score_key
from app.window.ledger import Ledger
from widgets.strips.widget import Strips
from widgets.text import HOUR
from widgets.watch import WatchView

FIRST_SPAN = HOUR
MOST = 100
"""Charts at the most of one subsystem, those about the channel that is asked for: a file may have thousands."""
_LEAD = 0.15
"""Of the window, left free after a finding that is shown."""


class Charts(QObject):
    """Between the strips, the feed and the tree. Follows the foremost finding until the operator chooses."""

    changed = Signal()
    """Other channels are shown, or another stretch of time."""

    def __init__(self, view: WatchView, strips: Strips, feed: Feed, ledger: Ledger) -> None:
        super().__init__(view)
        self._view, self._strips, self._feed, self._ledger = view, strips, feed, ledger
        self.keys: list[str] = []
        self.title = ""
        self.satellite = ""
        self.finding: int | None = None
        self._chosen_by_operator = False
        self._score_of: str | None = None
        strips.set_span(FIRST_SPAN)
        strips.view_changed.connect(lambda *_: self.changed.emit())
        strips.selected.connect(self._strip_selected)

    # samples

    def add(self, fresh: Fresh) -> None:
        """Draw what is new of a group."""
        if fresh.missed:
            for key in fresh.keys:
                self._strips.reset(key)
        self._strips.append_group(fresh.keys, fresh.times, fresh.values)

    def add_judged(self, judged: FreshJudged) -> None:
        """Draw what was expected, and the score of the channel whose score is shown."""
        self._strips.append_expected(judged.keys, judged.times, judged.low, judged.high)
        if self._score_of in judged.keys:
            column = judged.keys.index(self._score_of)
            self._strips.append(score_key(self._score_of), judged.times, judged.ratio[:, column])

    # what is shown

    def forget(self) -> None:
        """Something else is watched from now on: nothing chosen so far holds."""
        self.keys, self.finding, self._chosen_by_operator = [], None, False
        self._strips.set_strips(())
        self._strips.set_live(True)

    def begin(self) -> None:
        """Other groups have come: show a satellite, or what was shown where it is still there."""
        known = [key for key in self.keys if self._feed.channel(key) is not None]
        groups = self._feed.groups
        for key in contact_keys(groups):
            self._strips.set_gap_reason(key, "out of contact")
        if known:
            self._show(known, self.title, self._strips.chosen)
        elif groups:
            first = groups[0].satellite
            self._show(overview(groups, first), first, None)

    @property
    def shown(self) -> tuple[list[str], str, str] | None:
        """Keys, title and selected key of what the operator chose to see; None where the charts choose themselves."""
        return (self.keys, self.title, self._strips.chosen or "") if self._chosen_by_operator else None

    def show_again(self, keys: Sequence[str], title: str, chosen: str) -> None:
        """Show what the operator chose once, as far as it is there."""
        if any(self._feed.channel(key) is not None for key in keys):
            self._chosen_by_operator = True
            self._show(keys, title, chosen or None)

    @property
    def chosen(self) -> str:
        """The channel whose chart is selected, or an empty text."""
        return channel_of(self._strips.chosen or "")

    def renew(self) -> None:
        """What is known of the channels has changed: show them anew."""
        self._compose(self._strips.chosen)

    def follow(self) -> None:
        """Show what the foremost finding is about, unless the operator has chosen something."""
        number = self._ledger.foremost()
        if number is not None and not self._chosen_by_operator:
            self._show_finding(number)
            self._view.dock.attention.select(number)

    def show_key(self, key: str) -> None:
        """The operator selected a satellite, a subsystem or a channel in the tree."""
        self._chosen_by_operator = True
        self.finding = None
        if key in self.keys:
            self._choose(key)
            return
        satellite, _, rest = key.partition("/")
        if not rest:
            self._show(overview(self._feed.groups, satellite), satellite, None)
            return
        channel = self._feed.channel(key)
        if channel is None:
            self._show(list(self._view.channels.channels_below(key))[:MOST], key.replace("/", " / "), None)
            return
        subsystem = f"{satellite}/{channel.subsystem}" if channel.subsystem else satellite
        keys = list(self._view.channels.channels_below(subsystem)) or [key]
        at = max(0, keys.index(key) - MOST // 2) if key in keys else 0
        self._show(keys[at : at + MOST], subsystem.replace("/", " / "), key)

    def toggle(self, key: str) -> None:
        """Put a channel on a chart of its own, or take it off."""
        self._chosen_by_operator = True
        self.finding = None
        on = key not in self.keys
        keys = [*self.keys, key] if on else [one for one in self.keys if one != key]
        self._show(keys, "Chosen channels", key if on else None)

    def show_finding(self, number: int, *, move: bool = True) -> None:
        """Show the channels of a finding, and its time."""
        self._chosen_by_operator = True
        self._show_finding(number)
        event = self._ledger.event(number)
        if event is not None and move:
            left = self._strips.right - self._strips.span
            if event.start < left or event.start > self._strips.right:
                self.move_to(event.start + int(self._strips.span * (1 - 2 * _LEAD)))

    # what stretch of time

    def set_earliest(self, earliest: int) -> None:
        """Nothing was recorded before: where going back ends."""
        self._strips.set_earliest(earliest)
        self.changed.emit()

    def set_span(self, span: int) -> None:
        """Microseconds from edge to edge; the right edge stays."""
        self._strips.set_span(span)
        self.changed.emit()

    def step(self, windows: int) -> None:
        """One window back or on."""
        self.move_to(self._strips.right + windows * self._strips.span)

    def move_to(self, right: int) -> None:
        """End the charts at ``right``; what would lie after now is live."""
        if right >= self._strips.board.now:
            self._strips.set_live(True)
        else:
            self._strips.set_right(right)
        self.changed.emit()

    def show_time(self, time: int) -> None:
        """Have a moment on the charts, three quarters along, unless it is there already."""
        if not self._strips.right - self._strips.span <= time <= self._strips.right:
            self.move_to(time + self._strips.span // 4)

    def go_live(self) -> None:
        """Follow the clock."""
        self._strips.set_live(True)
        self.changed.emit()

    def window(self) -> tuple[int, int, int | None]:
        """Start, end, and how far behind live (None: live)."""
        right = self._strips.right
        behind = None if self._strips.live else max(self._strips.board.now - right, 0)
        return right - self._strips.span, right, behind

    # inside

    def _show_finding(self, number: int) -> None:
        event = self._ledger.event(number)
        leading = self._ledger.keys(number)
        if event is None or not leading:
            return
        keys = around(self._feed.groups, event.satellite, leading)
        same = number == self.finding and keys == self.keys
        self.finding = number
        if not same:
            self._show(keys, event.satellite, leading[0])

    def _show(self, keys: Sequence[str], title: str, chosen: str | None) -> None:
        self.keys = [key for key in dict.fromkeys(keys) if self._feed.channel(key) is not None]
        self.title = title
        if self.keys:
            self.satellite = satellite_of(self.keys[0])
        self._compose(chosen)
        self._view.channels.set_plotted(self.keys)
        self._view.ranges.set_title(title, len(self.keys))
        group = self._feed.group_of(self.keys[0]) if self.keys else None
        self._view.ranges.set_orbit(None if group is None else group.orbit)
        self._choose(chosen)
        self.changed.emit()

    def _compose(self, chosen: str | None) -> None:
        """Hand the strips their specs; the score of one channel comes last."""
        specs = []
        for key in self.keys:
            channel, group, newest = self._feed.channel(key), self._feed.group_of(key), self._feed.newest(key)
            if channel is not None and group is not None:
                specs.append(strip_spec(channel, group, None if newest is None else newest.seen))
        wanted = chosen if chosen in self.keys else None
        traces = [spec.key for spec in specs if spec.kind == "trace"]
        self._score_of = wanted if wanted in traces else (traces[0] if traces else None)
        if self._score_of is not None:
            channel, group = self._feed.channel(self._score_of), self._feed.group_of(self._score_of)
            if channel is not None and group is not None:
                specs.append(score_spec(channel, group))
        self._strips.set_strips(specs)

    def _choose(self, key: str | None) -> None:
        if key is not None and key != self._score_of and self._feed.channel(key) is not None:
            self._compose(key)
        self._strips.select(key)

    def _strip_selected(self, key: str) -> None:
        if is_score(key):
            return
        self._chosen_by_operator = True
        self._choose(channel_of(key))
        self._view.channels.select(key)
