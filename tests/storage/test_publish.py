"""What is published is what is recorded, bit for bit; it never changes, and whatever ends a run, the next goes on."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from storage import Archive, Recorder, StorageError, claim, manifest
from storage.compact import compact
from storage.daily import DAY
from storage.manifest import Manifest
from storage.merge import merge
from storage.publish import TABLES, Published, publish
from storage.retention import Retention, expire
from storage.verify import verify
from telemetry import Frame
from telemetry.clock import SECOND, iso, parse_iso
from tests.storage import fleet

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("publishing_child.py")
DAYS = ["1969-12-31", "1970-01-01", "2024-10-03", "2024-10-04", "2024-10-05"]

_ARCHIVED = """
SELECT session, satellite, subsystem, channel, epoch_us(time), epoch_us(received), value::VARCHAR, raw, text, quality
FROM samples ORDER BY ALL
"""
_PUBLISHED = _ARCHIVED.replace("samples", "read_parquet('{}/samples/*/*.parquet')")
_SCORES = """
SELECT session, satellite, subsystem, channel, model, version, epoch_us(minute), ratio, judged, skipped
FROM scores ORDER BY ALL
"""


def now(archive: Archive, folder: Path, running: tuple[int, ...] = ()) -> Published:
    return publish(archive, folder, running=running, stop=threading.Event())


def hashes(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): manifest.sha256(path) for path in folder.rglob("*") if path.is_file()}


def ask(query: str, path: Path | None = None) -> list[tuple[object, ...]]:
    with duckdb.connect(str(path or ":memory:"), read_only=path is not None) as connection:
        connection.execute("SET TimeZone = 'Pacific/Auckland'")
        return list(connection.execute(query).fetchall())


def read(folder: Path) -> Manifest:
    found = manifest.read(folder)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "a.duckdb"
    fleet.make(path)
    return path


@pytest.fixture(scope="module")
def published(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "out"
    with Archive.open(recorded) as archive:
        done = now(archive, folder)
    assert (done.whole, done.waiting, done.days) == (True, (), len(DAYS))
    return folder


def test_every_sample_is_published_bit_for_bit_and_none_twice(recorded: Path, published: Path) -> None:
    before = ask(_ARCHIVED, recorded)
    assert len(before) > 20_000
    assert ask(_PUBLISHED.format(published)) == before
    texts = {row[8] for row in before}
    assert {"safe", "nominal", str(2**64 - 1), None} <= texts
    assert {"-0.0", "inf", "5e-324"} <= {row[6] for row in before}


def test_scores_and_the_small_tables_are_published_too(recorded: Path, published: Path) -> None:
    before = ask(_SCORES, recorded)
    assert len(before) > 300
    assert ask(_SCORES.replace("FROM scores", f"FROM read_parquet('{published}/scores/*/*.parquet')")) == before
    for view in TABLES:
        ours = pq.read_table(published / view / "edition=1" / f"{view}.parquet", partitioning=None)
        kinds = ask(f"DESCRIBE {view}", recorded)
        assert ours.column_names == [row[0] for row in kinds]
        assert [(len(ours),)] == ask(f"SELECT count(*) FROM {view}", recorded)
        times = [one.type for one in ours.schema for row in kinds if row[:2] == (one.name, "TIMESTAMP")]
        assert set(times) <= {pa.timestamp("us", tz="UTC")}
        assert not any(pa.types.is_map(one.type) for one in ours.schema)
    events = ask(f"SELECT epoch_us(start), channels[1].name FROM '{published}/events/*/*.parquet'")
    assert events == [(fleet.START, "eps/cell")]


def test_every_file_is_of_one_day_sorted_and_of_types_that_spark_knows(published: Path) -> None:
    days = sorted(path.name.removeprefix("day=") for path in (published / "samples").iterdir())
    assert days == DAYS
    for path in (published / "samples").rglob("*.parquet"):
        table = pq.read_table(path, partitioning=None)
        assert [str(one.type) for one in table.schema] == [
            "int32", "string", "string", "string", "timestamp[us, tz=UTC]", "timestamp[us, tz=UTC]",
            "double", "int64", "string", "int16",
        ]  # fmt: skip
        stored = pq.ParquetFile(path)
        assert {stored.schema.column(at).physical_type for at in (4, 5)} == {"INT64"}
        group = stored.metadata.row_group(0)
        assert {group.column(at).compression for at in range(group.num_columns)} == {"ZSTD"}
        keys = [tuple(row.values()) for row in table.select(range(5)).to_pylist()]
        assert keys == sorted(keys)
        assert {key[4].date().isoformat() for key in keys} == {path.parent.name.removeprefix("day=")}
    whole = ds.dataset(published / "samples", partitioning="hive")
    assert (
        whole.filter(ds.field("day") == DAYS[2]).count_rows()
        == pq.read_metadata(published / "samples" / f"day={DAYS[2]}" / "part-1.parquet").num_rows
    )


def test_the_manifest_describes_every_file(published: Path) -> None:
    found = read(published)
    files = {file.path: file for file in found.files}
    there = {path for path in hashes(published) if path not in ("manifest.json", claim.NAME)}
    assert set(files) == there
    for path, file in files.items():
        data = (published / path).read_bytes()
        assert (file.bytes, file.sha256) == (len(data), manifest.sha256(published / path))
        assert file.rows == pq.read_metadata(published / path).num_rows
        if path.startswith("samples"):
            times = pq.read_table(published / path, partitioning=None)["time"].cast(pa.int64()).to_numpy()
            assert (parse_iso(file.start), parse_iso(file.end)) == (times.min(), times.max())
    raw = json.loads((published / "manifest.json").read_text(encoding="utf-8"))
    assert raw["format"] == 1 and raw["archive"]["made"] and raw["program"]


def test_publishing_again_changes_nothing(recorded: Path, published: Path) -> None:
    before = hashes(published)
    with Archive.open(recorded) as archive:
        again = now(archive, published)
    assert (again.files, again.days, again.samples, again.whole) == (0, 0, 0, True)
    assert hashes(published) == before


def test_a_channel_too_large_for_a_piece_is_cut_and_still_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    piece = 5000
    monkeypatch.setattr("storage.daily.PIECE", piece)
    count = piece + 7
    times = fleet.START - DAY // 2 + np.arange(count, dtype=np.int64) * (DAY // count)
    random_ = np.random.default_rng(5)
    columns = (
        random_.normal(size=count).astype(np.float32),
        np.zeros(count),
        np.zeros(count, "u8"),
        np.zeros(count, "i8"),
    )
    with Archive.open(tmp_path / "a.duckdb") as archive:
        fleet.record(archive, [Frame(fleet.FAST, times, columns)])
        assert now(archive, tmp_path / "out").samples == 4 * count
    (path,) = (tmp_path / "out" / "samples").rglob("*.parquet")
    stored = pq.ParquetFile(path)
    sizes = [stored.metadata.row_group(at).num_rows for at in range(stored.num_row_groups)]
    assert max(sizes) <= piece and len(sizes) == 8
    table = stored.read(columns=["channel", "time", "value"])
    mine = table.filter(pa.compute.equal(table["channel"], "bus_voltage"))
    assert np.array_equal(mine["time"].cast(pa.int64()).to_numpy(), times)
    assert np.array_equal(mine["value"].to_numpy(), columns[0].astype(np.float64))


def test_days_that_a_running_session_may_still_write_are_left_for_later(tmp_path: Path) -> None:
    midnight = fleet.START + DAY // 2
    folder = tmp_path / "out"
    with Archive.open(tmp_path / "a.duckdb") as archive:
        session = archive.begin_session(started=0, origin="live", sources=["test"])
        recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
        fleet.add(archive, recorder, session, [fleet.fast(fleet.START, 60, 1)])
        assert recorder.close(10.0)
        assert now(archive, folder, (session,)).waiting == ("2024-10-03",)
        recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
        fleet.add(archive, recorder, session, [fleet.fast(midnight + 590 * SECOND, 10, 2)])
        assert recorder.close(10.0)
        first = now(archive, folder, (session,))
        assert (first.days, first.waiting) == (0, ("2024-10-03", "2024-10-04"))  # 599 s beyond the end
        silent = archive.begin_session(started=0, origin="live", sources=["test"])
        recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
        fleet.add(archive, recorder, session, [fleet.fast(midnight + 600 * SECOND, 1, 3)])
        assert recorder.close(10.0)
        assert now(archive, folder, (session, silent)).days == 0  # nobody knows where the other one will begin
        second = now(archive, folder, (session,))
        assert (second.days, second.waiting) == (1, ("2024-10-04",))
        assert now(archive, folder).days == 1  # nobody writes any more


def test_late_samples_go_into_a_further_file_of_their_day(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    path = tmp_path / "a.duckdb"
    with Archive.open(path) as archive:
        fleet.record(archive, [fleet.fast(fleet.START, 50, 1)])
        now(archive, folder)
        before = hashes(folder)
        # The same session once more, with values of which each equals one that is there but for a bit.
        late = fleet.fast(fleet.START, 3, 1)
        values = (np.array([0.0, np.inf, 1e-45], np.float32), np.ones(3), late.columns[2], late.columns[3])
        recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
        assert recorder.put(1, Frame(late.group, late.times, values, None, late.received), wait=True)
        assert recorder.close(10.0)
        done = now(archive, folder)
        assert (done.days, done.samples) == (1, 12)
        assert now(archive, folder).files == 0
    after = hashes(folder)
    assert {name: after[name] for name in before if name != "manifest.json"} == {
        name: found for name, found in before.items() if name != "manifest.json"
    }
    assert "samples/day=2024-10-03/part-2.parquet" in after
    assert ask(_PUBLISHED.format(folder)) == ask(_ARCHIVED, path)


def test_a_second_one_that_publishes_into_a_folder_is_told_who_is_at_it(recorded: Path, tmp_path: Path) -> None:
    other, folder = Path(shutil.copy(recorded, tmp_path / "b.duckdb")), tmp_path / "out"
    told: list[str] = []
    with Archive.open(recorded) as archive, Archive.open(other) as copy:

        def say(*_: object) -> None:
            if not told:
                with pytest.raises(StorageError) as refused:
                    now(copy, folder)
                told.append(str(refused.value))

        assert publish(archive, folder, say=say, stop=threading.Event()).whole
        assert f"is being published into by process {os.getpid()} on " in told[0]
        assert now(copy, folder).files == 0
    assert (folder / claim.NAME).read_bytes() == b""


def test_a_copy_that_went_its_own_way_is_refused_and_one_that_did_not_goes_on(recorded: Path, tmp_path: Path) -> None:
    mine, other = (Path(shutil.copy(recorded, tmp_path / name)) for name in ("a.duckdb", "b.duckdb"))
    folder = tmp_path / "out"
    with Archive.open(mine) as archive, Archive.open(other) as copy:
        assert archive.begin_session(started=fleet.START + SECOND, origin="live", sources=["a"]) == 3
        assert now(archive, folder).whole
        assert now(copy, folder).whole  # it lacks a session, and has none of its own
        assert copy.begin_session(started=fleet.START + 2 * SECOND, origin="live", sources=["b"]) == 3
        before = hashes(folder)
        with pytest.raises(
            StorageError, match=r"holds a session 3 that began .*:01Z, and that of this .* another folder"
        ):
            now(copy, folder)
        assert hashes(folder) == before
        assert read(folder).sessions[3] == iso(fleet.START + SECOND)
        assert archive.begin_session(started=0, origin="live", sources=["a"]) == 4
        assert now(archive, folder).files == 1
    assert read(folder).sessions[4] == iso(0)


def late(archive: Archive) -> None:
    """Three samples more of the first session's first day."""
    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0)
    fleet.add(archive, recorder, 1, [fleet.fast(fleet.START, 3, 77)])
    assert recorder.close(10.0)


