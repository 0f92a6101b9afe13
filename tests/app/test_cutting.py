"""Frames are cut to what a moving chart needs, and nothing is lost, doubled or put out of order by it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cutting import cut, joined
from telemetry import Channel, Frame, Group, SourceError, Tick

GROUPS = [Group("S", name, (Channel("S", name, "x"),)) for name in ("a", "b")]


def _frame(group: Group, times: list[int]) -> Frame:
    return Frame(group, np.array(times, dtype=np.int64), (np.array(times, dtype=np.float64),))


@st.composite
def _rounds(draw: st.DrawFn) -> list[Frame]:
    frames, start = [], 0
    for _ in range(draw(st.integers(0, 4))):
        for group in GROUPS:
            steps = draw(st.lists(st.integers(0, 40), max_size=12))
            times = np.sort(start + np.cumsum(steps, dtype=np.int64)).tolist()
            if times:
                frames.append(_frame(group, times))
        start += draw(st.integers(500, 2000))
    return frames


@given(_rounds(), st.integers(1, 300), st.integers(0, 1500))
def test_every_sample_comes_out_once_and_in_the_order_of_its_group(frames: list[Frame], span: int, whole: int) -> None:
    out = list(cut(frames, lambda: span, whole))
    for group in GROUPS:
        before = [t for frame in frames if frame.group is group for t in frame.times.tolist()]
        after = [t for frame in out if frame.group is group for t in frame.times.tolist()]
        assert after == before
    assert all(len(frame) for frame in out)
    if frames:
        free = frames[0].times[0] + whole
        assert all(frame.times[-1] - frame.times[0] < span for frame in out if frame.times[-1] >= free)


@given(_rounds(), st.integers(1, 300), st.integers(1, 3000))
def test_what_was_cut_is_joined_to_the_same_samples(frames: list[Frame], span: int, most: int) -> None:
    pieces = [(piece, i + 1) for i, piece in enumerate(cut(frames, lambda: span, 0))]
    out = [what for what, _ in joined(pieces, most) if isinstance(what, Frame)]
    assert len(out) <= len(pieces)
    for group in GROUPS:
        before = [t for frame in frames if frame.group is group for t in frame.times.tolist()]
        after = [t for frame in out if frame.group is group for t in frame.times.tolist()]
        assert after == before
    assert all((np.diff(frame.times) >= 0).all() for frame in out)


def test_joining_keeps_quality_and_what_was_received_and_passes_no_tick() -> None:
    group, late = GROUPS[0], (np.array([4, 0], dtype=np.uint8),)
    first = Frame(group, np.array([0, 1]), (np.array([0.0, 1.0]),), None, np.array([5, 6]))
    second = Frame(group, np.array([2, 3]), (np.array([2.0, 3.0]),), late, np.array([7, 8]))
    third = Frame(group, np.array([4]), (np.array([4.0]),))
    out = joined([(first, 11), (second, 12), (Tick(3), 0), (third, 13)], 100)
    (one, stamp), (tick, _), (last, _) = out
    assert isinstance(one, Frame)
    assert (one.times.tolist(), stamp) == ([0, 1, 2, 3], 11)
    assert one.quality is not None
    assert one.quality[0] is not None
    assert one.quality[0].tolist() == [0, 0, 4, 0]
    assert one.received is not None
    assert one.received.tolist() == [5, 6, 7, 8]
    assert tick == Tick(3)
    assert last is third


def test_a_clock_that_was_set_back_is_not_joined_over() -> None:
    out = joined([(_frame(GROUPS[0], [10, 11]), 1), (_frame(GROUPS[0], [3, 4]), 2)], 100)
    assert [what.times.tolist() for what, _ in out if isinstance(what, Frame)] == [[10, 11], [3, 4]]


def test_groups_take_turns() -> None:
    frames = [_frame(group, list(range(0, 100, 10))) for group in GROUPS]
    out = [(frame.group.name, frame.times.tolist()) for frame in cut(frames, lambda: 50, 0)]
    assert out == [
        ("a", [0, 10, 20, 30, 40]),
        ("b", [0, 10, 20, 30, 40]),
        ("a", [50, 60, 70, 80, 90]),
        ("b", [50, 60, 70, 80, 90]),
    ]


def test_what_came_before_a_source_failed_is_handed_on() -> None:
    def frames() -> Iterator[Frame]:
        yield _frame(GROUPS[0], [0, 1, 2])
        raise SourceError("The file is cut off.")

    taken = []
    with pytest.raises(SourceError):
        for frame in cut(frames(), lambda: 10, 0):
            taken += frame.times.tolist()
    assert taken == [0, 1, 2]
