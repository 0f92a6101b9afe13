"""What the reader asks, in SQL. Values come as parameters."""

from __future__ import annotations

EVENT = (
    "session, key, satellite, start, stop, open, severity, model, version, score, channels, reason, seconded, "
    "onset, peak, threshold, versions, category, likeness, response"
)

NAMED = """
SELECT id, definition FROM _channel
WHERE session = ? AND list_contains(
    ?::VARCHAR[], satellite || '/' || CASE subsystem WHEN '' THEN name ELSE subsystem || '/' || name END)
ORDER BY id
"""

CHUNKS = """
SELECT c.channel, b.times, b.received, c.f4, c.f8, c.i8, c.u8, c.quality
FROM (
    SELECT * FROM _every_chunk WHERE channel IN (SELECT unnest($channels)) AND t1 >= $start AND t0 < $stop) c
JOIN (
    SELECT id, times, received FROM _every_block
    WHERE grp IN (SELECT id FROM _group WHERE list_has_any(channels, $channels))
        AND t1 >= $start AND t0 < $stop) b ON b.id = c.block
ORDER BY c.t0, c.block
"""

LATEST = """
WITH newest AS (
    SELECT channel, max(t1) AS t1 FROM _every_chunk
    WHERE channel IN (SELECT id FROM _channel WHERE session = $session) GROUP BY channel)
SELECT c.channel, b.times, b.received, c.f4, c.f8, c.i8, c.u8, c.quality
FROM _every_chunk c JOIN newest ON c.channel = newest.channel AND c.t1 = newest.t1
    JOIN _every_block b ON b.id = c.block
ORDER BY c.t0, c.block
"""

EXPIRED = """
SELECT session, start, max(stop), sum(samples)::BIGINT, CASE WHEN bool_or(kept IS NULL) THEN NULL ELSE max(kept) END
FROM _expired WHERE session = ? GROUP BY session, start ORDER BY start
"""

RATIOS = """
SELECT b.times, r.ratio FROM _ratio r JOIN _ratio_block b ON b.id = r.block
WHERE r.channel IN (SELECT unnest($channels)) AND b.model = $model AND b.t1 >= $start AND b.t0 < $stop
ORDER BY b.t0, b.id
"""

WORST = """
WITH chosen AS (
    SELECT unnest($channels)::INTEGER AS id, unnest($weights)::FLOAT AS weight, unnest($starts)::BIGINT AS start,
        unnest($stops)::BIGINT AS stop)
SELECT minute, max(ratio * weight) AS ratio
FROM (
    SELECT s.minute, unnest(g.channels) AS id, unnest(s.ratio) AS ratio, unnest(s.judged) AS judged
    FROM _score s JOIN _group g ON g.id = s.grp
    WHERE s.model = $model AND s.minute >= $start AND s.minute < $stop) s
JOIN chosen ON chosen.id = s.id AND minute >= chosen.start AND minute < chosen.stop
WHERE judged > 0 AND NOT isnan(ratio)
GROUP BY minute ORDER BY minute
"""

MINUTE_RATIOS = """
SELECT place, (minute - $origin) // $width AS bucket, min(ratio)::DOUBLE AS low, max(ratio)::DOUBLE AS high,
    count(*) AS n
FROM (
    SELECT c.place, s.minute, s.ratio[list_position(g.channels, c.id)] AS ratio
    FROM _score s JOIN _group g ON g.id = s.grp
        JOIN (SELECT unnest($channels)::INTEGER AS id, unnest($places)::INTEGER AS place) c
            ON list_contains(g.channels, c.id)
    WHERE s.model = $model AND s.minute >= $start AND s.minute < $stop)
WHERE ratio IS NOT NULL AND NOT isnan(ratio)
GROUP BY place, bucket ORDER BY place, bucket
"""

EVENTS = f"""
SELECT * FROM (
    SELECT {EVENT} FROM _event
    WHERE ($1 IS NULL OR session = $1) AND ($2 IS NULL OR satellite = $2) AND ($3 IS NULL OR model = $3)
        AND ($4 IS NULL OR stop >= $4) AND ($5 IS NULL OR start < $5)
    ORDER BY start DESC, session DESC, key DESC LIMIT $6)
ORDER BY start, session, key
"""

ONE_EVENT = f"SELECT {EVENT} FROM _event WHERE session = ? AND key = ?"

JUDGED = f"""
SELECT {EVENT}, given, verdict, note, who
FROM _event JOIN (
    SELECT session, key, id, given, verdict, note, who FROM _verdict
    QUALIFY id = max(id) OVER (PARTITION BY session, key)) USING (session, key)
ORDER BY id
"""
