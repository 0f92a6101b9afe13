"""A fault that is injected while a simulation runs begins soon, changes nothing before, and is labelled truly."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from simulator import open_simulation
from simulator.kinds import FAULTS, names
from telemetry import Frame, SourceError
from telemetry.clock import SECOND

SPAN = 5 * SECOND


def _values(frames: Iterator[Frame], until: int, key: str, name: str) -> dict[int, float]:
    found: dict[int, float] = {}
    for frame in frames:
        if frame.times[0] > until:
            return found
        if frame.group.key == key:
            at = [channel.name for channel in frame.group.channels].index(name)
            found.update(zip(frame.times.tolist(), frame.columns[at].tolist(), strict=True))
    return found


def test_it_begins_soon_and_leaves_what_came_before_as_it_was() -> None:
    plain = open_simulation("sim:quiet?satellites=2&seed=5")
    start = 1_893_456_000 * SECOND
    end = start + 1500 * SECOND
    twin = _values(plain.frames(threading.Event(), SPAN), end, "SAT-002/aocs", "gyro_x")

    source = open_simulation("sim:quiet?satellites=2&seed=5")
    frames = source.frames(threading.Event(), SPAN)
    before = _values(frames, start + 600 * SECOND, "SAT-002/aocs", "gyro_x")
    label = source.inject("gyro_bias", "SAT-002", max(before))
    assert max(before) <= label.start <= max(before) + 30 * SECOND
    after = _values(frames, end, "SAT-002/aocs", label.channels[0].partition("/")[2])
    main = label.channels[0].partition("/")[2]
    nominal = _values(open_simulation("sim:quiet?satellites=2&seed=5").frames(threading.Event(), SPAN), end,
                      "SAT-002/aocs", main)  # fmt: skip
    assert all(twin[t] == value for t, value in before.items())
    changed = [t for t, value in after.items() if value != nominal[t]]
    assert changed
    assert min(changed) >= label.start
    assert label.start <= label.visible <= label.end
    assert source.injected == (label,)
    assert label.category == "fault"


def test_every_kind_can_be_injected() -> None:
    source = open_simulation("sim:quiet?satellites=1&seed=2")
    assert source.faults == names(FAULTS)
    for kind in source.faults:
        label = source.inject(kind, "SAT-001", 0)
        assert (label.kind, label.satellite) == (kind, "SAT-001")


def test_what_cannot_fail_is_said() -> None:
    source = open_simulation("sim:quiet?satellites=1")
    with pytest.raises(SourceError, match="SAT-009"):
        source.inject("gyro_bias", "SAT-009", 0)
    with pytest.raises(SourceError, match="the known ones are"):
        source.inject("bad_mood", "SAT-001", 0)
    load = open_simulation("sim:load?channels=5")
    assert load.faults == ()
    with pytest.raises(SourceError):
        load.inject("gyro_bias", "SAT-001", 0)


def test_the_same_fault_at_the_same_moment_is_the_same() -> None:
    runs = []
    for _ in range(2):
        source = open_simulation("sim:quiet?satellites=1&seed=3")
        label = source.inject("battery_cell", "SAT-001", 1_893_456_000 * SECOND + 700 * SECOND)
        rows = _values(source.frames(threading.Event(), SPAN), label.end, "SAT-001/eps", "cell_imbalance")
        runs.append((label, np.array(list(rows.values()))))
    assert runs[0][0] == runs[1][0]
    assert np.array_equal(runs[0][1], runs[1][1])
