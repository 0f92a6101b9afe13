"""What a session is to do, as a value that crosses from the command line or the window to the core."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path


class PlanError(Exception):
    """What was asked for cannot be done; the text is a sentence with a cure."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that makes a session.

    ``speed`` is telemetry seconds a second, None for as fast as possible; ``duration`` is telemetry seconds;
    ``history`` seconds of a paced source are taken in at full speed before the pace begins (the window opens on a
    fleet that has been flying for a while; None: as the settings say, ending now). What is older than
    ``resume_from`` was recorded by a core that died, and is only judged again, so that its successor knows what it
    knew; ``continues`` is the number of the first session of that run. ``limits`` is the operator's file of
    limits and derived channels, before the settings' own. With ``any_source`` a window shows whatever a core already
    records. ``paused`` stands still once history is in; ``injected`` are faults as (kind, satellite, time)
    that begin beside those of the scenario. A running core keeps its plan up to what the operator does, for whoever
    has to follow it. Times are UTC microseconds.
    """

    sources: tuple[str, ...]
    archive: str
    repository: str
    speed: float | None = 1.0
    duration: float | None = None
    engine: str = "auto"
    models: tuple[str, ...] = ()
    time_column: str | None = None
    period: int | None = None
    start: int | None = None
    history: float | None = 0.0
    paused: bool = False
    injected: tuple[tuple[str, str, int], ...] = ()
    resume_from: int | None = None
    continues: int | None = None
    settings: tuple[str, ...] = ()
    limits: str | None = None
    any_source: bool = False

    def to_json(self) -> str:
        """For the core's standard input."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that ``to_json`` wrote."""
        values = json.loads(text)
        for name in ("sources", "models", "settings"):
            values[name] = tuple(values[name])
        values["injected"] = tuple((kind, satellite, at) for kind, satellite, at in values["injected"])
        return cls(**values)

    def with_history(self, seconds: float, now: int) -> Plan:
        """The plan with its history known: simulations that name no start begin so long before ``now``."""
        from telemetry.clock import SECOND, iso  # numpy comes with it: not before the window stands

        if self.history is not None:
            return self
        began = iso(now - int(seconds) * SECOND)
        sources = tuple(
            f"{one}{'&' if '?' in one else '?'}start={began}" if one.startswith("sim:") and "start=" not in one else one
            for one in self.sources
        )
        return replace(self, sources=sources, history=float(int(seconds)))

    @property
    def archive_path(self) -> Path:
        """Where telemetry is recorded."""
        return Path(self.archive)
