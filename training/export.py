"""A trained network becomes one version of a model in Triton's layout: exported, compared, described, written.

The exported graph is compared with torch through the engine that will serve it. Runs in the process of
``python -m training``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from inference import EngineError, ModelConfig, TensorSpec, open_engine, parse_config, read_model, render_config
from inference.rendering import MODEL_PY
from training.models import NEWEST, PatchTransformer, Vae

OPSET = 18
MAX_BATCH = 256
BATCHES = (1, 2, 7, 32)
SEEDS = (0, 1, 2)
PARITY = 1e-4
"""Largest difference between torch and the served graph that is let through, on values of about 1."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was written: where, how large (bytes), its sha256, and the largest difference from torch."""

    name: str
    folder: Path
    size: int
    sha256: str
    parity_max_abs: float


def export(model: nn.Module, shape: tuple[int, ...]) -> bytes:
    """A network of windows of ``shape`` as one ONNX file: batch dimension free, nothing of this machine in it."""
    model.eval()
    example = torch.zeros(3, *shape)
    # The exporter speaks of its own deprecations and of packages that are not needed here.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=65_536)},),
            input_names=["window"],
            output_names=["reconstruction", "score"],
            verbose=False,
        )
    assert program is not None
    return strip(program.model_proto)


def strip(proto: onnx.ModelProto) -> bytes:
    """The bytes of a checked graph without what the exporter noted on the side: it holds paths of this machine."""
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*proto.graph.value_info, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del value.metadata_props[:]
        value.doc_string = ""
    del proto.graph.metadata_props[:]
    del proto.metadata_props[:]
    del proto.graph.value_info[:]
    proto.doc_string = proto.graph.doc_string = ""
    onnx.checker.check_model(proto, full_check=True)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def config_of(name: str, data: bytes, facts: dict[str, str], stride: int = NEWEST) -> ModelConfig:
    """The config of an exported network: tensors from the ONNX file, the model contract, and training ``facts``.

    ``facts`` may say more of the contract than that it takes one channel at a time.
    """
    graph = onnx.load_from_string(data).graph
    inputs, outputs = _tensors(graph.input), _tensors(graph.output)
    contract = {
        "kind": "reconstruction",
        "window": str(inputs[0].dims[0]),
        "stride": str(stride),
        "sample_period": "native",
        "channels": "any",
        "scaling": "commissioning",
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return ModelConfig(
        name=name,
        backend="onnxruntime",
        max_batch_size=MAX_BATCH,
        inputs=inputs,
        outputs=outputs,
        parameters={**contract, **facts},
    )


def publish(name: str, model: Vae | PatchTransformer, out: Path, facts: dict[str, str]) -> Published:
    """Write ``model`` as version 1 of ``out``/``name``, in place of what was there.

    Everything is written and checked beside its place first and then renamed, so that a failure leaves the old
    model whole. Raises EngineError where the graph does not load or differs from torch by more than ``PARITY``.
    """
    shape = (model.window,)
    data = export(model, shape)
    text = render_config(config_of(name, data, facts))
    assert parse_config(text) == config_of(name, data, facts)
    staged = out / f".{name}.staged" / name
    shutil.rmtree(staged.parent, ignore_errors=True)
    (staged / "1").mkdir(parents=True)
    try:
        (staged / "1" / "model.onnx").write_bytes(data)
        (staged / "1" / "model.py").write_text(MODEL_PY, encoding="utf-8")
        (staged / "config.pbtxt").write_text(text, encoding="utf-8")
        difference = parity(model, staged, shape)
        if not difference <= PARITY:
            raise EngineError(
                f"The exported {name} differs from the trained network by {difference:.1e}, more than {PARITY:g}: "
                "it was not published; train again with another --seed."
            )
        target = out / name
        shutil.rmtree(target, ignore_errors=True)
        staged.replace(target)
    finally:
        shutil.rmtree(staged.parent, ignore_errors=True)
    return Published(name, target, len(data), hashlib.sha256(data).hexdigest(), difference)


def parity(model: nn.Module, folder: Path, shape: tuple[int, ...]) -> float:
    """Largest absolute difference of any output between torch and the embedded engine, over batches and seeds."""
    card = read_model(folder)
    engine = open_engine("embedded", [card])
    worst = 0.0
    try:
        for seed in SEEDS:
            for batch in BATCHES:
                rng = np.random.default_rng((seed, batch))
                window = rng.normal(size=(batch, *shape)).cumsum(axis=1).astype(np.float32) * np.float32(0.2)
                ours = engine.infer(card.name, window, card.output_names)
                with torch.no_grad():
                    theirs = model(torch.from_numpy(window))
                for name, tensor in zip(card.output_names, theirs, strict=True):
                    worst = max(worst, float(np.abs(ours[name] - tensor.numpy()).max()))
    finally:
        engine.close()
    return worst


def _tensors(values: Sequence[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
    out = []
    for value in values:
        first, *rest = value.type.tensor_type.shape.dim
        if not first.dim_param or any(not one.HasField("dim_value") for one in rest):
            raise EngineError(f"The exported tensor {value.name} has no free batch dimension, or a free one beside it.")
        dims = tuple(one.dim_value for one in rest)
        out.append(TensorSpec(value.name, dims) if dims else TensorSpec(value.name, (1,), reshape=()))
    return tuple(out)
