"""The pool: bounded, in batches that leave no trace in the scores, and honest about failures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.spec import WindowSpec
from inference import EngineError, FakeEngine, ModelCard, Pool
from inference.waiting import Ticket, WindowQueue

Floats = npt.NDArray[np.float32]
SOON = 20.0
PLAIN = ModelCard(
    name="plain",
    version="1",
    path=Path("none.onnx"),
    spec=WindowSpec("plain", "1", "reconstruction", 16, 8),
    sha256="",
    input_name="window",
    input_shape=(16,),
    output_names=("reconstruction", "score"),
    max_batch_size=64,
    output_shapes=((16,), ()),
)


def _windows(count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)


def _expected(windows: Floats) -> Floats:
    return np.asarray(np.abs(windows[:, -8:]).mean(axis=1, dtype=np.float32))


@contextmanager
def _pool(engine: FakeEngine, *cards: ModelCard, workers: int = 1, max_waiting: int | None = None) -> Iterator[Pool]:
    pool = Pool(engine, cards, workers=workers, max_batch=64, max_waiting=max_waiting)
    engine.batches.clear()
    try:
        yield pool
    finally:
        engine.gate.set()
        pool.close(SOON)


def _until(condition: Callable[[], bool]) -> None:
    deadline, tick = time.monotonic() + SOON, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        tick.wait(0.005)


def _later(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_scores_come_back_in_the_order_of_the_windows() -> None:
    with _pool(FakeEngine([PLAIN]), PLAIN) as pool:
        windows = _windows(1000)
        future = pool.submit("plain", windows)
        assert future is not None
        np.testing.assert_array_equal(future.result(SOON), _expected(windows))
        assert pool.close(SOON)
        assert pool.status().scored == {"plain": 1000} and pool.status().waiting == 0


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, 299), max_size=12), workers=st.integers(1, 3))
def test_scores_do_not_depend_on_how_windows_were_submitted(cuts: list[int], workers: int) -> None:
    windows = _windows(300)
    with _pool(FakeEngine([PLAIN]), PLAIN, workers=workers) as pool:
        futures = [pool.submit("plain", part) for part in np.split(windows, sorted(cuts))]
        scores = np.concatenate([future.result(SOON) for future in futures if future is not None])
    np.testing.assert_array_equal(scores, _expected(windows))


def test_small_submissions_share_a_batch_and_large_ones_are_cut() -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN, max_waiting=1000) as pool:
        engine.gate.clear()
        # The first submission fills the batch that is held at the gate; the others meet in the queue.
        futures = [pool.submit("plain", _windows(count, count)) for count in (64, 10, 20, 150, 5)]
        engine.gate.set()
        wait([future for future in futures if future is not None], SOON)
        assert engine.batches == [64, 64, 64, 57]


def test_a_full_queue_refuses_live_windows_and_counts_them() -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN, max_waiting=100) as pool:
        engine.gate.clear()
        assert pool.submit("plain", _windows(90), wait=False) is not None
        assert pool.submit("plain", _windows(11), wait=False) is None
        assert pool.submit("plain", _windows(10), wait=False) is not None
        status = pool.status()
        assert (status.waiting, status.bound, status.refused) == (100, 100, {"plain": 11})


def test_a_paced_submission_waits_until_there_is_room() -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN, max_waiting=100) as pool:
        engine.gate.clear()
        first = pool.submit("plain", _windows(100))
        got: list[Future[Floats] | None] = []
        thread = _later(lambda: got.append(pool.submit("plain", _windows(100, 1))))
        thread.join(0.2)
        assert not got
        engine.gate.set()
        thread.join(SOON)
        assert first is not None and got[0] is not None
        np.testing.assert_array_equal(got[0].result(SOON), _expected(_windows(100, 1)))


def test_a_submission_larger_than_the_bound_goes_in_alone() -> None:
    with _pool(FakeEngine([PLAIN]), PLAIN, max_waiting=50) as pool:
        for number in range(3):
            future = pool.submit("plain", _windows(500, number))
            assert future is not None
            assert len(future.result(SOON)) == 500


def test_stopping_releases_who_waits_for_room() -> None:
    engine, stop = FakeEngine([PLAIN]), threading.Event()
    with _pool(engine, PLAIN, max_waiting=10) as pool:
        engine.gate.clear()
        pool.submit("plain", _windows(10))
        got: list[object] = []
        thread = _later(lambda: got.append(pool.submit("plain", _windows(5), stop=stop)))
        stop.set()
        thread.join(SOON)
        assert got == [None] and pool.status().refused == {"plain": 5}


def test_an_engine_that_hangs_is_said_after_the_deadline() -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN, max_waiting=10) as pool:
        engine.gate.clear()
        pool.submit("plain", _windows(10))
        with pytest.raises(EngineError, match="scoring has come to a halt"):
            pool.submit("plain", _windows(1), timeout=0.1)


@pytest.mark.logs("Trying these 30 windows once more.")
def test_windows_that_failed_once_are_scored_the_second_time() -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN) as pool:
        engine.failures.append(EngineError("The server is gone."))
        future = pool.submit("plain", _windows(30))
        assert future is not None
        np.testing.assert_array_equal(future.result(SOON), _expected(_windows(30)))
        assert pool.close(SOON)
        assert pool.status().retried == 30 and pool.status().error == ""


@pytest.mark.logs("Trying these 30 windows once more.")
def test_windows_that_failed_twice_carry_the_error_and_the_next_ones_are_scored() -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN) as pool:
        engine.failures += [EngineError("The server is gone."), EngineError("It is still gone.")]
        lost = pool.submit("plain", _windows(30))
        assert lost is not None
        with pytest.raises(EngineError, match=r"It is still gone\."):
            lost.result(SOON)
        found = pool.submit("plain", _windows(7))
        assert found is not None and len(found.result(SOON)) == 7
        assert pool.close(SOON)
        status = pool.status()
        assert (status.scored, status.failed, status.error) == ({"plain": 7}, {"plain": 30}, "It is still gone.")


@pytest.mark.logs("a batch of plain could not be scored")
def test_a_bug_fails_its_windows_and_leaves_the_worker_alive(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN) as pool:
        engine.failures.append(ZeroDivisionError("oops"))
        lost = pool.submit("plain", _windows(3))
        assert lost is not None
        with pytest.raises(EngineError, match="failed unexpectedly"):
            lost.result(SOON)
        found = pool.submit("plain", _windows(3))
        assert found is not None and len(found.result(SOON)) == 3
        assert "ZeroDivisionError" in pool.status().error and "Traceback" in caplog.text


def test_models_take_turns() -> None:
    two_cards = (PLAIN, replace(PLAIN, name="other"))
    engine = FakeEngine(two_cards)
    with _pool(engine, *two_cards, max_waiting=10_000) as pool:
        engine.gate.clear()
        many = pool.submit("plain", _windows(5000))
        few = pool.submit("other", _windows(8))
        engine.gate.set()
        assert many is not None and few is not None
        few.result(SOON)
        many.result(SOON)
        assert 8 in engine.batches[:4]


def test_closing_scores_what_waits_and_then_takes_nothing() -> None:
    with _pool(FakeEngine([PLAIN]), PLAIN) as pool:
        future = pool.submit("plain", _windows(200))
        assert pool.close(SOON)
        assert future is not None and future.done()
        assert pool.submit("plain", _windows(1)) is None
        assert pool.submit("plain", _windows(1), wait=False) is None


def test_closing_on_an_engine_that_hangs_fails_what_is_left() -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN, max_waiting=1000) as pool:
        engine.gate.clear()
        futures = [pool.submit("plain", _windows(64)) for _ in range(4)]
        assert not pool.close(0.1)
        last = futures[-1]
        assert last is not None
        with pytest.raises(EngineError, match="ended before"):
            last.result(SOON)
        engine.gate.set()


def test_no_windows_are_no_work() -> None:
    with _pool(FakeEngine([PLAIN]), PLAIN) as pool:
        future = pool.submit("plain", _windows(0))
        assert future is not None and len(future.result(0)) == 0


@pytest.mark.parametrize("shape", [(3, 15), (16,), (2, 16, 1)])
def test_windows_of_another_length_are_refused(shape: tuple[int, ...]) -> None:
    with (
        _pool(FakeEngine([PLAIN]), PLAIN) as pool,
        pytest.raises(EngineError, match=r"takes \(n, 16\) windows"),
    ):
        pool.submit("plain", np.zeros(shape, dtype=np.float32))


def test_a_model_that_the_pool_does_not_have_is_refused() -> None:
    with _pool(FakeEngine([PLAIN]), PLAIN) as pool, pytest.raises(EngineError, match='no model "nobody"'):
        pool.submit("nobody", _windows(1))


def test_a_batch_waits_for_company_until_it_is_full_or_the_pool_closes() -> None:
    queue = WindowQueue(1000, age_s=3600.0)
    taken: list[int] = []

    def take() -> None:
        while (batch := queue.take({"plain": 8})) is not None:
            taken.append(batch.size)
            queue.done(batch.size)

    worker = _later(take)
    for count in (3, 4, 6):
        assert queue.offer(Ticket("plain", _windows(count)))
    _until(lambda: taken == [8])
    assert queue.waiting == 5
    queue.close()
    worker.join(SOON)
    assert taken == [8, 5]


def test_a_batch_that_stays_small_is_handed_out_at_its_age() -> None:
    queue = WindowQueue(1000, age_s=0.01)
    assert queue.offer(Ticket("plain", _windows(3)))
    batch = queue.take({"plain": 8})
    assert batch is not None and batch.size == 3


@pytest.mark.logs("Trying these 5 windows once more.")
def test_each_worker_tells_what_it_did_and_how_long_it_took() -> None:
    engine = FakeEngine([PLAIN])
    with _pool(engine, PLAIN, workers=2) as pool:
        engine.gate.clear()
        futures = [pool.submit("plain", _windows(64)) for _ in range(2)]
        _until(lambda: sum(one.active for one in pool.status().workers) == 128)
        assert all(one.active_ms >= 0 and one.batches == 0 for one in pool.status().workers)
        engine.gate.set()
        wait([one for one in futures if one is not None], SOON)
        _until(lambda: sum(one.done for one in pool.status().workers) == 128)
        engine.failures += [EngineError("No."), EngineError("No.")]
        failed = pool.submit("plain", _windows(5))
        assert failed is not None and isinstance(failed.exception(SOON), EngineError)
        _until(lambda: sum(one.failed for one in pool.status().workers) == 5)
        workers = pool.status().workers
        assert sum(one.retried for one in workers) == 5 and sum(one.batches for one in workers) == 3
        assert all(one.p50_ms <= one.p95_ms <= one.p99_ms for one in workers)
