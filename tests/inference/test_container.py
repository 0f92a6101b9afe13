"""A Triton in a container: started, used, taken over, killed and removed, in a real container engine without a GPU."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference import EngineError, ModelCard, open_engine, read_repository
from inference.embedded import EmbeddedEngine
from inference.triton import connection, container, persistent, records
from inference.triton.client import Client
from inference.triton.container import ContainerServer, start_container
from inference.triton.engine import TritonEngine
from inference.triton.failover import FailoverEngine
from inference.triton.options import TritonOptions
from inference.triton.records import Process, Record
from inference.triton.server import endpoint, free_ports
from inference.triton.shared import SharedPlace
from inference.triton.supply import Contained, Seat, candidates, first
from inference.triton.survey import survey
from inference.triton.tool import Tool, open_tool
from tests.inference.test_failover import Stream

NOBODY = Process(2**22 + 1, 1)
"""A process that cannot be there."""
NEVER = threading.Event()
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def cards(shipped: Path) -> tuple[ModelCard, ...]:
    return read_repository(shipped).select(["vae_timeseries"])


@pytest.fixture
def options(
    tmp_path: Path, docker_host: str, triton_image: str, private_server: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TritonOptions]:
    """Of a session whose every container, record and piece of memory must be gone in the end."""
    monkeypatch.setenv("DOCKER_HOST", docker_host)
    made = TritonOptions(tmp_path / "state", places=(private_server,), image=triton_image, timeout_s=20.0)
    yield made
    left = docker("ps", "--all", "--quiet").split()
    if left:
        docker("rm", "--force", *left)
    assert not left, "a container was left behind"
    assert not records.read(made.state), "a record was left behind"


@pytest.fixture
def tool(options: TritonOptions) -> Tool:
    return open_tool(options)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def start(tool: Tool, options: TritonOptions, persistent: bool = False) -> ContainerServer:
    return start_container(tool, options, persistent, NEVER, gpu=False)


def seat_of(options: TritonOptions, cards: tuple[ModelCard, ...]) -> Seat:
    return first([("a container", Contained(options, cards, gpu=False))], NEVER)


def _record(seat: Seat) -> Record:
    assert seat.server is not None
    return seat.server.record


def windows(card: ModelCard, count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(size=(count, card.spec.window)).astype(np.float32)


def nothing_is_left_of(server: ContainerServer) -> bool:
    record = server.record
    for port in (record.grpc, record.http, record.metrics):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return False
    memory = list(Path("/dev/shm").glob(f"perigee_{record.instance}_*"))
    return server.ended() == "its container is gone" and not memory


class WatchedPlace(SharedPlace):
    """Shared memory that says what became of it."""

    names: list[str]
    taken: int

    def __init__(self, size: int, owner: tuple[int, int] | None = None) -> None:
        super().__init__(size, owner)
        self.names.append(self.name)

    def take(self, offset: int, shape: tuple[int, ...]) -> Any:
        WatchedPlace.taken += 1
        return super().take(offset, shape)


def test_a_container_is_shut_in_and_scores_through_shared_memory_as_the_embedded_engine_does(
    tool: Tool, options: TritonOptions, cards: tuple[ModelCard, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    WatchedPlace.names, WatchedPlace.taken = [], 0
    monkeypatch.setattr(connection, "SharedPlace", WatchedPlace)
    server = start(tool, options)
    found = json.loads(docker("inspect", server.record.container))[0]
    host = found["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False)
    assert "no-new-privileges" in host["SecurityOpt"] and host["IpcMode"] == "host"
    assert found["Config"]["User"] not in ("", "0:0")
    assert {one["HostIp"] for ports in host["PortBindings"].values() for one in ports} == {"127.0.0.1"}

    triton = TritonEngine(endpoint(server.record), options, "container", "A test started it.")
    embedded = open_engine("embedded", cards)
    try:
        triton.load(cards[0])
        for rows in (1, 200, 256):
            given = windows(cards[0], rows)
            got, due = (one.infer(cards[0].name, given, ("score",))["score"] for one in (triton, embedded))
            np.testing.assert_allclose(got, due, rtol=1e-5)
    finally:
        triton.close()
        server.stop(5.0)
    assert WatchedPlace.taken == 2, "the large batches went another way"
    assert WatchedPlace.names and not any(Path("/dev/shm", name).exists() for name in WatchedPlace.names)
    assert nothing_is_left_of(server)


def test_a_persistent_container_is_used_and_left_alone_unless_it_runs_another_image_or_holds_another_model(
    tool: Tool, options: TritonOptions, cards: tuple[ModelCard, ...]
) -> None:
    server = start(tool, options, persistent=True)
    try:
        seat = seat_of(options, cards)
        assert (_record(seat), seat.mine) == (server.record, False)
        seat.engine.load(cards[0])
        seat.end()
        assert not server.ended()
        for other in (
            (options, (replace(cards[0], sha256="0" * 64),)),
            (replace(options, image=docker("commit", "--change=LABEL other=1", server.record.container)), cards),
        ):
            seat = seat_of(*other)
            assert seat.mine and _record(seat).instance != server.record.instance
            seat.end(0.0)
        assert not server.ended()
    finally:
        server.stop(0.0)


@pytest.mark.parametrize("record", ["kept", "lost"])
def test_a_container_whose_owner_is_gone_is_taken_over_with_or_without_its_record(
    tool: Tool, options: TritonOptions, cards: tuple[ModelCard, ...], monkeypatch: pytest.MonkeyPatch, record: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(records, "this_process", lambda: NOBODY)
        left = start(tool, options)
    if record == "lost":
        records.remove(options.state, left.record)
    seat = seat_of(options, cards)
    assert seat.mine and _record(seat) == replace(left.record, owner=records.this_process())
    assert "whose owner ended" in seat.engine.reason
    seat.end(0.0)
    assert nothing_is_left_of(left)


def test_an_orphan_is_removed_where_it_does_not_fit_and_where_the_image_is_gone(
    tool: Tool, options: TritonOptions, cards: tuple[ModelCard, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(records, "this_process", lambda: NOBODY)
        left = start(tool, options)
    records.remove(options.state, left.record)
    with pytest.raises(EngineError, match=r"nobody/knows:it is not on this machine .*perigee triton install"):
        seat_of(replace(options, image="nobody/knows:it"), cards)
    assert nothing_is_left_of(left)


def test_a_container_that_has_ended_and_whose_record_is_lost_is_removed(tool: Tool, options: TritonOptions) -> None:
    server = start(tool, options, persistent=True)
    docker("kill", server.record.container)
    records.remove(options.state, server.record)
    container.recover(tool, options)
    assert nothing_is_left_of(server)


@pytest.mark.logs("labels that cannot be read")
def test_containers_of_living_owners_and_of_strangers_are_left_alone(
    tool: Tool, options: TritonOptions, cards: tuple[ModelCard, ...]
) -> None:
    server = start(tool, options)
    records.remove(options.state, server.record)
    user = container._user()
    strange = docker("create", "--label=perigee.instance=x", f"--label=perigee.user={user}", options.image, "bash")
    other = docker("create", "--label=perigee.instance=x", "--label=perigee.user=-", options.image, "bash")
    try:
        container.recover(tool, options)
        assert not records.read(options.state) and not server.ended()
        assert {strange, other} <= set(docker("ps", "--all", "--quiet", "--no-trunc").split())
    finally:
        docker("rm", strange, other)
        server.stop(0.0)


def test_a_port_that_somebody_takes_meanwhile_is_answered_with_another(
    tool: Tool, options: TritonOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = iter([[taken.getsockname()[1], *free_ports(2)]])
        monkeypatch.setattr(container, "free_ports", lambda count: next(given, None) or free_ports(count))
        server = start(tool, options)
        assert server.record.grpc != taken.getsockname()[1]
        assert len(docker("ps", "--all", "--quiet").split()) == 1
        server.stop(0.0)


def test_a_limit_that_cannot_be_raised_is_left_as_it_is(tool: Tool, options: TritonOptions) -> None:
    server = start(tool, replace(options, ulimits=("nofile=2147483584",)))
    assert not json.loads(docker("inspect", server.record.container))[0]["HostConfig"]["Ulimits"]
    server.stop(0.0)


def test_a_server_that_ends_at_once_is_said_with_its_last_words(tool: Tool, options: TritonOptions) -> None:
    name = docker("create", options.image, "bash")
    broken = docker("commit", "--change=ENV LD_LIBRARY_PATH=/nowhere", name)
    docker("rm", name)
    with pytest.raises(EngineError, match=r"did not start \(its container ended with code 127: .*shared librar"):
        start(tool, replace(options, image=broken))


def test_a_start_that_is_no_longer_wanted_leaves_nothing(tool: Tool, options: TritonOptions) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(EngineError, match="no longer wanted"):
        start_container(tool, options, False, stop, gpu=False)


@pytest.mark.skipif(
    shutil.which("nvidia-container-runtime-hook") is not None, reason="this machine's containers have GPUs"
)
def test_without_a_gpu_the_next_candidate_serves_and_says_why(
    options: TritonOptions, cards: tuple[ModelCard, ...]
) -> None:
    seat = first(candidates(options, cards), NEVER)
    assert seat.engine.detail == "process"
    assert seat.engine.reason.startswith("A container: the container engine has no GPU to give (")
    assert "could not select device driver" in seat.engine.reason
    assert "install the NVIDIA Container Toolkit" in seat.engine.reason
    seat.end()


def test_a_gpu_that_the_container_engine_leaves_out_is_found_missing(
    options: TritonOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # podman up to 5.3 does that.
    podman = tmp_path / "podman"
    drop = 'for one; do shift; case $one in --device=nvidia.com/gpu=*) ;; *) set -- "$@" "$one" ;; esac; done'
    podman.write_text(f'#!/bin/sh\n{drop}\nexec {shutil.which("docker")} "$@"\n', encoding="utf-8")
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    options = replace(options, container="podman")
    with pytest.raises(EngineError, match="asked for with a GPU, and its metrics name none: install"):
        start_container(open_tool(options), options, False, NEVER)


@pytest.fixture
def scoring(options: TritonOptions, cards: tuple[ModelCard, ...]) -> Iterator[FailoverEngine]:
    opener = partial(first, [("a container", Contained(options, cards, gpu=False))])
    made = FailoverEngine([opener], EmbeddedEngine(), cards, 64, insist=True)
    yield made
    made.close()


def test_a_container_that_is_killed_and_then_paused_in_mid_stream_loses_no_window(
    scoring: FailoverEngine, cards: tuple[ModelCard, ...]
) -> None:
    stream, tick = Stream(scoring, cards), threading.Event()
    for count, what in enumerate(("kill", "pause"), 1):
        stream.send(5)
        server = scoring.servers[0].server
        docker(what, _record(scoring.servers[0]).container)
        stream.send(30)
        for _ in range(int(DEADLINE_S / 0.05)):
            if scoring.status().interruptions == count and scoring.kind == "triton":
                break
            tick.wait(0.05)
        assert (scoring.status().interruptions, scoring.detail) == (count, "container")
        assert isinstance(server, ContainerServer) and nothing_is_left_of(server)
    stream.send(5)
    stream.check()


def test_an_engine_that_is_not_there_or_does_not_answer_is_said(
    options: TritonOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EngineError, match="switched off"):
        open_tool(replace(options, container="off"))
    with monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
        with pytest.raises(EngineError, match=r"docker does not answer \(.*daemon"):
            open_tool(replace(options, container="docker"))
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(EngineError, match="docker is not installed, podman is not installed"):
            open_tool(options)


def test_a_container_that_the_server_has_left_says_why(tool: Tool, options: TritonOptions) -> None:
    server = start(tool, options)
    client = Client(endpoint(server.record))
    assert client.name() == f"perigee-{server.record.instance}"
    client.close()
    assert any("GRPCInferenceService" in line for line in server.log(20))
    docker("kill", server.record.container)
    assert server.ended() == "its container ended with code 137"
    server.stop(0.0)
    server.stop(0.0)
    assert nothing_is_left_of(server)


def test_a_persistent_container_is_looked_at_and_stopped_though_its_record_was_lost(
    tool: Tool, options: TritonOptions
) -> None:
    kept, mine = start(tool, options, persistent=True), start(tool, options)
    try:
        state, _ = survey([kept.record, mine.record], options)
        assert (state.state, state.version, state.gpu, state.models) == ("running", "2.51.0", False, ())
        assert state.uptime_s is not None and 0 < state.uptime_s < DEADLINE_S
        records.remove(options.state, kept.record)
        ended, left = persistent.stop(options, lambda text: None)
        assert [one.instance for one in ended] == [kept.record.instance] and nothing_is_left_of(kept)
        assert left == [mine.record] and not mine.ended()
    finally:
        mine.stop(1.0)
