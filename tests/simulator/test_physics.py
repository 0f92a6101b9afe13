"""What holds in every run of the fleet: energy, heat, light, counters, modes; and that the sky is the real one."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import open_simulation, thermal
from simulator.attitude import in_body
from simulator.catalogue import MODES
from simulator.chance import SEEDS, Floats
from simulator.leg import LEG
from simulator.physics import Course
from simulator.power import BATTERY, BUS, FULL
from simulator.readings import COUNTER
from simulator.schedule import DAY, Schedule
from simulator.sky import shadow_depth, sidereal, sun_direction, sunlight
from simulator.spacecraft import BLOCK, Spacecraft
from simulator.spans import crossings, edges_of, inside
from telemetry.clock import SECOND

PINNED = {
    "sim:quiet?seed=7&duration=3600": "024598283a00a890",
    "sim:tumbling?seed=7&satellites=2&duration=7200": "7a2df22267bbb7f9",
}
"""The first digits of the SHA-256 of such a run, group by group: the same on every machine."""

seeds = st.integers(0, SEEDS - 1)
satellites = st.integers(0, 63)


def measured(craft: Spacecraft, first: int, blocks: int) -> dict[str, Floats]:
    parts = [craft.values(block) for block in range(first, first + blocks)]
    return {path: np.concatenate([part[path] for part in parts]) for path in craft.paths}


@settings(max_examples=6, deadline=None)
@given(seed=seeds, eclipse=st.sampled_from([None, 0.0, 900.0, 2100.0]), orbit=st.integers(0, 3))
def test_what_the_panels_bring_goes_to_the_loads_and_into_the_battery(
    seed: int, eclipse: float | None, orbit: int
) -> None:
    run = measured(Spacecraft(seed, 0, SECOND, eclipse), 11 * orbit, 11)
    craft = Spacecraft(seed, 0, SECOND, eclipse)
    plus, minus = (run[path] - craft.offset(path) for path in (f"eps/array_current_y_{s}" for s in ("plus", "minus")))
    panels = plus + minus
    flow, charge = run["eps/battery_current"] - craft.offset("eps/battery_current"), run["eps/battery_charge"]
    stored = run["eps/battery_voltage"] * flow
    # Around nothing the panels' sensors show no less, so that their noise brings them up by a thousandth or two.
    assert panels.mean() * BUS == pytest.approx((run["eps/bus_power"] + stored).mean(), abs=0.15)
    gained = (charge[-1] - charge[0]) / FULL * BATTERY.capacity
    assert flow.sum() / 3600 == pytest.approx(gained, abs=0.04)
    assert (charge >= 40).all()


@settings(max_examples=3, deadline=None)
@given(seed=seeds, eclipse=st.sampled_from([None, 0.0, 2160.0]))
def test_every_temperature_stays_where_it_belongs_for_two_days(seed: int, eclipse: float | None) -> None:
    craft = Spacecraft(seed, 1, SECOND, eclipse)
    spans = {
        "panel_plus": (-62, 80),
        "panel_minus": (-62, 80),
        "structure": (5, 30),
        "battery": (9.5, 20),
        "radiator": (-15, 15),
        "tank": (19, 21),
        "transmitter": (10, 50),
        **{f"wheel_{n}": (12, 35) for n in (1, 2, 3)},
    }
    assert spans.keys() == set(thermal.NODES)
    for number in range(int(2 * DAY / LEG)):
        leg = craft.course.leg(number)
        for name, (low, high) in spans.items():
            values = leg.grid[leg.rows.index(name)]
            assert low <= values.min() and values.max() <= high, (name, number)


def test_a_heater_is_on_below_its_thermostat_and_off_above_it() -> None:
    leg = Course(7, 0).leg(0)
    on, celsius = leg.heating[0], leg.grid[leg.rows.index("tank"), :-1]
    switched = np.flatnonzero(on[1:] != on[:-1]) + 1
    assert 6 <= len(switched) <= 20, "kilograms of fuel take minutes"
    ups, downs = celsius[switched[on[switched]]], celsius[switched[~on[switched]]]
    assert ups.max() < downs.min()
    assert np.ptp(ups) < 0.05 and np.ptp(downs) < 0.05
    low, high = thermal.BATTERY_THERMOSTAT.low, thermal.BATTERY_THERMOSTAT.high
    warmth = leg.grid[leg.rows.index("battery"), :-1]
    assert not leg.heating[1][warmth > high].any() and leg.heating[1][warmth < low].all()


@settings(max_examples=8, deadline=None)
@given(seed=seeds, satellite=satellites)
def test_a_panel_gives_nothing_in_full_shadow_and_the_battery_carries_the_loads(seed: int, satellite: int) -> None:
    craft = Spacecraft(seed, satellite, SECOND)
    run = measured(craft, 0, 2)
    t = np.arange(2 * BLOCK, dtype=np.float64)
    full = craft.course.leg(0).at(t)["depth"] < -1
    begin, end = craft.orbit.eclipse
    assert full.sum() > 350
    for side in ("plus", "minus"):
        current = run[f"eps/array_current_y_{side}"][full]
        # The sensor's own: the same few milliamperes all the time.
        assert np.abs(current - craft.offset(f"eps/array_current_y_{side}")).max() < 0.05
        assert 0 <= current.mean() < 0.04 and np.ptp(current) < 0.06
    assert np.abs(run["eps/battery_current"] * run["eps/battery_voltage"] + run["eps/bus_power"])[full].max() < 5
    # Planned on a circle for 60 to 130 s; SGP4 moves it by a second or two.
    assert 55 <= begin <= 135 and 440 <= end - begin <= 690
    np.testing.assert_array_equal(run["eps/eclipse"] > 0, craft.course.leg(0).at(t)["depth"] < 0)


@settings(max_examples=8, deadline=None)
@given(seed=seeds, satellite=satellites)
def test_all_that_is_regular_is_seen_in_the_first_seventeen_minutes(seed: int, satellite: int) -> None:
    course = Course(seed, satellite)
    leg = course.leg(0)
    begin, end = next(one for one in leg.contacts.reshape(-1, 2) if one[0] > 0)
    assert 200 <= begin <= 460 and end <= 1000
    first = course.schedule.first
    assert course.orbit.eclipse[1] < 800 and first + course.schedule.length < 950
    assert set(range(1, 7)) <= set(measured(Spacecraft(seed, satellite, SECOND), 0, 2)["obc/last_command"][:1000])


@settings(max_examples=4, deadline=None)
@given(seed=seeds, blocks=st.lists(st.integers(0, 120), min_size=2, max_size=4, unique=True))
def test_a_block_is_the_same_whatever_was_asked_for_before_it(seed: int, blocks: list[int]) -> None:
    craft = Spacecraft(seed, 2, SECOND)
    there = [craft.values(block) for block in blocks]
    other = Spacecraft(seed, 2, SECOND)
    other.course = Course(seed, 2)  # nothing solved yet
    for block, values in sorted(zip(blocks, there, strict=True), key=lambda one: -one[0]):
        again = other.values(block)
        assert all(again[path].tobytes() == values[path].tobytes() for path in craft.paths)


def test_the_course_goes_on_smoothly_from_leg_to_leg() -> None:
    course = Course(3, 0)
    for one, other in pairwise(course.leg(number) for number in range(4)):
        assert one.rows == other.rows
        np.testing.assert_allclose(one.grid[:, -1], other.grid[:, 0], rtol=1e-9, atol=1e-9)


def _rare(kind: str) -> tuple[Spacecraft, float]:
    """A satellite that has such an event within three days, and when."""
    for index in range(200):
        schedule = Schedule(1, index, 0.0, 1.0, 350.0)
        found = {
            "manoeuvre": [begin for begin, _ in schedule.manoeuvres(0, 3 * DAY)],
            "reset": schedule.resets(0, 3 * DAY),
        }
        if found[kind]:
            return Spacecraft(1, index, SECOND, own_rates=True), found[kind][0]
    raise AssertionError("none within three days")


def test_every_mode_and_every_telecommand_is_reached() -> None:
    modes: set[float] = set()
    commands: set[float] = set()
    around: dict[str, dict[str, Floats]] = {}
    for kind in ("manoeuvre", "reset"):
        craft, moment = _rare(kind)
        run = around[kind] = measured(craft, int(moment) // BLOCK - 1, 5)
        modes |= set(run["obc/mode"])
        commands |= set(run["obc/last_command"])
    usual = measured(Spacecraft(1, 0, SECOND), 0, 2)
    assert modes | set(usual["obc/mode"]) == {float(code) for code, _ in MODES}
    assert commands | set(usual["obc/last_command"]) >= set(range(1, 9))
    assert around["manoeuvre"]["propulsion/fuel_mass"][-1] < around["manoeuvre"]["propulsion/fuel_mass"][0]
    assert around["manoeuvre"]["propulsion/tank_pressure"][-300:].mean() > 15


def test_a_reset_starts_the_uptime_again_and_is_counted() -> None:
    craft, moment = _rare("reset")
    first = int(moment) // BLOCK - 1
    run = measured(craft, first, 4)
    at = int(np.ceil(moment)) - first * BLOCK
    uptime, resets = run["obc/uptime"], run["obc/resets"]
    assert uptime[at] == 0 and (np.diff(uptime[at:]) == 1).all()
    assert resets[at] == (resets[at - 1] + 1) % 256
    assert craft.rarities(moment - 1, moment + 1)[0][0] == "computer reset"


@settings(max_examples=6, deadline=None)
@given(seed=seeds, satellite=satellites, block=st.integers(0, 60))
def test_counters_step_as_they_should_and_wrap(seed: int, satellite: int, block: int) -> None:
    run = measured(Spacecraft(seed, satellite, SECOND), block, 2)
    assert set(np.diff(run["comm/frame_counter"]) % 256) == {5.0}
    assert set(np.diff(run["obc/uptime"]) % COUNTER) == {1.0}
    steps = np.diff(run["obc/command_counter"]) % COUNTER
    assert set(steps) <= {0.0, 1.0, 2.0} and steps.sum() >= 2
    changed = np.diff(run["obc/last_command"]) != 0
    assert not (changed & (steps == 0)).any()
    for name, top in (("comm/frame_counter", 256), ("obc/uptime", COUNTER), ("obc/command_counter", COUNTER)):
        assert run[name].min() >= 0 and run[name].max() < top


def test_the_uptime_wraps() -> None:
    craft = Spacecraft(7, 0, SECOND)
    now = craft.values(0)["obc/uptime"][0]
    run = measured(craft, int(COUNTER - now) // BLOCK, 1)["obc/uptime"]
    assert {1.0, 1.0 - COUNTER} == set(np.diff(run))


def digest_of(spec: str) -> str:
    digest = hashlib.sha256()
    for frame in open_simulation(spec).frames(threading.Event(), 3600 * SECOND):
        digest.update(frame.group.key.encode())
        for column in frame.columns:
            digest.update(column.astype(column.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()[:16]


@pytest.mark.parametrize("spec", PINNED)
def test_the_same_seed_gives_the_same_bytes_on_every_machine(spec: str) -> None:
    assert digest_of(spec) == PINNED[spec]


def test_a_processor_without_wide_instructions_gives_the_same_bytes() -> None:
    spec = "sim:quiet?seed=7&duration=3600"
    # Names of numpy from 2.4 on, and those before; what it does not know it only warns of.
    without = "X86_V3 X86_V4 AVX512F AVX512CD AVX512_SKX AVX2 FMA3"
    program = f"from tests.simulator.test_physics import digest_of; print(digest_of({spec!r}))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | {"NPY_DISABLE_CPU_FEATURES": without},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == PINNED[spec]


def test_a_day_from_the_start_is_there_in_two_seconds_and_an_hour_runs_a_thousand_times_as_fast_as_it_is() -> None:
    began = time.process_time()
    for index in range(3):
        Spacecraft(8_888, index, SECOND).values(int(DAY) // BLOCK)
    assert time.process_time() - began < 2
    began = time.process_time()
    for frame in open_simulation("sim:quiet?seed=8889&duration=3600").frames(threading.Event(), 60 * SECOND):
        assert len(frame)
    assert time.process_time() - began < 3.6


def test_channels_can_have_rates_of_their_own() -> None:
    source = open_simulation("sim:quiet?seed=4&satellites=1&duration=12000&rates=own")
    times: dict[str, list[npt.NDArray[np.int64]]] = {}
    for frame in source.frames(threading.Event(), 100 * SECOND):
        times.setdefault(frame.group.name, []).append(frame.times)
    periods = {group.name: group.period for group in source.groups}
    assert {periods[name] for name in ("gyros", "aocs", "eps", "payload", "thermal")} == {
        *(SECOND // 10, SECOND // 2, SECOND, 5 * SECOND, 10 * SECOND),
    }
    missing = 0
    for name, parts in times.items():
        period = periods[name]
        moments = np.concatenate(parts)
        steps = moments[1:] - moments[:-1]
        assert period is not None and (steps > 0).all() and (steps % period == 0).all()
        if name != "contact":
            assert np.median(steps) == period and (steps > period).mean() < 0.01
            missing += int((steps > period).sum())
    assert 0 < missing < 60, "a packet is lost now and then"


def test_the_sun_and_the_earth_stand_where_the_almanac_has_them() -> None:
    """Vallado, Fundamentals of Astrodynamics, examples 5-1 and 3-5."""
    sun = sun_direction(np.array([2453827.5 - 2451545.0]))[0]
    expected = np.array([146_186_212.0, 28_788_976.0, 12_481_064.0])
    np.testing.assert_allclose(sun, expected / np.linalg.norm(expected), atol=2e-4)
    days = 2448855.009722 - 2451545.0
    assert np.degrees(sidereal(np.array([days])))[0] == pytest.approx(152.57879, abs=2e-3)


def test_light_fades_from_the_first_touch_of_the_limb_to_the_last() -> None:
    light = sunlight(np.linspace(-2, 2, 401))
    assert (np.diff(light) >= 0).all()
    assert light[0] == light[100] == 0 and light[-1] == light[300] == 1
    assert light[200] == pytest.approx(0.5)
    behind = shadow_depth(np.array([[-6900.0, 0.0, 0.0], [6900.0, 0.0, 0.0]]), np.array([[1.0, 0, 0], [1.0, 0, 0]]))
    assert behind[0] < -200 and behind[1] > 300


def test_body_axes_face_the_sun_and_keep_lengths() -> None:
    rng = np.random.default_rng(1)
    sun = rng.standard_normal((20, 3))
    sun /= np.linalg.norm(sun, axis=1, keepdims=True)
    body = in_body(sun, sun)
    np.testing.assert_allclose(body, np.tile([0.0, 0.0, 1.0], (20, 1)), atol=1e-12)
    other = rng.standard_normal((20, 3))
    np.testing.assert_allclose(np.linalg.norm(in_body(other, sun), axis=1), np.linalg.norm(other, axis=1))


def test_spans_are_joined_where_they_meet_and_found_where_a_level_is_above_nothing() -> None:
    edges = edges_of([(5.0, 6.0), (1.0, 2.0), (1.5, 3.0), (3.0, 4.0), (9.0, 9.0)])
    assert edges.tolist() == [1.0, 4.0, 5.0, 6.0]
    assert inside(edges, np.array([0.0, 1.0, 3.9, 4.0, 5.5, 6.0])).tolist() == [False, True, True, False, True, False]
    assert crossings(np.arange(4.0), np.array([1.0, -1.0, -1.0, 3.0])) == [(0.0, 0.5), (2.25, 3.0)]
