"""Where the user's things lie, in the platform's own folders."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import warnings
from datetime import datetime
from pathlib import Path

import platformdirs

NAME = "perigee"
SEED_REPOSITORY = Path(__file__).resolve().parent.parent / "model_repository"
"""The models that ship: a seed, never written to."""


class FolderError(OSError):
    """A folder of this user's cannot be had; the text is a sentence with a cure."""


def data_folder() -> Path:
    """Archives, models and logs of this user; made where it is not there. Raises FolderError."""
    folder = Path(platformdirs.user_data_dir(NAME, appauthor=False))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise FolderError(
            f"{folder} cannot be made ({problem.strerror or problem}): make room for it there, or set XDG_DATA_HOME."
        ) from problem
    return folder


def server_folder() -> Path:
    """Where this user's private tritonserver lies; it need not be there."""
    return Path(platformdirs.user_data_dir(NAME, appauthor=False)) / "triton"


def working_repository() -> Path:
    """This user's models, made from the seed where they are not there; what ships and is missing is added.

    Each model appears whole or not at all. Raises OSError.
    """
    folder = data_folder() / "models"
    folder.mkdir(exist_ok=True)
    for seed in SEED_REPOSITORY.iterdir():
        if not seed.is_dir() or (folder / seed.name).exists():
            continue
        with tempfile.TemporaryDirectory(prefix=f".{seed.name}.", dir=folder) as stage:
            staged = Path(stage) / seed.name
            shutil.copytree(seed, staged)
            try:
                staged.rename(folder / seed.name)
            except OSError:
                if not (folder / seed.name).exists():  # another process was faster
                    raise
    return folder


def settings_file() -> Path:
    """``settings.toml`` of this user; it need not exist."""
    return Path(platformdirs.user_config_dir(NAME, appauthor=False)) / "settings.toml"


def thresholds_file() -> Path:
    """``thresholds.toml`` of this user, what he set for each channel; it need not exist."""
    return settings_file().with_name("thresholds.toml")


def window_state_file() -> Path:
    """Where the window was on the screen; nothing else is kept there."""
    return _state_folder() / "window.ini"


def run_file(archive: Path) -> Path:
    """What is being recorded into an archive; not there where that ended in order."""
    return _state_folder() / f"run-{archive_key(archive)}.json"


def layout_file(archive: Path) -> Path:
    """What a window on an archive showed last; it need not exist."""
    return _state_folder() / f"layout-{archive_key(archive)}.json"


def _state_folder() -> Path:
    return Path(platformdirs.user_state_dir(NAME, appauthor=False, ensure_exists=True))


def write_whole(path: Path, text: str) -> None:
    """Write a small file in one step: it has the old text or the new one, whatever happens. Raises OSError."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def default_archive() -> Path:
    """The one archive that the window records into."""
    return data_folder() / "telemetry.duckdb"


def run_archive(now: datetime) -> Path:
    """A new file for one headless run; runs of other processes that begin in the same second get others."""
    folder = data_folder() / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{now:%Y-%m-%dT%H-%M-%SZ}-{os.getpid()}"
    path = folder / f"{stem}.duckdb"
    extra = 1
    while path.exists():
        extra += 1
        path = folder / f"{stem}-{extra}.duckdb"
    return path


def log_file(name: str) -> Path:
    """The log of one process of this user (``core`` or ``window``)."""
    folder = Path(platformdirs.user_log_dir(NAME, appauthor=False, ensure_exists=True))
    return folder / f"{name}.log"


def runtime_folder() -> Path:
    """A folder that only this user can enter, for sockets and what the core says of itself.

    The path of a Unix socket may have only about 100 characters, so a deep runtime folder falls back to the
    temporary one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it falls back to a temporary folder is of no use to an operator
        base = Path(platformdirs.user_runtime_dir(NAME, appauthor=False))
    if len(str(base)) > 70 or not os.access(base.parent, os.W_OK):
        user = str(os.getuid()) if hasattr(os, "getuid") else "user"
        base = Path(tempfile.gettempdir()) / f"{NAME}-{user}"
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and base.stat().st_uid != os.getuid():
        raise PermissionError(
            f"{base} belongs to another user; remove it, or set XDG_RUNTIME_DIR to a folder of yours."
        )
    base.chmod(0o700)
    return base


def archive_key(archive: Path) -> str:
    """A short name for everything that belongs to the core of one archive."""
    return hashlib.sha256(str(archive.resolve()).encode()).hexdigest()[:16]
