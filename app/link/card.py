"""How a core is found: a small file beside its socket that only this user can read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from app.paths import archive_key, runtime_folder


@dataclass(frozen=True, slots=True)
class CoreCard:
    """Where a core listens, and the secret that opens it."""

    pid: int
    address: str
    secret: str
    archive: str

    @property
    def alive(self) -> bool:
        """Whether a process with the core's number lives; on Windows it is taken for granted."""
        if os.name == "nt":
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        try:
            # Killed, and nobody has asked what became of it: it has a number still and does nothing any more.
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (OSError, IndexError):
            return True

    def write(self, path: Path) -> None:
        """Publish in one step, readable by this user only."""
        fresh = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file)
        fresh.replace(path)


def card_path(archive: Path) -> Path:
    """The card of whichever core holds ``archive``."""
    return runtime_folder() / f"core-{archive_key(archive)}.json"


def read_card(archive: Path) -> CoreCard | None:
    """The card of the core that holds ``archive``, if one left any (it may have died since)."""
    try:
        return CoreCard(**json.loads(card_path(archive).read_text()))
    except (OSError, ValueError, TypeError):
        return None
