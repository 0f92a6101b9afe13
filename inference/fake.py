"""An engine without a model: scores with numpy, can be held and made to fail. Any test may use it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Literal

import numpy as np

from inference.card import ModelCard
from inference.engine import EngineStatus, Floats
from inference.errors import EngineError

NEWEST = 8


class FakeEngine:
    """The score of a window is the mean size of its newest 8 values; its reconstruction is zero.

    ``failures`` are raised by the next calls of ``infer``, one each; while ``gate`` is cleared every call waits.
    ``batches`` lists the size of every batch that was scored.
    """

    kind: Literal["embedded", "triton"] = "embedded"
    detail = "numpy"
    reason = "A test scores with numpy."

    def __init__(self, cards: Iterable[ModelCard] = (), failures: Iterable[Exception] = ()) -> None:
        self.failures = list(failures)
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self._cards = {card.name: card for card in cards}
        self._lock = threading.Lock()

    def status(self) -> EngineStatus:
        """See ``Engine``."""
        return EngineStatus(self.kind, self.detail, self.reason)

    def load(self, card: ModelCard) -> None:
        """Remember ``card``."""
        self._cards[card.name] = card

    def infer(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """See ``Engine``."""
        card = self._cards.get(model)
        if card is None:
            raise EngineError(f'No model "{model}" is loaded.')
        if batch.shape[1:] != card.input_shape or not len(batch):
            raise EngineError(f"The model {model} takes windows of shape {card.input_shape}, not {batch.shape[1:]}.")
        self.gate.wait(30.0)
        with self._lock:
            self.batches.append(len(batch))
            if self.failures:
                raise self.failures.pop(0)
        flat = batch.reshape(len(batch), -1)
        score: Floats = np.abs(flat[:, -NEWEST:]).mean(axis=1, dtype=np.float32)
        known = {"score": score, "reconstruction": np.zeros_like(batch)}
        missing = [name for name in outputs if name not in known]
        if missing:
            raise EngineError(f'The model {model} has no output "{missing[0]}".')
        return {name: known[name] for name in outputs}

    def close(self) -> None:
        """Nothing is held."""
        self.gate.set()
