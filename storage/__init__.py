"""Telemetry is remembered: the DuckDB archive, its one writer, its many readers.

The only package that knows DuckDB. Knows nothing of models or screens.
"""

from storage.answers import (
    Change,
    Counts,
    Envelope,
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

__all__ = [
    "Archive",
    "Change",
    "Counts",
    "Envelope",
    "JudgedEvent",
    "Latest",
    "Reader",
    "RecordedCommissioning",
    "RecordedEvent",
    "RecordedGap",
    "Recorder",
    "RecorderStatus",
    "Samples",
    "SessionInfo",
    "StorageError",
    "Weight",
    "recorded_frames",
]
