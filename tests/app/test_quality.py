"""What was wrong with the samples is said: in the result of a run, and in the status strip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.commands import run
from app.window.quality import EVERY_S, DataQuality
from widgets.model import StatusView
from widgets.status import left_segments


def test_a_run_tells_the_flaws_of_each_channel_that_has_any(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"2030-01-01T00:00:{second:02},{second % 7},1" for second in range(40)]
    rows[5], rows[7], rows[9] = "2030-01-01T00:00:05,,1", "2030-01-01T00:00:07,inf,1", "2030-01-01T00:00:08,5,1"
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["time,volts,amps", *rows]) + "\n")
    (tmp_path / "models").mkdir()
    options = ["--headless", "--speed=max", f"--repository={tmp_path / 'models'}", f"--archive={tmp_path / 'a.duckdb'}"]
    assert run(["monitor", str(table), *options]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(
        "Samples that were not as they should be: table/volts 1 missing, 1 infinite, 1 duplicate; table/amps "
    )
    assert run(["monitor", str(table), "--json", *options]) == 0
    quality = {one["name"]: one for one in json.loads(capsys.readouterr().out)["quality"]}
    assert quality["volts"] == {
        "satellite": "table",
        "name": "volts",
        "missing": 1,
        "invalid": 0,
        "infinite": 1,
        "late": 0,
        "duplicate": 1,
        "jumped_back": 0,
    }
    assert all(
        not any(one[kind] for kind in ("infinite", "missing")) for name, one in quality.items() if name != "volts"
    )


def test_the_strip_says_the_rarest_and_its_tip_the_worst_channels() -> None:
    quality = DataQuality()
    flaws = {"missing": 1200, "invalid": 0, "infinite": 3, "late": 0, "duplicate": 2, "jumped_back": 0}
    quality.take({f"SAT/eps/c{i}": {**flaws, "missing": 1200 + i} for i in range(12)})
    assert quality.words == "24 duplicate, 36 infinite"
    lines = quality.tip.splitlines()
    assert lines[1] == "SAT/eps/c11: 1\u2009211 missing, 3 infinite, 2 duplicate"
    assert lines[-1] == "and 2 channels more"
    view = StatusView("Live", "demo", quality=quality.words, quality_tip=quality.tip)
    assert [one.tip for one in left_segments(view) if one.name == "quality"] == [quality.tip]


def test_where_all_is_well_nothing_is_said() -> None:
    quality = DataQuality()
    quality.take({})
    assert quality.words == ""
    assert "quality" not in [one.name for one in left_segments(StatusView("Live", "demo"))]


def test_it_is_asked_for_now_and_then() -> None:
    quality = DataQuality()
    assert quality.due(0.0) and not quality.due(EVERY_S / 2) and quality.due(EVERY_S)
