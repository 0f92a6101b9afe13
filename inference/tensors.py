"""Whether the tensors of a model fit what it says of itself: those of its config, of its file, of a request. Pure.

A window of W samples of C channels goes in as [B,W,C] or [B,C,W], of one channel as [B,W] too. Out come [B,H],
[B,H,C] or [B,C,H], and a score a window as [B]; a model that stores the places of its channels takes [B,W,C] and gives
a score a channel, [B,C]. B is free: windows of many channels are scored together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from detection.spec import WindowSpec
from inference.card import ModelCard
from inference.config import ModelConfig, TensorSpec
from inference.errors import EngineError

SCORE = "score"
"""The output that is asked for."""
_FLOAT = ("TYPE_FP32", "tensor(float)")


@dataclass(frozen=True, slots=True)
class FileTensor:
    """A tensor as the model's file has it: ``shape`` with the batch dimension, a size that is free as a word."""

    name: str
    type: str
    shape: tuple[int | str | None, ...]


def row_shape(tensor: TensorSpec, config: ModelConfig) -> tuple[int, ...]:
    """The shape of one window's part of a tensor of ``config``, without the batch dimension."""
    return tensor.shape if config.max_batch_size else tensor.shape[1:]


def check_config(config: ModelConfig, spec: WindowSpec) -> str:
    """What is wrong with the inputs and outputs of a config, as the middle of a sentence; empty: nothing."""
    if len(config.inputs) != 1 or not config.outputs:
        return f"it has {len(config.inputs)} inputs and {len(config.outputs)} outputs, not one and some"
    for tensor in (*config.inputs, *config.outputs):
        if tensor.data_type not in _FLOAT:
            return f"its tensor {tensor.name} is {tensor.data_type}, and every one must be TYPE_FP32"
        if not config.max_batch_size and tensor.shape[:1] != (-1,):
            return (
                f"its tensor {tensor.name} has no free batch dimension (max_batch_size is 0 and its first size is not "
                "-1), and windows are scored together"
            )
    takes = row_shape(config.inputs[0], config)
    problem = _check_input(takes, spec)
    outputs = {one.name: row_shape(one, config) for one in config.outputs}
    if not problem and SCORE not in outputs:
        problem = f"it has no output called {SCORE} (it has {', '.join(outputs)})"
    elif not problem and spec.places:
        if takes != (spec.window, len(spec.channels)) or outputs[SCORE] != takes[1:]:
            problem = (
                f"its input {list(takes)} and output {SCORE} {list(outputs[SCORE])} are not {spec.window} samples of "
                f"{len(spec.channels)} channels and one number for each"
            )
    elif not problem and outputs[SCORE] not in ((), (1,)):
        problem = f"its output {SCORE} gives {list(outputs[SCORE])} a window, not one number"
    return problem or _check_told(takes, outputs.get(spec.kind), spec)


def _check_input(takes: tuple[int, ...], spec: WindowSpec) -> str:
    width, count = spec.window, len(spec.channels)
    if spec.channels == ("any",):
        if takes not in ((width,), (1, width), (width, 1)):
            return f"its input {list(takes)} is not one channel of {width} samples, and with channels any it takes one"
    elif takes not in ((width, count), (count, width), *([(width,)] if count == 1 else [])):
        return f"its input {list(takes)} is not {width} samples of {count} channels"
    elif width == count:
        return (
            f"its input {list(takes)} does not say which of its sizes are the samples: take a window of another length"
        )
    return ""


def _check_told(takes: tuple[int, ...], told: tuple[int, ...] | None, spec: WindowSpec) -> str:
    """What is wrong with the output that is called as the kind, where there is one."""
    if told is None or spec.kind == SCORE:
        return ""
    steps = _steps(told, takes, spec)
    if spec.kind == "reconstruction" and steps != spec.window:
        return f"its output reconstruction {list(told)} is not the {spec.window} samples of its input {list(takes)}"
    if spec.kind == "forecast" and (steps is None or steps < spec.stride):
        return f"its output forecast {list(told)} is not {spec.stride} steps (its stride) or more of the same channels"
    return ""


def _steps(told: tuple[int, ...], takes: tuple[int, ...], spec: WindowSpec) -> int | None:
    """How many samples of each channel an output has; None where it is not of the channels of the input."""
    if len(spec.channels) == 1:
        return math.prod(told) if sum(size != 1 for size in told) <= 1 else None
    time = takes.index(spec.window)
    return told[time] if len(told) == len(takes) and told[1 - time] == takes[1 - time] else None


def check_file(card: ModelCard, inputs: Sequence[FileTensor], outputs: Sequence[FileTensor]) -> str:
    """What in a model's file is not as its config says, as the middle of a sentence; empty: nothing."""
    given = {one.name: one for one in outputs}
    if [one.name for one in inputs] != [card.input_name]:
        return f"it takes {', '.join(one.name for one in inputs) or 'nothing'} and not {card.input_name}"
    missing = [name for name in card.output_names if name not in given]
    if missing:
        return f"it gives {', '.join(given) or 'nothing'} and no {', '.join(missing)}"
    expected = [(inputs[0], card.input_shape)]
    expected += [(given[name], shape) for name, shape in zip(card.output_names, card.output_shapes, strict=True)]
    for tensor, shape in expected:
        if tensor.type not in _FLOAT:
            return f"its tensor {tensor.name} is {tensor.type}, not of float32"
        if not tensor.shape or isinstance(tensor.shape[0], int):
            return f"its tensor {tensor.name} {list(tensor.shape)} has no free batch dimension"
        sizes = tensor.shape[1:]
        fits = len(sizes) == len(shape) and all(
            size == want for size, want in zip(sizes, shape, strict=True) if isinstance(size, int)
        )
        if not fits:
            return f"its tensor {tensor.name} is {list(sizes)} a window, not {list(shape)}"
    return ""


def check_request(card: ModelCard, shape: tuple[int, ...], outputs: Sequence[str]) -> None:
    """Whether a loaded model takes a batch of ``shape`` and gives ``outputs``. Raises EngineError."""
    if shape[1:] != card.input_shape or not shape[0]:
        raise EngineError(f"The model {card.name} takes windows of shape {card.input_shape}, not {shape[1:]}.")
    for name in outputs:
        if name not in card.output_names:
            raise EngineError(f'The model {card.name} has no output "{name}".')
