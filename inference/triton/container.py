"""A tritonserver in a container, through the docker or podman command of this machine.

Ports are published on 127.0.0.1 alone. A container is removed once it has ended. Its labels hold its record: should
the record be lost, or this program be killed before it is written, the container is found by them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

from inference.errors import EngineError, ServerGoneError
from inference.triton import records
from inference.triton.client import Client
from inference.triton.image import digest_of
from inference.triton.metrics import read_metrics
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.process import clear_shared_memory, mark, prefix
from inference.triton.records import Process, Record
from inference.triton.server import HOST, container_user, free_ports
from inference.triton.tool import ASK_S, LOOK_S, AnswerError, Tool, ask, short
from inference.triton.uses import forget

log = logging.getLogger(__name__)

RUN_S = 120.0
TRIES = 4
LABEL = "perigee.instance"
GRPC, HTTP, METRICS = 8001, 8000, 8002
METRICS_S = 5.0
"""A server that answers has its metrics page soon after."""
_POLL_S = 0.1
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)
_NO_GPU = re.compile(
    r"could not select device driver|unresolvable CDI|known GPU vendor|nvidia-container-cli|nvidia\.com/gpu",
    re.IGNORECASE,
)
_NO_ULIMIT = re.compile(r"error setting rlimit|setrlimit", re.IGNORECASE)
_GPU_CURE = "install the NVIDIA Container Toolkit and its driver, or set inference.triton.container to off"


class ContainerServer:
    """A container, started here or taken over."""

    def __init__(self, record: Record, options: TritonOptions) -> None:
        self.record = record
        self._folder = options.state
        self._lock = threading.Lock()

    def ended(self) -> str:
        """See ``Server``. A container engine that does not answer says nothing about the container."""
        try:
            text = self._ask("inspect", "--format", "{{json .State}}", self.record.container)
        except AnswerError as problem:
            gone = "no such" in str(problem).lower()
            return "its container is gone" if gone else ""
        except EngineError:
            return ""
        state = json.loads(text)
        if state.get("Running"):
            return ""
        if state.get("OOMKilled"):
            return "its container ran out of memory"
        return f"its container ended with code {state.get('ExitCode')}"

    def stop(self, timeout: float) -> None:
        """See ``Server``."""
        with self._lock:
            name = self.record.container
            for action in (
                ("unpause", name),
                ("stop", "-t", str(round(timeout)), name),
                ("rm", "--force", "--volumes", name),
            ):
                try:
                    ask(self.record.tool, *action, timeout=timeout + ASK_S)
                except AnswerError:
                    continue  # it is not paused, or gone already
                except EngineError as problem:
                    # It may run on, so its record stays.
                    raise EngineError(
                        f"The container of the Triton at {self.record.address} could not be ended "
                        f"({str(problem).rstrip('.')}): see that the engine answers, then perigee triton stop."
                    ) from problem
            clear_shared_memory(self.record.instance)
            records.remove(self._folder, self.record)
            forget(self._folder, mark(self.record.instance))

    def age_s(self) -> float | None:
        """See ``Server``."""
        try:
            said = self._ask("inspect", "--format", "{{json .State.StartedAt}}", self.record.container)
            began = datetime.fromisoformat(json.loads(said))
        except (EngineError, ValueError):
            return None
        return max(0.0, (datetime.now(UTC) - began).total_seconds())

    def log(self, lines: int) -> list[str]:
        """See ``Server``."""
        try:
            return self._ask("logs", "--tail", str(lines), self.record.container, both=True).splitlines()
        except EngineError:
            return []

    def _ask(self, *arguments: str, both: bool = False) -> str:
        return ask(self.record.tool, *arguments, timeout=LOOK_S, both=both)


def start_container(
    tool: Tool, options: TritonOptions, persistent: bool, stop: threading.Event, gpu: bool = True
) -> ContainerServer:
    """Start the image with no model, and wait until it answers. Raises EngineError with why it did not.

    ``gpu`` False is for a machine without one: the product always asks for it. Where the machine cannot raise a
    limit, the container starts without that limit.
    """
    image = digest_of(tool, options)
    problem = ""
    for _ in range(TRIES):
        if stop.is_set():
            problem = "it was no longer wanted"
            break
        record = _record(tool, image, persistent, gpu)
        name = f"perigee-triton-{record.instance}"
        try:
            container = ask(tool.command, *_command(tool, options, record, name), timeout=RUN_S).split()[-1]
        except EngineError as failed:
            problem = str(failed)
            # A container that was made and could not be started is left behind.
            with contextlib.suppress(EngineError):
                ask(tool.command, "rm", "--force", "--volumes", name)
            if _PORT_TAKEN.search(problem):
                continue
            if options.ulimits and _NO_ULIMIT.search(problem):
                log.info("the container starts without %s: %s", ", ".join(options.ulimits), short(problem))
                options = replace(options, ulimits=())
                continue
            if _NO_GPU.search(problem):
                raise EngineError(
                    f"the container engine has no GPU to give ({short(problem)}): {_GPU_CURE}"
                ) from failed
            break
        server = ContainerServer(replace(record, container=container), options)
        try:
            records.write(options.state, server.record)
            problem = _wait(server, options.start_s, stop) or (_without_gpu(server, stop) if gpu else "")
        except BaseException:
            server.stop(1.0)
            raise
        if not problem:
            return server
        server.stop(1.0)
        break
    raise EngineError(f"the container did not start ({short(problem)})")


def recover(tool: Tool, options: TritonOptions) -> None:
    """Write down again the containers of this user that nobody owns any more and whose record was lost.

    From then on they are taken over, used or ended like any other; one that has ended already is removed. Raises
    EngineError.
    """
    wanted = ("--filter", f"label={LABEL}", "--filter", f"label=perigee.user={_user()}")
    found = ask(tool.command, "ps", "--all", "--quiet", "--no-trunc", *wanted).split()
    known = {record.container for record in records.read(options.state)}
    for container in found:
        if container in known:
            continue
        with contextlib.suppress(AnswerError):  # gone since
            label = ask(tool.command, "inspect", "--format", '{{index .Config.Labels "perigee.record"}}', container)
            try:
                record = replace(records.parsed(label), container=container, tool=tool.command)
            except ValueError as problem:
                log.warning(
                    "the container %s has labels that cannot be read (%s) and is left alone", container, problem
                )
                continue
            if not (record.persistent or record.orphan):
                continue
            server = ContainerServer(record, options)
            if server.ended():
                server.stop(0.0)
            else:
                records.write(options.state, record)


def _command(tool: Tool, options: TritonOptions, record: Record, name: str) -> list[str]:
    """The arguments of ``docker run``, every one of them meant."""
    labels = {
        LABEL: record.instance,
        "perigee.owner": f"{record.owner.pid}:{record.owner.began}",
        "perigee.user": _user(),
        "perigee.record": records.text_of(record),
    }
    ports = {record.grpc: GRPC, record.http: HTTP, record.metrics: METRICS}
    shared = options.shared_memory and sys.platform.startswith("linux")
    user, group = container_user()
    return [
        "run",
        "--detach",
        "--pull=never",
        f"--name={name}",
        *(f"--label={key}={value}" for key, value in labels.items()),
        *(f"--publish={HOST}:{here}:{there}" for here, there in ports.items()),
        # The host's shared memory is where windows lie; a container of its own namespace cannot see them.
        *(["--ipc=host"] if shared else [f"--shm-size={options.shared_mb}m"]),
        *(f"--ulimit={one}" for one in options.ulimits),
        *(_gpu_arguments(tool, options) if record.gpu else []),
        # Hardening: the server needs no capability, no way to more rights, and no place to write but /tmp.
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        f"--user={user}:{group}",
        "--pids-limit=4096",
        "--log-opt=max-size=10m",
        # fp32 stays fp32: with TF32 the scores of a GPU would part from those of the CPU.
        "--env=NVIDIA_TF32_OVERRIDE=0",
        "--env=ORT_DISABLE_TELEMETRY=1",
        record.runs,
        "tritonserver",
        f"--id={mark(record.instance)}",
        "--model-repository=/tmp",
        "--model-control-mode=explicit",
        f"--backend-config=python,shm-region-prefix-name={prefix(record.instance)}",
        *(f"--{what}-address=0.0.0.0" for what in ("grpc", "http", "metrics")),
        f"--grpc-port={GRPC}",
        f"--http-port={HTTP}",
        f"--metrics-port={METRICS}",
        "--exit-timeout-secs=5",
    ]


def _gpu_arguments(tool: Tool, options: TritonOptions) -> list[str]:
    if tool.podman:
        return [f"--device=nvidia.com/gpu={one}" for one in options.gpus or ("all",)]
    if not options.gpus:
        return ["--gpus=all"]
    # The quotes are docker's: without them it takes the comma for one of its own.
    return [f'--gpus="device={",".join(options.gpus)}"']


def _user() -> str:
    """Whose containers these are, where several use one container engine."""
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "")


def _record(tool: Tool, image: str, persistent: bool, gpu: bool) -> Record:
    grpc, http, metrics = free_ports(3)
    return Record(
        instance=records.new_instance(),
        kind="container",
        runs=image,
        owner=records.this_process(),
        persistent=persistent,
        server=Process(0, 0),
        container="",
        tool=tool.command,
        grpc=grpc,
        http=http,
        metrics=metrics,
        log="",
        gpu=gpu,
    )


def _wait(server: ContainerServer, timeout: float, stop: threading.Event) -> str:
    """Wait until it answers; empty, or why it will not."""
    client = Client(Endpoint(server.record.address))
    deadline = time.monotonic() + timeout
    try:
        while not client.live(1.0):
            why = server.ended()
            if why:
                last = [line for line in server.log(20) if line.strip()]
                return f"{why}: {last[-1] if last else 'it said nothing'}"
            if time.monotonic() > deadline:
                return f"it did not answer within {timeout:g} s; inference.triton.start_s gives it longer"
            if stop.wait(_POLL_S):
                return "it was no longer wanted"
    finally:
        client.close()
    return ""


def _without_gpu(server: ContainerServer, stop: threading.Event) -> str:
    """Empty, or why no GPU is used: a container engine may leave out a GPU that it was asked for, and say nothing."""
    deadline = time.monotonic() + METRICS_S
    while True:
        try:
            if read_metrics(server.record.metrics, 1.0).gpus:
                return ""
        except ServerGoneError as problem:
            if time.monotonic() < deadline and not stop.wait(_POLL_S):
                continue
            return str(problem)
        return f"it was asked for with a GPU, and its metrics name none: {_GPU_CURE}"
