"""Between the core and the page Detection: commissioning a satellite, thresholds in the operator's words. GUI thread.

The core is asked only while the page is open, one question of a kind at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer

from app.window.charts import Charts
from app.window.choice import satellite_of
from app.window.corelink import CoreLink
from app.window.ledger import Ledger
from app.window.question import Question
from app.window.settled import meaning, preview_of, scopes, settled
from widgets import text
from widgets.model import Clock, Kind
from widgets.tuning.model import By, CommissioningView, NominalSpan, Preview, ThresholdsView, Wish
from widgets.watch import WatchView

REQUESTS = ("propose", "commission", "cancel", "preview", "threshold")
"""What is asked of the core here, and what becomes of it is said on the page."""
AGAIN_MS = 3_000
"""What was refused is asked again after so long: more telemetry may have come."""


class Tuning(QObject):
    """Of the satellite, subsystem or channel that the operator chose last."""

    def __init__(self, view: WatchView, link: CoreLink, charts: Charts, ledger: Ledger) -> None:
        super().__init__(view)
        self._view, self._link, self._charts, self._ledger = view, link, charts, ledger
        self._page = view.dock.tuning
        self._clock, self._began = Clock(0), 0
        self._subject = ""
        self._proposing = Question(link, "propose")
        self._previewing = Question(link, "preview")
        self._again = QTimer(self)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self._ask_again)
        self._again.start()
        self._forget()
        self._connect()

    def _connect(self) -> None:
        link, view, page = self._link, self._view, self._page
        link.attached.connect(self._on_attached)
        link.switched.connect(self._forget)
        link.news.connect(self._on_news)
        link.answered.connect(self._on_answered)
        link.refused.connect(self._on_refused)
        view.selection_changed.connect(self._choose)
        view.detection_wanted.connect(self._open_at)
        page.opened.connect(self._on_opened)
        above, below = page.commissioning, page.thresholds
        above.commission_wanted.connect(self._commission)
        above.cancel_wanted.connect(lambda: link.ask("cancel"))
        below.wish_changed.connect(self._on_wish)
        below.set_wanted.connect(self._set)
        below.remove_wanted.connect(self._remove)

    def show(self, clock: Clock, began: int) -> None:
        """Bring the page up to the clock; ``began`` is the first telemetry time (UTC microseconds)."""
        self._clock, self._began = clock, began
        known = [node.name for node in self._view.channels.model.satellites] if self._known else []
        self._view.channels.set_provisional(name for name in known if name not in self._commissioned)
        if self._page.isVisible():
            self._show()

    # what it is about

    def _forget(self) -> None:
        """Another session altogether."""
        self._known = False
        self._commissioned: Mapping[str, tuple[int, int]] = {}
        self._settled: list[dict[str, Any]] = []
        self._job: Mapping[str, Any] = {}
        self._starting = False
        self._refused = ""
        self._forget_proposal()
        self._preview: Preview | None = None
        self._wished: Wish | None = None
        self._answered: Wish | None = None
        self._factor = 1.0
        self._no_preview = self._not_set = ""

    def _forget_proposal(self) -> None:
        self._proposed: tuple[int, int] | None = None
        self._why_not = ""

    @property
    def _satellite(self) -> str:
        return satellite_of(self._subject)

    def _choose(self, key: str) -> None:
        """Be about the satellite, the subsystem or the channel of ``key``."""
        another = satellite_of(key) != self._satellite
        self._subject = key
        if another:
            self._refused = ""
            self._forget_proposal()
        if self._page.isVisible():
            self._show()
            if another:
                self._ask_proposal()

    def _on_opened(self) -> None:
        selected = self._view.channels.selected()
        # The charts may have gone to a finding of another satellite since the operator chose one in the tree.
        same = satellite_of(selected) == self._charts.satellite
        self._choose(selected if same else self._charts.satellite)
        self._ask_proposal()
        self._ask_preview()

    def _open_at(self, key: str) -> None:
        node = self._view.channels.model.node(key)
        if node is not None:
            self._choose(key)
            self._page.thresholds.choose_scope(("satellite", "subsystem", "channel").index(node.level) + 1)

    # questions

    def _ask_proposal(self) -> None:
        if self._satellite:
            self._proposing.ask(satellite=self._satellite)

    def _ask_preview(self) -> None:
        wish = self._page.thresholds.wish()
        if not self._page.isVisible() or wish is None:
            return
        self._wished = wish
        if wish.by == "findings":
            self._previewing.ask(channels=wish.channels, findings_a_day=wish.amount)
        else:
            self._previewing.ask(channels=wish.channels, share_of_time=wish.amount / 100)

    def _ask_again(self) -> None:
        if self._page.isVisible():
            if self._why_not:
                self._ask_proposal()
            if self._no_preview:
                self._ask_preview()

    def _commission(self, span: NominalSpan, who: str) -> None:
        self._starting, self._refused = True, ""
        self._link.ask("commission", satellite=self._satellite, start=span.start, stop=span.stop, who=who)
        self._show()

    def _on_wish(self) -> None:
        self._not_set = ""
        self._ask_preview()

    def _remove(self, channels: str) -> None:
        self._not_set = ""
        self._link.ask("threshold", channels=channels, factor=None)

    def _set(self, wish: Wish) -> None:
        self._not_set = ""
        self._link.ask("threshold", channels=wish.channels, factor=self._factor, meaning=meaning(wish))

    # what the core says

    def _on_attached(self) -> None:
        self._proposing.forget()
        self._previewing.forget()
        self._starting = False
        if self._page.isVisible():
            self._on_opened()

    def _on_news(self, news: Mapping[str, Any]) -> None:
        if news["news"] != "detection":
            return
        others = news["thresholds"] != self._settled
        was_made = bool(self._job.get("ended"))
        self._known = True
        self._settled = news["thresholds"]
        self._commissioned = {name: (span[0], span[1]) for name, span in news["commissioned"].items()}
        self._job = news["job"] or {}
        self._starting = False
        if self._page.isVisible():
            self._show()
            if others:
                self._ask_preview()
            if self._job.get("ended") and not was_made:
                self._ask_proposal()

    def _on_answered(self, do: str, answer: Mapping[str, Any]) -> None:
        if do == "propose" and self._proposing.came() and answer["satellite"] == self._satellite:
            self._proposed, self._why_not = (answer["start"], answer["stop"]), ""
        elif do == "preview" and self._previewing.came():
            by: By = "findings" if "findings_a_day" in answer else "share"
            self._preview, self._factor = preview_of(answer, by), float(answer["factor"])
            self._answered, self._no_preview = self._wished, ""
        if do in REQUESTS and self._page.isVisible():
            self._show()

    def _on_refused(self, do: str, why: str) -> None:
        if do == "propose" and self._proposing.came():
            self._proposed, self._why_not = None, why
        elif do == "preview" and self._previewing.came():
            self._preview, self._answered, self._no_preview = None, None, why
        elif do == "threshold":
            self._not_set = why
        elif do in ("commission", "cancel"):
            self._starting, self._refused = False, why
        if do in REQUESTS and self._page.isVisible():
            self._show()

    # what is shown

    def _show(self) -> None:
        node = self._view.channels.model.node(self._subject)
        if node is None or not self._known:
            return
        above = {one.level: one.key for one in (node, node.parent, node.parent and node.parent.parent) if one}
        self._page.commissioning.set_view(self._commissioning())
        self._page.thresholds.set_view(
            ThresholdsView(
                scopes=scopes(self._satellite, above.get("subsystem", ""), above.get("channel", "")),
                settled=settled(self._settled),
                preview=self._preview,
                answered=self._answered,
                refusal=self._not_set or self._no_preview,
            )
        )

    def _commissioning(self) -> CommissioningView:
        satellite, job = self._satellite, self._job
        span = self._commissioned.get(satellite)
        proposed = None
        if self._proposed is not None:
            proposed = self._span(*self._proposed, "without a finding")
        making = satellite if self._starting else str(job["satellite"]) if job and "ended" not in job else ""
        return CommissioningView(
            satellite=satellite,
            commissioned=text.stretch(*span, self._clock) if span else "",
            proposed=proposed,
            why_not=self._why_not,
            shown=self._shown(),
            making=making,
            share=float(job.get("share", 0.0)),
            outcome=self._refused or (self._outcome(satellite) if job.get("satellite") == satellite else ""),
        )

    def _outcome(self, satellite: str) -> str:
        match self._job.get("ended"):
            case "done":
                return f"{satellite} is commissioned: {text.counted(self._job['channels'], 'channel')}."
            case "cancelled":
                return f"Given up: {satellite} is judged as before."
            case "failed":
                return f"{satellite} is judged as before. {self._job['why']}"
        return ""

    def _shown(self) -> NominalSpan | None:
        """What the charts show of the telemetry that there is."""
        start, stop, _ = self._charts.window()
        start, stop = max(start, self._began), min(stop, self._clock.now)
        if stop <= start:
            return None
        within = sum(
            one.satellite == self._satellite and one.kind is Kind.FINDING and one.start < stop and one.end > start
            for one in self._ledger.spans()
        )
        usual = f"with {text.counted(within, 'finding')} in it, which would count as usual"
        return self._span(start, stop, usual if within else "without a finding")

    def _span(self, start: int, stop: int, remark: str) -> NominalSpan:
        words = text.stretch(start, stop, self._clock)
        return NominalSpan(start, stop, words, f"{text.duration(stop - start)} {remark}.")
