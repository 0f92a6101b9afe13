"""Telemetry into a table file, CSV or Parquet, that ``perigee monitor`` reads back value by value. One thread.

CSV holds each number with the digits that give its exact value back, a 32-bit one too: the values that are judged are
then those of the simulation, to the last bit. Parquet keeps the types. A value that its source marks as wrong is left
empty, for a table has no place for the mark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from app.playing.address import TableFile
from app.playing.impairments import BadLink, Impairments
from app.playing.report import counted, fates_line
from app.playing.table import Layout
from app.playing.target import PlayError
from app.playing.wholefile import WholeFile
from app.playing.windows import Window
from telemetry import Group
from telemetry.clock import SECOND
from telemetry.files.bounds import MOST_COLUMNS, MOST_VALUES

_GROUP_CELLS = 1 << 20
"""Cells of a row group of Parquet, about: large enough to compress, small enough to hold."""


class _Writer(Protocol):
    def write(self, rows: Any) -> None:
        """Write an Arrow table of rows."""

    def end(self) -> None:
        """Write what stands at the end of the file."""


class TableTarget:
    """A table of ``groups`` in the file ``to``. Raises PlayError where it cannot be made, or could not be read."""

    def __init__(self, to: TableFile, groups: Sequence[Group], impairments: Impairments, seed: int) -> None:
        self._layout = Layout(groups)
        width = len(self._layout.schema)
        if width > MOST_COLUMNS:
            raise PlayError(
                f"The table would have {width:,} columns, more than the {MOST_COLUMNS:,} that are read back: "
                "simulate fewer channels."
            )
        self._whole = WholeFile(to.path, "--to")
        try:
            kind = _CsvWriter if to.kind == "csv" else _ParquetWriter
            self._writer: _Writer = kind(self._whole, self._layout.schema)
        except BaseException:
            self._whole.drop()
            raise
        self._bad = _BadRows(self._layout.schema, BadLink(impairments, seed)) if impairments.any else None
        self._rows = 0
        self._kept = False

    def take(self, window: Window) -> None:
        """Write the rows of ``window``."""
        rows = self._layout.rows(window)
        self._write(rows if self._bad is None else self._bad.passed(rows))

    def finish(self) -> None:
        """The file takes its place; without a single row one that was there stays."""
        if self._bad is not None:
            self._write(self._bad.rest())
        try:
            # Even without a row: a writer that is left open complains of its file when it is collected.
            self._writer.end()
        except OSError as problem:
            raise self._whole.problem(problem) from problem
        if not self._rows:
            self._whole.drop()
            return
        self._whole.keep()
        self._kept = True

    def abandon(self) -> None:
        """No file, and one that was there stays as it is."""
        self._whole.drop()

    def report(self) -> list[str]:
        """The file and its rows; what became of rows on the way; whether it is too large to be read back."""
        if not self._kept:
            there = f"{self._whole.path} is as it was" if self._whole.path.exists() else "there is no file"
            said = [f"There was no row to write, so {there}."]
        else:
            width = len(self._layout.schema) - 1
            said = [f"{self._whole.path}: {counted(self._rows, 'row', 'rows')} of {width:,} channels."]
            if self._rows * (width + 1) > MOST_VALUES:
                said.append(f"It holds more than {MOST_VALUES:,} cells, the most that is read from one file.")
        return said if self._bad is None else [*said, fates_line(self._bad.link.fates, "row", "rows")]

    def _write(self, rows: Any) -> None:
        if not rows.num_rows:
            return
        try:
            self._writer.write(rows)
        except OSError as problem:
            raise self._whole.problem(problem) from problem
        self._rows += rows.num_rows


class _CsvWriter:
    def __init__(self, whole: WholeFile, schema: Any) -> None:
        self._file = whole.file
        exact = [pa.float64() if pa.types.is_float32(field.type) else field.type for field in schema]
        self._schema = pa.schema([pa.field(field.name, kind) for field, kind in zip(schema, exact, strict=True)])
        as_text = self._schema.set(0, pa.field(schema[0].name, pa.string()))
        head = io.StringIO()
        csv.writer(head, lineterminator="\n").writerow(schema.names)
        self._file.write(head.getvalue().encode())
        options = pacsv.WriteOptions(include_header=False, quoting_style="none")
        self._csv = pacsv.CSVWriter(self._file, as_text, write_options=options)

    def write(self, rows: Any) -> None:
        """Rows as text, times as ISO 8601 with microseconds only where there are any."""
        exact = rows.cast(self._schema)
        times = exact.column(0).cast(pa.int64()).to_numpy()
        unit: Literal["s", "us"] = "s" if not np.any(times % SECOND) else "us"
        text = np.datetime_as_string(_moments(times), unit=unit, timezone="UTC")
        self._csv.write_table(exact.set_column(0, rows.schema.names[0], pa.array(text.tolist(), pa.string())))

    def end(self) -> None:
        """The file itself stays open."""
        self._csv.close()


def _moments(times: npt.NDArray[np.int64]) -> npt.NDArray[np.datetime64]:
    moments: npt.NDArray[np.datetime64] = times.view("M8[us]")
    return moments


class _ParquetWriter:
    def __init__(self, whole: WholeFile, schema: Any) -> None:
        self._parquet = pq.ParquetWriter(whole.file, schema, compression="zstd")
        self._most = max(1, _GROUP_CELLS // len(schema))
        self._waiting: list[Any] = []
        self._count = 0

    def write(self, rows: Any) -> None:
        """Rows, a row group once there are enough of them."""
        self._waiting.append(rows)
        self._count += rows.num_rows
        if self._count >= self._most:
            self._flush()

    def end(self) -> None:
        """The rows that wait, and the footer; the file itself stays open."""
        if self._waiting:
            self._flush()
        self._parquet.close()

    def _flush(self) -> None:
        self._parquet.write_table(pa.concat_tables(self._waiting))
        self._waiting.clear()
        self._count = 0


class _BadRows:
    """Rows as packets of a bad link: those that are held back are kept until they arrive."""

    def __init__(self, schema: Any, link: BadLink[int]) -> None:
        self.link = link
        self._window = schema.empty_table()
        self._base = 0
        """Number of the window's first row."""

    def passed(self, rows: Any) -> Any:
        """What arrives while ``rows`` are sent."""
        first = self._base + self._window.num_rows
        self._window = pa.concat_tables([self._window, rows])
        times = pc.cast(rows.column(0), pa.int64()).to_pylist()
        return self._arrived(self.link.offer(zip(times, range(first, first + len(times)), strict=True)))

    def rest(self) -> Any:
        """What is still held back."""
        return self._arrived(self.link.rest())

    def _arrived(self, numbers: list[int]) -> Any:
        out = self._window.take(pa.array([number - self._base for number in numbers], pa.int64()))
        oldest = min(self.link.held, default=self._base + self._window.num_rows)
        self._window = self._window.slice(oldest - self._base)
        self._base = oldest
        return out
