"""Whether a model gives a window the same score in every batch, bit for bit, and an engine on which each does.

A matrix product may sum in another order for another number of rows. Events must not depend on how windows happened
to meet in the queue, so every batch is padded to one size where the check fails.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from inference.card import ModelCard
from inference.engine import Floats
from inference.tensors import SCORE

_SIZES = (1, 2, 3, 5, 8, 13, 31, 64, 127)


class Loads(Protocol):
    """What of an engine is needed here."""

    def load(self, card: ModelCard) -> None:
        """See ``Engine``."""
        ...

    def infer(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """See ``Engine``."""
        ...


def is_steady(engine: Loads, card: ModelCard, largest: int, output: str) -> bool:
    """Whether ``output`` of a row is the same alone, in small batches and in one of ``largest``.

    Doubles as the warm-up of a loaded model. Raises EngineError where the model cannot score at all.
    """
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(largest, *card.input_shape)).cumsum(axis=0).astype(np.float32) * np.float32(0.1)
    whole = engine.infer(card.name, windows, (output,))[output]
    for size in _SIZES:
        if size >= largest:
            break
        start = largest - size
        part = engine.infer(card.name, np.ascontiguousarray(windows[start:]), (output,))[output]
        if not np.array_equal(part, whole[start:], equal_nan=True):
            return False
    return True


class SteadyEngine:
    """``engine`` with every batch of a model that is not steady on it padded to ``largest`` windows."""

    def __init__(self, engine: Loads, largest: int) -> None:
        self._engine = engine
        self._largest = largest
        self._padded: dict[str, int] = {}

    def load(self, card: ModelCard) -> None:
        """See ``Engine``; the model is warm and its steadiness known afterwards."""
        self._engine.load(card)
        largest = max(1, min(self._largest, card.max_batch_size))
        steady = is_steady(self._engine, card, largest, SCORE)
        self._padded = {**self._padded, card.name: 0 if steady else largest}

    def infer(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """See ``Engine``."""
        rows = len(batch)
        padding = self._padded.get(model, 0) - rows
        if padding <= 0 or not rows:
            return self._engine.infer(model, batch, outputs)
        padded = np.concatenate([batch, np.zeros((padding, *batch.shape[1:]), dtype=np.float32)])
        return {name: value[:rows] for name, value in self._engine.infer(model, padded, outputs).items()}
