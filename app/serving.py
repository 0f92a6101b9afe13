"""What the core tells of scoring: which engine serves and since when, and, when asked, the figures behind it.

``now`` is cheap and told to every window whenever it changes. The servers and the GPU driver may take their time, or
hang: they are asked on threads of their own, one for the figures and one for long texts. A window is told what was
learned last.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import asdict

from app.link.wire import Header
from app.session import Session
from inference.errors import EngineError
from inference.triton.client import ModelFigures
from inference.triton.failover import FailoverEngine
from inference.triton.metrics import Metrics, read_metrics
from inference.triton.nvml import read_graphics
from inference.triton.supply import Seat

LOG_LINES = 500
ASK_S = 2.0
PATIENCE_S = 0.3
"""A window is not kept waiting longer for a server: what else it asks stands in line behind this."""
TEXT_S = 1.0
"""Nor longer than this for a long text."""


class Serving:
    """Over one session's engine and pool. Any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="figures")
        self._reading: Future[None] | None = None
        self._texts = ThreadPoolExecutor(1, thread_name_prefix="texts")
        self._read: dict[str, Future[Header]] = {}
        self._learned: Header = {"at": None, "servers": [], "graphics": None}

    def now(self) -> Header:
        """``kind``, ``detail``, ``reason``, ``since`` (us UTC) and what went before, as ``EngineStatus`` has them."""
        return asdict(self._session.engine.status())

    def answer(self, request: Header) -> Header | None:
        """The answer to ``engine``, ``engine_log`` (lines) and ``engine_config``; None for what is not asked of this.

        ``engine_config`` has the text by which each model is served, by its name. A text that a server does not give
        soon is an ``error``; once it comes, it is the answer to the next that asks.
        """
        match request.get("do"):
            case "engine":
                return self.figures()
            case "engine_log":
                return self._text("engine_log", self._log)
            case "engine_config":
                return self._text("engine_config", self._configs)
        return None

    def _text(self, what: str, read: Callable[[], Header]) -> Header:
        with self._lock:
            reading = self._read.get(what) or self._texts.submit(read)
            self._read[what] = reading
        wait([reading], TEXT_S)
        if not reading.done():
            return {"error": "The server has not answered yet: read again."}
        with self._lock:
            self._read.pop(what, None)
        return reading.result()

    def figures(self) -> Header:
        """The engine as ``now``, the ``pool`` with its ``workers``, windows ``skipped``, and what was learned last.

        That is, ``at`` a moment (monotonic seconds; None: nothing yet), of the ``servers`` that score with their
        ``models``, and of the ``graphics`` as ``nvml.Graphics`` has them.
        """
        with self._lock:
            reading = self._reading
            if reading is None or reading.done():
                reading = self._reading = self._reader.submit(self._learn)
        with contextlib.suppress(NotYetError):
            reading.result(PATIENCE_S)
        pool, skipped = asdict(self._session.pool.status()), self._session.totals().skipped
        return {"engine": self.now(), "pool": pool, "skipped": skipped, **self._learned}

    def close(self) -> None:
        """Nothing is asked any more."""
        for pool in (self._reader, self._texts):
            pool.shutdown(cancel_futures=True)

    def _learn(self) -> None:
        servers = [_server(seat) for seat in self._seats()]
        self._learned = {"at": time.monotonic(), "servers": servers, "graphics": asdict(read_graphics())}

    def _log(self) -> Header:
        return {"lines": [line for seat in self._seats() if seat.server for line in seat.server.log(LOG_LINES)]}

    def _configs(self) -> Header:
        found: Header = {}
        for seat in self._seats():
            with contextlib.suppress(EngineError):  # a server that goes away is told of elsewhere
                found |= seat.engine.configs()
        return {"configs": found}

    def _seats(self) -> list[Seat]:
        engine = self._session.engine
        return engine.servers if isinstance(engine, FailoverEngine) else []


def _server(seat: Seat) -> Header:
    """Where a server is, whose it is, and what it says of its models; ``problem`` where it says nothing.

    ``gpus`` are those that it uses by its own word, by UUID; None where it does not say. Nor may it say how many calls
    to a model are ``pending``.
    """
    engine, record = seat.engine, seat.server.record if seat.server else None
    told: Header = {
        "address": engine.endpoint.address,
        "detail": engine.detail,
        "mine": seat.mine,
        "gpu": bool(record and record.gpu),
        "runs": record.runs if record else "",
        "metrics_port": record.metrics if record else 0,
        "models": [],
        "gpus": None,
        "problem": "",
    }
    page: Metrics | None = None
    if record:
        with contextlib.suppress(EngineError):
            page = read_metrics(record.metrics, ASK_S)
            told["gpus"] = [one.uuid for one in page.gpus]
    try:
        counted, lost = {one.name: one for one in engine.figures()}, engine.lost(ASK_S)
        for model, name in engine.names.items():
            waits = page.models.get(name) if page else None
            figures = counted.get(name, ModelFigures(name, "", 0, 0, 0, 0.0, 0.0))
            told["models"].append(
                {**asdict(figures), "ready": model not in lost, "pending": waits.pending if waits else None}
            )
    except EngineError as problem:
        told["problem"] = str(problem)
    return told
