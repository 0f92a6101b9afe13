"""What the page Scoring is handed: frozen values in words. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass, field

from widgets.model import Mark


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, with a mark before it where something is not as it should be."""

    words: str
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a name and a value; ``share`` (0..1) is how much of what there is, None where that means nothing."""

    name: str
    value: str
    share: float | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: a cell a column, and a sentence under them where there is something to say."""

    cells: tuple[str, ...]
    mark: Mark | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``columns`` are the heads. The first ``words`` columns are written from the left, the others are figures."""

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    words: int = 1


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: a head with a note at its right, then sentences, a table, and lines of facts."""

    title: str
    note: str = ""
    remarks: tuple[Remark, ...] = ()
    table: Table = field(default_factory=Table)
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoringView:
    """``title`` says what scores, ``since`` when it began; ``now`` is the section under them, which has no head.

    ``below`` are the servers and the GPUs, ``pool`` is the background pool.
    """

    title: str = "Scoring"
    since: str = "asking the core"
    now: Section = Section("")
    below: tuple[Section, ...] = ()
    pool: Section = Section("Workers")


@dataclass(frozen=True, slots=True)
class Lines:
    """A text, a line each, and the time at which it was read, in words; empty where it was not."""

    lines: tuple[str, ...] = ()
    read: str = ""
