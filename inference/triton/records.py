"""Which servers this user's programs have started: one small file each, so that none is shared or left by accident.

A record says who owns its server. An owner is a process, told from a later one of the same number by the moment when
it began. Where the owner is gone, the server is an orphan: the first who claims its record has it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

log = logging.getLogger(__name__)

PREFIX = "triton-"


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its number and the moment it began (clock ticks since boot; 0 where that cannot be known)."""

    pid: int
    began: int

    @property
    def lives(self) -> bool:
        """Whether it is still there, and still the same."""
        return self.pid > 0 and began(self.pid) == self.began

    @property
    def age_s(self) -> float | None:
        """Seconds since it began, None where that cannot be known."""
        try:
            up = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
            return max(0.0, up - self.began / os.sysconf("SC_CLK_TCK")) if self.began else None
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class Record:
    """A server that was started here.

    ``runs`` is the server's image digest or program; ``container`` its identifier, empty for a plain process;
    ``grpc`` and ``metrics`` are ports on 127.0.0.1. A ``persistent`` server belongs to nobody and is stopped by
    ``perigee triton stop`` alone.
    """

    instance: str
    kind: Literal["container", "process"]
    runs: str
    owner: Process
    persistent: bool
    server: Process
    container: str
    tool: str
    grpc: int
    http: int
    metrics: int
    log: str
    gpu: bool

    @property
    def address(self) -> str:
        """Of its gRPC."""
        return f"127.0.0.1:{self.grpc}"

    @property
    def orphan(self) -> bool:
        """Whether it belongs to a process that is gone."""
        return not self.persistent and not self.owner.lives

    @property
    def whose(self) -> Literal["persistent", "session", "orphan"]:
        """Nobody's, a living session's, or that of one that is gone."""
        return "persistent" if self.persistent else "session" if self.owner.lives else "orphan"


def began(pid: int) -> int | None:
    """When a process began, in clock ticks since boot, or None where there is none. A zombie is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else int(fields[19])
    except (OSError, IndexError, ValueError):
        if Path("/proc/self/stat").exists():
            return None
    if os.name == "nt":
        return 0  # there os.kill would end it; a server of a dead owner is found by hand
    try:
        os.kill(pid, 0)
    except PermissionError:
        return 0
    except OSError:
        return None
    return 0


def this_process() -> Process:
    """The process that asks."""
    return Process(os.getpid(), began(os.getpid()) or 0)


def new_instance() -> str:
    """A name that no other server has."""
    return secrets.token_hex(6)


def text_of(record: Record) -> str:
    """A record on one line."""
    return json.dumps(asdict(record))


def parsed(text: str) -> Record:
    """The record that ``text_of`` made a text of. Raises ValueError."""
    data = json.loads(text)
    try:
        data["owner"], data["server"] = Process(**data["owner"]), Process(**data["server"])
        return Record(**data)
    except (TypeError, KeyError) as problem:
        raise ValueError(f"it is no record: {problem}") from problem


def write(folder: Path, record: Record) -> None:
    """Put ``record`` down, whole or not at all. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, record.instance)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(text_of(record), encoding="utf-8")
    fresh.replace(path)


def remove(folder: Path, record: Record) -> None:
    """Forget a server that has ended."""
    _path(folder, record.instance).unlink(missing_ok=True)


def read(folder: Path) -> list[Record]:
    """Every server that is written down, oldest first; what cannot be read is left out and logged."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.glob(f"{PREFIX}*.json"), key=lambda one: one.stat().st_mtime):
            try:
                found.append(parsed(path.read_text(encoding="utf-8")))
            except (OSError, ValueError) as problem:
                log.warning("%s says nothing that can be read (%s) and is left out", path, problem)
    return found


def claim(folder: Path, record: Record) -> Record | None:
    """Make an orphan this process's own: its new record, or None where somebody was faster or it is no orphan."""
    path = _path(folder, record.instance)
    taken = path.with_suffix(f".claimed-{os.getpid()}")
    try:
        path.rename(taken)
    except OSError:
        return None
    mine = replace(record, owner=this_process())
    write(folder, mine)
    taken.unlink(missing_ok=True)
    return mine


def _path(folder: Path, instance: str) -> Path:
    return folder / f"{PREFIX}{instance}.json"
