"""How the servers that this user's programs have started do now, as they and their logs say."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inference.errors import EngineError
from inference.triton.client import Client, ModelFigures
from inference.triton.metrics import Metrics, read_metrics
from inference.triton.options import TritonOptions
from inference.triton.records import Record
from inference.triton.server import endpoint
from inference.triton.supply import attach

ASK_S = 2.0
OVER_S = 0.5
"""Windows a second are counted over so long."""
LOG_LINES = 2000
_REFUSED = re.compile(r"failed to load '([^']+)' version (\d+): (.+)")


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model on a server: what it counted since it was loaded, and mean microseconds a call.

    ``reason`` is why it is not ready; ``pending`` requests wait now; ``windows_per_s`` were scored just now. Both are
    None where the server does not say.
    """

    name: str
    version: str
    state: Literal["ready", "unavailable"]
    reason: str
    calls: int
    windows: int
    failed: int
    queue_us: float
    compute_us: float
    pending: int | None
    windows_per_s: float | None


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server: whether it answers and otherwise (``reason``) why not, and what it holds.

    ``gpu`` says whether it really uses one, None where it does not say.
    """

    record: Record
    state: Literal["running", "silent", "ended"]
    reason: str
    version: str
    uptime_s: float | None
    gpu: bool | None
    models: tuple[ServedModel, ...]


def survey(found: Sequence[Record], options: TritonOptions) -> list[ServerState]:
    """How each of these does. Takes a moment, and longer where one does not answer."""
    looks = [_Look(record, options) for record in found]
    if any(look.first for look in looks):
        time.sleep(OVER_S)  # a rate is the difference of two counts, so this time has to pass
    return [look.state() for look in looks]


class _Look:
    """One server, asked twice."""

    def __init__(self, record: Record, options: TritonOptions) -> None:
        self._record = record
        self._server = attach(record, options)
        self._client = Client(endpoint(record))
        self._began = time.monotonic()
        self.first: dict[tuple[str, str], ModelFigures] = {}
        with contextlib.suppress(EngineError):
            self.first = _by_name(self._client.figures(ASK_S))

    def state(self) -> ServerState:
        try:
            return self._state()
        finally:
            self._client.close()

    def _state(self) -> ServerState:
        record = self._record
        state: Literal["running", "silent", "ended"] = "running"
        reason, version, gpu = self._server.ended(), "", None
        models: tuple[ServedModel, ...] = ()
        if reason:
            state = "ended"
        else:
            try:
                version = self._client.version(ASK_S)
                metrics = self._metrics()
                gpu = None if metrics is None else bool(metrics.gpus)
                models = self._models(metrics)
            except EngineError as problem:
                state, reason = "silent", str(problem)
        return ServerState(
            record=record,
            state=state,
            reason=reason,
            version=version,
            uptime_s=None if state == "ended" else self._server.age_s(),
            gpu=gpu,
            models=models,
        )

    def _metrics(self) -> Metrics | None:
        try:
            return read_metrics(self._record.metrics, ASK_S)
        except EngineError:
            return None

    def _models(self, metrics: Metrics | None) -> tuple[ServedModel, ...]:
        """Those that are loaded, and those that the log says could not be: the server itself forgets them."""
        figures = _by_name(self._client.figures(ASK_S))
        took = time.monotonic() - self._began
        refusals = _refusals(self._server.log(LOG_LINES))
        found = []
        for key, now in figures.items():
            before, pages = self.first.get(key), metrics.models.get(now.name) if metrics is not None else None
            ready = self._client.ready(now.name, ASK_S)
            found.append(
                ServedModel(
                    name=now.name,
                    version=now.version,
                    state="ready" if ready else "unavailable",
                    reason="" if ready else refusals.get(key, "the server does not say why"),
                    calls=now.calls,
                    windows=now.windows,
                    failed=now.failed,
                    queue_us=now.queue_us,
                    compute_us=now.compute_us,
                    pending=None if pages is None else pages.pending,
                    # Loaded anew meanwhile, it counts from 0 again.
                    windows_per_s=None if before is None else max(0, now.windows - before.windows) / took,
                )
            )
        for (name, version), reason in refusals.items():
            if (name, version) not in figures:
                found.append(ServedModel(name, version, "unavailable", reason, 0, 0, 0, 0.0, 0.0, None, None))
        return tuple(sorted(found, key=lambda one: (one.name, one.version)))


def _by_name(figures: list[ModelFigures]) -> dict[tuple[str, str], ModelFigures]:
    return {(one.name, one.version): one for one in figures}


def _refusals(lines: list[str]) -> dict[tuple[str, str], str]:
    """The newest reason why a model did not load, by its name and version."""
    found = {}
    for line in lines:
        if (refused := _REFUSED.search(line)) is not None:
            name, version, why = refused.groups()
            found[name, version] = why.partition("\\n")[0].strip(' ".')
    return found
