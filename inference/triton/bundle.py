"""A tritonserver in a private environment: where Docker is not, the wheel of NVIDIA's pytriton brings a real one.

``install`` makes it, whole or not at all; run as a script it does so in the folder that is named. The server has the
Python backend only. Its Python is an environment of its own, with numpy 1: with numpy 2 its outputs are silently empty.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from inference.errors import EngineError

WHEEL = "nvidia-pytriton==0.7.0"
NUMPY = "numpy<2"
VERSION = "2.51.0"
"""The tritonserver in that wheel."""
PIP_S = 1800.0
WAIT_S = 3600.0
"""How long another installation into the same folder is waited for."""
_POLL_S = 0.1
ROOM_MB = 700
_DONE = "perigee-triton.txt"
_LIBRARIES = "nvidia_pytriton.libs"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A tritonserver that can be started: its program, its arguments, and what its environment needs."""

    program: Path
    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]

    def environ(self) -> dict[str, str]:
        """This process's environment with what the server needs before it."""
        found = dict(os.environ)
        for key, value in self.environment:
            found[key] = f"{value}:{found[key]}" if found.get(key) else value
        # Perigee's own environment is none of the server's business.
        for key in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
            found.pop(key, None)
        return found


def find(named: str, places: Sequence[Path], where: str = "inference.triton.server") -> Bundle:
    """The tritonserver that ``named`` says, else the first in ``places``, else on PATH. Raises EngineError.

    ``where`` is what names it.
    """
    if named:
        given = Path(named).expanduser()
        if given.is_file():
            return Bundle(given, (), ())
        found = _bundle(given)
        if found is None:
            raise EngineError(
                f"There is no tritonserver at {named}: correct {where}, or leave it empty and run perigee triton "
                "install."
            )
        return found
    for place in places:
        if (found := _bundle(place)) is not None:
            return found
    program = shutil.which("tritonserver")
    if program is not None:
        return Bundle(Path(program), (), ())
    raise EngineError("no tritonserver is installed (perigee triton install brings one)")


def install(folder: Path, said: Callable[[str], None], stop: threading.Event, python: str = "") -> Bundle:
    """Make a private tritonserver in ``folder``, or find it there. Raises EngineError with what stood in the way.

    ``said`` is told of each step, ``stop`` ends it; ``python`` is the interpreter whose environment it becomes. Takes
    a minute.
    """
    if (there := _bundle(folder)) is not None:
        return there
    if not sys.platform.startswith("linux"):
        raise EngineError("A private tritonserver exists for Linux only: use Docker, or the embedded engine.")
    with _alone(folder, said, stop):
        return _bundle(folder) or _make(folder, said, stop, python)


@contextlib.contextmanager
def _alone(folder: Path, said: Callable[[str], None], stop: threading.Event) -> Iterator[None]:
    """One installation into ``folder`` at a time: a lock beside it, which ends with this process.

    Raises EngineError when another one does not end, and when ``stop`` ends the wait.
    """
    import fcntl  # not on Windows

    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a+", encoding="utf-8") as lock:
        deadline = time.monotonic() + WAIT_S
        other = ""
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not other:
                    lock.seek(0)
                    other = f"another installation into {folder} (process id {lock.read().strip() or 'unknown'})"
                    said(f"waiting for {other}")
            if time.monotonic() > deadline:
                raise EngineError(f"{other[0].upper()}{other[1:]} has been running for an hour: end it.")
            if stop.wait(_POLL_S):
                raise EngineError("Installing Triton was cancelled.")
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _make(folder: Path, said: Callable[[str], None], stop: threading.Event, python: str) -> Bundle:
    python = python or getattr(sys, "_base_executable", "") or sys.executable
    free = shutil.disk_usage(folder.parent).free >> 20
    if free < ROOM_MB:
        raise EngineError(f"A tritonserver needs {ROOM_MB} MB and {folder.parent} has {free}: make room.")
    # Scripts of an environment hold its path, so it is made in its place and counts once the last file is written.
    shutil.rmtree(folder, ignore_errors=True)
    said("making an environment for the server")
    _run([python, "-m", "venv", str(folder)], "no environment could be made", stop)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    said("installing ONNX Runtime for the server")
    # The very runtime that the embedded engine has: both give the same scores.
    runtime = f"onnxruntime=={metadata.version('onnxruntime')}"
    _run([*pip, NUMPY, runtime], "ONNX Runtime could not be installed", stop)
    said("installing the server (55 MB)")
    _run([*pip, "--no-deps", WHEEL], "the server could not be installed", stop)
    site = next(iter(sorted(folder.glob("lib/python3.*/site-packages"))))
    version = site.parent.name.removeprefix("python")
    stub = site / "pytriton" / "tritonserver" / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.is_file():
        raise EngineError(f"The server has no part for Python {version}: use Python 3.11 to 3.13.")
    with tempfile.TemporaryDirectory(dir=folder) as stage:
        staged = Path(stage) / "server"
        for name in ("bin", "backends", "caches"):
            shutil.copytree(site / "pytriton" / "tritonserver" / name, staged / name)
        shutil.copy2(stub, staged / "backends" / "python" / stub.name)
        (staged / "bin" / "tritonserver").chmod(0o755)
        (staged / "backends" / "python" / stub.name).chmod(0o755)
        shutil.rmtree(folder / "server", ignore_errors=True)
        staged.rename(folder / "server")
    shutil.rmtree(site / "pytriton", ignore_errors=True)
    asked = "import sysconfig; print(sysconfig.get_config_var('LIBDIR'))"
    libpython = _run([python, "-c", asked], "Python is broken", stop)
    (folder / _DONE).write_text(f"{WHEEL}\n{libpython.strip()}\n", encoding="utf-8")
    made = _bundle(folder)
    if made is None:
        raise EngineError(f"The server in {folder} is not complete: run perigee triton install again.")
    said("trying it")
    _try(made, version)
    return made


