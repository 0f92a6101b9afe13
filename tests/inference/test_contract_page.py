"""docs/model-contract.md says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from detection.spec import WindowSpec
from inference import EngineError, ModelConfig, TensorSpec, open_engine, parse_config, read_model, render_config
from inference.catalogue import LARGEST_MODEL
from inference.contract import PARAMETERS
from inference.tensors import check_config

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "model-contract.md").read_text(encoding="utf-8")
SIZES = {"W": 64, "C": 3, "1": 1}
THREE = "*/a/b,*/a/c,*/a/d"


def test_the_parameters_are_those_of_the_code() -> None:
    part = PAGE.partition("## What the config says")[2].partition("##")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", part, re.MULTILINE)
    assert dict(rows) == PARAMETERS and len(rows) == len(PARAMETERS)


def shapes(row: str) -> list[tuple[int, ...]]:
    """The shapes of a row of the second table, without B."""
    (line,) = re.findall(rf"^\| {re.escape(row)} \| (.+) \|$", PAGE, re.MULTILINE)
    return [tuple(SIZES[size] for size in one.split(",")[1:]) for one in re.findall(r"`\[(.*?)\]`", line)]


def test_every_shape_on_the_page_is_taken() -> None:
    checked = 0
    for channels, row in (("any", "input, `any` or one pattern"), (THREE, "input, C patterns")):
        spec = WindowSpec("m", "1", "reconstruction", SIZES["W"], 8, None, tuple(channels.split(",")))
        for takes in shapes(row):
            for score in shapes("output `score`"):
                outputs = (TensorSpec("reconstruction", takes), TensorSpec("score", (1,), reshape=score))
                assert check_config(ModelConfig("m", "", 8, (TensorSpec("x", takes),), outputs), spec) == ""
                checked += 1
    assert checked == 10


class Broken:
    """A shipped model, spoilt in one way after the other; what is said of it each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "config.pbtxt"
        self._whole = parse_config(self._file.read_text())
        self._model = folder / "1" / "model.onnx"

    def _said(self, config: ModelConfig | None = None) -> str:
        self._file.write_text(render_config(config or self._whole))
        with pytest.raises(EngineError) as caught:
            open_engine("embedded", [read_model(self._folder)])
        return str(caught.value)

    def sentences(self) -> Iterator[str]:
        whole = self._whole
        given = whole.parameters
        for parameters in (
            {key: value for key, value in given.items() if key != "stride"},
            {("stirde" if key == "stride" else key): value for key, value in given.items()},
            *({**given, key: "absurd"} for key in ("kind", "scaling", "window", "sample_period", "channels")),
            {**given, "channels": "*/a/b,*/a/b"},
            {**given, "channels": "any,*/a/b"},
            {**given, "channels": THREE},
            {**given, "sha256": "0" * 64},
        ):
            yield self._said(replace(whole, parameters=parameters))
        yield self._said(replace(whole, inputs=(TensorSpec("window", (64, 3)),)))
        yield self._said(replace(whole, inputs=(TensorSpec("window", (64,), "TYPE_FP64"),)))
        yield self._said(replace(whole, max_batch_size=0))
        yield self._said(replace(whole, outputs=whole.outputs[:1]))
        yield self._said(replace(whole, outputs=(TensorSpec("reconstruction", (32,)), *whole.outputs[1:])))
        yield self._said(replace(whole, inputs=(TensorSpec("window", (1, 64)),)))
        with self._model.open("r+b") as file:
            file.truncate(LARGEST_MODEL + 1)
        yield self._said()
        self._model.write_bytes(b"")
        empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        yield self._said(replace(whole, parameters={**given, "sha256": empty}))
        self._model.unlink()
        yield self._said()


def test_every_sentence_on_the_page_is_said(repository: Path) -> None:
    part = PAGE.partition("## What is refused")[2]
    rows = re.findall(r"^\| .+? \| (`.+`) \|$", part, re.MULTILINE)
    said = list(Broken(repository / "vae_timeseries").sentences())
    told = [one for row in rows for one in re.findall(r"`(.+?)`", row)]
    assert len(rows) == 15
    assert [one for one in told if not any(one in sentence for sentence in said)] == []
    assert [sentence for sentence in said if not any(one in sentence for one in told)] == []
