"""Whether a window can open here, found out before Qt is loaded: Qt aborts the process where it cannot."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import socket
import sys
from pathlib import Path

_NEEDED: tuple[str, ...] = (
    "libEGL.so.1",
    "libGL.so.1",
    "libxkbcommon.so.0",
    "libfontconfig.so.1",
    "libdbus-1.so.3",
)
_NEEDED_X11: tuple[str, ...] = (
    "libxcb-cursor.so.0",
    "libxkbcommon-x11.so.0",
    "libxcb-icccm.so.4",
    "libxcb-keysyms.so.1",
)
_TIMEOUT_S = 2.0


def why_no_window() -> str | None:
    """A sentence that says why no window can open, or None where one can."""
    if importlib.util.find_spec("PySide6") is None:
        return "PySide6 is not installed: run 'make setup'."
    if not sys.platform.startswith("linux"):
        return None
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    needed = _NEEDED
    if chosen.split(":")[0] not in ("offscreen", "minimal", "vnc"):
        if wayland and _answers(_wayland_socket(wayland)):
            pass
        elif x11 and _x_answers(x11):
            needed += _NEEDED_X11
        else:
            return "No display was found." if not (wayland or x11) else "The display does not answer."
    missing = [name for name in needed if not _loads(name)]
    if missing:
        return f"Libraries that a window needs are missing ({', '.join(missing)}): run 'make setup'."
    return None


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _wayland_socket(name: str) -> str:
    return name if name.startswith("/") else str(Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent")) / name)


def _answers(address: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(_TIMEOUT_S)
        try:
            attempt.connect(address)
        except OSError:
            return False
    return True


def _x_answers(display: str) -> bool:
    host, _, number = display.rpartition(":")
    digits = number.split(".")[0]
    if not digits.isdigit():
        return False
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{digits}"  # noqa: S108 - where every X server listens
        return _answers(path) or _answers("\0" + path)
    try:
        socket.create_connection((host, 6000 + int(digits)), _TIMEOUT_S).close()
    except OSError:
        return False
    return True
