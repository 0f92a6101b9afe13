"""A container engine of the tests' own, and an image of the tritonserver that ``make test`` installs.

Nothing is pulled: the image is that server with all it loads, copied from this machine. Both are made at the first
use and kept between runs, in the cache of pytest.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from inference.triton.bundle import Bundle

COMMANDS = ("dockerd", "docker", "ip", "setpriv", "ldd")
START_S = 20.0
IMAGE = "perigee-test"
PYTHON = "/opt/python"
"""Where the server's Python environment lies in the image: a checkout may be in /tmp, which is hidden there."""
_LEFT_OUT = shutil.ignore_patterns(
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "ensurepip",
    "pip",
    "setuptools",
    "config-*",
)


@contextlib.contextmanager
def container_engine(kept: Path) -> Iterator[str]:
    """A dockerd that keeps its images in ``kept``: what DOCKER_HOST is to say. Skips where none can run.

    It has a bridge of its own and leaves the firewall alone, since ports can be published without: no docker that
    runs here already is disturbed.
    """
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"a docker of the tests' own needs root{''.join(f' and {command}' for command in missing)}")
    # A Unix socket's path may have about 100 characters, and a bridge's name 15.
    with tempfile.TemporaryDirectory(prefix="pg-") as short, _alone(kept, Path(short)) as (images, lock):
        digest = hashlib.sha256(bytes(images)).digest()
        bridge = f"pg-{digest.hex()[:10]}"
        # Two engines would take the same network, and one's ports lead to the other's containers. This range is for
        # tests (RFC 2544).
        network = f"198.{18 + digest[0] % 2}.{digest[1]}.1/24"
        host = f"unix://{short}/docker.sock"
        log = Path(short) / "log"
        # One that a killed run has left.
        subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)
        made = subprocess.run(
            ["ip", "link", "add", bridge, "type", "bridge"], check=False, capture_output=True, text=True
        )
        if made.returncode != 0:
            pytest.skip(f"no bridge can be made here ({made.stderr.strip()})")
        subprocess.run(["ip", "address", "add", network, "dev", bridge], check=True, capture_output=True)
        # Should the tests be killed, dockerd ends with them, and every container with it.
        command = ["setpriv", "--pdeathsig", "TERM", "dockerd", f"--data-root={images}", f"--exec-root={short}/exec"]
        command += [f"--host={host}", f"--pidfile={short}/pid", f"--bridge={bridge}"]
        command += ["--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"]
        with log.open("wb") as out:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=[lock])
        try:
            _wait(child, host, log)
            # Containers of a run that was killed.
            subprocess.run(["docker", "--host", host, "container", "prune", "--force"], check=True, capture_output=True)
            yield host
        finally:
            child.terminate()
            child.wait(START_S)
            subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)


@contextlib.contextmanager
def _alone(kept: Path, otherwise: Path) -> Iterator[tuple[Path, int]]:
    """A folder in ``kept``, unless another run of the tests is using it, and the lock that its dockerd holds."""
    with (kept / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield otherwise / "images", lock.fileno()
        else:
            yield kept / "images", lock.fileno()


def _wait(child: subprocess.Popen[bytes], host: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while subprocess.run(["docker", "--host", host, "version"], check=False, capture_output=True).returncode != 0:
        if child.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            pytest.skip(f"dockerd does not start here ({' '.join(last)})")
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(0.05)


def tritonserver_image(host: str, bundle: Bundle) -> str:
    """The name of an image in which ``tritonserver`` is a command, as in NVIDIA's. Made unless it is there."""
    folder = bundle.program.parents[2]
    state = [str(folder), (folder / "perigee-triton.txt").read_text(), Path(__file__).read_text(encoding="utf-8")]
    name = f"{IMAGE}:{hashlib.sha256(repr(state).encode()).hexdigest()[:12]}"
    docker = ["docker", "--host", host]
    if subprocess.run([*docker, "image", "inspect", name], check=False, capture_output=True).returncode == 0:
        return name
    subprocess.run([*docker, "image", "prune", "--all", "--force"], check=True, capture_output=True)
    environment = dict(bundle.environment)
    changes = [
        f"ENV PATH=/opt/tritonserver/bin:{environment['PATH'].replace(str(folder), PYTHON)}:/usr/bin:/bin",
        f"ENV LD_LIBRARY_PATH={environment['LD_LIBRARY_PATH'].replace(str(folder), PYTHON)}",
    ]
    command = [*docker, "import", *(f"--change={one}" for one in changes), "-", name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        _pack(child.stdin, folder, bundle)
    assert child.returncode == 0
    return name


def _pack(out: IO[bytes], folder: Path, bundle: Bundle) -> None:
    """Write the files of the image as a tar archive: the server where NVIDIA puts it, the system's as they lie here."""
    python = folder / "bin" / "python3"
    asked = "import sys, sysconfig; print(sys._base_executable, sysconfig.get_path('stdlib'), sep='\\n')"
    answer = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
    base, stdlib = (Path(line) for line in answer.stdout.split("\n")[:2])
    # The Python backend tries its stub through a shell, and starts it through another.
    programs = [Path("/bin/sh"), Path("/bin/bash"), base.resolve()]
    loading = [*programs, bundle.program, *folder.rglob("*.so*"), *(stdlib / "lib-dynload").glob("*.so")]
    loading.append(bundle.program.parents[1] / "backends" / "python" / "triton_python_backend_stub")

    with tarfile.open(fileobj=out, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        written = set()

        def once(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
            path = Path("/", entry.name)
            left_out = path.is_relative_to(stdlib) and _LEFT_OUT(str(path.parent), [path.name])
            if left_out or entry.name in written:
                return None
            written.add(entry.name)
            return entry

        tar.add(folder / "server", "/opt/tritonserver", filter=once)
        for name in ("bin", "lib", "pyvenv.cfg"):
            tar.add(folder / name, f"{PYTHON}/{name}", filter=once)
        tar.add(stdlib, filter=once)
        tar.dereference = True
        for path in (*programs, base, *_libraries(loading, folder, bundle)):
            tar.add(path, filter=once)
        temporary = tarfile.TarInfo("tmp")
        temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(temporary)


def _libraries(programs: list[Path], folder: Path, bundle: Bundle) -> set[Path]:
    """What the loader loads for ``programs`` from outside ``folder``, as it names it."""
    said = subprocess.run(["ldd", *programs], check=False, capture_output=True, text=True, env=bundle.environ()).stdout
    words = {os.path.normpath(word) for line in said.splitlines() if "(0x" in line for word in line.split()}
    return {Path(word) for word in words if word.startswith("/") and folder not in Path(word).parents}
