"""What a satellite is told to do, and what happens to it, day by day: sessions, manoeuvres, resets, telecommands.

Pure functions of the seed and the satellite, any thread. Times are seconds since the run began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from simulator.chance import Use, draws
from simulator.orbit import Orbit
from simulator.spans import Span

SESSIONS = 16
"""Imaging sessions an orbit, evenly spread (the imager sees infrared: in the dark too)."""
DAY = 86400.0
"""Seconds in which a satellite manoeuvres once."""
SAFE_FOR = 900.0
"""Seconds in safe mode after the computer was reset."""
COMMANDS = (
    (0, "None"),
    (1, "Imager on"),
    (2, "Imager off"),
    (3, "Transmitter on"),
    (4, "Transmitter off"),
    (5, "Set clock"),
    (6, "Load schedule"),
    (7, "Manoeuvre"),
    (8, "Leave safe mode"),
)
"""Codes of ``obc/last_command``."""
_IMAGER_ON, _IMAGER_OFF, _TRANSMITTER_ON, _TRANSMITTER_OFF, _SET_CLOCK, _LOAD, _MANOEUVRE, _LEAVE_SAFE = range(1, 9)
_REGULAR = range(_IMAGER_ON, _LOAD + 1)
_LEARNED, _SHOWN = 960.0, 5.0  # seconds in which each of these is seen, and for how long
_BARE = 20.0  # seconds of the first session that no contact hides
_QUIET_START = 4 * 3600.0  # nothing rare before this: a run is learned first
_RESETS_A_DAY = 0.12  # upsets by radiation


@dataclass(frozen=True, slots=True)
class Day:
    """What is rare: the manoeuvre of a day, and the reset of its computer where there is one."""

    manoeuvre: Span
    reset: float | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """Of satellite ``index`` of the fleet of ``seed``; ``first`` and ``length`` are those of an imaging session."""

    seed: int
    index: int
    first: float
    length: float
    every: float

    def days(self, since: float, until: float) -> list[Day]:
        """Every day that may reach into ``since`` .. ``until``."""
        numbers = range(max(0, int((since - SAFE_FOR) // DAY)), int(until // DAY) + 1)
        return [_day(self.seed, self.index, number) for number in numbers]

    def manoeuvres(self, since: float, until: float) -> list[Span]:
        """Those that touch ``since`` .. ``until``, whole."""
        spans = (day.manoeuvre for day in self.days(since, until))
        return [span for span in spans if _touch(span, since, until)]

    def resets(self, since: float, until: float) -> list[float]:
        """When the computer was reset in ``since`` <= t < ``until``."""
        moments = (day.reset for day in self.days(since, until))
        return [moment for moment in moments if moment is not None and since <= moment < until]

    def safe(self, since: float, until: float) -> list[Span]:
        """Spans of safe mode that touch ``since`` .. ``until``, whole."""
        return [(moment, moment + SAFE_FOR) for moment in self.resets(since - SAFE_FOR, until)]

    def sessions(self, since: float, until: float) -> list[Span]:
        """Imaging sessions that touch ``since`` .. ``until``: none in a manoeuvre or in safe mode, which ends one."""
        busy, safe = self.manoeuvres(since - DAY / 24, until + DAY / 24), self.safe(since - DAY / 24, until + DAY / 24)
        low = int(np.floor((since - self.first - self.length) / self.every))
        high = int(np.ceil((until - self.first) / self.every))
        out = []
        for number in range(low, high + 1):
            begin = self.first + number * self.every
            end = begin + self.length
            if any(_touch(span, begin, end) for span in busy) or any(span[0] <= begin < span[1] for span in safe):
                continue
            end = min([end, *(span[0] for span in safe if begin < span[0] < end)])
            if _touch((begin, end), since, until):
                out.append((begin, end))
        return out

    def commands(self, contacts: Iterable[Span], since: float, until: float) -> list[tuple[float, int]]:
        """(moment, code) of each telecommand in ``since`` <= t < ``until``, in order; ``contacts`` whole spans."""
        told: list[tuple[float, int]] = []
        for begin, end in self.sessions(since - self.length, until):
            told += [(begin, _IMAGER_ON), (end, _IMAGER_OFF)]
        for begin, end in contacts:
            told += [(begin, _TRANSMITTER_ON), (end, _TRANSMITTER_OFF)]
            # Sent from the ground once the link has settled.
            told += [(begin + wait, code) for wait, code in ((45.0, _SET_CLOCK), (120.0, _LOAD)) if begin + wait < end]
        told += [(begin, _MANOEUVRE) for begin, _ in self.manoeuvres(since, until)]
        told += [(end, _LEAVE_SAFE) for _, end in self.safe(since, until)]
        return sorted(one for one in told if since <= one[0] < until)


def plan_schedule(seed: int, index: int, orbit: Orbit, contacts: Sequence[Span], rng: np.random.Generator) -> Schedule:
    """Sessions begin soon after the usual end of an eclipse: all of one is seen in the first 17 minutes.

    So is every regular telecommand: none is always followed at once by the next, with the first ``contacts``.
    """
    for _ in range(20):
        begin, length = float(rng.uniform(700, 790)), float(rng.uniform(110, 135))
        schedule = Schedule(seed, index, begin, length, orbit.period / SESSIONS)
        told = schedule.commands(contacts, 0.0, _LEARNED)
        shown = {code for (moment, code), (after, _) in pairwise([*told, (_LEARNED, 0)]) if after - moment > _SHOWN}
        # A contact is what the mode says while both last: some of the session must lie outside.
        hidden = sum(max(0.0, min(end, begin + length) - max(start, begin)) for start, end in contacts)
        if shown.issuperset(_REGULAR) and length - hidden > _BARE:
            break
    return schedule


@cache
def _day(seed: int, index: int, number: int) -> Day:
    rng = draws(seed, Use.DAY, index, number)
    early = _QUIET_START if number == 0 else 0.0
    begin = number * DAY + float(rng.uniform(early, DAY - 1800))
    length, upset, moment = float(rng.uniform(180, 300)), rng.random(), float(rng.uniform(0, DAY - 1800))
    reset = number * DAY + moment
    # Not in the first day, and not in a manoeuvre, which it would have to end.
    clear = number > 0 and not begin - SAFE_FOR <= reset <= begin + length
    return Day((begin, begin + length), reset if upset < _RESETS_A_DAY and clear else None)


def _touch(span: Span, since: float, until: float) -> bool:
    return span[0] < until and span[1] > since
