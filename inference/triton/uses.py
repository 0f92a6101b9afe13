"""Which sessions use the models that a server of this user has beside others of the same name: one small file each.

Such a model (``NAME-SHA256``) is sent by the first session that needs it, and is let go once no living one does.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

from inference.triton.records import Process, this_process

PREFIX = "use-"


class Uses:
    """What this process, and others, use of the server that calls itself ``server``."""

    def __init__(self, folder: Path, server: str) -> None:
        self._folder = folder
        self._server = server
        self._me = this_process()
        self._mine: set[str] = set()

    def begin(self, model: str) -> None:
        """This process uses ``model`` from now on. Where that cannot be written down, the model stays for good."""
        path = self._path(model)
        fresh = path.with_suffix(f".{self._me.pid}")
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps({"model": model, "by": asdict(self._me)}), encoding="utf-8")
            fresh.replace(path)
            self._mine.add(model)

    def end(self, model: str) -> None:
        """It does not."""
        if model in self._mine:
            self._mine.remove(model)
            self._path(model).unlink(missing_ok=True)

    def close(self) -> list[str]:
        """This process uses nothing any more: the models that it, or one that is gone, used and no living one does."""
        living, left = set(), set()
        for path in self._folder.glob(f"{PREFIX}{self._server}-*.json"):
            try:
                told = json.loads(path.read_text(encoding="utf-8"))
                model, by = str(told["model"]), Process(**told["by"])
            except (OSError, ValueError, KeyError, TypeError):
                continue  # of a process that ends just now, or nothing of ours
            if by.lives and not (by == self._me and model in self._mine):
                living.add(model)
            else:
                left.add(model)
                path.unlink(missing_ok=True)
        self._mine.clear()
        return sorted(left - living)

    def _path(self, model: str) -> Path:
        return self._folder / f"{PREFIX}{self._server}-{model}-{self._me.pid}.json"


def forget(folder: Path, server: str) -> None:
    """The server has ended, and with it what was used of it."""
    for path in folder.glob(f"{PREFIX}{server}-*"):
        path.unlink(missing_ok=True)
