"""How Triton is to be found, started and fed, as the operator's settings say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from inference.errors import EngineError

IMAGE = "nvcr.io/nvidia/tritonserver:26.09-py3"
"""Triton 2.73.0; a digest in its place pins it to the byte."""
Tool = Literal["auto", "docker", "podman", "off"]


_ADDRESS = re.compile(r"(?:[^\W_][\w.-]*|\[[0-9A-Fa-f:.]+(?:%\w+)?\]):([0-9]{1,5})", re.ASCII)
_HARMLESS = re.compile(r"(\w+://)?[\w.:\[\]-]*", re.ASCII)
_HEADER_NAME = re.compile(r"[a-z0-9_.-]+(?<!-bin)")
_HEADER_VALUE = re.compile(r"[ -~]*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's gRPC address ``HOST:PORT``; ``headers`` go with every call and into no log."""

    address: str
    tls: bool = False
    ca: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Endpoint({self.address!r}, tls={self.tls}, {len(self.headers)} headers)"


@dataclass(frozen=True, slots=True)
class TritonOptions:
    """Everything that starting and using a Triton depends on.

    ``endpoints`` are servers that run elsewhere; ``tls``, ``ca`` and ``headers`` hold for those that are named on the
    command line. ``server`` is the folder or file of a local tritonserver (empty: the usual places in ``places``, then
    PATH), and ``server_from`` what names it. ``container`` is the tool that runs ``image``, loaded from ``archive``
    where it is not there. ``gpus`` are UUIDs (of MIG devices too), empty for all. ``memory_mb`` bounds what the
    models' GPU memory pools may take, 0 for no bound. ``state`` is the folder where servers that this user started
    are written down. ``timeout_s`` is the deadline of one batch.
    """

    state: Path
    endpoints: tuple[Endpoint, ...] = ()
    tls: bool = False
    ca: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    server: str = ""
    server_from: str = "inference.triton.server"
    places: tuple[Path, ...] = ()
    container: Tool = "auto"
    image: str = IMAGE
    archive: str = ""
    gpus: tuple[str, ...] = ()
    memory_mb: int = 0
    shared_mb: int = 1024
    ulimits: tuple[str, ...] = ("memlock=-1", "stack=67108864")
    instances: int = 1
    queue_delay_us: int = 0
    timeout_s: float = 10.0
    start_s: float = 60.0
    shared_memory: bool = True


def check_address(text: str) -> str:
    """``text`` as the gRPC address of a server. Raises EngineError, which says nothing of it that may be a password."""
    address = text.strip()
    found = _ADDRESS.fullmatch(address)
    if found is not None and 0 < int(found[1]) < 65_536:
        return address
    what = f'"{address}"' if _HARMLESS.fullmatch(address) else "What was given"
    raise EngineError(
        f"{what} is no address of a Triton: give HOST:PORT, or [HOST]:PORT for IPv6, without a scheme, user or "
        "password; a token goes into inference.triton.headers."
    )


def check_headers(headers: tuple[tuple[str, str], ...]) -> None:
    """Whether gRPC can send these. Raises EngineError, which says none of the values."""
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise EngineError(
                "A name in inference.triton.headers cannot be sent: use small letters, digits, -, _ and . and no -bin "
                "at its end."
            )
        if not _HEADER_VALUE.fullmatch(value):
            raise EngineError(
                f"The value of {name} in inference.triton.headers cannot be sent: use ASCII characters on one line."
            )
