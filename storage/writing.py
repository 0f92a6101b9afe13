"""A Parquet file in the making: it has its name when it is whole and on the disk. One thread."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from storage import durable, manifest
from storage.daily import TIME
from storage.manifest import PublishedFile
from telemetry.clock import iso


class Writing:
    """One file in the making. After the block ``file`` says what it came to; None where there is nothing new in it.

    ``time`` is its column of times; ``unlike``: a file of this hash is not worth keeping. A file without rows is none
    where ``unlike`` is None.
    """

    def __init__(self, folder: Path, path: str, schema: pa.Schema, time: str | None, unlike: str | None = None) -> None:
        self.file: PublishedFile | None = None
        self._path, self._relative = folder / path, path
        self._partial = self._path.with_name(f".{self._path.name}.partial")
        self._time, self._unlike = time, unlike
        self._rows = 0
        self._start: int | None = None
        self._end: int | None = None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        steps = {one.name: "DELTA_BINARY_PACKED" for one in schema if one.type == TIME}
        plain = [one.name for one in schema if one.name not in steps and not pa.types.is_nested(one.type)]
        self._out = pq.ParquetWriter(
            self._partial, schema, compression="zstd", use_dictionary=plain, column_encoding=steps
        )

    def write(self, found: pa.Table) -> None:
        """Append a row group."""
        if not len(found):
            return
        self._out.write_table(found, row_group_size=len(found))
        self._rows += len(found)
        if self._time is not None:
            extent = pc.min_max(found[self._time].cast(pa.int64())).as_py()
            self._start = extent["min"] if self._start is None else min(self._start, extent["min"])
            self._end = extent["max"] if self._end is None else max(self._end, extent["max"])

    def __enter__(self) -> Writing:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._out.close()
        except OSError:
            if kind is None:
                self._give_up()
                raise
        if kind is not None or (not self._rows and self._unlike is None):
            self._give_up()
            return
        found = manifest.sha256(self._partial)
        if found == self._unlike:
            self._give_up()
            return
        size = self._partial.stat().st_size
        durable.put(self._partial, self._path)
        start, end = ("" if at is None else iso(at) for at in (self._start, self._end))
        self.file = PublishedFile(self._relative, self._rows, start, end, size, found)

    def _give_up(self) -> None:
        self._partial.unlink(missing_ok=True)
        for folder in self._path.parents[:2]:
            if not any(folder.iterdir()):
                folder.rmdir()
