"""The tensors of a model fit its contract and its file, or a sentence says which does not and how."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from detection.spec import Kind, WindowSpec
from inference import EngineError, ModelCard, ModelConfig, TensorSpec, open_engine, read_repository
from inference.tensors import FileTensor, check_config, check_file

Shape = tuple[int, ...]
THREE = ("*/eps/a", "*/eps/b", "SAT/eps/c")
SCORE = TensorSpec("score", (1,), reshape=())


def spec(kind: Kind = "reconstruction", channels: tuple[str, ...] = ("any",), window: int = 64) -> WindowSpec:
    return WindowSpec("m", "1", kind, window, 8, None, channels)


def config(takes: Shape, *outputs: TensorSpec, batch: int = 32) -> ModelConfig:
    return ModelConfig("m", "onnxruntime", batch, (TensorSpec("window", takes),), (*outputs, SCORE))


@pytest.mark.parametrize(
    ("channels", "takes"),
    [
        (("any",), (64,)),
        (("any",), (1, 64)),
        (("any",), (64, 1)),
        (("*/eps/a",), (64,)),
        (("*/eps/a",), (1, 64)),
        (THREE, (64, 3)),
        (THREE, (3, 64)),
    ],
)
def test_a_window_goes_in_as_time_alone_or_with_its_channels_on_either_side(
    channels: tuple[str, ...], takes: Shape
) -> None:
    told = TensorSpec("reconstruction", takes)
    assert check_config(config(takes, told), spec(channels=channels)) == ""
    free = replace(config((-1, *takes), TensorSpec("reconstruction", (-1, *takes)), batch=0))
    free = replace(free, outputs=(*free.outputs[:1], TensorSpec("score", (-1,))))
    assert check_config(free, spec(channels=channels)) == ""


@pytest.mark.parametrize(
    ("channels", "takes", "says"),
    [
        (("any",), (32,), "its input [32] is not one channel of 64 samples"),
        (("any",), (-1,), "its input [-1] is not one channel of 64 samples"),
        (("any",), (64, 3), "and with channels any it takes one"),
        (("any",), (8, 8), "is not one channel of 64 samples"),
        (THREE, (64,), "its input [64] is not 64 samples of 3 channels"),
        (THREE, (64, 4), "its input [64, 4] is not 64 samples of 3 channels"),
        (THREE, (1, 64, 3), "is not 64 samples of 3 channels"),
    ],
)
def test_another_input_is_said(channels: tuple[str, ...], takes: Shape, says: str) -> None:
    assert says in check_config(config(takes), spec(channels=channels))


def test_as_many_samples_as_channels_could_be_read_both_ways() -> None:
    assert "does not say which of its sizes" in check_config(config((3, 3)), spec(channels=THREE, window=3))


@pytest.mark.parametrize(
    ("kind", "channels", "takes", "told", "says"),
    [
        ("reconstruction", ("any",), (64,), (1, 64), ""),
        ("reconstruction", ("any",), (64,), (32,), "its output reconstruction [32] is not the 64 samples"),
        ("reconstruction", THREE, (64, 3), (3, 64), "its output reconstruction [3, 64] is not the 64 samples"),
        ("forecast", ("any",), (64,), (8,), ""),
        ("forecast", ("any",), (1, 64), (20,), ""),
        ("forecast", ("any",), (64,), (7,), "its output forecast [7] is not 8 steps (its stride) or more"),
        ("forecast", THREE, (64, 3), (8, 3), ""),
        ("forecast", THREE, (3, 64), (3, 9), ""),
        ("forecast", THREE, (3, 64), (9, 3), "its output forecast [9, 3] is not 8 steps"),
        ("forecast", THREE, (64, 3), (8,), "its output forecast [8] is not 8 steps"),
        ("score", ("any",), (64,), (5,), ""),
    ],
)
def test_what_is_called_as_the_kind_fits_the_input(
    kind: Kind, channels: tuple[str, ...], takes: Shape, told: Shape, says: str
) -> None:
    outputs = () if kind == "score" else (TensorSpec(kind, told),)
    found = check_config(config(takes, *outputs), spec(kind, channels))
    assert (says in found) if says else (found == "")


def test_every_tensor_is_of_float32_and_of_windows_together() -> None:
    plain = config((64,))
    double = replace(plain, inputs=(TensorSpec("window", (64,), "TYPE_FP64"),))
    assert check_config(double, spec()) == "its tensor window is TYPE_FP64, and every one must be TYPE_FP32"
    whole = replace(plain, outputs=(TensorSpec("score", (1,), "TYPE_INT64"),))
    assert "its tensor score is TYPE_INT64" in check_config(whole, spec())
    assert "its tensor window has no free batch dimension" in check_config(config((1, 64), batch=0), spec())


def test_there_is_one_number_a_window() -> None:
    several = replace(config((64,)), outputs=(TensorSpec("score", (64,)),))
    assert check_config(several, spec()) == "its output score gives [64] a window, not one number"
    none = replace(config((64,)), outputs=(TensorSpec("reconstruction", (64,)),))
    assert check_config(none, spec()) == "it has no output called score (it has reconstruction)"


CARD = ModelCard("m", "1", Path("m.onnx"), spec(), "", "window", (64,), ("reconstruction", "score"), 32, ((64,), ()))
INPUT = FileTensor("window", "tensor(float)", ("batch", 64))
OUTPUTS = (FileTensor("reconstruction", "tensor(float)", ("batch", 64)), FileTensor("score", "tensor(float)", (None,)))


def test_a_file_that_is_as_its_config_says_fits() -> None:
    assert check_file(CARD, [INPUT], OUTPUTS) == ""
    assert check_file(CARD, [INPUT], [*OUTPUTS, FileTensor("more", "tensor(int64)", ())]) == ""
    assert check_file(CARD, [replace(INPUT, shape=("n", "w"))], OUTPUTS) == "", "a size that is free takes any"


@pytest.mark.parametrize(
    ("inputs", "outputs", "says"),
    [
        ([], OUTPUTS, "it takes nothing and not window"),
        ([INPUT, replace(INPUT, name="more")], OUTPUTS, "it takes window, more and not window"),
        ([replace(INPUT, name="x")], OUTPUTS, "it takes x and not window"),
        ([INPUT], OUTPUTS[:1], "it gives reconstruction and no score"),
        ([INPUT], [], "it gives nothing and no reconstruction, score"),
        ([replace(INPUT, type="tensor(double)")], OUTPUTS, "its tensor window is tensor(double), not of float32"),
        ([INPUT], [OUTPUTS[0], replace(OUTPUTS[1], type="tensor(int64)")], "its tensor score is tensor(int64)"),
        ([replace(INPUT, shape=(1, 64))], OUTPUTS, "its tensor window [1, 64] has no free batch dimension"),
        ([INPUT], [OUTPUTS[0], replace(OUTPUTS[1], shape=())], "its tensor score [] has no free batch dimension"),
        ([replace(INPUT, shape=("n", 128))], OUTPUTS, "its tensor window is [128] a window, not [64]"),
        ([replace(INPUT, shape=("n", 1, 64))], OUTPUTS, "its tensor window is [1, 64] a window, not [64]"),
        ([INPUT], [OUTPUTS[0], replace(OUTPUTS[1], shape=("n", 1))], "its tensor score is [1] a window, not []"),
    ],
)
def test_a_file_that_is_not_is_said(inputs: list[FileTensor], outputs: list[FileTensor], says: str) -> None:
    assert says in check_file(CARD, inputs, outputs)


def test_a_real_file_is_held_to_its_config_when_it_is_loaded(shipped: Path) -> None:
    card = read_repository(shipped).select(["vae_timeseries"])[0]
    assert card.output_shapes == ((64,), ())
    open_engine("embedded", [card]).close()
    for changed, says in (
        (replace(card, input_name="x"), "it takes window and not x"),
        (replace(card, output_names=("score", "forecast"), output_shapes=((), ())), "no forecast"),
        (replace(card, input_shape=(1, 64)), r"not \[1, 64\]"),
    ):
        with pytest.raises(EngineError, match=says):
            open_engine("embedded", [changed])
