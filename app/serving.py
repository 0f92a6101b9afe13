"""What the core tells of scoring: which engine serves and since when, and, when asked, the figures behind it.

``now`` is cheap and told to every window whenever it changes; ``figures`` asks the server itself and may take a second.
"""

from __future__ import annotations

from dataclasses import asdict

from app.link.wire import Header
from app.session import Session
from inference.errors import EngineError
from inference.triton.failover import FailoverEngine
from inference.triton.supply import Seat

LOG_LINES = 500


class Serving:
    """Over one session's engine and pool. Any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def now(self) -> Header:
        """``kind``, ``detail``, ``reason``, ``since`` (us UTC) and what went before, as ``EngineStatus`` has them."""
        return asdict(self._session.engine.status())

    def answer(self, request: Header) -> Header | None:
        """The answer to ``engine`` (figures) and ``engine_log`` (lines); None for what is not asked of this."""
        match request.get("do"):
            case "engine":
                return self.figures()
            case "engine_log":
                return {"lines": [line for seat in self._seats() if seat.server for line in seat.server.log(LOG_LINES)]}
        return None

    def figures(self) -> Header:
        """The engine as ``now``, the ``pool`` with its ``workers``, the ``servers`` that score and their ``models``."""
        pool = self._session.pool.status()
        return {"engine": self.now(), "pool": asdict(pool), "servers": [_server(seat) for seat in self._seats()]}

    def _seats(self) -> list[Seat]:
        engine = self._session.engine
        return engine.servers if isinstance(engine, FailoverEngine) else []


def _server(seat: Seat) -> Header:
    """Where a server is, whose it is, and what it says of its models; ``problem`` where it says nothing."""
    engine = seat.engine
    told: Header = {
        "address": engine.endpoint.address,
        "detail": engine.detail,
        "mine": seat.mine,
        "gpu": bool(seat.server and seat.server.record.gpu),
        "runs": seat.server.record.runs if seat.server else "",
        "metrics_port": seat.server.record.metrics if seat.server else 0,
        "models": [],
        "problem": "",
    }
    try:
        told["models"] = [asdict(one) for one in engine.figures()]
    except EngineError as problem:
        told["problem"] = str(problem)
    return told
