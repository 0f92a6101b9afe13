"""The tables of an archive, the views over them, and the steps from one version to the next. SQL only.

Tables begin with an underscore and may change between versions; the views are a contract (``docs/archive.md``).

Samples lie in chunks. A *block* is a run of samples of one group and holds their times once; a *chunk* is the
values of one channel in a block, a list in the channel's own type, NULL where a value is missing, with a header
(first and last time, count, minimum, maximum, sum) that lets a plot skip the values. What has just arrived in
small pieces lies in ``_fresh_block`` and ``_fresh_chunk`` until there is enough for a chunk worth reading. In the
background chunks move on into ``_merged_chunk``, sorted by channel and time, a *run* at a time (``storage/merge.py``);
of samples that expire the minimum, maximum and sum of each second, minute or hour stay in ``_rollup``
(``storage/retention.py``).
"""

from __future__ import annotations

_BLOCK = """(
    id BIGINT NOT NULL, grp INTEGER NOT NULL, t0 BIGINT NOT NULL, t1 BIGINT NOT NULL, n INTEGER NOT NULL,
    times BIGINT[] NOT NULL, received BIGINT[])"""

_CHUNK = """(
    block BIGINT NOT NULL, channel INTEGER NOT NULL, t0 BIGINT NOT NULL, t1 BIGINT NOT NULL,
    n INTEGER NOT NULL, valid INTEGER NOT NULL, lo DOUBLE, hi DOUBLE, total DOUBLE,
    f4 FLOAT[], f8 DOUBLE[], i8 BIGINT[], u8 UBIGINT[], quality UTINYINT[])"""

_TABLES = f"""
CREATE TABLE _migration (version INTEGER NOT NULL, applied BIGINT NOT NULL, program VARCHAR NOT NULL);
CREATE TABLE _writer (
    id VARCHAR NOT NULL, seq BIGINT NOT NULL, samples BIGINT NOT NULL, newest BIGINT, committed BIGINT NOT NULL);
CREATE TABLE _session (
    id INTEGER NOT NULL, started BIGINT NOT NULL, ended BIGINT, origin VARCHAR NOT NULL,
    sources VARCHAR[] NOT NULL, program VARCHAR NOT NULL, settings JSON NOT NULL, models JSON NOT NULL,
    relative BOOLEAN NOT NULL);
CREATE TABLE _group (
    id INTEGER NOT NULL, session INTEGER NOT NULL, satellite VARCHAR NOT NULL, name VARCHAR NOT NULL,
    period BIGINT, orbit BIGINT, channels INTEGER[] NOT NULL);
CREATE TABLE _channel (
    id INTEGER NOT NULL, session INTEGER NOT NULL, satellite VARCHAR NOT NULL, subsystem VARCHAR NOT NULL,
    name VARCHAR NOT NULL, unit VARCHAR NOT NULL, type VARCHAR NOT NULL, states MAP(BIGINT, VARCHAR),
    definition JSON NOT NULL);
CREATE TABLE _block {_BLOCK};
CREATE TABLE _chunk {_CHUNK};
CREATE TABLE _fresh_block {_BLOCK};
CREATE TABLE _fresh_chunk {_CHUNK};
CREATE TABLE _event (
    session INTEGER NOT NULL, key BIGINT NOT NULL, satellite VARCHAR NOT NULL,
    start BIGINT NOT NULL, stop BIGINT NOT NULL, open BOOLEAN NOT NULL, severity VARCHAR NOT NULL,
    model VARCHAR NOT NULL, version VARCHAR NOT NULL, score DOUBLE NOT NULL, reason VARCHAR NOT NULL,
    seconded VARCHAR[] NOT NULL,
    channels STRUCT(name VARCHAR, share DOUBLE, score DOUBLE, reason VARCHAR)[] NOT NULL);
CREATE TABLE _score (
    session INTEGER NOT NULL, grp INTEGER NOT NULL, model VARCHAR NOT NULL, version VARCHAR NOT NULL,
    minute BIGINT NOT NULL, ratio FLOAT[] NOT NULL, judged UINTEGER[] NOT NULL, skipped UINTEGER[] NOT NULL);
CREATE TABLE _gap (
    session INTEGER NOT NULL, start BIGINT NOT NULL, stop BIGINT NOT NULL, samples BIGINT NOT NULL,
    reason VARCHAR NOT NULL);
"""

