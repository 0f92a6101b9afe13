"""The server's image: which one lies here, and how it comes here.

An image is known by the identifier of its content. A name, a name with a registry's digest (``NAME@sha256:...``) and
the identifier itself (``sha256:...``) all lead to it; the second only where it was pulled, since an archive does not
say what its registry called it.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from inference.errors import EngineError
from inference.triton.options import TritonOptions
from inference.triton.tool import LOOK_S, AnswerError, Tool, ask, short

IMAGE_ROOM_MB = 18_000
"""The image takes 9 GB to fetch and 16 GB on the disk."""
_POLL_S = 0.1


def digest_of(tool: Tool, options: TritonOptions, timeout: float = LOOK_S) -> str:
    """The identifier of the image's content as it lies here. Raises EngineError where it is not here."""
    try:
        return ask(tool.command, "image", "inspect", "--format", "{{.Id}}", options.image, timeout=timeout).strip()
    except AnswerError as problem:
        raise EngineError(
            f"the image {options.image} is not on this machine (perigee triton install --image fetches it)"
        ) from problem


def fetch_image(tool: Tool, options: TritonOptions, said: Callable[[str], None], stop: threading.Event) -> str:
    """Bring the image, from the archive that the options name or from its registry; its identifier.

    ``said`` is told of progress, in a thread of its own; ``stop`` ends it. Raises EngineError with what stood in the
    way.
    """
    with contextlib.suppress(EngineError):
        return digest_of(tool, options)
    if not options.archive:
        _check_room(tool, IMAGE_ROOM_MB)
        cure = (
            "check the network and inference.triton.image, or load it from a file that inference.triton.archive names"
        )
        _follow([tool.command, "pull", options.image], said, stop, cure)
        return digest_of(tool, options)
    archive = Path(options.archive).expanduser()
    if not archive.is_file():
        raise EngineError(f"There is no image archive {archive}: correct inference.triton.archive.")
    _check_room(tool, 2 * (archive.stat().st_size >> 20))
    cure = f"see that {archive} is whole, and a file that docker save has written"
    loaded = _follow([tool.command, "load", "--input", str(archive)], said, stop, cure)
    try:
        return digest_of(tool, options)
    except EngineError as problem:
        raise EngineError(
            f"The archive {archive} does not hold {options.image} ({short(loaded)}): name in inference.triton.image "
            "what it holds."
        ) from problem


def _check_room(tool: Tool, need: int) -> None:
    """Whether the disk of the container engine has ``need`` MB. Raises EngineError."""
    asked = "{{.Store.GraphRoot}}" if tool.podman else "{{.DockerRootDir}}"
    try:
        place = Path(ask(tool.command, "info", "--format", asked).strip())
        free = shutil.disk_usage(place).free >> 20
    except (EngineError, OSError):
        return  # it lies where this program cannot look, in a virtual machine for one
    if free < need:
        raise EngineError(f"The image needs {need:,} MB on {place}, which has {free:,}: make room.")


def _follow(command: list[str], said: Callable[[str], None], stop: threading.Event, cure: str) -> str:
    """Run a command that takes minutes, line by line; its last line. Raises EngineError with ``cure`` if it fails."""
    last = ""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as child:

        def follow() -> None:
            nonlocal last
            for line in child.stdout or ():
                last = line.strip() or last
                said(last)

        reader = threading.Thread(target=follow, name="image-progress")
        reader.start()
        # A registry that says nothing more must not keep anybody from cancelling.
        while reader.is_alive() and not stop.is_set():
            reader.join(_POLL_S)
        if stop.is_set():
            child.kill()
        reader.join()
    if stop.is_set():
        raise EngineError("Fetching the image was cancelled; what came so far is kept.")
    if child.returncode != 0:
        raise EngineError(f"The image could not be fetched ({short(last)}): {cure}.")
    return last
