"""A tritonserver as a plain process of this user. Linux only, since the server is.

It outlives a core that is killed, and is then an orphan which the next one takes over or ends (``records``).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from inference.errors import EngineError
from inference.triton import records
from inference.triton.bundle import Bundle
from inference.triton.client import Client
from inference.triton.metrics import read_metrics
from inference.triton.options import Endpoint, TritonOptions
from inference.triton.records import Process, Record
from inference.triton.server import HOST, free_ports
from inference.triton.uses import forget

TRIES = 4
"""Starts, where another program takes a port between its being found free and the server's using it."""
CRASH_LOG = "last-crash.log"
"""What the newest server wrote that ended by itself."""
METRICS_S = 2.0
_POLL_S = 0.05
_PORT_TAKEN = re.compile(r"in use|failed to start (grpc|http|metrics)|unavailable - socket", re.IGNORECASE)
_NOISE = re.compile(
    r"pinned memory|CudaDriverHelper|NVML|DCGM|CUDA memory pool|config modification time"
    r"|unable to find backend library for backend 'onnxruntime'",
    re.IGNORECASE,
)
"""What a server without a GPU says of having none, and of how it is given its models and asked for its backends."""


class ProcessServer:
    """A tritonserver process, started here or taken over."""

    def __init__(self, record: Record, folder: Path, child: subprocess.Popen[bytes] | None = None) -> None:
        self.record = record
        self.folder = folder
        self._child = child
        self._lock = threading.Lock()

    def ended(self) -> str:
        """See ``Server``."""
        code = self._child.poll() if self._child is not None else None
        if code is None and self.record.server.lives:
            return ""
        if code is None:
            return "the server has ended"
        return f"the server was ended by signal {-code}" if code < 0 else f"the server ended with code {code}"

    def stop(self, timeout: float) -> None:
        """See ``Server``."""
        with self._lock:
            crashed = bool(self.ended())
            self._signal(signal.SIGTERM)
            # A server that is stopped in the terminal's sense hears nothing else.
            self._signal(signal.SIGCONT)
            if not self._gone(timeout):
                self._signal(signal.SIGKILL)
                self._gone(5.0)
            if self._child is not None:
                # It may look gone while its last threads end.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._child.wait(5.0)
            end_stubs(self.record.instance)
            clear_shared_memory(self.record.instance)
            clear_copies(self.record.instance)
            with contextlib.suppress(OSError):
                if crashed:
                    Path(self.record.log).replace(self.folder / CRASH_LOG)
                else:
                    Path(self.record.log).unlink()
            records.remove(self.folder, self.record)
            forget(self.folder, mark(self.record.instance))

    def age_s(self) -> float | None:
        """See ``Server``."""
        return self.record.server.age_s

    def log(self, lines: int) -> list[str]:
        """See ``Server``."""
        return tail(Path(self.record.log), lines)

    def _signal(self, number: int) -> None:
        if self.record.server.lives:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.record.server.pid, number)

    def _gone(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while not self.ended():
            if time.monotonic() > deadline:
                return False
            if self._child is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._child.wait(min(0.5, timeout))
            else:
                time.sleep(_POLL_S)  # taken over, so no child of ours: nothing tells of its end
        return True


def start_process(bundle: Bundle, options: TritonOptions, persistent: bool, stop: threading.Event) -> ProcessServer:
    """Start ``bundle`` with no model, and wait until it answers. Raises EngineError with why it did not.

    ``stop`` ends the wait. A port that another program took meanwhile is answered with another try.
    """
    problem = ""
    for _ in range(TRIES):
        try:
            server = _spawn(bundle, options, persistent)
        except OSError as failed:
            raise EngineError(
                f"the tritonserver did not start ({failed.strerror or failed}): see that {bundle.program} may be run "
                f"and that {options.state} may be written"
            ) from failed
        try:
            problem = _wait(server, options.start_s, stop)
        except BaseException:
            server.stop(1.0)
            raise
        if not problem:
            return _with_gpu(server)
        server.stop(1.0)
        if stop.is_set() or not _PORT_TAKEN.search(problem):
            break
    raise EngineError(f"the tritonserver did not start ({problem})")


def _with_gpu(server: ProcessServer) -> ProcessServer:
    """The same server, and whether it has a GPU: what it counts of one is on its metrics page."""
    with contextlib.suppress(EngineError, OSError):
        if read_metrics(server.record.metrics, METRICS_S).gpus:
            server.record = replace(server.record, gpu=True)
            records.write(server.folder, server.record)
    return server


def _spawn(bundle: Bundle, options: TritonOptions, persistent: bool) -> ProcessServer:
    instance = records.new_instance()
    folder = options.state
    empty = folder / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    grpc, http, metrics = free_ports(3)
    log = folder / f"{records.PREFIX}{instance}.log"
    command = [
        str(bundle.program),
        *bundle.arguments,
        f"--id={mark(instance)}",
        f"--model-repository={empty}",
        "--model-control-mode=explicit",
        f"--backend-config=python,shm-region-prefix-name={prefix(instance)}",
        *(f"--{what}-address={HOST}" for what in ("grpc", "http", "metrics")),
        f"--grpc-port={grpc}",
        f"--http-port={http}",
        f"--metrics-port={metrics}",
        "--exit-timeout-secs=5",
        "--log-verbose=0",
    ]
    try:
        with log.open("wb") as out:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**bundle.environ(), **_devices(options), "ORT_DISABLE_TELEMETRY": "1"},
                cwd=empty,
                start_new_session=True,
            )
    except OSError:
        log.unlink(missing_ok=True)
        raise
    record = Record(
        instance=instance,
        kind="process",
        runs=str(bundle.program),
        owner=records.this_process(),
        persistent=persistent,
        server=Process(child.pid, records.began(child.pid) or 0),
        container="",
        tool="",
        grpc=grpc,
        http=http,
        metrics=metrics,
        log=str(log),
        gpu=False,
    )
    server = ProcessServer(record, folder, child)
    try:
        records.write(folder, record)
    except OSError:
        server.stop(1.0)  # what is not written down would be nobody's
        raise
    return server


