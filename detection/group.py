"""One group of channels: limits, scores and networks side by side, and what of it is a finding. Judge's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from detection.commissioning import Commissioned
from detection.compose import Point
from detection.contexts import Modes
from detection.cycle import Cycle
from detection.event import Judged
from detection.fit import LAGS, Floats, Kind, Mask
from detection.intake import STRETCH, Intake
from detection.levels import Levels
from detection.limits import Limits
from detection.network import Network, Strip, Submit
from detection.period import Period
from detection.report import Report
from detection.scorer import Result, Scorer
from detection.settings import DetectionSettings
from detection.silence import Silences
from detection.spec import WindowSpec
from detection.tally import Tally
from detection.thresholds import Thresholds
from telemetry import Frame, Group, Limit, Times

_NEVER = 1 << 60
_LOOK = 200  # newest samples that say where a commissioned channel is
_AWAY = 0.1  # of its range, that a channel is beyond it before it is told
_WIDEST = 1e150  # larger numbers are judged as this one: sums of them stay numbers


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a frame gave: its ratios, and the points for the composers of findings and of limits."""

    judged: Judged
    findings: list[Point]
    limits: list[Point]


class GroupJudge:
    """Everything that is known of one group while a session lasts."""

    def __init__(
        self,
        group: Group,
        specs: Sequence[WindowSpec],
        submit: Submit,
        settings: DetectionSettings,
        limits: Mapping[str, tuple[Limit, ...]],
        modes: Modes,
    ) -> None:
        n = len(group.channels)
        self.group = group
        self._settings = settings
        self._paths = [channel.path for channel in group.channels]
        self._tail = max([LAGS, *(spec.window for spec in specs)])
        keep = settings.history + self._tail + STRETCH + 1
        self._intake = Intake(n, Period(group.period, settings.gap), keep)
        self._modes = modes
        self._limits = Limits(group.channels, self._in_force(limits), settings.persistence, modes)
        self.levels = Levels(n)
        self._silences = Silences(n)
        self._cycle = Cycle(group.channels, group.orbit, settings)
        self._scorer = Scorer(group.channels, settings)
        self._report = Report(group, self._intake, self._scorer, settings)
        # A code has no shape that a network could know, and a switch hardly any.
        shaped = np.array([channel.type not in ("bool", "i4") for channel in group.channels], dtype=bool)
        self.networks = [Network(spec, group, submit, settings, shaped) for spec in specs]
        self._stage = np.zeros(n, dtype=np.int64)
        self._armable: Mask = np.zeros(n, dtype=bool)
        self._rearmed = np.zeros(n, dtype=np.int64)
        self.tally = Tally(group.channels)
        self._adopted: Mask = np.zeros(n, dtype=bool)
        self.notes: list[str] = []

    @property
    def period(self) -> int:
        """Step between samples in microseconds, declared or measured; 0 while it is not known."""
        return self._intake.period.step

    @property
    def newest(self) -> int:
        """Time of the newest sample that was judged."""
        return self._intake.newest

    def set_back(self, time: int) -> bool:
        """Whether a frame that begins at ``time`` comes from a clock that was set back."""
        return self._intake.set_back(time)

    @property
    def provisional(self) -> Mask:
        """(channels,) which were never commissioned: what is usual is learned from the stream."""
        return ~self._scorer.places.fixed

    def feed(self, frame: Frame) -> Found:
        """Judge a frame of this group. What is older than the newest sample was late: recorded, not judged."""
        times, x = frame.times, frame.timely()
        np.clip(x, -_WIDEST, _WIDEST, out=x, where=np.isfinite(x))
        n = len(times)
        if self.set_back(int(times[0])):
            self._limits.reset()
            self._cycle.restart()
        judged = Judged(self.group, times, *(np.full((n, len(x)), np.nan, dtype=np.float32) for _ in range(3)))
        found = Found(judged, [], [])
        newest, jumped = self._intake.newest, self._intake.set_back(int(times[0]))
        at = self._intake.late(times)
        self.tally.take(frame, x, at, newest, jumped=jumped)
        self.levels.take(times[at:], x[:, at:])
        self._modes.take(self.group, times[at:], x[:, at:])
        found.findings.extend(self._report.silence(one) for one in self._silences.take(times[at:], x[:, at:]))
        found.findings.extend(self._report.departure(one) for one in self._cycle.take(times[at:], x[:, at:]))
        while at < n:
            count, again = self._intake.cut(times[at:], x[:, at : at + STRETCH], self._scorer.fits.spacing)
            if again.any():
                self._rearm(again)
            stop = at + count
            self._stretch(times[at:stop], x[:, at:stop], slice(at, stop), found)
            at = stop
        for network in self.networks:
            network.submit()
        return found

    @property
    def held_since(self) -> int | None:
        """Time of the oldest sample whose limits wait for a mode."""
        return self._limits.held_since

    def release(self, passed: int) -> list[Point]:
        """Points of limits that waited for a mode; every group has passed the time ``passed``."""
        return [self._report.excursion(excursion) for excursion in self._limits.release(passed)]

    def set_limits(self, limits: Mapping[str, tuple[Limit, ...]]) -> None:
        """Judge by these limits, by channel key, from now on; a channel without any there by those it declares."""
        self._limits.set(self._in_force(limits))

    def _in_force(self, limits: Mapping[str, tuple[Limit, ...]]) -> list[tuple[Limit, ...]]:
        return [limits.get(channel.key, channel.limits) for channel in self.group.channels]

    def commission(self) -> None:
        """Take all that was seen so far, odd or not, as the commissioning of every channel with enough of it."""
        intake = self._intake
        (which,) = np.nonzero(intake.started & (intake.taken >= self._settings.fits[0]))
        if len(which):
            self._learn(which, nominal=True)
            self._stage[which] = len(self._settings.fits)
            self._armable[which] = True
            self._scorer.arm(self._rearmed, self._armable)

    def commissioned(self) -> dict[str, Commissioned]:
        """What is known of each channel that was commissioned, by path; the networks' scores must have come in."""
        known: dict[str, Commissioned] = {}
        for number in np.flatnonzero(self._scorer.places.fixed).tolist():
            one = self._scorer.commissioned(number, int(self._intake.taken[number]))
            scores = {network.name: network.commissioned(number) for network in self.networks}
            measures = {**one.measures, **{name: measure for name, measure in scores.items() if measure is not None}}
            known[self._paths[number]] = replace(one, measures=measures)
        return known

    def adopt(self, channels: Mapping[str, Commissioned]) -> list[str]:
        """Look at the channels as they were commissioned, by path; paths of those that have changed since.

        As after every gap nothing is raised for a while.
        """
        changed: list[str] = []
        again = np.zeros(len(self._paths), dtype=bool)
        for number, path in enumerate(self._paths):
            known = channels.get(path)
            if known is None:
                continue
            if known.type != self.group.channels[number].type:
                changed.append(path)
                continue
            self._scorer.adopt(number, known)
            for network in self.networks:
                network.adopt(number, known.fit.kind == Kind.STATE, known.measures.get(network.name))
            again[number] = True
        self._stage[again] = len(self._settings.fits)
        self._armable |= again
        self._adopted = again
        wait = np.ceil(self._settings.rearm * self._scorer.fits.spacing).astype(np.int64)
        self._rearmed = np.where(again, self._intake.row + wait, self._rearmed)
        self._scorer.arm(self._rearmed, self._armable)
        return changed

    def factor(self, thresholds: Thresholds) -> None:
        """From here on thresholds are what they were times the operator's factor for each channel."""
        factors = thresholds.factors([channel.key for channel in self.group.channels])
        self._scorer.bank.factor(factors)
        self._scorer.baseline.factor(factors)
        self._cycle.factor(factors)
        for network in self.networks:
            network.factor(factors)

    def _rearm(self, again: Mask) -> None:
        """After a gap scores are shown, and nothing is raised for a while; a channel's very first is no gap."""
        wait = np.ceil(self._settings.rearm * self._scorer.fits.spacing).astype(np.int64)
        known = self._intake.first < self._intake.row
        self._rearmed = np.where(again & known, self._intake.row + wait, self._rearmed)
        self._scorer.arm(self._rearmed, self._armable)

    def _stretch(self, times: Times, x: Floats, place: slice, found: Found) -> None:
        intake = self._intake
        found.limits.extend(self._report.excursion(excursion) for excursion in self._limits.check(times, x))
        counts, valid = intake.take(times, x)
        result = self._scorer.judge(intake, counts, valid)
        if result is not None:
            found.judged.ratio[place] = np.where(result.shown, result.bank.ratio, np.nan).T
            found.judged.low[place] = result.low.T
            found.judged.high[place] = result.high.T
            found.findings.extend(self._report.scores(times, x, result))
            self._ask(times, counts, valid, result)
        intake.advance(times)
        if intake.row == STRETCH:
            self._reach()
        if intake.row % STRETCH == 0:
            self._refit()
            self._look_around()

    def _ask(self, times: Times, counts: npt.NDArray[np.int64], valid: Mask, result: Result) -> None:
        if not self.networks:
            return
        n, intake, fits = len(times), self._intake, self._scorer.fits
        live = valid & (intake.row + np.arange(n) >= self._scorer.bank.armed_from[:, None])
        for network in self.networks:
            width = network.spec.window - 1 + n
            strip = Strip(
                times=times,
                series=fits.series(intake.values.last(width + 1)),
                valid=intake.valid.last(width),
                counts=counts,
                location=result.location,
                scale=result.scale,
                live=live,
                ready=result.shown,
                learning=~self._armable,
                spacing=fits.spacing,
                row=intake.run,
                period=self.period,
            )
            network.take(strip)

    def _reach(self) -> None:
        """Now that the step is known, and nothing entered a record yet: how many samples a record needs."""
        orbit = self.group.orbit or self._settings.orbit
        samples = int(self._settings.orbits * orbit / max(self.period, 1))
        networks = (network.record for network in self.networks)
        for record in (self._scorer.bank, self._scorer.baseline, *networks):
            record.extend(samples)

    def _refit(self) -> None:
        """Fit the channels that have reached the next of their counts; one in alarm waits."""
        fits = np.array([*self._settings.fits, _NEVER])
        taken = self._intake.taken
        due = self._intake.started & (taken >= fits[self._stage]) & ~self._scorer.bank.unsettled
        if due.any():
            (which,) = np.nonzero(due)
            self._learn(which, nominal=False)
            self._stage[which] = (taken[which][:, None] >= fits).sum(axis=1)
            self._armable[which] |= taken[which] >= self._settings.arm_after
            self._scorer.arm(self._rearmed, self._armable)

    def _look_around(self) -> None:
        """Once a commissioned channel is armed: whether it is where it was commissioned."""
        due = self._adopted & (self._intake.row >= self._rearmed)
        for number in np.flatnonzero(due).tolist():
            self._adopted[number] = False
            channel, place = self.group.channels[number], self._scorer.places.place(number)
            valid = self._intake.valid.last(_LOOK)[number]
            if self._scorer.fits.kind[number] != Kind.LEVEL or not valid.any():
                continue
            at = float(np.median(self._intake.values.last(_LOOK)[number][valid]))
            away = max(place.low - at, at - place.high)
            if away > _AWAY * max(place.high - place.low, place.least):
                unit = channel.unit and f" {channel.unit}"
                self.notes.append(
                    f"{channel.key} is at {at:.4g}{unit}, and was at {place.low:.4g} to {place.high:.4g}{unit} when it "
                    "was commissioned: if that is as it should be, commission again."
                )

    def _learn(self, which: npt.NDArray[np.intp], *, nominal: bool) -> None:
        self._scorer.learn(which, self._intake, nominal=nominal)
        for network in self.networks:
            network.learned(which, self._scorer.fits.kind[which] == Kind.STATE, nominal)
