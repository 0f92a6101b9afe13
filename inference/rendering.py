"""A model as a Triton server is given it: other config, same file, same tensors. Pure.

``rendered`` is for a server with the ONNX Runtime backend, or with the Python backend only, where ``MODEL_PY`` runs
the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from inference.config import ModelConfig, Serving, parse_config, render_config

MODEL_PY = '''\
"""Runs this folder's model.onnx with ONNX Runtime inside Triton's Python backend. Needs no part of Perigee."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance of the model, on one thread."""

    def initialize(self, args):
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        provider, settings = "CPUExecutionProvider", {}
        if args.get("model_instance_kind") == "GPU":
            # fp32 stays fp32: with TF32 the scores of a GPU would part from those of the CPU.
            provider = "CUDAExecutionProvider"
            settings = {"device_id": args["model_instance_device_id"], "use_tf32": "0"}
        if provider not in onnxruntime.get_available_providers():
            raise RuntimeError("ONNX Runtime has no CUDA here: install onnxruntime-gpu for this server")
        self.session = onnxruntime.InferenceSession(path, options, providers=[(provider, settings)])
        self.input = self.session.get_inputs()[0].name

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        try:
            window = pb_utils.get_input_tensor_by_name(request, self.input).as_numpy()
            names = list(request.requested_output_names())
            values = self.session.run(names, {self.input: np.ascontiguousarray(window, dtype=np.float32)})
            tensors = [pb_utils.Tensor(name, value) for name, value in zip(names, values)]
            return pb_utils.InferenceResponse(output_tensors=tensors)
        except Exception as problem:
            return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(str(problem)))

    def finalize(self):
        self.session = None
'''
"""``VERSION/model.py`` of every model: self-contained, for numpy 1 and Python 3.8 on."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A model for a server: its config, and the files of its folder by path, without ``config.pbtxt``."""

    config: ModelConfig
    files: dict[str, bytes]


def rendered(
    config: ModelConfig, model: bytes, version: str, python: bool, serving: Serving, gpu: bool, memory_mb: int = 0
) -> Rendered:
    """``config`` for a server, with or without the ONNX Runtime backend, on a GPU or a CPU.

    ``memory_mb`` bounds the GPU memory of each instance, 0 for no bound.
    ``model`` are the bytes of the ONNX file, which stay as they are: the sha256 in the parameters goes on being true.
    """
    # A warm-up needs every size to be known.
    free = any(size < 0 for tensor in config.inputs for size in tensor.dims)
    parameters = dict(config.parameters)
    if gpu and memory_mb:
        parameters["gpu_mem_limit"] = str(memory_mb << 20)
    told = replace(
        config,
        parameters=parameters,
        backend="python" if python else "onnxruntime",
        instance_kind="KIND_GPU" if gpu else "KIND_CPU",
        # The Python backend takes the file name as that of its script, and refuses one that is not.
        default_model_filename="",
        serving=replace(serving, warmup_batch=0 if free else serving.warmup_batch),
    )
    files = {f"{version}/model.onnx": model}
    if python:
        files[f"{version}/model.py"] = MODEL_PY.encode()
    return Rendered(told, files)


def for_python_backend(config_text: str, model: bytes, version: str = "1") -> dict[str, bytes]:
    """The files of a model's folder, by path in it, for a server with the Python backend on a CPU.

    ``config_text`` is the product's ``config.pbtxt``. Raises EngineError for a config that cannot be read.
    """
    served = rendered(parse_config(config_text), model, version, python=True, serving=Serving(), gpu=False)
    return {"config.pbtxt": render_config(served.config).encode(), **served.files}
