"""The bar that plays, between the operator and the core: where playback stands, what is wanted of it, faults now.

GUI thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.counters import Counter, Counters
from app.plan import Plan
from app.window.charts import Charts
from app.window.corelink import CoreLink
from telemetry.clock import SECOND
from widgets.model import Clock, EventRow, PlaybackView
from widgets.text import clock
from widgets.watch import WatchView


class Playback(QObject):
    """Of one session at a time; ``begin`` says which."""

    happened = Signal(object)
    """An ``EventRow``: what the operator did to the telemetry."""

    def __init__(self, view: WatchView, link: CoreLink, charts: Charts) -> None:
        super().__init__(view)
        self._view, self._link, self._charts = view, link, charts
        self._plan: Plan | None = None
        self.possible = False
        """Whether what is watched can wait."""
        self._faults: tuple[tuple[str, str], ...] = ()
        self._speed: float | None = None
        bar = view.transport
        bar.paused.connect(lambda paused: link.ask("play", paused=paused))
        bar.stepped.connect(lambda span: link.ask("play", step=span))
        bar.speed_chosen.connect(lambda speed: link.ask("play", speed=speed or 0))
        bar.skipped.connect(lambda moment: link.ask("play", skip_to=moment))
        bar.scenario_chosen.connect(self._play_scenario)
        bar.fault_wanted.connect(lambda kind: link.ask("inject", kind=kind, satellite=charts.satellite))
        link.answered.connect(self._on_answered)

    @property
    def continues(self) -> bool:
        """Whether what is played was begun by a core that was cut off."""
        return self._plan is not None and self._plan.continues is not None

    def begin(self, hello: Mapping[str, Any]) -> None:
        """A core has said what it plays."""
        self._plan, self.possible = Plan.from_json(hello["plan"]), bool(hello["playable"])
        self._view.transport.set_scenarios([(f"{name}: {what}", name) for name, what in hello["scenarios"]])
        self._faults = tuple((name.replace("_", " ").capitalize(), name) for name in hello["faults"])

    def show(self, counters: Counters, now: Clock, oldest: int) -> None:
        """Where playback stands, and the charts; ``oldest`` (UTC microseconds) is what these can go back to."""
        self._speed = int(counters[Counter.SPEED]) / 1000 or None
        self._view.set_playback(self._state(counters, now, oldest) if self.possible and now.now else None)

    def hide(self) -> None:
        """No core is there that could play."""
        self._view.set_playback(None)

    def _state(self, counters: Counters, now: Clock, oldest: int) -> PlaybackView:
        start, right, behind = self._charts.window()
        ended = bool(counters[Counter.ENDED])
        return PlaybackView(
            position=now.now - now.now % SECOND,
            paused=bool(counters[Counter.PAUSED]),
            speed=self._speed,
            origin=now.origin,
            ended=ended,
            until=int(counters[Counter.SKIP_TO]) or None,
            scenario=self._scenario,
            faults=self._faults,
            began=oldest,
            end=None if ended else int(counters[Counter.END]) or None,
            shown=None if behind is None else right,
            window=right - start,
        )

    @property
    def _scenario(self) -> str:
        sources = self._plan.sources if self._plan is not None else ()
        return sources[0] if len(sources) == 1 and sources[0].startswith("sim:") else ""

    def _play_scenario(self, name: str) -> None:
        """Another scenario from its start, at the speed of the moment, into the same archive."""
        if self._plan is None:
            return
        self._link.switch(
            replace(
                self._plan,
                sources=(f"sim:{name}",),
                speed=self._speed,
                history=None,
                paused=False,
                injected=(),
                resume_from=None,
                continues=None,
            )
        )

    def _on_answered(self, do: str, answer: Mapping[str, Any]) -> None:
        if do == "inject":
            words = str(answer["kind"]).replace("_", " ")
            row = EventRow(int(answer["begins"]), str(answer["satellite"]), f"{words} injected (simulated)")
            self.happened.emit(row)
            self._view.say(f"{words.capitalize()} on {answer['satellite']}, from {clock(row.time)} on.")
