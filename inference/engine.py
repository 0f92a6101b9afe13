"""What scores windows: the contract of an engine, and the one place where the operator's choice becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from inference.card import ModelCard
from inference.errors import EngineError

Floats = npt.NDArray[np.float32]


class Engine(Protocol):
    """One served set of models. ``infer`` is called from several threads at once; the rest from one."""

    @property
    def kind(self) -> Literal["embedded", "triton"]:
        """What it is."""
        ...

    @property
    def detail(self) -> str:
        """The execution provider, or how a Triton is reached."""
        ...

    @property
    def reason(self) -> str:
        """One sentence: why this engine."""
        ...

    def load(self, card: ModelCard) -> None:
        """Make a model ready, in place of another version of the same name. Raises EngineError."""
        ...

    def infer(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """These outputs of a loaded model for ``batch`` (n, ...), n > 0, each (n, ...). Raises EngineError."""
        ...

    def close(self) -> None:
        """Give back what is held; may be called twice."""
        ...


def open_engine(choice: str, cards: Sequence[ModelCard]) -> Engine:
    """The engine for ``--engine``'s value with every card loaded.

    Raises EngineError for a choice that is unknown or cannot be had, and for a model that cannot be loaded.
    """
    from inference.embedded import EmbeddedEngine

    if choice == "triton" or choice.startswith("triton://"):
        raise EngineError(
            f"This edition scores with the embedded engine and cannot use --engine {choice}: use --engine auto."
        )
    if choice not in ("auto", "embedded"):
        raise EngineError(f'There is no engine "{choice}": use --engine auto or --engine embedded.')
    engine = EmbeddedEngine(asked=choice == "embedded")
    try:
        for card in cards:
            engine.load(card)
    except BaseException:
        engine.close()
        raise
    return engine
