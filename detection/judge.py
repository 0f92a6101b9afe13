"""The judge of a session: an ordered stream of frames and ticks in, ratios, scores and events out.

One thread feeds it. It reads no clock but the stream's; the only waiting is in ``drain``, up to its deadline.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from detection.bound import Bound, bind
from detection.commissioning import Commissioned, Commissioning
from detection.compose import Composer, Point
from detection.contexts import Modes
from detection.event import Event, Judged, Scored
from detection.familiar import Familiar, Ruling
from detection.group import GroupJudge
from detection.levels import BLOCK
from detection.network import Network, Submit
from detection.settings import DetectionSettings
from detection.sisters import Sisters
from detection.spec import WindowSpec
from detection.tally import Flaws
from detection.thresholds import Thresholds
from telemetry import Frame, Group, Limit, Tick
from telemetry.limits import condition

DRAIN_S = 30.0
"""Seconds that ``drain`` waits for outstanding scores unless told otherwise."""
_LONG_AGO = -(1 << 62)
Item = Frame | Tick | Ruling | Commissioning | Thresholds
"""What a judge takes, in order."""
_FOREVER = 1 << 62
_PATIENCE = 20  # periods that a group may be silent before the others go on without it


@dataclass(slots=True)
class Output:
    """What one item of the stream led to. ``events`` holds each event that opened, changed or closed."""

    judged: list[Judged] = field(default_factory=list)
    scored: list[Scored] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class _Satellite:
    """The groups of one satellite and the events they lead to.

    Events are composed behind a watermark: the time up to which every group has been judged. A group that has
    been silent for longer than frames are long no longer holds it back.
    """

    def __init__(
        self, name: str, keys: count[int], settings: DetectionSettings, familiar: Familiar, bound: Sequence[Bound]
    ) -> None:
        self.groups: dict[str, GroupJudge] = {}
        self.bound = list(bound)
        self.findings = Composer(name, keys, familiar)
        self.limits = Composer(name, keys)
        self.modes = Modes()
        self._networks_open, self._between_opens = settings.networks_open, settings.between_opens
        self.begun = _LONG_AGO
        self.longest = 0
        self._long_until = _LONG_AGO

    @property
    def newest(self) -> int:
        """Time of the newest sample that was judged."""
        return max(group.newest for group in self.groups.values())

    def note(self, frame: Frame) -> list[Event]:
        """The stream has come to the start of ``frame``; where its clock was set back, everything is closed."""
        first, last = int(frame.times[0]), int(frame.times[-1])
        group = self.groups.get(frame.group.key)
        closed: list[Event] = []
        if group is not None and group.set_back(first):
            closed = self.finish()
            self.begun = first
            for model in self.bound:
                model.restart()
        self.begun = max(self.begun, first)
        if last - first >= self.longest or self.begun > self._long_until:
            # History comes in long frames: long after it, what happens now is not to be told as late as they were.
            self.longest = last - first
            self._long_until = last + self.longest
        return closed

    def collect(self, wait: float | None = None) -> list[Scored]:
        """Scores that have come back; ``wait``: monotonic second up to which each outstanding one is waited for."""
        left = None if wait is None else lambda: max(0.0, wait - time.monotonic())
        scored: list[Scored] = []
        for judge in self.asking():
            some, points = judge.collect(left)
            scored += some
            for point in points:
                self.findings.add(point)
        return scored

    def asking(self) -> list[Network | Bound]:
        """Whatever asks models for scores here."""
        # A copy: other threads read the counters while the judge's own thread meets new groups.
        networks = [network for group in list(self.groups.values()) for network in group.networks]
        return [*networks, *self.bound]

    def cut(self, *, ended: bool = False) -> None:
        """Let the models between channels cut what every group has passed, or what was waited for long enough.

        All there is where the stream ``ended``.
        """
        for model in self.bound:
            waited = self.begun - self.longest - 1 - model.patience
            judged = _passed(self.groups.values(), self.begun, self.longest)
            model.close(self.newest if ended else max(waited, judged))

    def exceed(self, points: Sequence[Point]) -> None:
        """Limits were passed: an alarm of its own, and a second for what the scores find."""
        for point in points:
            self.limits.add(point)
            self.findings.add(replace(point, opens=False))

    def release(self) -> None:
        """Judge what waited for a mode that is known by now."""
        for group in self.groups.values():
            if group.held_since is not None:
                self.exceed(group.release(self.begun - self.longest - 1))

    def set_limits(self, limits: Mapping[str, tuple[Limit, ...]]) -> None:
        """Other limits from here on; what waits is still judged by the old ones."""
        self._release_all()
        for group in self.groups.values():
            group.set_limits(limits)

    def _release_all(self) -> None:
        for group in self.groups.values():
            self.exceed(group.release(_FOREVER))

    def advance(self) -> list[Event]:
        """Events that the watermarks have passed."""
        judged = _passed(self.groups.values(), self.begun, self.longest)
        waiting = [
            since
            for group in self.groups.values()
            for network in group.networks
            if (since := network.waiting_since) is not None
        ]
        opening = [since for model in self.bound if (since := model.waiting_since) is not None]
        scored = min([judged, *(since - 1 for since in (*waiting, *opening))])
        opened = min([judged, *(since - 1 for since in opening if self._between_opens)])
        known = scored if self._networks_open else opened
        held = [since - 1 for group in self.groups.values() if (since := group.held_since) is not None]
        checked, scored = min([judged, *held]), min([scored, *held])
        return self.findings.advance(known, scored) + self.limits.advance(checked, checked)

    def finish(self) -> list[Event]:
        """The stream has ended."""
        self._release_all()
        return self.findings.finish() + self.limits.finish()


def _passed(groups: Iterable[GroupJudge], begun: int, longest: int) -> int:
    """The time that every one of ``groups`` has passed, but for those that are silent.

    The newest frame began at ``begun``; none lasted more than ``longest`` microseconds.
    """
    awake = [group for group in groups if begun - group.newest <= max(2 * longest, _PATIENCE * group.period)]
    return min([begun - longest - 1, *(group.newest for group in awake)])


class Judge:
    """Judges a session. ``specs`` are the models to ask, ``submit`` asks them (see ``Submit``).

    Satellites with one of ``commissionings`` are judged by it from their first sample on. ``keys`` numbers the events,
    for judges that share a session.
    ``limits`` are those in force, by channel key; a channel that is not there has the limits it declares.
    ``groups`` are all that may come: models of several channels are bound to them, once a satellite.
    """

    def __init__(
        self,
        specs: Sequence[WindowSpec],
        submit: Submit,
        settings: DetectionSettings | None = None,
        thresholds: Thresholds = Thresholds(),
        commissionings: Sequence[Commissioning] = (),
        keys: count[int] | None = None,
        limits: Mapping[str, tuple[Limit, ...]] | None = None,
        groups: Sequence[Group] = (),
    ) -> None:
        self._notes: list[str] = []
        self._thresholds = thresholds
        self._commissionings = {one.satellite: one for one in commissionings}
        self._limits = self._wanted = limits or {}
        self._settings = settings or DetectionSettings()
        self._submit = submit
        self._specs = [spec for spec in specs if self._usable(spec)]
        self._single = [spec for spec in self._specs if spec.channels == ("any",)]
        self._bound = self._bind(groups)
        self._keys = keys or count(1)
        self._satellites: dict[str, _Satellite] = {}
        self._familiar: defaultdict[str, Familiar] = defaultdict(Familiar)
        self._sisters = Sisters(self._keys)
        self._compared = _LONG_AGO

    def feed(self, item: Item) -> Output:
        """Judge the next item of the stream. Never waits for a score.

        A commissioning and thresholds are in force from the next sample on.

        A tick brings in what has come back meanwhile. It moves no event on: the session's clock and that of the
        samples may lie hours apart, and what goes on is known from samples alone. A ruling counts for what starts
        after the samples before it in the stream.
        """
        output = Output()
        if isinstance(item, Ruling):
            known = self._satellites.get(item.event.satellite)
            self._familiar[item.event.satellite].take(item, _LONG_AGO if known is None else known.newest)
        elif isinstance(item, Tick):
            for satellite in self._satellites.values():
                output.scored += satellite.collect()
                output.events += satellite.advance()
        elif isinstance(item, Commissioning):
            self._commissionings[item.satellite] = item
            for group in self._groups():
                if group.group.satellite == item.satellite:
                    self._adopt(group, item)
        elif isinstance(item, Thresholds):
            self._thresholds = item
            for group in self._groups():
                group.factor(item)
            for model in (one for models in self._bound.values() for one in models):
                model.factor(item)
        elif len(item):
            self._take_limits()
            satellite = self._satellite(item)
            group = satellite.groups.get(item.group.key) or self._begin(satellite, item.group)
            if group.set_back(int(item.times[0])):
                output.events += self._sisters.finish()
            output.events += satellite.note(item)
            for model in satellite.bound:
                model.put(item.group.key, item.times, item.timely())
            found = group.feed(item)
            output.judged.append(found.judged)
            for point in found.findings:
                satellite.findings.add(point)
            satellite.exceed(found.limits)
            satellite.release()
            satellite.cut()
            output.scored += satellite.collect()
            output.events += satellite.advance()
            output.events += self._compare()
        return output

    def set_limits(self, limits: Mapping[str, tuple[Limit, ...]]) -> None:
        """Judge by these limits from the next item of the stream on. Any thread."""
        self._wanted = limits

    def drain(self, timeout: float = DRAIN_S) -> Output:
        """The stream has ended: take every outstanding score and close every event.

        Waits at most ``timeout`` seconds in all; scores that have not come by then count as skipped.
        """
        output = Output()
        deadline = time.monotonic() + timeout
        for satellite in self._satellites.values():
            satellite.cut(ended=True)
            output.scored += satellite.collect(deadline)
            output.events += satellite.finish()
        output.events += self._sisters.finish()
        return output

    def commission(self) -> None:
        """Take what each channel has shown so far as its commissioning: fitted now, and never again.

        Channels with fewer samples than the first fit needs go on as before.
        """
        for group in self._groups():
            group.commission()

    def commissioned(self, start: int, stop: int) -> list[Commissioning]:
        """What was commissioned of each satellite, on the span ``start`` to ``stop`` (UTC microseconds).

        To be called after ``drain``: the networks' scores belong to it.
        """
        channels: dict[str, dict[str, Commissioned]] = {}
        for group in self._groups():
            channels.setdefault(group.group.satellite, {}).update(group.commissioned())
        return [Commissioning(name, start, stop, known) for name, known in channels.items() if known]

    @property
    def notes(self) -> list[str]:
        """Sentences about models that cannot be asked, and channels that are not as they were commissioned."""
        return [*self._notes, *(note for group in self._groups() for note in group.notes)]

    @property
    def provisional(self) -> frozenset[str]:
        """Keys of channels whose commissioning is provisional: still learned from the stream itself."""
        return frozenset(
            channel.key
            for group in self._groups()
            for channel, learning in zip(group.group.channels, group.provisional, strict=True)
            if learning
        )

    @property
    def flaws(self) -> dict[str, Flaws]:
        """What was wrong with the samples, by channel key; a channel that was well is not there."""
        return {key: one for group in self._groups() for key, one in group.tally.flaws().items()}

    @property
    def scored_by_model(self) -> dict[str, int]:
        """Windows scored, by model."""
        return self._count("scored")

    @property
    def skipped_by_model(self) -> dict[str, int]:
        """Windows refused or failed, by model."""
        return self._count("skipped")

    @property
    def scored(self) -> int:
        """Windows scored."""
        return sum(self.scored_by_model.values())

    @property
    def skipped(self) -> int:
        """Windows that were never scored."""
        return sum(self.skipped_by_model.values())

    def _count(self, what: str) -> dict[str, int]:
        counts = Counter({spec.model: 0 for spec in self._specs})
        for judge in (one for satellite in list(self._satellites.values()) for one in satellite.asking()):
            counts[judge.spec.model] += judge.scored if what == "scored" else judge.skipped
        return dict(counts)

    def _compare(self) -> list[Event]:
        """Events of sisters. Looked for once a block: what every satellite has passed is dear to find out."""
        begun = max(satellite.begun for satellite in self._satellites.values())
        longest = max(satellite.longest for satellite in self._satellites.values())
        number = (begun - longest - 1) // BLOCK
        if number == self._compared:
            return []
        self._compared = number
        return self._sisters.advance(_passed(self._groups(), begun, longest))

    def _groups(self) -> list[GroupJudge]:
        # A copy: other threads read the counters while the judge's own thread meets new groups.
        return [group for satellite in list(self._satellites.values()) for group in list(satellite.groups.values())]

    def _satellite(self, frame: Frame) -> _Satellite:
        name = frame.group.satellite
        if name not in self._satellites:
            made = self._satellites[name] = _Satellite(
                name, self._keys, self._settings, self._familiar[name], self._bound.get(name, ())
            )
            made.modes.watch(_modes(self._limits, name))
        return self._satellites[name]

    def _begin(self, satellite: _Satellite, group: Group) -> GroupJudge:
        judge = GroupJudge(group, self._single, self._submit, self._settings, self._limits, satellite.modes)
        satellite.groups[group.key] = judge
        self._sisters.meet(group, judge.levels)
        known = self._commissionings.get(group.satellite)
        if known is not None:
            self._adopt(judge, known)
        if self._thresholds.overrides:
            judge.factor(self._thresholds)
        return judge

    def _adopt(self, group: GroupJudge, known: Commissioning) -> None:
        changed = group.adopt(known.channels)
        if changed:
            self._notes.append(
                f"{group.group.satellite}: {', '.join(changed)} changed type since the commissioning, which does not "
                "count there: commission again."
            )

    def _take_limits(self) -> None:
        if self._wanted is not self._limits:
            self._limits = self._wanted
            for satellite in self._satellites.values():
                satellite.set_limits(self._limits)

    def _usable(self, spec: WindowSpec) -> bool:
        """Whether windows can be cut for ``spec``; the reason is noted where not."""
        reason = ""
        if spec.channels == ("any",) and spec.sample_period is not None:
            reason = "it asks for a fixed sample period, and windows of one channel keep the channel's own"
        elif spec.channels != ("any",) and spec.scaling != "stored":
            reason = "it takes several channels together, and does not store the location and scale of each"
        elif spec.kind == "forecast":
            reason = "it forecasts, and only a reconstruction or a score of the window itself is judged"
        elif spec.window < 2 or spec.stride < 1:
            reason = f"a window of {spec.window} every {spec.stride} samples makes no sense"
        if reason:
            self._notes.append(f"{spec.model} does not judge: {reason}.")
        return not reason

    def _bind(self, groups: Sequence[Group]) -> dict[str, list[Bound]]:
        """The models of several channels of each satellite; the reason is noted where one cannot judge there."""
        satellites: dict[str, list[Group]] = {}
        for group in groups:
            satellites.setdefault(group.satellite, []).append(group)
        bound: dict[str, list[Bound]] = {}
        for spec in self._specs:
            if spec.channels == ("any",):
                continue
            missing: list[str] = []
            for name, own in satellites.items():
                places, lacking = bind(spec, own)
                if not lacking:
                    model = Bound(spec, places, self._submit, self._settings)
                    if self._thresholds.overrides:
                        model.factor(self._thresholds)
                    bound.setdefault(name, []).append(model)
                elif places:
                    missing.append(f"{spec.model} does not judge {name}: no one channel there is {lacking[0]}.")
            if not missing and not any(one.spec is spec for models in bound.values() for one in models):
                missing.append(f"{spec.model} does not judge: none of its channels is here.")
            self._notes += missing
        return bound


def _modes(limits: Mapping[str, tuple[Limit, ...]], satellite: str) -> list[str]:
    """Paths of the channels that limits of a satellite depend on: remembered before the first of these is judged."""
    own = (of for key, of in limits.items() if key.partition("/")[0] == satellite)
    return [condition(limit.when).channel for of in own for limit in of if limit.when]
