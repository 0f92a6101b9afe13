"""The background pool: workers that score windows in batches while the judge goes on.

``submit`` is called from any thread; each worker is a thread of its own. Futures resolve independently of each
other: who needs an order waits in that order. Scores do not depend on how windows were batched (``steady``).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from inference.card import ModelCard
from inference.engine import Engine, Floats
from inference.errors import EngineError
from inference.steady import is_steady
from inference.waiting import Batch, Ticket, WindowQueue

log = logging.getLogger(__name__)

WAIT_S = 120.0
"""A paced submitter that found no room for so long has met an engine that is stuck."""
LATENCIES = 1024
"""Newest batches of a worker that its latencies are taken over."""
BATCHES_WAITING = 4
"""Batches a worker that may wait; beyond it more waiting would only make scores later."""
SCORE = "score"


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What one worker has done: batches and windows, and how long its newest batches took, milliseconds.

    ``active`` is the size of the batch that it is scoring now, 0 where it waits; ``active_ms`` is how long that has
    taken so far.
    """

    name: str
    active: int
    active_ms: float
    batches: int
    done: int
    failed: int
    retried: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


class _Figures:
    """The figures of one worker: written by it alone, read by anyone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.active = self.batches = self.done = self.failed = self.retried = 0
        self.began = 0.0
        self.latencies: deque[float] = deque(maxlen=LATENCIES)

    def status(self, now: float) -> WorkerStatus:
        newest = list(self.latencies)
        p50, p95, p99 = (1000 * np.percentile(newest, (50, 95, 99))).tolist() if newest else (0.0, 0.0, 0.0)
        active = self.active
        return WorkerStatus(
            name=self.name,
            active=active,
            active_ms=1000 * (now - self.began) if active else 0.0,
            batches=self.batches,
            done=self.done,
            failed=self.failed,
            retried=self.retried,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
        )


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """What the pool has done, and what waits, in windows.

    ``refused`` found the queue full, ``failed`` carry an EngineError; ``busy_s`` is summed over the workers;
    ``error`` is the newest failure's sentence, empty where there was none.
    """

    waiting: int
    bound: int
    scored: dict[str, int]
    refused: dict[str, int]
    failed: dict[str, int]
    retried: int
    batches: int
    busy_s: float
    error: str
    workers: tuple[WorkerStatus, ...]


class Pool:
    """``workers`` threads over one engine whose models are loaded; close it before the engine.

    A batch is formed of up to ``max_batch`` windows that wait, or of fewer once the oldest has waited ``age_s``.
    """

    def __init__(
        self,
        engine: Engine,
        cards: Sequence[ModelCard],
        workers: int = 1,
        max_batch: int = 256,
        max_waiting: int | None = None,
        age_s: float = 0.0,
    ) -> None:
        self._engine = engine
        self._cards = {card.name: card for card in cards}
        self._largest = {card.name: max(1, min(max_batch, card.max_batch_size)) for card in cards}
        # Also the first batch that each model sees: a loaded model is not yet a warm one.
        self._padded = {
            card.name: self._largest[card.name]
            for card in cards
            if not is_steady(engine, card, self._largest[card.name], SCORE)
        }
        self._queue = WindowQueue(max_waiting or BATCHES_WAITING * workers * max_batch, age_s)
        self._lock = threading.Lock()
        self._scored = dict.fromkeys(self._cards, 0)
        self._refused = dict.fromkeys(self._cards, 0)
        self._failed = dict.fromkeys(self._cards, 0)
        self._retried = self._batches = 0
        self._busy_s = 0.0
        self._error = ""
        self._figures = [_Figures(f"inference-{number}") for number in range(workers)]
        self._threads = [
            threading.Thread(target=self._work, args=(one,), name=one.name, daemon=True) for one in self._figures
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        model: str,
        windows: Floats,
        wait: bool = True,
        stop: threading.Event | None = None,
        timeout: float = WAIT_S,
    ) -> Future[Floats] | None:
        """Scores (n,) float32 to come for ``windows`` (n, W) float32, normalised; nobody changes the array after.

        A model of C channels takes (n, W x C), sample by sample, and gives (n, C).

        Where the queue is full: with ``wait`` (paced) blocks until there is room, and returns None only when
        ``stop`` is set or the pool closes; without (live) returns None at once, and the caller counts n skipped
        windows. Raises EngineError for an unknown model, windows of another length, or no room in ``timeout`` s.
        The future carries EngineError where the engine failed twice.
        """
        card = self._cards.get(model)
        if card is None:
            raise EngineError(f'The pool scores no model "{model}"; it scores {", ".join(self._cards) or "none"}.')
        size = math.prod(card.input_shape)
        if windows.ndim != 2 or windows.shape[1] != size:
            raise EngineError(f"The model {model} takes (n, {size}) windows, not an array of shape {windows.shape}.")
        ticket = Ticket(model, np.ascontiguousarray(windows, dtype=np.float32), card.score_shape)
        if not len(windows):
            return ticket.future
        if self._queue.put(ticket, stop, timeout) if wait else self._queue.offer(ticket):
            return ticket.future
        with self._lock:
            self._refused[model] += len(windows)
        return None

    def status(self) -> PoolStatus:
        """Counts of now. Any thread."""
        with self._lock:
            return PoolStatus(
                waiting=self._queue.waiting,
                bound=self._queue.bound,
                scored=dict(self._scored),
                refused=dict(self._refused),
                failed=dict(self._failed),
                retried=self._retried,
                batches=self._batches,
                busy_s=self._busy_s,
                error=self._error,
                workers=tuple(one.status(time.perf_counter()) for one in self._figures),
            )

    def close(self, timeout: float) -> bool:
        """Score what waits, for up to ``timeout`` seconds, then end the workers; whether all was scored.

        What is left then fails with EngineError. May be called twice.
        """
        deadline = time.monotonic() + timeout
        self._queue.close()
        drained = self._queue.empty(timeout)
        self._queue.drop(EngineError("The session ended before these windows were scored."))
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        return drained

    def _work(self, figures: _Figures) -> None:
        while (batch := self._queue.take(self._largest)) is not None:
            figures.began = begun = time.perf_counter()
            figures.active = batch.size
            try:
                batch.fill(self._score(batch, figures))
                outcome, error = self._scored, ""
            except EngineError as problem:
                batch.fail(problem)
                outcome, error = self._failed, str(problem)
            except Exception as problem:
                # A bug, not the engine: its windows fail, the worker stays, and the log has the traceback.
                log.exception("a batch of %s could not be scored", batch.model)
                error = f"Scoring with {batch.model} failed unexpectedly ({problem!r}); the log says where."
                batch.fail(EngineError(error))
                outcome = self._failed
            took = time.perf_counter() - begun
            figures.latencies.append(took)
            figures.active = 0
            figures.batches += 1
            figures.done += batch.size if not error else 0
            figures.failed += batch.size if error else 0
            with self._lock:
                outcome[batch.model] += batch.size
                self._batches += 1
                self._busy_s += took
                self._error = error or self._error
            self._queue.done(batch.size)

    def _score(self, batch: Batch, figures: _Figures) -> Floats:
        card = self._cards[batch.model]
        windows = batch.windows()
        padding = self._padded.get(batch.model, 0) - len(windows)
        if padding > 0:
            windows = np.concatenate([windows, np.zeros((padding, windows.shape[1]), dtype=np.float32)])
        windows = windows.reshape(-1, *card.input_shape)
        try:
            answer = self._engine.infer(batch.model, windows, (SCORE,))
        except EngineError as problem:
            log.warning("%s Trying these %d windows once more.", problem, batch.size)
            with self._lock:
                self._retried += batch.size
            figures.retried += batch.size
            answer = self._engine.infer(batch.model, windows, (SCORE,))
        scores, shape = answer[SCORE], (len(windows), *card.score_shape)
        if scores.size != math.prod(shape):
            raise EngineError(
                f"The model {batch.model} gave {scores.size} scores for {len(windows)} windows, and {math.prod(shape)} "
                "are due: train or convert it again."
            )
        return scores.reshape(shape)[: batch.size]
