"""When a score is an alarm: against its own rolling record (steps 3 to 8 of the recipe). Judge's thread.

Works on rows of scores of all channels of a group. What may change a threshold is looked at only at absolute
multiples of ``refresh`` rows, so a verdict does not depend on how many rows arrive at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from detection.fit import Floats, Mask
from detection.settings import Policy
from detection.tape import Tape

_STEPS = 10_000.0  # ratios are rounded to 1e-4 before they are compared, so that two engines agree
_NEVER = -(1 << 60)
_BLOCKS = 200
_BEGINS = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """One score of one channel above its threshold, ``column`` samples into the block that was judged.

    ``score`` is the number of the largest score; ``seconds`` those of the others above their record; ``factor``
    is the score over its record, which holds ``seen`` samples. ``threshold`` is what the score passed, budget
    included. Where the hit begins an alarm, ``rising`` rows before it the score was above its record already, in one
    run; only as many are looked at as have not entered the record.
    """

    column: int
    channel: int
    score: int
    seconds: tuple[int, ...]
    ratio: float
    factor: float
    seen: int
    threshold: float
    rising: int

    def describe(self, judge: str, unit: str = "samples") -> str:
        """The sentence: which score, and by how much over what."""
        return f"{judge} {self.factor:.1f} x anything in the last {max(self.seen // 100 * 100, 100):,} {unit}"


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """``ratio`` (channels, n) of the largest score over its threshold; ``bound`` (channels, n) the first score's
    threshold; ``calm`` (channels, n) neither in alarm nor near anything above the record; ``hits`` in order of
    time; ``settled``: column and channel of alarms that ended as a new regime.
    """

    ratio: Floats
    bound: Floats
    calm: Mask
    hits: list[Hit]
    settled: list[tuple[int, int]]


class Record:
    """The record, quarantine, budget and alarms of ``scores`` x ``channels``, one row each ``stride`` samples."""

    def __init__(self, policy: Policy, floors: Floats, channels: int, *, stride: int = 1, history: int = 0) -> None:
        self.policy = policy
        self.row = 0
        self._stride = stride
        self._lag, self._guard = self._rows(policy.lag), self._rows(policy.guard)
        self._pause, self._regime = self._rows(policy.pause), self._rows(policy.regime)
        self._refresh = max(1, policy.refresh // stride)
        shape = (len(floors), channels)
        self._ring = np.zeros((0, *shape))
        self._block = self._span = 0
        self.extend(policy.reach)
        self._scores = Tape(len(floors) * channels, self._lag + self._refresh, np.float64)
        self._over = Tape(channels, max(history, self._lag + self._refresh + self._guard), np.bool_)
        self._margin = np.array(policy.margins)[:, None]
        self._least: Floats = (
            np.broadcast_to(floors, shape).copy() if floors.ndim == 2 else np.repeat(floors[:, None], channels, axis=1)
        )
        self._floor = self._least.copy()
        self._factor: Floats = np.ones(channels)
        self._limit: Floats = self._floor * self._margin
        self._held = np.zeros(shape)
        self.forgets: Mask = np.ones(channels, dtype=bool)
        self.armed_from = np.full(channels, -_NEVER)
        self.since = np.zeros(channels, dtype=np.int64)
        self._begun, self._latest = np.full((2, channels), _NEVER)
        self._alarm: Mask = np.zeros(channels, dtype=bool)
        self._last_hit = np.full(channels, _NEVER)
        self._begins = np.full((_BEGINS, channels), _NEVER)
        self._k = np.ones(channels)
        self._budgeted = False

    def extend(self, samples: int) -> None:
        """Let the record reach back at least ``samples``; before anything has entered it.

        It is kept as the maxima of at most 200 blocks, so one that reaches far is as cheap as a short one.
        """
        span = self._rows(max(self.policy.reach, samples))
        self._block = self._refresh * -(-span // (self._refresh * _BLOCKS))
        # What a commissioning brought is the oldest there is.
        brought = self._ring.max(axis=0, initial=0.0)
        self._ring = np.zeros((-(-span // self._block), *self._ring.shape[1:]))
        self._ring[-1] = brought
        self._span = span

    def factor(self, factors: Floats) -> None:
        """Multiply the thresholds of the channels by ``factors`` (channels,): the operator's word on them."""
        self._factor = factors.copy()
        self._refresh_limits()

    def _rows(self, samples: int) -> int:
        return -(-samples // self._stride)

    @property
    def unsettled(self) -> Mask:
        """(channels,) in alarm, or above the record within the last samples: not the moment to fit."""
        recent: Mask = self._latest >= self.row - self._pause
        return recent | self._alarm

    def quarantined(self, n: int) -> Mask:
        """(channels, n) which of the last ``n`` rows are kept out of the record."""
        return _widen(self._over.last(n), self._guard)

    def judge(self, scores: Floats, live: Mask) -> Verdict:
        """Take (scores, channels, n) smoothed scores; ``live`` (channels, n) may raise an alarm where armed.

        A score that cannot be told yet is 0.
        """
        n = scores.shape[2]
        ratio, bound = np.empty(scores.shape[1:]), np.empty(scores.shape[1:])
        verdict = Verdict(ratio, bound, np.ones(ratio.shape, dtype=bool), [], [])
        start = 0
        while start < n:
            stop = min(n, start + self._refresh - self.row % self._refresh)
            self._piece(scores[:, :, start:stop], live[:, start:stop], start, verdict)
            self.row += stop - start
            if self.row % self._refresh == 0:
                self._settle(stop - 1, verdict)
            start = stop
        return verdict

    def _piece(self, scores: Floats, live: Mask, start: int, verdict: Verdict) -> None:
        n = scores.shape[2]
        largest = (scores / self._limit[:, :, None]).max(axis=0)
        largest *= _STEPS
        np.rint(largest, out=largest)
        ratio = (np.rint(largest / self._k[:, None]) if self._budgeted else largest) / _STEPS
        verdict.ratio[:, start : start + n] = ratio
        verdict.bound[:, start : start + n] = (self._limit[0] * self._k)[:, None]
        over: Mask = largest > _STEPS
        rows = self.row + np.arange(n)
        alarm = self._alarm.copy()
        latest = self._latest.copy()
        if over.any():
            over &= live & (rows >= self.armed_from[:, None])
            for channel in np.flatnonzero(over.any(axis=1)):
                self._exceed(int(channel), over[channel], ratio[channel], scores[:, channel], start, verdict)
        if alarm.any() or (self._latest >= self.row - self._guard).any():
            near = np.maximum.accumulate(np.where(over, rows, latest[:, None]), axis=1)
            verdict.calm[:, start : start + n] = ~alarm[:, None] & (rows - near > self._guard)
        self._over.append(over)
        self._scores.append(scores.reshape(-1, n))

    def _exceed(self, channel: int, over: Mask, ratio: Floats, scores: Floats, start: int, verdict: Verdict) -> None:
        (rows,) = np.nonzero(over)
        if self.row + int(rows[0]) - self._latest[channel] > self._pause:
            self._begun[channel] = self.row + int(rows[0])
            self._held[:, channel] = 0.0
        self._latest[channel] = self.row + int(rows[-1])
        hits = rows[ratio[rows] > 1.0]
        if not len(hits):
            return
        begins = -1 if self._alarm[channel] else int(hits[0])
        if begins >= 0:
            self._alarm[channel] = True
            self._begins[:-1, channel] = self._begins[1:, channel]
            self._begins[-1, channel] = self.row + int(hits[0])
        self._last_hit[channel] = self.row + int(hits[-1])
        seen = int(min(self._span, self.row - self.since[channel])) * self._stride
        limit, k = self._limit[:, channel], float(self._k[channel])
        for i in hits:
            parts = scores[:, i] / limit
            first = int(parts.argmax())
            others = tuple(int(j) for j in np.flatnonzero(parts > k) if j != first)
            factor = float(parts[first] * self._margin[first, 0] * self._factor[channel])
            rising = self._rising(channel, first, scores[first, :i]) if i == begins else 0
            threshold = float(limit[first]) * k
            found = Hit(start + int(i), channel, first, others, float(ratio[i]), factor, seen, threshold, rising)
            verdict.hits.append(found)

    def _rising(self, channel: int, score: int, piece: Floats) -> int:
        """How many of the newest rows up to the end of ``piece`` (n,), without a pause, were above the record."""
        kept = self._scores.last(self._scores.keep).reshape(*self._held.shape, -1)[score, channel]
        past = np.concatenate([kept, piece])[-len(kept) :]
        record = self._limit[score, channel] / (self._margin[score, 0] * self._factor[channel])
        (below,) = np.nonzero(past <= record)
        return len(past) - 1 - int(below[-1]) if len(below) else len(past)

    def _settle(self, column: int, verdict: Verdict) -> None:
        """At a multiple of ``refresh`` rows: old scores enter the record, regimes are accepted, alarms end."""
        self._commit()
        active = self._latest >= self.row - 1 - self._pause
        if active.any():
            (accepted,) = np.nonzero(active & (self._latest - self._begun + 1 >= self._regime))
            for channel in accepted:
                self._accept(int(channel), column, verdict)
        if self._alarm.any() or self._budgeted:
            self._alarm &= self.row - 1 - self._last_hit <= self._pause
            self._spend()
        self._refresh_limits()

    def _commit(self) -> None:
        """The rows that are just older than the lag enter the record, but for those in quarantine."""
        first = self.row - self._lag - self._refresh
        if first < 0:
            return
        depth = self._lag + self._refresh
        shape = self._held.shape
        rows = self._scores.last(depth)[:, : self._refresh].reshape(*shape, self._refresh)
        slot = first // self._block % len(self._ring)
        if first % self._block == 0:
            self._ring[slot] = 0.0
        around = self._over.last(depth + self._guard)[:, : self._refresh + 2 * self._guard]
        if around.any():
            shut = _widen(around, self._guard)[:, self._guard : self._guard + self._refresh]
            np.maximum(self._held, np.where(shut, rows, 0.0).max(axis=2), out=self._held)
            rows = np.where(shut, 0.0, rows)
        self._enter(slot, rows.max(axis=2))

    def _enter(self, slot: int, largest: Floats) -> None:
        np.maximum(self._ring[slot], largest, out=self._ring[slot])
        if not self.forgets.all():
            kept = ~self.forgets
            self._floor[:, kept] = np.maximum(self._floor[:, kept], largest[:, kept])

    def _accept(self, channel: int, column: int, verdict: Verdict) -> None:
        length = int(self.row - self._begun[channel]) + self._guard
        self._over.last(min(length, self._over.keep))[channel] = False
        slot = max(0, self.row - self._lag - self._refresh) // self._block % len(self._ring)
        largest = np.zeros_like(self._held)
        largest[:, channel] = self._held[:, channel]
        self._enter(slot, largest)
        self._held[:, channel] = 0.0
        self._begun[channel] = self._latest[channel] = _NEVER
        if self._alarm[channel]:
            self._alarm[channel] = False
            verdict.settled.append((column, channel))

    def _spend(self) -> None:
        begun = (self._begins > self.row - self._rows(self.policy.budget_span)).sum(axis=0)
        self._k = np.where(self._alarm, self._k, self.policy.budget**begun)
        self._budgeted = bool((self._k != 1.0).any())

    def _refresh_limits(self) -> None:
        np.maximum(self._ring.max(axis=0), self._floor, out=self._limit)
        self._limit *= self._margin
        self._limit *= self._factor

    def forgive(self, which: npt.NDArray[np.intp]) -> None:
        """Forget every alarm of the channels ``which``: what led to it was nominal."""
        self._over.last(self._over.keep)[which] = False
        self._alarm[which] = False
        for rows in (self._begun, self._latest, self._last_hit):
            rows[which] = _NEVER
        self._begins[:, which] = _NEVER
        self._spend()

    def measure(self, which: npt.NDArray[np.intp]) -> tuple[Floats, Floats]:
        """(scores, len(which)) floors and records of the channels ``which``, newest samples included."""
        waiting = self._scores.last(self._lag + self._refresh).reshape(*self._held.shape, -1)
        records = np.maximum(self._ring.max(axis=0), waiting.max(axis=2))
        return self._floor[:, which], records[:, which]

    def adopt(self, which: npt.NDArray[np.intp], floors: Floats, records: Floats) -> None:
        """Begin the channels ``which`` anew with what ``measure`` once said of them."""
        self.forgive(which)
        self._scores.last(self._lag + self._refresh).reshape(*self._held.shape, -1)[:, which] = 0.0
        self._held[:, which] = 0.0
        self._ring[:, :, which] = 0.0
        # In the block that is given up last.
        newest = max(0, self.row - self._lag - self._refresh) // self._block
        self._ring[(newest - 1) % len(self._ring), :, which] = records.T
        self._least[:, which] = self._floor[:, which] = floors
        self.since[which] = self.row - self._span
        self._refresh_limits()

    def calibrate(self, which: npt.NDArray[np.intp], largest: Floats) -> None:
        """Set the maximum in calibration (scores, len(which)), a share of which is the least that counts."""
        self._floor[:, which] = np.maximum(self._least[:, which], self.policy.share * largest)
        self._refresh_limits()

    def relearn(
        self,
        which: npt.NDArray[np.intp],
        scores: Floats,
        good: Mask,
        largest: Floats,
        floors: Floats | None = None,
    ) -> None:
        """Write the record of the channels ``which`` anew from (scores, len(which), n) scores of the last n rows.

        ``good`` (len(which), n) may enter it; ``largest`` is the maximum in calibration; None leaves the ``floors``.
        To be called at a multiple of ``refresh`` rows.
        """
        if floors is not None:
            self._least[:, which] = floors
        n = scores.shape[2]
        depth = min(n, self._lag + self._refresh)
        self._scores.last(depth).reshape(*self._held.shape, depth)[:, which] = scores[:, :, n - depth :]
        nominal = np.where(good, scores, 0.0)
        self._ring[:, :, which] = 0.0
        first = max(self.row - n, 0)
        last = self.row - self._lag
        begin = max(first, (last // self._block - len(self._ring) + 1) * self._block)
        for start in range(begin - begin % self._block, last, self._block):
            low, high = max(start, first), min(start + self._block, last)
            part = nominal[:, :, low - self.row + n : high - self.row + n]
            self._ring[start // self._block % len(self._ring), :, which] = part.max(axis=2).T
        self._held[:, which] = 0.0
        kept = nominal.max(axis=2) * ~self.forgets[which]
        self._floor[:, which] = np.maximum(np.maximum(self._least[:, which], self.policy.share * largest), kept)
        self._refresh_limits()


def _widen(flags: Mask, by: int) -> Mask:
    """(c, n) true within ``by`` columns of a true one."""
    out = flags.copy()
    for shift in range(1, by + 1):
        out[:, shift:] |= flags[:, :-shift]
        out[:, :-shift] |= flags[:, shift:]
    return out
