"""What the judges of one group found, as points for the composers of events. Judge's thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from detection.compose import Expectation, Point
from detection.cycle import BLOCK, Departure, Turn
from detection.fit import Floats, Kind
from detection.intake import Intake
from detection.limits import Excursion
from detection.record import Hit
from detection.scorer import Result, Scorer
from detection.settings import BANK, CYCLE, LIMITS, ROBUST_Z, SILENCE, WORDS, DetectionSettings
from detection.silence import Silence
from telemetry import Group, Times

_VERSION = "1"


class Report:
    """The points of one group. ``intake`` says when samples came, ``scorer`` what kind of channel each is."""

    def __init__(self, group: Group, intake: Intake, scorer: Scorer, settings: DetectionSettings) -> None:
        self._channels = group.channels
        self._intake = intake
        self._scorer = scorer
        self._settings = settings

    def scores(self, times: Times, x: Floats, result: Result) -> Iterator[Point]:
        """Of the plain scores and the baseline, for (channels, n) values at ``times``."""
        states = self._scorer.fits.kind == Kind.STATE
        for hit in result.bank.hits:
            point = self._finding(times, hit, BANK[hit.score], WORDS[hit.score], result)
            if states[hit.channel]:
                point = replace(point, reason=self._state(hit.channel, x[hit.channel, hit.column]))
            yield point
            for other in hit.seconds:
                yield self._second(times, hit, BANK[other])
        for hit in result.baseline.hits:
            if self._settings.robust_z_opens:
                yield self._finding(times, hit, ROBUST_Z, ROBUST_Z, result)
            else:
                yield self._second(times, hit, ROBUST_Z)
        for column, channel in result.bank.settled:
            path, when = self._channels[channel].path, int(times[column])
            yield Point(when, "", _VERSION, path, 1.0, self._merge, "", settled=True)

    def silence(self, one: Silence) -> Point:
        """Of a channel that sends no value."""
        path, said = self._channels[one.channel].path, one.describe()
        return Point(one.time, SILENCE, _VERSION, path, one.ratio, self._merge, said, settled=one.settled)

    def departure(self, one: Departure | Turn) -> Point:
        """Of a channel that has departed from its cycle, or a mode that is out of its turn."""
        path, reach = self._channels[one.channel].path, max(self._merge, 2 * BLOCK)
        if isinstance(one, Turn):
            return Point(one.time, CYCLE, _VERSION, path, 1.0, reach, "", explains=True)
        point = Point(one.time, CYCLE, _VERSION, path, one.ratio, reach, one.reason)
        return replace(point, threshold=one.threshold, expected=one.expected)

    def excursion(self, out: Excursion) -> Point:
        """Of a channel beyond a declared limit."""
        limit = out.limit
        # What was expected is told of a value; that of a rate is in another unit, and what returns is inside.
        told = limit.quantity == "value" and out.ratio > 1.0
        return Point(
            out.time,
            LIMITS,
            _VERSION,
            self._channels[out.channel].path,
            out.ratio,
            self._merge,
            out.reason,
            limit.severity,
            threshold=out.bound,
            expected=Expectation(limit.low, limit.high, out.value) if told else None,
            response=limit.response,
        )

    def _state(self, channel: int, code: float) -> str:
        names = dict(self._channels[channel].states)
        return f"{names.get(int(code), f'state {code:g}')} was not met before"

    def _finding(self, times: Times, hit: Hit, judge: str, words: str, result: Result) -> Point:
        when = int(times[hit.column])
        rose = self._intake.times.last(len(times) - hit.column + hit.rising)[0, 0]
        return Point(
            when,
            judge,
            _VERSION,
            self._channels[hit.channel].path,
            hit.ratio,
            self._merge,
            hit.describe(words),
            onset=min(int(rose), when),
            threshold=hit.threshold,
            expected=self._scorer.expected(result, hit, words),
        )

    def _second(self, times: Times, hit: Hit, judge: str) -> Point:
        path = self._channels[hit.channel].path
        return Point(int(times[hit.column]), judge, _VERSION, path, hit.ratio, self._merge, "", opens=False)

    @property
    def _merge(self) -> int:
        return self._settings.merge * max(self._intake.period.step, 1)