def _bundle(folder: Path) -> Bundle | None:
    """The private server in ``folder``, where it is whole."""
    server, done = folder / "server", folder / _DONE
    try:
        wheel, libpython = done.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    site = next(iter(sorted(folder.glob("lib/python3.*/site-packages"))), None)
    if wheel != WHEEL or site is None or not (server / "bin" / "tritonserver").is_file():
        return None
    return Bundle(
        program=(server / "bin" / "tritonserver").absolute(),
        arguments=(
            f"--backend-directory={(server / 'backends').absolute()}",
            f"--cache-directory={(server / 'caches').absolute()}",
        ),
        # The stub that runs the models finds its Python by PATH alone.
        environment=(
            ("LD_LIBRARY_PATH", f"{(site / _LIBRARIES).absolute()}:{libpython}"),
            ("PATH", str((folder / "bin").absolute())),
        ),
    )


def _try(made: Bundle, version: str) -> None:
    """Whether the loader finds every library of the server and of its stub. Raises EngineError with what it lacks."""
    stub = made.program.parent.parent / "backends" / "python" / "triton_python_backend_stub"
    for program in (made.program, stub):
        done = subprocess.run(
            [str(program), "--help"], capture_output=True, text=True, timeout=60, check=False, env=made.environ()
        )
        if "error while loading shared libraries" in done.stderr:
            cure = f"install libpython{version}" if "libpython" in done.stderr else "install that library"
            raise EngineError(f"The server does not start here ({done.stderr.strip()[:300]}): {cure}.")


def _run(command: list[str], failure: str, stop: threading.Event) -> str:
    """What ``command`` prints. Whatever ends the wait for it ends all that it has started. Raises EngineError."""
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as problem:
        raise EngineError(f"Triton was not installed: {failure} ({problem}).") from problem
    with child:
        try:
            printed, wrong = _output(child, stop)
        except BaseException as problem:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            if isinstance(problem, subprocess.TimeoutExpired):
                raise EngineError(f"Triton was not installed: {failure} ({problem}).") from problem
            raise
    if child.returncode != 0:
        last = next((line for line in reversed((wrong or printed).splitlines()) if line.strip()), "no reason")
        raise EngineError(f"Triton was not installed: {failure} ({last.strip()[:300]}).")
    return printed


def _output(child: subprocess.Popen[str], stop: threading.Event) -> tuple[str, str]:
    """What it prints and what it complains of, once it has ended."""
    deadline = time.monotonic() + PIP_S
    while not stop.is_set():
        try:
            return child.communicate(timeout=_POLL_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(child.args, PIP_S) from None
    raise EngineError("Installing Triton was cancelled.")


def main() -> int:
    """Install into the folder that the command line names."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        install(Path(sys.argv[1]), lambda text: _say(f"triton: {text}"), threading.Event())
    except EngineError as problem:
        _say(str(problem))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _say(words: str) -> None:
    sys.stderr.write(f"perigee: {words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
