"""The archive as it grows: what it writes, what it takes, and how soon a plot of a month stands.

Writing: the same frames as in recording, 100,000 samples a commit, against a Parquet file a commit (zstd, synced), in
turns. Size: the archive of those frames after `compact`, bytes of the file a sample. Plots: 30 days of 200 channels, a
sample every 10 s (52 million), sorted as upkeep leaves them; each time is that of a whole question to the reader (one
channel over 30 days in 1,600 columns; the last ten minutes of 32 channels, raw) while 80,000 samples a second of 1,000
other channels are recorded into the same file. Bare is the same question, answered by a scan of the values with
DuckDB's own aggregates. Opening: an archive of a billion samples, from the call until it can be recorded into.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.recording import LENGTH, frames, ours
from storage import Archive, Reader, Recorder
from storage.cells import DAY
from storage.compact import compact
from storage.merge import merge
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND

CHANNELS = 200
STEP = 10 * SECOND
DAYS = 30
START = 20_000 * DAY
COLUMNS = 1_600
ASKED = 100
RATE = 80_000
PAIRS = 5
BILLION = 1_000_000_000

_PLAIN = f"""
SELECT (t - {START}) // {DAYS * DAY // COLUMNS} AS bucket, min(v), max(v) FROM (
    SELECT unnest(b.times) AS t, unnest(c.f4) AS v FROM _every_chunk c JOIN _every_block b ON b.id = c.block
    WHERE channel = ?) GROUP BY bucket