_VIEWS = """
CREATE VIEW _every_block AS SELECT * FROM _block UNION ALL SELECT * FROM _fresh_block;
CREATE VIEW _every_chunk AS SELECT * FROM _chunk UNION ALL SELECT * FROM _fresh_chunk;
CREATE VIEW samples AS
SELECT session, satellite, subsystem, channel, make_timestamp(t) AS time, make_timestamp(r) AS received,
    coalesce(f8, f4::DOUBLE, i8::DOUBLE, u8::DOUBLE) AS value,
    coalesce(i8, try_cast(u8 AS BIGINT)) AS raw,
    CASE WHEN i8 IS NOT NULL THEN states[i8] WHEN u8 > 9223372036854775807 THEN u8::VARCHAR END AS text,
    coalesce(q, 0)::UTINYINT AS quality
FROM (
    SELECT k.session, k.satellite, k.subsystem, k.name AS channel, k.states,
        unnest(b.times) AS t, unnest(b.received) AS r, unnest(c.f4) AS f4, unnest(c.f8) AS f8,
        unnest(c.i8) AS i8, unnest(c.u8) AS u8, unnest(c.quality) AS q
    FROM _every_chunk c JOIN _every_block b ON b.id = c.block JOIN _channel k ON k.id = c.channel)
WHERE f4 IS NOT NULL OR f8 IS NOT NULL OR i8 IS NOT NULL OR u8 IS NOT NULL;
CREATE VIEW sessions AS
SELECT s.id AS session, make_timestamp(started) AS started, make_timestamp(ended) AS ended, origin, sources,
    coalesce(c.samples, 0)::BIGINT AS samples, make_timestamp(c.t0) AS first, make_timestamp(c.t1) AS last,
    relative, program, settings, models
FROM _session s LEFT JOIN (
    SELECT k.session, sum(n) AS samples, min(t0) AS t0, max(t1) AS t1
    FROM _every_chunk c JOIN _channel k ON k.id = c.channel GROUP BY k.session) c ON c.session = s.id;
CREATE VIEW channels AS
SELECT session, satellite, subsystem, name AS channel, unit, type, states, definition FROM _channel;
CREATE VIEW events AS
SELECT session, key, satellite, make_timestamp(start) AS start, make_timestamp(stop) AS "end", open, severity,
    model, version, score, channels, reason, seconded
FROM _event;
CREATE VIEW scores AS
SELECT session, satellite, subsystem, channel, model, version, make_timestamp(minute) AS minute,
    max(ratio) FILTER (NOT isnan(ratio)) AS ratio, sum(judged)::BIGINT AS judged, sum(skipped)::BIGINT AS skipped
FROM (
    SELECT s.session, s.model, s.version, s.minute, k.satellite, k.subsystem, k.name AS channel,
        s.ratio, s.judged, s.skipped
    FROM (
        SELECT s.session, s.model, s.version, s.minute, unnest(g.channels) AS id, unnest(s.ratio) AS ratio,
            unnest(s.judged) AS judged, unnest(s.skipped) AS skipped
        FROM _score s JOIN _group g ON g.id = s.grp) s
    JOIN _channel k ON k.id = s.id)
WHERE judged > 0 OR skipped > 0
GROUP BY ALL;
CREATE VIEW gaps AS
SELECT session, make_timestamp(start) AS start, make_timestamp(stop) AS "end", samples, reason FROM _gap;
"""

