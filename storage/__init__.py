"""Telemetry is remembered: the DuckDB archive, its one writer, its many readers.

The only package that knows DuckDB. Knows nothing of models or screens.
"""

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
from storage.archive import Archive
from storage.errors import StorageError
from storage.reader import Reader
from storage.recorded import recorded_frames
from storage.recorder import Recorder, RecorderStatus
from storage.retention import Retention
from storage.stoppable import Readable, Stoppable
from storage.upkeep import Upkeep, UpkeepStatus

__all__ = [
    "AlarmChange",
    "Annotation",
    "Archive",
    "Change",
    "Counts",
    "Envelope",
    "Expired",
    "JudgedEvent",
    "Latest",
    "Readable",
    "Reader",
    "RecordedCommissioning",
    "RecordedEvent",
    "RecordedGap",
    "Recorder",
    "RecorderStatus",
    "Retention",
    "Samples",
    "SessionInfo",
    "Stoppable",
    "StorageError",
    "Upkeep",
    "UpkeepStatus",
    "Weight",
    "recorded_frames",
]
