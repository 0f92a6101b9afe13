"""An archive with something of everything, made by the recorder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from detection.event import Contribution, Event, Judged
from storage import Archive, Recorder
from storage.daily import DAY
from telemetry import Channel, Frame, Group, Injected, Quality, Severity
from telemetry.clock import SECOND

START = 20_000 * DAY - DAY // 2
"""Noon of a day, so that sessions lie on both sides of a midnight."""

FAST = Group(
    "SAT-001",
    "fast",
    (
        Channel("SAT-001", "eps", "bus_voltage", "V", "f4"),
        Channel("SAT-001", "eps", "cell", "V", "f8"),
        Channel("SAT-001", "obc", "counter", "", "u8"),
        Channel("SAT-001", "obc", "offset", "", "i8"),
    ),
)
SLOW = Group(
    "SAT-002",
    "slow",
    (
        Channel("SAT-002", "obc", "mode", "", "i4", ((0, "safe"), (1, "nominal"))),
        Channel("SAT-002", "obc", "ready", "", "bool"),
    ),
)


def fast(begin: int, n: int, seed: int) -> Frame:
    """``n`` samples a second from ``begin``, with holes, infinities, huge integers and marks."""
    random = np.random.default_rng(seed)
    times = begin + np.arange(n, dtype=np.int64) * SECOND
    bus = random.normal(size=n).astype(np.float32)
    bus[:3] = [-0.0, np.inf, 1e-45][:n]
    cell = random.normal(size=n)
    cell[random.random(n) < 0.2] = np.nan
    cell[:2] = [5e-324, -0.0][:n]
    counter = random.integers(2**63 - 5, 2**64 - 1, n, dtype=np.uint64, endpoint=True)
    counter[0] = 2**64 - 1
    offset = random.integers(-(2**63), 2**63 - 1, n)
    marks = random.integers(0, 16, n).astype(np.uint8)
    return Frame(FAST, times, (bus, cell, counter, offset), (None, marks, None, None), times + 7)


def slow(begin: int, n: int, seed: int) -> Frame:
    """``n`` samples, one in five minutes, every tenth time twice."""
    random = np.random.default_rng(seed)
    times = begin + (np.arange(n, dtype=np.int64) * 300 * SECOND)
    times[9::10] = times[8::10][: len(times[9::10])]
    marks = np.where(np.diff(times, prepend=begin - 1) == 0, np.uint8(Quality.REPEATED), np.uint8(0))
    return Frame(SLOW, times, (random.integers(0, 3, n).astype(np.int32), random.random(n) < 0.5), (marks, None))


def record(archive: Archive, frames: list[Frame], *, end: bool = True, news: bool = False) -> int:
    """A session of ``frames``; with ``news`` it has an event and scores."""
    session = archive.begin_session(started=START, origin="live", sources=["test"])
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    add(archive, recorder, session, frames, news)
    if end:
        recorder.end_session(session, START + DAY)
    assert recorder.close(10.0)
    return session


def add(archive: Archive, recorder: Recorder, session: int, frames: list[Frame], news: bool = False) -> None:
    """Hand in frames."""
    for frame in frames:
        assert recorder.put(session, frame, wait=True, timeout=10.0)
        if news and frame.group == FAST:
            ratio = np.abs(np.random.default_rng(1).normal(size=(len(frame), 4))).astype(np.float32)
            assert recorder.put(session, Judged(FAST, frame.times, ratio, ratio, ratio))
    if news:
        found = Event(
            1,
            "SAT-001",
            START,
            START + SECOND,
            False,
            Severity.WATCH,
            "ar",
            "1",
            2.5,
            (Contribution("eps/cell", 1.0, 2.5),),
        )
        assert recorder.put(session, found)
        archive.add_labels(session, [Injected("SAT-001", ("eps/cell",), "drift", START, START + 9, START + 3)])


def make(path: Path) -> None:
    """Two sessions over four days, one of them before 1970."""
    with Archive.open(path) as archive:
        frames = [fast(START + at * 3600 * SECOND, 400, at) for at in range(0, 60, 4)]
        record(archive, [*frames, slow(START, 700, 3)], news=True)
        record(archive, [fast(-5 * SECOND, 10, 99), slow(START, 20, 4)])
