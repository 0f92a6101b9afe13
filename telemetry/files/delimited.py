"""Reads a text table (commas, semicolons, tabs, pipes, spaces) into columns, block by block.

Memory is one block of text and the numbers themselves; columns of text are kept as text. One thread.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from telemetry.files.bounds import check_columns, check_size, counted
from telemetry.files.cells import NULLS, to_numbers
from telemetry.files.column import Column, Numbers, Table, Texts, join
from telemetry.files.dialect import Dialect, find_dialect
from telemetry.files.headers import name_columns
from telemetry.files.lines import BLOCK, Lines
from telemetry.source import SourceError

_NULL_SPELLINGS = sorted(
    {form for null in NULLS for form in (null, null.upper(), null.title())} | {"NaN", "NaT", "#N/A"}
)


class _Builder:
    """One column on its way: blocks of numbers, or text once most of a block was something else."""

    def __init__(self) -> None:
        self.numbers: list[Numbers] = []
        self.texts: list[Any] = []
        self._decided: bool | None = None
        self._floats = False

    def add(self, cells: Any, comma: bool, hexadecimal: bool) -> None:
        empty = cells.null_count == len(cells)
        if self._decided is not False:
            # A column that held a fraction is one of floats: integers need not be tried again.
            # Numbers so far: what is none in this block is set aside, however much it is.
            found = to_numbers(cells, comma, hexadecimal or self._floats, sure=self._decided is True)
            if found is not None:
                if self._decided is None and not empty:
                    self._decided = True
                self._floats |= found.values.dtype.kind == "f" and not empty
                self.numbers.append(found)
                return
            self._decided = False
            self.texts = [pa.nulls(len(part.values), pa.string()) for part in self.numbers]
            self.numbers.clear()
        self.texts.append(cells)

    def finish(self) -> Numbers | Texts:
        if self._decided is False:
            return Texts(pa.chunked_array(self.texts, pa.string()))
        return join(self.numbers)


def read_delimited(path: Path) -> Table:
    """The table in a text file. Raises SourceError where there is none, or where it is too large."""
    lines = Lines(path)
    dialect = find_dialect(lines.sample())
    if dialect is None:
        raise SourceError(f"{path.name} holds no rows: give a file with a header line and rows of numbers.")
    check_columns(path, dialect.width)
    builders = [_Builder() for _ in range(dialect.width)]
    reader = _Rows(path, lines, dialect)
    rows = 0
    for table, hexadecimal in reader.tables():
        rows += table.num_rows
        check_size(path, rows, dialect.width)
        for builder, column in zip(builders, table.columns, strict=True):
            cells = column.combine_chunks()
            builder.add(cells, dialect.comma, hexadecimal)
    if rows == 0:
        raise SourceError(f"{path.name} holds a header and no rows: give a file with rows of numbers.")
    headers = [*dialect.headers, *([""] * (dialect.width - len(dialect.headers)))]
    names, notes = name_columns(headers, dialect.units)
    columns: list[Column] = []
    for header, (name, unit) in zip(headers, names, strict=True):
        data = builders[len(columns)].finish()
        builders[len(columns)] = _Builder()  # frees the blocks
        columns.append(Column(header.strip(), name, unit, data, named=bool(header.strip())))
    return Table(columns, rows, [*notes, *lines.notes, *reader.notes()])


class _Rows:
    """Blocks of lines as Arrow tables of strings, rows of the wrong width mended."""

    def __init__(self, path: Path, lines: Lines, dialect: Dialect) -> None:
        self._path, self._lines, self._dialect = path, lines, dialect
        self._short = self._long = self._comments = self._headers = 0
        self._names = [str(i) for i in range(dialect.width)]
        mark = re.escape(dialect.comment or "#").encode()
        # The lookahead spares a missing value that begins like a comment.
        self._comment = re.compile(rb"^[ \t]*" + mark + rb"(?!N/A).*\n", re.MULTILINE)
        self._quick = (dialect.comment or "#").encode()

    def tables(self) -> Iterator[tuple[Any, bool]]:
        """Tables, and whether their block may hold hexadecimal numbers. Raises SourceError."""
        skip = self._dialect.skip
        for block in self._lines.blocks(self._dialect.quoted):
            if skip:
                block, skip = _without_lines(block, skip)
            block = self._tidy(block)
            if block.strip():
                yield self._parse(block), b"0x" in block or b"0X" in block

    def notes(self) -> list[str]:
        """What was mended or left out."""
        out = []
        if self._comments:
            out.append(f"{counted(self._comments, 'comment line')} left out between the rows.")
        if self._headers:
            out.append(f"{counted(self._headers, 'repeated header line')} left out between the rows.")
        if self._short:
            out.append(f"{counted(self._short, 'row')} shorter than the header: the cells at the end count as missing.")
        if self._long:
            out.append(f"{counted(self._long, 'row')} longer than the header: the cells at the end were left out.")
        return out

    def _tidy(self, block: bytes) -> bytes:
        if self._quick in block:
            block, n = self._comment.subn(b"", block)
            self._comments += n
        header = self._dialect.header_line.encode()
        if header and header in block:
            pattern = re.compile(rb"^" + re.escape(header) + rb"\n", re.MULTILINE)
            block, n = pattern.subn(b"", block)
            self._headers += n
        if self._dialect.separator == " ":
            block = re.sub(rb"^[ \t]+|[ \t]+$", b"", re.sub(rb"[ \t]+", b" ", block), flags=re.MULTILINE)
        return block

    def _parse(self, block: bytes) -> Any:
        dialect, odd = self._dialect, []

        def mend(row: Any) -> str:
            odd.append((row.number, row.text))
            return "skip"

        try:
            table = pacsv.read_csv(
                pa.BufferReader(block),
                read_options=pacsv.ReadOptions(
                    column_names=self._names, use_threads=False, block_size=max(len(block) + 1, 1 << 16)
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=dialect.separator,
                    quote_char='"' if dialect.quoted else False,
                    newlines_in_values=dialect.quoted,
                    ignore_empty_lines=dialect.width > 1,
                    invalid_row_handler=mend,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(self._names, pa.string()),
                    null_values=_NULL_SPELLINGS,
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
        except pa.ArrowException as problem:
            why = str(problem).split("\n")[0].rstrip(".")
            raise SourceError(f"{self._path.name} cannot be read as a table: {why}. Export it again.") from problem
        return self._insert(table, odd) if odd else table

    def _insert(self, table: Any, odd: list[tuple[int | None, str]]) -> Any:
        """Rows of another width, cut or filled, back where they stood."""
        width = self._dialect.width
        cells: list[list[str | None]] = [[] for _ in range(width)]
        for _, text in odd:
            row = _cells_of(text, self._dialect)
            if any(cell.strip() for cell in row[width:]):
                self._long += 1
            # One cell less than the header is what a trailing separator in it makes.
            if len(row) < width and self._dialect.headers and len(row) < len(self._dialect.headers):
                self._short += bool(text.strip())
            for i in range(width):
                cell = row[i] if i < len(row) else None
                cells[i].append(None if cell is None or cell.strip().lower() in NULLS else cell)
        mended = pa.table({name: pa.array(c, pa.string()) for name, c in zip(self._names, cells, strict=True)})
        total = table.num_rows + len(odd)
        order = list(range(table.num_rows))
        for k, (number, _) in enumerate(odd):
            order.insert(min((number or total) - 1, len(order)), table.num_rows + k)
        return pa.concat_tables([table, mended]).combine_chunks().take(pa.array(order))


def _cells_of(text: str, dialect: Dialect) -> list[str]:
    if not dialect.quoted:
        return text.split(dialect.separator)
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separator), [])
    except csv.Error:
        return text.split(dialect.separator)


def _without_lines(block: bytes, count: int) -> tuple[bytes, int]:
    """Without its first ``count`` lines, and how many are still to be left out of the next block."""
    at = 0
    for left in range(count, 0, -1):
        end = block.find(b"\n", at)
        if end < 0:
            return b"", left
        at = end + 1
    return block[at:], 0


assert BLOCK < 2**31  # Arrow's strings count their bytes in 32 bits
