"""The two tables that are published by the day, ``samples`` and ``scores``: their columns, and the SQL that reads them.

Read piece by piece: some channels, some hours, at most about ``PIECE`` rows, in the order of (session, channel, time).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from storage.door import Connection, rows
from telemetry.clock import SECOND

DAY = 86_400 * SECOND
PIECE = 500_000
"""Rows read at once, and rows of a row group at the most: about 60 MB while they are sorted."""

TIME = pa.timestamp("us", tz="UTC")

_DAY_OF = f"({{0}} // {DAY} - ({{0}} < 0 AND {{0}} % {DAY} != 0)::BIGINT)"
"""Days since 1970 of a time; ``//`` alone rounds towards it."""

_VALUES = "unnest(c.f4) AS f4, unnest(c.f8) AS f8, unnest(c.i8) AS i8, unnest(c.u8) AS u8"
_PRESENT = "(f4 IS NOT NULL OR f8 IS NOT NULL OR i8 IS NOT NULL OR u8 IS NOT NULL)"

_SAMPLES = f"""
SELECT session, satellite, subsystem, name AS channel, t AS time, r AS received,
    coalesce(f8, f4::DOUBLE, i8::DOUBLE, u8::DOUBLE) AS value,
    coalesce(i8, try_cast(u8 AS BIGINT)) AS raw,
    CASE WHEN i8 IS NOT NULL THEN states[i8] WHEN u8 > 9223372036854775807 THEN u8::VARCHAR END AS text,
    coalesce(q, 0)::SMALLINT AS quality, block, place
FROM (
    SELECT c.channel, c.block, generate_subscripts(b.times, 1) AS place, unnest(b.times) AS t,
        unnest(b.received) AS r, {_VALUES}, unnest(c.quality) AS q
    FROM _every_chunk c JOIN _every_block b ON b.id = c.block
    WHERE c.channel IN (SELECT unnest($channels)) AND c.t1 >= $start AND c.t0 < $stop
        AND b.t1 >= $start AND b.t0 < $stop)
JOIN _channel ON id = channel
WHERE t >= $start AND t < $stop AND {_PRESENT}
"""

_SCORES = """
SELECT k.session, k.satellite, k.subsystem, k.name AS channel, model, version, minute,
    max(ratio) FILTER (NOT isnan(ratio)) AS ratio, sum(judged)::BIGINT AS judged, sum(skipped)::BIGINT AS skipped
FROM (
    SELECT s.model, s.version, s.minute, unnest(g.channels) AS id, unnest(s.ratio) AS ratio,
        unnest(s.judged) AS judged, unnest(s.skipped) AS skipped
    FROM _score s JOIN _group g ON g.id = s.grp WHERE s.minute >= $start AND s.minute < $stop) s
JOIN _channel k ON k.id = s.id
WHERE k.id IN (SELECT unnest($channels)) AND (judged > 0 OR skipped > 0)
GROUP BY ALL
"""

_SAMPLE_DAYS = f"""
SELECT session, day, sum(n)::BIGINT
FROM (
    SELECT channel, {_DAY_OF.format("t0")} AS day, n FROM _every_chunk
    WHERE {_DAY_OF.format("t0")} = {_DAY_OF.format("t1")}
    UNION ALL
    SELECT channel, {_DAY_OF.format("t")}, 1
    FROM (
        SELECT c.channel, unnest(b.times) AS t, {_VALUES}
        FROM _every_chunk c JOIN _every_block b ON b.id = c.block
        WHERE {_DAY_OF.format("c.t0")} != {_DAY_OF.format("c.t1")})
    WHERE {_PRESENT})
JOIN _channel ON id = channel
GROUP BY ALL
"""

_SCORE_DAYS = f"SELECT session, {_DAY_OF.format('minute')} AS day, count(*) FROM _score GROUP BY ALL"

_SAMPLE_WIDTHS = """
SELECT channel AS id, sum(n)::BIGINT AS n FROM _every_chunk WHERE t1 >= $start AND t0 < $stop GROUP BY ALL
"""
_SCORE_WIDTHS = """
SELECT id, count(*) AS n
FROM (
    SELECT unnest(channels) AS id FROM _score JOIN _group ON id = grp WHERE minute >= $start AND minute < $stop)
GROUP BY ALL
"""

_CHANNEL = [(name, pa.string()) for name in ("satellite", "subsystem", "channel")]


