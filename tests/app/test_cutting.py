"""Frames are cut to what a moving chart needs, and nothing is lost, doubled or put out of order by it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cutting import cut
from telemetry import Channel, Frame, Group, SourceError

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
    out = list(cut(frames, span, whole))
    for group in GROUPS:
        before = [t for frame in frames if frame.group is group for t in frame.times.tolist()]
        after = [t for frame in out if frame.group is group for t in frame.times.tolist()]
        assert after == before
    assert all(len(frame) for frame in out)
    if frames:
        free = frames[0].times[0] + whole
        assert all(frame.times[-1] - frame.times[0] < span for frame in out if frame.times[-1] >= free)


def test_groups_take_turns() -> None:
    frames = [_frame(group, list(range(0, 100, 10))) for group in GROUPS]
    out = [(frame.group.name, frame.times.tolist()) for frame in cut(frames, 50, 0)]
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
        for frame in cut(frames(), 10, 0):
            taken += frame.times.tolist()
    assert taken == [0, 1, 2]
