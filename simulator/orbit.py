"""The plan of one satellite's orbit: when it is dark, in contact, and imaging. Pure values, any thread.

Times are seconds since the run began and repeat every orbit. Everything that happens once an orbit happens in the
first quarter of an hour, so that whoever watches from the start has seen each of it before it comes again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SESSIONS = 16
"""Imaging sessions an orbit, evenly spread."""
PENUMBRA = 10.0
"""Seconds from full sun to full shadow."""


@dataclass(frozen=True, slots=True)
class Orbit:
    """``period`` in seconds; spans as (start, end) in seconds after the run began, inside the first orbit."""

    period: float
    eclipse: tuple[float, float]
    contact: tuple[float, float]
    session: tuple[float, float]

    def sunlight(self, t: Floats) -> Floats:
        """1 in sunlight, 0 in shadow, a ramp in the penumbra; ``t`` (n,) seconds since the run began."""
        start, end = self.eclipse
        if end <= start:
            return np.ones_like(t)
        phase = (t - start) % self.period
        leaving, entering = (phase - (end - start)) / PENUMBRA, 1 - phase / PENUMBRA
        return np.clip(np.maximum(leaving, entering), 0, 1)

    def dark(self, t: Floats) -> npt.NDArray[np.bool_]:
        """(n,) where more than half of the sun is gone."""
        dark: npt.NDArray[np.bool_] = self.sunlight(t) < 0.5
        return dark

    def in_contact(self, t: Floats) -> npt.NDArray[np.bool_]:
        """(n,) where a ground station hears the satellite."""
        return self._inside(t, self.contact, self.period)

    def imaging(self, t: Floats) -> npt.NDArray[np.bool_]:
        """(n,) where the payload takes pictures (by infrared, so in the dark too)."""
        return self._inside(t, self.session, self.period / SESSIONS)

    def contact_progress(self, t: Floats) -> Floats:
        """(n,) 0 at the rise of the satellite above the station, 1 at its set; beyond outside a contact."""
        start, end = self.contact
        return ((t - start) % self.period) / (end - start)

    @staticmethod
    def _inside(t: Floats, span: tuple[float, float], period: float) -> npt.NDArray[np.bool_]:
        inside: npt.NDArray[np.bool_] = (t - span[0]) % period < span[1] - span[0]
        return inside


def plan_orbit(rng: np.random.Generator, eclipse: float | None = None) -> Orbit:
    """An orbit of 94 to 96 minutes; ``eclipse`` in seconds, None for 8 to 11 minutes."""
    period = float(np.round(rng.uniform(94, 96) * 60))
    dark_from, dark_for = rng.uniform(60, 130), rng.uniform(480, 640)
    contact_from, contact_for = rng.uniform(250, 400), rng.uniform(420, 520)
    session_after, session_for = rng.uniform(20, 50), rng.uniform(110, 135)
    # A session begins soon after the end of the usual eclipse: all of it is seen in the first 17 minutes.
    session = dark_from + dark_for + session_after
    dark_for = dark_for if eclipse is None else eclipse
    return Orbit(
        period,
        (dark_from, dark_from + dark_for),
        (contact_from, contact_from + contact_for),
        (session, session + session_for),
    )
