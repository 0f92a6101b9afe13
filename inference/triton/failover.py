"""The engine that survives its servers: Triton while one serves, the embedded engine while none does.

A batch that a server did not finish is scored again at once, by another server or by the embedded engine, before
``infer`` returns: so every window gets one result, in its place, whatever happens to a server. Meanwhile one thread a
seat finds out what is wrong, starts the server again with growing pauses, gives it its models, and lets it serve.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np

from inference.card import ModelCard
from inference.engine import Engine, EngineStatus, Floats
from inference.errors import EngineError, MemoryExhaustedError, ModelGoneError, ServerGoneError
from inference.steady import SteadyEngine
from inference.triton.supply import Seat

log = logging.getLogger(__name__)

Opener = Callable[[threading.Event, Callable[[Seat], None]], Seat]
"""Gives a seat that the second argument has settled, or raises EngineError; the event ends its waiting."""

PROBE_EVERY_S = 1.0
PROBE_S = 3.0
"""A server that answered nothing for so long is hung."""
PAUSES_S = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Between a failure and the next try to have a server."""
STEADY_S = 120.0
"""A server that served for so long has proved itself: the next failure begins with the shortest pause."""
STOP_S = 20.0
SAY_EVERY_S = 60.0
"""A model that refuses every batch would fill the log."""


