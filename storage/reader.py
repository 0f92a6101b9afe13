"""Reading an archive while it is being recorded into. Any thread; a cursor a call, answers are plain arrays.

Whatever can be reduced is reduced in SQL, and what is fetched is fetched as Arrow: a million Python objects would
hold the interpreter for longer than a frame of the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from detection.event import Contribution, Event
from detection.familiar import Opinion
from storage import queries
from storage.answers import (
    AlarmChange,
    Annotation,
    Change,
    Counts,
    Envelope,
    Expired,
    JudgedEvent,
    Latest,
    RecordedCommissioning,
    RecordedEvent,
    RecordedGap,
    Samples,
    SessionInfo,
    Weight,
)
from storage.cells import column_width
from storage.columns import Lists, join, runs
from storage.door import Connection, rows
from storage.envelope import Grid, Reduced, reduce_channels
from storage.roster import channel_of
from storage.scores import BANK
from storage.stoppable import Readable
from telemetry import Channel, Group, Injected, Severity, Times


class Reader:
    """Questions to one archive. Every method raises StorageError, and may be called from any thread."""

    def __init__(self, archive: Readable) -> None:
        self._archive = archive

    def sessions(self) -> list[SessionInfo]:
        """Every session, oldest first."""
        with self._archive.reading() as cursor:
            found = rows(
                cursor,
                "SELECT session, epoch_us(started), epoch_us(ended), origin, sources, program, settings, models, "
                "relative, samples, epoch_us(first), epoch_us(last), limits FROM sessions ORDER BY session",
            )
        return [_session(row) for row in found]

    def samples(self) -> int:
        """Values in the archive."""
        with self._archive.reading() as cursor:
            return int(_one(cursor, "SELECT coalesce(sum(n), 0) FROM _every_chunk"))

    def groups(self, session: int) -> list[Group]:
        """The groups of a session, in order of first arrival; one whose channels changed is there once a shape."""
        with self._archive.reading() as cursor:
            channels = dict(_channels(cursor, session))
            found: list[Any] = rows(
                cursor,
                "SELECT satellite, name, channels, period, orbit FROM _group WHERE session = ? ORDER BY id",
                [session],
            )
        return [
            Group(satellite, name, tuple(channels[number] for number in numbers), period, orbit)
            for satellite, name, numbers, period, orbit in found
        ]

    def envelope(self, session: int, keys: Sequence[str], start: int, stop: int, columns: int) -> dict[str, Envelope]:
        """Minimum and maximum of the valid values of each channel in about ``columns`` equal parts of a span.

        The span is ``start`` <= t < ``stop``, UTC microseconds. A column begins at a whole number of its widths
        since 1970, so that the same values stand in the same columns while a plot moves; it may be half as wide again
        as asked for (``cells.column_width``), and the first may begin before ``start``. Where samples have expired,
        what was kept of them stands in. A channel without values is not in the answer.
        """
        if stop <= start or columns < 1:
            return {}
        grid = Grid(start, stop, column_width(stop - start, columns))
        out = {}
        for key, one in self._reduced(session, keys, grid).items():
            good = one.valid > 0
            if good.any():
                times = grid.origin + one.bucket[good] * grid.width
                out[key] = Envelope(times, one.low[good], one.high[good], one.valid[good])
        return out

    def counts(self, session: int, keys: Sequence[str], start: int, stop: int, width: int) -> dict[str, Counts]:
        """Values present of each channel in each ``width`` of a span (an hour: ``HOUR``), where there is any."""
        if stop <= start:
            return {}
        grid = Grid(start, stop, width)
        return {
            key: Counts(grid.origin + one.bucket * grid.width, one.n, one.valid)
            for key, one in self._reduced(session, keys, grid).items()
        }

    def _reduced(self, session: int, keys: Sequence[str], grid: Grid) -> dict[str, Reduced]:
        with self._archive.reading() as cursor:
            numbers = _numbers(cursor, session, keys)
            found = reduce_channels(cursor, {number: keys.index(one.key) for number, one in numbers.items()}, grid)
        return {keys[place]: one for place, one in found.items()}

    def raw(self, session: int, keys: Sequence[str], start: int, stop: int) -> dict[str, Samples]:
        """Every value of each channel in ``start`` <= t < ``stop``; a channel without values is not in the answer."""
        with self._archive.reading() as cursor:
            numbers = _numbers(cursor, session, keys)
            table = _arrow(cursor, queries.CHUNKS, {"channels": list(numbers), "start": start, "stop": stop})
        parts = runs(table, numbers, start, stop)
        return {key: join(parts[key]) for key in keys if key in parts}

    def latest(self, session: int) -> dict[str, Latest]:
        """The newest value of every channel of a session that has one, by key."""
        with self._archive.reading() as cursor:
            numbers = dict(_channels(cursor, session))
            table = _arrow(cursor, queries.LATEST, {"session": session})
        out: dict[str, Latest] = {}
        for key, parts in runs(table, numbers, None, None).items():
            run = join(parts)
            out[key] = Latest(int(run.times[-1]), run.values[-1].item(), int(run.quality[-1]))
        return out

    def events(
        self,
        session: int | None = None,
        *,
        satellite: str | None = None,
        model: str | None = None,
        start: int | None = None,
        stop: int | None = None,
        limit: int = 10_000,
    ) -> list[RecordedEvent]:
        """Events by start; those that touch ``start`` <= t < ``stop``, at most ``limit``, the newest of them."""
        with self._archive.reading() as cursor:
            found = rows(
                cursor,
                queries.EVENTS,
                [session, satellite, model, start, stop, limit],
            )
        return [_event(row) for row in found]

    def event(self, session: int, key: int) -> Event | None:
        """One event, None where there is none."""
        with self._archive.reading() as cursor:
            found = rows(cursor, queries.ONE_EVENT, [session, key])
        return _event(found[0]).event if found else None

    def judged(self) -> list[JudgedEvent]:
        """Every event that an operator has judged, with the last verdict on it, in the order of those verdicts."""
        with self._archive.reading() as cursor:
            found = rows(cursor, queries.JUDGED)
        return [JudgedEvent(_event(row[:-4]), Opinion(*row[-4:])) for row in found]

    def commissioning(self, satellite: str, source: str) -> RecordedCommissioning | None:
        """The newest commissioning of a satellite that holds for ``source``; None where there is none."""
        with self._archive.reading() as cursor:
            found: list[Any] = rows(
                cursor,
                "SELECT id, made, found FROM _commissioning WHERE satellite = ? AND (source IS NULL OR source = ?) "
                "ORDER BY id DESC LIMIT 1",
                [satellite, source],
            )
        return RecordedCommissioning(*found[0]) if found else None

    def worst_minutes(
        self, model: str, weights: Sequence[Weight], start: int, stop: int
    ) -> tuple[Times, npt.NDArray[np.float32]]:
        """Minutes of ``start`` <= t < ``stop`` that ``model`` judged, and the largest weighted ratio in each.

        ``weights`` say which channels count, when, and for how much. (m,) ascending int64 UTC microseconds, and (m,)
        float32.
        """
        with self._archive.reading() as cursor:
            numbers: dict[tuple[int, str], list[int]] = {}
            for session in {one.session for one in weights}:
                for number, channel in _channels(cursor, session):
                    numbers.setdefault((session, channel.key), []).append(number)
            chosen = [(number, one) for one in weights for number in numbers.get((one.session, one.key), ())]
            table = _arrow(
                cursor,
                queries.WORST,
                {
                    "model": model,
                    "start": start,
                    "stop": stop,
                    "channels": [number for number, _ in chosen],
                    "weights": [one.weight for _, one in chosen],
                    "starts": [one.start for _, one in chosen],
                    "stops": [one.stop for _, one in chosen],
                },
            )
        return table["minute"].to_numpy(), table["ratio"].to_numpy()

    def minute_ratios(
        self, session: int, keys: Sequence[str], start: int, stop: int, columns: int
    ) -> dict[str, Envelope]:
        """Least and greatest of the largest plain scores a minute of each channel, in the columns of ``envelope``.

        A minute belongs to the column that it begins in; ``start`` <= t < ``stop``, UTC microseconds.
        """
        if stop <= start or columns < 1:
            return {}
        grid = Grid(start, stop, column_width(stop - start, columns))
        with self._archive.reading() as cursor:
            numbers = _numbers(cursor, session, keys)
            places = [keys.index(channel.key) for channel in numbers.values()]
            values = {"channels": list(numbers), "places": places, "model": BANK, "start": start, "stop": stop}
            values |= {"width": grid.width, "origin": grid.origin}
            table = _arrow(cursor, queries.MINUTE_RATIOS, values)
        owner, times = table["place"].to_numpy(), grid.origin + table["bucket"].to_numpy() * grid.width
        low, high, count = (table[name].to_numpy() for name in ("low", "high", "n"))
        parts = {key: owner == place for place, key in enumerate(keys)}
        return {key: Envelope(times[at], low[at], high[at], count[at]) for key, at in parts.items() if at.any()}

    def labels(self, session: int) -> list[Injected]:
        """What the sources of a session knew to be in it, by start."""
        with self._archive.reading() as cursor:
            found: list[Any] = rows(
                cursor,
                "SELECT satellite, channels, kind, start, stop, visible, strength, category FROM _label "
                "WHERE session = ? ORDER BY start",
                [session],
            )
        return [Injected(satellite, tuple(channels), *rest) for satellite, channels, *rest in found]

    def gaps(self, session: int) -> list[RecordedGap]:
        """Spans of a session that could not be recorded, in order of time."""
        with self._archive.reading() as cursor:
            found: list[Any] = rows(
                cursor,
                "SELECT session, start, stop, samples, reason FROM _gap WHERE session = ? ORDER BY start",
                [session],
            )
        return [RecordedGap(*row) for row in found]

    def alarm_history(self, session: int | None = None) -> list[AlarmChange]:
        """What became of alarms, of one session or of all, in the order in which it was stored."""
        with self._archive.reading() as cursor:
            found: list[Any] = rows(
                cursor,
                "SELECT session, alarm, satellite, channel, time, made, state, priority, reason, who, comment, until, "
                "event FROM _alarm WHERE $1 IS NULL OR session = $1 ORDER BY id",
                [session],
            )
        return [AlarmChange(*row) for row in found]

    def annotations(self, start: int, stop: int) -> list[Annotation]:
        """What was noted of ``start`` <= t < ``stop``, by start."""
        with self._archive.reading() as cursor:
            found: list[Any] = rows(
                cursor,
                'SELECT number, session, satellite, channels, epoch_us(start), epoch_us("end"), text, who, '
                'epoch_us(made) FROM annotations WHERE epoch_us(start) < ? AND epoch_us("end") >= ? '
                "ORDER BY start, number",
                [stop, start],
            )
        return [
            Annotation(number, session, satellite, tuple(keys), *rest)
            for number, session, satellite, keys, *rest in found
        ]

    def expired(self, session: int) -> list[Expired]:
        """The days of a session whose values are gone, by start, with what is left of them."""
        with self._archive.reading() as cursor:
            found: list[Any] = rows(cursor, queries.EXPIRED, [session])
        return [Expired(*row) for row in found]

    def ratios(
        self, session: int, key: str, model: str, start: int, stop: int
    ) -> tuple[Times, npt.NDArray[np.float32]]:
        """Every ratio of a channel by ``model`` that is still kept, of ``start`` <= t < ``stop``: (n,) each.

        Half floats: three digits. Empty where only the maximum a minute is left (``worst_minutes``).
        """
        with self._archive.reading() as cursor:
            numbers = list(_numbers(cursor, session, [key]))
            table = _arrow(cursor, queries.RATIOS, {"channels": numbers, "model": model, "start": start, "stop": stop})
        if not len(table):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        times, bits = Lists(table, "times").flat, Lists(table, "ratio").flat
        ratio = bits.view(np.float16).astype(np.float32)
        here = (times >= start) & (times < stop) & ~np.isnan(ratio)
        return times[here], ratio[here]

    def changes(self) -> list[Change]:
        """What operators changed, in order of time."""
        with self._archive.reading() as cursor:
            found = rows(cursor, "SELECT time, session, who, what, object, before, after FROM _audit ORDER BY time")
        return [Change(*row) for row in found]


def _annotation(number: int, session: int, satellite: str, channels: list[str], *rest: Any) -> Annotation:
    return Annotation(number, session, satellite, tuple(channels), *rest)


def _session(row: Sequence[Any]) -> SessionInfo:
    number, started, ended, origin, sources, *rest = row
    return SessionInfo(number, started, ended, origin, tuple(sources), *rest)


def _event(row: Sequence[Any]) -> RecordedEvent:
    session, *values = row
    found = dict(zip(queries.EVENT.split(", ")[1:], values, strict=True))
    found["end"] = found.pop("stop")
    found["severity"] = Severity(found["severity"])
    found["channels"] = tuple(Contribution(**one) for one in found["channels"])
    found["seconded"] = tuple(found["seconded"])
    found["versions"] = tuple((found["versions"] or {}).items())
    return RecordedEvent(session, Event(**found))


def _one(cursor: Connection, query: str) -> Any:
    ((value,),) = rows(cursor, query)
    return value


def _arrow(cursor: Connection, query: str, values: dict[str, object]) -> pa.Table:
    return cursor.sql(query, params=values).to_arrow_table()


def _channels(cursor: Connection, session: int) -> list[tuple[int, Channel]]:
    found: list[Any] = rows(cursor, "SELECT id, definition FROM _channel WHERE session = ? ORDER BY id", [session])
    return [(number, channel_of(text)) for number, text in found]


def _numbers(cursor: Connection, session: int, keys: Sequence[str]) -> dict[int, Channel]:
    """The channels asked for, by number; a channel whose definition changed has several."""
    found: list[Any] = rows(cursor, queries.NAMED, [session, list(keys)])
    return {number: channel_of(text) for number, text in found}
