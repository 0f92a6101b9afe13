"""A run without a window whose Triton is killed under it says so, and says when one scores again."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from app.cli.outages import Outages
from app.paths import runtime_folder
from inference.engine import EngineStatus
from inference.triton import records

from .conftest import Start

WELL = EngineStatus("triton", "remote", "The Triton at a:1 is named, and it answers.")


def test_a_server_that_is_killed_and_its_successor_are_told_once_each(
    private_server: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    run = start(
        *("monitor", "sim:demo?satellites=1", "--headless", "--speed", "20", "--engine", "triton"),
        *("--model", "vae_timeseries", "--set", "inference.triton.container=off"),
    )
    run.wait_for("samples")
    (record,) = records.read(runtime_folder() / "triton")
    os.kill(record.server.pid, signal.SIGKILL)
    run.wait_for("so the embedded ONNX Runtime scores")
    run.wait_for("A Triton scores again")
    run.signal(signal.SIGINT)
    code, printed, said = run.end()
    assert code == 130 and "windows scored, 0 skipped" in printed
    lost, back = (line for line in said if "samples" not in line)
    assert re.fullmatch(
        r"perigee: The Triton is gone \(.+\), so the embedded ONNX Runtime scores until a Triton does\.", lost
    )
    assert re.fullmatch(
        r"perigee: A Triton scores again: .*the tritonserver of this machine scores\. "
        r"Scored again elsewhere so far: \d+ windows\.",
        back,
    )


def test_a_lost_server_of_several_is_told_although_a_triton_still_scores() -> None:
    said: list[str] = []
    outages = Outages(WELL, said.append)
    trouble = "The Triton at b:1 does not answer."
    worse = EngineStatus(WELL.kind, WELL.detail, WELL.reason, interruptions=1, trouble=trouble)
    for now in (WELL, worse, worse):
        outages.see(now)
    assert said == [f"{trouble} Another server scores: {WELL.reason}"]
    outages.see(EngineStatus(WELL.kind, WELL.detail, WELL.reason, interruptions=1, rescored=64))
    assert said[1:] == [f"A Triton scores again: {WELL.reason} Scored again elsewhere so far: 64 windows."]


def test_a_server_that_was_away_between_two_looks_is_told_all_the_same() -> None:
    said: list[str] = []
    Outages(WELL, said.append).see(EngineStatus(WELL.kind, WELL.detail, WELL.reason, interruptions=1))
    assert said[0] == "A Triton was lost for a moment." and said[1].startswith("A Triton scores again: ")
    assert len(said) == 2
