"""Blocks written once more as larger ones: what a crash left in pieces, and what crosses the border of a day.

The pieces of a group that a killed recorder left in the fresh tables cost many times the bytes of a chunk, and a
block that an earlier version wrote across midnight can expire on neither day. Both are read, joined and cut anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from storage.batch import insert
from storage.cells import DAY, cell_width, step_of
from storage.chunks import Rows, encode, pieces
from storage.columns import KINDS, Lists
from storage.door import Connection, rows, transaction
from storage.roster import DTYPES, Numbered, by_kind, channel_of
from telemetry import Channel, Frame, Group, Quality

AT_ONCE = 4_000_000
"""Values that are rewritten in one transaction, at the most."""

_LEFT = """
SELECT b.grp, b.id, b.n * len(g.channels) FROM _fresh_block b JOIN _group g ON g.id = b.grp
WHERE b.id <= ? ORDER BY b.grp, b.t0, b.id
"""
_CROSSING = """
SELECT b.grp, b.id, b.n * len(g.channels) FROM _every_block b JOIN _group g ON g.id = b.grp
WHERE b.t0 < ? AND (b.t0 - ?) // ? <> (b.t1 - ?) // ? ORDER BY b.grp, b.t0, b.id
"""
_BLOCKS = "SELECT id, times, received FROM _every_block WHERE id IN (SELECT unnest($blocks)) ORDER BY t0, id"
_CHUNKS = """
SELECT block, channel, f4, f8, i8, u8, quality FROM _every_chunk WHERE block IN (SELECT unnest($blocks))
"""


def join_left(connection: Connection, last: int) -> int:
    """Join what writers before block ``last`` left in pieces; how many blocks were joined. One commit a portion."""
    return sum(_rewrite(connection, group, some) for group, some in _portions(rows(connection, _LEFT, [last])))


def cut_at_days(connection: Connection, before: int) -> int:
    """Cut blocks that begin before ``before`` and cross midnight; how many there were. One commit a portion."""
    first = -(10**6) * DAY  # integer division of the database rounds towards zero
    found = rows(connection, _CROSSING, [before, first, DAY, first, DAY])
    return sum(_rewrite(connection, group, some) for group, some in _portions(found))


def _portions(found: Sequence[tuple[int, int, int]]) -> list[tuple[int, list[int]]]:
    """(group, blocks) in portions of ``AT_ONCE`` values."""
    out: list[tuple[int, list[int]]] = []
    room = 0
    for group, block, values in found:
        if not out or out[-1][0] != group or values > room:
            out.append((group, []))
            room = AT_ONCE
        out[-1][1].append(block)
        room -= values
    return out


def _rewrite(connection: Connection, group: int, blocks: list[int]) -> int:
    numbered = _numbered(connection, group)
    frames = _frames(connection, numbered, blocks)
    made = Rows()
    # The numbers of the old blocks are free again; values of one time stay in the order of their arrival.
    free = sorted(blocks, reverse=True)
    ((lowest,),) = rows(connection, "SELECT least(0, min(id)) FROM _every_block")
    for run in pieces(frames, cell_width(step_of(frames))):
        if not free:
            lowest -= 1
            free.append(lowest)
        encode(numbered, run, free.pop(), made)
    with transaction(connection):
        for table in ("_fresh", "", "_merged"):
            connection.execute(f"DELETE FROM {table}_chunk WHERE block IN (SELECT unnest(?::BIGINT[]))", [blocks])
            connection.execute(f"DELETE FROM {table}_block WHERE id IN (SELECT unnest(?::BIGINT[]))", [blocks])
        tables = made.tables()
        if tables is not None:
            insert(connection, "_block", tables[0])
            insert(connection, "_chunk", tables[1])
    return len(blocks)


def _numbered(connection: Connection, group: int) -> Numbered:
    ((session, satellite, name, period, orbit, numbers),) = rows(
        connection, "SELECT session, satellite, name, period, orbit, channels FROM _group WHERE id = ?", [group]
    )
    found: dict[int, Channel] = {
        number: channel_of(text)
        for number, text in rows(connection, "SELECT id, definition FROM _channel WHERE session = ?", [session])
    }
    channels = tuple(found[number] for number in numbers)
    return Numbered(group, session, Group(satellite, name, channels, period, orbit), tuple(numbers), by_kind(channels))


def _frames(connection: Connection, numbered: Numbered, blocks: list[int]) -> list[Frame]:
    """Each block as a frame, or several where only some of its samples have a time of reception."""
    heads = connection.sql(_BLOCKS, params={"blocks": blocks}).to_arrow_table()
    chunks = connection.sql(_CHUNKS, params={"blocks": blocks}).to_arrow_table()
    place = {number: at for at, number in enumerate(numbered.channels)}
    held: dict[int, dict[int, int]] = {}
    for row, (block, channel) in enumerate(
        zip(chunks["block"].to_pylist(), chunks["channel"].to_pylist(), strict=True)
    ):
        held.setdefault(block, {})[place[channel]] = row
    lists = {kind: Lists(chunks, kind) for kind in (*KINDS, "quality")}
    times, received = Lists(heads, "times"), Lists(heads, "received")
    out: list[Frame] = []
    for row, block in enumerate(heads["id"].to_pylist()):
        moments = times.at(row)
        assert moments is not None
        columns, qualities = [], []
        for at, channel in enumerate(numbered.group.channels):
            column, quality = _column(lists, held.get(block, {}).get(at), channel, len(moments))
            columns.append(column)
            qualities.append(quality)
        out.extend(_by_reception(Frame(numbered.group, moments, tuple(columns), tuple(qualities)), received, row))
    return out


def _column(lists: dict[str, Lists], row: int | None, channel: Channel, n: int) -> tuple[np.ndarray, np.ndarray | None]:
    own = DTYPES[channel.type]
    if row is None:
        return np.zeros(n, own), np.full(n, Quality.MISSING, np.uint8)
    values, missing = next(lists[kind] for kind in KINDS if lists[kind].has(row)).values_at(row)
    quality = lists["quality"].at(row)
    if missing is not None and missing.any():
        quality = np.zeros(n, np.uint8) if quality is None else quality.copy()
        quality[missing] |= np.uint8(Quality.MISSING)
    return values.astype(own, copy=False), quality


def _by_reception(frame: Frame, received: Lists, row: int) -> list[Frame]:
    if not received.has(row):
        return [frame]
    arrived, unknown = received.values_at(row)
    unknown = np.zeros(len(frame), dtype=bool) if unknown is None else unknown
    borders = [0, *(np.flatnonzero(np.diff(unknown)) + 1).tolist(), len(frame)]
    out = []
    for begin, end in pairwise(borders):
        part = frame.part(begin, end)
        known = None if unknown[begin] else arrived[begin:end]
        out.append(Frame(part.group, part.times, part.columns, part.quality, known))
    return out
