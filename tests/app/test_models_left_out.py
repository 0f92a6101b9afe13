"""A model that cannot be used is left out and said; what else there is goes on."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from app.paths import SEED_REPOSITORY
from app.plan import Plan
from app.session import Session, open_session
from app.settings import Settings
from app.sources import open_sources
from inference import RefusedModelError, read_repository
from telemetry.clock import SECOND

NOON = 1_900_000_000 * SECOND


def _nan() -> bytes:
    """A model of the right shapes whose every score is no number."""
    window = helper.make_tensor_value_info("window", TensorProto.FLOAT, ["B", 64])
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["B"])
    told = helper.make_tensor_value_info("reconstruction", TensorProto.FLOAT, ["B", 64])
    nan = numpy_helper.from_array(np.array(np.nan, dtype=np.float32), "nan")
    nodes = [
        helper.make_node("ReduceSum", ["window", "axis"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "nan"], ["score"]),
        helper.make_node("Identity", ["window"], ["reconstruction"]),
    ]
    axis = numpy_helper.from_array(np.array([1], dtype=np.int64), "axis")
    graph = helper.make_graph(nodes, "g", [window], [told, score], [nan, axis])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(made)
    data: bytes = made.SerializeToString()
    return data


def _session(folder: Path, models: tuple[str, ...] = ()) -> Session:
    plan = Plan(
        ("sim:quiet?satellites=1",),
        str(folder / "t.duckdb"),
        str(folder / "models"),
        speed=None,
        duration=60.0,
        models=models,
    )
    return open_session(plan, Settings(), open_sources(plan, NOON), NOON)


OTHER = (SEED_REPOSITORY / "transformer_timeseries" / "1" / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("data", "why"), [(OTHER, "is not what its config"), (_nan(), "is not a finite number")], ids=["shape", "only nan"]
)
def test_a_file_that_is_no_usable_model_is_left_out_unless_it_was_named(tmp_path: Path, data: bytes, why: str) -> None:
    shutil.copytree(SEED_REPOSITORY, tmp_path / "models")
    broken = tmp_path / "models" / "vae_timeseries"
    (broken / "1" / "model.onnx").write_bytes(data)
    config = (broken / "config.pbtxt").read_text()
    card = read_repository(SEED_REPOSITORY).select(["vae_timeseries"])[0]
    (broken / "config.pbtxt").write_text(config.replace(card.sha256, hashlib.sha256(data).hexdigest()))

    session = _session(tmp_path)
    assert [one.name for one in session.cards] == ["transformer_timeseries"]
    assert any("vae_timeseries" in note and why in note for note in session.notes)
    session.start()
    assert session.wait(60.0)
    session.close()
    assert session.recorder.status().recorded_samples > 0

    with pytest.raises(RefusedModelError, match=why):
        _session(tmp_path, ("vae_timeseries",))
