"""Telemetry is remembered: the DuckDB archive, its one writer, its many readers.

The only package that knows DuckDB. Knows nothing of models or screens.
"""

from storage.answers import Envelope, Latest, RecordedEvent, RecordedGap, Samples, SessionInfo
from storage.archive import Archive
from storage.errors import StorageError
from storage.reader import Reader
from storage.recorder import Recorder, RecorderStatus

__all__ = [
    "Archive",
    "Envelope",
    "Latest",
    "Reader",
    "RecordedEvent",
    "RecordedGap",
    "Recorder",
    "RecorderStatus",
    "Samples",
    "SessionInfo",
    "StorageError",
]
