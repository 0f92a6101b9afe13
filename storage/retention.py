"""What is kept of samples as they grow old: the values, then a second's, a minute's and an hour's summary of them.

A day of telemetry at a time is summed up and its values are deleted, in one transaction. A channel that has hardly
more values than a summary would have cells stays as it is until a wider one is due. Called on one background thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from storage.archive import Archive
from storage.batch import insert
from storage.cells import DAY
from storage.door import Connection, rows, transaction
from storage.envelope import Grid, Reduced, reduce_channels
from storage.rewrite import cut_at_days
from telemetry.clock import SECOND

WIDTHS = (SECOND, 60 * SECOND, 3600 * SECOND)
"""The summaries, microseconds: the second's, the minute's, the hour's."""
WORTH = 4
"""Values a cell from which its summary is smaller than they are."""
CELLS_AT_ONCE = 1_000_000
"""Cells summed up at once, at the most (40 MB)."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days the values of a sample are kept, and then each summary; None: for ever.

    Each is an age, counted from when the sample was measured; what was imported or simulated is as old as the end of
    its session. ``ratios`` is the age up to which scores are kept at their full rate: behind the newest of their
    session, or after its end.
    """

    values: float | None = None
    seconds: float | None = None
    minutes: float | None = None
    hours: float | None = None
    ratios: float | None = 1.0

    def ages(self) -> list[tuple[float, int | None]]:
        """(days, what is kept from then on: a width of ``WIDTHS``, or None for nothing), youngest first."""
        out: list[tuple[float, int | None]] = []
        for age, kept in zip((self.values, self.seconds, self.minutes, self.hours), (*WIDTHS, None), strict=True):
            if age is None:
                break
            while out and out[-1][0] >= age:
                out.pop()
            out.append((age, kept))
        return out


_DAYS = """
SELECT DISTINCT (t0 - $first) // $day FROM (
    SELECT channel, t0 FROM _every_chunk WHERE t0 < $before UNION ALL
    SELECT channel, t0 FROM _rollup WHERE t0 < $before AND ($kept IS NULL OR width < $kept))
WHERE channel IN (SELECT id FROM _channel WHERE session = $session)
EXCEPT SELECT (start - $first) // $day FROM _expired
    WHERE session = $session AND ($kept IS NULL AND kept IS NULL OR kept >= $kept)
ORDER BY 1
"""
_CHANNELS = """
SELECT channel, sum(n)::BIGINT FROM (
    SELECT channel, n FROM _every_chunk WHERE t0 >= $2 AND t1 < $3 UNION ALL
    SELECT channel, 0 FROM _rollup WHERE t0 >= $2 AND t1 < $3)
WHERE channel IN (SELECT id FROM _channel WHERE session = $1) GROUP BY channel ORDER BY channel
"""
_OLD_RATIOS = """
SELECT id FROM (
    SELECT b.id, b.t1, max(b.t1) OVER (PARTITION BY b.session) AS newest, s.ended
    FROM _ratio_block b JOIN _session s ON s.id = b.session)
WHERE t1 < newest - $1 OR ended < $2 - $1
"""
_NEWEST_PIECE = """
SELECT max(id) FROM _fresh_block
WHERE t0 >= $2 AND t1 < $3 AND grp IN (SELECT id FROM _group WHERE session = $1)
"""
_ROLLUP = pa.schema(
    [
        ("channel", pa.int32()),
        ("width", pa.int64()),
        *((name, pa.int64()) for name in ("t0", "t1", "n")),
        ("cells", pa.list_(pa.int64())),
        *((name, pa.list_(pa.uint32())) for name in ("counts", "valids")),
        *((name, pa.list_(pa.float64())) for name in ("los", "his", "totals")),
    ]
)
_FOREVER = 10**6 * DAY
_FIRST = -_FOREVER  # integer division of the database rounds towards zero


def reduce_oldest(archive: Archive, samples: float, now: int, stop: threading.Event | None = None) -> int:
    """Reduce the oldest values to a minute's summary until ``samples`` of them are gone; how many went.

    The last day is never touched. Raises StorageError.
    """
    gone = 0
    with archive.maintaining() as connection:
        for session in _sessions(connection):
            for day in _days(connection, session.id, session.before(now - DAY), WIDTHS[1]):
                if gone >= samples or (stop is not None and stop.is_set()):
                    return gone
                gone += _expire_day(archive, connection, session.id, day, WIDTHS[1], now)
    return gone


def expire(
    archive: Archive,
    retention: Retention,
    now: int,
    stop: threading.Event | None = None,
) -> int:
    """Sum up and delete what is older than ``retention`` says at ``now`` (UTC microseconds); samples that went.

    Each day of a session is one commit; ``stop`` ends it after the day in hand. Raises StorageError.
    """
    gone = 0
    with archive.maintaining() as connection:
        if retention.ratios is not None:
            _forget_ratios(connection, int(retention.ratios * DAY), now)
        for session in _sessions(connection):
            for age, kept in reversed(retention.ages()):
                before = session.before(now - int(age * DAY))
                for day in _days(connection, session.id, before, kept):
                    if stop is not None and stop.is_set():
                        return gone
                    gone += _expire_day(archive, connection, session.id, day, kept, now)
    return gone


