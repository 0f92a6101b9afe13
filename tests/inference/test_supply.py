"""Who owns a server: what is taken over, what is left alone, what is ended. The servers are real."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from inference import EngineError, ModelCard, open_engine, read_repository
from inference.triton import persistent, process, records
from inference.triton.bundle import find
from inference.triton.client import Client
from inference.triton.engine import TritonEngine
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.process import ProcessServer, start_process
from inference.triton.records import Process
from inference.triton.server import endpoint, free_ports
from inference.triton.shared import SharedPlace
from inference.triton.supply import Seat, candidates, first, fleet
from inference.triton.uses import Uses

NOBODY = Process(2**22 + 1, 1)
"""A process that cannot be there."""
NEVER = threading.Event()
STARTED: list[ProcessServer] = []


@pytest.fixture(scope="module")
def cards(shipped: Path) -> tuple[ModelCard, ...]:
    return read_repository(shipped).select(["vae_timeseries"])


@pytest.fixture
def options(tmp_path: Path, private_server: Path) -> Iterator[TritonOptions]:
    made = TritonOptions(state=tmp_path / "state", places=(private_server,), container="off")
    yield made
    while STARTED:
        STARTED.pop().stop(1.0)
    for record in records.read(made.state):
        ProcessServer(record, made.state).stop(1.0)


def _seat(options: TritonOptions, cards: tuple[ModelCard, ...]) -> Seat:
    return first(candidates(options, cards), NEVER)


def _start(options: TritonOptions, persistent: bool = False) -> ProcessServer:
    STARTED.append(start_process(find("", options.places), options, persistent, NEVER))
    return STARTED[-1]


def _pid(seat: Seat) -> int:
    assert seat.server is not None
    return seat.server.record.server.pid


def test_a_server_whose_owner_is_gone_is_taken_over_and_ended_with_its_new_owner(
    options: TritonOptions, cards: tuple[ModelCard, ...]
) -> None:
    left = _start(options)
    records.write(options.state, replace(left.record, owner=NOBODY))
    seat = _seat(options, cards)
    assert _pid(seat) == left.record.server.pid and seat.mine
    assert "whose owner ended" in seat.engine.reason
    assert [one.owner for one in records.read(options.state)] == [records.this_process()]
    seat.end()
    assert left.ended() and not records.read(options.state)


@pytest.mark.parametrize("wrong", ["hung", "another program", "another model"])
def test_an_orphan_that_is_of_no_use_is_ended_and_another_server_started(
    options: TritonOptions, cards: tuple[ModelCard, ...], wrong: str
) -> None:
    left = _start(options)
    record = replace(left.record, owner=NOBODY)
    if wrong == "hung":
        os.kill(left.record.server.pid, signal.SIGSTOP)
    elif wrong == "another program":
        record = replace(record, runs="another")
    else:
        seat = Seat(_engine(left, options), left, mine=False)
        seat.engine.load(cards[0])
        seat.engine.close()
        cards = (replace(cards[0], sha256="0" * 64),)
    records.write(options.state, record)
    seat = _seat(options, cards)
    assert _pid(seat) != left.record.server.pid and left.ended()
    seat.end()


def _engine(server: ProcessServer, options: TritonOptions) -> TritonEngine:
    return TritonEngine(endpoint(server.record), options, "process", "A test started it.")


def test_a_persistent_server_is_used_and_left_running(options: TritonOptions, cards: tuple[ModelCard, ...]) -> None:
    kept = _start(options, persistent=True)
    seat = _seat(options, cards)
    assert _pid(seat) == kept.record.server.pid and not seat.mine
    seat.end()
    assert not kept.ended() and len(records.read(options.state)) == 1
    kept.stop(5.0)


def test_a_persistent_server_is_used_though_no_container_engine_answers(
    options: TritonOptions, cards: tuple[ModelCard, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho asked >> {tmp_path / 'asked'}\nexec sleep 60\n", encoding="utf-8")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    options = replace(options, container="auto")
    kept = _start(options, persistent=True)
    seat = _seat(options, cards)
    assert _pid(seat) == kept.record.server.pid
    assert persistent.start(options, cards, lambda text: None, NEVER).record == kept.record
    assert not (tmp_path / "asked").exists()
    seat.end()


def test_a_model_beside_another_of_its_name_is_let_go_once_no_living_session_uses_it(
    options: TritonOptions, cards: tuple[ModelCard, ...]
) -> None:
    kept = _start(options, persistent=True)
    (card,) = cards
    assert card.config is not None
    config = replace(card.config, parameters={**card.config.parameters, "sha256": "1" * 64})
    newer, variant = replace(card, sha256="1" * 64, config=config), f"{card.name}-11111111"
    client, name = Client(endpoint(kept.record)), process.mark(kept.record.instance)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        theirs = Uses(options.state, name)
        theirs._me = Process(other.pid, records.began(other.pid) or 0)
        theirs.begin(variant)
        for one in (card, newer):
            _use(kept, options, one)
        assert client.ready(card.name) and client.ready(variant), "another session uses it"
        other.kill()
    _use(kept, options, newer)
    assert client.ready(card.name) and not client.ready(variant)
    client.close()
    kept.stop(5.0)
    assert [path.name for path in options.state.iterdir()] == ["empty"]


def _use(server: ProcessServer, options: TritonOptions, card: ModelCard) -> None:
    """As a session does that was told the server's address."""
    engine = TritonEngine(endpoint(server.record), options, "remote", "A test named it.", shared_server=True)
    engine.load(card)
    engine.close()


