"""``perigee archive``: on an archive that nobody holds, on one that a core records into, and on what is none."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest

from app.archiving import Archiving
from app.cli.commands import run
from app.launch import attach, wait_ready
from app.launch import start as start_core
from app.link.client import CoreClient
from app.paths import SEED_REPOSITORY, default_archive
from app.plan import Plan
from storage import Archive
from storage.daily import DAY
from storage.retention import Retention, expire
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND
from tests.storage import fleet

if TYPE_CHECKING:
    from tests.app.conftest import Start

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "a.duckdb"
    fleet.make(path)
    return path


@pytest.fixture
def path(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(recorded, tmp_path / "a.duckdb"))


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Carries out a command on an archive, and gives what it printed as JSON."""

    def carry_out(*words: str, archive: Path, code: int = 0) -> Any:
        assert run(["archive", *words, "--archive", str(archive), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return carry_out


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert run(["archive", *words]) == code
    found = capsys.readouterr()
    return found.out, found.err


def test_info_is_of_the_window_s_own_archive_unless_another_is_named(
    ask: Ask, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ask("info", archive=path)
    with duckdb.connect(str(path), read_only=True) as connection:
        ((samples, first, last),) = connection.execute(
            "SELECT count(*), min(time)::VARCHAR, max(time)::VARCHAR FROM samples"
        ).fetchall()
    assert (found["path"], found["sessions"], found["samples"], found["problems"]) == (str(path), 2, samples, [])
    assert (
        found["span"]["start"] == first.replace(" ", "T") + "Z" and found["span"]["end"] == last.replace(" ", "T") + "Z"
    )
    assert found["bytes_per_sample"] == round(found["bytes"] / samples, 2)
    rate = found["bytes_a_day"]
    assert found["days_left"] == (found["free_bytes"] - (512 << 20)) // rate
    few = ask("info", "--set", f"storage.reserve_mb={found['free_bytes'] // 10**6}", archive=path)
    assert few["days_left"] < found["days_left"]

    _, err = said(capsys, "info", code=2)
    assert f"There is no archive {default_archive()}" in err
    shutil.copy(path, default_archive())
    out, _ = said(capsys, "info")
    assert f"{default_archive()}: {samples:,} samples of 2 sessions" in out
    assert "a day at the rate of the newest session" in out and "free on its disk" in out


def test_info_says_how_many_samples_live_on_as_summaries(
    ask: Ask, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = ask("info", archive=path)
    assert before["summaries"] is None
    with Archive.open(path) as archive:
        gone = expire(archive, Retention(values=1), fleet.START + 2 * DAY)
        gone += expire(archive, Retention(values=1, seconds=1), fleet.START + 40 * DAY)
    found = ask("info", archive=path)
    old = found["summaries"]
    assert old["samples"] == gone == before["samples"] - found["samples"] > 0
    with duckdb.connect(str(path), read_only=True) as connection:
        ((first, count),) = connection.execute("SELECT min(time)::VARCHAR, sum(count)::BIGINT FROM rollups").fetchall()
    assert old["samples"] == count and old["span"]["start"] == first.replace(" ", "T") + "Z"
    assert found["bytes_per_sample"] == round(found["bytes"] / found["samples"], 2)
    out, _ = said(capsys, "info", "--archive", str(path))
    assert f"{gone:,} older samples live on as summaries, from {old['span']['start']} to {old['span']['end']}" in out


def test_without_a_command_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'perigee archive' wants a command" in said(capsys, code=2)[1]


def test_verify_ends_with_3_where_something_is_wrong(ask: Ask, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = ask("verify", archive=path)
    assert whole["problems"] == [] and whole["blocks"] > 0 and whole["chunks"] > whole["blocks"]
    out, _ = said(capsys, "verify", "--archive", str(path))
    assert "Nothing is wrong with" in out
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE _chunk SET hi = hi + 1 WHERE channel = 1")
    (problem,) = ask("verify", archive=path, code=3)["problems"]
    out, _ = said(capsys, "verify", "--archive", str(path), code=3)
    assert out == problem + "\n"
    assert "SAT-001, eps/bus_voltage" in problem


def test_publish_adds_what_is_new_and_verify_reads_it(ask: Ask, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = path.with_name("out")
    first = ask("publish", str(folder), archive=path)
    assert first["folder"] == str(folder) and first["days"] == 5 and first["waiting"] == []
    assert first["samples"] == ask("info", archive=path)["samples"]
    again, _ = said(capsys, "publish", str(folder), "--archive", str(path))
    assert again == f"Nothing is new for {folder}.\n"
    assert ask("verify", "--published", str(folder), archive=path)["files"] == first["files"]
    next((folder / "samples").rglob("*.parquet")).unlink()
    assert "is missing" in ask("verify", "--published", str(folder), archive=path, code=3)["problems"][0]
    _, err = said(capsys, "publish", str(path.parent), "--archive", str(path), code=2)
    assert "where the archive itself lies" in err


def test_repair_says_what_it_came_to(ask: Ask, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = said(capsys, "repair", "--archive", str(path))
    assert "There is nothing to repair" in out
    with duckdb.connect(str(path), read_only=True) as connection:
        ((block,),) = connection.execute(
            "SELECT max(block_id) FROM pragma_storage_info('_chunk') WHERE segment_type = 'DOUBLE'"
        ).fetchall()
    data = bytearray(path.read_bytes())
    data[3 * 4096 + block * 262144 + 5000] ^= 1
    path.write_bytes(data)
    assert "is damaged" in " ".join(ask("info", archive=path)["problems"])
    done = ask("repair", archive=path)
    assert done["lost"] > 0 and Path(done["damaged"]).read_bytes() == bytes(data)
    assert ask("info", archive=path)["problems"] == []


def test_compact_says_what_it_came_to(ask: Ask, path: Path) -> None:
    before = ask("info", archive=path)
    done = ask("compact", archive=path)
    after = ask("info", archive=path)
    assert (done["before"], done["after"]) == (before["bytes"], after["bytes"])
    assert after["samples"] == before["samples"] and ask("verify", archive=path)["problems"] == []


@pytest.mark.parametrize("command", ["info", "verify", "compact", "repair", "publish"])
def test_what_is_no_archive_is_refused_in_a_sentence(
    command: str, path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_bytes(b"time,value\n" * 900)
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO _migration VALUES (999, 0, '7.3')")
    words = [command, str(tmp_path / "out")] if command == "publish" else [command]
    for name, sentence in (
        ("none.duckdb", "There is no archive"),
        ("", "is a folder"),
        ("notes.txt", "is not an archive"),
        ("a.duckdb", "written by Perigee 7.3, which is newer"),
    ):
        out, err = said(capsys, *words, "--archive", str(tmp_path / name), code=2)
        assert out == "" and sentence in err and "Traceback" not in err
    assert {one.name for one in tmp_path.iterdir()} == {"notes.txt", "a.duckdb"}


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nobody refuses root a file, nor Windows by its mode")
def test_an_archive_that_may_not_be_written_is_refused_in_a_sentence(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.chmod(0o400)
    _, err = said(capsys, "verify", "--archive", str(path), code=2)
    assert "may not be written" in err


def test_a_core_does_one_thing_at_a_time_and_answers_for_nothing_else(path: Path) -> None:
    with Archive.open(path) as archive:
        archiving = Archiving(archive, 1)
        assert archiving.answer({"do": "hello"}) is None
        ticket = ask_for(archiving, work="read minds")
        assert ended(archiving, ticket) == {"failed": "An archive in use cannot be asked for 'read minds'."}
        assert "error" in (archiving.answer({"do": "archiving", "ticket": ticket}) or {})
        with archive.maintaining():  # who sorts the archive is waited for
            waiting = ask_for(archiving, work="verify")
            assert archiving.answer({"do": "archive", "work": "info"}) == {
                "error": "This archive is being worked on already: wait for that, or stop it."
            }
            archiving.answer({"do": "stop_archiving", "ticket": waiting})
        assert ended(archiving, waiting)["result"]["whole"] is False
        archiving.close(10.0)


def ask_for(archiving: Archiving, **request: object) -> int:
    answer = archiving.answer({"do": "archive", **request})
    assert answer is not None
    return int(answer["ticket"])


def ended(archiving: Archiving, ticket: int) -> dict[str, Any]:
    while True:
        state = archiving.answer({"do": "archiving", "ticket": ticket})
        assert state is not None
        if "step" not in state:
            return state


WIDE = Group("SAT-009", "wide", tuple(Channel("SAT-009", "aocs", f"gyro_{at:02}", "deg/s") for at in range(40)))


@pytest.fixture
def held(path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """An archive of some seconds' work that a real core records into."""
    random = np.random.default_rng(1)
    values = tuple(random.normal(size=(40, 50_000)))
    with Archive.open(path) as archive:
        fleet.record(archive, [Frame(WIDE, fleet.START + np.arange(50_000) * SECOND, values)])
    core = start_core(Plan(("sim:quiet?satellites=1",), str(path), str(SEED_REPOSITORY), speed=50.0))
    wait_ready(core)
    yield path, core
    if core.poll() is not None:
        return
    client = attach(path, lambda _: None, lambda: None)
    assert isinstance(client, CoreClient)
    client.ask("stop")
    client.join(60.0)
    client.close()
    core.wait(60.0)


def test_commands_on_a_held_archive_are_carried_out_by_the_core_that_holds_it(
    held: tuple[Path, subprocess.Popen[bytes]], start: Start, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    path, core = held
    folder = path.with_name("out")
    while ask("info", archive=path)["span"]["end"] < "2030":
        pass  # until it has recorded something of its own
    running = start("archive", "publish", str(folder), "--archive", str(path))
    running.wait_for("samples of")
    running.signal(signal.SIGINT)
    code, out, messages = running.end()
    assert (code, out) == (130, "") and "the next run goes on there" in messages[-1]
    assert core.poll() is None

    done = ask("publish", str(folder), archive=path)
    assert done["waiting"] == ["2030-01-01"] and done["samples"] > 0
    with duckdb.connect() as connection:
        ((published,),) = connection.execute(f"SELECT count(*) FROM '{folder}/samples/*/*.parquet'").fetchall()
        ((old,),) = connection.execute(
            f"SELECT sum(samples) FROM '{folder}/sessions/*/*.parquet' WHERE origin = 'live'"
        ).fetchall()
    assert published == old
    verified = ask("verify", "--published", str(folder), archive=path)
    assert verified["problems"] == [] and verified["samples"] > published
    compacted = ask("compact", archive=path)
    assert compacted["after"] > 0 and ask("verify", archive=path)["problems"] == []
    _, err = said(capsys, "repair", "--archive", str(path), code=2)
    assert f"is being recorded into by process {core.pid}" in err
    assert core.poll() is None


def test_a_core_that_dies_over_a_command_is_said_and_the_command_can_be_given_again(
    held: tuple[Path, subprocess.Popen[bytes]], start: Start, ask: Ask
) -> None:
    path, core = held
    folder = path.with_name("out")
    running = start("archive", "publish", str(folder), "--archive", str(path))
    running.wait_for("samples of")
    core.kill()
    core.wait(60.0)
    code, out, (*_, message) = running.end()
    assert (code, out) == (3, "")
    assert f"The process that held {path} ended before this was done. The archive is whole: give the command" in message
    assert ask("publish", str(folder), archive=path)["samples"] > 0
    assert ask("verify", "--published", str(folder), archive=path)["problems"] == []


def test_an_archive_that_something_else_holds_is_said_with_its_number(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        _, err = said(capsys, "verify", "--archive", str(path), code=2)
        assert f"is in use by process {holder.pid}" in err
        holder.communicate(timeout=30)
