"""Every engine keeps the same promises."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inference import Engine, EngineError, FakeEngine, ModelCard, open_engine, read_repository
from inference.triton.bundle import find
from inference.triton.container import ContainerServer, start_container
from inference.triton.engine import TritonEngine
from inference.triton.options import TritonOptions
from inference.triton.process import ProcessServer, start_process
from inference.triton.server import endpoint
from inference.triton.tool import open_tool

ENGINES = ("fake", "auto", "embedded", "process", "container")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, cards: tuple[ModelCard, ...], tmp_path: Path) -> Iterator[Engine]:
    made: Engine
    if request.param in ("process", "container"):
        server = request.getfixturevalue("server" if request.param == "process" else "contained")
        options = TritonOptions(state=tmp_path)
        made = TritonEngine(endpoint(server.record), options, request.param, "A test started it.")
        for card in cards:
            made.load(card)
    else:
        made = FakeEngine(cards) if request.param == "fake" else open_engine(request.param, cards)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(private_server: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessServer]:
    """A real tritonserver, started once."""
    options = TritonOptions(state=tmp_path_factory.mktemp("state"))
    made = start_process(find(str(private_server), ()), options, False, threading.Event())
    yield made
    made.stop(10.0)


@pytest.fixture(scope="module")
def contained(
    docker_host: str, triton_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ContainerServer]:
    """The same in a container."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", docker_host)
        options = TritonOptions(state=tmp_path_factory.mktemp("state"), image=triton_image)
        made = start_container(open_tool(options), options, False, threading.Event(), gpu=False)
        yield made
        made.stop(0.0)


@pytest.fixture(scope="module")
def cards(shipped: Path) -> tuple[ModelCard, ...]:
    return read_repository(shipped).select()


def _windows(card: ModelCard, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, card.spec.window)).astype(np.float32)


def test_an_engine_gives_the_outputs_it_was_asked_for_and_no_others(
    engine: Engine, cards: tuple[ModelCard, ...]
) -> None:
    for card in cards:
        answer = engine.infer(card.name, _windows(card, 3), ("score", "reconstruction"))
        assert list(answer) == ["score", "reconstruction"]
        assert answer["score"].shape == (3,) and answer["score"].dtype == np.float32
        assert answer["reconstruction"].shape == (3, card.spec.window)
        assert list(engine.infer(card.name, _windows(card, 1), ("score",))) == ["score"]


def test_a_window_has_the_same_score_alone_as_in_company(engine: Engine, cards: tuple[ModelCard, ...]) -> None:
    for card in cards:
        windows = _windows(card, 40)
        together = engine.infer(card.name, windows, ("score",))["score"]
        for row in (0, 17, 39):
            alone = engine.infer(card.name, windows[row : row + 1], ("score",))["score"]
            np.testing.assert_allclose(alone[0], together[row], rtol=1e-5)


def test_threads_that_share_an_engine_get_their_own_answers(engine: Engine, cards: tuple[ModelCard, ...]) -> None:
    expected = {
        (card.name, seed): engine.infer(card.name, _windows(card, 8, seed), ("score",))["score"]
        for card in cards
        for seed in range(4)
    }
    wrong: list[tuple[str, int]] = []

    def score(seed: int) -> None:
        for _ in range(10):
            for card in cards:
                got = engine.infer(card.name, _windows(card, 8, seed), ("score",))["score"]
                if not np.array_equal(got, expected[card.name, seed]):
                    wrong.append((card.name, seed))

    threads = [threading.Thread(target=score, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    assert not wrong


def test_an_engine_refuses_a_model_that_it_does_not_have(engine: Engine, cards: tuple[ModelCard, ...]) -> None:
    with pytest.raises(EngineError, match='No model "nobody"'):
        engine.infer("nobody", _windows(cards[0], 1), ("score",))


@pytest.mark.parametrize("shape", [(2, 5), (0, 64), (2, 1, 64)])
def test_an_engine_refuses_windows_of_another_shape(
    engine: Engine, cards: tuple[ModelCard, ...], shape: tuple[int, ...]
) -> None:
    card = next(card for card in cards if card.spec.window == 64)
    with pytest.raises(EngineError, match="takes windows of shape"):
        engine.infer(card.name, np.zeros(shape, dtype=np.float32), ("score",))


def test_an_engine_refuses_an_output_that_the_model_does_not_have(engine: Engine, cards: tuple[ModelCard, ...]) -> None:
    with pytest.raises(EngineError, match=cards[0].name):
        engine.infer(cards[0].name, _windows(cards[0], 1), ("nonsense",))


def test_an_engine_says_what_it_is_and_why(engine: Engine) -> None:
    assert engine.kind in ("embedded", "triton")
    assert engine.detail
    assert engine.reason.endswith(".") and "\n" not in engine.reason


def test_an_engine_may_be_closed_twice(engine: Engine) -> None:
    engine.close()
    engine.close()


def test_both_engines_give_the_same_scores_however_the_windows_travel(
    server: ProcessServer, cards: tuple[ModelCard, ...]
) -> None:
    embedded = open_engine("embedded", cards)
    for shared_memory in (False, True):
        options = TritonOptions(state=Path(server.record.log).parent, shared_memory=shared_memory)
        triton = TritonEngine(endpoint(server.record), options, "process", "A test started it.")
        for card in cards:
            triton.load(card)
            for rows in (1, 7, 200, 256, 30):
                windows = _windows(card, rows, rows)
                names = ("score", "reconstruction")
                got, due = triton.infer(card.name, windows, names), embedded.infer(card.name, windows, names)
                for name in names:
                    np.testing.assert_allclose(got[name], due[name], rtol=1e-5, atol=1e-6)
        triton.close()