_LABELS = """
CREATE TABLE _label (
    session INTEGER NOT NULL, satellite VARCHAR NOT NULL, kind VARCHAR NOT NULL, category VARCHAR NOT NULL,
    start BIGINT NOT NULL, stop BIGINT NOT NULL, visible BIGINT NOT NULL, strength DOUBLE, channels VARCHAR[] NOT NULL);
CREATE VIEW labels AS
SELECT session, satellite, kind, category, make_timestamp(start) AS start, make_timestamp(stop) AS "end",
    make_timestamp(visible) AS visible, strength, channels
FROM _label;
"""

_COMMISSIONINGS = """
CREATE TABLE _commissioning (
    id INTEGER NOT NULL, session INTEGER NOT NULL, satellite VARCHAR NOT NULL, source VARCHAR,
    start BIGINT NOT NULL, stop BIGINT NOT NULL, made BIGINT NOT NULL, who VARCHAR NOT NULL, found JSON NOT NULL);
CREATE VIEW commissionings AS
SELECT id, session, satellite, make_timestamp(start) AS start, make_timestamp(stop) AS "end",
    make_timestamp(made) AS made, who, source, json_keys(found, '$.channels') AS channels
FROM _commissioning;
"""

_VERDICTS = """
ALTER TABLE _event ADD COLUMN onset BIGINT;
ALTER TABLE _event ADD COLUMN peak BIGINT;
ALTER TABLE _event ADD COLUMN threshold DOUBLE;
ALTER TABLE _event ADD COLUMN versions MAP(VARCHAR, VARCHAR);
ALTER TABLE _event ADD COLUMN category VARCHAR DEFAULT 'anomaly';
ALTER TABLE _event ADD COLUMN likeness VARCHAR DEFAULT '';
ALTER TABLE _event ALTER COLUMN channels SET DATA TYPE STRUCT(
    name VARCHAR, share DOUBLE, score DOUBLE, reason VARCHAR,
    expected_low DOUBLE, expected_high DOUBLE, actual DOUBLE)[];
CREATE TABLE _verdict (
    id BIGINT NOT NULL, session INTEGER NOT NULL, key BIGINT NOT NULL, given BIGINT NOT NULL,
    verdict VARCHAR NOT NULL, note VARCHAR NOT NULL, who VARCHAR NOT NULL);
CREATE VIEW verdicts AS
SELECT session, key, make_timestamp(given) AS given, verdict, note, who,
    id = max(id) OVER (PARTITION BY session, key) AS latest
FROM _verdict;
DROP VIEW events;
CREATE VIEW events AS
SELECT session, key, satellite, make_timestamp(start) AS start, make_timestamp(stop) AS "end", open, severity,
    model, version, score, channels, reason, seconded, make_timestamp(onset) AS onset, make_timestamp(peak) AS peak,
    threshold, versions, category, likeness, v.verdict
FROM _event LEFT JOIN (
    SELECT session, key, arg_max(verdict, id) AS verdict FROM _verdict GROUP BY session, key) v USING (session, key);
"""

_AUDIT = """
CREATE TABLE _audit (
    time BIGINT NOT NULL, session INTEGER NOT NULL, who VARCHAR NOT NULL, what VARCHAR NOT NULL,
    object VARCHAR NOT NULL, before JSON, after JSON);
CREATE VIEW audit AS
SELECT make_timestamp(time) AS time, session, who, what, object, before, after FROM _audit;
ALTER TABLE _event ADD COLUMN response VARCHAR DEFAULT '';
CREATE OR REPLACE VIEW events AS
SELECT session, key, satellite, make_timestamp(start) AS start, make_timestamp(stop) AS "end", open, severity,
    model, version, score, channels, reason, seconded, make_timestamp(onset) AS onset, make_timestamp(peak) AS peak,
    threshold, versions, category, likeness, v.verdict, response
FROM _event LEFT JOIN (
    SELECT session, key, arg_max(verdict, id) AS verdict FROM _verdict GROUP BY session, key) v USING (session, key);
ALTER TABLE _session ADD COLUMN limits VARCHAR DEFAULT '';
CREATE OR REPLACE VIEW sessions AS
SELECT s.id AS session, make_timestamp(started) AS started, make_timestamp(ended) AS ended, origin, sources,
    coalesce(c.samples, 0)::BIGINT AS samples, make_timestamp(c.t0) AS first, make_timestamp(c.t1) AS last,
    relative, program, settings, models, limits
FROM _session s LEFT JOIN (
    SELECT k.session, sum(n) AS samples, min(t0) AS t0, max(t1) AS t1
    FROM _every_chunk c JOIN _channel k ON k.id = c.channel GROUP BY k.session) c ON c.session = s.id;
"""

