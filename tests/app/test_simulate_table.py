"""Frames of groups with times of their own become rows of one table, whatever the cut."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.playing.table import Layout, header
from app.playing.windows import Window, windows
from simulator import open_simulation
from telemetry import Channel, Column, Frame, Group, Quality
from telemetry.clock import SECOND

VOLTAGE = Channel("A", "eps", "voltage", "V", "f4")
COUNT = Channel("A", "obc", "count", "", "u8")
POWER = Group("A", "power", (VOLTAGE,))
COMPUTER = Group("A", "computer", (COUNT,))


def frame(group: Group, seconds: list[float], values: list[float], quality: list[int] | None = None) -> Frame:
    kind = {"f4": np.float32, "u8": np.uint64}[group.channels[0].type]
    columns: tuple[Column, ...] = (np.array(values, dtype=kind),)
    flags = None if quality is None else (np.array(quality, dtype=np.uint8),)
    return Frame(group, (np.array(seconds) * SECOND).astype(np.int64), columns, flags)


def rows(*frames: Frame) -> list[tuple[float, float | None, int | None]]:
    table = Layout([POWER, COMPUTER]).rows(Window(frames))
    times = table.column(0).cast("int64").to_pylist()
    return list(zip((t / SECOND for t in times), table.column(1).to_pylist(), table.column(2).to_pylist(), strict=True))


def test_a_header_is_read_back_as_a_name_and_a_unit() -> None:
    assert (header(VOLTAGE), header(COUNT)) == ("A/eps/voltage [V]", "A/obc/count")


def test_groups_share_the_rows_of_equal_times_and_leave_the_other_cells_empty() -> None:
    assert rows(frame(POWER, [0, 1, 2], [1, 2, 3]), frame(COMPUTER, [1, 1.5], [7, 8])) == [
        (0, 1, None),
        (1, 2, 7),
        (1.5, None, 8),
        (2, 3, None),
    ]


def test_two_samples_of_one_time_are_two_rows() -> None:
    assert rows(frame(POWER, [0, 1, 1, 2], [1, 2, 3, 4]), frame(COMPUTER, [1], [7])) == [
        (0, 1, None),
        (1, 2, 7),
        (1, 3, None),
        (2, 4, None),
    ]


def test_missing_and_wrong_values_are_empty_cells_and_infinities_are_values() -> None:
    bad, gone = int(Quality.INVALID), int(Quality.MISSING)
    found = rows(frame(POWER, [0, 1, 2, 3], [np.nan, np.inf, 5, 6], [0, int(Quality.LATE), bad, gone]))
    assert found == [(0, None, None), (1, np.inf, None), (2, None, None), (3, None, None)]


def test_the_largest_counter_keeps_its_value() -> None:
    group = Group("A", "computer", (COUNT,))
    whole = Frame(group, np.array([0]), (np.array([2**64 - 1], dtype=np.uint64),))
    assert Layout([group]).rows(Window((whole,))).column(1).to_pylist() == [2**64 - 1]


def test_a_clock_that_jumps_back_inside_a_window_costs_nothing() -> None:
    found = rows(frame(POWER, [5, 6], [1, 2]), frame(POWER, [3, 4], [3, 4]))
    assert [time for time, _, _ in found] == [3, 4, 5, 6] and [value for _, value, _ in found] == [3, 4, 1, 2]


# windows


def of_two_rates(count: int, span: float) -> Iterator[Frame]:
    """A fast and a slow group as a source gives them: all groups of a span before the next."""
    at = 0.0
    while at < count:
        fast = [t for t in np.arange(0, count, 0.25).tolist() if at <= t < at + span]
        slow = [t for t in np.arange(0.5, count, 3.0).tolist() if at <= t < at + span]
        for group, times in ((POWER, fast), (COMPUTER, slow)):
            if times:
                yield frame(group, times, times)
        at += span


@settings(max_examples=40)
@given(st.integers(1, 60), st.sampled_from([0.1, 0.25, 1.0, 2.5, 7.0, 100.0]))
def test_windows_follow_one_another_and_hold_every_sample_once(count: int, span: float) -> None:
    made = list(windows(of_two_rates(count, span), int(span * SECOND)))
    assert all(a.end < b.begin for a, b in pairwise(made))
    for group, every in ((POWER, np.arange(0, count, 0.25)), (COMPUTER, np.arange(0.5, count, 3.0))):
        own = [part.times for one in made for part in one.parts if part.group is group]
        joined = np.concatenate(own) if own else np.empty(0)
        assert joined.tolist() == (every * SECOND).astype(np.int64).tolist()


def test_windows_come_while_the_source_goes_on() -> None:
    """What is held back is bounded: a third span of telemetry completes the first."""
    taken: list[float] = []

    def source() -> Iterator[Frame]:
        for second in range(100):
            taken.append(second)
            yield frame(POWER, [second], [second])

    first = next(iter(windows(source(), SECOND)))
    assert first.count() == 1 and len(taken) <= 4


def test_a_simulation_is_whole_in_its_windows() -> None:
    source = open_simulation("sim:demo?duration=1500")
    frames = list(source.frames(threading.Event(), 60 * SECOND))
    made = list(windows(frames, 60 * SECOND))
    assert sum(one.count() for one in made) == sum(one.count() for one in frames)
    assert all(a.end < b.begin for a, b in pairwise(made))
