"""The rendering for a server that has only the Python backend: same file, same tensors, same scores.

``model.py`` runs here in this process, with stand-ins for what a tritonserver hands it: no server is on the machines
that run these tests. ``docs/models.md`` says what was tried on a real one.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from inference import open_engine, parse_config, read_repository
from inference.rendering import MODEL_PY, for_python_backend

NAMES = ("vae_timeseries", "transformer_timeseries")


class Tensor:
    """A stand-in for the server's own: a name and an array."""

    def __init__(self, name: str, value: np.ndarray) -> None:
        self.name, self._value = name, value

    def as_numpy(self) -> np.ndarray:
        return self._value


class Request:
    def __init__(self, tensors: list[Tensor], names: list[str]) -> None:
        self.tensors, self._names = tensors, names

    def requested_output_names(self) -> list[str]:
        return self._names


class Response:
    def __init__(self, output_tensors: list[Tensor], error: Exception | None = None) -> None:
        self.tensors, self.error = output_tensors, error


def _server_utilities() -> ModuleType:
    """A stand-in for ``triton_python_backend_utils``, which exists inside a tritonserver only."""
    module: Any = ModuleType("triton_python_backend_utils")
    module.Tensor, module.InferenceResponse, module.TritonError = Tensor, Response, RuntimeError
    module.get_input_tensor_by_name = lambda request, name: next(one for one in request.tensors if one.name == name)
    return module  # type: ignore[no-any-return]  # built as Any so that it can be given attributes


@pytest.mark.parametrize("name", NAMES)
def test_the_rendering_differs_in_its_backend_and_device_only(shipped: Path, name: str) -> None:
    folder = shipped / name
    text, model = (folder / "config.pbtxt").read_text(), (folder / "1" / "model.onnx").read_bytes()
    files = for_python_backend(text, model)
    assert sorted(files) == ["1/model.onnx", "1/model.py", "config.pbtxt"]
    assert files["1/model.onnx"] == model
    rendered = parse_config(files["config.pbtxt"].decode())
    assert (rendered.backend, rendered.instance_kind) == ("python", "KIND_CPU")
    assert replace(rendered, backend="onnxruntime", instance_kind="") == parse_config(text)


def test_a_file_under_another_name_is_rendered_under_the_one_that_model_py_opens() -> None:
    files = for_python_backend('name: "x" default_model_filename: "net.onnx"', b"model")
    assert sorted(files) == ["1/model.onnx", "1/model.py", "config.pbtxt"]
    assert parse_config(files["config.pbtxt"].decode()).default_model_filename == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_model_py_is_the_one_that_is_rendered(shipped: Path, name: str) -> None:
    assert (shipped / name / "1" / "model.py").read_text() == MODEL_PY


@pytest.mark.parametrize("name", NAMES)
def test_model_py_gives_the_numbers_of_the_onnx_file_to_the_bit(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    source = shipped / name
    for path, data in for_python_backend(
        (source / "config.pbtxt").read_text(), (source / "1" / "model.onnx").read_bytes()
    ).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", _server_utilities())
    spec = importlib.util.spec_from_file_location("served_model", tmp_path / "1" / "model.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = module.TritonPythonModel()
    model.initialize({"model_repository": str(tmp_path), "model_version": "1"})

    card = read_repository(shipped).select([name])[0]
    names = ["score", "reconstruction"]
    many = np.random.default_rng(0).normal(size=(64, card.spec.window)).astype(np.float32)
    batches = [many[:1], many[1:8], many]
    wrong = np.zeros((2, 3), dtype=np.float32)
    *fine, failed = model.execute([Request([Tensor("window", one)], names) for one in (*batches, wrong)])
    engine = open_engine("embedded", [card])
    for windows, answer in zip(batches, fine, strict=True):
        expected = engine.infer(name, windows, tuple(names))
        assert [one.name for one in answer.tensors] == names, "what was asked for, in its order"
        for tensor in answer.tensors:
            np.testing.assert_array_equal(tensor.as_numpy(), expected[tensor.name])
    assert failed.error is not None and not failed.tensors
    (alone,) = model.execute([Request([Tensor("window", many)], ["score"])])
    assert [one.name for one in alone.tensors] == ["score"]
    model.finalize()
