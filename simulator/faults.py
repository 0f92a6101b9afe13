"""What a fault is: a change to the course of a satellite, or to what its instruments say of it, for a while.

Pure values, any thread. A fault is a function of the time alone: it changes nothing before its onset and nothing
after its end, and any way of cutting a run into blocks gives the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
import numpy.typing as npt

from simulator.orbit import Floats

COMMISSIONING = 1000
"""Samples at 1 Hz whose standard deviation, without any fault, is one sigma of a channel."""


class Way(Enum):
    """How a channel departs from what it would be; ``a`` is the amount, ``s`` the shape from 0 to 1."""

    ADD = auto()
    """x + a s"""
    TOWARD = auto()
    """x + a s (level - x): a share ``a`` of the way to a level; never past it."""
    SETTLE = auto()
    """It leaves its course and goes straight from its level to ``a``, channel units; at the end it comes back."""
    MIRROR = auto()
    """x + a (what the main channel gained), and no further up than the level, where there is one."""
    SET = auto()
    """a, as long as it lasts: a code, a counter that stands, a switch that is stuck."""
    HOLD = auto()
    """a, instead of what the instrument would show: after noise and rounding."""
    SPIKE = auto()
    """x +- a in single seconds: after noise and rounding."""
    MISS = auto()
    """No value, now and then, of any channel of the subsystem."""


MEASURED = (Way.HOLD, Way.SPIKE, Way.MISS)
"""Ways that act on what is measured; the others act on the course, which noise and rounding still follow."""


class Form(Enum):
    """How an effect comes and goes beside its main channel."""

    PROMPT = auto()
    SLOW = auto()
    """Like heat: four times as long to rise."""
    SWELL = auto()
    """Highest in the middle of the fault, gone at its end."""


class Rise(Enum):
    """How a fault comes and goes."""

    GENTLE = auto()
    """Over a minute or so."""
    STEP = auto()
    RAMP = auto()
    """Growing until it ends at once: wear, or a leak."""
    WARM = auto()
    """Growing for two thirds of it, and going for the last: heat that is put in, and lost again."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens to another channel; ``amount`` as its ``way`` says, at the kind's own strength.

    ``level`` is in channel units; ``quantile`` gives it as a quantile of the run without the fault instead.
    """

    path: str
    amount: float
    form: Form = Form.PROMPT
    way: Way = Way.ADD
    level: float | None = None
    quantile: float | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to fail, or (``nominal``) to look odd. The channel ``main`` moves towards ``sign``; ``others`` follow.

    ``strength`` is what it has unless something else is asked for, in sigmas of the main channel; None where it
    goes as far as it can (``amount``, or the whole way). A ``late`` one acts on what the rest of the satellite has
    already answered to (its share of a load, say); any other is answered to. A ``hidden`` one leaves no channel's
    nominal range: it shows only between channels. Level and quantile as in Effect. What acts ``through`` a parameter
    of the satellite changes that by ``amount``, and all channels that follow from it, the main one among them.
    """

    name: str
    main: str
    sign: int = 1
    others: tuple[Effect, ...] = ()
    way: Way = Way.ADD
    rise: Rise = Rise.GENTLE
    strength: float | None = 5.0
    amount: float | None = None
    level: float | None = None
    quantile: float | None = None
    late: bool = False
    hidden: bool = False
    nominal: bool = False
    through: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one satellite; ``start``, ``end``, ``rise`` and ``fall`` in seconds after the start of the run.

    ``amount`` is what happens to the main channel at its height, as the kind's way says, in channel units (of
    TOWARD a share), with its sign. ``scale`` multiplies what happens to the others. ``levels`` holds the level of
    the main channel and of each effect. ``moments`` are (second, sign) of spikes, (second, seconds) of gaps.
    """

    kind: Kind
    start: float
    end: float
    rise: float
    fall: float
    amount: float
    scale: float = 1.0
    levels: tuple[float, ...] = ()
    moments: tuple[tuple[float, float], ...] = ()

    def shape(self, t: Floats, form: Form = Form.PROMPT) -> Floats:
        """(n,) how far the fault has come at ``t`` (n,): 0 outside, 1 at its height, smooth between."""
        length = self.end - self.start
        if form is Form.SWELL:
            turn: Floats = np.sin(np.pi * np.clip((t - self.start) / length, 0, 1))
            return np.where(self._lasts(t), turn * turn, 0.0)
        rise, fall = self.rise, self.fall
        if form is Form.SLOW:
            # Heat cannot come or go at once, even where its cause does.
            rise, fall = min(4 * (rise or length / 8), length / 2), fall or length / 8
        part: Floats = np.clip(np.minimum(_part(t - self.start, rise), _part(self.end - t, fall)), 0, 1)
        if self.kind.rise in (Rise.RAMP, Rise.WARM) and form is Form.PROMPT:
            return part
        return part * part * (3 - 2 * part)

    def impair(self, rows: dict[str, Floats], t: Floats) -> None:
        """Change the parameters (``rows``: name to (n,) values at ``t``) before anything follows from them."""
        if self.kind.through:
            rows[self.kind.through] += self.amount * self.shape(t)

    def apply(self, rows: dict[str, Floats], t: Floats) -> None:
        """Change the course (``rows``: path to (n,) values at ``t``) before the satellite answers to it."""
        if self.kind.way not in MEASURED and not self.kind.late and not self.kind.through:
            self._change(rows, t)

    def follow(self, rows: dict[str, Floats], t: Floats) -> None:
        """Change the course after the satellite has answered: the last thing that happens to it."""
        if self.kind.way not in MEASURED and self.kind.late:
            self._change(rows, t)

    def spoil(self, rows: dict[str, Floats], t: Floats) -> None:
        """Change what is measured (``rows``: path to (n,) values at ``t``); a value that is missing becomes NaN."""
        main = self.kind.main
        if self.kind.way is Way.HOLD:
            rows[main][self._lasts(t)] = self.amount
        elif self.kind.way is Way.SPIKE:
            second = np.floor(t)
            for moment, sign in self.moments:
                rows[main][second == moment] += sign * self.amount
        elif self.kind.way is Way.MISS:
            subsystem = main.partition("/")[0] + "/"
            gone = np.zeros(len(t), dtype=np.bool_)
            for moment, seconds in self.moments:
                gone |= (t >= moment) & (t < moment + seconds)
            for path, values in rows.items():
                if path.startswith(subsystem):
                    values[gone] = np.nan

    def _lasts(self, t: Floats) -> npt.NDArray[np.bool_]:
        lasts: npt.NDArray[np.bool_] = (t >= self.start) & (t <= self.end)
        return lasts

    def _change(self, rows: dict[str, Floats], t: Floats) -> None:
        if not self._lasts(t).any():
            return
        kind = self.kind
        main = Effect(kind.main, self.amount, way=kind.way)
        before = rows[kind.main].copy()
        for number, effect in enumerate((main, *kind.others)):
            scale = self.scale if number else 1.0
            level = self.levels[number] if self.levels else np.nan
            row, shape = rows[effect.path], self.shape(t, effect.form)
            if effect.way is Way.ADD:
                row += effect.amount * scale * shape
            elif effect.way is Way.TOWARD:
                row += min(effect.amount * scale, 1.0) * shape * (level - row)
            elif effect.way is Way.SETTLE:
                gone = np.clip(_part(t - self.start, self.rise), 0, 1)
                back = np.where(self._lasts(t), np.clip(_part(self.end - t, self.fall), 0, 1), 0.0)
                row += back * (level + gone * (effect.amount - level) - row)
            elif effect.way is Way.MIRROR:
                gained = row + effect.amount * (rows[kind.main] - before)
                # Where it already was higher, it stays as it was.
                row[:] = gained if np.isnan(level) else np.minimum(gained, np.maximum(row, level))
            elif effect.way is Way.SET:
                row[(t >= self.start) & (t < self.end - self.fall)] = effect.amount


def _part(since: Floats, length: float) -> Floats:
    """(n,) share of ``length`` seconds that has gone by; a length of nothing is over at once."""
    return since / length if length else np.where(since >= 0, 1.0, 0.0)