"""


def parquet(given: list[Frame], folder: Path) -> float:
    """Samples a second into one synced file a frame, with what a row of the archive holds."""
    recorded = 0
    began = time.perf_counter()
    for number, frame in enumerate(given):
        n, width = len(frame), len(frame.columns)
        table = pa.table(
            {
                "session": np.ones(n * width, np.int32),
                "channel": np.repeat(np.arange(width, dtype=np.int32), n),
                "time": np.tile(frame.times, width),
                "value": np.concatenate(frame.columns),
            }
        )
        with (folder / f"{number}.parquet").open("wb") as out:
            pq.write_table(table, out, compression="zstd")
            out.flush()
            os.fsync(out.fileno())
        recorded += n * width
    return recorded / (time.perf_counter() - began)


def month(path: Path) -> tuple[Archive, int]:
    """An archive of 30 days, sorted; the number of its session."""
    archive = Archive.open(path)
    group = Group("SAT-001", "hk", tuple(Channel("SAT-001", "x", f"c{i}", type="f4") for i in range(CHANNELS)), STEP)
    session = archive.begin_session(started=START, origin="live", sources=["bench"])
    recorder = Recorder(archive, reserve_bytes=0)
    random = np.random.default_rng(1)
    n = 360
    for at in range(0, DAYS * DAY // STEP, n):
        times = START + (at + np.arange(n, dtype=np.int64)) * STEP
        columns = [random.normal(size=n).astype("f4") for _ in range(CHANNELS)]
        columns[::3] = [np.full(n, 5.0, "f4")] * len(columns[::3])
        columns[1::3] = [np.round(20 + column, 1) for column in columns[1::3]]
        if not recorder.put(session, Frame(group, times, tuple(columns)), wait=True, timeout=60.0):
            raise RuntimeError(recorder.status().error)
    recorder.close(60.0)
    while merge(archive):
        pass
    return archive, session


class Writing:
    """Records ``RATE`` samples a second on a thread, until the end of the block."""

    def __init__(self, archive: Archive) -> None:
        self._session = archive.begin_session(started=START, origin="live", sources=["other"])
        self._recorder = Recorder(archive, reserve_bytes=0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.recorded = 0

    def _run(self) -> None:
        (given,) = frames(1)
        n, began, at = 8, time.perf_counter(), 0
        while not self._stop.wait(max(0.0, began + at / (RATE / 1000) - time.perf_counter())):
            part = given.part(0, n)
            times = START + DAYS * DAY + (at + np.arange(n, dtype=np.int64)) * 12_500
            if not self._recorder.put(self._session, Frame(part.group, times, part.columns)):
                raise RuntimeError("the recorder did not keep up")
            at += n

    def __enter__(self) -> Writing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._recorder.close(60.0)
        self.recorded = self._recorder.status().recorded_samples


def _times(ask: Callable[[int], object]) -> tuple[float, float]:
    """Median and 95th percentile, ms."""
    took = []
    for number in range(ASKED):
        began = time.perf_counter()
        ask(number)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), float(np.percentile(took, 95))


def writing() -> list[dict[str, Any]]:
    """Against Parquet, and the size of what was written."""
    given = frames(40)
    mine, others, ratios, sizes = [], [], [], []
    for _ in range(PAIRS):
        with tempfile.TemporaryDirectory() as name:
            rate, _ = ours(given, Path(name), a_commit=LENGTH * len(given[0].columns))
            other = parquet(given, Path(name))
            with Archive.open(Path(name) / "ours.duckdb") as archive:
                held = Reader(archive).samples()
                compact(archive, say=lambda *_: None, stop=threading.Event())
            sizes.append((Path(name) / "ours.duckdb").stat().st_size / held)
        mine.append(rate)
        others.append(other)
        ratios.append(rate / other)
    return [
        {
            "name": "samples recorded a second, against a synced Parquet file a commit",
            "unit": "samples/s",
            "ours": statistics.median(mine),
            "theirs": statistics.median(others),
            "ratio": statistics.median(ratios),
            "aim": "at least 1x",
        },
        {"name": "a sample in the file after `compact`", "unit": "bytes", "ours": sizes[-1], "aim": "at most 2.5"},
    ]


def reading(folder: Path) -> list[dict[str, Any]]:
    """Plots while it is recorded, and opening a billion samples."""
    archive, session = month(folder / "month.duckdb")
    reader = Reader(archive)
    keys = [f"SAT-001/x/c{i}" for i in range(CHANNELS)]
    stop = START + DAYS * DAY
    out = []
    with Writing(archive):
        _times(lambda number: reader.envelope(session, [keys[number]], START, stop, COLUMNS))
        plot, plot95 = _times(lambda number: reader.envelope(session, [keys[2 * number]], START, stop, COLUMNS))
        last, last95 = _times(lambda number: reader.raw(session, keys[number : number + 32], stop - 600 * SECOND, stop))
        with archive.reading() as cursor:
            plain, plain95 = _times(lambda number: cursor.execute(_PLAIN, [2 * number + 1]).fetchnumpy())
    print(f"medians: plot {plot:.1f} ms, last ten minutes {last:.1f} ms, scan {plain:.1f} ms")
    for name, ours95, theirs95, aim in (
        ("a plot of 30 days while 80,000 samples/s are recorded, p95", plot95, plain95, 40),
        ("the last 10 minutes of 32 channels meanwhile, p95", last95, None, 20),
    ):
        ratio = None if theirs95 is None else theirs95 / ours95
        out.append(
            {"name": name, "unit": "ms", "ours": ours95, "theirs": theirs95, "ratio": ratio, "aim": f"at most {aim} ms"}
        )
    _multiply(archive, BILLION)
    held = reader.samples()
    archive.close()
    took = []
    for _ in range(PAIRS):
        began = time.perf_counter()
        archive = Archive.open(folder / "month.duckdb")
        archive.claim()
        took.append(time.perf_counter() - began)
        archive.close()
    out.append(
        {
            "name": f"opening an archive of {held / 1e9:.2f} billion samples",
            "unit": "s",
            "ours": statistics.median(took),
            "aim": "under 1 s",
        }
    )
    return out


def _multiply(archive: Archive, wanted: int) -> None:
    """The month again and again, each beside the last in time, until there are ``wanted`` samples."""
    with archive.maintaining() as connection:
        ((blocks, samples),) = connection.execute(
            "SELECT (SELECT max(id) FROM _every_block), sum(n) FROM _merged_chunk"
        ).fetchall()
        connection.execute(
            "CREATE TEMP TABLE b AS SELECT * FROM _merged_block; CREATE TEMP TABLE c AS FROM _merged_chunk"
        )
        for turn in range(1, -(-wanted // samples)):
            ids, later = turn * blocks, turn * DAYS * DAY
            connection.execute(
                f"INSERT INTO _merged_block SELECT * REPLACE (id + {ids} AS id, t0 + {later} AS t0, "
                f"t1 + {later} AS t1, list_transform(times, lambda t: t + {later}) AS times) FROM b"
            )
            connection.execute(
                f"INSERT INTO _merged_chunk SELECT * REPLACE (block + {ids} AS block, t0 + {later} AS t0, "
                f"t1 + {later} AS t1) FROM c"
            )


def run() -> list[dict[str, Any]]:
    """Results for the page."""
    with tempfile.TemporaryDirectory() as name:
        return [*writing(), *reading(Path(name))]


if __name__ == "__main__":
    for result in run():
        print(result)