_TAKEN_BACK = """
CREATE OR REPLACE VIEW events AS
SELECT session, key, satellite, make_timestamp(start) AS start, make_timestamp(stop) AS "end", open, severity,
    model, version, score, channels, reason, seconded, make_timestamp(onset) AS onset, make_timestamp(peak) AS peak,
    threshold, versions, category, likeness, nullif(v.verdict, 'taken back') AS verdict, response
FROM _event LEFT JOIN (
    SELECT session, key, arg_max(verdict, id) AS verdict FROM _verdict GROUP BY session, key) v USING (session, key);
"""

_HALF = """
CREATE MACRO half(bits) AS CASE
    WHEN bits = 31744 THEN 'inf'::FLOAT
    WHEN bits > 31744 THEN NULL
    WHEN bits < 1024 THEN (bits * 5.960464477539063e-8)::FLOAT
    ELSE (pow(2, (bits >> 10)::INTEGER - 25) * (1024 + (bits & 1023)))::FLOAT END;
"""
# A ratio is never negative, so its sign bit is never set.

_LONG = f"""
CREATE TABLE _merged_block {_BLOCK};
CREATE TABLE _merged_chunk {_CHUNK};
ALTER TABLE _merged_block ADD COLUMN run INTEGER;
ALTER TABLE _merged_chunk ADD COLUMN run INTEGER;
CREATE TABLE _run (id INTEGER NOT NULL, level INTEGER NOT NULL);
CREATE OR REPLACE VIEW _every_block AS
SELECT * FROM _block UNION ALL SELECT * FROM _fresh_block UNION ALL SELECT * EXCLUDE (run) FROM _merged_block;
CREATE OR REPLACE VIEW _every_chunk AS
SELECT * FROM _chunk UNION ALL SELECT * FROM _fresh_chunk UNION ALL SELECT * EXCLUDE (run) FROM _merged_chunk;
CREATE TABLE _rollup (
    channel INTEGER NOT NULL, width BIGINT NOT NULL, t0 BIGINT NOT NULL, t1 BIGINT NOT NULL,
    n BIGINT NOT NULL, cells BIGINT[] NOT NULL, counts UINTEGER[] NOT NULL, valids UINTEGER[] NOT NULL,
    los DOUBLE[] NOT NULL, his DOUBLE[] NOT NULL, totals DOUBLE[] NOT NULL);
CREATE TABLE _expired (
    session INTEGER NOT NULL, start BIGINT NOT NULL, stop BIGINT NOT NULL, samples BIGINT NOT NULL,
    kept BIGINT, made BIGINT NOT NULL);
CREATE VIEW rollups AS
SELECT session, satellite, subsystem, channel, make_timestamp(cell) AS time, to_microseconds(width) AS width,
    count, valid, CASE WHEN valid > 0 THEN low END AS low, CASE WHEN valid > 0 THEN high END AS high,
    total / nullif(valid, 0) AS mean
FROM (
    SELECT k.session, k.satellite, k.subsystem, k.name AS channel, r.width, unnest(r.cells) AS cell,
        unnest(r.counts) AS count, unnest(r.valids) AS valid, unnest(r.los) AS low, unnest(r.his) AS high,
        unnest(r.totals) AS total
    FROM _rollup r JOIN _channel k ON k.id = r.channel);
CREATE VIEW expired AS
SELECT session, make_timestamp(start) AS start, make_timestamp(stop) AS "end", samples,
    to_microseconds(kept) AS kept, make_timestamp(made) AS made
FROM _expired WHERE samples > 0;
{_HALF}
CREATE TABLE _ratio_block (
    id BIGINT NOT NULL, session INTEGER NOT NULL, model VARCHAR NOT NULL, version VARCHAR NOT NULL,
    t0 BIGINT NOT NULL, t1 BIGINT NOT NULL, times BIGINT[] NOT NULL);
CREATE TABLE _ratio (block BIGINT NOT NULL, channel INTEGER NOT NULL, ratio USMALLINT[] NOT NULL);
CREATE VIEW ratios AS
SELECT session, satellite, subsystem, channel, model, version, make_timestamp(t) AS time, half(bits) AS ratio
FROM (
    SELECT b.session, k.satellite, k.subsystem, k.name AS channel, b.model, b.version,
        unnest(b.times) AS t, unnest(r.ratio) AS bits
    FROM _ratio r JOIN _ratio_block b ON b.id = r.block JOIN _channel k ON k.id = r.channel)
WHERE bits <= 31744;
CREATE TABLE _alarm (
    id BIGINT NOT NULL, session INTEGER NOT NULL, alarm VARCHAR NOT NULL, satellite VARCHAR NOT NULL,
    channel VARCHAR NOT NULL, time BIGINT NOT NULL, made BIGINT NOT NULL, state VARCHAR NOT NULL,
    priority VARCHAR NOT NULL, reason VARCHAR NOT NULL, who VARCHAR NOT NULL, comment VARCHAR NOT NULL,
    until BIGINT, event BIGINT);
CREATE VIEW alarm_history AS
SELECT id, session, alarm, satellite, channel, make_timestamp(time) AS time, make_timestamp(made) AS made, state,
    priority, reason, who, comment, make_timestamp(until) AS until, event
FROM _alarm;
CREATE VIEW alarms AS
SELECT * FROM alarm_history QUALIFY id = max(id) OVER (PARTITION BY session, alarm);
CREATE TABLE _annotation (
    id BIGINT NOT NULL, number BIGINT NOT NULL, session INTEGER NOT NULL, satellite VARCHAR NOT NULL,
    channels VARCHAR[] NOT NULL, start BIGINT NOT NULL, stop BIGINT NOT NULL, text VARCHAR NOT NULL,
    who VARCHAR NOT NULL, made BIGINT NOT NULL);
CREATE VIEW annotations AS
SELECT number, session, satellite, channels, make_timestamp(start) AS start, make_timestamp(stop) AS "end", text,
    who, make_timestamp(made) AS made
FROM _annotation QUALIFY id = max(id) OVER (PARTITION BY number) AND text <> '';
CREATE OR REPLACE VIEW sessions AS
SELECT s.id AS session, make_timestamp(started) AS started, make_timestamp(ended) AS ended, origin, sources,
    coalesce(c.samples, 0)::BIGINT AS samples, make_timestamp(c.t0) AS first, make_timestamp(c.t1) AS last,
    relative, program, settings, models, limits
FROM _session s LEFT JOIN (
    SELECT k.session, sum(n) AS samples, min(t0) AS t0, max(t1) AS t1
    FROM (SELECT channel, n, t0, t1 FROM _every_chunk UNION ALL SELECT channel, 0, t0, t1 FROM _rollup) c
    JOIN _channel k ON k.id = c.channel GROUP BY k.session) c ON c.session = s.id;
"""

MIGRATIONS: tuple[str, ...] = (_TABLES + _VIEWS, _LABELS, _COMMISSIONINGS, _VERDICTS, _AUDIT, _TAKEN_BACK, _LONG)
"""``MIGRATIONS[n]`` takes an archive from version n to n + 1, in one transaction with its ``_migration`` row."""

VERSION = len(MIGRATIONS)
"""The version of the tables that this program writes."""
