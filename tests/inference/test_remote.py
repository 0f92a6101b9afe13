"""Servers that run elsewhere: named by address, a fleet of them, behind TLS and a token. Real ones, on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference import EngineError, ModelCard, open_engine, read_repository
from inference.triton.bundle import find
from inference.triton.client import Client
from inference.triton.failover import FailoverEngine
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.remote import RemoteState, remote_state
from inference.triton.server import free_ports

DEADLINE_S = 60.0
TOKEN = ("triton-grpc-protocol-token", "3f9a61")


@pytest.fixture(scope="module")
def cards(shipped: Path) -> tuple[ModelCard, ...]:
    return read_repository(shipped).select(["vae_timeseries"])


class Elsewhere:
    """A tritonserver that somebody else has started."""

    def __init__(self, folder: Path, bundle: Path, *more: str) -> None:
        found = find(str(bundle), ())
        folder.mkdir()
        self.port, *_ = free_ports(1)
        self.address = f"localhost:{self.port}"
        self._log = (folder / "log").open("wb")
        self._child = subprocess.Popen(
            [
                str(found.program),
                *found.arguments,
                f"--model-repository={folder}",
                "--model-control-mode=explicit",
                f"--backend-config=python,shm-region-prefix-name=test_{self.port}_",
                "--grpc-address=127.0.0.1",
                f"--grpc-port={self.port}",
                "--allow-http=false",
                "--allow-metrics=false",
                *more,
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=found.environ(),
        )

    def wait(self, endpoint: Endpoint) -> Endpoint:
        client, deadline = Client(endpoint), time.monotonic() + DEADLINE_S
        while not client.live(1.0):
            assert time.monotonic() < deadline and self._child.poll() is None
        client.close()
        return endpoint

    def end(self) -> None:
        self._child.kill()
        self._child.wait(DEADLINE_S)
        self._log.close()
        for left in Path("/dev/shm").glob(f"test_{self.port}_*"):
            left.unlink()


@pytest.fixture
def elsewhere(tmp_path: Path, private_server: Path) -> Iterator[list[Elsewhere]]:
    made = [Elsewhere(tmp_path / f"server-{number}", private_server) for number in range(2)]
    for one in made:
        one.wait(Endpoint(one.address))
    yield made
    for one in made:
        one.end()


def _windows(card: ModelCard, rows: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, card.spec.window)).astype(np.float32)


def test_a_fleet_shares_the_work_and_goes_on_with_what_is_left_of_it(
    elsewhere: list[Elsewhere], cards: tuple[ModelCard, ...], tmp_path: Path
) -> None:
    options = TritonOptions(state=tmp_path / "state", container="off")
    engine = open_engine(f"triton://{elsewhere[0].address},{elsewhere[1].address}", cards, options)
    assert isinstance(engine, FailoverEngine)
    assert (engine.kind, engine.detail, len(engine.servers)) == ("triton", "remote", 2)
    (card,) = cards
    due = engine.infer(card.name, _windows(card), ("score",))["score"]
    for _ in range(10):
        np.testing.assert_array_equal(engine.infer(card.name, _windows(card), ("score",))["score"], due)
    assert all(seat.engine.figures()[0].windows > 40 for seat in engine.servers)
    elsewhere[0].end()
    for _ in range(10):
        np.testing.assert_allclose(engine.infer(card.name, _windows(card), ("score",))["score"], due, rtol=1e-5)
    tick, deadline = threading.Event(), time.monotonic() + DEADLINE_S
    while len(engine.servers) > 1 and time.monotonic() < deadline:
        tick.wait(0.05)
    assert engine.kind == "triton" and engine.servers[0].engine.endpoint.address == elsewhere[1].address
    engine.close()
    client = Client(Endpoint(elsewhere[1].address))
    assert client.ready(card.name), "what runs elsewhere is left as it is"
    client.close()


def test_a_model_of_the_same_name_that_somebody_else_uses_is_left_alone(
    elsewhere: list[Elsewhere], cards: tuple[ModelCard, ...], tmp_path: Path
) -> None:
    (card,) = cards
    assert card.config is not None
    options = TritonOptions(state=tmp_path / "state", container="off")
    theirs = open_engine(f"triton://{elsewhere[0].address}", cards, options)
    digest = "1" * 64
    config = replace(card.config, parameters={**card.config.parameters, "sha256": digest})
    other = replace(card, sha256=digest, config=config)
    mine = open_engine(f"triton://{elsewhere[0].address}", [other], options)
    client = Client(Endpoint(elsewhere[0].address))
    assert client.parameters(card.name)["sha256"] == card.sha256
    assert client.parameters(f"{card.name}-11111111")["sha256"] == digest
    assert len(mine.infer(card.name, _windows(card), ("score",))["score"]) == 8
    for one in (client, mine, theirs):
        one.close()


def test_a_server_behind_tls_and_a_token_is_reached_with_both_and_refused_without(
    private_server: Path, cards: tuple[ModelCard, ...], tmp_path: Path
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    asked = f"req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout {key} -out {certificate}"
    command = [openssl, *asked.split(), "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    protocols = "inference,model-repository,model-config"
    server = Elsewhere(
        tmp_path / "server",
        private_server,
        "--grpc-use-ssl=true",
        f"--grpc-server-cert={certificate}",
        f"--grpc-server-key={key}",
        f"--grpc-restricted-protocol={protocols}:{TOKEN[0].removeprefix('triton-grpc-protocol-')}={TOKEN[1]}",
    )
    try:
        full = server.wait(Endpoint(server.address, tls=True, ca=str(certificate), headers=(TOKEN,)))
        (card,) = cards
        options = TritonOptions(state=tmp_path / "state", container="off", endpoints=(full,))
        engine = open_engine(f"triton://{server.address}", cards, options)
        assert len(engine.infer(card.name, _windows(card), ("score",))["score"]) == 8
        assert remote_state(full) == RemoteState(server.address, "", "2.51.0", (card.name,))
        engine.close()
        told = TritonOptions(tmp_path, container="off", tls=True, ca=str(certificate), headers=(TOKEN,))
        open_engine(f"triton://{server.address}", cards, told).close()
        tokenless = Endpoint(server.address, tls=True, ca=str(certificate))
        assert "protocol is restricted" in remote_state(tokenless).reason, "as a session would meet it"
        for known in ((tokenless,), ()):
            with pytest.raises(EngineError) as refused:
                open_engine(f"triton://{server.address}", cards, TritonOptions(tmp_path, known, container="off"))
            assert TOKEN[1] not in str(refused.value)
    finally:
        server.end()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (("Authorization", "3f9a61"), "A name in inference.triton.headers"),
        (("token-bin", "3f9a61"), "A name in inference.triton.headers"),
        (("token", "3f9a61\nx"), "The value of token in inference.triton.headers"),
        (("token", "3f9a61\u00e4"), "The value of token in inference.triton.headers"),
    ],
)
def test_a_header_that_cannot_be_sent_is_said_without_its_value(header: tuple[str, str], words: str) -> None:
    with pytest.raises(EngineError, match=words) as refused:
        Client(Endpoint("localhost:1", headers=(header,)))
    assert "3f9a61" not in str(refused.value)


@pytest.mark.parametrize("wanted", ["", "INFO"])
def test_grpc_itself_is_silent_unless_it_is_asked_to_speak(wanted: str) -> None:
    code = """
