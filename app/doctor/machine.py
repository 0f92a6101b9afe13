"""What recording and watching need of this machine: settings, folders, room, ports, a display."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial

from app import paths
from app.display import why_no_window
from app.doctor.check import Finding, Look
from app.settings import SettingsError, StorageSettings, read
from inference.triton.server import HOST, free_ports


def looks(storage: StorageSettings) -> list[Look]:
    """The checks of this file."""
    return [
        Look("settings", settings, needed=True),
        Look("archive folder", archive_folder, needed=True),
        Look("disk", partial(disk, storage), needed=True),
        Look("ports", ports, needed=True),
        Look("display", display),
    ]


def settings() -> Finding:
    """Whether the settings can be used; unlike a session, this leaves a broken file where it is."""
    file = paths.settings_file()
    try:
        read(file)
    except SettingsError as problem:
        return Finding(False, str(problem), "Correct the file: the next session puts it aside and uses the defaults")
    return Finding(True, f"{file} can be used" if file.exists() else "every setting has its default")


def archive_folder() -> Finding:
    """Whether archives can be written."""
    try:
        folder = paths.data_folder()
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"perigee")
    except OSError as problem:
        return Finding(
            False,
            f"archives cannot be written ({problem})",
            "Let this user write there, or record elsewhere with --archive FILE",
        )
    return Finding(True, f"{folder} can be written")


def disk(storage: StorageSettings) -> Finding:
    """Whether recording has more room than it leaves free."""
    try:
        folder = paths.data_folder()
        free = shutil.disk_usage(folder).free >> 20
    except OSError as problem:
        return Finding(False, f"the disk cannot be asked ({problem})", "Cure the archive folder first")
    text = f"{free:,} MB are free on {folder}, of which {storage.reserve_mb:,} stay free"
    if free > storage.reserve_mb:
        return Finding(True, text)
    return Finding(False, text, "Make room: recording stops where only those are left")


def ports() -> Finding:
    """Whether a server can listen on this machine's own address."""
    try:
        free_ports(3)
    except OSError as problem:
        return Finding(
            False,
            f"nothing can listen on {HOST} ({problem})",
            "Allow programs to listen there, in the firewall for one",
        )
    return Finding(True, f"servers can listen on {HOST}")


def display() -> Finding:
    """Whether a window can open."""
    why = why_no_window()
    if why is None:
        return Finding(True, "a window can open")
    return Finding(False, why.rstrip("."), "Start it from a desktop, or watch with monitor --headless")
