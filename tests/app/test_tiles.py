"""Columns of the archive in tiles: arithmetic, a bounded cache, what stands in for what is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.link.columns import Columns, pack, unpack
from app.link.wire import LinkError
from app.window.feed import score_key
from app.window.tiles import COLUMNS, MINUTE, WIDTHS, Blocks, Question, Tile, Tiles, cut, width_for
from storage.cells import column_width

KEY = "SAT-001/eps/battery_voltage"


def columns(times: list[int], values: list[float], count: int = 2) -> Columns:
    found: npt.NDArray[np.float64] = np.array(values, dtype=np.float64)
    high: npt.NDArray[np.float64] = found + 1
    return Columns(np.array(times, dtype=np.int64), found, high, np.full(len(times), count))


def dense(question: Question) -> Columns:
    """A value in every column of a question."""
    times = np.arange(question.start, question.stop, question.width)
    low = times.astype(np.float64)
    return Columns(times, low, low, np.full(len(times), 2))


@given(st.integers(1, WIDTHS[-1]))
def test_a_width_is_at_least_a_third_of_a_pixel(dt: int) -> None:
    assert width_for(dt) <= dt <= 3 * width_for(dt)


@given(st.sampled_from(WIDTHS), st.integers(1, 20))
def test_an_archive_answers_with_the_width_that_is_asked_for(width: int, tiles: int) -> None:
    columns = tiles * COLUMNS
    assert column_width(width * columns, columns) == width


@given(
    st.lists(
        st.tuples(
            st.text(max_size=5), st.lists(st.tuples(st.integers(-(2**62), 2**62), st.floats(), st.floats()), max_size=5)
        ),
        unique_by=lambda one: one[0],
    )
)
def test_columns_cross_the_link_bit_for_bit(given_: list[tuple[str, list[tuple[int, float, float]]]]) -> None:
    found = {
        key: Columns(
            np.array([t for t, _, _ in rows], dtype=np.int64),
            np.array([low for _, low, _ in rows], dtype=np.float64),
            np.array([high for _, _, high in rows], dtype=np.float64),
            np.arange(len(rows)),
        )
        for key, rows in given_
    }
    sizes, payload = pack(found)
    came = unpack(sizes, payload)
    assert list(came) == list(found)
    for key, one in found.items():
        for name in ("times", "low", "high", "count"):
            assert getattr(came[key], name).tobytes() == getattr(one, name).tobytes()
    with pytest.raises(LinkError):
        unpack([*sizes, ("more", 1)], payload)


@given(
    width=st.sampled_from([1, 2, 500, 20_000_000]),
    first=st.integers(-3, 3),
    many=st.integers(0, 3),
    start=st.floats(-4, 6),
    length=st.floats(0.01, 5),
    until=st.floats(-4, 8),
    earliest=st.none() | st.floats(-4, 4),
)
def test_what_is_read_and_what_is_not_make_up_the_whole(
    width: int, first: int, many: int, start: float, length: float, until: float, earliest: float | None
) -> None:
    size = width * COLUMNS
    tiles = Tiles()
    question = Question((KEY,), width, first, first + many)
    tiles.put(width, cut(question, {KEY: dense(question)}, int(until * size)))
    tiles.earliest = None if earliest is None else int(earliest * size)
    begin = int(start * size)
    end = begin + max(1, int(length * size))
    blocks, unread = tiles.read(KEY, width, begin, end)
    covered = np.zeros(end - begin, dtype=np.int8) if end - begin < 4_000 else None
    spans = [*zip(blocks.times.tolist(), blocks.ends.tolist(), strict=True), *unread]
    known = begin if tiles.earliest is None else max(begin, tiles.earliest)
    assert sum(b - a for a, b in spans) == max(0, end - known)
    if covered is not None:
        for a, b in spans:
            covered[a - begin : b - begin] += 1
        assert covered.max(initial=0) <= 1
    # Just what is not read is asked for.
    missing = tiles.missing(KEY, width, begin, end)
    places = [place for a, b in unread for place in range(a // size, -(-b // size))]
    assert missing == ((min(places), max(places)) if places else None)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), min_size=1, max_size=20), st.integers(1, 50))
def test_every_column_that_a_block_covers_is_drawn_from_least_to_greatest(
    given_: list[tuple[int, int]], dt: int
) -> None:
    times = np.cumsum([gap + length for gap, length in given_]) - [length for _, length in given_]
    ends = times + np.array([length for _, length in given_])
    low = np.arange(len(times), dtype=np.float64)
    high: npt.NDArray[np.float64] = low + 0.5
    at, values = Blocks(times.astype(np.int64), ends.astype(np.int64), low, high).drawn(dt)
    assert (np.diff(at) >= 0).all()
    for begin, end, least, greatest in zip(times, ends, low, high, strict=True):
        mine = (at >= begin) & (at < end)
        assert {least, greatest} == set(values[mine].tolist())
        drawn = set((at[mine] // dt).tolist())
        assert drawn == set(range(begin // dt, (end - 1) // dt + 1))


def test_a_column_of_one_value_is_a_moment_and_a_score_lasts_a_minute() -> None:
    tiles = Tiles()
    for key in (KEY, score_key(KEY)):
        tiles.put(1_000_000, {(key, 0): Tile(columns([5_000_000], [1.0], count=1), 1 << 60)})
    one, _ = tiles.read(KEY, 1_000_000, 0, 100_000_000)
    score, _ = tiles.read(score_key(KEY), 1_000_000, 0, 100_000_000)
    assert (one.ends - one.times).tolist() == [1]
    assert (score.ends - score.times).tolist() == [MINUTE]


def test_the_step_is_that_of_samples_that_can_be_told_apart() -> None:
    tiles = Tiles()
    tiles.put(
        1_000_000, {(KEY, 0): Tile(columns([s * 1_000_000 for s in (0, 10, 20, 90, 100)], [1.0] * 5, 1), 1 << 60)}
    )
    tiles.put(1_000_000, {(KEY, 1): Tile(columns([600_000_000, 601_000_000], [1.0] * 2), 1 << 60)})
    assert tiles.read(KEY, 1_000_000, 0, 500_000_000)[0].step == 10_000_000
    assert tiles.read(KEY, 1_000_000, 512_000_000, 900_000_000)[0].step == 0
    assert tiles.read(KEY, 1_000_000, 0, 1)[0].step == 0


def test_wider_columns_stand_in_for_what_is_missing() -> None:
    tiles = Tiles()
    coarse = Question((KEY,), 100, 0, 0)
    tiles.put(100, cut(coarse, {KEY: columns([200], [7.0])}, 1 << 60))
    blocks, unread = tiles.read(KEY, 10, 150, 350)
    assert not unread
    assert (blocks.times.tolist(), blocks.ends.tolist(), blocks.high.tolist()) == ([200], [300], [8.0])
    assert tiles.missing(KEY, 10, 150, 350) == (0, 0), "what stands in is not what was asked for"
    assert tiles.read(KEY, 10, 150, 100 * COLUMNS + 10)[1], "it does not reach so far"


def test_what_was_not_looked_at_for_longest_goes_first() -> None:
    tiles = Tiles(bound=3)
    for place in range(3):
        tiles.put(1, {(KEY, place): Tile(columns([], []), 1 << 60)})
    tiles.read(KEY, 1, 0, COLUMNS)
    tiles.put(1, {(KEY, 3): Tile(columns([], []), 1 << 60)})
    assert len(tiles) == 3
    there = [place for place in range(4) if tiles.missing(KEY, 1, place * COLUMNS, (place + 1) * COLUMNS) is None]
    assert there == [0, 2, 3]
