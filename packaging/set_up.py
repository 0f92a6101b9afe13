"""The set-up behind ``make run``, ``test``, ``check`` and ``setup``: from a bare system to ``.venv``.

Run by whatever ``python3`` there is, standard library only. It may be interrupted at any moment: the next run
completes what it finds. A stamp in ``.venv`` says what stands there, so that with ``--quick`` a set-up that is
complete costs a few small files read: no pip, no network. Parses on any Python 3.8, so that an old one gets a
sentence.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import system_needs

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "perigee-set-up.json"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
TRITON = ROOT / ".triton"
"""A tritonserver of this checkout's own, which the tests start and stop."""
TEST_EXTRAS = ("convert", "test")
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WAIT_S = 3600


class SetUpError(Exception):
    """The set-up cannot go on; the text says what to do."""


def main(arguments: list[str]) -> int:
    """Set up; 0, or 2 with a sentence on standard error."""
    parser = argparse.ArgumentParser(description="Makes or completes .venv and what Perigee needs of the system.")
    parser.add_argument("--tests", action="store_true", help="also what the tests and checks need")
    parser.add_argument("--triton", action="store_true", help="also a tritonserver for this checkout")
    parser.add_argument("--quick", action="store_true", help="believe the stamp; do not look at the system again")
    parser.add_argument("--skip-system", action="store_true", help="do not ask for system packages")
    options = parser.parse_args(arguments)
    extras = TEST_EXTRAS if options.tests else ()
    try:
        _use_supported_python(arguments)
        triton = options.triton or (options.tests and not (TRITON / "perigee-triton.txt").exists())
        if options.quick and is_complete(extras) and not triton:
            return 0
        _wait_for_others()
        base = getattr(sys, "_base_executable", "") or sys.executable
        if not options.skip_system:
            needs = system_needs.missing(base, for_tests=options.tests)
            if needs:
                system_needs.provide(needs)
            if options.tests:
                system_needs.provide_containers()
        if not is_complete(extras):
            _make_venv(base)
            _install(extras)
        if triton:
            _install_triton()
    except (SetUpError, system_needs.SystemNeedsError) as problem:
        print(f"perigee: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("perigee: interrupted; the same command again goes on from here", file=sys.stderr)
        return 130
    return 0


def is_complete(extras: tuple[str, ...]) -> bool:
    """Whether the stamp says that ``.venv`` holds what this checkout asks for, ``extras`` included."""
    stamp = _read_stamp()
    return PYTHON.exists() and stamp.get("key") == key() and set(extras) <= set(stamp.get("extras", ()))


def key() -> str:
    """One hash of everything that ``.venv`` follows from: requirements, pins, the interpreter and the place."""
    project = _pyproject()
    parts = [
        project["project"],
        project["build-system"],
        project.get("tool", {}).get("setuptools"),
        CONSTRAINTS.read_text(encoding="utf-8"),
        str(VENV),
        os.path.realpath(PYTHON),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def requirements(extras: tuple[str, ...]) -> list[str]:
    """What pip is asked for: the base, ``extras``, and what builds the project itself."""
    project = _pyproject()
    optional = project["project"]["optional-dependencies"]
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    return wanted + [requirement for extra in extras for requirement in optional[extra]]


def pin(name: str) -> str:
    """The exact version that the constraints give ``name``."""
    for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}=="):
            return line.split("==")[1].split()[0]
    raise SetUpError(f"{CONSTRAINTS} does not pin {name}.")


def _use_supported_python(arguments: list[str]) -> None:
    """Go on under a Python that Perigee runs on: this one, else a newer or older one beside it."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and subprocess.run([other, "-c", ""], capture_output=True, check=False).returncode == 0:
            os.execv(other, [other, str(Path(__file__).resolve()), *arguments])
    here = ".".join(str(number) for number in sys.version_info[:3])
    raise SetUpError(
        f"Perigee runs on Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}; {sys.executable} is {here}. "
        "Install one of them, then name it: make run PYTHON=/path/to/python3.12"
    )


def _make_venv(base: str) -> None:
    if _venv_works():
        return
    print(f"perigee: making {VENV}", file=sys.stderr, flush=True)
    if subprocess.run([base, "-m", "venv", "--clear", str(VENV)], stdout=sys.stderr, check=False).returncode != 0:
        raise SetUpError(f"{base} could not make a virtual environment in {VENV}; its message is above.")


def _venv_works() -> bool:
    """Whether ``.venv`` was made here, by a Python that is still there, and pip came into it whole."""
    try:
        made = (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    # Scripts hold absolute paths: a folder that was moved or copied is made anew.
    here = any(line.startswith("command =") and line.endswith(f" {VENV}") for line in made.splitlines())
    if not here or not any(_site_packages().glob("pip-*.dist-info/INSTALLER")):
        return False
    code = f"import sys, pip; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    try:
        return subprocess.run([str(PYTHON), "-c", code], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _site_packages() -> Path:
    if os.name == "nt":
        return VENV / "Lib" / "site-packages"
    return next(iter(sorted(VENV.glob("lib/python3.*/site-packages"))), VENV / "lib")


def _install(extras: tuple[str, ...]) -> None:
    stamp = _read_stamp()
    if stamp.get("key") != key():
        STAMP.unlink(missing_ok=True)
    _remove_halves()
    print("perigee: installing pinned packages; the first time takes a few minutes", file=sys.stderr, flush=True)
    _pip("install", "-c", str(CONSTRAINTS), f"pip=={pin('pip')}")
    if "convert" in extras:
        _install_torch()
    _pip("install", "-c", str(CONSTRAINTS), *requirements(extras))
    _pip("install", "--quiet", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    written = STAMP.with_suffix(".new")
    written.write_text(json.dumps({"key": key(), "extras": list(extras)}) + "\n", encoding="utf-8")
    written.replace(STAMP)


def _install_torch() -> None:
    """A CPU build of torch, before anything else can ask for torch and be given the one with CUDA.

    On Linux PyPI's torch needs 3 GB of CUDA packages; the CPU build has its own version, ``X+cpu``, which is never
    on PyPI: asked for by that name it comes from a wheel or index that pip is configured for, else from PyTorch's
    index, or not at all.
    """
    if not sys.platform.startswith("linux"):
        return  # elsewhere PyPI's torch is a CPU build
    wanted = f"torch=={pin('torch')}+cpu"
    if _pip("install", "--no-deps", wanted, quiet=True, may_fail=True) != 0:
        _pip("install", "--no-deps", "--index-url", TORCH_CPU_INDEX, wanted)


def _install_triton() -> None:
    """A real tritonserver in an environment of its own. Without it Perigee runs, and its tests of Triton skip."""
    if sys.platform.startswith("linux"):
        command = [str(PYTHON), "-m", "inference.triton.bundle", str(TRITON)]
        if subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode != 0:
            print("perigee: going on without a tritonserver; make setup tries again", file=sys.stderr)


def _remove_halves() -> None:
    """Remove what a pip that was killed left behind: pip itself takes a half-copied package for a whole one.

    pip writes INSTALLER into a package's metadata after its last file, and renames what it removes to ``~...``.
    """
    for metadata in _site_packages().glob("*.dist-info"):
        if not (metadata / "INSTALLER").exists():
            shutil.rmtree(metadata, ignore_errors=True)
    for removed in _site_packages().glob("~*"):
        shutil.rmtree(removed, ignore_errors=True)


def _pip(*arguments: str, quiet: bool = False, may_fail: bool = False) -> int:
    # Its output goes to standard error: standard output belongs to what make starts afterwards.
    said = subprocess.DEVNULL if quiet else None
    code = subprocess.run(
        [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments],
        stdout=sys.stderr if said is None else said,
        stderr=said,
        env={**os.environ, "PIP_USER": "0"},
        check=False,
    ).returncode
    if code != 0 and not may_fail:
        raise SetUpError("pip did not succeed; its message is above. The same command again goes on from here.")
    return code


def _pyproject() -> dict[str, Any]:
    import tomllib  # from 3.11, which main has made sure of

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _read_stamp() -> dict[str, Any]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _wait_for_others() -> int | None:
    """One set-up at a time in a checkout: a lock on the folder itself, which ends with this process.

    Raises SetUpError when another set-up does not end.
    """
    try:
        import fcntl
    except ImportError:
        return None  # Windows
    folder = os.open(ROOT, os.O_RDONLY)
    end = time.monotonic() + WAIT_S
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise SetUpError("Another set-up of this folder has been running for an hour; end it.") from None
            time.sleep(0.5)  # flock itself would wait without a deadline
        else:
            return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
