"""What scores windows: the contract of an engine, and the one place where the operator's choice becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt

from inference.card import ModelCard
from inference.errors import EngineError, RefusedModelError

if TYPE_CHECKING:
    import threading

    from inference.triton.options import TritonOptions

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What scores now and since when (microseconds UTC).

    ``interruptions`` counts how often a server was lost; ``rescored`` the windows that were scored again elsewhere
    because a call to a server did not succeed; ``trouble`` is what is wrong now, empty where nothing is.
    """

    kind: Literal["embedded", "triton"]
    detail: str
    reason: str
    since: int = 0
    interruptions: int = 0
    rescored: int = 0
    trouble: str = ""


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

    def status(self) -> EngineStatus:
        """All of that, and how it came to be. Any thread."""
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


def open_engine(
    choice: str,
    cards: Sequence[ModelCard],
    options: TritonOptions | None = None,
    max_batch: int = 256,
    wait: bool = True,
    stop: threading.Event | None = None,
) -> Engine:
    """The engine for ``--engine``'s value with every card loaded.

    ``options`` say where a Triton may come from; without them there is none. ``max_batch`` is the most windows of one
    call. Where the choice is ``auto``, ``wait`` takes the time to start a Triton first; without it the embedded engine
    scores until one has come up. ``stop`` ends that wait. Raises EngineError for a choice that is unknown or cannot be
    had, and for a model that cannot be loaded.
    """
    if choice == "triton" or choice.startswith("triton://") or (choice == "auto" and options is not None):
        return _with_triton(choice, cards, options, max_batch, wait, stop)
    if choice not in ("auto", "embedded"):
        word = choice.partition(":")[0]  # behind it a password may stand
        raise EngineError(f'There is no engine "{word}": use --engine auto, embedded, triton or triton://HOST:PORT.')
    return _embedded(cards, asked=choice == "embedded")


def _embedded(cards: Sequence[ModelCard], asked: bool = False, why: str = "") -> Engine:
    from inference.embedded import EmbeddedEngine

    engine = EmbeddedEngine(asked=asked, why=why)
    try:
        for card in cards:
            engine.load(card)
    except BaseException:
        engine.close()
        raise
    return engine


def _with_triton(
    choice: str,
    cards: Sequence[ModelCard],
    options: TritonOptions | None,
    max_batch: int,
    wait: bool,
    stop: threading.Event | None,
) -> Engine:
    """A Triton with the embedded engine behind it, which scores alone for as long as there is no Triton."""
    from inference.triton.failover import FailoverEngine
    from inference.triton.supply import candidates, first, fleet

    if options is None:
        raise EngineError(
            "Triton is switched off here (PERIGEE_TRITON=off), so --engine triton cannot be had: use --engine auto."
        )
    if choice.startswith("triton://"):
        chains = fleet(choice.removeprefix("triton://"), options)
    else:
        # Each server that is named has a seat; where none of them answers, the first takes what else there is.
        chain = candidates(options, cards)
        chains = [chain, *([one] for one in chain[1 : len(options.endpoints)])]
    openers = [partial(first, chain) for chain in chains]
    try:
        spare = _embedded((), why="No Triton scores")
        return FailoverEngine(openers, spare, cards, max_batch, insist=choice != "auto", wait=wait, stop=stop)
    except RefusedModelError:
        raise  # whoever scores, it cannot be used
    except EngineError as problem:
        raise EngineError(f"{problem} To go on without one, use --engine auto.") from problem
