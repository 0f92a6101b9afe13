"""The step of a group: declared, or measured over its first samples; and where it is broken. Judge's thread."""

from __future__ import annotations

import numpy as np

from telemetry import Times

MEASURED = 300
"""Samples over which the step is measured."""
_EVERY = 10


class Period:
    """Median step of the first samples; a step of more than ``gap`` times that is a gap. Microseconds throughout.

    The step is measured anew at every tenth of the first ``MEASURED`` samples: whoever teaches must stop there, so
    that the bound moves at the same samples however they arrive.
    """

    def __init__(self, declared: int | None, gap: float) -> None:
        self._declared = declared or 0
        self.tolerance = gap
        self._times: list[int] = []
        self._last: int | None = None
        self._broken = False
        self.step = self._declared
        self._longest = gap * self.step if self.step else np.inf

    @property
    def measuring(self) -> bool:
        """Whether the step may still change."""
        return len(self._times) < MEASURED

    def interrupt(self) -> None:
        """The next sample does not follow the last one."""
        self._last = None
        self._broken = True

    def gap(self, time: int) -> bool:
        """Whether a sample at ``time`` comes after a gap."""
        return self._broken or (self._last is not None and time - self._last > self._longest)

    def run(self, times: Times) -> int:
        """How many of ``times`` (n,), from the first on, lie before the next gap."""
        broken = np.diff(times) > self._longest
        return 1 + int(broken.argmax()) if broken.any() else len(times)

    def learn(self, times: Times) -> None:
        """``times`` (n,) have been judged."""
        if self.measuring:
            self._times.extend(times.tolist())
            if len(self._times) % _EVERY == 0:
                steps = np.abs(np.diff(np.array(self._times)))
                median = int(np.median(steps)) or int(steps.mean())
                self.step = max(self._declared, median)
                self._longest = self.tolerance * self.step if self.step else np.inf
        self._last = int(times[-1])
        self._broken = False
