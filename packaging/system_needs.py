"""What Perigee needs of the operating system, found out by asking it rather than its package manager.

A library is there when it loads, a font when fontconfig lists it: so a Debian, a Fedora and a machine whose
libraries were put there by hand are judged alike, and only the cure differs. Standard library only; parses on any
Python 3.8, so that an old one gets a sentence instead of a SyntaxError.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Need(NamedTuple):
    """Something the system should have: how it is called, and the Debian package that brings it."""

    what: str
    package: str


LIBRARIES = (
    Need("libstdc++.so.6", "libstdc++6"),
    Need("libglib-2.0.so.0", "libglib2.0-0"),
    Need("libGL.so.1", "libgl1"),
    Need("libEGL.so.1", "libegl1"),
    Need("libxkbcommon.so.0", "libxkbcommon0"),
    Need("libfontconfig.so.1", "libfontconfig1"),
    Need("libfreetype.so.6", "libfreetype6"),
    Need("libdbus-1.so.3", "libdbus-1-3"),
    Need("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    Need("libxcb-cursor.so.0", "libxcb-cursor0"),
    Need("libxcb-icccm.so.4", "libxcb-icccm4"),
    Need("libxcb-keysyms.so.1", "libxcb-keysyms1"),
    Need("libxcb-shape.so.0", "libxcb-shape0"),
)
"""Qt's own, offscreen and on X11."""

HANGUL = Need("a font with Hangul", "fonts-nanum")
TEST_COMMANDS = (
    Need("Xvfb", "xvfb"),
    Need("xauth", "xauth"),
    Need("import", "imagemagick"),
    Need("xdotool", "xdotool"),
)
"""For tests of a real window on a display of their own."""
CONTAINER_COMMANDS = (
    Need("dockerd", "docker.io"),
    Need("docker", "docker-cli"),
    Need("ip", "iproute2"),
)
"""For tests of Triton in a container, in a container engine of their own. Where docker.io brings docker, that is it."""

APT_TIMEOUT_S = 1800


class SystemNeedsError(Exception):
    """The system lacks something that cannot be installed from here; the text says what to run."""


def missing(python: str, *, for_tests: bool) -> list[Need]:
    """What this system lacks so that ``python`` can make a virtual environment and Perigee can run in it."""
    lacks = [] if _has_venv(python) else [Need("Python's venv", _venv_package(python))]
    if not sys.platform.startswith("linux"):
        return lacks
    lacks += [need for need in LIBRARIES if not _loads(need.what)]
    if not _has_hangul():
        lacks.append(HANGUL)
    if for_tests:
        lacks += [need for need in TEST_COMMANDS if shutil.which(need.what) is None]
    return lacks


def provide(needs: list[Need]) -> None:
    """Install ``needs`` with apt-get where that is allowed. Raises SystemNeedsError with the command where not."""
    if shutil.which("apt-get") is None:
        raise SystemNeedsError(
            "This system lacks " + ", ".join(need.what for need in needs) + ". Install them with its own package "
            "manager (on Debian they are " + " ".join(need.package for need in needs) + ")" + _go_on_without()
        )
    may = _privilege()
    if may is None:
        raise SystemNeedsError(
            f"This system lacks packages that only root may install. Run:\n  {command(needs)}\nthen the same again"
            + _go_on_without()
        )
    print(f"perigee: installing {' '.join(need.package for need in needs)}", file=sys.stderr, flush=True)
    environment = [*may, "env", "DEBIAN_FRONTEND=noninteractive"]
    # A list that cannot be refreshed (one dead mirror among several) need not keep apt from installing.
    _run([*environment, "apt-get", "-qq", "update"])
    options = ["-o", "DPkg::Lock::Timeout=300", "-qq", "-y", "--no-install-recommends"]
    if _run([*environment, "apt-get", *options, "install", *[need.package for need in needs]]) != 0:
        raise SystemNeedsError(
            f"apt-get did not succeed; its message is above. When that is cured, run:\n  {command(needs)}"
        )


def provide_containers() -> None:
    """Install what tests of containers need, where root runs them on a Debian. Elsewhere they skip, and say why."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return
    for need in CONTAINER_COMMANDS:
        if shutil.which(need.what) is None:
            try:
                provide([need])
            except SystemNeedsError:
                print(f"perigee: going on without {need.what}; tests of containers skip", file=sys.stderr, flush=True)


def command(needs: list[Need]) -> str:
    """The one line that installs ``needs`` on Debian and its kin, for a user who is not root."""
    packages = " ".join(need.package for need in needs)
    return f"sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends {packages}'"


def _go_on_without() -> str:
    return ". To go on without (no window will open), add SYSTEM=skip to the make command."


def _privilege() -> list[str] | None:
    """What to put before a command so that root runs it, or None where this user may not."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if shutil.which("sudo") and _succeeds(["sudo", "-n", "true"]):
        return ["sudo", "-n"]
    return None


def _run(arguments: list[str]) -> int:
    """Run with the output on standard error: standard output belongs to what is started after the set-up."""
    try:
        return subprocess.run(arguments, stdout=sys.stderr, check=False, timeout=APT_TIMEOUT_S).returncode
    except subprocess.TimeoutExpired:
        return 1


def _succeeds(arguments: list[str]) -> bool:
    return subprocess.run(arguments, capture_output=True, check=False).returncode == 0


def _has_venv(python: str) -> bool:
    # Debian ships venv with python3 but ensurepip, which puts pip into it, only with python3-venv.
    return _succeeds([python, "-c", "import ensurepip, venv"])


def _venv_package(python: str) -> str:
    interpreter = Path(python).resolve()
    return "python3-venv" if interpreter == Path("/usr/bin/python3").resolve() else f"{interpreter.name}-venv"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


class _FontSet(ctypes.Structure):
    _fields_ = (("found", ctypes.c_int), ("allocated", ctypes.c_int), ("fonts", ctypes.c_void_p))


def _has_hangul() -> bool:
    """Whether fontconfig, which Qt asks too, lists a font for Korean (``fc-list :lang=ko`` need not be there)."""
    try:
        fontconfig = ctypes.CDLL("libfontconfig.so.1")
    except OSError:
        return False
    for name in ("FcNameParse", "FcObjectSetCreate"):
        getattr(fontconfig, name).restype = ctypes.c_void_p
    fontconfig.FcFontList.restype = ctypes.POINTER(_FontSet)
    fontconfig.FcFontList.argtypes = [ctypes.c_void_p] * 3
    found = fontconfig.FcFontList(None, fontconfig.FcNameParse(b":lang=ko"), fontconfig.FcObjectSetCreate())
    return bool(found) and found.contents.found > 0
