"""What others build on is written down, and what is written down is so: the archive's views, the JSON of commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import duckdb
import pytest
from pydantic import BaseModel

from app.cli import tritonresult
from app.cli.archive import results
from app.cli.doctor import DoctorResult
from app.cli.result import MonitorResult
from app.evaluation.result import EvaluationResult
from storage import Archive

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_archive_has_the_views_that_are_documented(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "archive.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|$", text, re.MULTILINE)
    documented = {view: [column.split()[0] for column in columns.split(", ")] for view, columns in rows}
    path = tmp_path / "a.duckdb"
    Archive.open(path).close()
    with duckdb.connect(str(path), read_only=True) as archive:
        query = "SELECT view_name FROM duckdb_views() WHERE NOT internal AND NOT starts_with(view_name, '_')"
        views = {str(name) for (name,) in archive.execute(query).fetchall()}
        found = {view: [str(row[0]) for row in archive.execute(f"DESCRIBE {view}").fetchall()] for view in views}
    assert found == documented


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("monitor", MonitorResult),
        ("evaluate", EvaluationResult),
        ("doctor", DoctorResult),
        ("triton-install", tritonresult.InstallResult),
        ("triton-start", tritonresult.StartResult),
        ("triton-stop", tritonresult.StopResult),
        ("triton-status", tritonresult.StatusResult),
        ("archive-info", results.InfoResult),
        ("archive-verify", results.VerifyResult),
        ("archive-compact", results.CompactResult),
        ("archive-repair", results.RepairResult),
        ("archive-publish", results.PublishResult),
    ],
)
def test_the_json_of_a_command_has_the_schema_that_is_published(name: str, result: type[BaseModel]) -> None:
    """After a change that is meant: ``make schema``."""
    published = json.loads((ROOT / "docs" / "schema" / f"{name}.json").read_text(encoding="utf-8"))
    assert published == result.model_json_schema(mode="serialization")