@dataclass(frozen=True, slots=True)
class _Session:
    id: int
    origin: str
    started: int
    ended: int | None

    def before(self, limit: int) -> int:
        """Samples before this time are older than ``limit``, by whole days."""
        if self.origin == "live":
            # A satellite whose clock is wrong has samples of 1970: they are as old as their session.
            return limit // DAY * DAY if self.started < limit else -_FOREVER
        return _FOREVER if self.ended is not None and self.ended < limit else -_FOREVER


def _sessions(connection: Connection) -> list[_Session]:
    return [_Session(*row) for row in rows(connection, "SELECT id, origin, started, ended FROM _session ORDER BY id")]


def _forget_ratios(connection: Connection, age: int, now: int) -> None:
    """Let every ratio go that is ``age`` older than the newest of its session, or whose session ended that long ago."""
    with transaction(connection):
        connection.execute(f"DELETE FROM _ratio WHERE block IN ({_OLD_RATIOS})", [age, now])
        connection.execute(f"DELETE FROM _ratio_block WHERE id IN ({_OLD_RATIOS})", [age, now])


def _days(connection: Connection, session: int, before: int, kept: int | None) -> Iterator[int]:
    """Where days begin that hold something finer than ``kept``, oldest first."""
    cut_at_days(connection, before)
    given = {"session": session, "before": before, "kept": kept, "first": _FIRST, "day": DAY}
    for (day,) in connection.execute(_DAYS, given).fetchall():
        yield _FIRST + int(day) * DAY


def _expire_day(archive: Archive, connection: Connection, session: int, day: int, kept: int | None, now: int) -> int:
    samples = 0
    with transaction(connection):
        ((newest,),) = rows(connection, _NEWEST_PIECE, [session, day, day + DAY])
        if newest is not None and newest > archive.leftover:
            return 0  # who records holds pieces of this day, and writes them once more when they make a chunk
        found = rows(connection, _CHANNELS, [session, day, day + DAY])
        at_once = len(found) if kept is None else max(1, CELLS_AT_ONCE // (DAY // kept))
        for first in range(0, len(found), max(1, at_once)):
            counts = dict(found[first : first + at_once])
            summed = {} if kept is None else _worth(connection, list(counts), Grid(day, day + DAY, kept))
            channels = list(counts) if kept is None else list(summed)
            _delete(connection, channels, day)
            if kept is not None and summed:
                insert(connection, "_rollup", _rollups(summed, Grid(day, day + DAY, kept)))
            samples += sum(counts[channel] for channel in channels)
        _delete_blocks(connection, session, day)
        connection.execute(
            "INSERT INTO _expired VALUES (?, ?, ?, ?, ?, ?)", [session, day, day + DAY, samples, kept, now]
        )
    return samples


def _worth(connection: Connection, channels: list[int], grid: Grid) -> dict[int, Reduced]:
    """The summaries, by channel, that are smaller than what they sum up."""
    summed = reduce_channels(connection, {channel: place for place, channel in enumerate(channels)}, grid)
    return {channels[place]: one for place, one in summed.items() if one.n.sum() >= WORTH * len(one.n)}


def _delete(connection: Connection, channels: Sequence[int], day: int) -> None:
    for table in ("_fresh_chunk", "_chunk", "_merged_chunk", "_rollup"):
        connection.execute(
            f"DELETE FROM {table} WHERE channel IN (SELECT unnest(?::INTEGER[])) AND t0 >= ? AND t1 < ?",
            [list(channels), day, day + DAY],
        )


def _delete_blocks(connection: Connection, session: int, day: int) -> None:
    for table in ("_fresh", "", "_merged"):
        connection.execute(
            f"DELETE FROM {table}_block WHERE t0 >= $1 AND t1 < $2 "
            f"AND grp IN (SELECT id FROM _group WHERE session = $3) "
            f"AND id NOT IN (SELECT block FROM {table}_chunk WHERE t0 >= $1 AND t1 < $2)",
            [day, day + DAY, session],
        )


def _rollups(summed: dict[int, Reduced], grid: Grid) -> pa.Table:
    parts = list(summed.values())
    offsets = pa.array(np.cumsum([0, *(len(one.n) for one in parts)]).astype(np.int32))

    def lists(values: list[np.ndarray], kind: pa.DataType) -> pa.ListArray:
        return pa.ListArray.from_arrays(offsets, pa.array(np.concatenate(values), kind))

    cells = [grid.origin + one.bucket * grid.width for one in parts]
    return pa.Table.from_arrays(
        [
            pa.array(list(summed), pa.int32()),
            pa.array([grid.width] * len(parts), pa.int64()),
            pa.array([int(one[0]) for one in cells], pa.int64()),
            pa.array([int(one[-1]) + grid.width - 1 for one in cells], pa.int64()),
            pa.array([int(one.n.sum()) for one in parts], pa.int64()),
            lists(cells, pa.int64()),
            lists([one.n for one in parts], pa.uint32()),
            lists([one.valid for one in parts], pa.uint32()),
            lists([one.low for one in parts], pa.float64()),
            lists([one.high for one in parts], pa.float64()),
            lists([one.total for one in parts], pa.float64()),
        ],
        schema=_ROLLUP,
    )
