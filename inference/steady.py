"""Whether a model gives a window the same score in every batch, bit for bit. Runs once, before the workers start.

A matrix product may sum in another order for another number of rows. Events must not depend on how windows happened
to meet in the queue, so the pool pads every batch to one size where this check fails.
"""

from __future__ import annotations

import numpy as np

from inference.card import ModelCard
from inference.engine import Engine

_SIZES = (1, 2, 3, 5, 8, 13, 31, 64, 127)


def is_steady(engine: Engine, card: ModelCard, largest: int, output: str) -> bool:
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