@dataclass(frozen=True, slots=True)
class Daily:
    """A table in days: its columns, and queries for its rows, its rows a session and day, and those a channel.

    ``time`` is its column of times, ``exact`` its column of numbers that equal each other without being the same
    (0 and -0).
    """

    name: str
    schema: pa.Schema
    query: str
    days: str
    widths: str
    order: str
    time: str
    exact: str


SAMPLES = Daily(
    "samples",
    pa.schema(
        [
            ("session", pa.int32()),
            *_CHANNEL,
            ("time", TIME),
            ("received", TIME),
            ("value", pa.float64()),
            ("raw", pa.int64()),
            ("text", pa.string()),
            ("quality", pa.int16()),  # not every reader knows a byte without a sign
        ]
    ),
    _SAMPLES,
    _SAMPLE_DAYS,
    _SAMPLE_WIDTHS,
    "session, satellite, subsystem, channel, time, block, place",
    "time",
    "value",
)
SCORES = Daily(
    "scores",
    pa.schema(
        [
            ("session", pa.int32()),
            *_CHANNEL,
            ("model", pa.string()),
            ("version", pa.string()),
            ("minute", TIME),
            ("ratio", pa.float32()),
            ("judged", pa.int64()),
            ("skipped", pa.int64()),
        ]
    ),
    _SCORES,
    _SCORE_DAYS,
    _SCORE_WIDTHS,
    "session, satellite, subsystem, channel, minute, model, version",
    "minute",
    "ratio",
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Channels by number, and a span of UTC microseconds."""

    channels: tuple[int, ...]
    start: int
    stop: int


def archived(connection: Connection, table: Daily) -> dict[int, dict[int, int]]:
    """What there is to publish: day (since 1970) to session to rows."""
    found: dict[int, dict[int, int]] = {}
    for session, day, count in rows(connection, table.days):
        found.setdefault(day, {})[session] = count
    return dict(sorted(found.items()))


def pieces(connection: Connection, table: Daily, day: int, sessions: Sequence[int]) -> Iterator[Piece]:
    """The pieces of a day, in order; a channel of too many rows is cut by time."""
    start, stop = day * DAY, (day + 1) * DAY
    # A channel whose definition changed on the way has several numbers, and is one channel all the same.
    found = connection.execute(
        f"SELECT list(id ORDER BY id), sum(n)::BIGINT FROM ({table.widths}) JOIN _channel USING (id) "
        "WHERE session IN (SELECT unnest($sessions)) GROUP BY session, satellite, subsystem, name "
        "ORDER BY session, satellite, subsystem, name",
        {"start": start, "stop": stop, "sessions": list(sessions)},
    ).fetchall()
    held: list[int] = []
    size = 0
    for numbers, count in found:
        if held and size + count > PIECE:
            yield Piece(tuple(held), start, stop)
            held, size = [], 0
        if count > PIECE:
            step = -(-DAY // -(-count // PIECE))
            yield from (Piece(tuple(numbers), at, min(at + step, stop)) for at in range(start, stop, step))
            continue
        held += numbers
        size += count
    if held:
        yield Piece(tuple(held), start, stop)


def fetch(connection: Connection, table: Daily, piece: Piece, but: Sequence[str] = ()) -> pa.Table:
    """The rows of a piece, without those that the Parquet files ``but`` have, each as often as they have it."""
    values: dict[str, object] = {"channels": list(piece.channels), "start": piece.start, "stop": piece.stop}
    columns = ", ".join(table.schema.names)
    if not but:
        query = f"SELECT {columns} FROM ({table.query}) ORDER BY {table.order}"
    else:
        values["but"] = list(but)
        bits = f"{table.exact}::VARCHAR AS bits"
        stored = ", ".join(f"epoch_us({one.name})" if one.type == TIME else one.name for one in table.schema)
        query = (
            f"SELECT {columns} FROM (SELECT {columns}, {bits} FROM ({table.query}) EXCEPT ALL "
            f"SELECT {stored}, {bits} FROM read_parquet($but) "
            f"WHERE {table.time} >= make_timestamptz($start) AND {table.time} < make_timestamptz($stop) "
            "AND (session, satellite, subsystem, channel) IN (SELECT (session, satellite, subsystem, name) "
            "FROM _channel WHERE id IN (SELECT unnest($channels)))) ORDER BY ALL"
        )
    return connection.sql(query, params=values).to_arrow_table().cast(table.schema)
