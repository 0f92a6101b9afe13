"""Telemetry is pretended: a deterministic fleet with labelled faults, usable as a source.

Knows only ``telemetry``. ``open_simulation("sim:quiet?...")`` is the nominal telemetry that models are trained on,
``open_simulation("sim:demo?...")`` the same run with one fault, ``open_simulation("sim:FILE.toml")`` whatever a
scenario file asks for.
"""

from simulator.request import SCENARIOS
from simulator.source import Simulation, open_simulation

__all__ = ["SCENARIOS", "Simulation", "open_simulation"]
