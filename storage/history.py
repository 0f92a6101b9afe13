"""Telemetry across sessions: one line of time for everything of one origin.

Any thread. Where two sessions overlap in time, the later one is what is shown of a channel that both have: it is the
newer word on that time. Sessions with relative times all begin at the same moment, so they never stand beside each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from storage.answers import Envelope, RecordedEvent, SessionInfo
from storage.cells import column_width
from storage.reader import Reader

_FOREVER = 1 << 62


def beside(sessions: Sequence[SessionInfo], first: int, shown: int) -> list[SessionInfo]:
    """The sessions to show together with the session ``shown``, oldest first.

    ``first`` is the first session of its run: cores that followed a dead one have a session each. All of the same
    origin belong together, but where times are relative, those of the run alone.
    """
    own = next((one for one in sessions if one.id == shown), None)
    if own is None:
        return []
    if own.relative:
        return [one for one in sessions if first <= one.id <= shown]
    return [one for one in sessions if one.origin == own.origin and not one.relative and one.id <= shown]


def earliest(sessions: Sequence[SessionInfo]) -> int | None:
    """The first time recorded in ``sessions``, UTC microseconds; None where nothing is."""
    return min((one.first for one in sessions if one.first is not None), default=None)


def history(
    reader: Reader, sessions: Sequence[SessionInfo], keys: Sequence[str], start: int, stop: int, columns: int
) -> dict[str, Envelope]:
    """Minimum and maximum of each channel in ``start`` <= t < ``stop``, UTC microseconds.

    Over ``sessions``, which are in order, oldest first; in the columns of ``Reader.envelope``. A channel without
    values is not in the answer. Raises StorageError.
    """
    return _joined(sessions, start, stop, columns, lambda session: reader.envelope(session, keys, start, stop, columns))


def scores(
    reader: Reader, sessions: Sequence[SessionInfo], keys: Sequence[str], start: int, stop: int, columns: int
) -> dict[str, Envelope]:
    """The same of the plain scores: the largest ratio of each minute, by the minute's start."""
    return _joined(
        sessions, start, stop, columns, lambda session: reader.minute_ratios(session, keys, start, stop, columns)
    )


def events(
    reader: Reader, sessions: Sequence[SessionInfo], satellites: Sequence[str], start: int, stop: int, limit: int
) -> list[RecordedEvent]:
    """Events of ``satellites`` that touch the span, the newest ``limit``, by start.

    What an earlier session found in the time of the last one is left out: that time is the last one's to judge.
    """
    if not sessions:
        return []
    own = sessions[-1]
    numbers, wanted = {one.id for one in sessions}, set(satellites)
    found = [
        one
        for one in reader.events(start=start, stop=stop, limit=4 * limit)
        if one.session in numbers
        and one.event.satellite in wanted
        and (one.session == own.id or own.first is None or one.event.start < own.first)
    ]
    return found[-limit:]


def _joined(
    sessions: Sequence[SessionInfo],
    start: int,
    stop: int,
    columns: int,
    read: Callable[[int], Mapping[str, Envelope]],
) -> dict[str, Envelope]:
    if stop <= start or columns < 1:
        return {}
    width = column_width(stop - start, columns)
    parts: dict[str, list[Envelope]] = {}
    hidden: dict[str, list[tuple[int, int]]] = {}
    for session in reversed(sessions):
        # The newest may be recorded into still: it may have begun, and goes on, after ``sessions`` was read.
        newest = session is sessions[-1]
        first = session.first if session.first is not None or newest else _FOREVER
        last = _FOREVER if newest or session.last is None else session.last
        if (first is not None and first >= stop) or last < start:
            continue
        for key, envelope in read(session.id).items():
            parts.setdefault(key, []).append(_without(envelope, width, hidden.get(key, [])))
            hidden.setdefault(key, []).append((int(envelope.times[0]) if first is None else first, last))
    return {key: _merged(found) for key, found in parts.items()}


def _without(envelope: Envelope, width: int, spans: Sequence[tuple[int, int]]) -> Envelope:
    """The columns that do not lie wholly within one of ``spans``."""
    kept = np.ones(len(envelope.times), dtype=np.bool_)
    for first, last in spans:
        kept &= (envelope.times < first) | (envelope.times + width - 1 > last)
    if kept.all():
        return envelope
    return Envelope(envelope.times[kept], envelope.low[kept], envelope.high[kept], envelope.count[kept])


def _merged(parts: Sequence[Envelope]) -> Envelope:
    """One envelope of several; a column that several have is that of all its values."""
    if len(parts) == 1:
        return parts[0]
    times, where = np.unique(np.concatenate([one.times for one in parts]), return_inverse=True)
    low, high = np.full(len(times), np.inf), np.full(len(times), -np.inf)
    count = np.zeros(len(times), dtype=np.int64)
    np.minimum.at(low, where, np.concatenate([one.low for one in parts]))
    np.maximum.at(high, where, np.concatenate([one.high for one in parts]))
    np.add.at(count, where, np.concatenate([one.count for one in parts]))
    return Envelope(times, low, high, count)