class FailoverEngine:
    """Engines over the servers of ``openers``, one each, with ``spare`` behind them.

    ``insist`` waits for every seat that can be had, and raises EngineError where none can; ``wait`` waits for them as
    well, and goes on without. Otherwise the spare scores from the first moment on, and servers take over as they come
    up. ``stop`` ends that waiting. ``clock`` gives microseconds UTC; ``pauses``, s, lie between a failure and the next
    try, each after one more failure, the last for ever.
    """

    def __init__(
        self,
        openers: Sequence[Opener],
        spare: Engine,
        cards: Sequence[ModelCard],
        max_batch: int,
        insist: bool,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        pauses: Sequence[float] = PAUSES_S,
        wait: bool = False,
        stop: threading.Event | None = None,
    ) -> None:
        self._embedded = spare
        self._spare = SteadyEngine(spare, max_batch)
        self._cards = {card.name: card for card in cards}
        self._max_batch = max_batch
        self._clock = clock
        self._pauses = tuple(pauses)
        self._turn = itertools.count()
        self._lock = threading.Lock()
        self._since = clock()
        self._interruptions = self._rescored = 0
        self._trouble = ""
        self._last: EngineStatus | None = None
        self._keepers = [_Keeper(self, opener) for opener in openers]
        try:
            for card in cards:
                self._spare.load(card)
            problems = [keeper.try_once(stop) for keeper in self._keepers] if insist or wait else []
            self._trouble = "" if any(keeper.serving for keeper in self._keepers) else " ".join(problems)
            if insist and not any(keeper.serving for keeper in self._keepers):
                raise EngineError(" ".join(problems))
        except BaseException:
            self.close()
            raise
        for keeper in self._keepers:
            keeper.start()

    @property
    def kind(self) -> Literal["embedded", "triton"]:
        """What scores now."""
        return self.status().kind

    @property
    def detail(self) -> str:
        """How the server is reached that scores now, or the embedded engine's execution provider."""
        return self.status().detail

    @property
    def reason(self) -> str:
        """Why this engine scores now, one sentence."""
        return self.status().reason

    def status(self) -> EngineStatus:
        """See ``Engine``; of a closed engine, what it was at the end."""
        if self._last is not None:
            return self._last
        serving = [keeper.seat for keeper in self._keepers if keeper.serving and keeper.seat is not None]
        with self._lock:
            since, interruptions, rescored, trouble = self._since, self._interruptions, self._rescored, self._trouble
        if serving:
            engine = serving[0].engine
            return EngineStatus("triton", engine.detail, engine.reason, since, interruptions, rescored, trouble)
        waiting = trouble or "A Triton is being started."
        reason = f"{waiting.rstrip('.')}, so the embedded ONNX Runtime scores until a Triton does."
        return EngineStatus("embedded", self._embedded.detail, reason, since, interruptions, rescored, trouble)

    @property
    def servers(self) -> list[Seat]:
        """The servers that score now."""
        return [keeper.seat for keeper in self._keepers if keeper.serving and keeper.seat is not None]

    def load(self, card: ModelCard) -> None:
        """See ``Engine``. A server that will not take it is given up until it does."""
        self._spare.load(card)
        self._cards[card.name] = card
        for keeper in self._keepers:
            keeper.mend(card.name)

    def infer(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """See ``Engine``. Raises EngineError only where the embedded engine cannot score it either."""
        first = next(self._turn)
        for number in range(len(self._keepers)):
            keeper = self._keepers[(first + number) % len(self._keepers)]
            engine = keeper.engine_for(model)
            if engine is None:
                continue
            try:
                return engine.infer(model, batch, outputs)
            except MemoryExhaustedError as problem:
                if len(batch) > 1:
                    log.warning("%s It is tried with half as many.", problem)
                    return self._halved(model, batch, outputs)
                keeper.failed(model, problem)
            except EngineError as problem:
                keeper.failed(model, problem)
            with self._lock:
                self._rescored += len(batch)
        return self._spare.infer(model, batch, outputs)

    def close(self) -> None:
        """End every server that is this program's, and let the rest go. May be called twice."""
        self._last = self.status()
        for keeper in self._keepers:
            keeper.close()
        self._embedded.close()

    def _halved(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        middle = len(batch) // 2
        parts = [self.infer(model, np.ascontiguousarray(half), outputs) for half in (batch[:middle], batch[middle:])]
        return {name: np.concatenate([part[name] for part in parts]) for name in outputs}

    def _changed(self, trouble: str, interrupted: bool) -> None:
        """Another engine scores from now on."""
        with self._lock:
            self._since = self._clock()
            self._trouble = trouble
            self._interruptions += interrupted


class _Keeper:
    """One seat and the thread that keeps it taken."""

    def __init__(self, owner: FailoverEngine, opener: Opener) -> None:
        self._owner = owner
        self._opener = opener
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._tried = False
        self._lock = threading.Lock()
        self._missing: set[str] = set()
        self._steady: SteadyEngine | None = None
        self._settled: SteadyEngine
        self._began = 0.0
        self._failures = 0
        self._said = -SAY_EVERY_S
        self.seat: Seat | None = None
        self._thread = threading.Thread(target=self._keep, name="triton-keeper", daemon=True)

    @property
    def serving(self) -> bool:
        return self._steady is not None

    def engine_for(self, model: str) -> SteadyEngine | None:
        return None if model in self._missing else self._steady

    def failed(self, model: str, problem: EngineError) -> None:
        """A call did not succeed. The keeper's thread finds out what that means; scoring goes on elsewhere."""
        with self._lock:
            if isinstance(problem, ModelGoneError | ServerGoneError):
                self._missing.add(model)
            elif time.monotonic() - self._said > SAY_EVERY_S:
                self._said = time.monotonic()
                log.warning("%s Such windows are scored elsewhere.", problem)
        self._wake.set()

    def mend(self, model: str) -> None:
        """The model is to be loaded anew."""
        with self._lock:
            self._missing.add(model)
        self._wake.set()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._leave(ended=False)

    def try_once(self, stop: threading.Event | None = None) -> str:
        """Take the seat now; empty, or why it cannot be had. ``stop``, or else ``close``, ends the waiting."""
        self._tried = True
        try:
            self._take(stop or self._stop)
        except EngineError as problem:
            return str(problem)
        return ""

    def _keep(self) -> None:
        try:
            if self._tried and self._steady is None:
                self._pause()
            while not self._stop.is_set():
                if self._steady is None:
                    problem = self.try_once()
                    if problem and not self._stop.is_set():
                        self._owner._changed(problem, interrupted=False)
                        self._pause()
                    continue
                self._wake.wait(PROBE_EVERY_S)
                self._wake.clear()
                trouble = "" if self._stop.is_set() else self._trouble()
                if trouble:
                    log.info("%s", trouble)  # the status says it to whoever watches
                    # Before anything that takes time: from here on nobody waits for this server.
                    self._steady = None
                    self._owner._changed(trouble, interrupted=True)
                    if time.monotonic() - self._began > STEADY_S:
                        self._failures = 0
                    self._leave(ended=True)
                    self._pause()
        except Exception:
            log.exception("the thread that keeps a Triton going has failed; the embedded engine scores")
            self._steady = None
            self._owner._changed("Perigee no longer looks after its Triton (the log says why).", interrupted=True)

    def _take(self, stop: threading.Event) -> None:
        seat = self._opener(stop, partial(self._settle, stop))
        self.seat, steady = seat, self._settled
        with self._lock:
            self._missing.clear()
        self._began = time.monotonic()
        self._steady = steady
        log.info("windows are scored by a Triton (%s): %s", seat.engine.detail, seat.engine.reason)
        self._owner._changed("", interrupted=False)

    def _settle(self, stop: threading.Event, seat: Seat) -> None:
        """Give a server every model, warm. Raises EngineError where it does not take one."""
        self._settled = SteadyEngine(seat.engine, self._owner._max_batch)
        for card in list(self._owner._cards.values()):
            self._settled.load(card)
            if stop.is_set():
                raise EngineError("it is no longer wanted")

    def _trouble(self) -> str:
        """What is wrong with the server; a model that it lost is given to it again on the way."""
        seat = self.seat
        if seat is None:
            return "There is no server."
        if not seat.engine.alive(PROBE_S):
            # Asked only now: a container engine takes its time to say how a container is.
            ended = seat.server.ended() if seat.server is not None else ""
            if ended:
                return f"The Triton is gone ({ended})."
            if seat.engine.silent_s > PROBE_S:
                return f"The Triton at {seat.engine.endpoint.address} does not answer."
        try:
            for model in sorted(self._missing.union(seat.engine.lost(PROBE_S))):
                card = self._owner._cards.get(model)
                with self._lock:
                    self._missing.add(model)
                if card is not None and self._steady is not None:
                    log.warning("the Triton has lost %s, and is given it again", model)
                    seat.engine.unload(model)
                    self._steady.load(card)
                with self._lock:
                    self._missing.discard(model)
        except EngineError as problem:
            ended = seat.server.ended() if seat.server is not None else ""
            return f"The Triton is gone ({ended})." if ended else str(problem)
        return ""

    def _leave(self, ended: bool) -> None:
        """Let the seat go; what ``ended`` badly is not waited for."""
        self._steady = None
        seat, self.seat = self.seat, None
        if seat is not None:
            seat.end(*((0.5,) if ended else ()))

    def _pause(self) -> None:
        pauses = self._owner._pauses
        pause = pauses[min(self._failures, len(pauses) - 1)]
        self._failures += 1
        self._stop.wait(pause)
