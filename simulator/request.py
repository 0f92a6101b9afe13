"""What was asked for: ``SCENARIO?satellites=3&seed=7&start=now`` read into a value. Any thread.

A scenario is a built-in name or the path of a TOML file, which is read here.
"""

from __future__ import annotations

import difflib
import math
import re
import time
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import unquote

from simulator.chance import SEEDS
from simulator.scenario import BUILT_IN, RANGES, Scenario, built_in, listed, read_scenario
from telemetry import SourceError
from telemetry.clock import SECOND, parse_iso

SCENARIOS = {
    **{name: built_in(name).description for name in BUILT_IN},
    "load": "plain patterns on many channels, to drive a rate",
}
"""Each scenario and what it shows."""

START = parse_iso("2030-01-01T00:00:00Z")
"""Where a simulation begins unless ``start`` says otherwise, UTC microseconds."""


@dataclass(frozen=True, slots=True)
class Request:
    """A simulation as it was asked for.

    ``start`` is UTC microseconds, ``rate`` samples a second, ``duration`` seconds of telemetry or None for
    endless, ``eclipse`` minutes of eclipse an orbit or None for 8 to 11 as the seed has it, ``channels`` the
    number of channels of the whole fleet (``load`` only), ``plan`` the faults and events, None for ``load``;
    ``rates`` is "own" where each group has a rate of its own.
    """

    scenario: str
    satellites: int = 3
    seed: int = 7
    start: int = START
    rate: float = 1.0
    duration: float | None = None
    eclipse: float | None = None
    channels: int = 1000
    plan: Scenario | None = None
    rates: str = "one"

    @property
    def period(self) -> int:
        """Step between samples in whole microseconds."""
        return round(SECOND / self.rate)

    @property
    def samples(self) -> int | None:
        """Samples of each group, None where the run is endless."""
        return None if self.duration is None else math.ceil(self.duration * SECOND / self.period)


_USUAL = ("satellites", "seed", "start", "rate", "duration")
KEYS = {
    **dict.fromkeys(BUILT_IN, (*_USUAL, "rates")),
    "quiet": (*_USUAL, "eclipse", "rates"),
    "tumbling": (*_USUAL, "eclipse", "rates"),
    "load": ("channels", *_USUAL),
}
"""What each scenario takes; one in a file takes what ``demo`` does."""


def read_request(spec: str, now: int | None = None) -> Request:
    """The request in ``spec`` (with or without ``sim:`` in front); ``now`` is the clock, UTC microseconds.

    Raises SourceError with a sentence that names what is known.
    """
    name, _, query = spec.strip().removeprefix("sim:").partition("?")
    file = name.lower().endswith(".toml")
    if not file and name not in SCENARIOS:
        near = difflib.get_close_matches(name, SCENARIOS, 1)
        hint = f"; did you mean sim:{near[0]}?" if near else "."
        what = f'There is no built-in simulation "{name}"' if name else "sim: needs the name of a simulation"
        raise SourceError(f"{what}: the known ones are {listed(tuple(SCENARIOS))}{hint}")
    plan = _plan(name, file)
    keys = KEYS["demo" if file else name]
    given: dict[str, int | float | str] = {}
    for part in filter(None, query.split("&")):
        key, equals, text = (unquote(piece).strip() for piece in part.partition("="))
        if key not in keys:
            raise SourceError(f'sim:{name} knows no "{key}": it takes {listed(keys)}.')
        if key in given:
            raise SourceError(f'sim:{name} was given "{key}" twice: keep one of them.')
        if not equals or not text:
            raise SourceError(f'"{key}" of sim:{name} has no value: {_CURES[key]}.')
        given[key] = _value(name, key, text, now)
    fleet: dict[str, int | float | str | None] = {}
    if plan is not None:
        fleet = {key: getattr(plan, key) for key in ("satellites", "seed", "rate", "duration")}
    return Request(name, plan=plan, **{**fleet, **given})  # type: ignore[arg-type]  # each value was made for its own field


def _plan(name: str, file: bool) -> Scenario | None:
    if file:
        try:
            path = Path(name).expanduser()
        except RuntimeError:  # a user who has no home
            path = Path(name)
        return read_scenario(path)
    return None if name == "load" else built_in(name)


_CURES = {
    "satellites": "give a whole number from 1 to 64, such as satellites=3",
    "seed": f"give a whole number from 0 to {SEEDS - 1}, such as seed=7",
    "start": "give now or an ISO 8601 time from 1900 to 2900, such as start=2030-01-01T00:00:00Z",
    "rate": "give samples a second, above 0 and at most 100, such as rate=10",
    "duration": f"give seconds of telemetry above 0 and at most {RANGES['duration'][1]:.0f}, such as duration=3600",
    "eclipse": "give minutes an orbit from 0 to 36, such as eclipse=30",
    "channels": "give a whole number from 1 to 100000, such as channels=1000",
    "rates": "leave it out, or give own, such as rates=own",
}
_WHOLE = {field.name for field in fields(Request) if field.type == "int"}
# Year 1 to 9999 is what text can show; a run needs room after its start.
_EARLIEST, _LATEST = parse_iso("1900-01-01T00:00:00Z"), parse_iso("2900-01-01T00:00:00Z")


def _value(name: str, key: str, text: str, now: int | None) -> int | float | str:
    wrong = SourceError(f'"{key}={text}" of sim:{name} cannot be used: {_CURES[key]}.')
    if key == "start":
        try:
            moment = _now(now) if text == "now" else parse_iso(text.replace(" ", "+"))
        except (ValueError, OverflowError):
            raise wrong from None
        if not _EARLIEST <= moment <= _LATEST:
            raise wrong
        return moment
    if key == "rates":
        if text != "own":
            raise wrong
        return text
    whole = key in _WHOLE
    if not re.fullmatch(r"\d{1,19}" if whole else r"\d*\.?\d+(e[+-]?\d{1,3})?", text, re.ASCII):
        raise wrong
    number = int(text) if whole else float(text)
    low, high = RANGES[key]
    if not low <= number <= high:
        raise wrong
    return number


def _now(now: int | None) -> int:
    moment = time.time_ns() // 1000 if now is None else now
    return moment // SECOND * SECOND
