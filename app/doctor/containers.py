"""Containers: the engine, a GPU in them, the server's image and its room, and what using them means for security."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from app.doctor.check import Finding, Look
from inference import EngineError
from inference.triton.image import IMAGE_ROOM_MB, digest_of
from inference.triton.options import TritonOptions
from inference.triton.tool import Tool, ask, open_tool

ANSWER_S = 2.5
"""For each question: docker, podman and one more after them end before the doctor does."""
CDI_FOLDERS = (Path("/etc/cdi"), Path("/var/run/cdi"))
HOOK = "nvidia-container-runtime-hook"


def looks(options: TritonOptions) -> list[Look]:
    """The checks of this file, one where containers are switched off."""
    if options.container == "off":
        return [Look("container engine", lambda: Finding(True, "switched off in the settings"))]
    lacking = Finding(False, "no container engine answers", "Cure the container engine first")
    harmless = Finding(True, "no container engine answers, so nothing is risked")
    return [
        Look("container engine", partial(engine, options)),
        Look("GPU in containers", partial(_with_tool, toolkit, options, lacking)),
        Look("container image", partial(_with_tool, image, options, lacking)),
        Look("room for the image", partial(_with_tool, room, options, lacking)),
        Look("container rights", partial(_with_tool, rights, options, harmless)),
    ]


def engine(options: TritonOptions) -> Finding:
    """Whether docker or podman answers."""
    try:
        tool = open_tool(options, ANSWER_S)
    except EngineError as problem:
        return Finding(
            False, str(problem), "Install or start docker or podman, and let this user use it; without, no GPU scores"
        )
    return Finding(True, f"{Path(tool.command).name} {tool.version} answers")


def toolkit(tool: Tool, options: TritonOptions) -> Finding:
    """Whether a container can be given a GPU: by NVIDIA's container toolkit, or through CDI."""
    specs = [path for folder in CDI_FOLDERS if folder.is_dir() for path in folder.glob("*nvidia*")]
    info = {} if tool.podman else _info(tool)
    ways = gpu_ways(info, bool(shutil.which(HOOK)), bool(specs))
    if ways:
        return Finding(True, f"through {' and '.join(ways)}")
    configure = "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
    if not tool.podman:
        configure = "nvidia-ctk runtime configure --runtime=docker, and restart docker"
    return Finding(
        False,
        "NVIDIA's container toolkit is not set up",
        f"Where there is an NVIDIA GPU, install the package nvidia-container-toolkit, then run sudo {configure}",
    )


def gpu_ways(info: Mapping[str, Any], hook: bool, specs: bool) -> list[str]:
    """By which ways an engine that says ``info`` of itself can give a GPU. Pure."""
    devices = info.get("DiscoveredDevices") or []
    cdi = specs or any(str(one.get("ID", "")).startswith("nvidia.com/gpu") for one in devices)
    found = {"the runtime nvidia": "nvidia" in (info.get("Runtimes") or {}), "the toolkit's hook": hook, "CDI": cdi}
    return [way for way, there in found.items() if there]


def image(tool: Tool, options: TritonOptions) -> Finding:
    """Whether the server's image lies here."""
    try:
        return Finding(True, f"{options.image} is here, {digest_of(tool, options, ANSWER_S)}")
    except EngineError as problem:
        if not options.archive:
            return Finding(False, str(problem), "Fetch it: perigee triton install --image")
        archive = Path(options.archive).expanduser()
        if not archive.is_file():
            return Finding(False, f"{problem}, nor is its archive {archive}", "Correct inference.triton.archive")
        return Finding(False, str(problem), f"Load it from {archive}: perigee triton install --image")


def room(tool: Tool, options: TritonOptions) -> Finding:
    """Whether the image has room where the engine keeps it, or is there."""
    info = _info(tool)
    place = Path(str(info["store"]["graphRoot"] if tool.podman else info["DockerRootDir"]))
    try:
        free = shutil.disk_usage(place).free >> 20
    except OSError:
        return Finding(True, f"images lie in {place}, which cannot be looked into from here")
    archive = Path(options.archive).expanduser()
    need = 2 * (archive.stat().st_size >> 20) if options.archive and archive.is_file() else IMAGE_ROOM_MB
    if free >= need or image(tool, options).ok:
        return Finding(True, f"{free:,} MB are free on {place}")
    return Finding(False, f"{free:,} MB are free on {place}, and the image needs {need:,}", f"Make room on {place}")


def rights(tool: Tool, options: TritonOptions) -> Finding:
    """What the right to start containers amounts to: a risk to be known, nothing that is broken."""
    if not sys.platform.startswith("linux"):
        return Finding(True, "containers run in a virtual machine here")
    if tool.podman:
        return risk(root=os.getuid() == 0, group=False, rootless=os.getuid() != 0)
    import grp

    rootless = any("rootless" in str(one) for one in _info(tool).get("SecurityOptions") or ())
    try:
        group = grp.getgrnam("docker").gr_gid in os.getgroups()
    except KeyError:
        group = False
    return risk(os.getuid() == 0, group, rootless)


def risk(root: bool, group: bool, rootless: bool) -> Finding:
    """What it amounts to for root, for a member of the group docker, and with containers of this user alone. Pure."""
    cure = 'Where that is too much, use rootless docker or podman, or inference.triton.container = "off"'
    if root:
        return Finding(True, "a risk: Perigee runs as root", "Run it as a user")
    if rootless:
        return Finding(True, "containers have no more rights than this user")
    if group:
        return Finding(True, "a risk: this user is in the group docker, and so can become root on this machine", cure)
    return Finding(True, "a risk: who reaches this docker can become root on its machine", cure)


def _info(tool: Tool) -> dict[str, Any]:
    """What the container engine says of itself. Raises EngineError."""
    info: dict[str, Any] = json.loads(ask(tool.command, "info", "--format", "{{json .}}", timeout=ANSWER_S))
    return info


def _with_tool(find: Callable[[Tool, TritonOptions], Finding], options: TritonOptions, otherwise: Finding) -> Finding:
    try:
        tool = open_tool(options, ANSWER_S)
    except EngineError:
        return otherwise
    try:
        return find(tool, options)
    except EngineError as problem:
        return Finding(False, str(problem), "Try again, and restart the container engine where it stays so")
