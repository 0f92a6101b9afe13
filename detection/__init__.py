"""Telemetry is judged: plain scores and networks against their own record, limits, cycles, sisters, events.

Knows telemetry, and no models, databases or screens: a model is a ``WindowSpec`` and a function that takes windows.
``Judge`` is the way in; one thread owns it and everything below it.
"""

from detection.commissioning import Commissioning, CommissioningError
from detection.event import Category, Contribution, Event, Judged, Scored
from detection.familiar import VERDICTS, Opinion, Ruling, Verdict
from detection.judge import Item, Judge, Output
from detection.network import Submit
from detection.settings import BANK, CYCLE, LIMITS, ROBUST_Z, SILENCE, SISTERS, DetectionSettings, Policy
from detection.spec import Kind, WindowSpec
from detection.tally import Flaws
from detection.thresholds import Override, Thresholds

__all__ = [
    "BANK",
    "CYCLE",
    "LIMITS",
    "ROBUST_Z",
    "SILENCE",
    "SISTERS",
    "VERDICTS",
    "Category",
    "Commissioning",
    "CommissioningError",
    "Contribution",
    "DetectionSettings",
    "Event",
    "Flaws",
    "Item",
    "Judge",
    "Judged",
    "Kind",
    "Opinion",
    "Output",
    "Override",
    "Policy",
    "Ruling",
    "Scored",
    "Submit",
    "Thresholds",
    "Verdict",
    "WindowSpec",
]
