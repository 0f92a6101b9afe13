"""The models on a GPU, on whatever there is of one: ``make test-gpu``. What ran is printed, and why the rest did not.

(a) Docker, the container toolkit and the image: the product's own way. (b) A GPU alone: a tritonserver of this machine,
whose Python has an ONNX Runtime with CUDA. The scores must be those of the CPU, and the server's own metrics must show
that the GPU was used.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inference import EngineError, ModelCard, read_repository
from inference.embedded import EmbeddedEngine
from inference.triton.bundle import find
from inference.triton.container import start_container
from inference.triton.engine import TritonEngine
from inference.triton.metrics import read_metrics
from inference.triton.options import TritonOptions
from inference.triton.process import start_process
from inference.triton.server import Server, endpoint
from inference.triton.tool import open_tool

pytestmark = pytest.mark.gpu
ROOT = Path(__file__).resolve().parents[2]
NEVER = threading.Event()


@pytest.fixture(scope="module")
def cards() -> tuple[ModelCard, ...]:
    return read_repository(ROOT / "model_repository").select()


def _container(options: TritonOptions) -> Server:
    return start_container(open_tool(options), options, False, NEVER)


def _process(options: TritonOptions) -> Server:
    if not Path("/proc/driver/nvidia/version").exists():
        raise EngineError("this machine has no NVIDIA driver")
    server = start_process(find("", (ROOT / ".triton",)), options, False, NEVER)
    if not server.record.gpu:
        server.stop(5.0)
        raise EngineError("the server sees no GPU")
    return server


@pytest.fixture(params=[_container, _process], ids=["a container", "a process"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    try:
        made = request.param(TritonOptions(state=tmp_path / "state", start_s=300.0))
    except EngineError as problem:
        pytest.skip(f"a GPU through {request.node.callspec.id}: {problem}")
    print(f"a GPU through {request.node.callspec.id}: {made.record.runs}")  # noqa: T201 - what ran is to be seen
    yield made
    made.stop(20.0)


def test_the_models_run_on_the_gpu_and_give_the_scores_of_the_cpu(
    server: Server, cards: tuple[ModelCard, ...], tmp_path: Path
) -> None:
    before = sum(one.memory_used or 0 for one in read_metrics(server.record.metrics, 5.0).gpus)
    options = TritonOptions(state=tmp_path)
    engine = TritonEngine(endpoint(server.record), options, "process", "A test.", gpu=True)
    embedded = EmbeddedEngine()
    for card in cards:
        engine.load(card)
        embedded.load(card)
        for rows in (1, 7, 256):
            windows = np.random.default_rng(rows).normal(size=(rows, card.spec.window)).astype(np.float32)
            for name in ("score", "reconstruction"):
                due = embedded.infer(card.name, windows, (name,))[name]
                np.testing.assert_allclose(engine.infer(card.name, windows, (name,))[name], due, rtol=1e-3, atol=1e-4)
    after = read_metrics(server.record.metrics, 5.0)
    engine.close()
    assert after.gpus, "nv_gpu_* is not on the metrics page: no GPU was used"
    assert sum(one.memory_used or 0 for one in after.gpus) > before, "the models took no GPU memory"
