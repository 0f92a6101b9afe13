"""The window is handed each row of the live ring once, and finds in its history only what it was handed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.livering import ring_tracks
from app.window.feed import Feed, score_key
from telemetry import Channel, Group
from telemetry.ring import LiveRing, Track, describe

GROUP = Group("S", "eps", (Channel("S", "eps", "a"), Channel("S", "eps", "b")), 1_000_000)
A, B = "S/eps/a", "S/eps/b"


class Core:
    """The writing end."""

    def __init__(self, path: Path) -> None:
        self.ring = LiveRing.create(path / "r.ring", ring_tracks([GROUP]))
        self.at = 0

    def send(self, *rows: tuple[float, float]) -> None:
        times = np.arange(self.at, self.at + len(rows), dtype=np.int64) * 1_000_000
        self.at += len(rows)
        values = np.array(rows, dtype=np.float64)
        self.ring.append("s:S/eps", times, values)
        self.ring.append("j:S/eps", times, np.concatenate([values * 10, values - 1, values + 1], axis=1))


@pytest.fixture
def core(tmp_path: Path) -> Core:
    return Core(tmp_path)


@pytest.fixture
def feed(core: Core) -> Feed:
    made = Feed()
    made.attach([GROUP], LiveRing.attach(core.ring.path, describe(core.ring.tracks)))
    return made


def test_it_goes_back_as_far_as_any_row_that_is_still_there(tmp_path: Path) -> None:
    other = Group("S", "obc", (Channel("S", "obc", "c"),), 1_000_000)
    ring = LiveRing.create(tmp_path / "r.ring", [Track("s:S/eps", 2, 100), Track("s:S/obc", 1, 100)])
    feed = Feed()
    assert feed.oldest == 0
    feed.attach([GROUP, other], ring)
    assert feed.oldest == 0
    ring.append("s:S/eps", np.arange(10, 30, dtype=np.int64), np.zeros((20, 2)))
    assert feed.oldest == 10
    ring.append("s:S/obc", np.arange(1000, dtype=np.int64), np.zeros((1000, 1)))
    assert feed.oldest == 10
    ring.append("s:S/eps", np.arange(2000, 4000, dtype=np.int64), np.zeros((2000, 2)))
    assert 900 <= feed.oldest < 1000


def test_each_row_is_fresh_once(core: Core, feed: Feed) -> None:
    core.send((1, 2), (3, 4))
    assert [one.values.tolist() for one in feed.fresh()] == [[[1, 2], [3, 4]]]
    assert list(feed.fresh()) == []
    core.send((5, 6))
    (fresh,) = feed.fresh()
    assert fresh.times.tolist() == [2_000_000]
    assert not fresh.missed


def test_history_ends_where_handing_out_ended(core: Core, feed: Feed) -> None:
    core.send((1, 2), (3, 4))
    list(feed.fresh())
    core.send((5, 6))
    assert feed.samples(A, 0, 10**12)[1].tolist() == [1, 3]
    list(feed.fresh())
    assert feed.samples(A, 0, 10**12)[1].tolist() == [1, 3, 5]


def test_what_was_expected_and_the_score_stand_beside_the_samples(core: Core, feed: Feed) -> None:
    core.send((1, 2), (3, 4))
    (judged,) = feed.judged()
    assert judged.ratio.tolist() == [[10, 20], [30, 40]]
    times, low, high = feed.expected(B, 0, 10**12)
    assert (times.tolist(), low.tolist(), high.tolist()) == ([0, 1_000_000], [1, 3], [3, 5])
    assert feed.samples(score_key(B), 0, 10**12)[1].tolist() == [20, 40]


def test_the_newest_sample_is_the_newest_that_is_there(core: Core, feed: Feed) -> None:
    assert feed.newest(A) is None
    core.send((1, 2), (np.nan, 7), (np.nan, -3))
    list(feed.fresh())
    a, b = feed.newest(A), feed.newest(B)
    assert a is not None
    assert b is not None
    assert (a.time, a.value, a.seen) == (0, 1.0, None)
    assert (b.time, b.value, b.seen) == (2_000_000, -3.0, (-3.0, 7.0))


def test_a_ring_that_goes_on_under_another_core_is_read_on(core: Core, feed: Feed) -> None:
    core.send((1, 2))
    list(feed.fresh())
    again = LiveRing.create(core.ring.path, core.ring.tracks)
    feed.attach([GROUP], LiveRing.attach(again.path, describe(again.tracks)))
    core.send((3, 4))
    assert [one.values.tolist() for one in feed.fresh()] == [[[3, 4]]]
    assert feed.samples(A, 0, 10**12)[1].tolist() == [1, 3]


def test_a_window_that_slept_too_long_is_told_that_rows_are_missing(tmp_path: Path) -> None:
    core = Core(tmp_path)
    feed = Feed()
    feed.attach([GROUP], LiveRing.attach(core.ring.path, describe(core.ring.tracks)))
    core.send((0, 0))
    list(feed.fresh())
    capacity = core.ring.tracks[0].capacity
    for _ in range(capacity // 4096 + 2):
        core.send(*[(1.0, 2.0)] * 4096)
    (fresh,) = feed.fresh()
    assert fresh.missed
    assert 0 < len(fresh.times) <= capacity


def test_an_unknown_key_has_no_history(feed: Feed) -> None:
    assert len(feed.samples("S/eps/zzz", 0, 1)[0]) == 0
    assert len(feed.expected("S/eps/zzz", 0, 1)[0]) == 0
    assert feed.channel("S/eps/zzz") is None
