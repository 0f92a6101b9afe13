"""A server that runs on this workstation, however it was started: what its owner can ask of it and do to it."""

from __future__ import annotations

import os
import socket
from typing import Literal, Protocol

from inference.triton.options import Endpoint
from inference.triton.records import Record

HOST = "127.0.0.1"
NOBODY = 65_534


class Server(Protocol):
    """A running server. Any thread; each call has a deadline."""

    @property
    def record(self) -> Record:
        """Whose it is and where it listens."""
        ...

    def ended(self) -> str:
        """Why it runs no longer, as the middle of a sentence; empty while it runs."""
        ...

    def stop(self, timeout: float) -> None:
        """End it: what it is scoring is finished within ``timeout`` s, then it is killed. Leaves nothing behind."""
        ...

    def age_s(self) -> float | None:
        """Seconds since it was started, None where that cannot be known."""
        ...

    def log(self, lines: int) -> list[str]:
        """The newest lines that it wrote."""
        ...


Detail = Literal["container", "process", "remote"]


def endpoint(record: Record) -> Endpoint:
    """Where a server of this workstation answers."""
    return Endpoint(record.address)


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody listens on now; somebody may be faster, so a start is tried more than once."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def container_user() -> tuple[int, int]:
    """User and group of a server in a container: this user's, and nobody's where this user is root."""
    if not hasattr(os, "getuid") or os.getuid() == 0:
        return NOBODY, NOBODY
    return os.getuid(), os.getgid()
