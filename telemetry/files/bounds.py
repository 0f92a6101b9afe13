"""How much of a file is read at most: the sentences of what is too large, and how a number of things is said."""

from __future__ import annotations

from pathlib import Path

from telemetry.source import SourceError

MOST_VALUES = 1 << 28
"""Values (rows times columns) of one file: 2 GiB of numbers in memory."""
MOST_COLUMNS = 10_000


def check_columns(path: Path, columns: int) -> None:
    """Raises SourceError where there are more columns than any table of telemetry has."""
    if columns > MOST_COLUMNS:
        raise SourceError(
            f"{path.name} has {columns:,} columns, more than the {MOST_COLUMNS:,} that are read: "
            "split it into several files, or write it with one row a sample."
        )


def check_size(path: Path, rows: int, columns: int) -> None:
    """Raises SourceError where the numbers would not fit in memory."""
    if rows * max(1, columns) > MOST_VALUES:
        raise SourceError(
            f"{path.name} holds more than {MOST_VALUES:,} values, the most that is read from one file: "
            "split it, by day for example, and give the parts."
        )


def counted(number: int, thing: str) -> str:
    """``1 row was``, ``1,234 rows were``."""
    return f"1 {thing} was" if number == 1 else f"{number:,} {thing}s were"
