"""The engine over one Triton server. It knows nothing of how the server came to run, and does not survive its end.

Each thread that scores has a connection of its own, and a piece of shared memory where the server can see it. What a
caller is told of a server that does not answer is ServerGoneError, and at once: ``failover`` goes on elsewhere.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import replace
from typing import Literal

import numpy as np

from inference.card import ModelCard
from inference.config import Serving, config_json
from inference.engine import EngineStatus, Floats
from inference.errors import EngineError, ModelGoneError, ServerGoneError
from inference.rendering import rendered
from inference.triton.client import Client, ModelFigures
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.server import container_user
from inference.triton.shared import SharedPlace

log = logging.getLogger(__name__)

NO_BACKEND = "unable to find backend library"
SHARED_FROM = 32_768
"""Bytes of a batch from which shared memory is quicker than a message; measured in ``docs/benchmarks.md``."""
WARMUP_BATCH = 1


class TritonEngine:
    """The models on the server at ``endpoint``; ``detail`` says how it is reached.

    ``gpu`` says that the server has one. With ``insist`` a model that it will not take there is refused; without, it
    goes to the CPU. ``shared_server`` is one that others use too: what they loaded is left as it is. ``reason`` is why
    this engine.
    """

    kind: Literal["embedded", "triton"] = "triton"

    def __init__(
        self,
        endpoint: Endpoint,
        options: TritonOptions,
        detail: str,
        reason: str,
        gpu: bool = False,
        insist: bool = True,
        shared_server: bool = False,
    ) -> None:
        self.endpoint = endpoint
        self.detail = detail
        self.reason = reason
        self._options = options
        self._gpu = gpu
        self._insist = insist
        self._shared_server = shared_server
        self._serving = Serving(options.instances, (), options.queue_delay_us, WARMUP_BATCH)
        self._python = False
        self._names: dict[str, str] = {}
        self._cards: dict[str, ModelCard] = {}
        self._lock = threading.Lock()
        self._connections: dict[int, _Connection] = {}
        self._mine = threading.local()
        self._shared_memory = options.shared_memory
        self._closed = False
        self._answered = 0.0
        self._control = Client(endpoint)

    def status(self) -> EngineStatus:
        """See ``Engine``."""
        return EngineStatus(self.kind, self.detail, self.reason)

    def load(self, card: ModelCard) -> None:
        """See ``Engine``: the model is sent over, unless the very same is there already."""
        self._names[card.name] = self._place(card) or self._send(card)
        self._cards[card.name] = card

    def unload(self, model: str) -> None:
        """Let a model go; one that was lost already is none."""
        self._cards.pop(model, None)
        name = self._names.pop(model, "")
        if name:
            with contextlib.suppress(ModelGoneError):
                self._control.unload(name)

    def infer(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """See ``Engine``; raises ServerGoneError, ModelGoneError and MemoryExhaustedError as what they are."""
        card = self._cards.get(model)
        if card is None:
            raise EngineError(f'No model "{model}" is loaded.')
        if batch.shape[1:] != card.input_shape or not len(batch):
            raise EngineError(f"The model {model} takes windows of shape {card.input_shape}, not {batch.shape[1:]}.")
        unknown = [name for name in outputs if name not in card.output_names]
        if unknown:
            raise EngineError(f'The model {model} has no output "{unknown[0]}".')
        answer = self._ask(self._connection(), card, batch, outputs)
        self._answered = time.monotonic()
        return answer

    @property
    def silent_s(self) -> float:
        """Seconds since the server last scored something: what its own word on its health is weighed against."""
        return time.monotonic() - self._answered

    def greet(self, timeout: float) -> None:
        """Have a word with the server. Raises EngineError with why it gives none."""
        self._control.version(timeout)

    def alive(self, timeout: float) -> bool:
        """Whether the server answers within ``timeout`` s."""
        return self._control.live(timeout)

    def lost(self, timeout: float) -> list[str]:
        """The models that are loaded here and cannot score there. Raises ServerGoneError."""
        return [model for model, name in self._names.items() if not self._control.ready(name, timeout)]

    def figures(self) -> list[ModelFigures]:
        """What the server counted of its models. Raises ServerGoneError."""
        return self._control.figures()

    @property
    def names(self) -> dict[str, str]:
        """What each model that is loaded here is called there."""
        return dict(self._names)

    def configs(self) -> dict[str, str]:
        """The config by which the server serves each model, by its name there. Raises EngineError."""
        return {name: self._control.config(name) for name in self.names.values()}

    def close(self) -> None:
        """Let every connection go; calls under way fail. May be called twice."""
        with self._lock:
            self._closed = True
            connections = list(self._connections.values())
            self._connections.clear()
        for connection in connections:
            connection.close()
        self._control.close()

    def _ask(
        self, connection: _Connection, card: ModelCard, batch: Floats, outputs: tuple[str, ...]
    ) -> dict[str, Floats]:
        model = card.name
        if self._shared_memory and batch.nbytes >= SHARED_FROM:
            try:
                return connection.shared(self._names[model], card, batch, outputs)
            except _NoSharedMemoryError as problem:
                log.info("%s Windows go in messages.", problem)
                self._shared_memory = False
        return connection.plain(self._names[model], card, batch, outputs)

    def _connection(self) -> _Connection:
        mine: _Connection | None = getattr(self._mine, "connection", None)
        if mine is None:
            with self._lock:
                if self._closed:
                    raise ServerGoneError(f"The connection to the Triton at {self.endpoint.address} was closed.")
                owner = container_user() if self.detail == "container" else None
                mine = _Connection(self.endpoint, self._options.timeout_s, owner)
                self._connections[id(mine)] = mine
            self._mine.connection = mine
        return mine

    def _place(self, card: ModelCard) -> str | None:
        """The name under which this very model is ready on the server, or None."""
        for name in (card.name, _own_name(card)):
            with contextlib.suppress(ModelGoneError):
                if self._control.ready(name) and self._control.parameters(name).get("sha256", "") == card.sha256:
                    return name
        return None

    def _send(self, card: ModelCard) -> str:
        """Load ``card``, with the backend that the server has; the name under which it is there."""
        try:
            data = card.path.read_bytes()
        except OSError as problem:
            raise EngineError(
                f"The model {card.name} cannot be read from {card.path} ({problem.strerror or problem}): "
                "put the file back, or leave the model out with --model."
            ) from problem
        if card.config is None:
            raise EngineError(f"The model {card.name} has no config, so no Triton can be told of it.")
        # By it a server that shares this machine's files is known to have made a copy of them.
        owner = {self._control.name(): b"\n"} if self.detail == "process" else {}
        # Where another version is there, somebody may be using it.
        name = _own_name(card) if self._shared_server and self._control.ready(card.name) else card.name
        while True:
            served = rendered(
                card.config, data, card.version, self._python, self._serving, self._gpu, self._options.memory_mb
            )
            try:
                self._control.load(name, config_json(replace(served.config, name=name)), {**served.files, **owner})
            except ServerGoneError:
                raise
            except EngineError as problem:
                if NO_BACKEND in str(problem) and not self._python:
                    self._python = True
                elif self._gpu and not self._insist:
                    log.warning("%s It goes to the CPU.", _why_not(card, str(problem)))
                    self._gpu = False
                else:
                    raise EngineError(_why_not(card, str(problem))) from problem
            else:
                return name


class _NoSharedMemoryError(Exception):
    """The server cannot see this machine's shared memory."""


