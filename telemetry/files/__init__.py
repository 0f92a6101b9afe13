"""Recordings as sources: CSV in all its dialects, and Parquet, recognised by content.

``open_file`` reads a whole file (at most 268 million values, 10,000 columns) and plays it in the order of time.
Numeric columns are channels; columns of text are not, except that a session column ends a pass where it changes.
"""

from telemetry.files.door import open_file
from telemetry.files.source import FileSource
from telemetry.period import parse_duration

__all__ = ["FileSource", "open_file", "parse_duration"]
