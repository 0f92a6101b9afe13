"""What is recorded comes back bit for bit: property tests over every channel type, quality and hole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Archive, Reader, Recorder, Samples
from storage.cells import column_width
from telemetry import Channel, ChannelType, Frame, Group, Limit, Quality, Severity
from telemetry.clock import SECOND

TYPES: tuple[ChannelType, ...] = ("f4", "f8", "i8", "u8", "bool", "i4")
EDGES: dict[ChannelType, list[Any]] = {
    "f4": [np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45, 3.4e38, 0.1],
    "f8": [np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1],
    "i8": [-(2**63), 2**63 - 1, 0, -1, 2**53 + 1],
    "u8": [2**64 - 1, 2**63, 2**53 + 1, 0],
    "bool": [False, True],
    "i4": [-(2**31), 2**31 - 1, 0, 1, 2],
}
DTYPES = {"f4": "f4", "f8": "f8", "i8": "i8", "u8": "u8", "bool": "?", "i4": "i4"}
STATES = ((0, "off"), (1, "on"))
GROUP = Group(
    "SAT-001",
    "everything",
    tuple(
        Channel(
            "SAT-001",
            "eps",
            kind,
            "V",
            kind,
            STATES if kind == "i4" else (),
            (Limit(Severity.WARNING, 1.0, None),),
            (0.0, 5.0),
        )
        for kind in TYPES
    ),
    period=1_000_000,
)


@st.composite
def frames(draw: st.DrawFn) -> list[Frame]:
    """A few consecutive frames of every type, with quality or without, received or not."""
    out: list[Frame] = []
    at = draw(st.integers(-(10**15), 4 * 10**15))
    for _ in range(draw(st.integers(1, 4))):
        n = draw(st.sampled_from([1, 2, 7, 80, 300]))
        random = np.random.default_rng(draw(st.integers(0, 2**32)))
        times = at + np.cumsum(random.integers(0, 3, n)) * 500_000
        at = int(times[-1]) + 1
        columns = tuple(_column(random, kind, n) for kind in TYPES)
        quality = None
        if draw(st.booleans()):
            quality = tuple(random.integers(0, 16, n).astype(np.uint8) if draw(st.booleans()) else None for _ in TYPES)
        received = times + random.integers(0, 9, n) if draw(st.booleans()) else None
        out.append(Frame(GROUP, times, columns, quality, received))
    return out


def _column(random: np.random.Generator, kind: ChannelType, n: int) -> npt.NDArray[Any]:
    edges = np.array(EDGES[kind], dtype=DTYPES[kind])
    column = edges[random.integers(0, len(edges), n)]
    if kind in ("f4", "f8"):
        noisy = random.random(n) < 0.5
        column[noisy] = random.normal(size=int(noisy.sum())).astype(DTYPES[kind])
    return column


def _expected(
    given_frames: list[Frame], place: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.uint8]]:
    times, values, marks = [], [], []
    for frame in given_frames:
        here = frame.present(place)
        quality = None if frame.quality is None else frame.quality[place]
        times.append(frame.times[here])
        values.append(frame.columns[place][here])
        marks.append(np.zeros(int(here.sum()), np.uint8) if quality is None else quality[here])
    return np.concatenate(times), np.concatenate(values), np.concatenate(marks)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with Archive.open(tmp_path_factory.mktemp("roundtrip") / "all.duckdb") as opened:
        yield opened


def record(archive: Archive, given_frames: list[Frame]) -> int:
    session = archive.begin_session(started=0, origin="import", sources=["test"])
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    for frame in given_frames:
        assert recorder.put(session, frame, wait=True, timeout=10.0)
    recorder.end_session(session, 1)
    assert recorder.close(10.0)
    assert recorder.status().recorded_samples == sum(frame.count() for frame in given_frames)
    return session


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames())
def test_every_type_comes_back_bit_for_bit(archive: Archive, given_frames: list[Frame]) -> None:
    session = record(archive, given_frames)
    found = Reader(archive).raw(session, [c.key for c in GROUP.channels], -(2**62), 2**62)
    for place, channel in enumerate(GROUP.channels):
        times, values, marks = _expected(given_frames, place)
        if not len(times):
            assert channel.key not in found
            continue
        got = found[channel.key]
        assert got.values.dtype == values.dtype
        assert got.values.tobytes() == values.tobytes()
        assert np.array_equal(got.times, times)
        assert np.array_equal(got.quality, marks)
        _received_is_kept(given_frames, place, got)


def _received_is_kept(given_frames: list[Frame], place: int, got: Samples) -> None:
    arrived = [
        np.full(int(here.sum()), -1) if frame.received is None else frame.received[here]
        for frame in given_frames
        for here in [frame.present(place)]
    ]
    expected = np.concatenate(arrived)
    assert np.array_equal(np.full(len(expected), -1) if got.received is None else got.received, expected)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames(), st.integers(1, 50), st.floats(0, 0.9), st.floats(0.1, 1))
def test_an_envelope_is_that_of_the_valid_samples(
    archive: Archive, given_frames: list[Frame], columns: int, begin: float, part: float
) -> None:
    session = record(archive, given_frames)
    first, last = int(given_frames[0].times[0]), int(given_frames[-1].times[-1]) + 1
    start = first + int((last - first) * begin)
    stop = start + max(1, int((last - start) * part))
    found = Reader(archive).envelope(session, [c.key for c in GROUP.channels], start, stop, columns)
    width = column_width(stop - start, columns)
    origin = start // width * width
    assert width <= 1.5 * -(-(stop - start) // columns) + 1
    hours = Reader(archive).counts(session, [c.key for c in GROUP.channels], start, stop, 3600 * SECOND)
    for place, channel in enumerate(GROUP.channels):
        times, values, marks = _expected(given_frames, place)
        keep = (times >= start) & (times < stop) & ((marks & Quality.INVALID) == 0)
        buckets = (times[keep] - origin) // width
        real = values[keep].astype(np.float64)
        present = (times >= start) & (times < stop)
        assert (hours[channel.key].present.sum() if present.any() else 0) == present.sum()
        assert (hours[channel.key].valid.sum() if present.any() else 0) == len(real)
        if not len(real):
            assert channel.key not in found
            continue
        envelope = found[channel.key]
        assert np.array_equal(envelope.times, origin + np.unique(buckets) * width)
        assert np.array_equal(envelope.low, [real[buckets == b].min() for b in np.unique(buckets)])
        assert np.array_equal(envelope.high, [real[buckets == b].max() for b in np.unique(buckets)])
        assert envelope.count.sum() == len(real)


def test_a_session_knows_its_groups_its_span_and_its_newest_values(archive: Archive) -> None:
    times = np.arange(5, dtype=np.int64) * 1_000_000
    columns = tuple(np.array([EDGES[kind][-1]] * 5, dtype=DTYPES[kind]) for kind in TYPES)
    session = record(archive, [Frame(GROUP, times, columns)])
    reader = Reader(archive)
    assert reader.groups(session) == [GROUP]
    info = next(one for one in reader.sessions() if one.id == session)
    assert (info.samples, info.first, info.last, info.ended) == (30, 0, 4_000_000, 1)
    latest = reader.latest(session)
    assert latest["SAT-001/eps/i4"].value == 2
    assert latest["SAT-001/eps/u8"].time == 4_000_000


def test_the_views_give_sql_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "views.duckdb"
    times = np.array([1_893_456_000_000_000, 1_893_456_001_000_000], dtype=np.int64)
    columns = (
        np.array([1.5, np.nan], "f4"),
        np.array([np.inf, -0.5]),
        np.array([-7, 2**53 + 1], "i8"),
        np.array([2**64 - 1, 3], "u8"),
        np.array([True, False]),
        np.array([1, 9], "i4"),
    )
    with Archive.open(path) as archive:
        record(archive, [Frame(GROUP, times, columns, None, times + 250_000)])
    with duckdb.connect(str(path)) as plain:
        found = plain.execute(
            "SELECT channel, epoch_us(time) - 1893456000000000, epoch_us(received - time), value, raw, text, quality "
            "FROM samples ORDER BY channel, time"
        ).fetchall()
        kinds = plain.execute("SELECT column_name, column_type FROM (DESCRIBE samples)").fetchall()
    assert ("f4", 0, 250_000, 1.5, None, None, 0) in found
    assert len([row for row in found if row[0] == "f4"]) == 1
    assert ("f8", 0, 250_000, float("inf"), None, None, 0) in found
    assert ("i8", 1_000_000, 250_000, float(2**53), 2**53 + 1, None, 0) in found
    assert ("u8", 0, 250_000, float(2**64), None, "18446744073709551615", 0) in found
    assert ("bool", 0, 250_000, 1.0, 1, None, 0) in found
    assert ("i4", 0, 250_000, 1.0, 1, "on", 0) in found
    assert ("i4", 1_000_000, 250_000, 9.0, 9, None, 0) in found
    assert [name for name, _ in kinds] == [
        "session",
        "satellite",
        "subsystem",
        "channel",
        "time",
        "received",
        "value",
        "raw",
        "text",
        "quality",
    ]
    assert dict(kinds)["value"] == "DOUBLE"
    assert dict(kinds)["raw"] == "BIGINT"


def test_a_group_that_changes_its_channels_goes_on(archive: Archive) -> None:
    wide = Group("SAT-001", "tm", tuple(Channel("SAT-001", "eps", f"c{i}") for i in range(3)))
    narrow = Group("SAT-001", "tm", wide.channels[:1])
    times = np.array([1, 2], dtype=np.int64)
    session = record(
        archive,
        [
            Frame(narrow, times, (np.array([1.0, 2.0]),)),
            Frame(wide, times + 2, (np.array([3.0, 4.0]),) * 3),
            Frame(narrow, times + 4, (np.array([5.0, 6.0]),)),
        ],
    )
    found = Reader(archive).raw(session, ["SAT-001/eps/c0", "SAT-001/eps/c2"], 0, 100)
    assert found["SAT-001/eps/c0"].values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert found["SAT-001/eps/c2"].values.tolist() == [3.0, 4.0]
    assert Reader(archive).groups(session) == [narrow, wide]


def test_a_column_that_is_not_of_its_channels_type_is_a_bug_and_said(archive: Archive) -> None:
    group = Group("S", "g", (Channel("S", "", "x", type="f4"),))
    recorder = Recorder(archive, reserve_bytes=0)
    with pytest.raises(ValueError, match="S/x is f4, but its column is float64"):
        recorder.put(1, Frame(group, np.array([0]), (np.array([0.1]),)))
    recorder.close(5.0)