class _Connection:
    """What one thread needs to score: a client and, once asked for, shared memory."""

    def __init__(self, endpoint: Endpoint, timeout: float, owner: tuple[int, int] | None) -> None:
        self._client = Client(endpoint)
        self._timeout = timeout
        self._owner = owner
        self._place: SharedPlace | None = None

    def plain(self, name: str, card: ModelCard, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        values = self._client.infer(name, card.input_name, batch, outputs, self._timeout)
        return {output: _shaped(values[output], card, output, len(batch)) for output in outputs}

    def shared(self, name: str, card: ModelCard, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
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
            raise _NoSharedMemoryError(f"There is no shared memory ({problem.strerror or problem}).") from problem
        try:
            self._client.register(place.name, place.key, place.size)
        except ServerGoneError:
            place.close()
            raise
        except EngineError as problem:
            place.close()
            raise _NoSharedMemoryError(str(problem)) from problem
        self._place = place
        return place

    def _let_go(self) -> None:
        place, self._place = self._place, None
        if place is not None:
            with contextlib.suppress(EngineError):
                self._client.unregister(place.name, 1.0)
            place.close()

    def close(self) -> None:
        self._client.close()
        if self._place is not None:
            self._place.close()


def _own_name(card: ModelCard) -> str:
    """A name that no other version of the model goes by."""
    return f"{card.name}-{card.sha256[:8]}"


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


def _why_not(card: ModelCard, text: str) -> str:
    """Why a server would not take a model, with a cure where one is known."""
    if "no GPUs are available" in text:
        return (
            f"The model {card.name} is to run on a GPU, and the Triton sees none: start it with the GPU, "
            "or score with --engine embedded."
        )
    return f"The model {card.name} cannot be served: {text}"
