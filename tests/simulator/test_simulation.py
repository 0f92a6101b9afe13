"""The fleet as a source: the same values however it is cut, in order, and nothing that a limit would catch."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import open_simulation
from simulator.catalogue import CONTACT
from telemetry import Channel, Frame, Severity
from telemetry.clock import SECOND, parse_iso

HOUR = 3600 * SECOND


def frames_of(spec: str, span: int = HOUR) -> list[Frame]:
    return list(open_simulation(spec).frames(threading.Event(), span))


def joined(frames: Iterable[Frame]) -> dict[str, list[npt.NDArray[np.generic]]]:
    """Per group: its times, then its columns, over all frames."""
    parts: dict[str, list[tuple[npt.NDArray[np.generic], ...]]] = {}
    for frame in frames:
        parts.setdefault(frame.group.key, []).append((frame.times, *frame.columns))
    return {key: [np.concatenate(arrays) for arrays in zip(*rows, strict=True)] for key, rows in parts.items()}


def channels_of(frames: Iterable[Frame]) -> dict[str, tuple[Channel, npt.NDArray[np.float64]]]:
    by_group: dict[str, list[Frame]] = {}
    for frame in frames:
        by_group.setdefault(frame.group.key, []).append(frame)
    out = {}
    for parts in by_group.values():
        matrix = np.concatenate([part.matrix() for part in parts])
        for i, channel in enumerate(parts[0].group.channels):
            out[channel.key] = (channel, matrix[:, i])
    return out


@settings(max_examples=15, deadline=None)
@given(
    scenario=st.sampled_from(["demo", "quiet", "load"]),
    seed=st.integers(0, 2**63 - 1),
    rate=st.sampled_from([0.7, 1, 4]),
    span=st.integers(40_000, 900_000_000),
)
def test_samples_do_not_depend_on_how_they_are_cut(scenario: str, seed: int, rate: float, span: int) -> None:
    channels = "&channels=12" if scenario == "load" else ""
    spec = f"sim:{scenario}?satellites=2&seed={seed}&rate={rate}&duration=700{channels}"
    whole, cut = joined(frames_of(spec)), joined(frames_of(spec, span))
    assert whole.keys() == cut.keys()
    for key, arrays in whole.items():
        for one, other in zip(arrays, cut[key], strict=True):
            assert one.dtype == other.dtype
            assert one.tobytes() == other.tobytes()


@settings(max_examples=15, deadline=None)
@given(rate=st.sampled_from([0.5, 1, 7, 100]), span=st.integers(10_000, 100_000_000))
def test_frames_are_short_and_in_the_order_of_time(rate: float, span: int) -> None:
    latest = -(2**62)
    for frame in frames_of(f"sim:demo?rate={rate}&duration=30&satellites=2", span):
        assert len(frame) > 0
        assert frame.times[-1] - frame.times[0] < span
        assert np.all(np.diff(frame.times) == frame.group.period)
        assert frame.times[0] > latest - span
        latest = max(latest, int(frame.times[0]))


def test_a_fleet_has_its_satellites_and_about_fifty_channels_each() -> None:
    source = open_simulation("sim:demo")
    assert (source.mode, source.origin, source.relative) == ("paced", "simulation", False)
    assert sorted({group.satellite for group in source.groups}) == ["SAT-001", "SAT-002", "SAT-003"]
    assert sum(len(group.channels) for group in source.groups) == 3 * 52
    assert len({group.key for group in source.groups}) == len(source.groups)
    keys = [channel.key for group in source.groups for channel in group.channels]
    assert len(set(keys)) == len(keys)
    for group in source.groups:
        assert group.period == SECOND
        assert group.orbit is not None
        assert 94 * 60 * SECOND <= group.orbit <= 96 * 60 * SECOND


def test_columns_have_the_type_of_their_channel_and_cannot_be_changed() -> None:
    kinds = {"f4": np.float32, "u8": np.uint64, "i8": np.int64, "i4": np.int32, "bool": np.bool_}
    seen = set()
    for frame in frames_of("sim:quiet?satellites=1&duration=600"):
        assert not frame.times.flags.writeable
        for channel, column in zip(frame.group.channels, frame.columns, strict=True):
            assert column.dtype == kinds[channel.type]
            assert not column.flags.writeable
            seen.add(channel.type)
    assert seen == set(kinds)


def test_a_run_begins_where_it_is_told_to() -> None:
    assert frames_of("sim:demo?duration=1")[0].times.tolist() == [parse_iso("2030-01-01T00:00:00Z")]
    assert frames_of("sim:demo?duration=1&start=2024-02-29T12:00:00Z")[0].times[0] == parse_iso("2024-02-29T12:00:00Z")
    now = 1_700_000_000_123_456
    source = open_simulation("sim:demo?start=now&duration=2", now=now)
    first = next(source.frames(threading.Event(), SECOND))
    assert first.times.tolist() == [1_700_000_000_000_000]


def test_the_values_do_not_depend_on_the_start_nor_on_how_many_satellites_fly() -> None:
    one = joined(frames_of("sim:quiet?satellites=1&duration=900"))
    more = joined(frames_of("sim:quiet?satellites=4&duration=900&start=2020-05-05T05:05:05Z"))
    for key, arrays in one.items():
        for mine, other in zip(arrays[1:], more[key][1:], strict=True):
            assert mine.tobytes() == other.tobytes()


def test_another_seed_is_another_run() -> None:
    one, other = (joined(frames_of(f"sim:quiet?satellites=1&duration=60&seed={seed}")) for seed in (1, 2))
    assert any(a.tobytes() != b.tobytes() for key in one for a, b in zip(one[key], other[key], strict=True))


def test_a_run_is_endless_until_it_is_stopped() -> None:
    stop = threading.Event()
    frames = open_simulation("sim:demo").frames(stop, 600 * SECOND)
    assert len(list(islice(frames, 200))) == 200
    stop.set()
    assert list(frames) == []


def test_a_duration_counts_samples_before_its_end() -> None:
    for spec, samples in (("duration=10", 10), ("duration=10.5", 11), ("duration=2&rate=10", 20)):
        assert sum(len(f) for f in frames_of(f"sim:demo?{spec}") if f.group.key == "SAT-001/eps") == samples


@pytest.mark.parametrize("options", ["duration=90", "duration=7.3&rate=2", "duration=0.1"])
def test_it_knows_its_last_sample(options: str) -> None:
    source = open_simulation(f"sim:load?channels=2&satellites=1&{options}")
    assert source.end == max(int(frame.times[-1]) for frame in source.frames(threading.Event(), SECOND))
    assert open_simulation("sim:load").end is None


def test_a_span_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="span"):
        next(open_simulation("sim:demo").frames(threading.Event(), 0))


@pytest.mark.parametrize("spec", ["quiet?seed=7", "quiet?seed=1&eclipse=36", "quiet?seed=3&eclipse=0", "demo?seed=5"])
def test_no_limit_is_crossed_and_no_span_is_left(spec: str) -> None:
    for channel, values in channels_of(frames_of(f"sim:{spec}&duration=12000")).values():
        for limit in channel.limits:
            assert limit.severity in (Severity.WARNING, Severity.CRITICAL)
            assert limit.low is None or values.min() >= limit.low, channel.key
            assert limit.high is None or values.max() <= limit.high, channel.key
        if channel.span is not None:
            room = 0.02 * (channel.span[1] - channel.span[0])
            assert channel.span[0] - room <= values.min(), channel.key
            assert values.max() <= channel.span[1] + room, channel.key


def test_the_link_is_heard_only_in_contact() -> None:
    frames = [f for f in frames_of("sim:quiet?satellites=1&duration=12600") if f.group.name == "contact"]
    assert {channel.path for channel in frames[0].group.channels} == set(CONTACT)
    times = np.concatenate([frame.times for frame in frames])
    passes = np.split(times, np.flatnonzero(np.diff(times) > SECOND) + 1)
    assert 3 <= len(passes) <= 8
    for one in passes[:-1]:
        assert 300 * SECOND < one[-1] - one[0] < 1200 * SECOND
    assert 400 * SECOND < passes[0][-1] - passes[0][0] < 540 * SECOND


def test_counters_wrap() -> None:
    _, values = channels_of(frames_of("sim:quiet?satellites=1&duration=300"))["SAT-001/comm/frame_counter"]
    assert set(np.diff(values)) == {5.0, -251.0}
    assert values.min() >= 0
    assert values.max() <= 255


def test_every_mode_has_a_name_and_comes_in_the_first_quarter_of_an_hour_or_so() -> None:
    mode, values = channels_of(frames_of("sim:quiet?satellites=1&duration=5400"))["SAT-001/obc/mode"]
    assert set(values) <= {code for code, _ in mode.states}
    assert set(values) == set(values[:1020])


def test_the_battery_gives_by_night_what_the_panels_bring_back_by_day() -> None:
    run = {key: values for key, (_, values) in channels_of(frames_of("sim:quiet?satellites=1&duration=5700")).items()}
    dark = run["SAT-001/eps/eclipse"] > 0
    current, charge = run["SAT-001/eps/battery_current"], run["SAT-001/eps/battery_charge"]
    assert 400 < dark.sum() < 700
    assert current[dark][30:-30].max() < -1.5, "in the penumbra the panels still give something"
    assert current[dark].mean() < -2
    assert abs(current.mean()) < 0.02
    assert charge[dark][-1] < charge[dark][0]
    panels = run["SAT-001/eps/array_current_y_plus"] + run["SAT-001/eps/array_current_y_minus"]
    assert np.median(panels[dark]) == pytest.approx(0, abs=0.05)
    # By day the panels carry the bus and the charge.
    day = panels[~dark][50:-50] - run["SAT-001/eps/bus_power"][~dark][50:-50] / 28 - current[~dark][50:-50]
    assert np.median(np.abs(day)) < 0.05