import socket, threading
from inference.errors import EngineError
from inference.triton.client import Client
from inference.triton.options import Endpoint

with socket.create_server(("127.0.0.1", 0)) as plain:
    def answer():
        while True:
            plain.accept()[0].sendall(b"HTTP/1.1 400 no TLS here\\r\\n\\r\\n")
    threading.Thread(target=answer, daemon=True).start()
    try:
        Client(Endpoint(f"127.0.0.1:{plain.getsockname()[1]}", tls=True)).version(5.0)
    except EngineError as problem:
        print(problem)
"""
    environment = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    environment |= {"GRPC_VERBOSITY": wanted} if wanted else {}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=DEADLINE_S
    )
    assert "do not agree on TLS" in done.stdout and "correct inference.triton.tls" in done.stdout
    assert bool(done.stderr) == bool(wanted), done.stderr


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"none\.pem cannot be read .* correct inference\.triton\.tls_ca"):
        Client(Endpoint("localhost:1", tls=True, ca=str(tmp_path / "none.pem")))


def test_servers_that_are_named_and_do_not_answer_are_said_with_what_to_do(
    cards: tuple[ModelCard, ...], tmp_path: Path
) -> None:
    one, two = free_ports(2)
    with pytest.raises(EngineError) as refused:
        open_engine(f"triton://127.0.0.1:{one},127.0.0.1:{two}", cards, TritonOptions(tmp_path, container="off"))
    for port in (one, two):
        assert f"The Triton at 127.0.0.1:{port} does not answer" in str(refused.value)
    assert str(refused.value).endswith("To go on without one, use --engine auto.")
