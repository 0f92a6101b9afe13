"""Scores that would depend on the size of a batch are found out, and batches are padded until they do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.spec import WindowSpec
from inference import FakeEngine, ModelCard, Pool, open_engine, read_repository
from inference.engine import Floats
from inference.steady import is_steady

CARD = ModelCard(
    "plain",
    "1",
    Path("none"),
    WindowSpec("plain", "1", "reconstruction", 16, 8),
    "",
    "window",
    (16,),
    ("score",),
    64,
    ((),),
)


class UnsteadyEngine(FakeEngine):
    """Its last bit depends on how many rows are scored together, as some matrix products do."""

    def infer(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        answer = super().infer(model, batch, outputs)
        if len(batch) < 32:
            answer["score"] = np.nextafter(answer["score"], np.float32(np.inf))
        return answer


def test_a_model_whose_scores_depend_on_the_batch_is_found_out() -> None:
    assert is_steady(FakeEngine([CARD]), CARD, 64, "score")
    assert not is_steady(UnsteadyEngine([CARD]), CARD, 64, "score")


def test_batches_of_an_unsteady_model_are_padded_to_one_size() -> None:
    engine = UnsteadyEngine([CARD])
    pool = Pool(engine, [CARD], max_batch=64)
    engine.batches.clear()
    windows = np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32)
    parts = [pool.submit("plain", windows[at : at + 7]) for at in range(0, 100, 7)]
    scores = np.concatenate([part.result(20.0) for part in parts if part is not None])
    assert pool.close(20.0)
    assert set(engine.batches) == {64}
    np.testing.assert_array_equal(scores, np.abs(windows[:, -8:]).mean(axis=1, dtype=np.float32))


@pytest.mark.parametrize("name", ["vae_timeseries", "transformer_timeseries"])
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 399), max_size=10), workers=st.integers(1, 2))
def test_real_models_score_the_same_to_the_bit_however_windows_were_batched(
    name: str, cuts: list[int], workers: int
) -> None:
    cards = read_repository(Path(__file__).resolve().parents[2] / "model_repository").select([name])
    engine = open_engine("embedded", cards)
    windows = np.random.default_rng(3).normal(size=(400, cards[0].spec.window)).astype(np.float32)
    pool = Pool(engine, cards, workers=workers, max_batch=256)
    whole = pool.submit(name, windows)
    parts = [pool.submit(name, part) for part in np.split(windows, sorted(cuts))]
    assert whole is not None
    scores = np.concatenate([part.result(20.0) for part in parts if part is not None])
    pool.close(20.0)
    engine.close()
    np.testing.assert_array_equal(scores, whole.result(0))
