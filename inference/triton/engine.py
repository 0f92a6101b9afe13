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

from inference.card import ModelCard
from inference.config import Serving, config_json
from inference.engine import EngineStatus, Floats
from inference.errors import EngineError, ModelGoneError, ServerGoneError
from inference.rendering import rendered
from inference.tensors import check_request
from inference.triton.client import Client, ModelFigures
from inference.triton.connection import Connection, NoSharedMemoryError
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.process import hide_shared_memory, mark
from inference.triton.server import container_user
from inference.triton.uses import Uses

log = logging.getLogger(__name__)

NO_BACKEND = "unable to find backend library"
SHARED_FROM = 32_768
"""Bytes of a batch that shared memory is used from: by 1 to 6 % quicker than a message, the more the larger, and below
it no quicker for what it takes (``docs/benchmarks.md``)."""
WARMUP_BATCH = 1
LET_GO_S = 2.0
"""Deadline of letting a model go while this engine ends."""


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
        self._connections: dict[int, Connection] = {}
        self._mine = threading.local()
        self._shared_memory = options.shared_memory
        self._closed = False
        self._answered = 0.0
        self._uses: Uses | None = None
        self._control = Client(endpoint)

    def status(self) -> EngineStatus:
        """See ``Engine``."""
        return EngineStatus(self.kind, self.detail, self.reason)

    def load(self, card: ModelCard) -> None:
        """See ``Engine``: the model is sent over, unless the very same is there already."""
        uses, own = self._uses_of_others(), _own_name(card)
        if uses is not None:
            uses.begin(own)  # before it is looked for: whoever ends now leaves it there
        name = self._place(card) or self._send(card)
        if self.detail == "process":
            hide_shared_memory(self._control.name().removeprefix(mark("")))  # before a window goes through it
        if uses is not None and name != own:
            uses.end(own)
        self._names[card.name] = name
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
        check_request(card, batch.shape, outputs)
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
        for model in self._uses.close() if self._uses is not None else ():
            with contextlib.suppress(EngineError):
                self._control.unload(model, LET_GO_S)
        self._uses = None
        self._control.close()

    def _uses_of_others(self) -> Uses | None:
        """Who uses what of a server that sessions of this user share; of servers of others nobody here can know."""
        if self._shared_server and self._uses is None and (server := self._control.name()).startswith(mark("")):
            self._uses = Uses(self._options.state, server)
        return self._uses

    def _ask(
        self, connection: Connection, card: ModelCard, batch: Floats, outputs: tuple[str, ...]
    ) -> dict[str, Floats]:
        model = card.name
        if self._shared_memory and batch.nbytes >= SHARED_FROM:
            try:
                return connection.shared(self._names[model], card, batch, outputs)
            except NoSharedMemoryError as problem:
                log.info("%s Windows go in messages.", problem)
                self._shared_memory = False
        return connection.plain(self._names[model], card, batch, outputs)

    def _connection(self) -> Connection:
        mine: Connection | None = getattr(self._mine, "connection", None)
        if mine is None:
            with self._lock:
                if self._closed:
                    raise ServerGoneError(f"The connection to the Triton at {self.endpoint.address} was closed.")
                owner = container_user() if self.detail == "container" else None
                mine = Connection(self.endpoint, self._options.timeout_s, owner)
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


def _own_name(card: ModelCard) -> str:
    """A name that no other version of the model goes by."""
    return f"{card.name}-{card.sha256[:8]}"


def _why_not(card: ModelCard, text: str) -> str:
    """Why a server would not take a model, with a cure where one is known."""
    if "no GPUs are available" in text:
        return (
            f"The model {card.name} is to run on a GPU, and the Triton sees none: start it with the GPU, "
            "or score with --engine embedded."
        )
    return f"The model {card.name} cannot be served: {text}"
