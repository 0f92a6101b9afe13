"""The two models that come with the program: small, private, deterministic, and never at a loss for a number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from inference import Engine, ModelCard, open_engine, parse_config, read_repository

NAMES = ("transformer_timeseries", "vae_timeseries")
Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def served(shipped: Path) -> Iterator[tuple[Engine, dict[str, ModelCard]]]:
    cards = read_repository(shipped).select()
    engine = open_engine("embedded", cards)
    yield engine, {card.name: card for card in cards}
    engine.close()


def _scores(served: tuple[Engine, dict[str, ModelCard]], name: str, values: npt.NDArray[np.float64]) -> Floats:
    engine, cards = served
    windows = np.lib.stride_tricks.sliding_window_view(values.astype(np.float32), cards[name].spec.window)
    return engine.infer(name, np.ascontiguousarray(windows), ("score",))["score"]


def test_the_shipped_repository_has_exactly_these_models(shipped: Path) -> None:
    catalogue = read_repository(shipped)
    assert tuple(card.name for card in catalogue.cards) == NAMES and not catalogue.problems


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_is_small_and_holds_no_path_of_the_machine_that_made_it(shipped: Path, name: str) -> None:
    data = (shipped / name / "1" / "model.onnx").read_bytes()
    assert len(data) < 1 << 20
    for trace in (b"/home", b"/work", b"/root", b"/tmp", b"site-packages", b".py"):
        assert trace not in data


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_model_says_how_it_was_trained(shipped: Path, name: str) -> None:
    parameters = parse_config((shipped / name / "config.pbtxt").read_text()).parameters
    assert parameters["seed"].isdigit() and int(parameters["steps"]) > 1000
    assert "plain patterns" in parameters["trained_on"] and "sim:quiet" in parameters["trained_on"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, 1e30, -1e30, np.inf, -np.inf, 1e-40])
def test_every_finite_or_infinite_value_gets_a_finite_score(
    served: tuple[Engine, dict[str, ModelCard]], name: str, value: float
) -> None:
    engine, cards = served
    windows = np.full((2, cards[name].spec.window), value, dtype=np.float32)
    windows[1, :-3] = 0.0
    answer = engine.infer(name, windows, ("score", "reconstruction"))
    assert np.isfinite(answer["score"]).all() and (answer["score"] >= 0).all()
    assert np.isfinite(answer["reconstruction"]).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", ["spike", "level", "burst"])
def test_a_fault_on_a_clean_sine_scores_above_everything_before_it(
    served: tuple[Engine, dict[str, ModelCard]], name: str, fault: str
) -> None:
    rng = np.random.default_rng(5)
    at = np.arange(1200)
    values = np.sin(2 * np.pi * at / 300) + 0.03 * rng.normal(size=len(at))
    if fault == "spike":
        values[1000:1004] += 2.5
    elif fault == "level":
        values[1000:1100] += 3.0
    else:
        values[1000:1100] += rng.normal(size=100) * 0.6
    scores = _scores(served, name, values)
    window = len(values) - len(scores) + 1
    before, during = scores[: 1000 - window], scores[1000 - window : 1100 - window]
    assert during.max() > 2.0 * before.max()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_window_has_the_same_score_twice(served: tuple[Engine, dict[str, ModelCard]], name: str) -> None:
    values = np.random.default_rng(2).normal(size=400)
    np.testing.assert_array_equal(_scores(served, name, values), _scores(served, name, values))
