"""Calls to one Triton server over gRPC: the door to tritonclient. Every call has a deadline.

Importing this is cheap; the first client costs the third of a second that gRPC takes to load. A client is one
connection, used by one thread at a time, except for ``abort``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.engine import Floats
from inference.errors import EngineError, MemoryExhaustedError, ModelGoneError, ServerGoneError
from inference.triton.options import Endpoint, check_headers

CALL_S = 5.0
"""Deadline of a question that a healthy server answers in milliseconds."""
LOAD_S = 120.0
"""Deadline of loading a model; TensorRT may build for minutes and is asked for with its own."""
_GONE = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})
_MEMORY = re.compile(r"out of memory|bad_alloc|failed to allocate|alloc_failed|available memory", re.IGNORECASE)
_LOST = re.compile(
    r"unknown model|is not ready|not found|stub process|is not healthy|no available versions", re.IGNORECASE
)
_CHANNEL = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A server that was started again is found within half a second instead of after gRPC's 2 to 3.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    # In spite of its name the deadline of one attempt to connect: a machine under load takes its time.
    ("grpc.min_reconnect_backoff_ms", 3000),
    # Without it, a second client of the same address shares a connection, and waits with it.
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True, slots=True)
class ModelState:
    """What a server says of a model: ``state`` such as READY or UNAVAILABLE, and the ``reason`` of a failure."""

    name: str
    version: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """What a server counted of a model since it was loaded: calls, windows, and mean microseconds a call."""

    name: str
    version: str
    calls: int
    windows: int
    failed: int
    queue_us: float
    compute_us: float


class Client:
    """A connection to the server at ``endpoint``. Every method raises ServerGoneError where it does not answer."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        check_headers(endpoint.headers)
        # What gRPC itself has to say goes straight to standard error; all of it that matters is in the error raised.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        try:
            from tritonclient import grpc
        except ImportError as problem:
            raise EngineError(f"tritonclient cannot be loaded ({problem}): run make setup again.") from problem
        self._grpc: Any = grpc
        ca = None
        if endpoint.ca:
            try:
                ca = str(Path(endpoint.ca).resolve(strict=True))
                Path(ca).read_bytes()
            except OSError as problem:
                raise EngineError(
                    f"The certificate {endpoint.ca} cannot be read ({problem.strerror or problem}): correct "
                    "inference.triton.tls_ca in the settings."
                ) from problem
        try:
            self._calls = self._grpc.InferenceServerClient(
                url=endpoint.address, ssl=endpoint.tls, root_certificates=ca, channel_args=list(_CHANNEL)
            )
        except (ValueError, TypeError, RuntimeError) as problem:
            raise EngineError(f"{endpoint.address} is no address of a Triton ({problem}): give HOST:PORT.") from problem
        self._headers = dict(endpoint.headers) or None

    def live(self, timeout: float = CALL_S) -> bool:
        """Whether a server answers at all, within ``timeout`` s."""
        try:
            return bool(self._do("is_server_live", timeout))
        except EngineError:
            return False

    def version(self, timeout: float = CALL_S) -> str:
        """The server's own version."""
        return str(self._do("get_server_metadata", timeout).version)

    def name(self, timeout: float = CALL_S) -> str:
        """What the server calls itself, by which one that was started here is known."""
        return str(self._do("get_server_metadata", timeout).name)

    def ready(self, model: str, timeout: float = CALL_S) -> bool:
        """Whether a model can score. The server's own word for all models misleads, so it is not asked."""
        try:
            return bool(self._do("is_model_ready", timeout, model))
        except ModelGoneError:
            return False

    def models(self, timeout: float = CALL_S) -> list[ModelState]:
        """Every model that the server knows of, by name."""
        answer = self._do("get_model_repository_index", timeout)
        found = [ModelState(one.name, one.version, one.state or "UNLOADED", one.reason) for one in answer.models]
        return sorted(found, key=lambda one: (one.name, one.version))

    def parameters(self, model: str, timeout: float = CALL_S) -> dict[str, str]:
        """What a loaded model says of itself in its config. Raises ModelGoneError where it is not loaded."""
        config = self._do("get_model_config", timeout, model).config
        return {key: value.string_value for key, value in config.parameters.items()}

    def config(self, model: str, timeout: float = CALL_S) -> str:
        """The config by which a model is served, as the text of a ``config.pbtxt``. Raises ModelGoneError."""
        from google.protobuf import text_format

        told: str = text_format.MessageToString(self._do("get_model_config", timeout, model).config, as_utf8=True)
        return told

    def load(self, model: str, config: str, files: Mapping[str, bytes], timeout: float = LOAD_S) -> None:
        """Load, or load anew, from ``config`` (JSON) and the files of its folder. Raises EngineError with why not."""
        sent = {f"file:{path}": data for path, data in files.items()}
        self._do("load_model", timeout, model, config=config, files=sent)

    def unload(self, model: str, timeout: float = LOAD_S) -> None:
        """Let a model go."""
        self._do("unload_model", timeout, model)

    def figures(self, timeout: float = CALL_S) -> list[ModelFigures]:
        """What was counted of every loaded model."""
        found = []
        for one in self._do("get_inference_statistics", timeout).model_stats:
            stats = one.inference_stats
            calls = stats.success.count
            found.append(
                ModelFigures(
                    name=one.name,
                    version=one.version,
                    calls=one.execution_count,
                    windows=one.inference_count,
                    failed=stats.fail.count,
                    queue_us=stats.queue.ns / 1000 / max(1, calls),
                    compute_us=stats.compute_infer.ns / 1000 / max(1, calls),
                )
            )
        return found

    def infer(
        self, model: str, tensor: str, batch: Floats, outputs: Sequence[str], timeout: float
    ) -> dict[str, Floats]:
        """These outputs for ``batch`` (n, ...) float32, sent in the message itself."""
        given = self._grpc.InferInput(tensor, list(batch.shape), "FP32")
        given.set_data_from_numpy(np.ascontiguousarray(batch, dtype=np.float32))
        asked = [self._grpc.InferRequestedOutput(name) for name in outputs]
        result = self._do("infer", timeout, model, [given], outputs=asked)
        values = {name: result.as_numpy(name) for name in outputs}
        for name, value in values.items():
            if value is None:
                raise EngineError(f'The model {model} gave no output "{name}".')
        return values

    def register(self, name: str, key: str, size: int, timeout: float = CALL_S) -> None:
        """Make the shared memory ``key`` of ``size`` bytes known to the server as ``name``."""
        self._do("register_system_shared_memory", timeout, name, key, size)

    def unregister(self, name: str, timeout: float = CALL_S) -> None:
        """Make it unknown again."""
        self._do("unregister_system_shared_memory", timeout, name)

    def infer_shared(
        self,
        model: str,
        tensor: tuple[str, Sequence[int], tuple[str, int, int]],
        outputs: Sequence[tuple[str, tuple[str, int, int]]],
        timeout: float,
    ) -> dict[str, tuple[int, ...]]:
        """Score what lies in shared memory into shared memory: the shapes of the outputs.

        A place is (region, bytes, offset); ``tensor`` is (name, shape, place), ``outputs`` are (name, place).
        """
        name, shape, (region, size, offset) = tensor
        given = self._grpc.InferInput(name, list(shape), "FP32")
        given.set_shared_memory(region, size, offset)
        asked = []
        for output, (region, size, offset) in outputs:
            wanted = self._grpc.InferRequestedOutput(output)
            wanted.set_shared_memory(region, size, offset)
            asked.append(wanted)
        answer = self._do("infer", timeout, model, [given], outputs=asked)
        return {output: tuple(answer.get_output(output).shape) for output, _ in outputs}

    def abort(self) -> None:
        """Let every call that is under way fail now. Any thread; the client is of no use afterwards."""
        self._calls.close()

    close = abort

    def _do(self, call: str, timeout: float, *given: Any, **more: Any) -> Any:
        try:
            return getattr(self._calls, call)(*given, headers=self._headers, client_timeout=timeout, **more)
        except self._grpc.InferenceServerException as problem:
            raise _translated(problem, self.endpoint.address, timeout) from problem
        except ValueError as problem:
            # gRPC's word for a channel that another thread has closed.
            raise ServerGoneError(f"The connection to the Triton at {self.endpoint.address} was closed.") from problem


def _translated(problem: Any, address: str, timeout: float) -> EngineError:
    """The server's refusal as one of this package's errors."""
    status = str(problem.status() or "").rsplit(".", 1)[-1]
    text = " ".join(str(problem.message() or "").split())[:600].rstrip(".") or "no reason given"
    if status == "DEADLINE_EXCEEDED":
        return ServerGoneError(f"The Triton at {address} did not answer within {timeout:g} s.")
    if _MEMORY.search(text):
        return MemoryExhaustedError(f"The Triton at {address} has no memory for so many windows at once ({text}).")
    if "handshake failed" in text:
        return ServerGoneError(
            f"The Triton at {address} and this machine do not agree on TLS ({text}): correct inference.triton.tls and "
            "inference.triton.tls_ca."
        )
    if status in _GONE:
        return ServerGoneError(f"The Triton at {address} does not answer ({text}).")
    if _LOST.search(text):
        return ModelGoneError(f"The Triton at {address} has lost a model ({text}).")
    return EngineError(f"The Triton at {address} refused: {text}.")
