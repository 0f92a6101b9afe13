"""What one thread needs to score with a server: a connection, and memory that both see."""

from __future__ import annotations

import contextlib

import numpy as np

from inference.card import ModelCard
from inference.engine import Floats
from inference.errors import EngineError, ServerGoneError
from inference.triton.client import Client
from inference.triton.options import Endpoint
from inference.triton.shared import SharedPlace


class NoSharedMemoryError(Exception):
    """The server cannot see this machine's shared memory."""


class Connection:
    """A client and, once asked for, shared memory that belongs to ``owner``; ``timeout`` s is a batch's deadline."""

    def __init__(self, endpoint: Endpoint, timeout: float, owner: tuple[int, int] | None) -> None:
        self._client = Client(endpoint)
        self._timeout = timeout
        self._owner = owner
        self._place: SharedPlace | None = None

    def plain(self, name: str, card: ModelCard, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """These outputs of the model that is called ``name`` there, sent in messages. Raises EngineError."""
        values = self._client.infer(name, card.input_name, batch, outputs, self._timeout)
        return {output: _shaped(values[output], card, output, len(batch)) for output in outputs}

    def shared(self, name: str, card: ModelCard, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """As ``plain``, through shared memory. Raises NoSharedMemoryError where there is none."""
        rows = len(batch)
        sizes = [rows * 4 * int(np.prod(_row(card, output), dtype=np.int64)) for output in outputs]
        place = self._room(batch.nbytes + sum(sizes))
        place.put(batch)
        at, places = batch.nbytes, []
        for output, size in zip(outputs, sizes, strict=True):
            places.append((output, (place.name, size, at)))
            at += size
        given = (card.input_name, batch.shape, (place.name, batch.nbytes, 0))
        try:
            self._client.infer_shared(name, given, places, self._timeout)
        except ServerGoneError:
            # Given up here is not given up there: a late answer must not meet the next batch in this place.
            self._place = None
            place.close()
            raise
        return {output: place.take(offset, (rows, *_row(card, output))) for output, (_, _, offset) in places}

    def _room(self, size: int) -> SharedPlace:
        """Shared memory of at least ``size`` bytes that the server knows."""
        if self._place is not None and self._place.size >= size:
            return self._place
        self._let_go()
        try:
            place = SharedPlace(size, self._owner)
        except OSError as problem:
            raise NoSharedMemoryError(f"There is no shared memory ({problem.strerror or problem}).") from problem
        try:
            self._client.register(place.name, place.key, place.size)
        except ServerGoneError:
            place.close()
            raise
        except EngineError as problem:
            place.close()
            raise NoSharedMemoryError(str(problem)) from problem
        self._place = place
        return place

    def _let_go(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            with contextlib.suppress(EngineError):
                self._client.unregister(place.name, 1.0)
            place.close()

    def close(self) -> None:
        """Let both go; calls under way fail. Any thread."""
        self._client.close()
        if self._place is not None:
            self._place.close()


def _row(card: ModelCard, output: str) -> tuple[int, ...]:
    return card.output_shapes[card.output_names.index(output)]


def _shaped(value: Floats, card: ModelCard, output: str, rows: int) -> Floats:
    shape = (rows, *_row(card, output))
    if value.size != int(np.prod(shape, dtype=np.int64)):
        raise EngineError(
            f"The model {card.name} gave {list(value.shape)} for {output}, and {list(shape)} is due: "
            "train or convert it again."
        )
    return value.reshape(shape).astype(np.float32, copy=False)
