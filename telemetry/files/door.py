"""From a path to a source: what kind of file it is, by its content, and the story of opening one, in order.

One thread; nothing is kept open afterwards.
"""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from telemetry.channel import Channel, ChannelType, Group
from telemetry.files.bounds import counted
from telemetry.files.column import Column, Numbers, Table, Texts
from telemetry.files.delimited import read_delimited
from telemetry.files.headers import clean
from telemetry.files.parquet import read_parquet
from telemetry.files.passes import Played, play
from telemetry.files.repeats import duplicates, flag_repeats, tied
from telemetry.files.seconds import Timeline
from telemetry.files.source import FileSource
from telemetry.files.timeline import find_timeline
from telemetry.frame import Frame, Quality
from telemetry.source import SourceError

_FOREIGN = (
    (b"\x93NUMPY", "a NumPy array"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"CDF\x01", "a netCDF file"),
    (b"CDF\x02", "a netCDF file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"ARROW1", "an Arrow file"),
    (b"PARE", "an encrypted Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
)
_TYPES: dict[str, ChannelType] = {
    "float32": "f4", "float64": "f8", "int64": "i8", "uint64": "u8", "bool": "bool",
}  # fmt: skip


def open_file(
    path: str | Path, *, time: str | None = None, period: int | None = None, start: int | None = None
) -> FileSource:
    """A CSV or Parquet file (told apart by content) as a source of frames.

    ``time`` names the time column; ``period`` (microseconds) is the step between rows where no column says when;
    ``start`` (UTC microseconds) is where relative times begin. The whole file is read now, at most
    ``bounds.MOST_VALUES`` values. Raises SourceError.
    """
    try:
        return _open(str(path), Path(path), time, period, start)
    except SourceError as problem:
        # Cells and names that it quotes may hold line ends: a sentence is one line.
        raise SourceError(clean(str(problem))) from problem


def _open(asked: str, path: Path, time: str | None, period: int | None, start: int | None) -> FileSource:
    table = _read(path)
    line = find_timeline(table, path.name, time, period)
    channels = _channels(table, line, path)
    played = _without_duplicates(table, line, _play(table, line, path, start))
    step = period if line.counted else played.step
    group = Group(path.stem, "table", tuple(channel for _, channel in channels), step or None)
    frame = _frame(table, played, group, [i for i, _ in channels])
    return FileSource(asked, frame, played.passes, played.relative, tuple(clean(note) for note in table.notes))


def _read(path: Path) -> Table:
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise SourceError(f"{path} is a folder: give one CSV or Parquet file in it.")
        if not stat.S_ISREG(kind):
            raise SourceError(f"{path} is a device or a pipe and no file: save what it carries as CSV or Parquet.")
        with path.open("rb") as file:
            head = file.read(16)
        if not head:
            raise SourceError(f"{path} is empty: give a CSV or Parquet file with rows in it.")
        if head.startswith(b"PAR1"):
            return read_parquet(path)
        for magic, name in _FOREIGN:
            if head.startswith(magic):
                raise SourceError(f"{path.name} is {name}, which is not read: give CSV (text) or Parquet.")
        return read_delimited(path)
    except FileNotFoundError as problem:
        raise SourceError(f"There is no file '{path}': check the path.") from problem
    except PermissionError as problem:
        raise SourceError(f"{path} may not be read by this user: change its permissions, or copy it.") from problem
    except (OSError, ValueError) as problem:
        # ValueError: a path that no file system takes (a zero byte in it).
        why = getattr(problem, "strerror", None) or str(problem)
        raise SourceError(f"{str(path)[:200]!r} cannot be read ({why}): check the path and the disk.") from problem
    except MemoryError as problem:
        raise SourceError(f"{path.name} does not fit into memory: split it, by day for example.") from problem


def _channels(table: Table, line: Timeline, path: Path) -> list[tuple[int, Channel]]:
    """The numeric columns, with the number of each in the table."""
    out: list[tuple[int, Channel]] = []
    texts: list[str] = []
    empty: list[str] = []
    for i, column in enumerate(table.columns):
        data = column.data
        if i in line.used:
            continue
        if not isinstance(data, Numbers):
            texts.append(column.name)
        elif data.missing is not None and data.missing.all():
            empty.append(column.name)
        elif not column.header.startswith("__index_level_"):
            _note_bad(table, column, data)
            kind = _TYPES[data.values.dtype.name]
            about = "" if column.header == column.name else column.header
            out.append((i, Channel(path.stem, "", column.name, column.unit, kind, description=about)))
    if texts:
        table.notes.append(f"Columns without numbers are no channels: {_some(texts)}.")
    if empty:
        table.notes.append(f"Columns without any value are no channels: {_some(empty)}.")
    if not out:
        raise SourceError(f"{path.name} has no column of numbers beside the time: give a file with numeric channels.")
    return out


def _note_bad(table: Table, column: Column, data: Numbers) -> None:
    if data.bad:
        such = ", ".join(f"'{example}'" for example in data.examples)
        table.notes.append(f"{counted(data.bad, 'cell')} left out of '{column.name}' for being no number ({such}).")


def _some(names: list[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _play(table: Table, line: Timeline, path: Path, start: int | None) -> Played:
    if line.missing is not None and line.missing.all():
        name = table.columns[line.used[0]].name
        raise SourceError(
            f"No cell of the time column '{name}' of {path.name} can be read as a time: "
            "name another with --time COLUMN, or give the step between rows with --period 5s."
        )
    return play(table, line, start)


def _without_duplicates(table: Table, line: Timeline, played: Played) -> Played:
    spots = tied(played.times)
    if not len(spots):
        return played
    rows = spots if played.order is None else played.order[spots]
    again = duplicates(table, rows, played.times[spots], line.used)
    if not again.any():
        return played
    keep = np.ones(len(played.times), dtype=bool)
    keep[spots[again]] = False
    before = np.append(0, np.cumsum(keep))
    ranges = tuple((int(before[a]), int(before[b])) for a, b in played.passes)
    count = int(np.count_nonzero(again))
    table.notes.append(f"{counted(count, 'row')} left out for repeating another of the same time in every value.")
    order = np.flatnonzero(keep) if played.order is None else played.order[keep]
    return Played(order, played.times[keep], ranges, played.step, played.relative)


def _frame(table: Table, played: Played, group: Group, which: list[int]) -> Frame:
    """The whole file as one frame; the columns are taken from the table, which is empty of them afterwards."""
    spots = tied(played.times)
    values: list[npt.NDArray[np.generic]] = []
    quality: list[npt.NDArray[np.uint8] | None] = []
    for i in which:
        data = table.columns[i].data
        assert isinstance(data, Numbers)
        column, missing = data.values, data.missing
        if played.order is not None:
            column = column[played.order]
            missing = None if missing is None else missing[played.order]
        flags = None
        if missing is not None and missing.any():
            flags = np.where(missing, np.uint8(Quality.MISSING), np.uint8(0))
        if len(spots):
            repeated = flag_repeats(played.times[spots], None if missing is None else missing[spots])
            if repeated.any():
                flags = np.zeros(len(column), dtype=np.uint8) if flags is None else flags
                flags[spots] |= repeated
        values.append(column)
        quality.append(flags)
        table.columns[i].data = Texts(None)
    if len(spots):
        rows = counted(len(spots), "row")
        table.notes.append(f"{rows} kept that share a time with another; second values are flagged as repeated.")
    known = None if all(q is None for q in quality) else tuple(quality)
    return Frame(group, played.times, tuple(values), known)
