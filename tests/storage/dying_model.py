"""What a process that is going to be killed records, and whether an archive holds it: once, whole, and unchanged.

Every value follows from the numbers of its session and of its frame, so that whoever looks afterwards knows all of
them. What a session holds are always its first frames: a commit takes whole frames, in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import numpy as np

from storage import Archive, Reader, schema
from storage.batch import insert
from storage.cells import DAY
from storage.chunks import Rows, encode
from storage.door import rows
from storage.envelope import Reduced
from storage.roster import Roster
from telemetry import Channel, Frame, Group, Quality
from telemetry.clock import SECOND

START = 20_000 * DAY
STRIDE = 6 * 3600
"""Seconds from the begin of one frame to that of the next."""

FAST = Group(
    "SAT",
    "fast",
    (
        Channel("SAT", "aocs", "noise", type="f4"),
        Channel("SAT", "aocs", "holes", type="f8"),
        Channel("SAT", "obc", "count", type="i8"),
        Channel("SAT", "obc", "large", type="u8"),
        Channel("SAT", "obc", "mode", type="i4"),
    ),
    period=SECOND,
)
SLOW = Group("SAT", "slow", (Channel("SAT", "eps", "volt", type="f8"),))
KEYS = [channel.key for group in (FAST, SLOW) for channel in group.channels]

_LENGTHS = (1, 5, 40, 90, 400, 600)


def frames(session: int, number: int) -> list[Frame]:
    """The frames of one number; small ones are pieces, large ones chunks, and every other one has been received."""
    random = np.random.default_rng([session, number])
    n = int(random.choice(_LENGTHS))
    seconds = number * STRIDE + np.arange(n, dtype=np.int64)
    times = START + seconds * SECOND
    columns = (
        random.normal(size=n).astype("f4"),
        np.where(random.random(n) < 0.1, np.nan, seconds / 7),
        seconds * 2**33 + session,
        seconds.astype("u8") + np.uint64(2**63),
        (seconds // 50 % 3).astype("i4"),
    )
    marks = np.where(random.random(n) < 0.1, Quality.INVALID, 0).astype(np.uint8)
    made = [Frame(FAST, times, columns, (marks, None, None, None, None), times + 5 if number % 2 else None)]
    if number % 3 == 0:
        made.append(Frame(SLOW, times[:1], (seconds[:1] / 3.0,)))
    return made


def clock(session: int, samples: int) -> int:
    """The time of telemetry up to which a session with so many values goes, UTC microseconds."""
    number = 0
    while samples > 0:
        samples -= sum(one.count() for one in frames(session, number))
        number += 1
    return START + number * STRIDE * SECOND


def first(session: int, samples: int) -> list[Frame]:
    """The frames that hold the first values of a session; fails where so many are no whole frames."""
    made: list[Frame] = []
    number = 0
    while samples > 0:
        for one in frames(session, number):
            if samples > 0:
                made.append(one)
                samples -= one.count()
        number += 1
    assert samples == 0, f"session {session} ends within a frame"
    return made


def earlier(path: Path, version: int, numbers: int) -> int:
    """An archive as a program of ``version`` left it, of session 1; its samples.

    Blocks have up to 256 samples, end where they are full whatever the time, and the last of them lie in pieces.
    """
    roster, made = Roster(0, 0), {"": Rows(), "_fresh": Rows()}
    arrived = [one for number in range(numbers) for one in frames(1, number)]
    samples = block = 0
    for group in (FAST, SLOW):
        numbered = roster.number(1, group)
        runs: list[list[Frame]] = []
        mine = [one for one in arrived if one.group is group]
        pieces = mine[-3:]
        for one in [part for whole in mine[:-3] for part in _parts(whole)]:
            if not runs or sum(map(len, runs[-1])) + len(one) > 256:
                runs.append([])
            runs[-1].append(one)
        for run in [*runs, *([one] for one in pieces)]:
            block += 1
            samples += encode(numbered, run, block, made["_fresh" if run[0] in pieces else ""])
    with duckdb.connect(str(path)) as connection:
        for number, step in enumerate(schema.MIGRATIONS[:version], 1):
            connection.execute(step)
            connection.execute("INSERT INTO _migration VALUES (?, 0, 'before')", [number])
        connection.execute(
            "INSERT INTO _session BY NAME SELECT 1 AS id, 0 AS started, 'live' AS origin, ['child'] AS sources, "
            "'before' AS program, '{}' AS settings, '[]' AS models, false AS relative"
        )
        connection.execute("INSERT INTO _writer VALUES ('before', 1, ?, NULL, 1)", [samples])
        for table, found in zip(("_group", "_channel"), roster.new_rows(), strict=True):
            assert found is not None
            insert(connection, table, found)
        for prefix, written in made.items():
            tables = written.tables()
            assert tables is not None
            insert(connection, f"{prefix}_block", tables[0])
            insert(connection, f"{prefix}_chunk", tables[1])
    return samples


def _parts(frame: Frame) -> list[Frame]:
    return [frame.part(at, min(at + 200, len(frame))) for at in range(0, len(frame), 200)]


def check(archive: Archive, acknowledged: Mapping[int, int]) -> None:
    """Everything that was acknowledged is there once: each day of a channel as its values, or as their summary."""
    assert archive.notices == []
    _check_tables(archive)
    reader = Reader(archive)
    sessions = [one.id for one in reader.sessions()]
    assert set(acknowledged) <= set(sessions)
    for session in sessions:
        _check_session(archive, reader, session, acknowledged.get(session, 0))


def _check_session(archive: Archive, reader: Reader, session: int, acknowledged: int) -> None:
    raw = reader.raw(session, KEYS, -(2**60), 2**60)
    summed = _rollups(archive, session)
    samples = sum(len(run.times) for run in raw.values())
    samples += sum(int(one.n.sum()) for days in summed.values() for _, one in days.values())
    assert samples >= acknowledged, f"session {session} lacks {acknowledged - samples} acknowledged samples"
    there = first(session, samples)
    for group in (FAST, SLOW):
        mine = [one for one in there if one.group is group]
        for place, channel in enumerate(group.channels):
            if not mine:
                assert channel.key not in raw
                continue
            times = np.concatenate([one.times for one in mine])
            values = np.concatenate([one.columns[place] for one in mine])
            quality = np.concatenate([_marks(one, place) for one in mine])
            received = np.concatenate([np.full(len(one), -1) if one.received is None else one.received for one in mine])
            here = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)
            for day, (width, one) in summed.get(channel.key, {}).items():
                gone = times // DAY == day
                good = gone & here
                _check_summary(one, width, times[good], values[good], quality[good])
                here &= ~gone
            if not here.any():
                assert channel.key not in raw
                continue
            found = raw[channel.key]
            assert np.array_equal(found.times, times[here])
            assert found.values.tobytes() == values[here].tobytes()
            assert np.array_equal(found.quality, quality[here])
            arrived = np.full(len(found.times), -1) if found.received is None else found.received
            assert np.array_equal(arrived, received[here])


def _marks(frame: Frame, place: int) -> np.ndarray:
    marks = None if frame.quality is None else frame.quality[place]
    return np.zeros(len(frame), np.uint8) if marks is None else marks


def _rollups(archive: Archive, session: int) -> dict[str, dict[int, tuple[int, Reduced]]]:
    """What is left of each channel's days, by key and day: its width and its cells."""
    with archive.reading() as cursor:
        found = rows(
            cursor,
            "SELECT satellite || '/' || subsystem || '/' || name, width, cells, counts, valids, los, his, totals "
            "FROM _rollup JOIN _channel ON id = channel WHERE session = ?",
            [session],
        )
    out: dict[str, dict[int, tuple[int, Reduced]]] = {}
    for key, width, cells, counts, valids, los, his, totals in found:
        day = cells[0] // DAY
        assert cells[-1] // DAY == day
        assert day not in out.setdefault(key, {}), f"day {day} of {key} was summed up twice"
        out[key][day] = (
            width,
            Reduced(*(np.array(one) for one in (cells, los, his, totals, valids, counts))),
        )
    return out


