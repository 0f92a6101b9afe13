"""What the Watch view shows and does: the core's words and the ring's samples in, the operator's wishes out.

GUI thread. One timer drives everything; each tick does the charts and one of the slower jobs, so that none of
them makes a long pause.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.counters import Counter, Counters
from app.link.messages import event_from_json, group_from_json, opinion_from_json
from app.window.charts import Charts
from app.window.chronicle import Chronicle
from app.window.corelink import CoreLink
from app.window.happenings import Happenings
from app.window.history import History
from app.window.layout import Layout
from app.window.ledger import Ledger
from app.window.lessons import Lessons
from app.window.limits import LimitsEditor
from app.window.playback import Playback
from app.window.quality import DataQuality
from app.window.scoring import FIGURES, Scoring
from app.window.status import About, Troubles, about, engine_of, status
from app.window.tuning import REQUESTS, Tuning
from app.window.verdicts import Verdicts
from detection.event import Event
from telemetry import Group
from telemetry.clock import SECOND
from telemetry.ring import COUNTERS, LiveRing, RingError
from widgets.model import ChannelRow, Clock, EventRow, Reading
from widgets.strips.widget import Strips
from widgets.text import DAY, age, counted, format_value
from widgets.watch import WatchView

log = logging.getLogger(__name__)

TICK_MS = 40
_SLOW = 6
"""Each slower job has its turn once in so many ticks: four times a second."""
_JUST_BEGUN_S = 10.0
_STALE_PERIODS = 5
_LEAST_STALE = 10 * SECOND


class Watching(QObject):
    """Between one core and one Watch view."""

    attached = Signal()
    failed = Signal(str)

    def __init__(self, view: WatchView, strips: Strips, chronicle: Chronicle, link: CoreLink) -> None:
        super().__init__(view)
        self._view, self._strips, self._link = view, strips, link
        self.chronicle, self.feed = chronicle, chronicle.feed
        self.history = History(chronicle, strips, link)
        self.ledger = Ledger(self.feed.channel)
        self.happenings = Happenings()
        self.quality = DataQuality()
        self.charts = Charts(view, strips, self.feed, self.ledger)
        self.playback = Playback(view, link, self.charts)
        self.layout = Layout(view, strips, self.charts)
        self.limits = LimitsEditor(view, self.feed, self.charts, link)
        self._troubles = Troubles()
        self.lessons = Lessons(view, link)
        self.verdicts = Verdicts(view, link, self.ledger)
        self._ring: LiveRing | None = None
        self._counters: Counters = [0] * COUNTERS
        self._about: About | None = None
        self._attached = False
        self._switched = False
        self._session = 0
        self._relative = False
        self._began = 0
        self._clock = Clock(0)
        self._early: list[dict[str, Any]] = []
        self._told: set[str] = set()
        self._lost_since = 0.0
        self._turn = 0
        self._new_rows: list[EventRow] = []
        self._own: list[str] = []
        self._connect()
        self.tuning = Tuning(view, link, self.charts, self.ledger)
        self.scoring = Scoring(view.scoring, link)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(TICK_MS)

    def _connect(self) -> None:
        link, view, charts = self._link, self._view, self.charts
        link.attached.connect(self._on_attached)
        link.news.connect(self._on_news)
        link.lost.connect(self._on_lost)
        link.failed.connect(self._on_failed)
        view.channel_activated.connect(charts.toggle)
        view.selection_changed.connect(charts.show_key)
        view.span_chosen.connect(charts.set_span)
        view.window_stepped.connect(charts.step)
        view.window_moved.connect(charts.move_to)
        view.live_wanted.connect(charts.go_live)
        view.finding_stepped.connect(self._step_finding)
        view.finding_selected.connect(lambda number: charts.show_finding(number, move=False))
        view.finding_activated.connect(charts.show_finding)
        view.event_activated.connect(self._show_event)
        view.banner_action.connect(self._act_on_banner)
        view.arranged.connect(lambda arrangement: self._strips.set_compact(arrangement.compact))
        self._strips.set_compact(view.arrangement.compact)
        charts.changed.connect(self._show_window)
        charts.changed.connect(self._show_playback)
        link.refused.connect(self._on_refused)
        link.answered.connect(self._on_answered)
        link.switched.connect(self._on_switched)
        self.playback.happened.connect(self._on_happened)
        self.history.reach_changed.connect(self._on_reach)
        self.history.events_came.connect(self._on_past_events)

    # one tick

    def tick(self) -> None:
        """Take in what is new, draw it, and do one of the slower jobs."""
        if self._ring is not None:
            self._take_samples()
            self._strips.set_now(self._clock.now)
            self.history.look()
        self._turn += 1
        jobs = (
            self._show_values,
            self._show_status,
            self._show_happenings,
            self._show_off_nominal,
            self._show_window,
            self._keep_position,
        )
        jobs[self._turn % _SLOW]()
        self._strips.tick()

    def _take_samples(self) -> None:
        counters = self._counters
        if not self._began and counters[Counter.FIRST]:
            self._began = self.chronicle.began = int(counters[Counter.FIRST])
            self._strips.set_began(self._began)
            self._strips.set_origin(self._began if self._relative else None)
        for fresh in self.feed.fresh():
            self.charts.add(fresh)
            self._new_rows += self.happenings.see(fresh.group, fresh.times, fresh.values)
        for judged in self.feed.judged():
            self.charts.add_judged(judged)
        now = int(max(counters[Counter.CLOCK], counters[Counter.NOW]))
        if now > self._clock.now:
            another_day = now // DAY != self._clock.now // DAY
            self._clock = Clock(now, self._began if self._relative else None)
            if another_day:
                self._show_findings()  # times of another day are written with their date

    # the slower jobs

    def _show_values(self) -> None:
        readings = {key: self._reading(key) for key in self._view.channels.visible_channels()}
        self._view.channels.set_values(readings)

    def _show_status(self) -> None:
        wall, now = int(time.time() * SECOND), time.monotonic_ns()
        view = status(self._counters, self._about, wall, self._attached, self._troubles, now)
        if self._attached and self.quality.due(time.monotonic()):
            self._link.ask("quality")
        self._view.set_status(replace(view, quality=self.quality.words, quality_tip=self.quality.tip))
        self._view.set_notice(self._troubles.notice(self._counters, now))
        if self._clock.now:
            self._view.set_clock(self._clock)
        self._show_playback()

    def _show_playback(self) -> None:
        if self._attached:
            self.playback.show(self._counters, self._clock, self.feed.oldest)
        else:
            self.playback.hide()

    def _show_happenings(self) -> None:
        if self._clock.now:
            # Perigee's own doings stand in the session's time, once that is known.
            self._new_rows += [EventRow(self._clock.now, "Perigee", sentence) for sentence in self._own]
            self._own = []
        self._new_rows += self.happenings.pass_time(self.feed.groups, self._clock.now)
        if self._new_rows:
            self._view.add_events(sorted(self._new_rows, key=lambda row: row.time))
            self._new_rows = []
            self._view.set_satellites(self.happenings.satellites)
            eclipses = self.happenings.eclipses
            self._strips.set_eclipse(eclipses)
            self._view.overview.set_eclipses(eclipses)

    def _show_off_nominal(self) -> None:
        values = {key: self._text(key) for key in self.ledger.off_nominal_keys() if self.feed.channel(key)}
        self._view.set_off_nominal(self.ledger.off_nominal(values))

    def _show_window(self) -> None:
        if self._clock.now:
            self._view.ranges.set_reach(self._strips.reach)
            self._view.set_window(*self.charts.window())
            satellites = dict.fromkeys(group.satellite for group in self.feed.groups)
            self._view.overview.set_rows(satellites, self.charts.satellite)
            self.tuning.show(self._clock, self._began)

    def _keep_position(self) -> None:
        """What a successor of the core has to know, should this one die now."""
        if self._attached and self._counters[Counter.NOW]:
            self._link.position = int(self._counters[Counter.FIRST]), int(self._counters[Counter.NOW])

    def _reading(self, key: str) -> Reading:
        newest, group = self.feed.newest(key), self.feed.group_of(key)
        if newest is None or group is None:
            return Reading("")
        silent = self._clock.now - newest.time
        stale = silent > max(_STALE_PERIODS * (group.period or 0), _LEAST_STALE)
        return Reading(self._text(key), age(newest.time, self._clock.now) if stale else "")

    def _text(self, key: str) -> str:
        channel, newest = self.feed.channel(key), self.feed.newest(key)
        if channel is None or newest is None:
            return ""
        return format_value(newest.value, "", channel.type, channel.states, channel.span or newest.seen)

    # what the core says

    def _on_attached(self, hello: Mapping[str, Any]) -> None:
        try:
            ring = LiveRing.attach(Path(hello["ring"]["path"]), hello["ring"]["layout"])
        except RingError as problem:
            self._on_failed(str(problem))
            return
        if self._switched:
            self._forget()
        groups = [group_from_json(one) for one in hello["groups"]]
        self._ring, self._counters = ring, ring.counters
        self._about, self._session = about(hello), int(hello["session"])
        self.playback.begin(hello)
        self._relative, self._attached = bool(hello["relative"]), True
        self.feed.attach(groups, ring)
        self._show_channels(groups)
        self.charts.begin()
        self.layout.begin(Path(hello["archive"]))
        self.history.begin()
        if self._troubles.lost_at is not None:
            took = time.monotonic() - self._lost_since
            missing = (
                "Nothing is missing." if self.playback.possible else "What was sent in between is marked as a gap."
            )
            self._troubles.back = f"The recorder stopped by itself and is back after {took:.1f} s. {missing}"
            self._say_of_itself(f"recording again, after {took:.1f} s")
        elif hello["age_s"] > _JUST_BEGUN_S:
            self._say_of_itself("this window joined a session that goes on")
        elif self.playback.continues:
            self._say_of_itself("went on with what was cut off")
        else:
            self._say_of_itself("recording began")
        self._troubles.lost_at, self._troubles.failed = None, ""
        self._tell_notes(hello["notes"])
        early, self._early = self._early, []
        for news in early:
            self._on_news(news)
        self._show_status()
        self.attached.emit()

    def _on_news(self, news: dict[str, Any]) -> None:
        if not self._attached:
            self._early.append(news)
        elif news["news"] == "events":
            rows = self.ledger.take(self._session, [event_from_json(one) for one in news["events"]])
            self._new_rows += rows
            self._show_findings()
            self.charts.follow()
        elif news["news"] == "detection":
            self.ledger.take_opinions(opinion_from_json(one) for one in news["verdicts"])
            self._show_findings()
        elif news["news"] == "engine" and self._about is not None:
            before, engine = self._about.engine, engine_of(news, self._about.models)
            self._about = replace(self._about, engine=engine)
            if engine.words.partition(",")[0] != before.words.partition(",")[0]:
                self._say_of_itself(f"{engine.words[:1].lower()}{engine.words[1:].partition(',')[0]}: {engine.reason}")
            self._show_status()
        elif news["news"] == "notes":
            self._tell_notes(news["notes"])

    def _on_lost(self) -> None:
        self._attached = False
        self.history.pause()
        self._lost_since = time.monotonic()
        self._troubles.lost_at = self._clock.now
        self._troubles.back = ""
        self._say_of_itself("recording stopped by itself")
        self._show_status()

    def _on_failed(self, sentence: str) -> None:
        self._attached = False
        self.history.pause()
        self._troubles.failed, self._troubles.lost_at = sentence, None
        self._show_status()
        self.failed.emit(sentence)

    def _on_answered(self, do: str, answer: Mapping[str, Any]) -> None:
        if do == "quality":
            self.quality.take(answer["channels"])

    def _on_reach(self, earliest: int) -> None:
        self._strips.set_began(min(earliest, self._began))
        self.charts.set_earliest(earliest)

    def _on_past_events(self, events: Sequence[tuple[int, Event]]) -> None:
        self.ledger.take_past(events)
        self._show_findings()

    def _on_happened(self, row: EventRow) -> None:
        self._new_rows.append(row)

    def _on_refused(self, do: str, why: str) -> None:
        if do not in (*REQUESTS, FIGURES):
            self._view.say(why)

    def _tell_notes(self, notes: Sequence[str]) -> None:
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self._say_of_itself(note)

    def _say_of_itself(self, sentence: str) -> None:
        self._own.append(sentence)

    def _on_switched(self) -> None:
        self._switched, self._attached = True, False
        self._show_status()

    def _forget(self) -> None:
        """Another session altogether: nothing of the last one stays on the screen."""
        self._switched = False
        self.ledger.clear()
        self.happenings = Happenings()
        self.quality = DataQuality()
        self.charts.forget()
        self._clock, self._began = Clock(0), 0
        self.history.forget()
        self._told.clear()
        self._show_findings()

    def _show_channels(self, groups: Sequence[Group]) -> None:
        rows = [
            ChannelRow(c.key, c.satellite, c.subsystem, c.name, c.unit, c.description)
            for group in groups
            for c in group.channels
        ]
        first = rows[0].satellite if rows else ""
        # Channels of one subsystem may come in several groups; the tree shows them together.
        order = {key: i for i, key in enumerate(dict.fromkeys((r.satellite, r.subsystem) for r in rows))}
        rows.sort(key=lambda r: order[r.satellite, r.subsystem])
        fresh = not self._view.channels.model.rows
        self._view.set_channels(rows)
        if fresh and first:
            self._view.channels.select(first)
        log.info("attached: %s", counted(len(rows), "channel"))

    def _show_findings(self) -> None:
        self._view.set_findings(self.ledger.rows(self._clock), self.ledger.spans())
        self._view.set_counts(self.ledger.counts())
        self._view.set_health(self.ledger.health())
        self._strips.set_findings(self.ledger.finding_spans())

    # what the operator wants

    def _step_finding(self, steps: int) -> None:
        number = self.ledger.step(self.charts.finding, steps)
        if number is not None:
            self._view.dock.attention.select(number)
            self.charts.show_finding(number)

    def _show_event(self, row: EventRow) -> None:
        if row.finding is not None and self.ledger.event(row.finding) is not None:
            self.charts.show_finding(row.finding)
        self.charts.show_time(row.time)

    def _act_on_banner(self) -> None:
        if self._troubles.failed:
            self._troubles.failed = ""
            self._link.open()
        else:
            self._troubles.back = ""
        self._show_status()
