"""Scores at their full rate, alarms with their history, and annotations are kept as they were given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import AlarmChange, Annotation, Archive, Reader
from storage.schema import MIGRATIONS


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive.open(tmp_path / "a.duckdb") as opened:
        yield opened


@pytest.fixture(scope="module")
def plain() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for statements in MIGRATIONS:
            connection.execute(statements)
        yield connection


@given(st.lists(st.integers(0, 2**15 - 1), min_size=1, max_size=50))
def test_half_floats_are_read_in_sql_as_numpy_reads_them(plain: duckdb.DuckDBPyConnection, bits: list[int]) -> None:
    (found,) = plain.execute("SELECT list_transform(?::USMALLINT[], lambda b: half(b))", [bits]).fetchall()[0]
    want = np.array(bits, np.uint16).view(np.float16).astype(np.float32)
    assert np.array_equal(np.array([np.nan if one is None else one for one in found], np.float32), want, equal_nan=True)


def test_an_alarm_is_what_it_became_last_and_every_change_is_kept(archive: Archive) -> None:
    session = archive.begin_session(started=0, origin="live", sources=["test"])
    raised = AlarmChange(session, "limit/7", "SAT", "SAT/eps/v", 10, 11, "unacknowledged", "high", "Too low.", event=7)
    acknowledged = replace(raised, made=20, state="acknowledged", who="Ada", comment="seen")
    other = replace(raised, alarm="limit/8", state="shelved", who="Ada", until=99, event=None)
    archive.add_alarms([raised, acknowledged])
    archive.add_alarms([other])
    assert Reader(archive).alarm_history() == Reader(archive).alarm_history(session) == [raised, acknowledged, other]
    assert Reader(archive).alarm_history(session + 1) == []
    with archive.reading() as cursor:
        found = cursor.execute("SELECT alarm, state, who, epoch_us(until) FROM alarms ORDER BY alarm").fetchall()
    assert found == [("limit/7", "acknowledged", "Ada", None), ("limit/8", "shelved", "Ada", 99)]


def test_an_annotation_can_be_changed_and_taken_away(archive: Archive) -> None:
    first = Annotation(0, 1, "SAT", ("SAT/eps/v",), 10, 20, "Heater test", "Ada", 5)
    number = archive.add_annotation(first)
    other = archive.add_annotation(replace(first, start=15, stop=30, text="Eclipse", channels=()))
    assert other != number
    assert archive.add_annotation(replace(first, number=number, text="Heater test, 2 A")) == number
    reader = Reader(archive)
    assert [(one.number, one.text, one.channels) for one in reader.annotations(0, 100)] == [
        (number, "Heater test, 2 A", ("SAT/eps/v",)),
        (other, "Eclipse", ()),
    ]
    assert [one.number for one in reader.annotations(25, 26)] == [other]
    archive.add_annotation(replace(first, number=number, text=""))
    assert [one.number for one in reader.annotations(0, 100)] == [other]
    assert not reader.annotations(0, 15)