def _check_summary(one: Reduced, width: int, times: np.ndarray, values: np.ndarray, quality: np.ndarray) -> None:
    cells, at = np.unique(times // width * width, return_inverse=True)
    assert np.array_equal(one.bucket, cells)
    good = (quality & Quality.INVALID) == 0
    assert np.array_equal(one.n, np.bincount(at, minlength=len(cells)))
    assert np.array_equal(one.valid, np.bincount(at[good], minlength=len(cells)))
    low, high = np.full(len(cells), np.inf), np.full(len(cells), -np.inf)
    np.minimum.at(low, at[good], values[good].astype("f8"))
    np.maximum.at(high, at[good], values[good].astype("f8"))
    some = one.valid > 0
    assert np.array_equal(one.low[some], low[some])
    assert np.array_equal(one.high[some], high[some])
    total = np.bincount(at[good], weights=values[good].astype("f8"), minlength=len(cells))
    assert np.allclose(one.total[some], total[some], rtol=1e-9)


_VALUES = """
SELECT block, channel, unnest(b.times) AS t, unnest(coalesce(f8, f4::DOUBLE[], i8::DOUBLE[], u8::DOUBLE[])) AS v,
    unnest(coalesce(quality, list_resize([]::UTINYINT[], len(b.times), 0))) AS q
FROM {0}_chunk c JOIN {0}_block b ON b.id = c.block
"""
_FALSE_HEADERS = f"""
SELECT c.block, c.channel FROM {{0}}_chunk c LEFT JOIN (
    SELECT block, channel, min(t) AS t0, max(t) AS t1, count(*) AS n, count(*) FILTER (good) AS valid,
        min(v) FILTER (good) AS lo, max(v) FILTER (good) AS hi, sum(v) FILTER (good) AS total
    FROM (SELECT *, q & {int(Quality.INVALID)} = 0 AS good FROM ({_VALUES}) WHERE v IS NOT NULL)
    GROUP BY block, channel) s USING (block, channel)
WHERE (c.t0, c.t1, c.n, c.valid, c.lo, c.hi) IS DISTINCT FROM (s.t0, s.t1, s.n, s.valid, s.lo, s.hi)
    OR abs(coalesce(c.total, 0) - coalesce(s.total, 0)) > 1e-6 * (1 + abs(coalesce(s.total, 0)))
"""
_FALSE_BLOCKS = """
SELECT id FROM {0}_block b
WHERE t0 <> list_min(times) OR t1 <> list_max(times) OR n <> len(times) OR len(received) <> n
    OR id NOT IN (SELECT block FROM {0}_chunk)
"""
_DOUBLES = "SELECT id FROM _every_block GROUP BY id HAVING count(*) > 1"
_TWICE = "SELECT block, channel FROM _every_chunk GROUP BY block, channel HAVING count(*) > 1"
_NO_RUN = "SELECT run FROM _merged{0} WHERE run NOT IN (SELECT id FROM _run)"


def _check_tables(archive: Archive) -> None:
    """Every chunk has its block beside it and a header that its values have, and no number stands for two."""
    with archive.reading() as cursor:
        for query in (
            *(query.format(table) for table in ("", "_fresh", "_merged") for query in (_FALSE_HEADERS, _FALSE_BLOCKS)),
            *(_NO_RUN.format(table) for table in ("_block", "_chunk")),
            _DOUBLES,
            _TWICE,
        ):
            assert rows(cursor, query) == [], query
