"""Whatever is wrong with an archive is found and named, and what can be read of a damaged one is kept."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import duckdb
import numpy as np
import pytest

from storage import Archive, Reader, StorageError
from storage.damage import Lost
from storage.facts import facts
from storage.publish import publish
from storage.repair import Repaired, repair
from storage.verify import Verified, verify
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND, iso
from tests.storage import fleet

WIDE = Group("SAT-003", "wide", tuple(Channel("SAT-003", "aocs", f"gyro_{at:02}", "deg/s", "f8") for at in range(40)))
PER_FRAME = 1024


def make(path: Path, frames: int) -> Path:
    fleet.make(path)
    random = np.random.default_rng(7)
    starts = [fleet.START + at * PER_FRAME * SECOND for at in range(frames)]
    with Archive.open(path) as archive:
        times = [start + np.arange(PER_FRAME, dtype=np.int64) * SECOND for start in starts]
        fleet.record(archive, [Frame(WIDE, one, tuple(random.normal(size=(40, PER_FRAME)))) for one in times])
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("whole") / "a.duckdb", 2)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of more chunks than the database reads at once."""
    return make(tmp_path_factory.mktemp("large") / "a.duckdb", 20)


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copy(whole, tmp_path / "a.duckdb"))


@pytest.fixture
def large_path(large: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return Path(shutil.copy(large, tmp_path / "a.duckdb"))


def look(path: Path, published: Path | None = None) -> Verified:
    with Archive.open(path) as archive:
        return verify(archive, published=published, stop=threading.Event())


def mend(path: Path) -> Repaired:
    return repair(path, stop=threading.Event())


def run(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        for one in statements:
            connection.execute(one)


def flip(path: Path, block: int) -> None:
    """Change a byte in one of the pieces that the database checks."""
    data = bytearray(path.read_bytes())
    data[3 * 4096 + block * 262144 + 5000] ^= 0x40
    path.write_bytes(data)


def blocks_of(path: Path, table: str, column: str, kind: str) -> list[int]:
    """The pieces of the file in which a column lies."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            f"SELECT DISTINCT block_id FROM pragma_storage_info('{table}') "
            "WHERE column_name = ? AND segment_type = ? AND block_id >= 0 ORDER BY ALL",
            [column, kind],
        ).fetchall()
    return [int(number) for (number,) in found]


def test_nothing_is_wrong_with_an_archive_as_it_was_written(whole: Path, tmp_path: Path) -> None:
    with Archive.open(whole) as archive:
        publish(archive, tmp_path / "out", stop=threading.Event())
        told: list[float] = []
        found = verify(
            archive, published=tmp_path / "out", say=lambda _, done: told.append(done), stop=threading.Event()
        )
        assert (found.problems, found.whole) == ((), True)
        assert found.samples == Reader(archive).samples()
        assert found.chunks > found.blocks > 0 and found.files > 10
        assert told == sorted(told) and told[0] >= 0 and told[-1] <= 1
        stop = threading.Event()
        stop.set()
        assert not verify(archive, stop=stop).whole


SPAN = f"between {iso(fleet.START)} and "
INJECTED: list[tuple[str, str]] = [
    ("UPDATE _chunk SET n = n + 1 WHERE {0}", "the values are not as many as the header says"),
    ("UPDATE _chunk SET lo = lo - 1 WHERE {0}", "the values are not those that the header says"),
    ("UPDATE _chunk SET hi = 1e9 WHERE {0}", "the values are not those that the header says"),
    ("UPDATE _chunk SET valid = 0 WHERE {0}", "the values are not those that the header says"),
    ("UPDATE _chunk SET total = total + 0.001 WHERE {0}", "the values do not add up"),
    ("UPDATE _chunk SET t1 = t1 + 1 WHERE {0}", "the times are not those"),
    ("UPDATE _chunk SET f8 = f8[2:] WHERE {0}", "the values are not as many as the times"),
    ("UPDATE _chunk SET quality = [0] WHERE {0}", "the values are not as many as the times"),
    ("UPDATE _chunk SET f8 = NULL WHERE {0}", "the values are of no type, or of several"),
    ("UPDATE _chunk SET i8 = [1] WHERE {0}", "the values are of no type, or of several"),
    ("DELETE FROM _block WHERE id = (SELECT min(block) FROM _chunk WHERE {0})", "the times are missing"),
]


@pytest.mark.parametrize(("statement", "said"), INJECTED)
def test_each_damage_to_a_chunk_is_named_with_its_channel_and_span(path: Path, statement: str, said: str) -> None:
    one = "SELECT k.id FROM _channel k WHERE k.name = 'gyro_07'"
    first = f"SELECT min(t0) FROM _chunk WHERE channel IN ({one})"
    run(path, statement.format(f"channel IN ({one}) AND t0 = ({first})"))
    problem, *more = look(path).problems
    assert said in problem and SPAN in problem and "SAT-003" in problem and "(session 3)" in problem
    assert "aocs/gyro_07 (" in problem or said == "the times are missing"
    assert len(more) <= 1  # a number of values that is wrong is wrong in the sum over all too


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE _block SET times = times[2:] WHERE id = 1", "In 1 block between"),
        ("UPDATE _block SET received = [0] WHERE id = 1", "In 1 block between"),
        ("INSERT INTO _block SELECT * FROM _block WHERE id = 1", "Blocks that are there more than once: 1"),
        ("INSERT INTO _fresh_chunk SELECT * FROM _chunk WHERE block = 2", "Chunks that are there more than once"),
        ("DELETE FROM _chunk WHERE block = 2 AND channel = 1", "samples should be there, and"),
        ("DELETE FROM _channel WHERE name = 'gyro_01'", "Chunks that belong to no channel"),
        ("DELETE FROM _group WHERE satellite = 'SAT-003'", "Blocks that belong to no group"),
        ("DELETE FROM _session WHERE id = 3", "Channels that belong to no session: 40."),
        ("UPDATE _writer SET seq = 0", "Writers that have no number"),
        ("UPDATE _writer SET samples = samples + 3", "samples should be there, and"),
    ],
)
def test_each_damage_between_tables_is_named(path: Path, statement: str, said: str) -> None:
    run(path, statement)
    assert any(said in problem for problem in look(path).problems)


def test_a_published_file_that_changed_or_is_gone_is_named(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with Archive.open(whole) as archive:
        publish(archive, folder, stop=threading.Event())
    days = sorted((folder / "samples").iterdir())
    damaged = days[2] / "part-1.parquet"
    data = bytearray(damaged.read_bytes())
    data[100] ^= 1
    damaged.write_bytes(data)
    (days[3] / "part-1.parquet").unlink()
    one, other = look(whole, folder).problems
    assert str(damaged) in one and iso(fleet.START) in one and "is not as it was published" in one
    assert str(days[3]) in other and "is missing" in other
    (nothing,) = look(whole, tmp_path).problems
    assert "nothing was published there" in nothing


def test_flipped_bytes_are_named_by_span_and_everything_else_survives_a_repair(large: Path, large_path: Path) -> None:
    path = large_path
    flip(path, blocks_of(path, "_chunk", "f8", "DOUBLE")[-2])
    damaged = path.read_bytes()
    (problem,) = look(path).problems
    assert "samples of SAT-003, 40 channels (session 3)" in problem and "cannot be read" in problem
    assert path.read_bytes() == damaged

    done = mend(path)
    assert done.problems == (problem,) and done.whole
    assert Path(done.damaged).name == "a.duckdb.damaged-1" and Path(done.damaged).read_bytes() == damaged
    (gone, first, last), (more, *_) = difference(large, path), difference(path, large)
    assert (more, done.lost) == (0, gone)
    assert 0 < gone < done.samples
    assert f"{gone:,} samples" in problem and f"between {iso(first)} and {iso(last)}" in problem
    with Archive.open(path) as archive:
        (gap,) = Reader(archive).gaps(3)
        assert (gap.start, gap.stop, gap.samples) == (first, last, gone)
        assert Reader(archive).samples() == done.samples
    assert look(path).problems == ()
    again = mend(path)
    assert (again.damaged, again.lost, again.samples, again.problems) == ("", 0, done.samples, ())
    assert {one.name for one in path.parent.iterdir()} == {"a.duckdb", "a.duckdb.damaged-1"}


def difference(one: Path, other: Path) -> tuple[int, int, int]:
    """How many samples ``one`` has that ``other`` has not, and the first and last time of them."""
    columns = "session, satellite, channel, time, value::VARCHAR, raw, quality"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{one}' AS one (READ_ONLY); ATTACH '{other}' AS other (READ_ONLY)")
        ((count, first, last),) = connection.execute(
            f"SELECT count(*), epoch_us(min(time)), epoch_us(max(time)) FROM "
            f"(SELECT {columns} FROM one.samples EXCEPT ALL SELECT {columns} FROM other.samples)"
        ).fetchall()
    return count, first, last


def test_what_is_damaged_in_one_column_takes_nothing_from_channels_of_other_types(path: Path, whole: Path) -> None:
    flip(path, blocks_of(path, "_chunk", "f8", "DOUBLE")[-1])
    done = mend(path)
    (gone, *_) = difference(whole, path)
    assert done.lost == gone > 0
    assert {said.partition(" of ")[2].partition(" (session")[0] for said in done.problems} == {
        "SAT-001, eps/cell", "SAT-003, 40 channels",
    }  # fmt: skip


def test_times_that_cannot_be_read_take_their_samples_with_them(path: Path) -> None:
    (number, *_) = blocks_of(path, "_block", "times", "BIGINT")
    flip(path, number)
    problems = look(path).problems
    assert any("samples of SAT-003" in one and "cannot be read" in one for one in problems)
    done = mend(path)
    assert done.lost > 0 and set(problems) <= {*done.problems}
    assert look(path).problems == ()


def test_samples_of_which_not_even_the_headers_can_be_read_are_counted_all_the_same(path: Path) -> None:
    with Archive.open(path) as archive:
        before = Reader(archive).samples()
    headers = set(blocks_of(path, "_chunk", "block", "BIGINT")) - set(blocks_of(path, "_channel", "definition", "JSON"))
    flip(path, min(headers))
    done = mend(path)
    assert done.lost == before - done.samples > 0
    assert look(path).problems == ()


def test_an_archive_whose_names_are_lost_is_left_as_it_is(path: Path) -> None:
    (number, *_) = blocks_of(path, "_channel", "definition", "JSON")
    flip(path, number)
    before = path.read_bytes()
    with pytest.raises(StorageError, match="cannot be repaired, because the names of its channels"):
        mend(path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["a.duckdb"]


def test_a_session_that_cannot_be_read_is_made_up_and_keeps_its_samples(path: Path) -> None:
    with Archive.open(path) as archive:
        before = Reader(archive).samples()
    alone = set(blocks_of(path, "_session", "program", "VARCHAR")) - set(blocks_of(path, "_channel", "name", "VARCHAR"))
    flip(path, min(alone))
    done = mend(path)
    assert (done.samples, done.lost) == (before, 0)
    assert [said.partition(":")[0] for said in done.problems if "made up" in said] == [
        f"Session {number} could not be read" for number in (1, 2, 3)
    ]
    with Archive.open(path) as archive:
        sessions = Reader(archive).sessions()
    assert {(one.origin, tuple(one.sources), one.ended) for one in sessions} == {("import", ("recovered",), None)}
    assert look(path).problems == ()


def test_a_repair_that_is_stopped_leaves_everything_as_it_was(path: Path) -> None:
    flip(path, blocks_of(path, "_chunk", "f8", "DOUBLE")[-2])
    before = path.read_bytes()
    stop = threading.Event()

    def at_the_copy(step: str, _: float) -> None:
        if step.startswith("copying _chunk"):
            stop.set()

    done = repair(path, say=at_the_copy, stop=stop)
    assert (done.whole, done.damaged) == (False, "")
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["a.duckdb"]


def test_what_is_lost_is_said_as_far_as_it_is_known() -> None:
    one = Lost(1, "SAT-001", ("eps/a", "eps/b"), 1234, 0, SECOND)
    assert str(one) == (
        "1,234 samples of SAT-001, eps/a, eps/b (session 1), between 1970-01-01T00:00:00Z and 1970-01-01T00:00:01Z "
        "cannot be read."
    )
    assert str(Lost(None, "", (), None, None, None)) == "An unknown number of samples of any time cannot be read."


def test_facts_say_how_fast_an_archive_grows_and_of_logs_that_were_set_aside(path: Path) -> None:
    kept = path.with_name("a.duckdb.wal.kept-1")
    kept.write_bytes(b"log")
    with Archive.open(path) as archive:
        found = facts(archive)
        assert (found.samples, found.sessions) == (Reader(archive).samples(), 3)
        assert found.first == -5 * SECOND and found.samples_a_day == pytest.approx(40 * 86400, rel=1e-3)
        (said,) = found.problems
        assert str(kept) in said


def test_an_empty_archive_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    Archive.open(path).close()
    assert look(path).problems == ()
    assert mend(path) == Repaired("", 0, 0, (), True)
    with Archive.open(path) as archive:
        assert facts(archive).samples_a_day is None
        assert publish(archive, tmp_path / "out", stop=threading.Event()).samples == 0
