"""An archive of an earlier version is brought up to date when it is opened, and nothing in it changes."""

from __future__ import annotations

from pathlib import Path

import duckdb

from storage import Archive, Change, Reader, schema


def earlier(path: Path, version: int) -> None:
    """An archive as a program of ``version`` left it: a session, an event, a label."""
    with duckdb.connect(str(path)) as connection:
        for number, step in enumerate(schema.MIGRATIONS[:version], 1):
            connection.execute(step)
            connection.execute("INSERT INTO _migration VALUES (?, 0, 'before')", [number])
        connection.execute("INSERT INTO _session VALUES (1, 0, 5, 'import', ['a.csv'], 'before', '{}', '[]', false)")
        connection.execute(
            "INSERT INTO _event VALUES (1, 7, 'SAT', 1, 2, false, 'warning', 'limits', '1', 1.5, 'hot', [], "
            "[{'name': 'eps/a', 'share': 1.0, 'score': 1.5, 'reason': 'hot'}])"
        )


def test_an_archive_of_version_2_opens_with_its_sessions_and_events(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    earlier(path, 2)
    with Archive.open(path) as archive:
        reader = Reader(archive)
        (session,), (event,) = reader.sessions(), reader.events()
        assert (session.sources, session.limits, reader.changes()) == (("a.csv",), "", [])
        assert (event.event.reason, event.event.response) == ("hot", "")
        change = Change(9, 1, "anna", "set limits", "SAT/eps/a", None, "[]")
        archive.add_change(change)
        assert reader.changes() == [change]
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT max(version) FROM _migration").fetchall() == [(schema.VERSION,)]
        assert connection.execute("SELECT response FROM events").fetchall() == [("",)]
        assert connection.execute("SELECT who, object FROM audit").fetchall() == [("anna", "SAT/eps/a")]
    Archive.open(path).close()
