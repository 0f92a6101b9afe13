"""Small telemetry for the judge, and a way to watch it: made in memory, from seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from detection import DetectionSettings, Event, Judge, WindowSpec
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND

Matrix = npt.NDArray[np.float64]


def score_at_once(model: str, windows: npt.NDArray[np.float32]) -> Future[npt.NDArray[np.float32]]:
    """A model that is done before it is asked again: how far the newest 8 samples lie from the window's middle."""
    future: Future[npt.NDArray[np.float32]] = Future()
    future.set_result(np.abs(windows[:, -8:] - np.median(windows, axis=1, keepdims=True)).mean(axis=1))
    return future


@pytest.fixture
def quick() -> DetectionSettings:
    """Commissioned after 300 samples instead of 1,000, so that tests are short."""
    return DetectionSettings(fits=(100, 300), arm_after=300, history=1024)


@pytest.fixture
def calm() -> Callable[..., Matrix]:
    """(n, channels) of cycles with noise that differ from channel to channel and never do anything odd."""

    def make(n: int, channels: int = 3, seed: int = 1) -> Matrix:
        rng = np.random.default_rng(seed)
        t = np.arange(n)[:, None]
        cycle = np.sin(2 * np.pi * (t / rng.uniform(40, 90, channels) + rng.random(channels)))
        return 20.0 + cycle + 0.05 * rng.standard_normal((n, channels))

    return make


@pytest.fixture
def frame() -> Callable[..., Frame]:
    """A frame of a group "SAT/g" at 1 Hz from (n, channels) values; ``start`` in samples."""

    def make(values: Matrix, start: int = 0, group: Group | None = None, times: Any = None) -> Frame:
        group = group or Group("SAT", "g", tuple(Channel("SAT", "", f"c{i}") for i in range(values.shape[1])), SECOND)
        moments = (start + np.arange(len(values))) * SECOND if times is None else times
        return Frame(group, np.asarray(moments, dtype=np.int64), tuple(np.ascontiguousarray(values.T)))

    return make


@pytest.fixture
def events() -> Callable[..., list[Event]]:
    """The events that frames lead to, as they are in the end, by start."""

    def watch(
        frames: Sequence[Frame],
        settings: DetectionSettings | None = None,
        specs: Sequence[WindowSpec] = (),
        submit: Any = score_at_once,
    ) -> list[Event]:
        judge = Judge(specs, submit, settings)
        told: dict[int, Event] = {}
        for one in frames:
            told.update((event.key, event) for event in judge.feed(one).events)
        told.update((event.key, event) for event in judge.drain().events)
        assert not any(event.open for event in told.values())
        return sorted(told.values(), key=lambda event: (event.start, event.model))

    return watch
