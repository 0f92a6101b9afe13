"""The one fault of ``sim:demo``: where it lies, how large it is, and what it touches."""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from simulator import Simulation, open_simulation
from simulator.faults import COMMISSIONING
from simulator.inject import OTHERS
from simulator.kinds import DRAWN
from telemetry import Channel, Injected
from telemetry.clock import SECOND, parse_iso

SEEDS = range(50)
START = parse_iso("2030-01-01T00:00:00Z")

Run = dict[str, tuple[Channel, npt.NDArray[np.float64]]]


def hour(source: Simulation, satellite: str) -> Run:
    parts: dict[str, list[npt.NDArray[np.float64]]] = {}
    channels = {}
    for frame in source.frames(threading.Event(), 3600 * SECOND):
        if frame.group.satellite == satellite:
            for channel, column in zip(frame.group.channels, frame.matrix().T, strict=True):
                parts.setdefault(channel.path, []).append(column)
                channels[channel.path] = channel
    return {path: (channels[path], np.concatenate(columns)) for path, columns in parts.items()}


@cache
def runs(seed: int) -> tuple[Injected, Run, Run]:
    """The fault, the failing satellite's hour with it, and the same without it."""
    demo = open_simulation(f"sim:demo?seed={seed}&satellites=1&duration=3600")
    quiet = open_simulation(f"sim:quiet?seed={seed}&satellites=1&duration=3600")
    (fault,) = demo.injected
    assert quiet.injected == ()
    return fault, hour(demo, fault.satellite), hour(quiet, fault.satellite)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_fault_lies_between_40_and_80_percent_of_the_first_hour(seed: int) -> None:
    fault, _, _ = runs(seed)
    assert START + 1440 * SECOND <= fault.start <= fault.visible < fault.end <= START + 2880 * SECOND
    assert fault.visible - fault.start < 60 * SECOND
    assert fault.kind in {kind.name for kind in DRAWN}


@pytest.mark.parametrize("seed", SEEDS)
def test_the_main_channel_departs_by_at_most_six_sigmas_and_clearly(seed: int) -> None:
    fault, touched, without = runs(seed)
    values, nominal = touched[fault.channels[0]][1], without[fault.channels[0]][1]
    sigma, mean = nominal[:COMMISSIONING].std(), nominal[:COMMISSIONING].mean()
    assert 2 <= np.abs(values - nominal).max() / sigma <= 6
    assert np.abs(values - mean).max() / sigma <= 6
    for samples in OTHERS:
        span = nominal[:samples]
        assert np.abs(values - span.mean()).max() / span.std() <= 6


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fault_touches_its_channels_only_and_only_while_it_lasts(seed: int) -> None:
    fault, touched, without = runs(seed)
    first, last = ((moment - START) // SECOND for moment in (fault.start, fault.end))
    for path, (channel, values) in touched.items():
        apart = np.abs(values - without[path][1])
        if len(values) == 3600:
            assert not apart[:first].any()
            assert not apart[last + 1 :].any()
        if path not in fault.channels and channel.span is not None:
            assert apart.max() < 0.02 * (channel.span[1] - channel.span[0])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plain_limit_does_not_catch_it(seed: int) -> None:
    _, touched, _ = runs(seed)
    for channel, values in touched.values():
        for limit in channel.limits:
            assert limit.low is None or values.min() >= limit.low, channel.key
            assert limit.high is None or values.max() <= limit.high, channel.key


def test_it_can_be_seen_first_when_it_leaves_the_noise() -> None:
    fault, touched, without = runs(7)
    moment = (fault.visible - START) // SECOND
    apart = {path: np.abs(values - without[path][1])[: moment + 1] for path, (_, values) in touched.items()}
    assert any(values[-1] > 0 and values[-1] == values.max() for values in apart.values())


def test_every_kind_of_fault_comes_up() -> None:
    kinds = {runs(seed)[0].kind for seed in SEEDS}
    assert kinds == {kind.name for kind in DRAWN}


def test_any_satellite_may_fail() -> None:
    failing = {open_simulation(f"sim:demo?seed={seed}").injected[0].satellite for seed in range(10)}
    assert failing == {"SAT-001", "SAT-002", "SAT-003"}


def test_the_fault_moves_with_the_start_and_stays_at_another_rate() -> None:
    (usual,) = open_simulation("sim:demo").injected
    (later,) = open_simulation("sim:demo?start=2031-01-01T00:00:00Z&rate=10").injected
    moved = parse_iso("2031-01-01T00:00:00Z") - START
    assert (later.satellite, later.channels, later.kind) == (usual.satellite, usual.channels, usual.kind)
    for one, other in ((later.start, usual.start), (later.end, usual.end), (later.visible, usual.visible)):
        assert one - moved == other
