"""A tritonserver in a container, through the docker or podman command of this machine.

The command line is the one interface that both have on every system, rootless and Docker Desktop included. Ports are
published on 127.0.0.1 alone. A container carries its owner in its labels, and is removed once it has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.errors import EngineError
from inference.triton import records
from inference.triton.client import Client
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.process import clear_shared_memory, prefix
from inference.triton.records import Process, Record
from inference.triton.server import HOST, free_ports

ASK_S = 20.0
"""Deadline of a question to the container engine; one that hangs is none."""
PULL_S = 6 * 3600.0
IMAGE_ROOM_MB = 18_000
"""The image takes 9 GB to fetch and 16 GB on the disk."""
TRIES = 4
LABEL = "perigee.instance"
GRPC, HTTP, METRICS = 8001, 8000, 8002
_POLL_S = 0.1
_PORT_TAKEN = re.compile(r"port is already allocated|address already in use", re.IGNORECASE)
_NO_GPU = re.compile(
    r"could not select device driver|unresolvable CDI|nvidia-container-cli|no NVIDIA|gpu.*not (available|supported)",
    re.IGNORECASE,
)
_NO_ULIMIT = re.compile(r"error setting rlimit", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tool:
    """A container engine that answers: its command, and the version of its server."""

    command: str
    version: str

    @property
    def podman(self) -> bool:
        """Whether it is podman, which is told of GPUs in its own way."""
        return Path(self.command).stem == "podman"


class ContainerServer:
    """A container, started here or taken over."""

    def __init__(self, record: Record, options: TritonOptions) -> None:
        self.record = record
        self._folder = options.state
        self._lock = threading.Lock()

    def ended(self) -> str:
        """See ``Server``. A container engine that does not answer says nothing about the container."""
        try:
            text = _ask(
                self.record.tool, "inspect", "--format", "{{json .State}}", self.record.container, timeout=ASK_S
            )
        except _AnswerError as problem:
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
                ("stop", "--time", str(max(1, round(timeout))), name),
                ("rm", "--force", "--volumes", name),
            ):
                with contextlib.suppress(EngineError):
                    _ask(self.record.tool, *action, timeout=timeout + ASK_S)
            clear_shared_memory(self.record.instance)
            records.remove(self._folder, self.record)

    def log(self, lines: int) -> list[str]:
        """See ``Server``."""
        try:
            return _ask(
                self.record.tool, "logs", "--tail", str(lines), self.record.container, timeout=ASK_S, both=True
            ).splitlines()
        except EngineError:
            return []


def open_tool(options: TritonOptions) -> Tool:
    """The container engine to use. Raises EngineError with why there is none."""
    if options.container == "off":
        raise EngineError("containers are switched off in the settings")
    names = ("docker", "podman") if options.container == "auto" else (options.container,)
    problems = []
    for name in names:
        command = shutil.which(name)
        if command is None:
            problems.append(f"{name} is not installed")
            continue
        try:
            version = _ask(command, "version", "--format", "{{.Server.Version}}", timeout=ASK_S)
        except EngineError as problem:
            problems.append(f"{name} does not answer ({_short(str(problem))})")
            continue
        return Tool(command, version.strip())
    raise EngineError(", ".join(problems))


def digest_of(tool: Tool, options: TritonOptions) -> str:
    """The identifier of the image's content as it lies here. Raises EngineError where it is not here."""
    try:
        return _ask(tool.command, "image", "inspect", "--format", "{{.Id}}", options.image, timeout=ASK_S).strip()
    except _AnswerError as problem:
        raise EngineError(
            f"the image {options.image} is not on this machine (perigee triton install --image fetches it)"
        ) from problem


def fetch_image(tool: Tool, options: TritonOptions, said: Callable[[str], None], stop: threading.Event) -> str:
    """Bring the image, from the archive that the options name or from its registry; its identifier.

    ``said`` is told of progress, ``stop`` ends it. Raises EngineError with what stood in the way.
    """
    with contextlib.suppress(EngineError):
        return digest_of(tool, options)
    if options.archive:
        archive = Path(options.archive).expanduser()
        if not archive.is_file():
            raise EngineError(f"There is no image archive {archive}: correct inference.triton.archive.")
        command = [tool.command, "load", "--input", str(archive)]
        need = 2 * (archive.stat().st_size >> 20)
    else:
        command, need = [tool.command, "pull", options.image], IMAGE_ROOM_MB
    _check_room(tool, need)
    _follow(command, said, stop)
    return digest_of(tool, options)


def start_container(
    tool: Tool, options: TritonOptions, persistent: bool, stop: threading.Event, gpu: bool = True
) -> ContainerServer:
    """Start the image with no model, and wait until it answers. Raises EngineError with why it did not.

    ``gpu`` False is for a machine without one: the product always asks for it. Where the machine cannot raise a
    limit, the container starts without that limit.
    """
    image = digest_of(tool, options)
    ulimits, problem = options.ulimits, ""
    for _ in range(TRIES):
        instance = records.new_instance()
        name = f"perigee-triton-{instance}"
        ports = free_ports(3)
        command = _command(tool, options, image, name, instance, ports, ulimits, persistent, gpu)
        try:
            container = _ask(tool.command, *command, timeout=120.0).strip().splitlines()[-1]
        except EngineError as failed:
            problem = str(failed)
            # A container that was made and could not be started is left behind.
            with contextlib.suppress(EngineError):
                _ask(tool.command, "rm", "--force", "--volumes", name, timeout=ASK_S)
            if _PORT_TAKEN.search(problem):
                continue
            if ulimits and _NO_ULIMIT.search(problem):
                ulimits = ()
                continue
            raise EngineError(_why_not(problem)) from failed
        server = ContainerServer(_record(tool, image, instance, container, ports, persistent, gpu), options)
        try:
            records.write(options.state, server.record)
            problem = _wait(server, options.start_s, stop)
        except BaseException:
            server.stop(1.0)
            raise
        if not problem:
            return server
        server.stop(1.0)
        break
    raise EngineError(f"the container did not start ({_short(problem)})")


