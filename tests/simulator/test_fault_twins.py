"""Each kind of fault beside its twin: the same run without it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from simulator import Simulation, open_simulation
from simulator.catalogue import measurements
from simulator.faults import COMMISSIONING, Kind, Way
from simulator.kinds import EVENTS, FAULTS, names
from telemetry import Channel, Injected
from telemetry.clock import SECOND, parse_iso

START = parse_iso("2030-01-01T00:00:00Z")
RUN, ONSET, LENGTH = 3000, 1500, 1200  # seconds
KINDS = (*FAULTS, *EVENTS)
IDS = [f"{kind.name}-{kind.main}" for kind in KINDS]
STRONG = [kind for kind in KINDS if kind.strength is not None]
HIDDEN = [kind for kind in KINDS if kind.hidden]

Values = npt.NDArray[np.float64]
Run = dict[str, tuple[Channel, npt.NDArray[np.int64], Values]]


def run_of(source: Simulation) -> Run:
    """Path to channel, times and values, NaN where a value is missing."""
    parts: dict[str, list[tuple[npt.NDArray[np.int64], Values]]] = {}
    channels = {}
    for frame in source.frames(threading.Event(), RUN * SECOND):
        for channel, column in zip(frame.group.channels, frame.matrix().T, strict=True):
            parts.setdefault(channel.path, []).append((frame.times, column))
            channels[channel.path] = channel
    joined = {path: [np.concatenate(arrays) for arrays in zip(*rows, strict=True)] for path, rows in parts.items()}
    return {path: (channels[path], times, values) for path, (times, values) in joined.items()}


Fly = Callable[..., tuple[Injected, Run]]


@pytest.fixture(scope="module")
def fly(tmp_path_factory: pytest.TempPathFactory) -> Fly:
    """The label and the run of one kind alone on one satellite, each flown once."""
    folder = tmp_path_factory.mktemp("scenarios")

    @cache
    def flown(kind: Kind, seed: int, strength: float | None = None) -> tuple[Injected, Run]:
        source = opened(scenario(folder / "one.toml", kind, strength), seed)
        (label,) = source.injected
        return label, run_of(source)

    return flown


def scenario(path: Path, kind: Kind, strength: float | None = None) -> Path:
    table = "events" if kind.nominal else "faults"
    lines = [
        f"[[{table}]]",
        f'kind = "{kind.name}"',
        f'channel = "{kind.main}"',
        f"at = {ONSET}",
        f"for = {LENGTH}",
    ]
    asked = [] if strength is None else [f"strength = {strength}"]
    path.write_text("\n".join([*lines, *asked]) + "\n", encoding="utf-8")
    return path


def opened(path: Path, seed: int) -> Simulation:
    return open_simulation(f"sim:{path}?satellites=1&duration={RUN}&seed={seed}")


@cache
def twin(seed: int, duration: int = RUN) -> Run:
    return run_of(open_simulation(f"sim:quiet?satellites=1&duration={duration}&seed={seed}"))


def test_there_are_at_least_16_kinds_of_fault_and_4_of_them_hide() -> None:
    assert len(names(FAULTS)) >= 16
    assert len(HIDDEN) >= 4
    assert not set(names(FAULTS)) & set(names(EVENTS))


def test_every_channel_of_a_kind_is_one_of_a_satellite() -> None:
    paths = {measurement.channel.path for measurement in measurements("SAT-001")}
    assert {path for kind in KINDS for path in (kind.main, *(effect.path for effect in kind.others))} <= paths


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_outside_its_time_and_its_channels_the_run_is_its_twin_bit_for_bit(kind: Kind, fly: Fly) -> None:
    label, touched = fly(kind, 1)
    assert label.channels[0] == kind.main
    assert (label.start, label.end) == (START + ONSET * SECOND, START + (ONSET + LENGTH) * SECOND)
    for path, (_, times, values) in touched.items():
        _, same_times, nominal = twin(1)[path]
        assert times.tobytes() == same_times.tobytes()
        outside = (times < label.start) | (times > label.end)
        assert values[outside].tobytes() == nominal[outside].tobytes(), path
        if path in label.channels:
            assert values.tobytes() != nominal.tobytes(), path
        else:
            assert values.tobytes() == nominal.tobytes(), path


@pytest.mark.parametrize("kind", KINDS, ids=IDS)
def test_it_can_be_seen_from_the_first_moment_above_noise_and_quantum(kind: Kind, fly: Fly) -> None:
    label, touched = fly(kind, 1)
    instruments = {m.channel.path: m for m in measurements(label.satellite)}
    surely, perhaps = [], []
    for path, (_, times, values) in touched.items():
        nominal, instrument = twin(1)[path][2], instruments[path]
        apart, threshold = np.abs(values - nominal), max(instrument.noise, instrument.quantum)
        apart[np.isnan(values)] = np.inf
        # A difference of exactly the threshold may be above or below it by the last bit of a float.
        bit = 1e-3 * instrument.quantum + 1e-6
        surely += times[apart > threshold + bit][:1].tolist()
        perhaps += times[apart > max(threshold - bit, 0)][:1].tolist()
    assert min(perhaps) <= label.visible <= min(surely)


@pytest.mark.parametrize(("share", "seed"), [(None, 1), (0.7, 2)])
@pytest.mark.parametrize("kind", STRONG, ids=[f"{kind.name}-{kind.main}" for kind in STRONG])
def test_it_is_as_strong_as_asked(kind: Kind, share: float | None, seed: int, fly: Fly) -> None:
    assert kind.strength is not None
    asked = kind.strength if share is None else round(kind.strength * share, 2)
    label, touched = fly(kind, seed) if share is None else fly(kind, seed, asked)
    values, nominal = touched[kind.main][2], twin(seed)[kind.main][2]
    reached = float(np.abs(values - nominal).max() / nominal[:COMMISSIONING].std())
    assert reached == pytest.approx(asked, rel=0.1)
    assert label.strength == pytest.approx(reached, rel=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", HIDDEN, ids=[kind.name for kind in HIDDEN])
def test_a_hidden_fault_leaves_no_nominal_range(kind: Kind, seed: int, fly: Fly) -> None:
    label, touched = fly(kind, seed)
    nominal = twin(seed, 12_000)
    for path in label.channels:
        channel, _, values = touched[path]
        _, _, usual = nominal[path]
        assert usual.min() <= values.min(), path
        assert values.max() <= usual.max(), path
        if channel.span is not None:
            # Around 0 an instrument's noise goes below what can be.
            room = 0.02 * (channel.span[1] - channel.span[0])
            assert channel.span[0] - room <= values.min(), path
            assert values.max() <= channel.span[1] + room, path


@pytest.mark.parametrize("kind", HIDDEN, ids=[kind.name for kind in HIDDEN])
def test_a_hidden_fault_can_be_seen_between_channels(kind: Kind, fly: Fly) -> None:
    label, touched = fly(kind, 1)
    assert label.strength is not None
    assert label.visible < label.end
    _, _, values = touched[kind.main]
    noise = next(m.noise for m in measurements(label.satellite) if m.channel.path == kind.main)
    assert np.abs(values - twin(1)[kind.main][2]).max() > 10 * noise


@pytest.mark.parametrize("kind", [k for k in KINDS if k.way in (Way.SPIKE, Way.MISS)], ids=lambda kind: kind.name)
def test_the_same_seed_gives_the_same_fault_and_another_seed_another(kind: Kind, tmp_path: Path) -> None:
    path = scenario(tmp_path / "one.toml", kind)
    one, same, other = (opened(path, seed) for seed in (5, 5, 6))
    assert one.injected == same.injected
    first, again = run_of(one), run_of(same)
    assert all(first[p][2].tobytes() == again[p][2].tobytes() for p in first)
    departs = [run_of(source)[kind.main][2] != twin(seed)[kind.main][2] for source, seed in ((one, 5), (other, 6))]
    assert not np.array_equal(departs[0], departs[1])


def test_a_value_that_is_missing_is_no_sample_of_any_type(tmp_path: Path) -> None:
    kind = next(kind for kind in FAULTS if kind.name == "dropouts" and kind.main.startswith("eps"))
    source = opened(scenario(tmp_path / "one.toml", kind), 5)
    counted = sum(f.count() for f in source.frames(threading.Event(), 60 * SECOND) if f.group.name == "eps")
    touched = {path: values for path, (_, _, values) in run_of(source).items() if path.startswith("eps/")}
    gaps = np.isnan(touched["eps/battery_voltage"])
    assert 20 <= gaps.sum() <= LENGTH / 2
    for values in touched.values():
        assert np.array_equal(np.isnan(values), gaps)
    assert counted == len(touched) * (RUN - gaps.sum())


@pytest.mark.parametrize("kind", EVENTS, ids=names(EVENTS))
def test_a_nominal_event_is_labelled_as_such_and_crosses_no_limit(kind: Kind, fly: Fly) -> None:
    label, touched = fly(kind, 1)
    assert label.category == "nominal"
    for channel, _, values in touched.values():
        for limit in channel.limits:
            assert limit.low is None or values.min() >= limit.low, channel.key
            assert limit.high is None or values.max() <= limit.high, channel.key


def test_a_fault_is_the_same_at_every_rate(tmp_path: Path) -> None:
    path = scenario(tmp_path / "one.toml", next(kind for kind in FAULTS if kind.name == "sensor_stuck"))
    labels: list[Injected] = []
    held = []
    for rate in (0.5, 1, 4):
        source = open_simulation(f"sim:{path}?satellites=1&duration=2000&rate={rate}")
        labels += source.injected
        _, times, values = run_of(source)[source.injected[0].channels[0]]
        held.append(set(values[times >= source.injected[0].start]))
    assert labels[0] == labels[1] == labels[2]
    assert held[0] == held[1] == held[2]
    assert len(held[0]) == 1
