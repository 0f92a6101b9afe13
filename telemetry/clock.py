"""Times as text: UTC microseconds to and from ISO 8601 with ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
"""Microseconds in a second: the unit of every time in the program."""


def iso(time: int) -> str:
    """``2030-01-01T00:00:00Z``, with microseconds only where there are any."""
    moment = EPOCH + timedelta(microseconds=int(time))
    return moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def parse_iso(text: str) -> int:
    """UTC microseconds of an ISO 8601 time; one without an offset is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - EPOCH) // timedelta(microseconds=1)
