"""The embedded engine: which device it takes, and what it says of a model that it cannot use."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from inference import EngineError, open_engine, read_repository
from inference.embedded import CPU, EmbeddedEngine, took


class RuntimeWithABrokenGpu:
    """The installed runtime, on a machine whose CUDA provider is there but does not work."""

    SessionOptions = onnxruntime.SessionOptions

    def __init__(self, *, raises: bool) -> None:
        self.raises = raises
        self.tried: list[str] = []

    def get_available_providers(self) -> list[str]:
        return ["TensorrtExecutionProvider", "CUDAExecutionProvider", CPU]

    def InferenceSession(self, model: bytes, options: Any, providers: list[Any]) -> Any:
        first = providers[0][0] if isinstance(providers[0], tuple) else providers[0]
        self.tried.append(first)
        if first != CPU and self.raises:
            raise RuntimeError("no CUDA-capable device is detected")
        return onnxruntime.InferenceSession(model, options, providers=[CPU])


def test_without_a_gpu_the_cpu_scores_and_says_so(shipped: Path) -> None:
    engine = open_engine("auto", read_repository(shipped).select())
    if engine.detail != CPU:
        pytest.skip("the installed runtime found a GPU")
    assert engine.reason == "No Triton is configured, so the embedded ONNX Runtime scores on the CPU."


def test_an_engine_that_was_asked_for_says_that_it_was(shipped: Path) -> None:
    assert open_engine("embedded", ()).reason.startswith("It was asked for, so")


@pytest.mark.parametrize("raises", [True, False])
def test_a_gpu_that_does_not_take_the_models_is_left_for_the_cpu_and_named(shipped: Path, raises: bool) -> None:
    runtime = RuntimeWithABrokenGpu(raises=raises)
    engine = EmbeddedEngine(runtime=runtime)
    assert engine.detail == "CUDAExecutionProvider"
    cards = read_repository(shipped).select()
    for card in cards:
        engine.load(card)
    assert engine.detail == CPU
    assert engine.reason.endswith("scores on the CPU; CUDA would not take the models.")
    assert runtime.tried == ["CUDAExecutionProvider", CPU, CPU]
    assert engine.infer(cards[0].name, np.zeros((1, cards[0].spec.window), dtype=np.float32), ("score",))


def test_a_provider_counts_only_if_nodes_were_given_to_it(shipped: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    path = read_repository(shipped).cards[0].path
    session = onnxruntime.InferenceSession(path, options, providers=[CPU])
    assert took(session, CPU)
    assert not took(session, "CUDAExecutionProvider")


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: b"not a model", lambda data: data[: len(data) // 2]])
def test_a_corrupt_model_is_one_sentence_that_names_the_file(repository: Path, damage: Any) -> None:
    card = read_repository(repository).select(["vae_timeseries"])[0]
    card.path.write_bytes(damage(card.path.read_bytes()))
    with pytest.raises(EngineError) as caught:
        open_engine("auto", [card])
    text = str(caught.value)
    assert str(card.path) in text and "--model" in text and "\n" not in text


def test_a_model_that_was_removed_is_one_sentence_that_names_the_file(repository: Path) -> None:
    card = read_repository(repository).select(["vae_timeseries"])[0]
    card.path.unlink()
    with pytest.raises(EngineError, match="put the file back") as caught:
        open_engine("auto", [card])
    assert str(card.path) in str(caught.value)


def test_a_file_that_is_another_model_than_its_config_says_is_refused(shipped: Path) -> None:
    vae, transformer = read_repository(shipped).select(["vae_timeseries", "transformer_timeseries"])
    with pytest.raises(
        EngineError, match=r"is not what its config\.pbtxt says: its tensor window is \[136\] a window, not \[64\]"
    ):
        open_engine("auto", [replace(vae, path=transformer.path)])


@pytest.mark.parametrize("choice", ["triton", "triton://127.0.0.1:8001"])
def test_a_triton_is_refused_with_what_to_use_instead(choice: str) -> None:
    with pytest.raises(EngineError, match=r"use --engine auto\.$"):
        open_engine(choice, ())


def test_an_unknown_engine_is_refused_with_what_there_is() -> None:
    with pytest.raises(EngineError, match='There is no engine "cuda": use --engine auto'):
        open_engine("cuda", ())


def test_importing_inference_loads_no_runtime_and_reading_a_repository_no_grpc_or_torch(shipped: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from inference import read_repository, open_engine
assert 'onnxruntime' not in sys.modules
cards = read_repository(Path({str(shipped)!r})).select()
assert 'onnxruntime' not in sys.modules
open_engine('auto', cards).close()
print([name for name in ('torch', 'grpc', 'onnx', 'PySide6') if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_scores_are_the_same_after_the_model_was_loaded_again(shipped: Path) -> None:
    card = read_repository(shipped).select(["vae_timeseries"])[0]
    engine = open_engine("embedded", [card])
    windows = np.random.default_rng(1).normal(size=(5, 64)).astype(np.float32)
    before = engine.infer(card.name, windows, ("score",))["score"]
    engine.load(card)
    np.testing.assert_array_equal(before, engine.infer(card.name, windows, ("score",))["score"])
    assert card.sha256 == hashlib.sha256(card.path.read_bytes()).hexdigest()


def test_the_runtime_notes_nothing_of_what_it_runs(tmp_path: Path, shipped: Path) -> None:
    """ONNX Runtime keeps a file for its makers in the user's cache, unless it is told not to before it is imported."""
    code = (
        "import sys; from pathlib import Path; from inference import open_engine, read_repository\n"
        "open_engine('embedded', read_repository(Path(sys.argv[1])).select()).close()\n"
    )
    subprocess.run(
        [sys.executable, "-B", "-c", code, str(shipped)],
        check=True,
        cwd=Path(__file__).parents[2],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
    )
    assert list(tmp_path.rglob("*")) == []
