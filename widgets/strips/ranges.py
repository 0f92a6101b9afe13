"""How the y axis follows the data: with hysteresis, towards what is expected, never towards a limit. No Qt here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from widgets.strips.ticks import decimals_of, nice_step, ticks

_MARGIN = 0.06
_LOOSE = 0.40
"""A range is kept as long as the data fill this much of it."""
_WIDE = 3.0


@dataclass(frozen=True, slots=True)
class Range:
    """What a strip shows from ``low`` to ``high`` (low < high), with its labelled ``ticks``."""

    low: float
    high: float
    ticks: tuple[float, ...]
    decimals: int


@dataclass(frozen=True, slots=True)
class Extent:
    """Least and greatest of the samples in view and of the band, and how wide that is; NaN where there are none."""

    low: float
    high: float
    band_low: float
    band_high: float
    band_width: float = math.nan


def make_range(low: float, high: float, count: int = 3) -> Range:
    """A range from ``low`` to ``high`` with at least ``count`` ticks."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high and high - low < 1e300):
        low, high = 0.0, 1.0
    return Range(low, high, tuple(ticks(low, high, count)), decimals_of(nice_step(low, high, count)))


EMPTY = make_range(0.0, 1.0)


def follow(current: Range | None, extent: Extent, *, score: bool, finest: float, count: int = 3) -> Range:
    """The range to show: ``current`` itself while the data lie within it and fill enough of it.

    ``finest`` is the least difference that a value's decimals can show. A score starts at 0 and always shows its
    threshold, 1.
    """
    if score:
        low, high = 0.0, max(1.3, extent.high if math.isfinite(extent.high) else 0.0)
    else:
        low, high = _wanted(extent)
    if not (math.isfinite(low) and math.isfinite(high)):
        return current if current is not None else EMPTY
    least = max(4 * finest, 1e-9 * max(abs(low), abs(high)), 1e-12)
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    extent_wanted = high - low
    if (
        current is not None
        and current.low <= low
        and high <= current.high
        and extent_wanted >= _LOOSE * (current.high - current.low)
    ):
        return current
    margin = _MARGIN * extent_wanted
    bottom = -0.04 * extent_wanted if score else low - margin
    return make_range(bottom, high + margin, count)


def fit(extent: Extent, finest: float, count: int = 3) -> Range:
    """The tightest range around the samples alone."""
    return follow(None, Extent(extent.low, extent.high, math.nan, math.nan), score=False, finest=finest, count=count)


def _wanted(extent: Extent) -> tuple[float, float]:
    """The samples and what was expected of them, however far they are apart; of a band too wide for that, a part.

    A band more than three times as wide as the samples reach, or open on one side, leaves them a seventh of the
    height at least.
    """
    low, high = extent.low, extent.high
    if not (math.isfinite(low) and math.isfinite(high)):
        return extent.band_low, extent.band_high
    bounds = [bound for bound in (extent.band_low, extent.band_high) if math.isfinite(bound)]
    band_low, band_high = min(bounds, default=low), max(bounds, default=high)
    reach = high - low
    if reach > 0 and not extent.band_width <= _WIDE * reach:
        band_low, band_high = max(band_low, low - _WIDE * reach), min(band_high, high + _WIDE * reach)
    return min(low, band_low), max(high, band_high)
