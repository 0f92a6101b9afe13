"""Plain patterns that drive a rate."""

from __future__ import annotations

import threading

import numpy as np

from simulator import open_simulation
from simulator.load import PATTERNS, SPAN
from telemetry.clock import SECOND


def test_a_load_has_the_channels_and_the_rate_that_were_asked_for() -> None:
    source = open_simulation("sim:load?channels=1000&rate=10&duration=3")
    assert sum(len(group.channels) for group in source.groups) == 1000
    assert {group.satellite for group in source.groups} == {"SAT-001", "SAT-002", "SAT-003"}
    assert {group.name for group in source.groups} == set(PATTERNS)
    assert sum(frame.count() for frame in source.frames(threading.Event(), SECOND)) == 30_000


def test_every_channel_moves_and_stays_inside_its_span() -> None:
    source = open_simulation("sim:load?channels=25&duration=20000&satellites=1")
    whole: dict[str, list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]] = {}
    for frame in source.frames(threading.Event(), 600 * SECOND):
        whole.setdefault(frame.group.name, []).append(frame.matrix())
    assert whole.keys() == set(PATTERNS)
    for parts in whole.values():
        matrix = np.concatenate(parts)
        assert matrix.min() >= SPAN[0]
        assert matrix.max() <= SPAN[1]
        assert (matrix.std(axis=0) > 1).all()


def test_a_random_walk_goes_on_where_it_was() -> None:
    source = open_simulation("sim:load?channels=5&duration=3000&satellites=1")
    parts = [f.columns[0] for f in source.frames(threading.Event(), 600 * SECOND) if f.group.name == "random_walk"]
    assert np.abs(np.diff(np.concatenate(parts))).max() < 0.6


def test_fewer_channels_than_satellites_leave_no_empty_group() -> None:
    source = open_simulation("sim:load?channels=2&satellites=3&duration=2")
    assert [len(group.channels) for group in source.groups] == [1, 1]
    assert sum(frame.count() for frame in source.frames(threading.Event(), SECOND)) == 4
