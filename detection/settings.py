"""Every figure of the judge, with where it comes from. Plain values, any thread.

The names of the five plain scores, their floors and the figures of the threshold policy are those of the causal
recipe that was developed on one mission's telemetry and held out on another's; each was flat around its value.
Sample counts are samples of the channel, whatever its period.
"""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.clock import SECOND

BANK = ("ar", "diff", "std", "lstd", "z", "z")
"""The plain scores by the names that events carry, in the order of every array that holds one row a score."""
WORDS = ("ar", "diff", "std", "lstd", "z above", "z below")
"""The same, told apart."""
BANK_NAME = "bank"
"""What the plain scores are called together."""
ROBUST_Z = "robust_z"
"""The baseline that every network is shown beside."""
CYCLE = "cycle"
"""The score that holds a channel against itself one period ago."""
SILENCE = "silence"
"""The judge of channels that send no value."""
LIMITS = "limits"
"""The judge of declared limits."""
SISTERS = "sisters"
"""The judge that compares channels which do the same."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When a score is an alarm (steps 3 to 8 of the recipe). Counts are in samples, or points of a model's grid.

    A score is compared with ``margin`` times its *record*: the largest it was between ``lag`` and ``lag + reach``
    samples ago, at least ``share`` of its maximum in calibration, at least its floor. What stays above for
    ``regime`` samples (pauses up to ``pause``) is accepted as the new regime. Each alarm that began in the last
    ``budget_span`` samples multiplies the threshold by ``budget``.
    """

    margins: tuple[float, ...]
    lag: int = 100
    reach: int = 2000
    refresh: int = 10
    share: float = 0.3
    guard: int = 10
    pause: int = 100
    regime: int = 200
    budget: float = 1.5
    budget_span: int = 5000


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """How a session is judged.

    ``alpha`` smooths every score. ``fits`` are the counts of valid samples at which a channel that was never
    commissioned is fitted again: scores are shown from the first on, alarms are raised from ``arm_after`` on.
    ``history`` samples are kept for fitting. ``rearm`` samples after a gap raise nothing. A record reaches
    back ``orbits`` orbits where that is longer than its policy says; a group that does not know its own is taken
    to have one of ``orbit`` microseconds. ``persistence`` samples beyond a limit make an event.
    ``merge`` samples join two alarms into one event. Bank, baseline and networks are held to one policy; only the
    margin of ``lstd``, which counts in nepers, is its own. Whether the baseline and the networks may open
    events, or only second them, is ``robust_z_opens`` and ``networks_open``; ``between_opens`` is that of models
    between channels, which find what no channel shows alone. Their scores are smoothed twice, by ``between_alphas`` a
    point of the grid, over about 10 and about 250 points: a switch is odd for a moment, a fault lasts. The margins of
    ``between`` are those of the two, over the largest of a model's own nominal time; what lasts was rarer there.
    ``cycle`` counts in minutes.
    """

    alpha: float = 0.1
    fits: tuple[int, ...] = (300, 1000, 2000)
    arm_after: int = 1000
    history: int = 4096
    rearm: int = 250
    orbits: float = 1.1
    orbit: int = 100 * 60 * SECOND
    gap: float = 3.0
    persistence: int = 2
    merge: int = 100
    robust_z_opens: bool = False
    networks_open: bool = False
    between_opens: bool = True
    between_alphas: tuple[float, float] = (0.1, 0.004)
    bank: Policy = Policy(margins=(1.75, 1.75, 1.75, 2.33, 1.75, 1.75))
    baseline: Policy = Policy(margins=(1.75,))
    network: Policy = Policy(margins=(1.75,))
    between: Policy = Policy(margins=(1.5, 1.25))
    cycle: Policy = Policy(
        margins=(1.75,), lag=30, reach=1440, refresh=1, guard=1, pause=5, regime=30, budget_span=1440
    )
