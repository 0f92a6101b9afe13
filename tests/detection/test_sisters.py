"""A channel is compared with those that do the same: what is less than all of them is said, once."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event as Flag
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import SISTERS, Event, Judge
from detection.levels import Levels
from detection.sisters import Sisters
from simulator import open_simulation
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND

STEP = 20
HOURS = 3
N = HOURS * 3600 // STEP
PANELS = ("panel_x_plus", "panel_x_minus", "panel_y_plus", "panel_y_minus", "panel_z_plus")
Matrix = npt.NDArray[np.float64]


def frame(
    values: Matrix,
    names: Sequence[str] = PANELS,
    unit: str = "mV",
    satellite: str = "SAT",
    times: npt.NDArray[np.int64] | None = None,
) -> Frame:
    """A frame from (n, channels) values, a sample each 20 s."""
    channels = tuple(Channel(satellite, "eps", name, unit) for name in names)
    moments = np.arange(len(values), dtype=np.int64) * STEP * SECOND if times is None else times
    return Frame(Group(satellite, "eps", channels), moments, tuple(np.ascontiguousarray(values.T)))


def compared(frames: Iterable[Frame]) -> list[Event]:
    """What the sisters alone lead to, without the rest of the judge; by satellite and start."""
    sisters, levels, told = Sisters(count(1)), dict[str, Levels](), dict[int, Event]()
    for one in frames:
        key = one.group.key
        if key not in levels:
            levels[key] = Levels(len(one.group.channels))
            sisters.meet(one.group, levels[key])
        levels[key].take(one.times, one.matrix().T)
    told.update((event.key, event) for event in sisters.finish())
    return sorted(told.values(), key=lambda event: (event.satellite, event.start))


def light(n: int = N) -> Matrix:
    """(n, 1) millivolts of a panel through eclipses of half an hour."""
    dark = np.arange(n)[:, None] * STEP % 5400 < 1800
    return np.where(dark, 1300.0, 5000.0)


def panels(seed: int = 1, members: int = 5, n: int = N) -> Matrix:
    """(n, members) voltages of panels that turn in the light, a few per cent apart."""
    rng = np.random.default_rng(seed)
    turning = 1 + 0.05 * np.sin(np.arange(n)[:, None] / 3 + rng.uniform(0, 6, members))
    return light(n) * turning * rng.uniform(0.98, 1.02, members) + 5 * rng.standard_normal((n, members))


def test_a_panel_that_failed_before_the_recording_began_is_one_event() -> None:
    x = panels()
    x[:, 1] *= 0.31
    (event,) = compared([frame(x)])
    assert event.model == SISTERS and event.severity == "watch" and not event.open
    assert [channel.name for channel in event.channels] == ["eps/panel_x_minus"]
    assert "reaches 0.3" in event.reason and event.reason.endswith("of what its 4 sisters do")
    assert event.start < 2 * 3600 * SECOND and event.end // SECOND >= N * STEP - 300


def test_it_ends_when_the_difference_ends() -> None:
    x = panels()
    x[: N // 2, 1] *= 0.3
    (event,) = compared([frame(x)])
    assert N // 2 * STEP - 600 <= event.end // SECOND <= N // 2 * STEP + 2400, "the panel is dark for half an hour"


@given(
    common=st.lists(st.one_of(st.floats(60, 100), st.floats(-100, -60)), min_size=2, max_size=12),
    members=st.integers(3, 7),
    seed=st.integers(0, 99),
    low=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_a_healthy_family_is_silent_and_a_member_at_half_level_never_is(
    common: list[float], members: int, seed: int, low: bool
) -> None:
    rng = np.random.default_rng(seed)
    signal = np.interp(np.arange(N), np.linspace(0, N, len(common)), common)[:, None]
    x = signal * (1 + 0.02 * rng.standard_normal((N, members)))
    odd = int(rng.integers(members))
    if low:
        x[:, odd] *= 0.5
    found = compared([frame(x, [f"cell_{i}" for i in range(members)], "V")])
    assert [share.name for event in found for share in event.channels] == [f"eps/cell_{odd}"] * low


@given(order=st.permutations(range(5)), scale=st.sampled_from([1e-6, 0.03, 7.0, 1e9]))
@settings(max_examples=10, deadline=None)
def test_neither_the_order_of_members_nor_their_unit_matters(order: list[int], scale: float) -> None:
    x = panels()
    x[:, 2] *= 0.4
    whole = compared([frame(x)])
    assert len(whole) == 1
    other = compared([frame(x[:, order] * scale, [PANELS[i] for i in order])])
    assert [(e.start, e.end, e.reason) for e in other] == [(e.start, e.end, e.reason) for e in whole]
    assert other[0].score == pytest.approx(whole[0].score)


def test_missing_values_and_gaps_change_nothing_in_what_is_found() -> None:
    x, rng = panels(), np.random.default_rng(2)
    x[rng.random(x.shape) < 0.3] = np.nan
    x[150:200] = np.nan
    times = np.arange(N, dtype=np.int64) * STEP * SECOND
    times[400:] += 3600 * SECOND
    assert compared([frame(x, times=times)]) == []
    x[:, 0] *= 0.5
    (event,) = compared([frame(x, times=times)])
    assert event.channels[0].name == "eps/panel_x_plus"


@pytest.mark.parametrize("step", [1, 90, 600])
def test_slow_and_fast_channels_are_compared_alike(step: int) -> None:
    x = np.repeat(panels(n=600), 20, axis=0) if step == 1 else panels(n=600)
    times = np.arange(len(x), dtype=np.int64) * step * SECOND
    assert compared([frame(x, times=times)]) == []
    x[:, 3] *= 0.4
    (event,) = compared([frame(x, times=times)])
    assert event.channels[0].name == "eps/panel_y_minus"


def test_a_member_that_vanishes_is_no_difference_and_the_others_are_compared_on() -> None:
    x = panels()
    x[60:, 4] = np.nan
    assert compared([frame(x)]) == []
    x[:, 0] *= 0.5
    (event,) = compared([frame(x)])
    assert event.reason.endswith("of what its 3 sisters do")


def test_spikes_hide_nothing_and_are_nothing() -> None:
    x = panels()
    x[40, 3] = 9e4
    assert compared([frame(x)]) == []
    x[:, 3] *= 0.4
    x[40, 3] = 9e4
    assert len(compared([frame(x)])) == 1


@pytest.mark.parametrize("together", [True, False])
def test_wheels_are_compared_where_the_others_move_together(together: bool) -> None:
    t = np.arange(N)[:, None] * STEP
    phase = 0 if together else np.arange(4) * 1.5
    x = 3000 + 2000 * np.sin(t / 2000 + phase) + 5 * np.random.default_rng(3).standard_normal((N, 4))
    names = [f"wheel_{i}_speed" for i in (1, 2, 3, 4)]
    assert compared([frame(x, names, "rpm")]) == []
    x[:, 3] *= 0.5
    assert len(compared([frame(x, names, "rpm")])) == together


def test_members_that_never_send_at_the_same_time_are_not_compared() -> None:
    x = np.full((N, 4), np.nan)
    blocks = np.arange(N) * STEP // 300
    for i in range(4):
        x[blocks % 4 == i, i] = (50 + 40 * np.sin(blocks / 5) - 40 * (i == 3))[blocks % 4 == i]
    x += np.random.default_rng(3).standard_normal((N, 4))
    assert compared([frame(x, [f"wheel_{i}_speed" for i in (1, 2, 3, 4)], "rpm")]) == []


def test_two_that_fail_one_after_the_other_are_both_named() -> None:
    x = panels()
    x[:, 0] *= 0.4
    x[N // 3 :, 1] *= 0.4
    names = {share.name for event in compared([frame(x)]) for share in event.channels}
    assert names == {"eps/panel_x_plus", "eps/panel_x_minus"}


@pytest.mark.parametrize(
    ("names", "unit", "levels"),
    [
        (["wheel_1_speed", "wheel_2_speed", "wheel_3_speed", "wheel_4_speed"], "rpm", [2500, 2510, 2490, 90]),
        (["bus_1_voltage", "bus_2_voltage", "bus_3_voltage"], "V", [28, 12, 5]),
        (["magnetometer_x", "magnetometer_y", "magnetometer_z"], "nT", [40e3, 41e3, 15e3]),
        (["panel_x_plus", "panel_y_plus", "panel_x_minus", "panel_z_plus"], "mA", [400, 405, 395, 60]),
        (["panel_1_temperature", "panel_2_temperature", "panel_3_temperature"], "°C", [20, 21, 5]),
        (["heater_1_current", "heater_2_current", "heater_3_current"], "A", [0.5, 0.5, 0.0]),
    ],
    ids=["spare wheel", "rails", "vector", "face away from the sun", "cool place", "heater off"],
)
def test_what_differs_by_design_is_silent(names: list[str], unit: str, levels: list[float]) -> None:
    noise = 1 + 0.01 * np.random.default_rng(1).standard_normal((N, len(levels)))
    assert compared([frame(np.array(levels) * noise, names, unit)]) == []


def test_a_sensor_that_stands_still_beside_others_that_move_is_told() -> None:
    rng = np.random.default_rng(4)
    x = np.array([20.0, -5.0, 31.0]) + np.round(rng.standard_normal((N, 3)), 1)
    names = [f"panel_{i}_temperature" for i in (1, 2, 3)]
    assert compared([frame(x, names, "°C")]) == []
    x[:, 1] = -4.5
    (event,) = compared([frame(x, names, "°C")])
    assert event.reason == "eps/panel_2_temperature: stands still at -4.5 while its 2 sisters move"
    x[:, 2] = 31.0
    assert compared([frame(x, names, "°C")]) == [], "the others must move"


def fleet(factor: float) -> list[Frame]:
    """Three satellites whose orbits are not in step; on the second, one wing gives ``factor`` of the others."""
    frames = []
    for i in range(3):
        x = np.roll(panels(seed=i, members=2), 80 * i, axis=0)
        x[:, 0] *= factor if i == 1 else 1.0
        frames.append(frame(x, ["array_y_plus", "array_y_minus"], "A", f"SAT-{i}"))
    return frames


def test_satellites_are_compared_with_each_other() -> None:
    assert compared(fleet(1.0)) == []
    (event,) = compared(fleet(0.3))
    assert event.satellite == "SAT-1" and event.reason.endswith("of what its 5 sisters in the fleet do")


def judged(frames: Sequence[Frame], sizes: Sequence[int]) -> list[Event]:
    """Events of sisters of the whole judge; frames in parts of these sizes, in the order in which parts begin."""
    parts = []
    for one in frames:
        at, turn = 0, 0
        while at < len(one):
            parts.append(one.part(at, at + sizes[turn % len(sizes)]))
            at, turn = at + sizes[turn % len(sizes)], turn + 1
    judge, told = Judge([], lambda model, windows: None), dict[int, Event]()
    for part in sorted(parts, key=lambda part: (int(part.times[0]), part.group.key)):
        told.update((event.key, event) for event in judge.feed(part).events)
    told.update((event.key, event) for event in judge.drain().events)
    events = [replace(event, key=0) for event in told.values() if event.model == SISTERS]
    return sorted(events, key=lambda event: (event.satellite, event.start))


@settings(max_examples=4, deadline=None)
@given(sizes=st.lists(st.integers(5, 200), min_size=1, max_size=6))
def test_however_the_stream_is_cut_events_are_the_same(sizes: list[int]) -> None:
    frames = fleet(0.3)
    # One of the three sends nothing for an hour, another falls silent for good.
    gone = replace(frames[2], times=frames[2].times + (np.arange(N) > 200) * 3600 * SECOND)
    frames = [frames[0], frames[1], gone, frame(panels(9)[:400], satellite="SAT-3")]
    whole = compared(frames)
    assert [event.satellite for event in whole] == ["SAT-1"]
    assert [replace(event, key=0) for event in whole] == judged(frames, [N]) == judged(frames, sizes)


def test_a_clock_that_is_set_back_begins_anew() -> None:
    x = panels()
    x[:, 0] *= 0.4
    judge, told = Judge([], lambda model, windows: None), dict[int, Event]()
    late = np.arange(N, dtype=np.int64) * STEP * SECOND + 40 * 3600 * SECOND
    for one in (frame(x, times=late), frame(x)):
        told.update((event.key, event) for event in judge.feed(one).events)
    told.update((event.key, event) for event in judge.drain().events)
    starts = sorted(event.start for event in told.values() if event.model == SISTERS)
    assert len(starts) == 2 and starts[1] - starts[0] == 40 * 3600 * SECOND


def simulated(tmp_path: Path, seed: int, text: str) -> list[Event]:
    scenario = tmp_path / "one.toml"
    scenario.write_text(f'[fleet]\nsatellites = 3\nduration = "2 h"\n{text}')
    simulation = open_simulation(f"sim:{scenario}?rate=0.2&seed={seed}")
    found = compared(simulation.frames(Flag(), 3600 * SECOND))
    injected = {(one.satellite, one.channels[0]) for one in simulation.injected}
    assert {(event.satellite, event.channels[0].name) for event in found} <= injected, "and nothing else"
    return found


@pytest.mark.parametrize("seed", range(2))
def test_a_dead_panel_of_a_simulated_fleet_is_found_and_a_quiet_fleet_is_silent(tmp_path: Path, seed: int) -> None:
    (event,) = simulated(tmp_path, seed, '[[faults]]\nkind = "panel_dead"\nat = 0\n')
    assert event.channels[0].name == "eps/array_current_y_plus"
    assert simulated(tmp_path, seed, "") == []


def session(real_data: Path, number: int) -> dict[str, Matrix]:
    with (real_data / "birds" / "nepalisat.csv").open() as file:
        rows = list(csv.DictReader(file))
    name = list(dict.fromkeys(row["session"] for row in rows))[number]
    columns = [column for column in rows[0] if column not in ("session", "t")]
    return {column: np.array([float(row[column]) for row in rows if row["session"] == name]) for column in columns}


@pytest.mark.parametrize("number", range(3))
def test_a_real_cubesat_is_silent_until_one_of_its_panels_fails(real_data: Path, number: int) -> None:
    healthy = session(real_data, number)

    def found(columns: dict[str, Matrix]) -> list[Any]:
        x = np.stack(list(columns.values()), axis=1)
        times = np.arange(len(x), dtype=np.int64) * 5 * SECOND
        return [
            share.name for event in compared([frame(x, list(columns), "", times=times)]) for share in event.channels
        ]

    assert found(healthy) == []
    for panel in ("Vpy", "Vpx", "Vmz", "Vmx", "Vpz"):
        assert found({**healthy, panel: healthy[panel] * 0.57}) == [f"eps/{panel}"]
