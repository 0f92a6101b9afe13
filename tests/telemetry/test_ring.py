"""The ring in shared memory: what is written is what is read, whoever is faster."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.ring import LiveRing, RingError, Track, describe


def rows(start: int, n: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(start, start + n, dtype=np.int64)
    return times, times[:, None] * 10.0 + np.arange(width)


@given(st.lists(st.integers(0, 300), max_size=12), st.integers(1, 5))
def test_a_reader_gets_every_row_in_order_or_a_count_of_what_it_missed(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], every: int
) -> None:
    track = Track("a", 2, 256)
    path = tmp_path_factory.mktemp("ring") / "live.ring"
    writer = LiveRing.create(path, [track])
    reader = LiveRing.attach(path, describe([track]))
    assert reader.oldest("a") is None
    written = seen = missed = since = 0
    last = -1
    for turn, size in enumerate([*sizes, 0]):
        writer.append("a", *rows(written, size, 2))
        written += size
        if turn % every and turn < len(sizes):
            continue
        got = reader.read("a", since)
        since = got.head
        missed += got.missed
        seen += len(got.times)
        if len(got.times):
            assert got.times[0] > last and np.all(np.diff(got.times) == 1)
            assert np.array_equal(got.values[:, 1], got.times * 10.0 + 1)
            last = int(got.times[-1])
    assert seen + missed == written
    kept = reader.read("a").times
    assert reader.oldest("a") == (int(kept[0]) if len(kept) else None)


def test_a_writer_that_starts_again_goes_on_with_its_heads(tmp_path: Path) -> None:
    tracks = [Track("a", 1, 100), Track("b", 3, 50, "f4")]
    first = LiveRing.create(tmp_path / "live.ring", tracks)
    first.append("b", *rows(0, 30, 3))
    reader = LiveRing.attach(tmp_path / "live.ring", describe(tracks))
    second = LiveRing.create(tmp_path / "live.ring", tracks)
    second.append("b", *rows(30, 5, 3), stamp=7)
    got = reader.read("b", 30)
    assert got.times.tolist() == [30, 31, 32, 33, 34] and reader.stamp("b") == 7


def test_another_layout_starts_afresh_and_leaves_an_old_reader_alone(tmp_path: Path) -> None:
    path = tmp_path / "live.ring"
    old = LiveRing.create(path, [Track("a", 1, 100)])
    old.append("a", *rows(0, 3, 1))
    reader = LiveRing.attach(path, describe([Track("a", 1, 100)]))
    new = LiveRing.create(path, [Track("a", 2, 100)])
    assert new.head("a") == 0
    assert reader.read("a").times.tolist() == [0, 1, 2]


def test_a_wrong_layout_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "live.ring"
    LiveRing.create(path, [Track("a", 1, 100)])
    with pytest.raises(RingError, match="size"):
        LiveRing.attach(path, describe([Track("a", 2, 100)]))
    with pytest.raises(RingError, match="cannot be read"):
        LiveRing.attach(tmp_path / "none.ring", describe([Track("a", 2, 100)]))


def test_only_its_user_can_open_the_ring(tmp_path: Path) -> None:
    LiveRing.create(tmp_path / "live.ring", [Track("a", 1, 100)])
    assert (tmp_path / "live.ring").stat().st_mode & 0o077 == 0


@given(st.integers(0, 700), st.integers(-5, 705), st.integers(0, 300))
def test_a_span_of_a_column_is_what_was_written_as_far_as_it_is_kept(
    tmp_path_factory: pytest.TempPathFactory, written: int, start: int, length: int
) -> None:
    ring = LiveRing.create(tmp_path_factory.mktemp("ring") / "live.ring", [Track("a", 2, 256)])
    for first in range(0, written, 50):
        ring.append("a", *rows(first, min(50, written - first), 2))
    times, values = ring.span("a", 1, start, start + length)
    kept = max(0, written - 256 + 64)
    assert times.tolist() == list(range(max(start, kept), min(start + length + 1, written)))
    assert np.array_equal(values, times * 10.0 + 1)
