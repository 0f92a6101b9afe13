"""The model contract: what the ``parameters`` of a config must say before a model is fed. Pure; any thread."""

from __future__ import annotations

import math
from collections.abc import Callable

from detection.spec import Kind, WindowSpec
from inference.config import ModelConfig
from inference.errors import EngineError
from telemetry.clock import SECOND

LONGEST_WINDOW = 65_536
_REQUIRED = ("kind", "window", "stride", "sample_period", "channels", "scaling", "sha256")
_KINDS: dict[str, Kind] = {"reconstruction": "reconstruction", "forecast": "forecast", "score": "score"}
_SCALINGS = ("commissioning",)
_Wrong = Callable[[str], EngineError]


def window_spec(config: ModelConfig, name: str, version: str) -> WindowSpec:
    """The model contract of a config. Raises EngineError for what is missing, unknown or not yet scored here."""

    def wrong(what: str) -> EngineError:
        return EngineError(f"The model {name} cannot be used: {what}; correct its config.pbtxt or leave it out.")

    given = config.parameters
    missing = [key for key in _REQUIRED if not given.get(key, "").strip()]
    if missing:
        raise EngineError(
            f"The model {name} does not say how it is fed (no parameter {', '.join(missing)} in config.pbtxt): "
            "add what is missing, or leave the model out."
        )
    kind = _KINDS.get(given["kind"])
    if kind is None:
        raise wrong(f'its kind "{given["kind"]}" is none of {", ".join(_KINDS)}')
    if given["scaling"] not in _SCALINGS:
        raise wrong(f'its scaling "{given["scaling"]}" is not one of {", ".join(_SCALINGS)}')
    window = _count(given["window"], LONGEST_WINDOW)
    stride = _count(given["stride"], LONGEST_WINDOW)
    if window is None or stride is None or stride > window:
        raise wrong(f'its window "{given["window"]}" and stride "{given["stride"]}" are not sample counts')
    channels = tuple(part.strip() for part in given["channels"].split(",") if part.strip())
    if channels != ("any",):
        raise wrong(f'it takes the channels "{given["channels"]}" together, and only "any" is scored yet')
    _check_tensors(config, window, wrong)
    return WindowSpec(
        name, version, kind, window, stride, _period(given["sample_period"], wrong), channels, given["scaling"]
    )


def _check_tensors(config: ModelConfig, window: int, wrong: _Wrong) -> None:
    if len(config.inputs) != 1 or not config.outputs:
        raise wrong(f"it has {len(config.inputs)} inputs and {len(config.outputs)} outputs, not one and some")
    if any(one.data_type != "TYPE_FP32" for one in (*config.inputs, *config.outputs)):
        raise wrong("its inputs and outputs are not all TYPE_FP32")
    dims = config.inputs[0].dims if config.max_batch_size else config.inputs[0].dims[1:]
    if not dims or min(dims) < 1 or math.prod(dims) != window:
        raise wrong(f"its input {list(config.inputs[0].dims)} is not one channel of {window} samples")
    names = [one.name for one in config.outputs]
    if "score" not in names:
        raise wrong(f"it has no output called score (it has {', '.join(names)})")


def _period(text: str, wrong: _Wrong) -> int | None:
    if text == "native":
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1e-6 <= seconds <= 1e9:
        raise wrong(f'its sample_period "{text}" is neither native nor a number of seconds')
    return round(seconds * SECOND)


def _count(text: str, largest: int) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= largest else None
