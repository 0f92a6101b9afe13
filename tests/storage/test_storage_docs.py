"""The queries of docs/archive.md run as they stand, in a process that knows only DuckDB."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detection.event import Contribution, Event, Judged
from storage import AlarmChange, Archive, Change, Recorder
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
    modes = Group(
        "SAT-001", "obc", (Channel("SAT-001", "obc", "mode", type="i4", states=((0, "safe"), (1, "nominal"))),)
    )
    mode = (np.arange(3600) >= 600).astype("i4")
    ratio = np.where(times >= START + 3000 * SECOND, 0.9, 0.1).astype("f4")[:, None] * np.ones(2, "f4")
    raised = AlarmChange(1, "limit/1", "SAT-001", "SAT-001/eps/bus", START, START, "unacknowledged", "high", "Too low.")
    with Archive.open(path) as archive:
        session = archive.begin_session(started=START, origin="import", sources=["docs"])
        recorder = Recorder(archive, reserve_bytes=0)
        recorder.put(session, Frame(group, times, (values, np.where(values < 1, np.nan, -values))))
        recorder.put(session, Frame(modes, times[:100], (mode[:100],)))
        recorder.put(session, Frame(modes, times[160:], (mode[160:],)))
        recorder.put(session, Judged(group, times, ratio, ratio, ratio))
        recorder.put(session, found)
        archive.add_alarms([raised, replace(raised, made=START + 90 * SECOND, state="acknowledged", who="anna")])
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


def test_there_are_ten_questions_and_each_is_answered(answers: list[list[list[object]]]) -> None:
    assert len(QUERIES) == 10
    per_channel, events, mean, audit, complete, silent, modes, lasted, near, alarms = answers[:10]
    assert per_channel == [
        ["SAT-001", "eps", "bus", 3600, 0.0, 359.9],
        ["SAT-001", "eps", "cell", 3590, -359.9, -1.0],
    ]
    assert events == [["SAT-001", "2030-01-01 00:30:00", "2030-01-01 00:31:40", "ar", 2.3, "eps/cell"]]
    assert mean[0][0] == "2030-01-01 00:20:00"
    assert len(mean) == 22
    assert audit == [["2030-01-01 00:00:00", "anna", "SAT-001/eps/bus", None, "31.5"]]
    assert ["cell", "2030-01-01 00:00:00", 3590, 1.0] in complete
    assert silent == [["mode", "2030-01-01 00:01:39", "0:01:01"]]
    assert modes == [["2030-01-01 00:30:00", "ar", "nominal"]]
    assert lasted == [["safe", "2030-01-01 00:00:00", "0:09:59"], ["nominal", "2030-01-01 00:10:00", "0:49:59"]]
    assert near[0] == ["bus", "bank", "2030-01-01 00:50:00", 0.9]
    assert len(near) == 2 * 10
    assert alarms == [["limit/1", "high", "0:01:30", "anna"]]


def test_plain_duckdb_counts_what_the_archive_counts(answers: list[list[list[object]]]) -> None:
    count, session, gaps = answers[10:]
    assert count == [[3600 + 3590 + 3540]]
    assert session == [[10730, "import"]]
    assert gaps == []
