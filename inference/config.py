"""A model's ``config.pbtxt``: Triton's own message, read and written as text. A door to tritonclient,
whose calls to a server are ``inference.triton.client``.

Importing ``tritonclient.grpc`` costs 350 ms of gRPC that reading a file does not need, so its generated
``model_config_pb2`` is loaded by path (20 ms). Pure functions; any thread.
"""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from inference.errors import EngineError

InstanceKind = Literal["", "KIND_AUTO", "KIND_CPU", "KIND_GPU"]
_KINDS: tuple[InstanceKind, ...] = ("", "KIND_GPU", "KIND_CPU", "KIND_AUTO")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output without its batch dimension: ``dims`` has -1 where the size is free.

    Triton wants at least one dimension, so one value a window is said as ``dims`` (1,) with ``reshape`` ().
    """

    name: str
    dims: tuple[int, ...]
    data_type: str = "TYPE_FP32"
    reshape: tuple[int, ...] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """What the model itself takes or gives, without the batch dimension."""
        return self.dims if self.reshape is None else self.reshape


@dataclass(frozen=True, slots=True)
class Serving:
    """How a server runs a model: nothing here changes a score.

    ``instances`` run at once, on each of ``gpus`` where some are named; ``queue_delay_us`` is how long the server may
    wait to join requests (None: it never joins them); ``warmup_batch`` windows of noise are scored before the model
    is ready (0: none).
    """

    instances: int = 1
    gpus: tuple[int, ...] = ()
    queue_delay_us: int | None = None
    warmup_batch: int = 0


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What this program reads and writes of a ``config.pbtxt``.

    ``max_batch_size`` 0 means that the model has no batch dimension of its own; ``instance_kind`` empty
    leaves the choice of device to the server, and goes with one instance; ``parameters`` are all strings.
    """

    name: str
    backend: str
    max_batch_size: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: dict[str, str] = field(default_factory=dict)
    default_model_filename: str = ""
    instance_kind: InstanceKind = ""
    serving: Serving = Serving()


def parse_config(text: str, where: str = "config.pbtxt") -> ModelConfig:
    """The config in ``text``. Raises EngineError that names ``where`` and the line that is wrong."""
    from google.protobuf import text_format

    message = _messages().ModelConfig()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as problem:
        raise EngineError(
            f"{where} is not a Triton model configuration ({problem}): correct it or remove the model's folder."
        ) from problem
    kinds = {group.kind for group in message.instance_group}
    numbers = _messages().ModelInstanceGroup.Kind
    kind = next((one for one in _KINDS if one and numbers.Value(one) in kinds), _KINDS[0])
    return ModelConfig(
        name=message.name,
        backend=message.backend or _backend_of(message.platform),
        max_batch_size=message.max_batch_size,
        inputs=tuple(_tensor(one) for one in message.input),
        outputs=tuple(_tensor(one) for one in message.output),
        parameters={key: value.string_value for key, value in message.parameters.items()},
        default_model_filename=message.default_model_filename,
        instance_kind=kind,
        serving=_serving(message),
    )


def render_config(config: ModelConfig) -> str:
    """``config`` as the text of a ``config.pbtxt``, parameters sorted; reading it back gives an equal config."""
    from google.protobuf import text_format

    # Maps are unordered in protobuf; sorted here so that the same model always gives the same bytes.
    text: str = text_format.MessageToString(_message(config), as_utf8=True, use_index_order=False)
    return text


def config_json(config: ModelConfig) -> str:
    """``config`` as a Triton's repository API takes it."""
    from google.protobuf import json_format

    text: str = json_format.MessageToJson(_message(config), preserving_proto_field_name=True, indent=None)
    return text


def _message(config: ModelConfig) -> Any:
    types = _messages()
    message = types.ModelConfig(
        name=config.name,
        backend=config.backend,
        max_batch_size=config.max_batch_size,
        default_model_filename=config.default_model_filename,
    )
    for spec, into in (*((s, message.input) for s in config.inputs), *((s, message.output) for s in config.outputs)):
        tensor = into.add(name=spec.name, dims=spec.dims, data_type=types.DataType.Value(spec.data_type))
        if spec.reshape is not None:
            tensor.reshape.SetInParent()
            tensor.reshape.shape.extend(spec.reshape)
    serving = config.serving
    if config.instance_kind or serving.instances != 1 or serving.gpus:
        kind = types.ModelInstanceGroup.Kind.Value(config.instance_kind or "KIND_AUTO")
        message.instance_group.add(count=serving.instances, kind=kind, gpus=serving.gpus)
    if serving.queue_delay_us is not None:
        message.dynamic_batching.max_queue_delay_microseconds = serving.queue_delay_us
    if serving.warmup_batch:
        warmup = message.model_warmup.add(name="noise", batch_size=serving.warmup_batch)
        for spec in config.inputs:
            tensor = warmup.inputs[spec.name]
            tensor.data_type, tensor.random_data = types.DataType.Value(spec.data_type), True
            tensor.dims.extend(spec.dims)
    for key in sorted(config.parameters):
        message.parameters[key].string_value = config.parameters[key]
    return message


def _serving(message: Any) -> Serving:
    group = message.instance_group[0] if message.instance_group else None
    return Serving(
        instances=max(1, group.count) if group else 1,
        gpus=tuple(group.gpus) if group else (),
        queue_delay_us=(
            message.dynamic_batching.max_queue_delay_microseconds if message.HasField("dynamic_batching") else None
        ),
        warmup_batch=message.model_warmup[0].batch_size if message.model_warmup else 0,
    )


def _tensor(message: Any) -> TensorSpec:
    reshape = tuple(message.reshape.shape) if message.HasField("reshape") else None
    return TensorSpec(message.name, tuple(message.dims), _messages().DataType.Name(message.data_type), reshape)


def _backend_of(platform: str) -> str:
    return {"onnxruntime_onnx": "onnxruntime", "tensorrt_plan": "tensorrt"}.get(platform, platform)


@functools.cache
def _messages() -> ModuleType:
    """tritonclient's ``model_config_pb2`` without the package around it."""
    package = importlib.util.find_spec("tritonclient")
    if package is None or not package.submodule_search_locations:
        raise EngineError("tritonclient is not installed, so model configurations cannot be read: run make setup.")
    file = Path(package.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("inference._model_config_pb2", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise EngineError(f"tritonclient is not complete ({file.name} is missing): run make setup.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
