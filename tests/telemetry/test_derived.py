"""Derived channels are groups of a source like any other, the same however the source cuts its frames."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry import Channel, Frame, Group, ListSource, Quality, Source
from telemetry.clock import SECOND
from telemetry.derived import Definition, Derived

POWER = Definition("*/eps/power", "battery_voltage * battery_current", "W", "Power of the battery")
HEAT = Definition("*/thermal/margin", "temperature - mean('eps/battery_current', 4 s)", "K")
SPAN = 5 * SECOND


def groups(satellite: str = "SAT") -> tuple[Group, Group]:
    eps = tuple(Channel(satellite, "eps", name) for name in ("battery_voltage", "battery_current"))
    return Group(satellite, "eps", eps, SECOND), Group(
        satellite, "thermal", (Channel(satellite, "thermal", "temperature"),), 2 * SECOND
    )


def telemetry(n: int = 40) -> list[Frame]:
    eps, thermal = groups()
    rng = np.random.default_rng(3)
    volts, amps, kelvin = rng.normal(28, 1, n), rng.normal(2, 1, n), rng.normal(290, 3, n // 2)
    amps[5:8] = np.nan
    times = np.arange(n) * SECOND
    return [Frame(eps, times, (volts, amps)), Frame(thermal, times[: 2 * len(kelvin) : 2] + 300, (kelvin,))]


def cut(frames: list[Frame], sizes: list[int]) -> list[Frame]:
    """Each frame in parts shorter than ``SPAN``, in the order in which the parts begin."""
    parts = []
    for frame in frames:
        at, turn = 0, 0
        while at < len(frame):
            to = at + sizes[turn % len(sizes)]
            parts.append(frame.part(at, to))
            at, turn = to, turn + 1
    return sorted(parts, key=lambda part: (int(part.times[0]), part.group.key))


def derived(frames: list[Frame], *definitions: Definition, span: int = SPAN) -> dict[str, tuple[Any, Any]]:
    source: Source = Derived(ListSource(frames), definitions)
    told: dict[str, list[Frame]] = {}
    for frame in source.frames(threading.Event(), span):
        told.setdefault(frame.group.key, []).append(frame)
    return {
        key: (np.concatenate([f.times for f in parts]), np.concatenate([f.columns[0] for f in parts]))
        for key, parts in told.items()
    }


def test_a_derived_channel_is_in_a_group_of_the_satellite_and_says_what_it_is() -> None:
    source = Derived(ListSource(telemetry()), [POWER])
    made = source.groups[-1]
    assert [group.key for group in source.groups] == ["SAT/eps", "SAT/thermal", "SAT/eps.derived"]
    (channel,) = made.channels
    assert (channel.key, channel.unit, made.period) == ("SAT/eps/power", "W", SECOND)
    assert channel.description == "Power of the battery (derived: battery_voltage * battery_current)"
    assert source.notes == []


def test_its_values_are_computed_at_the_times_of_its_group() -> None:
    eps = telemetry()[0]
    times, power = derived(telemetry(), POWER)["SAT/eps.derived"]
    np.testing.assert_array_equal(times, eps.times)
    np.testing.assert_array_equal(power, np.multiply(eps.columns[0], eps.columns[1]))
    assert np.isnan(power[5:8]).all()


def test_a_value_of_another_group_is_held_from_its_time_on() -> None:
    warm = Definition("SAT/eps/warm", "battery_voltage * 0 + 'thermal/temperature'")
    eps, thermal = telemetry()
    _, warmth = derived([eps, thermal], warm, span=3600 * SECOND)["SAT/eps.derived"]
    assert np.isnan(warmth[0])  # the first temperature comes 300 us later
    np.testing.assert_array_equal(warmth[1:], np.repeat(thermal.columns[0], 2)[: len(warmth) - 1])


def test_invalid_and_late_values_are_no_values() -> None:
    eps, _ = groups()
    flags = np.array([0, Quality.INVALID, Quality.LATE, 0], dtype=np.uint8)
    frame = Frame(eps, np.arange(4) * SECOND, (np.ones(4), np.ones(4)), (None, flags))
    _, power = derived([frame], POWER)["SAT/eps.derived"]
    assert np.isnan(power).tolist() == [False, True, True, False]


def test_a_clock_that_is_set_back_begins_anew() -> None:
    step = Definition("*/eps/step", "previous(battery_voltage)")
    eps, _ = groups()
    volts = np.arange(3.0)
    frames = [Frame(eps, (start + np.arange(3)) * SECOND, (volts, volts)) for start in (1000, 0)]
    _, before = derived(frames, step)["SAT/eps.derived"]
    np.testing.assert_equal(before, [np.nan, 0, 1, np.nan, 0, 1])


def test_what_cannot_be_made_is_said_and_the_rest_is_made() -> None:
    source = Derived(
        ListSource(telemetry()),
        [
            Definition("*/eps/a", "nothing + 1"),
            Definition("*/eps/b", "1 + 1"),
            Definition("*/eps/battery_voltage", "battery_current"),
            Definition("OTHER/eps/c", "nothing"),
            POWER,
        ],
    )
    assert source.notes == [
        "SAT/eps/a is not derived: there is no channel nothing.",
        "SAT/eps/b is not derived: its expression names no channel.",
        "SAT/eps/battery_voltage is not derived: there is a channel of that name already.",
    ]
    assert [channel.path for channel in source.groups[-1].channels] == ["eps/power"]


@settings(deadline=None, max_examples=50)
@given(sizes=st.lists(st.integers(1, 2), min_size=1, max_size=6))
def test_however_the_source_cuts_its_frames_the_same_values_come(sizes: list[int]) -> None:
    definitions = POWER, HEAT, Definition("*/eps/mixed", "rate('thermal/temperature') + battery_voltage")
    one, other = (derived(cut(telemetry(), each), *definitions) for each in (sizes, [2]))
    assert one.keys() == other.keys() and len(one) == 4
    for key, (times, values) in one.items():
        np.testing.assert_array_equal(times, other[key][0])
        np.testing.assert_array_equal(values, other[key][1])


def test_a_group_that_falls_silent_does_not_hold_the_others_back() -> None:
    eps, thermal = telemetry()
    source = Derived(
        ListSource(cut([eps, thermal.part(0, 2)], [2])),
        [HEAT, Definition("*/eps/w", "battery_voltage + 'thermal/temperature'")],
    )
    seen: dict[str, int] = {}
    lag = []
    for frame in source.frames(threading.Event(), SPAN):
        seen[frame.group.name] = int(frame.times[-1])
        lag.append(seen["eps"] - seen.get("eps.derived", 0))
    assert max(lag) <= 2 * SPAN and seen["eps.derived"] == seen["eps"]
