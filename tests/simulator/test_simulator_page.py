"""The page about the simulator names every fault and shows pictures that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.simulator.draw import DAYS, GROUPS, main
from simulator.catalogue import measurements
from simulator.kinds import FAULTS, names

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = (DOCS / "simulator.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", PAGE)
MOST = 150_000  # bytes


def test_every_kind_of_fault_stands_in_the_table_with_its_channel() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([\w/]+)` \|", PAGE, re.MULTILINE))
    assert set(rows) == set(names(FAULTS))
    assert set(rows.items()) <= {(kind.name, kind.main) for kind in FAULTS}


def test_every_kind_of_fault_is_drawn_once() -> None:
    drawn = [name for group in GROUPS.values() for name in group]
    assert sorted(drawn) == sorted(names(FAULTS))


def test_the_pictures_are_those_that_are_drawn_and_small() -> None:
    wanted = {f"simulator/day-{name}.png" for name in DAYS} | {f"simulator/faults-{name}.png" for name in GROUPS}
    assert set(PICTURES) == wanted
    assert {f"simulator/{path.name}" for path in (DOCS / "simulator").glob("*.png")} == wanted
    assert all((DOCS / picture).stat().st_size <= MOST for picture in PICTURES)


def test_what_is_drawn_is_measured() -> None:
    assert {path for paths in DAYS.values() for path in paths} <= {m.channel.path for m in measurements("SAT-001")}


def test_recorded_telemetry_is_drawn_nowhere_in_the_project(
    qapp: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERIGEE_REAL_DATA", str(tmp_path))
    assert main(["--real", str(DOCS / "simulator")]) == 2
    assert "outside the project" in capsys.readouterr().err
    monkeypatch.delenv("PERIGEE_REAL_DATA")
    assert main(["--real", str(tmp_path)]) == 2