def _devices(options: TritonOptions) -> dict[str, str]:
    """The GPUs that the server may see, and that fp32 stays fp32: with TF32 its scores would part from a CPU's."""
    return {"NVIDIA_TF32_OVERRIDE": "0", **({"CUDA_VISIBLE_DEVICES": ",".join(options.gpus)} if options.gpus else {})}


def _wait(server: ProcessServer, timeout: float, stop: threading.Event) -> str:
    """Wait until it answers; empty, or why it will not."""
    client = Client(Endpoint(server.record.address))
    deadline = time.monotonic() + timeout
    try:
        while not client.live(1.0):
            why = server.ended()
            if why:
                written = server.log(40)
                more = "; perigee triton logs shows more" if written else ""
                return f"{why}: {_complaint(written)}{more}"
            if time.monotonic() > deadline:
                return f"it did not answer within {timeout:g} s; inference.triton.start_s gives it longer"
            if stop.wait(_POLL_S):
                return "it was no longer wanted"
        # Somebody else's server may have taken the port: ours is alive as well, and says so by its name.
        return server.ended() or ("" if client.name() == mark(server.record.instance) else "port in use")
    except EngineError as problem:
        return str(problem)
    finally:
        client.close()


def take_over(record: Record, folder: Path) -> ProcessServer:
    """The server of a record that this process has claimed, or that is persistent."""
    return ProcessServer(record, folder)


def prefix(instance: str) -> str:
    """What the names of the server's own shared memory begin with."""
    return f"perigee_{instance}_"


def hide_shared_memory(instance: str) -> None:
    """Keep what goes through the server's own shared memory from other users, who may read it, whatever its umask."""
    for shared in _shared_memory(instance):
        with contextlib.suppress(OSError):
            shared.chmod(0o600)


def clear_shared_memory(instance: str) -> None:
    """Remove what a killed server left in shared memory."""
    for left in _shared_memory(instance):
        with contextlib.suppress(OSError):
            left.unlink()


def _shared_memory(instance: str) -> Iterator[Path]:
    return Path("/dev/shm").glob(f"{prefix(instance)}*")  # noqa: S108 - POSIX shared memory, no temporary file: Linux shows it there


def mark(instance: str) -> str:
    """What the server calls itself, and a file that goes with each model that is sent to it."""
    return f"perigee-{instance}"


def clear_copies(instance: str) -> None:
    """Remove the copies of models that a killed server left. Where it makes them cannot be said to it."""
    for left in Path("/tmp").glob(f"folder*/{mark(instance)}"):  # noqa: S108 - it is the server that writes there
        shutil.rmtree(left.parent, ignore_errors=True)


def end_stubs(instance: str) -> None:
    """End the processes that ran models for a server that was killed: they would stay for good."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if prefix(instance).encode() in (process / "cmdline").read_bytes() and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGKILL)


def tail(path: Path, lines: int) -> list[str]:
    """The newest ``lines`` of a log, without what a server says of having no GPU."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 400 * lines))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in deque(text.splitlines(), lines) if not _NOISE.search(line)]


def _complaint(lines: list[str]) -> str:
    """The line of a log that says why a server ended."""
    wrong = [line for line in lines if line.startswith("E") or "error" in line.lower()]
    return (wrong or lines or ["it said nothing"])[-1].strip()[:300]
