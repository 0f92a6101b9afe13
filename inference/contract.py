"""The model contract: what the ``parameters`` of a config must say before a model is fed. Pure; any thread.

``docs/model-contract.md`` tells it to whoever brings a model; a test holds the two together.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence

from detection.spec import Kind, Place, WindowSpec
from inference.config import ModelConfig
from inference.errors import EngineError
from inference.tensors import check_config
from telemetry.clock import SECOND

LONGEST_WINDOW = 65_536
MOST_CHANNELS = 1024
PERIODS_S = (0.001, 86_400.0)
"""Shortest and longest step of a grid, seconds."""
ANY = "any"
NATIVE = "native"
KINDS: dict[str, Kind] = {"reconstruction": "reconstruction", "forecast": "forecast", "score": "score"}
STORED = "stored"
SCALINGS = ("commissioning", STORED)
PARAMETERS: dict[str, str] = {
    "kind": " or ".join(f"`{kind}`" for kind in KINDS),
    "window": f"samples of the grid, 2 to {LONGEST_WINDOW}",
    "stride": "samples from one window to the next, 1 to `window`",
    "sample_period": f"`{NATIVE}` or seconds, {PERIODS_S[0]:g} to {PERIODS_S[1]:g}",
    "channels": f"`{ANY}`, or 1 to {MOST_CHANNELS} patterns parted by commas",
    "scaling": " or ".join(f"`{scaling}`" for scaling in SCALINGS),
    "sha256": "of the model file, 64 hexadecimal digits",
}
"""Every parameter, and what it takes. All are required."""
PLACES = ("location", "scale", "usual", "lasting", "periods")
"""Required too where ``scaling`` is stored, a number a channel: ``detection.spec.Place``, its step in seconds."""

_PATTERN = re.compile(r"[^/\s]+(/[^/\s]+){1,2}")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


def window_spec(config: ModelConfig, name: str, version: str) -> WindowSpec:
    """The model contract of a config. Raises EngineError for the first thing that is missing, unknown or absurd."""

    def wrong(what: str) -> EngineError:
        return EngineError(f"The model {name} cannot be used: {what}; correct its config.pbtxt or leave it out.")

    given = {key: value.strip() for key, value in config.parameters.items()}
    missing = [key for key in PARAMETERS if not given.get(key)]
    if missing:
        raise EngineError(
            f"The model {name} does not say how it is fed (no parameter {', '.join(missing)} in config.pbtxt"
            f"{_misspelt(missing, given)}): add what is missing, or leave the model out."
        )
    kind = KINDS.get(given["kind"])
    if kind is None:
        raise wrong(f'its kind "{given["kind"]}" is none of {", ".join(KINDS)}')
    if given["scaling"] not in SCALINGS:
        raise wrong(f'its scaling "{given["scaling"]}" is not one of {", ".join(SCALINGS)}')
    window = _count(given["window"], 2, LONGEST_WINDOW)
    if window is None:
        raise wrong(f'its window "{given["window"]}" is not a number of samples from 2 to {LONGEST_WINDOW:,}')
    stride = _count(given["stride"], 1, window)
    if stride is None:
        raise wrong(f'its stride "{given["stride"]}" is not a number of samples from 1 to its window of {window}')
    period = _period(given["sample_period"], wrong)
    channels = _channels(given["channels"], wrong)
    if _DIGEST.fullmatch(given["sha256"]) is None:
        raise wrong(f'its sha256 "{given["sha256"][:80]}" is not 64 hexadecimal digits')
    places: tuple[Place, ...] = ()
    if given["scaling"] == STORED:
        if channels == (ANY,) or period is None:
            raise wrong(f"its scaling is {STORED}, which takes channel patterns and a sample_period in seconds")
        places = _places(given, len(channels), wrong)
    spec = WindowSpec(name, version, kind, window, stride, period, channels, given["scaling"], places)
    problem = check_config(config, spec)
    if problem:
        raise wrong(problem)
    return spec


def stored(places: Sequence[Place]) -> dict[str, str]:
    """The parameters that ``places`` are read back from."""
    columns = zip(
        *((one.location, one.scale, one.usual, one.lasting, one.step / SECOND) for one in places), strict=True
    )
    return {key: ",".join(f"{value!r}" for value in column) for key, column in zip(PLACES, columns, strict=True)}


def _places(given: dict[str, str], count: int, wrong: Callable[[str], EngineError]) -> tuple[Place, ...]:
    columns = []
    for key in PLACES:
        try:
            column = [float(text) for text in given.get(key, "").split(",")]
        except ValueError:
            column = []
        if len(column) != count or not all(math.isfinite(value) for value in column):
            raise wrong(
                f'its parameter {key} "{given.get(key, "")[:80]}" is not one number for each of {count} channels'
            )
        columns.append(column)
    places = tuple(Place(a, b, c, d, round(e * SECOND)) for a, b, c, d, e in zip(*columns, strict=True))
    if any(one.scale <= 0 or min(one.usual, one.lasting) < 0 or one.step < 1 for one in places):
        raise wrong("a scale or a step of its channels is not above 0, or what is usual is below it")
    return places


def _misspelt(missing: list[str], given: dict[str, str]) -> str:
    """What was perhaps meant by a parameter that the contract does not know."""
    for key in sorted(given.keys() - PARAMETERS.keys()):
        near = difflib.get_close_matches(key, missing, n=1, cutoff=0.7)
        if near:
            return f', and "{key}" is none: did you mean {near[0]}?'
    return ""


def _count(text: str, least: int, most: int) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    return number if least <= number <= most else None


def _period(text: str, wrong: Callable[[str], EngineError]) -> int | None:
    if text == NATIVE:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    shortest, longest = PERIODS_S
    if not shortest <= seconds <= longest:
        raise wrong(f'its sample_period "{text}" is neither {NATIVE} nor seconds from {shortest:g} to {longest:,.0f}')
    return round(seconds * SECOND)


def _channels(text: str, wrong: Callable[[str], EngineError]) -> tuple[str, ...]:
    channels = tuple(part.strip() for part in text.split(","))
    if channels == (ANY,):
        return channels
    if ANY in channels:
        raise wrong(
            f'its channels "{text[:80]}" say {ANY} beside others, which is either one channel at a time or these'
        )
    for pattern in channels:
        if _PATTERN.fullmatch(pattern) is None:
            raise wrong(
                f'its channel pattern "{pattern[:80]}" does not name satellite and channel, '
                "such as */eps/battery_voltage"
            )
    twice = next((one for one in channels if channels.count(one) > 1), None)
    if twice is not None:
        raise wrong(f'it names the channel pattern "{twice}" twice')
    if len(channels) > MOST_CHANNELS:
        raise wrong(f"it takes {len(channels):,} channels together, and {MOST_CHANNELS:,} are the most")
    return channels
