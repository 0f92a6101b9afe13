"""A file that is there whole or not at all: written beside its place under another name, then renamed. One thread."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import BinaryIO

from app.playing.target import PlayError


class WholeFile:
    """Bytes for ``path``, which is not touched before ``keep``. ``option`` is named in what is said to be wrong.

    Raises PlayError where there can be no such file.
    """

    def __init__(self, path: Path, option: str) -> None:
        self._option = option
        try:
            self.path = Path(os.path.realpath(path))  # a link goes on leading to the file
            self._check(path)
            self._part = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
            self.file: BinaryIO = self._part.open("xb")
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or str(problem)
            name = repr(str(path)[:200])
            raise PlayError(f"{name} cannot be written ({why}): give another place with {option}.") from problem

    def _check(self, path: Path) -> None:
        if self.path.is_dir():
            raise PlayError(f"'{path}' is a folder: give the name of a file in it with {self._option}.")
        if self.path.exists() and not self.path.is_file():
            raise PlayError(f"'{path}' is a device or a pipe and no file: give a file with {self._option}.")
        if not self.path.parent.is_dir():
            raise PlayError(f"There is no folder '{self.path.parent}': make it, or give another place.")

    def keep(self) -> None:
        """The file takes its place, and that of one of the same name. Raises PlayError."""
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            self._part.replace(self.path)
        except OSError as problem:
            self.drop()
            raise self.problem(problem) from problem

    def drop(self) -> None:
        """Leave nothing behind; may be called twice, and after ``keep``."""
        try:
            self.file.close()
        except OSError:
            pass  # a full disk may refuse what was still buffered, which is not wanted any more
        self._part.unlink(missing_ok=True)

    def problem(self, why: OSError) -> PlayError:
        """What to say of an error met while writing."""
        return PlayError(
            f"{self.path} could not be written ({why.strerror or why}), and no part of it was left: make room, or give "
            f"another place with {self._option}."
        )
