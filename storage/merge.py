"""Chunks in the order they are asked for: sorted by channel and time, a run of them at a time.

What is recorded lies in the order of its arrival, so one channel's month is spread over the whole file, and whoever
opens it reads everybody else's values too. In the background some ten thousand chunks at once are written again,
sorted, as a *run*; some runs later are written again as one. Each step is one transaction on a connection of its
own, beside the recorder's, which goes on appending meanwhile: it never touches the chunks that are moved.
"""

from __future__ import annotations

from storage.archive import Archive
from storage.door import Connection, rows, transaction

RUN_CHUNKS = 16_384
"""Chunks that make a run: some five million samples, 25 MB while they are sorted. So many lie unsorted at the most."""
FAN = 8
"""Runs that become one."""
LEVELS = 2
"""How often a chunk is written again, at the most."""

ALIKE = """CASE WHEN bool_and(lo IS NOT DISTINCT FROM hi) THEN 0
    WHEN bool_and(lo IS NULL OR (round(lo::FLOAT, 3) = lo::FLOAT AND round(hi::FLOAT, 3) = hi::FLOAT)) THEN 1
    ELSE 2 END"""
"""Constant channels first, then those of few decimals, then the noisy ones: the database packs some hundred thousand
values alike, whosever they are (``chunks._alike``)."""

_LAST_BLOCK = """
SELECT max(block) FROM (
    SELECT block, sum(count(*)) OVER (ORDER BY block) - count(*) AS before FROM _chunk GROUP BY block)
WHERE before < ?
"""
_IN_RUNS = "run IN (SELECT unnest(?::INTEGER[]))"


def merge(archive: Archive, least: int = RUN_CHUNKS) -> bool:
    """Make one run of what was recorded since the last one, or of ``FAN`` runs; whether there was one to make.

    ``least`` chunks are worth a run. Durable when it returns. Any thread. Raises StorageError.
    """
    with archive.maintaining() as connection:
        ((waiting,),) = rows(connection, "SELECT count(*) FROM _chunk")
        if waiting >= max(1, least):
            with transaction(connection):
                ((last,),) = rows(connection, _LAST_BLOCK, [RUN_CHUNKS])
                run = _new_run(connection, 1)
                _sort("_block", f"SELECT *, {run} FROM _block WHERE id <= ?", connection, last)
                _sort("_chunk", f"SELECT *, {run} FROM _chunk WHERE block <= ?", connection, last)
                connection.execute("DELETE FROM _block WHERE id <= ?", [last])
                connection.execute("DELETE FROM _chunk WHERE block <= ?", [last])
            return True
        for level in range(1, LEVELS):
            found = rows(connection, "SELECT id FROM _run WHERE level = ? ORDER BY id LIMIT ?", [level, FAN])
            if len(found) == FAN:
                runs = [number for (number,) in found]
                with transaction(connection):
                    run = _new_run(connection, level + 1)
                    for table in ("_block", "_chunk"):
                        _sort(
                            table,
                            f"SELECT * REPLACE ({run} AS run) FROM _merged{table} WHERE {_IN_RUNS}",
                            connection,
                            runs,
                        )
                        connection.execute(f"DELETE FROM _merged{table} WHERE {_IN_RUNS}", [runs])
                    connection.execute("DELETE FROM _run WHERE id IN (SELECT unnest(?::INTEGER[]))", [runs])
                return True
    return False


def _new_run(connection: Connection, level: int) -> int:
    ((run,),) = rows(connection, "SELECT coalesce(max(id), 0) + 1 FROM _run")
    connection.execute("INSERT INTO _run VALUES (?, ?)", [run, level])
    return int(run)


def _sort(table: str, query: str, connection: Connection, value: object) -> None:
    if table == "_block":
        connection.execute(f"INSERT INTO _merged_block {query} ORDER BY grp, t0, id", [value])
        return
    connection.execute(
        f"INSERT INTO _merged_chunk WITH these AS ({query}), alike AS (SELECT channel, {ALIKE} AS alike FROM these "
        "GROUP BY channel) SELECT these.* FROM these JOIN alike USING (channel) ORDER BY alike, channel, t0, block",
        [value],
    )
