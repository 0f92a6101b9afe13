"""``--to`` as text, read into a value: a table file or a link. Pure; nothing is opened here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from app.playing.target import PlayError

_FORMS = "FILE.csv, FILE.parquet, udp://HOST:PORT or tcp://HOST:PORT"


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that a table is written into."""

    path: Path
    kind: Literal["csv", "parquet"]


@dataclass(frozen=True, slots=True)
class Link:
    """The far end of a link; ``port`` is 1 to 65535."""

    scheme: Literal["udp", "tcp"]
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def read_address(text: str) -> TableFile | Link:
    """What ``text`` names. Raises PlayError with a sentence that says what may be given."""
    scheme, slashes, _ = text.partition("://")
    if slashes:
        return _link(text, scheme.lower())
    suffix = Path(text).suffix.lower()
    path = Path(text).expanduser()
    if suffix == ".csv":
        return TableFile(path, "csv")
    if suffix in (".parquet", ".pq"):
        return TableFile(path, "parquet")
    raise PlayError(f"--to takes {_FORMS}, not '{text}': the suffix says what is written.")


def _link(text: str, scheme: str) -> Link:
    if scheme not in ("udp", "tcp"):
        raise PlayError(f"--to takes {_FORMS}: '{text}' is a link of the kind '{scheme}', which cannot be sent to.")
    example = f"give it as {scheme}://127.0.0.1:4000"
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError as problem:
        raise PlayError(f"'{text}' names no host that can be understood: {example}.") from problem
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.netloc.rpartition("@")[2].rpartition("]")[2].count(":") == 0 or parts.netloc.endswith(":"):
        raise PlayError(f"'{text}' names no port: {example}.")
    if not port:
        raise PlayError(f"The port of '{text}' is no number from 1 to 65535: {example}.")
    if not host or parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise PlayError(f"'{text}' is more or less than a host and a port: {example}.")
    return Link("udp" if scheme == "udp" else "tcp", host, port)
