"""What the commands of ``perigee archive`` print with ``--json``, as types from which ``docs/schema`` is made."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpanResult(_Part):
    """First and last time of samples, ISO 8601."""

    start: str
    end: str


class SummariesResult(_Part):
    """What is left of samples whose values expired: how many those were, and the span of their summaries."""

    samples: int
    span: SpanResult


class InfoResult(_Part):
    """An archive. ``version`` is that of its tables; ``samples``, their ``span`` (null without any) and
    ``bytes_per_sample`` are of those that have their values, ``summaries`` (null without any) of those that expired.

    ``bytes_a_day`` is how fast it grows at the rate of the newest session that is no import, ``days_left`` until its
    disk has only the reserve free; both are null where that cannot be said.
    """

    path: str
    version: int
    sessions: int
    samples: int
    span: SpanResult | None
    summaries: SummariesResult | None
    bytes: int
    bytes_per_sample: float | None
    bytes_a_day: int | None
    free_bytes: int
    days_left: int | None
    problems: list[str]


class VerifyResult(InfoResult):
    """An archive of which everything was read: how many blocks, chunks, and files that it published."""

    blocks: int
    chunks: int
    files: int


class CompactResult(_Part):
    """Bytes of the archive before and after."""

    path: str
    before: int
    after: int


class PublishResult(_Part):
    """What one run added to ``folder``: days that got files, files, their samples and bytes.

    ``waiting`` are days that are not closed yet.
    """

    path: str
    folder: str
    days: int
    files: int
    samples: int
    bytes: int
    waiting: list[str]


class RepairResult(_Part):
    """``damaged`` is where the damaged file is kept, null where there was nothing to repair.

    ``samples`` are in the archive now, ``lost`` could not be read; ``problems`` say of which spans.
    """

    path: str
    damaged: str | None
    samples: int
    lost: int
    problems: list[str]
