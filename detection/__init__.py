"""Telemetry is judged: plain scores and networks against their own record, limits, events.

Knows telemetry, and no models, databases or screens: a model is a ``WindowSpec`` and a function that takes windows.
``Judge`` is the way in; one thread owns it and everything below it.
"""

from detection.event import Contribution, Event, Judged, Scored
from detection.judge import Judge, Output
from detection.network import Submit
from detection.settings import BANK, LIMITS, ROBUST_Z, DetectionSettings, Policy
from detection.spec import Kind, WindowSpec

__all__ = [
    "BANK",
    "LIMITS",
    "ROBUST_Z",
    "Contribution",
    "DetectionSettings",
    "Event",
    "Judge",
    "Judged",
    "Kind",
    "Output",
    "Policy",
    "Scored",
    "Submit",
    "WindowSpec",
]
