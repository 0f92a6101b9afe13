"""What there is in an archive, told from its headers alone. Any thread."""

from __future__ import annotations

from dataclasses import dataclass

from storage import schema
from storage.archive import Archive
from storage.damage import attempt
from storage.door import rows
from telemetry.clock import SECOND

DAY = 86_400 * SECOND
LEAST = 300 * SECOND
"""Telemetry from which a session says how fast the archive grows."""

_ALL = "SELECT coalesce(sum(n), 0)::BIGINT, min(t0), max(t1) FROM _every_chunk"
_SUMMED = "SELECT coalesce(sum(n), 0)::BIGINT, min(t0), max(t1) FROM _rollup"
_LATELY = f"""
WITH newest AS (
    SELECT k.session, min(t0) AS first, max(t1) AS last
    FROM _every_chunk JOIN _channel k ON k.id = channel
    WHERE k.session = (SELECT max(id) FROM _session WHERE origin != 'import') GROUP BY ALL)
SELECT sum(n)::BIGINT, least(any_value(last - first), {DAY})
FROM newest JOIN _channel k USING (session) JOIN _every_chunk ON channel = k.id WHERE t1 > last - {DAY}
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts, the span (UTC microseconds, None without samples) and sentences about what is wrong.

    ``summed`` samples live on as summaries, which go from ``summed_first`` to ``summed_last``; ``samples``, and the
    span from ``first`` to ``last``, are those that have their values. ``samples_a_day`` is the rate of the last day of
    the newest session that is no import, None where it is too short.
    """

    version: int
    sessions: int
    samples: int
    first: int | None
    last: int | None
    summed: int
    summed_first: int | None
    summed_last: int | None
    bytes: int
    samples_a_day: int | None
    problems: tuple[str, ...]


def facts(archive: Archive) -> Facts:
    """What there is. Raises StorageError."""
    problems = list(archive.notices)
    for log in sorted(archive.path.parent.glob(f"{archive.path.name}.wal.kept-*")):
        if not any(str(log) in said for said in archive.notices):
            problems.append(f"{log} was set aside: what was recorded into it is missing.")
    with archive.reading() as connection:
        ((sessions,),) = rows(connection, "SELECT count(*) FROM _session")
        everything, summed, lately = (attempt(connection, query, []) for query in (_ALL, _SUMMED, _LATELY))
    if everything is None or summed is None or lately is None:
        problems.append(f"{archive.path} is damaged: 'perigee archive verify' says where, and 'repair' keeps the rest.")
    ((samples, first, last),) = everything or [(0, None, None)]
    ((old, summed_first, summed_last),) = summed or [(0, None, None)]
    ((recent, span),) = lately or [(None, None)]
    rate = int(recent * DAY / span) if recent and span and span >= LEAST else None
    return Facts(
        schema.VERSION,
        sessions,
        samples,
        first,
        last,
        old,
        summed_first,
        summed_last,
        archive.bytes,
        rate,
        tuple(problems),
    )