def test_a_published_file_that_changed_is_named_and_the_archive_is_not_blamed(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with Archive.open(tmp_path / "a.duckdb") as archive:
        fleet.record(archive, [fleet.fast(fleet.START, 50, 1)])
        now(archive, folder)
        late(archive)
        part = folder / "samples" / "day=2024-10-03" / "part-1.parquet"
        good = part.read_bytes()
        for damaged, said in ((good[:500] + bytes([good[500] ^ 1]) + good[501:], "is not as it was published"),
                              (None, "is missing")):  # fmt: skip
            part.unlink() if damaged is None else part.write_bytes(damaged)
            with pytest.raises(StorageError, match=f"^{part} {said}: restore it.*or publish into another folder"):
                now(archive, folder)
        part.write_bytes(good)
        assert now(archive, folder).samples > 0


def test_sorting_compacting_and_expiry_change_nothing_that_was_published(recorded: Path, tmp_path: Path) -> None:
    path, folder = Path(shutil.copy(recorded, tmp_path / "a.duckdb")), tmp_path / "out"
    with Archive.open(path) as archive:
        now(archive, folder)
        before = {name: found for name, found in hashes(folder).items() if name.startswith("samples")}
        assert merge(archive, least=1)
        compact(archive, say=lambda *_: None, stop=threading.Event())
        assert now(archive, folder).files == 0
        assert expire(archive, Retention(values=1, seconds=1), fleet.START + 40 * DAY) > 0
        assert verify(archive, published=folder, stop=threading.Event()).problems == ()
        assert now(archive, folder).samples == 0
    after = {name: found for name, found in hashes(folder).items() if name.startswith("samples")}
    assert after == before
    assert len(ask(_PUBLISHED.format(folder))) == len(ask(_ARCHIVED, recorded)) > len(ask(_ARCHIVED, path))


def publish_and_die(recorded: Path, folder: Path, number: int) -> tuple[int, str]:
    command = [sys.executable, str(CHILD), str(recorded), str(folder), str(number)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("rounds", [5, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_a_publishing_that_is_killed_goes_on_to_the_same_files(
    rounds: int, recorded: Path, published: Path, tmp_path: Path
) -> None:
    whole = hashes(published)
    code, said = publish_and_die(recorded, tmp_path / "0", 0)
    operations = int(said)
    assert (code, hashes(tmp_path / "0")) == (0, whole)
    choice = random.Random(rounds)
    killed = sorted(choice.sample(range(2, operations + 1), min(rounds, operations - 1)))
    for number in killed:
        folder = tmp_path / str(number)
        code, _ = publish_and_die(recorded, folder, number)
        assert code == -9
        named = manifest.read(folder) if folder.is_dir() else None
        for file in [] if named is None else named.files:
            assert manifest.sha256(folder / file.path) == file.sha256
        with Archive.open(recorded) as archive:
            assert now(archive, folder).whole
        assert hashes(folder) == whole
        shutil.rmtree(folder)


def test_a_publishing_that_is_stopped_goes_on_to_the_same_files(
    recorded: Path, published: Path, tmp_path: Path
) -> None:
    told: list[float] = []
    whole = False
    with Archive.open(recorded) as archive:
        while not whole:
            stop = threading.Event()

            def say(_: str, done: float, stop: threading.Event = stop) -> None:
                told.append(done)
                stop.set()

            whole = publish(archive, tmp_path / "out", say=say, stop=stop).whole
    assert len(told) > len(DAYS)
    assert 0 <= min(told) < max(told) <= 1
    assert hashes(tmp_path / "out") == hashes(published)


def test_a_folder_that_may_not_be_published_into_is_refused_and_left(
    recorded: Path, published: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    other = tmp_path / "other"
    shutil.copytree(published, other)
    text = (other / "manifest.json").read_text(encoding="utf-8")
    broken = {
        "another archive": json.dumps({**json.loads(text), "archive": {"made": "2000-01-01T00:00:00Z"}}),
        "newer than this one": json.dumps({**json.loads(text), "format": 2}),
        "is damaged": text[:-20],
    }
    with Archive.open(recorded) as archive:
        for folder, said in (
            (recorded.parent, "where the archive itself lies"),
            (recorded, "where the archive itself lies"),
            (tmp_path, "holds other files"),
            (tmp_path / "notes.txt", "is a file"),
            (tmp_path / "notes.txt" / "x", "is a file"),
        ):
            with pytest.raises(StorageError, match=said):
                now(archive, folder)
        for said, content in broken.items():
            (other / "manifest.json").write_text(content, encoding="utf-8")
            with pytest.raises(StorageError, match=said):
                now(archive, other)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "other"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=320k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    ) if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("mount") else None  # fmt: skip
    if made is None or made.returncode:
        pytest.skip("a small disk can be mounted by root only")
    return folder


def test_a_disk_that_is_too_small_is_said_before_and_one_that_fills_leaves_what_is_whole(
    recorded: Path, published: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        folder = small_disk / "out"
        with Archive.open(recorded) as archive:
            monkeypatch.setattr("storage.publish.WIDTH", 100)
            with pytest.raises(StorageError, match=r"need about 2 MB, and 0 MB are free"):
                now(archive, folder)
            monkeypatch.setattr("storage.publish.WIDTH", 0)
            with pytest.raises(StorageError, match="is full: free some space"):
                now(archive, folder)
            for file in read(folder).files:
                assert manifest.sha256(folder / file.path) == file.sha256
            subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
            now(archive, folder)
        assert hashes(folder) == hashes(published)
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)
