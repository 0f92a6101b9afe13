"""Samples recorded a second by the recorder, against the plain way: SQLite, a row a sample, one commit a frame.

Both sides are given the same frames (1,000 float channels of one group, 100 samples in each; constant, quantised
and noisy columns) and are timed from the first frame until everything is durable. A row holds what the archive gives
back of a sample: session, channel, time, value and quality; it has no index, which would only slow it down. They
take turns on fresh files; the table shows each pair, and the ratio is the median of the pairs. SQLite runs with WAL
and synchronous=NORMAL, its faster setting. The bytes are those of the files once closed.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from storage import Archive, Recorder
from storage.recorder import BOUND_VALUES, INTERVAL_S
from telemetry import Channel, Frame, Group

CHANNELS = 1_000
LENGTH = 100
FRAMES = 40
SQLITE_FRAMES = 8
"""Rows are so slow that a fifth of the work gives the same rate."""
PAIRS = 7


def frames(count: int) -> list[Frame]:
    """``count`` consecutive frames, the same for every caller."""
    random = np.random.default_rng(1)
    group = Group("SAT-001", "all", tuple(Channel("SAT-001", "x", f"c{i}", type="f4") for i in range(CHANNELS)))
    out = []
    for number in range(count):
        times = (np.arange(LENGTH, dtype=np.int64) + number * LENGTH) * 100_000
        columns = []
        for i in range(CHANNELS):
            match i % 3:
                case 0:
                    column = np.full(LENGTH, i, dtype=np.float32)
                case 1:
                    column = np.round(random.normal(20, 1, LENGTH), 1).astype(np.float32)
                case _:
                    column = random.normal(0, 1, LENGTH).astype(np.float32)
            columns.append(column)
        out.append(Frame(group, times, tuple(columns)))
    return out


def ours(given: list[Frame], folder: Path, a_commit: int | None = None) -> tuple[float, float]:
    """Samples a second and bytes a sample of the recorder; ``a_commit``: samples in one at the most."""
    path = folder / "ours.duckdb"
    archive = Archive.open(path)
    session = archive.begin_session(started=0, origin="simulation", sources=["bench"])
    interval = INTERVAL_S if a_commit is None else 0.0
    recorder = Recorder(archive, reserve_bytes=0, bound_values=a_commit or BOUND_VALUES, interval_s=interval)
    began = time.perf_counter()
    for frame in given:
        if not recorder.put(session, frame, wait=True, timeout=60.0):
            raise RuntimeError(recorder.status().error)
    recorder.end_session(session, 1)
    recorder.close(60.0)
    took = time.perf_counter() - began
    recorded = recorder.status().recorded_samples
    archive.close()
    return recorded / took, path.stat().st_size / recorded


def theirs(given: list[Frame], folder: Path) -> tuple[float, float]:
    """Samples a second and bytes a sample of SQLite rows."""
    path = folder / "theirs.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(
        "CREATE TABLE samples (session INTEGER, channel INTEGER, time INTEGER, value REAL, quality INTEGER)"
    )
    recorded = 0
    began = time.perf_counter()
    for frame in given:
        times = frame.times.tolist()
        connection.execute("BEGIN")
        for channel, column in enumerate(frame.columns):
            n = len(times)
            rows = zip([1] * n, [channel] * n, times, column.tolist(), [0] * n, strict=True)
            connection.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?)", rows)
            recorded += len(times)
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return recorded / took, path.stat().st_size / recorded


def run() -> list[dict[str, Any]]:
    """Every pair printed; one result for the page."""
    given = frames(FRAMES)
    mine, others, ratios = [], [], []
    print(f"{'pair':>4} {'recorder, samples/s':>20} {'SQLite rows, samples/s':>23} {'ratio':>6} {'bytes a sample':>16}")
    for number in range(PAIRS):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if number % 2:
                rate, size = ours(given, folder)
                other, other_size = theirs(given[:SQLITE_FRAMES], folder)
            else:
                other, other_size = theirs(given[:SQLITE_FRAMES], folder)
                rate, size = ours(given, folder)
        mine.append(rate)
        others.append(other)
        ratios.append(rate / other)
        print(f"{number + 1:>4} {rate:>20,.0f} {other:>23,.0f} {rate / other:>5.1f}x {size:>7.2f} : {other_size:<6.1f}")
    return [
        {
            "name": "samples recorded a second, against SQLite rows",
            "unit": "samples/s",
            "ours": statistics.median(mine),
            "theirs": statistics.median(others),
            "ratio": statistics.median(ratios),
            "aim": "at least 20x",
        }
    ]


if __name__ == "__main__":
    run()
