"""``perigee triton`` over real servers: started, used by a session, looked at, read, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli.commands import run
from app.paths import data_folder, runtime_folder
from inference import EngineError
from inference.triton import persistent, records
from inference.triton.bundle import find
from inference.triton.client import Client
from inference.triton.options import IMAGE, TritonOptions
from inference.triton.process import start_process
from inference.triton.records import Process
from inference.triton.server import endpoint

from .conftest import Start

ALONE = ("--set", "inference.triton.container=off")
Ask = Callable[..., Any]


@pytest.fixture
def begin(private_server: Path, monkeypatch: pytest.MonkeyPatch, start: Start) -> Ask:
    """Carries out ``perigee triton start`` in a process of its own, whose child the server is; what it prints."""
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))

    def carry_out(*words: str) -> Any:
        code, out, said = start("triton", "start", "--json", *ALONE, *words).end()
        assert code == 0, said
        return json.loads(out)

    return carry_out


@pytest.fixture
def ask(private_server: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Carries out a command of ``perigee triton``, which must succeed: what it prints, from JSON unless it is a log."""
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))

    def carry_out(*words: str) -> Any:
        capsys.readouterr()
        as_json = () if words[0] == "logs" else ("--json",)
        assert run(["triton", *words, *ALONE, *as_json]) == 0
        text = capsys.readouterr().out
        return json.loads(text) if as_json else text

    return carry_out


def _state() -> Path:
    return runtime_folder() / "triton"


def test_a_started_server_is_used_by_sessions_and_stays_until_it_is_stopped(ask: Ask, begin: Ask, start: Start) -> None:
    began = begin()
    try:
        assert began["started"] and began["outdated"] == [] and "switched off" in began["refused"][0]
        models = {one["name"]: one for one in began["server"]["models"]}
        assert set(models) == {"transformer_timeseries", "vae_timeseries"}
        assert all(one["state"] == "ready" and one["windows"] and not one["failed"] for one in models.values())
        again = begin()
        assert not again["started"]
        assert again["server"]["instance"] == began["server"]["instance"]

        session = start("monitor", "sim:demo", "--speed=max", "--duration=900", "--headless", "--json", *ALONE)
        code, out, said = session.end()
        assert code == 0, said
        outcome = json.loads(out)
        assert outcome["engine"]["kind"] == "triton" and "perigee triton start" in outcome["engine"]["reason"]

        (server,) = ask("status")["servers"]
        assert (server["whose"], server["state"], server["gpu"]) == ("persistent", "running", False)
        assert server["version"] == "2.51.0" and 0 < server["uptime_s"] < 120
        after = {one["name"]: one["windows"] for one in server["models"]}
        for name, scored in outcome["windows"]["by_model"].items():
            assert after[name] >= models[name]["windows"] + scored
        assert {(one["pending"], one["windows_per_s"]) for one in server["models"]} == {(0, 0.0)}

        lines = ask("logs", "--lines", "1", "--grep", "SUCCESSFULLY LOADED").splitlines()
        assert len(lines) == 1 and "successfully loaded 'vae_timeseries'" in lines[0]
        assert ask("logs", "--grep", "no line says this") == ""
    finally:
        stopped = ask("stop")
    assert [one["instance"] for one in stopped["ended"]] == [began["server"]["instance"]] and stopped["left"] == []
    assert ask("status")["servers"] == []
    assert [path.name for path in _state().iterdir()] == ["empty"]


def test_stop_ends_what_its_owner_left_and_spares_a_session(ask: Ask, private_server: Path) -> None:
    options = TritonOptions(state=_state(), places=(private_server,), container="off")
    mine, orphan = (start_process(find("", options.places), options, False, threading.Event()) for _ in range(2))
    try:
        left = replace(orphan.record, owner=Process(orphan.record.owner.pid, 1))  # that number had another process
        records.write(options.state, left)
        client = Client(endpoint(mine.record))
        with pytest.raises(EngineError):
            client.load("broken", '{"backend": "python"}', {"1/model.py": b"raise ValueError('it is broken')"})
        client.close()
        os.kill(orphan.record.server.pid, signal.SIGSTOP)

        seen = {one["instance"]: one for one in ask("status")["servers"]}
        session, silent = seen[mine.record.instance], seen[orphan.record.instance]
        assert (session["whose"], session["owner_pid"], session["state"]) == ("session", os.getpid(), "running")
        (broken,) = session["models"]
        assert broken["state"] == "unavailable" and "it is broken" in broken["reason"]
        assert (silent["whose"], silent["state"]) == ("orphan", "silent") and "does not answer" in silent["reason"]

        stopped = ask("stop")
        assert [one["instance"] for one in stopped["ended"]] == [orphan.record.instance]
        assert [one["instance"] for one in stopped["left"]] == [mine.record.instance]
        assert orphan.ended() and not mine.ended()
    finally:
        for server in (mine, orphan):
            server.stop(5.0)


