"""A config is written and read back as the same value, by this program and by Triton's own messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference import EngineError, ModelConfig, TensorSpec, parse_config, render_config

_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
_TENSORS = st.builds(
    TensorSpec,
    name=_NAMES,
    dims=st.lists(st.integers(-1, 1 << 40), max_size=4).map(tuple),
    data_type=st.sampled_from(["TYPE_FP32", "TYPE_INT64", "TYPE_BOOL"]),
    reshape=st.none() | st.lists(st.integers(1, 99), max_size=3).map(tuple),
)
_CONFIGS = st.builds(
    ModelConfig,
    name=_NAMES,
    backend=_NAMES,
    max_batch_size=st.integers(0, 4096),
    inputs=st.lists(_TENSORS, max_size=3).map(tuple),
    outputs=st.lists(_TENSORS, max_size=3).map(tuple),
    parameters=st.dictionaries(_NAMES, _NAMES, max_size=5),
    default_model_filename=_NAMES,
    instance_kind=st.sampled_from(["", "KIND_AUTO", "KIND_CPU", "KIND_GPU"]),
)


@given(config=_CONFIGS)
def test_a_config_that_was_written_reads_back_equal(config: ModelConfig) -> None:
    text = render_config(config)
    assert parse_config(text) == config
    assert render_config(parse_config(text)) == text


def test_what_is_wrong_with_a_config_is_said_with_its_place() -> None:
    with pytest.raises(EngineError, match=r"here/config\.pbtxt is not a Triton model configuration \(2:1") as caught:
        parse_config('name: "x"\nfrobnicate: 3', "here/config.pbtxt")
    assert "\n" not in str(caught.value)


def test_the_shipped_configs_are_as_this_program_writes_them(shipped: Path) -> None:
    files = sorted(shipped.glob("*/config.pbtxt"))
    assert len(files) == 2
    for file in files:
        config = parse_config(file.read_text())
        assert render_config(config) == file.read_text()
        assert config.backend == "onnxruntime" and config.max_batch_size > 0
        assert config.outputs[1] == TensorSpec("score", (1,), reshape=())


def test_the_messages_are_tritonclients_own_and_live_beside_them(shipped: Path) -> None:
    code = f"""
from pathlib import Path
from inference import parse_config, render_config
text = Path({str(shipped / "vae_timeseries" / "config.pbtxt")!r}).read_text()
before = parse_config(text)
import tritonclient.grpc as client
from google.protobuf import text_format
theirs = text_format.Parse(text, client.model_config_pb2.ModelConfig())
assert theirs.max_batch_size == before.max_batch_size and parse_config(text) == before
assert text_format.Parse(render_config(before), client.model_config_pb2.ModelConfig()) == theirs
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
