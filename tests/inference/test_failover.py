"""Servers are killed, stopped and emptied in the middle of a stream: each window has its score, once, in its place.

The servers are real ones. What a window's score must be is known from the embedded engine.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from inference import EngineError, ModelCard, Pool, read_repository
from inference.embedded import EmbeddedEngine
from inference.errors import MemoryExhaustedError
from inference.fake import FakeEngine
from inference.triton.client import Client
from inference.triton.failover import FailoverEngine
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.records import Record
from inference.triton.server import endpoint
from inference.triton.supply import Seat, candidates, first

DEADLINE_S = 60.0
ROWS = 24
Settle = Callable[[Seat], None]


@pytest.fixture(scope="module")
def cards(shipped: Path) -> tuple[ModelCard, ...]:
    return read_repository(shipped).select()


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, private_server: Path) -> TritonOptions:
    return TritonOptions(
        state=tmp_path_factory.mktemp("state"), places=(private_server,), container="off", timeout_s=20.0
    )


@pytest.fixture(scope="module")
def engine(cards: tuple[ModelCard, ...], options: TritonOptions) -> Iterator[FailoverEngine]:
    """One for all tests: each leaves it with a server that scores."""
    opener = partial(first, candidates(options, cards))
    made = FailoverEngine([opener], EmbeddedEngine(), cards, 64, insist=True, pauses=(0.2,))
    yield made
    made.close()
    assert not list(options.state.glob("triton-*.json")), "a server was left behind"


class Stream:
    """Windows of every model, submitted one after the other to a pool, and what their scores must be."""

    def __init__(self, engine: FailoverEngine, cards: tuple[ModelCard, ...]) -> None:
        self._cards = cards
        self._pool = Pool(engine, cards, workers=2, max_batch=64)
        self._truth = EmbeddedEngine()
        for card in cards:
            self._truth.load(card)
        self._sent: list[tuple[str, int, object]] = []

    def send(self, count: int) -> None:
        for _ in range(count):
            for card in self._cards:
                seed = len(self._sent)
                future = self._pool.submit(card.name, _windows(card, seed))
                assert future is not None
                self._sent.append((card.name, seed, future))

    def check(self) -> None:
        """Every window that was sent has the score that it must have, and was counted once."""
        known = {card.name: card for card in self._cards}
        for model, seed, future in self._sent:
            scores = future.result(DEADLINE_S)  # type: ignore[attr-defined]
            expected = self._truth.infer(model, _windows(known[model], seed), ("score",))["score"]
            np.testing.assert_allclose(scores, expected, rtol=1e-5)
        assert self._pool.close(DEADLINE_S)
        status = self._pool.status()
        sent = len(self._sent) * ROWS
        assert (sum(status.scored.values()), sum(status.failed.values())) == (sent, 0), status
        assert status.waiting == 0


def _windows(card: ModelCard, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(ROWS, card.spec.window)).astype(np.float32)


def _until(condition: Callable[[], bool]) -> None:
    deadline, tick = time.monotonic() + DEADLINE_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        tick.wait(0.02)


def _record(engine: FailoverEngine) -> Record:
    server = engine.servers[0].server
    assert server is not None
    return server.record


def _pid(engine: FailoverEngine) -> int:
    return _record(engine).server.pid


def _copies(record: Record) -> list[Path]:
    """What a server keeps of the models that it was sent."""
    return list(Path("/tmp").glob(f"folder*/perigee-{record.instance}"))


@pytest.mark.parametrize("kills", [3, pytest.param(50, marks=pytest.mark.soak)])
def test_a_server_that_is_killed_again_and_again_loses_no_window(
    engine: FailoverEngine, cards: tuple[ModelCard, ...], kills: int
) -> None:
    stream, before = Stream(engine, cards), engine.status().interruptions
    for kill in range(before + 1, before + kills + 1):
        stream.send(5)
        record, left = _record(engine), _stubs(_pid(engine))
        assert len(_copies(record)) == len(cards)
        os.kill(record.server.pid, signal.SIGKILL)
        stream.send(20)
        _until(lambda kill=kill: engine.status().interruptions == kill)  # type: ignore[misc]
        assert engine.status().since
        stream.send(5)
        _until(lambda: engine.kind == "triton")
    stream.send(5)
    stream.check()
    assert left and not [one for one in left if Path(f"/proc/{one}/cmdline").exists()], "its models' processes stayed"
    assert not _copies(record)


def test_a_server_that_hangs_is_ended_and_its_windows_are_scored_elsewhere(
    engine: FailoverEngine, cards: tuple[ModelCard, ...]
) -> None:
    stream = Stream(engine, cards)
    stream.send(3)
    pid = _pid(engine)
    os.kill(pid, signal.SIGSTOP)
    stream.send(20)
    _until(lambda: engine.kind == "embedded")
    assert "does not answer" in engine.reason
    _until(lambda: engine.kind == "triton" and _pid(engine) != pid)
    stream.send(3)
    stream.check()


@pytest.mark.logs("has lost", "is given it again")
def test_a_model_that_is_unloaded_under_it_is_loaded_again(
    engine: FailoverEngine, cards: tuple[ModelCard, ...]
) -> None:
    stream, before = Stream(engine, cards), engine.status().interruptions
    stream.send(3)
    client = Client(endpoint(_record(engine)))
    client.unload(cards[0].name)
    stream.send(20)
    _until(lambda: client.ready(cards[0].name))
    client.close()
    stream.send(3)
    stream.check()
    assert engine.status().interruptions == before, "the server itself was never lost"


@pytest.mark.logs("has lost", "is given it again")
def test_a_model_whose_process_is_killed_inside_the_server_is_loaded_again(
    engine: FailoverEngine, cards: tuple[ModelCard, ...]
) -> None:
    stream = Stream(engine, cards)
    stream.send(3)
    stubs = _stubs(_pid(engine))
    assert len(stubs) == len(cards), stubs
    os.kill(min(stubs), signal.SIGKILL)
    stream.send(20)
    _until(lambda: len(_stubs(_pid(engine)) - stubs) == 1 and not engine.status().trouble)
    stream.send(3)
    stream.check()
    assert engine.kind == "triton"


def _stubs(pid: int) -> set[int]:
    """The processes that run models for a server; one that has ended has no command line."""
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread or a process that ends meanwhile
            for one in (task / "children").read_text().split():
                if "python_backend_stub" in Path(f"/proc/{one}/cmdline").read_text():
                    found.add(int(one))
    return found


class WellServer(FakeEngine):
    """As the engine over a server that never fails."""

    endpoint, silent_s = Endpoint("127.0.0.1:1"), 0.0

    def alive(self, timeout: float) -> bool:
        return True

    def lost(self, timeout: float) -> list[str]:
        return []


def _taken(server: WellServer, settle: Settle) -> Seat:
    seat = Seat(server, None, mine=False)  # type: ignore[arg-type]
    settle(seat)
    return seat


def test_without_insisting_the_embedded_engine_scores_at_once_and_the_server_takes_over(
    cards: tuple[ModelCard, ...],
) -> None:
    allowed, server = threading.Event(), WellServer()

    def opener(stop: threading.Event, settle: Settle) -> Seat:
        allowed.wait(DEADLINE_S)
        return _taken(server, settle)

    engine = FailoverEngine([opener], EmbeddedEngine(), cards, 64, insist=False)
    try:
        assert engine.kind == "embedded" and "is being started" in engine.reason
        assert len(engine.infer(cards[0].name, _windows(cards[0], 0), ("score",))["score"]) == ROWS
        assert not server.batches
        allowed.set()
        _until(lambda: engine.kind == "triton")
        server.batches.clear()
        engine.infer(cards[0].name, _windows(cards[0], 0), ("score",))
        assert server.batches == [ROWS] and engine.detail == server.detail
    finally:
        engine.close()


def test_a_seat_that_cannot_be_had_is_a_reason_and_not_the_end(cards: tuple[ModelCard, ...], tmp_path: Path) -> None:
    def never(stop: threading.Event, settle: Settle) -> Seat:
        raise EngineError("Nobody is at home.")

    with pytest.raises(EngineError, match="Nobody is at home"):
        FailoverEngine([never], EmbeddedEngine(), cards, 64, insist=True)
    engine = FailoverEngine([never], EmbeddedEngine(), cards, 64, insist=False)
    _until(lambda: engine.reason.startswith("Nobody is at home, so the embedded ONNX Runtime scores"))
    engine.close()


def test_a_spare_that_fails_is_said(cards: tuple[ModelCard, ...]) -> None:
    def never(stop: threading.Event, settle: Settle) -> Seat:
        raise EngineError("Nobody is at home.")

    spare = FakeEngine()
    engine = FailoverEngine([never], spare, cards, 64, insist=False)
    spare.failures.append(EngineError("No score today."))
    with pytest.raises(EngineError, match="No score today"):
        engine.infer(cards[0].name, _windows(cards[0], 0), ("score",))
    engine.close()


def test_a_server_that_cannot_be_had_is_tried_again_after_growing_pauses_and_nobody_waits_for_them(
    cards: tuple[ModelCard, ...],
) -> None:
    tries: list[float] = []

    def never(stop: threading.Event, settle: Settle) -> Seat:
        tries.append(time.monotonic())
        raise EngineError("Nobody is at home.")

    engine = FailoverEngine([never], FakeEngine(), cards, 64, insist=False, pauses=(0.0, 0.05, 3600.0))
    _until(lambda: len(tries) == 3)
    assert tries[2] - tries[1] >= 0.05
    begun = time.monotonic()
    engine.close()
    assert time.monotonic() - begun < DEADLINE_S and len(tries) == 3, "it is in a pause of an hour"


@pytest.mark.logs("It is tried with half as many")
def test_a_batch_that_no_memory_is_left_for_is_halved_until_it_fits(cards: tuple[ModelCard, ...]) -> None:
    sizes: list[int] = []

    class Narrow(WellServer):
        """Has room for five windows."""

        def infer(self, model: str, batch: np.ndarray, outputs: tuple[str, ...]) -> dict[str, np.ndarray]:
            sizes.append(len(batch))
            if len(batch) > 5:
                raise MemoryExhaustedError("CUDA out of memory.")
            return super().infer(model, batch, outputs)

    def opener(stop: threading.Event, settle: Settle) -> Seat:
        return _taken(Narrow(), settle)

    card = cards[0]
    spare = FakeEngine(cards)
    engine = FailoverEngine([opener], spare, cards, 4, insist=True)
    spare.batches.clear()
    sizes.clear()
    windows = _windows(card, 0)[:20]
    score = engine.infer(card.name, windows, ("score",))["score"]
    np.testing.assert_array_equal(score, FakeEngine(cards).infer(card.name, windows, ("score",))["score"])
    assert sizes == [20, 10, 5, 5, 10, 5, 5] and not spare.batches
    engine.close()


def test_a_server_that_does_not_take_the_models_is_ended_and_the_next_one_has_its_turn(
    cards: tuple[ModelCard, ...], options: TritonOptions
) -> None:
    # Its config asks for what no server has, so the first candidate takes no model; the second is asked for nothing.
    broken = replace(cards[0], config=None)
    chain = candidates(options, [broken])
    taken: list[str] = []

    def willing(stop: threading.Event, refused: str) -> Seat:
        taken.append(refused)
        return Seat(FakeEngine(cards), None, mine=False)  # type: ignore[arg-type]

    seat = first([*chain, ("another", willing)], threading.Event(), lambda seat: seat.engine.load(broken))
    assert seat.server is None and "has no config" in taken[0]
    assert len(list(options.state.glob("triton-*.json"))) <= 1, "that of the engine of these tests"


def test_who_waits_in_vain_goes_on_without_and_a_server_that_comes_later_scores(cards: tuple[ModelCard, ...]) -> None:
    tries: list[int] = []

    def late(stop: threading.Event, settle: Settle) -> Seat:
        tries.append(len(tries))
        if len(tries) == 1:
            raise EngineError("Nobody is at home.")
        return _taken(WellServer(), settle)

    engine = FailoverEngine([late], EmbeddedEngine(), cards, 64, insist=False, pauses=(0.2,), wait=True)
    assert tries == [0]
    assert engine.reason == "Nobody is at home, so the embedded ONNX Runtime scores until a Triton does."
    _until(lambda: engine.kind == "triton")
    engine.close()
