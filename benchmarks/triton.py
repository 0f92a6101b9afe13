"""Windows through a real tritonserver on this CPU (Python backend): against raw tritonclient, and in-process.

The pool has one worker and is given 16 windows at a time; raw tritonclient calls ``infer`` in a loop with batches of
256 already put together, one message each. In-process is bare ONNX Runtime on one core with the same batches of 256,
against our engine with the same batches in shared memory: for a small model the way there and back, a millisecond
through the server's Python, is most of the time. Shared memory against messages is one connection that asks for the
same scores in both ways. Workers share two cores with the server, so more of them hide the way but add no cores. A kill
is SIGKILL in mid-stream: until the next window has its score (from the embedded engine), and until a server has
started, has its models and scores again; medians of the turns.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient import grpc

from benchmarks.scoring import BATCH, REPOSITORY, _bare, _ours
from inference import EngineError, ModelCard, Pool, read_repository
from inference.embedded import EmbeddedEngine
from inference.triton.bundle import find
from inference.triton.connection import Connection
from inference.triton.engine import TritonEngine
from inference.triton.failover import FailoverEngine
from inference.triton.options import TritonOptions
from inference.triton.supply import candidates, first

SERVER = Path(__file__).resolve().parent.parent / ".triton"
WINDOWS = {"vae_timeseries": 256 * 80, "transformer_timeseries": 256 * 16}
TURNS = 11
KILLS = 9
DEADLINE_S = 60.0


def _raw(client: Any, card: ModelCard, windows: np.ndarray[Any, Any]) -> float:
    begun = time.perf_counter()
    for at in range(0, len(windows), BATCH):
        batch = windows[at : at + BATCH]
        given = grpc.InferInput("window", list(batch.shape), "FP32")
        given.set_data_from_numpy(batch)
        client.infer(card.name, [given], outputs=[grpc.InferRequestedOutput("score")]).as_numpy("score")
    return len(windows) / (time.perf_counter() - begun)


def _each(score: Callable[[np.ndarray[Any, Any]], Any], windows: np.ndarray[Any, Any]) -> float:
    begun = time.perf_counter()
    for at in range(0, len(windows), BATCH):
        score(windows[at : at + BATCH])
    return len(windows) / (time.perf_counter() - begun)


def _turns(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float, float]:
    """Medians of both sides, and of the ratios of each turn."""
    ours(), theirs()
    pairs = []
    for turn in range(TURNS):
        if turn % 2:
            its = theirs()
            pairs.append((ours(), its))
        else:
            pairs.append((ours(), theirs()))
    mine, its = (statistics.median(side) for side in zip(*pairs, strict=True))
    return mine, its, statistics.median(one / other for one, other in pairs)


def _ways(
    engine: TritonEngine, card: ModelCard, windows: np.ndarray[Any, Any]
) -> Iterator[tuple[int, float, float, float]]:
    """Windows in a batch, and ms in shared memory and in a message, with the ratio; by it SHARED_FROM was chosen."""
    name = engine.names[card.name]
    connection = Connection(engine.endpoint, DEADLINE_S, None)
    for rows in (64, 128, 256):
        batches = [windows[at : at + rows] for at in range(0, 80 * rows, rows)]

        def shared(batches: list[np.ndarray[Any, Any]] = batches) -> float:
            return _calls(lambda batch: connection.shared(name, card, batch, ("score",)), batches)

        def message(batches: list[np.ndarray[Any, Any]] = batches) -> float:
            return _calls(lambda batch: connection.plain(name, card, batch, ("score",)), batches)

        mine, its, ratio = _turns(shared, message)
        yield rows, 1e3 / mine, 1e3 / its, ratio
    connection.close()


def _calls(score: Callable[[np.ndarray[Any, Any]], Any], batches: list[np.ndarray[Any, Any]]) -> float:
    """Batches a second."""
    begun = time.perf_counter()
    for batch in batches:
        score(batch)
    return len(batches) / (time.perf_counter() - begun)


def _kills(engine: FailoverEngine, card: ModelCard, windows: np.ndarray[Any, Any]) -> tuple[list[float], list[float]]:
    """Seconds from a kill to the next score, and to a Triton that scores again."""
    next_score, back = [], []
    tick = threading.Event()
    for _ in range(KILLS):
        engine.infer(card.name, windows[:BATCH], ("score",))
        before, server = engine.status().interruptions, engine.servers[0].server
        assert server is not None
        os.kill(server.record.server.pid, signal.SIGKILL)
        begun = time.perf_counter()
        engine.infer(card.name, windows[:BATCH], ("score",))
        next_score.append(time.perf_counter() - begun)
        while engine.kind != "triton" or engine.status().interruptions == before:
            assert time.perf_counter() - begun < DEADLINE_S
            tick.wait(0.005)
        back.append(time.perf_counter() - begun)
    return next_score, back


def run() -> list[dict[str, Any]]:
    """Each figure above; none, said on standard error, where there is no tritonserver."""
    cards = read_repository(REPOSITORY).select()
    with tempfile.TemporaryDirectory() as state:
        options = TritonOptions(state=Path(state), places=(SERVER,), container="off")
        try:
            find("", (SERVER,))
            opener = partial(first, candidates(options, cards))
            engine = FailoverEngine([opener], EmbeddedEngine(), cards, BATCH, insist=True, pauses=(0.2,))
        except EngineError as problem:
            print(f"triton: skipped, {problem}", file=sys.stderr)
            return []
        try:
            return _measure(engine, cards)
        finally:
            engine.close()


def _measure(engine: FailoverEngine, cards: tuple[ModelCard, ...]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    results: list[dict[str, Any]] = []
    raw = grpc.InferenceServerClient(engine.servers[0].engine.endpoint.address)
    windows = {card.name: rng.normal(size=(WINDOWS[card.name], card.spec.window)).astype(np.float32) for card in cards}

    def row(name: str, mine: float, its: float | None, ratio: float | None, unit: str, aim: str = "") -> None:
        results.append({"name": name, "ours": mine, "theirs": its, "ratio": ratio, "unit": unit, "aim": aim})

    for card in cards:
        given = windows[card.name]
        pool = Pool(engine, cards, workers=1, max_batch=BATCH)
        figures = _turns(partial(_ours, pool, card.name, given), partial(_raw, raw, card, given))
        pool.close(DEADLINE_S)
        row(f"{card.name}: windows through pool and Triton, against raw tritonclient", *figures, "windows/s", "0.90x")
        session = _bare(card)

        def served(batch: np.ndarray[Any, Any], name: str = card.name) -> Any:
            return engine.infer(name, batch, ("score",))

        def bare(batch: np.ndarray[Any, Any], session: Any = session) -> Any:
            return session.run(["score"], {"window": batch})

        mine, its, ratio = _turns(partial(_each, served, given), partial(_each, bare, given))
        what = f"{card.name}: a batch of {BATCH} through Triton and shared memory, against in-process"
        row(what, 1e3 * BATCH / mine, 1e3 * BATCH / its, 1 / ratio, "ms", "at most 1.5x")
    raw.close()
    small = next(one for one in cards if one.name.startswith("vae"))
    for rows, mine, its, ratio in _ways(engine.servers[0].engine, small, windows[small.name]):
        what = f"{small.name}: a batch of {rows} ({rows * small.spec.window >> 8} KiB) through shared memory"
        row(f"{what}, against a message", mine, its, ratio, "ms")
    card = next(one for one in cards if one.name.startswith("transformer"))
    for workers in (1, 2, 4):
        pool = Pool(engine, cards, workers=workers, max_batch=BATCH)
        rate = statistics.median(_ours(pool, card.name, windows[card.name]) for _ in range(5))
        pool.close(DEADLINE_S)
        row(f"{card.name}: windows through Triton, {workers} worker{'s'[: workers > 1]}", rate, None, None, "windows/s")
    next_score, back = _kills(engine, card, windows[card.name])
    row("From a killed Triton to the next score, worst", max(next_score), None, None, "s", "under 1")
    row("From a killed Triton to one that scores again, median", statistics.median(back), None, None, "s", "under 8")
    return results
