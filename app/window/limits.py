"""The limits of the channel that the operator chose: asked of the core, shown, checked, put in force. GUI thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from PySide6.QtCore import QObject

from app.window.charts import Charts
from app.window.corelink import CoreLink
from app.window.feed import Feed
from telemetry import Limit
from telemetry.limitfields import fields_of, limit_of
from telemetry.limits import limits_from_json, limits_to_json, problem
from widgets.model import LimitsView
from widgets.watch import WatchView

_SAYS = {"declared": "as the source declares them", "file": "as the file of limits says", "set": "set by an operator"}


class _WrongError(Exception):
    def __init__(self, field: str, sentence: str) -> None:
        self.field, self.sentence = field, sentence


class LimitsEditor(QObject):
    """Between the core and the view's panel of limits."""

    def __init__(self, view: WatchView, feed: Feed, charts: Charts, link: CoreLink) -> None:
        super().__init__(view)
        self._view, self._feed, self._charts, self._link = view, feed, charts, link
        self._key = ""
        view.limits_wanted.connect(self.show)
        view.selection_changed.connect(self._follow)
        view.limits.applied.connect(self._apply)
        view.limits.reset_wanted.connect(lambda: link.ask("set_limits", key=self._key, limits=None))
        link.answered.connect(self._answered)

    def show(self, key: str = "") -> None:
        """Show the limits of ``key``; where it is empty, of the channel that is selected."""
        for wanted in (key, self._view.channels.selected(), self._charts.chosen):
            if self._feed.channel(wanted) is not None:
                self._key = wanted
                self._link.ask("limits", key=wanted)
                return
        self._view.say("Select a channel: its limits are shown then.")

    def _follow(self, key: str) -> None:
        panel = self._view.limits
        if panel.view is not None and not panel.changed and self._feed.channel(key) is not None:
            self.show(key)

    def _apply(self, rows: Sequence[Mapping[str, str]]) -> None:
        panel, limits = self._view.limits, []
        for place, values in enumerate(rows):
            try:
                limits.append(limit_of(values, _wrong))
            except _WrongError as raised:
                panel.set_problem(_sentence(raised.sentence), place, raised.field)
                return
        found = problem(limits)
        if found is not None:
            panel.set_problem(_sentence(found.sentence), found.place, found.field)
        else:
            self._link.ask("set_limits", key=self._key, limits=limits_to_json(limits))

    def _answered(self, do: str, answer: Mapping[str, Any]) -> None:
        if do not in ("limits", "set_limits") or answer["key"] != self._key:
            return
        channel = self._feed.channel(self._key)
        if channel is None:
            return
        limits = limits_from_json(answer["limits"])
        if do == "set_limits":
            self._feed.set_limits(self._key, limits)
            self._charts.renew()
            self._view.say(f"These limits of {channel.path} are in force, and will be the next time.")
        says = _SAYS[answer["origin"]]
        rows = tuple(_texts(limit) for limit in limits)
        self._view.set_limits(LimitsView(self._key, channel.unit, says, rows, answer["origin"] == "set"))


def _wrong(field: str, sentence: str) -> NoReturn:
    raise _WrongError(field, sentence)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _texts(limit: Limit) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else repr(value).removesuffix(".0")
        for name, value in fields_of(limit).items()
    }
