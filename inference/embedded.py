"""The embedded engine: ONNX Runtime in this process, on a GPU where the installed runtime has one. The one door to it.

onnxruntime is imported when an engine is made, not before: it costs a third of a second that a window never needs.
``infer`` runs on any number of threads over one shared session a model.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from inference.card import ModelCard
from inference.engine import EngineStatus, Floats
from inference.errors import EngineError, RefusedModelError
from inference.tensors import SCORE, FileTensor, check_file, check_request

CPU = "CPUExecutionProvider"
GPUS: tuple[tuple[str, dict[str, str]], ...] = (
    # fp32 stays fp32: with TF32 the scores of a GPU would part from those of the CPU.
    ("CUDAExecutionProvider", {"use_tf32": "0"}),
    ("MIGraphXExecutionProvider", {}),
    ("ROCMExecutionProvider", {}),
    ("DmlExecutionProvider", {}),
    ("CoreMLExecutionProvider", {}),
)
"""GPU providers, best first. Not TensorRT: it would build each model for minutes before the first score."""
ONE_AT_A_TIME = frozenset({"DmlExecutionProvider"})
"""Providers whose sessions may not run on two threads at once."""
_FATAL_ONLY = 4


@dataclass(frozen=True, slots=True)
class _Loaded:
    session: Any
    card: ModelCard
    turn: contextlib.AbstractContextManager[Any]


class EmbeddedEngine:
    """ONNX Runtime in this process.

    ``asked`` says that the operator chose it, ``why`` is the reason otherwise; ``runtime`` stands in for the
    onnxruntime package.
    """

    kind: Literal["embedded", "triton"] = "embedded"

    def __init__(self, asked: bool = False, runtime: Any = None, why: str = "") -> None:
        try:
            # It would else note what it runs, and where, for its makers. Read when it is imported.
            os.environ["ORT_DISABLE_TELEMETRY"] = "1"
            self._runtime = runtime or importlib.import_module("onnxruntime")
        except ImportError as problem:
            raise EngineError(
                f"ONNX Runtime cannot be loaded ({problem}), so no model can score: run make setup again."
            ) from problem
        self._loaded: dict[str, _Loaded] = {}
        self._refused: list[str] = []
        available = self._runtime.get_available_providers()
        self._candidates = [name for name, _ in GPUS if name in available]
        self._why = "It was asked for" if asked else why or "No Triton is configured"
        self.detail = self._candidates[0] if self._candidates else CPU

    @property
    def reason(self) -> str:
        """Why this engine, and why on this device."""
        where = "CPU" if self.detail == CPU else f"GPU ({self.detail.removesuffix('ExecutionProvider')})"
        refused = f"; {', '.join(self._refused)} would not take the models" if self._refused else ""
        return f"{self._why}, so the embedded ONNX Runtime scores on the {where}{refused}."

    def status(self) -> EngineStatus:
        """See ``Engine``."""
        return EngineStatus(self.kind, self.detail, self.reason)

    def load(self, card: ModelCard) -> None:
        """Make ``card`` ready, and try it.

        Raises EngineError that names the file; RefusedModelError where it is a model that cannot be used.
        """
        self._load(card)
        try:
            score = self.infer(card.name, np.zeros((1, *card.input_shape), dtype=np.float32), (SCORE,))[SCORE]
        except EngineError as problem:
            self._loaded.pop(card.name, None)
            raise RefusedModelError(str(problem), card.name) from problem
        if not np.isfinite(score).all():
            self._loaded.pop(card.name, None)
            raise RefusedModelError(
                f"The model {card.name} cannot be used: its score of a window of zeros is not a finite number; "
                "train or convert it again, or leave it out with --model.",
                card.name,
            )

    def _load(self, card: ModelCard) -> None:
        try:
            data = card.path.read_bytes()
        except OSError as problem:
            raise EngineError(
                f"The model {card.name} cannot be read from {card.path} ({problem.strerror or problem}): "
                "put the file back, or leave the model out with --model."
            ) from problem
        while (session := self._session(card, data)) is None:
            self._fall_back()
        self._check(card, session)
        serial = self.detail in ONE_AT_A_TIME
        self._loaded[card.name] = _Loaded(session, card, threading.Lock() if serial else contextlib.nullcontext())

    def infer(self, model: str, batch: Floats, outputs: tuple[str, ...]) -> dict[str, Floats]:
        """See ``Engine``."""
        loaded = self._loaded.get(model)
        if loaded is None:
            raise EngineError(f'No model "{model}" is loaded.')
        check_request(loaded.card, batch.shape, outputs)
        feed = {loaded.card.input_name: np.ascontiguousarray(batch, dtype=np.float32)}
        try:
            with loaded.turn:
                values = loaded.session.run(list(outputs), feed)
        except Exception as problem:
            # The runtime's own exceptions share no base class but this one.
            raise EngineError(f"The model {model} failed while scoring: {_first_line(problem)}.") from problem
        return dict(zip(outputs, values, strict=True))

    def close(self) -> None:
        """Let the sessions go."""
        self._loaded.clear()

    def _session(self, card: ModelCard, data: bytes) -> Any:
        """A session on ``detail``'s provider, or None where that is a GPU that does not take the model."""
        if self.detail != CPU:
            providers = [(self.detail, dict(GPUS)[self.detail]), CPU]
            with contextlib.suppress(Exception):  # whatever it was, the next provider or the CPU may take the model
                session = self._runtime.InferenceSession(data, self._options(), providers=providers)
                if took(session, self.detail):
                    return session
            return None
        try:
            return self._runtime.InferenceSession(data, self._options(), providers=[CPU])
        except Exception as problem:
            # The runtime's own exceptions share no base class but this one.
            raise EngineError(
                f"The model {card.name} cannot be loaded from {card.path} ({_first_line(problem)}): "
                "train or convert it again, or leave it out with --model."
            ) from problem

    def _fall_back(self) -> None:
        """Go on with the next provider, all models together: one engine has one device."""
        self._refused.append(self._candidates.pop(0).removesuffix("ExecutionProvider"))
        self.detail = self._candidates[0] if self._candidates else CPU
        cards = [loaded.card for loaded in self._loaded.values()]
        self._loaded.clear()
        for card in cards:
            self.load(card)

    def _check(self, card: ModelCard, session: Any) -> None:
        inputs, outputs = (
            [FileTensor(one.name, one.type, tuple(one.shape)) for one in tensors]
            for tensors in (session.get_inputs(), session.get_outputs())
        )
        problem = check_file(card, inputs, outputs)
        if problem:
            raise RefusedModelError(
                f"{card.path} is not what its config.pbtxt says: {problem}; train or convert the model again.",
                card.name,
            )

    def _options(self) -> Any:
        options = self._runtime.SessionOptions()
        # Several workers each score on one thread of their own; spinning would burn what the others need.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        options.log_severity_level = _FATAL_ONLY  # what matters is raised, and said in a sentence
        if self.detail in ONE_AT_A_TIME:
            options.enable_mem_pattern = False
        return options


def took(session: Any, provider: str) -> bool:
    """Whether a session really runs part of its graph on ``provider``, rather than having fallen back."""
    if provider not in session.get_providers():
        return False
    parts: Sequence[Any] = session.get_provider_graph_assignment_info()
    return any(part.ep_name == provider for part in parts)


def _first_line(problem: Exception) -> str:
    """What the runtime said, on one line and without its own prefix."""
    text = " ".join(str(problem).split())
    return text.rsplit(" : ", 1)[-1].rstrip(".")[:300] or type(problem).__name__
