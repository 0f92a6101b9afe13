"""Finding the core of an archive, or starting one. Runs on a job thread of the window, never on the GUI thread."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from app.link.card import read_card
from app.link.client import CoreClient, News
from app.link.wire import LinkError
from app.paths import log_file
from app.plan import Plan

START_DEADLINE_S = 30.0
LOG_BYTES = 2_000_000
"""A core that starts on a longer log puts it aside, in the place of the one before."""


class LaunchError(Exception):
    """No core could be had; the text is a sentence with a cure."""


class CoreDiedError(LaunchError):
    """A core ended before it listened, and gave no reason: another one may fare better."""


def attach(archive: Path, on_news: News, on_lost: Callable[[], None]) -> CoreClient | None:
    """A client of the core that holds ``archive`` now, or None where there is none."""
    card = read_card(archive)
    if card is None:
        return None
    try:
        return CoreClient(card, on_news, on_lost)
    except LinkError:
        return None


def may_attach(archive: Path) -> bool:
    """Whether a core seems to hold ``archive``: its card is there and its process lives. Says nothing for sure."""
    card = read_card(archive)
    return card is not None and card.alive


def start(plan: Plan) -> subprocess.Popen[bytes]:
    """Start a core for ``plan``; it outlives this process."""
    with _open_log() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.core"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    if process.stdin is None:
        raise LaunchError("The core could not be given its plan.")
    try:
        process.stdin.write(plan.to_json().encode() + b"\n")
        process.stdin.close()
    except OSError:
        pass  # it died at once: wait_ready reads why
    return process


def wait_ready(process: subprocess.Popen[bytes], timeout: float = START_DEADLINE_S) -> None:
    """Wait until the core listens. Raises LaunchError with the core's own sentence where it will not."""
    if process.stdout is None:
        raise LaunchError("The core's answer cannot be read.")
    overdue = threading.Timer(timeout, process.kill)
    overdue.start()
    with process.stdout:
        line = process.stdout.readline()
    overdue.cancel()
    try:
        message = json.loads(line)
    except ValueError:
        process.wait(5)
        raise CoreDiedError(f"The core did not start; its log is {log_file('core')}.") from None
    if "error" in message:
        process.wait(5)
        raise LaunchError(str(message["error"]))


def _open_log() -> BinaryIO:
    path = log_file("core")
    try:
        if path.stat().st_size > LOG_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
    except OSError:
        pass  # there is none yet, or (on Windows) a core of another archive writes into it
    return path.open("ab")
