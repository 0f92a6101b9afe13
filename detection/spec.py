"""What a model asks for and what its output means, as read from its ``config.pbtxt`` (``contracts``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["reconstruction", "forecast", "score"]


@dataclass(frozen=True, slots=True)
class Place:
    """What a model of several channels was taught of one of them.

    ``location`` and ``scale`` are in channel units and normalise it; ``usual`` and ``lasting`` are the largest scores
    of nominal time that was held out from the fit, smoothed over a short and a long span
    (``DetectionSettings.between_alphas``); ``step`` is its usual step in microseconds: a value stands for two of them.
    """

    location: float
    scale: float
    usual: float
    lasting: float
    step: int


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """The windows of one model.

    ``window`` and ``stride`` count samples of the model's grid; ``sample_period`` is its step in microseconds,
    or None for ``native`` (the channel's own median step). ``channels`` is ``("any",)`` for a model that takes
    one channel at a time, else ordered patterns (``*/eps/battery_voltage``) bound once a satellite.
    ``scaling`` names how values are normalised, less a location and over a scale: those that the channel shows
    (``commissioning``), or those in ``places``, one a pattern, that the version was published with (``stored``).
    """

    model: str
    version: str
    kind: Kind
    window: int
    stride: int
    sample_period: int | None = None
    channels: tuple[str, ...] = ("any",)
    scaling: str = "commissioning"
    places: tuple[Place, ...] = ()
