"""A session whose Triton is killed under it: the same events, every window scored, and the change told."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from app.paths import SEED_REPOSITORY
from app.plan import Plan
from app.serving import Serving
from app.session import Session, open_session
from app.settings import InferenceSettings, Settings, TritonSettings
from app.sources import open_sources
from inference.triton.failover import FailoverEngine
from telemetry.clock import SECOND

NOON = 1_900_000_000 * SECOND
DEADLINE_S = 90.0
SETTINGS = Settings(inference=InferenceSettings(triton=TritonSettings(container="off")))


def _session(archive: Path, engine: str, watched: bool = False, settings: Settings = SETTINGS) -> Session:
    plan = Plan(
        ("sim:demo?satellites=1",), str(archive), str(SEED_REPOSITORY), speed=None, duration=900.0, engine=engine
    )
    return open_session(plan, settings, open_sources(plan, NOON), NOON, watched=watched)


def _told(session: Session) -> tuple[list[str], dict[str, int]]:
    return sorted(map(repr, session.all_events())), session.totals().by_model


def _pid(engine: FailoverEngine) -> int:
    server = engine.servers[0].server
    assert server is not None
    return server.record.server.pid


def test_a_server_that_is_killed_changes_neither_events_nor_counts(
    private_server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_none = _session(tmp_path / "a.duckdb", "embedded")
    with_none.start()
    assert with_none.wait(DEADLINE_S)
    with_none.close()

    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    session = _session(tmp_path / "b.duckdb", "triton")
    serving, engine = Serving(session), session.engine
    assert isinstance(engine, FailoverEngine)
    assert serving.now()["kind"] == "triton"
    tick, deadline = threading.Event(), time.monotonic() + DEADLINE_S
    while not serving.figures()["servers"] and time.monotonic() < deadline:
        tick.wait(0.01)
    (server,) = serving.figures()["servers"]
    assert server["mine"] and server["gpus"] == [] and server["problem"] == ""
    assert {one["name"] for one in server["models"]} == {"vae_timeseries", "transformer_timeseries"}
    assert all(one["ready"] and one["windows"] and one["pending"] == 0 for one in server["models"])
    session.start()
    while session.totals().scored < 2000 and time.monotonic() < deadline:
        tick.wait(0.01)
    os.kill(_pid(engine), signal.SIGKILL)
    assert session.wait(DEADLINE_S)
    session.close()
    now = serving.now()
    assert now["interruptions"] == 1
    figures = serving.figures()
    assert json.dumps(figures)
    assert sum(one["done"] for one in figures["pool"]["workers"]) == session.totals().scored
    assert _told(session) == _told(with_none)
    assert session.totals().scored > 2000


def test_a_session_says_that_a_gpu_of_the_settings_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(tmp_path / "none"))
    for engine, said in (("auto", True), ("embedded", False)):
        settings = Settings(inference=InferenceSettings(triton=TritonSettings(container="off", gpus=("GPU-none",))))
        session = _session(tmp_path / f"{engine}.duckdb", engine, settings=settings)
        session.start()
        session.close()
        assert any(note.startswith("This machine has no GPU GPU-none, which") for note in session.notes) == said


def test_a_window_is_not_kept_waiting_for_a_server(
    private_server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    session = _session(tmp_path / "a.duckdb", "auto", watched=True)
    serving = Serving(session)
    assert serving.now()["kind"] == "embedded" and serving.answer({"do": "engine_log"}) == {"lines": []}
    tick, deadline = threading.Event(), time.monotonic() + DEADLINE_S
    while serving.now()["kind"] != "triton" and time.monotonic() < deadline:
        tick.wait(0.05)
    assert serving.now()["detail"] == "process"
    answer = serving.answer({"do": "engine_log"})
    assert answer is not None and any("Started GRPCInferenceService" in line for line in answer["lines"])
    assert serving.answer({"do": "something else"}) is None
    answer = serving.answer({"do": "engine_config"})
    assert answer is not None and set(answer["configs"]) == {"vae_timeseries", "transformer_timeseries"}
    assert "dynamic_batching" in answer["configs"]["vae_timeseries"]
    assert "model_warmup" in answer["configs"]["vae_timeseries"]

    # Nor while it hangs.
    assert isinstance(session.engine, FailoverEngine)
    pid = _pid(session.engine)
    try:
        os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        figures = serving.figures()
        assert time.monotonic() - begun < 1.5
        begun = time.monotonic()
        silent = serving.answer({"do": "engine_config"})
        assert time.monotonic() - begun < 2.0
    finally:
        os.kill(pid, signal.SIGCONT)
    assert figures["at"] is None and figures["pool"]["workers"]
    assert silent == {"error": "The server has not answered yet: read again."}
    answer = serving.answer({"do": "engine_config"})
    while answer is not None and "error" in answer and time.monotonic() < deadline:
        answer = serving.answer({"do": "engine_config"})
    assert answer is not None and set(answer["configs"]) == {"vae_timeseries", "transformer_timeseries"}
    session.start()
    session.close()
    serving.close()
    assert serving.now()["kind"] == "triton", "what it was at the end"