def test_a_persistent_server_that_died_is_replaced_and_one_that_hangs_is_named(
    ask: Ask, begin: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = tmp_path / "models"
    none.mkdir()
    begin("--repository", str(none))
    try:
        (dead,) = records.read(_state())
        os.kill(dead.server.pid, signal.SIGKILL)
        fresh = begin("--repository", str(none))
        (record,) = records.read(_state())
        assert fresh["started"] and fresh["server"]["instance"] == record.instance != dead.instance
        os.kill(record.server.pid, signal.SIGSTOP)
        assert run(["triton", "start", "--repository", str(none), *ALONE]) == 2
        assert "does not answer: perigee triton stop ends it" in capsys.readouterr().err
    finally:
        ask("stop")
    assert not record.server.lives


def test_a_server_that_is_ended_while_it_is_started_is_no_success(
    begin: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped_at_once(options: TritonOptions, *rest: Any) -> persistent.Started:
        started = begun(options, *rest)
        persistent.stop(options, lambda text: None)
        return started

    (tmp_path / "models").mkdir()
    start_it = ("--repository", str(tmp_path / "models"))
    begin(*start_it)
    begun = persistent.start
    monkeypatch.setattr(persistent, "start", stopped_at_once)
    assert run(["triton", "start", *start_it, *ALONE]) == 2
    told = capsys.readouterr()
    none, ended = told.err.splitlines()
    assert none == f"perigee: There is no model in {tmp_path / 'models'} yet, so the server begins with none."
    assert ended.endswith("ended, the server has ended: start it again.") and told.out == ""


def test_more_lines_than_any_log_has_are_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["triton", "logs", "--lines", "99999999999999999999", *ALONE]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "perigee: --lines takes a number less than or equal to 1000000."


def test_an_interrupted_start_leaves_nothing(
    start: Start, private_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    run = start("triton", "start", *ALONE)
    run.wait_for("loading transformer_timeseries")
    run.signal(signal.SIGINT)
    code, out, said = run.end()
    assert (code, out) == (130, "") and "no server was left behind" in said[-1]
    assert [path.name for path in _state().iterdir()] == ["empty"]


def test_without_a_server_each_command_says_so(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("stop") == {"ended": [], "left": []}
    assert ask("status")["servers"] == []
    assert ask("logs") == ""
    assert run(["triton", "status"]) == 0
    assert "No Triton runs that was started here." in capsys.readouterr().out


def test_a_container_engine_that_hangs_is_given_up_soon_and_said(
    private_server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    docker.chmod(0o755)
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    begun = time.monotonic()
    assert run(["triton", "stop", "--set", "inference.triton.container=docker"]) == 0
    assert time.monotonic() - begun < 10.0
    told = capsys.readouterr()
    assert told.out == "No Triton was running.\n"
    assert (
        "Containers could not be asked for, since docker does not answer (docker gave no answer within 5 s)" in told.err
    )
    docker.write_text("#!/bin/sh\necho No daemon here >&2; exit 1\n", encoding="utf-8")
    assert run(["triton", "status", "--set", "inference.triton.container=docker"]) == 0
    assert "docker does not answer (No daemon here)" in capsys.readouterr().err


def _docker(folder: Path, pull: str) -> str:
    """PATH with a program called docker that has no image until ``pull`` has brought one."""
    script = f"""#!/bin/sh
cd {folder}
case $1 in
    version) echo 28.1;;
    image) [ -e image ] && echo sha256:abc;;
    info) exit 1;;
    pull) {pull};;
esac
"""
    (folder / "docker").write_text(script, encoding="utf-8")
    (folder / "docker").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_an_image_is_fetched_and_its_progress_is_told(
    tmp_path: Path, private_server: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    monkeypatch.setenv("PATH", _docker(tmp_path, "echo 1a2b: Download complete; touch image"))
    assert run(["triton", "install", "--image", "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"kind": "image", "place": IMAGE, "version": "sha256:abc"}
    assert "1a2b: Download complete" in said.err


def test_fetching_an_image_is_interrupted_while_nothing_comes(
    start: Start, tmp_path: Path, private_server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    monkeypatch.setenv("PATH", _docker(tmp_path, "echo 1a2b: Waiting; exec sleep 60"))
    fetching = start("triton", "install", "--image")
    fetching.wait_for("1a2b: Waiting")
    fetching.signal(signal.SIGINT)
    code, out, said = fetching.end()
    assert (code, out) == (130, "") and "what came so far is kept" in said[-1]


def test_an_installation_that_is_ended_ends_what_it_has_started(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as index:
        index.bind(("127.0.0.1", 0))
        index.listen()
        index.settimeout(60.0)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{index.getsockname()[1]}/")
        monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        installing = start("triton", "install")
        asking, _ = index.accept()  # pip runs now, and waits for an answer
        with asking:
            installing.signal(signal.SIGTERM)
            code, out, said = installing.end()
            assert (code, out) == (130, "") and "no tritonserver was installed" in said[-1]
            asking.settimeout(10.0)
            while asking.recv(4096):  # what it has asked; then nobody holds the other end
                pass


def test_a_private_server_that_is_there_is_not_brought_again(
    private_server: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = data_folder() / "triton"
    place.symlink_to(private_server)
    assert run(["triton", "install", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"kind": "server", "place": str(place), "version": "2.51.0"}


def test_a_triton_that_is_switched_off_is_not_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["triton", "start"]) == 2
    assert "switched off here (PERIGEE_TRITON=off)" in capsys.readouterr().err


def test_a_tritonserver_that_the_environment_names_in_vain_is_said_with_where_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", "/nonexist")
    assert run(["triton", "start", *ALONE]) == 2
    assert "no tritonserver at /nonexist: correct PERIGEE_TRITON in the environment" in capsys.readouterr().err


def test_a_folder_of_other_things_is_no_repository(
    private_server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    (tmp_path / "things").mkdir()
    assert run(["triton", "start", "--repository", str(tmp_path), *ALONE]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is no model repository" in line


def test_without_a_command_it_is_said_where_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["triton"]) == 2
    assert capsys.readouterr().err == (
        "perigee: 'perigee triton' wants a command: 'perigee triton --help' lists what there is.\n"
    )


def test_an_image_without_a_container_engine_is_refused(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["triton", "install", "--image", *ALONE]) == 2
    assert "switched off in the settings" in capsys.readouterr().err
