"""The queries of docs/archive.md run as they stand, in a process that knows only DuckDB."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detection.event import Contribution, Event
from storage import Archive, Change, Recorder
from telemetry import Channel, Frame, Group, Severity

PAGE = (Path(__file__).parents[2] / "docs" / "archive.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)
SECOND = 1_000_000
START = 1_893_456_000 * SECOND

_ASK = """
import duckdb, json, sys
with duckdb.connect(sys.argv[1]) as connection:
    print(json.dumps([connection.execute(query).fetchall() for query in json.loads(sys.argv[2])], default=str))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[list[list[object]]]:
    path = tmp_path_factory.mktemp("docs") / "a.duckdb"
    group = Group("SAT-001", "eps", tuple(Channel("SAT-001", "eps", name, "V") for name in ("bus", "cell")))
    times = START + np.arange(3600, dtype=np.int64) * SECOND
    values = np.arange(3600) / 10
    found = Event(
        1,
        "SAT-001",
        START + 1800 * SECOND,
        START + 1900 * SECOND,
        False,
        Severity.WATCH,
        "ar",
        "1",
        2.345,
        (Contribution("eps/cell", 0.9, 2.3), Contribution("eps/bus", 0.1, 1.0)),
    )
    with Archive.open(path) as archive:
        session = archive.begin_session(started=START, origin="import", sources=["docs"])
        recorder = Recorder(archive, reserve_bytes=0)
        recorder.put(session, Frame(group, times, (values, np.where(values < 1, np.nan, -values))))
        recorder.put(session, found)
        after = '[{"severity": "warning", "low": null, "high": 31.5}]'
        archive.add_change(Change(START, session, "anna", "set limits", "SAT-001/eps/bus", "[]", after))
        recorder.end_session(session, START)
        assert recorder.close(10.0)
    queries = [*QUERIES, "SELECT count(*) FROM samples", "SELECT samples, origin FROM sessions", "FROM gaps"]
    asked = subprocess.run(
        [sys.executable, "-c", _ASK, str(path), json.dumps(queries)], check=True, capture_output=True, text=True
    )
    result: list[list[list[object]]] = json.loads(asked.stdout)
    return result


def test_there_are_four_queries_and_each_answers(answers: list[list[list[object]]]) -> None:
    assert len(QUERIES) == 4
    per_channel, events, mean, audit = answers[:4]
    assert per_channel == [
        ["SAT-001", "eps", "bus", 3600, 0.0, 359.9],
        ["SAT-001", "eps", "cell", 3590, -359.9, -1.0],
    ]
    assert events == [["SAT-001", "2030-01-01 00:30:00", "2030-01-01 00:31:40", "ar", 2.3, "eps/cell"]]
    assert mean[0][0] == "2030-01-01 00:20:00"
    assert len(mean) == 22
    assert audit == [["2030-01-01 00:00:00", "anna", "SAT-001/eps/bus", None, "31.5"]]


def test_plain_duckdb_counts_what_the_archive_counts(answers: list[list[list[object]]]) -> None:
    count, session, gaps = answers[4:]
    assert count == [[3600 + 3590]]
    assert session == [[7190, "import"]]
    assert gaps == []
