"""A scenario file through the whole program: what is counted, what is recorded, and what is called a fault."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from app.cli.commands import run
from app.cli.result import MonitorResult
from simulator import open_simulation
from telemetry.clock import SECOND

SCENARIO = """
[fleet]
satellites = 1
duration = "20 min"

[[faults]]
kind = "dropouts"
channel = "eps/battery_voltage"
at = "50%"

[[events]]
kind = "manoeuvre"
at = "25%"
for = "4 min"
"""


def test_injected_lists_the_faults_alone_and_what_is_missing_is_not_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("day.toml").write_text(SCENARIO, encoding="utf-8")
    code = run(["monitor", "sim:day.toml", "--headless", "--speed", "max", "--json", "--archive", "run.duckdb"])
    printed = capsys.readouterr().out
    assert code == 0
    result = MonitorResult.model_validate_json(printed, strict=True)
    (fault,) = result.injected
    assert fault.kind == "dropouts"
    assert set(json.loads(printed)["injected"][0]) == {"satellite", "channels", "kind", "start", "end", "visible"}
    source = open_simulation("sim:day.toml")
    sent = sum(frame.count() for frame in source.frames(threading.Event(), 60 * SECOND))
    assert result.samples == result.recorded_samples == sent
    quiet = open_simulation("sim:quiet?satellites=1&duration=1200")
    assert sent < sum(frame.count() for frame in quiet.frames(threading.Event(), 60 * SECOND))
