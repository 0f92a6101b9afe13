"""A course that is solved leg by leg, each when it is first asked for. May be shared between threads.

A leg is ``LEG`` seconds long and follows from the state at its begin, so a moment far from the start costs one pass
over the legs before it, once: their last states are kept for good, the newest legs whole. What changes faster than the
grid (light, contacts, switches) is kept as spans and smooth curves and evaluated where it is asked for, so no way of
cutting a run can change a value.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict

from simulator.leg import Leg, State

PAD = 120
"""Steps looked at before and after a leg: no pass lasts so long."""
WARM_UP = 3
"""Legs before the start in which the satellite settles."""
_KEPT = 4  # legs


class Legs(ABC):
    """The legs that follow from the state ``first``, which lies ``WARM_UP`` legs before the start."""

    def __init__(self, first: State) -> None:
        self._states = [first]
        self._legs: OrderedDict[int, Leg] = OrderedDict()
        self._lock = threading.Lock()

    def leg(self, number: int) -> Leg:
        """The leg that begins ``number`` times ``LEG`` seconds after the start."""
        with self._lock:
            if number in self._legs:
                self._legs.move_to_end(number)
                return self._legs[number]
            # Solved in order from the last state that is known.
            for one in range(min(number, len(self._states) - 1 - WARM_UP), number + 1):
                leg, state = self._solve(one, self._begin(one, self._states[one + WARM_UP]))
                if one + WARM_UP + 1 == len(self._states):
                    self._states.append(state)
            self._legs[number] = leg
            if len(self._legs) > _KEPT:
                self._legs.popitem(last=False)
            return leg

    @abstractmethod
    def _solve(self, number: int, begin: State) -> tuple[Leg, State]:
        """Leg ``number``, which begins with ``begin``, and the state at its end."""

    def _begin(self, number: int, state: State) -> State:
        """The state with which leg ``number`` begins after another that ended with ``state``."""
        return state