def _command(
    tool: Tool,
    options: TritonOptions,
    image: str,
    name: str,
    instance: str,
    ports: Sequence[int],
    ulimits: Sequence[str],
    persistent: bool,
    gpu: bool,
) -> list[str]:
    """The arguments of ``docker run``, every one of them meant."""
    owner = records.this_process()
    labels = {
        LABEL: instance,
        "perigee.owner": f"{owner.pid}:{owner.began}",
        "perigee.persistent": str(persistent).lower(),
    }
    published = [f"{HOST}:{here}:{there}" for here, there in zip(ports, (GRPC, HTTP, METRICS), strict=True)]
    shared = options.shared_memory and sys.platform.startswith("linux")
    return [
        "run",
        "--detach",
        "--pull=never",
        f"--name={name}",
        *(f"--label={key}={value}" for key, value in labels.items()),
        *(f"--publish={one}" for one in published),
        # The host's shared memory is where windows lie; a container of its own namespace cannot see them.
        *(["--ipc=host"] if shared else [f"--shm-size={options.shared_mb}m"]),
        *(f"--ulimit={one}" for one in ulimits),
        *_gpu_arguments(tool, options, gpu),
        # Hardening: the server needs no capability, no way to more rights, and no place to write but /tmp.
        "--read-only",
        "--tmpfs=/tmp:rw,exec",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        f"--user={_user()}",
        "--pids-limit=4096",
        "--log-opt=max-size=10m",
        # fp32 stays fp32: with TF32 the scores of a GPU would part from those of the CPU.
        "--env=NVIDIA_TF32_OVERRIDE=0",
        image,
        "tritonserver",
        f"--id=perigee-{instance}",
        "--model-repository=/tmp",
        "--model-control-mode=explicit",
        f"--backend-config=python,shm-region-prefix-name={prefix(instance)}",
        *(f"--{what}-address=0.0.0.0" for what in ("grpc", "http", "metrics")),
        f"--grpc-port={GRPC}",
        f"--http-port={HTTP}",
        f"--metrics-port={METRICS}",
        "--exit-timeout-secs=5",
    ]


def _gpu_arguments(tool: Tool, options: TritonOptions, gpu: bool) -> list[str]:
    if not gpu:
        return []
    if tool.podman:
        return [f"--device=nvidia.com/gpu={one}" for one in options.gpus or ("all",)]
    if not options.gpus:
        return ["--gpus=all"]
    # The quotes are docker's: without them it takes the comma for one of its own.
    return [f'--gpus="device={",".join(options.gpus)}"']


def _user() -> str:
    """Who the server is inside: this user, whose shared memory it opens, and nobody where this user is root."""
    if not hasattr(os, "getuid"):
        return "65534:65534"
    return f"{os.getuid()}:{os.getgid()}" if os.getuid() else "65534:65534"


def _record(
    tool: Tool, image: str, instance: str, container: str, ports: Sequence[int], persistent: bool, gpu: bool
) -> Record:
    grpc, http, metrics = ports
    return Record(
        instance=instance,
        kind="container",
        runs=image,
        owner=records.this_process(),
        persistent=persistent,
        server=Process(0, 0),
        container=container,
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
                return f"it did not answer within {timeout:g} s"
            if stop.wait(_POLL_S):
                return "it was no longer wanted"
    finally:
        client.close()
    return ""


def _check_room(tool: Tool, need: int) -> None:
    """Whether the disk of the container engine has ``need`` MB. Raises EngineError."""
    try:
        place = Path(_ask(tool.command, "info", "--format", "{{.DockerRootDir}}", timeout=ASK_S).strip())
        free = shutil.disk_usage(place).free >> 20
    except (EngineError, OSError):
        return  # it lies where this program cannot look, in a virtual machine for one
    if free < need:
        raise EngineError(f"The image needs {need:,} MB on {place}, which has {free:,}: make room.")


def _follow(command: list[str], said: Callable[[str], None], stop: threading.Event) -> None:
    """Run a command that takes minutes, line by line. Raises EngineError with its last line where it fails."""
    last = ""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as child:
        watch = threading.Timer(PULL_S, child.kill)
        watch.start()
        try:
            for line in child.stdout or ():
                last = line.strip() or last
                said(last)
                if stop.is_set():
                    child.terminate()
                    raise EngineError("Fetching the image was cancelled; what came so far is kept.")
        finally:
            watch.cancel()
    if child.returncode != 0:
        raise EngineError(f"The image could not be fetched ({last[:300]}).")


def _why_not(text: str) -> str:
    if _NO_GPU.search(text):
        return f"the container engine has no GPU to give ({_short(text)})"
    return f"the container did not start ({_short(text)})"


class _AnswerError(EngineError):
    """The command ran and said no."""


def _ask(command: str, *arguments: str, timeout: float, both: bool = False) -> str:
    """What the container engine answers. Raises EngineError where it fails or takes longer than ``timeout`` s."""
    try:
        done = subprocess.run(
            [command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise EngineError(f"{Path(command).name} gave no answer ({problem})") from problem
    if done.returncode != 0:
        raise _AnswerError(_short(done.stderr or done.stdout) or f"{Path(command).name} failed")
    return done.stdout + (done.stderr if both else "")


def _short(text: str) -> str:
    """A message of the container engine on one line."""
    return " ".join(text.split()).removeprefix("docker: ").removesuffix("See 'docker run --help'.").strip(" .")[:300]