def test_a_server_whose_owner_lives_is_never_shared(options: TritonOptions, cards: tuple[ModelCard, ...]) -> None:
    code = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as other:
        theirs = _start(options)
        owner = Process(other.pid, records.began(other.pid) or 0)
        records.write(options.state, replace(theirs.record, owner=owner))
        seat = _seat(options, cards)
        assert _pid(seat) != theirs.record.server.pid and not theirs.ended()
        seat.end()
        other.communicate()


def test_an_orphan_is_claimed_by_one_only(tmp_path: Path, options: TritonOptions) -> None:
    left = _start(options)
    record = replace(left.record, owner=NOBODY)
    records.write(options.state, record)
    assert records.claim(options.state, record) is not None
    again = records.read(options.state)
    assert len(again) == 1 and not again[0].orphan


def test_a_process_is_told_from_a_later_one_of_the_same_number() -> None:
    me = records.this_process()
    assert me.lives and not replace(me, began=me.began + 1).lives and not NOBODY.lives


def test_a_port_that_somebody_takes_first_is_answered_with_another_try(
    options: TritonOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        stolen = int(thief.getsockname()[1])
        tries: list[int] = []

        def ports(count: int) -> list[int]:
            tries.append(count)
            return [stolen, *free_ports(count - 1)] if len(tries) == 1 else free_ports(count)

        monkeypatch.setattr(process, "free_ports", ports)
        server = _start(options)
    assert len(tries) == 2 and server.record.grpc != stolen
    assert [one.instance for one in records.read(options.state)] == [server.record.instance]


def test_a_start_that_nobody_waits_for_leaves_nothing(options: TritonOptions) -> None:
    gone = threading.Event()
    gone.set()
    with pytest.raises(EngineError, match="no longer wanted"):
        start_process(find("", options.places), options, False, gone)
    assert not records.read(options.state)


def test_a_program_that_cannot_be_started_leaves_nothing_and_is_said(options: TritonOptions, tmp_path: Path) -> None:
    (tmp_path / "tritonserver").write_text("no program")
    options = replace(options, server=str(tmp_path / "tritonserver"))
    with pytest.raises(EngineError, match=r"did not start \(Permission denied\): see that .*tritonserver may be run"):
        start_process(find(options.server, ()), options, False, NEVER)
    assert [path.name for path in options.state.iterdir()] == ["empty"]


def test_a_server_that_wrote_nothing_is_not_said_to_have_more_to_show(options: TritonOptions, tmp_path: Path) -> None:
    program = tmp_path / "tritonserver"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(EngineError, match=r"ended with code 3: it said nothing\)$"):
        start_process(find(str(program), ()), options, False, NEVER)
    program.write_text("#!/bin/sh\necho error: no room\nexit 3\n")
    with pytest.raises(EngineError, match=r"error: no room; perigee triton logs shows more\)$"):
        start_process(find(str(program), ()), options, False, NEVER)


def test_nobody_else_reads_the_memory_through_which_windows_go(
    options: TritonOptions, cards: tuple[ModelCard, ...]
) -> None:
    server = _start(options)
    engine = _engine(server, options)
    ours = SharedPlace(1)
    try:
        engine.load(cards[0])
        shared = [*Path("/dev/shm").glob(f"{process.prefix(server.record.instance)}*"), Path(f"/dev/shm{ours.key}")]
        assert len(shared) > 1 and {path.stat().st_mode & 0o777 for path in shared} == {0o600}
    finally:
        ours.close()
        engine.close()


def test_every_refusal_is_said(cards: tuple[ModelCard, ...], tmp_path: Path) -> None:
    (port,) = free_ports(1)
    options = TritonOptions(
        state=tmp_path, endpoints=(Endpoint(f"127.0.0.1:{port}"),), container="off", server=str(tmp_path / "none")
    )
    with pytest.raises(EngineError) as refused:
        _seat(options, cards)
    said = str(refused.value)
    assert f"The Triton at 127.0.0.1:{port} does not answer" in said
    assert "a container: containers are switched off in the settings" in said
    assert f"There is no tritonserver at {tmp_path / 'none'}: correct inference.triton.server, or" in said


def test_a_container_engine_that_is_not_there_is_said_with_what_it_is_for(
    cards: tuple[ModelCard, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError) as refused:
        _seat(TritonOptions(state=tmp_path, places=()), cards)
    said = str(refused.value)
    assert "docker is not installed, podman is not installed (install docker or podman for a GPU to score)" in said
    assert "perigee triton install brings one" in said


def test_a_fleet_has_a_seat_a_server_and_headers_are_in_no_text(tmp_path: Path) -> None:
    known = Endpoint("b:2", tls=True, headers=(("authorization", "secret-token"),))
    options = TritonOptions(state=tmp_path, endpoints=(known,))
    assert [chain[0][0] for chain in fleet("a:1,b:2", options)] == ["the Triton at a:1", "the Triton at b:2"]
    assert "secret-token" not in repr(options)
    assert [chain[0][0] for chain in fleet("[::1]:8001", options)] == ["the Triton at [::1]:8001"]


@pytest.mark.parametrize(
    "wrong", ["a", "a:x", ":8001", "a:0", "a:70000", "", "http://x:1", "::1:8001", "a:1,b", "a:1/b", "a b:1"]
)
def test_what_is_no_address_is_refused_with_what_one_looks_like(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(EngineError, match=r"is no address of a Triton: give HOST:PORT, or \[HOST\]:PORT"):
        fleet(wrong, TritonOptions(state=tmp_path))


@pytest.mark.parametrize(
    "wrong", ["triton://me:secret@host:1", "triton://host:1?token=secret", "Triton://me:secret@host:1"]
)
def test_a_password_in_an_address_is_in_no_message(tmp_path: Path, wrong: str) -> None:
    for options in (TritonOptions(state=tmp_path), None):
        with pytest.raises(EngineError) as refused:
            open_engine(wrong, [], options)
        assert "secret" not in str(refused.value)


def test_a_port_that_is_open_and_silent_does_not_hold_anyone_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = Client(Endpoint(f"127.0.0.1:{silent.getsockname()[1]}"))
        assert not client.live(0.2)
        with pytest.raises(EngineError, match=r"did not answer within 0\.2 s|does not answer"):
            client.models(0.2)
        client.close()


def test_a_state_folder_that_cannot_be_written_is_a_refusal(options: TritonOptions, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=r"did not start \(Not a directory"):
        _start(replace(options, state=tmp_path / "file" / "state"))
