"""The docker or podman command of this machine: the one interface that both have, on every system.

Rootless and Docker Desktop are reached in the same way; where the engine lies, the environment says (DOCKER_HOST).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from inference.errors import EngineError
from inference.triton.options import TritonOptions

LOOK_S = 5.0
"""Deadline of a question that a container engine answers in milliseconds; one that hangs is none."""
ASK_S = 20.0
"""Deadline of what a container engine has to do something for."""
_FRAME = re.compile(r"^((docker|error|error response from daemon): )+|(see|run) '[^']* --help'.*$", re.IGNORECASE)
"""What stands around the message itself."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A container engine that answers: its command, and the version of its server."""

    command: str
    version: str

    @property
    def podman(self) -> bool:
        """Whether it is podman, which is told and asked of some things in its own way."""
        return Path(self.command).stem == "podman"


class AnswerError(EngineError):
    """The command ran and said no."""


class AbsentError(EngineError):
    """No container engine is installed, or none is to be used: no container can have been started here."""


def open_tool(options: TritonOptions, timeout: float = LOOK_S) -> Tool:
    """The container engine to use, each asked for ``timeout`` s.

    Raises AbsentError where there is none, and EngineError where one is there and does not answer.
    """
    if options.container == "off":
        raise AbsentError("containers are switched off in the settings")
    names = ("docker", "podman") if options.container == "auto" else (options.container,)
    problems, silent = [], False
    for name in names:
        command = shutil.which(name)
        if command is None:
            problems.append(f"{name} is not installed")
            continue
        silent = True
        try:
            version = ask(command, "version", "--format", "{{.Server.Version}}", timeout=timeout)
        except EngineError as problem:
            problems.append(f"{name} does not answer ({short(str(problem))})")
            continue
        return Tool(command, version.strip())
    raise (EngineError if silent else AbsentError)(", ".join(problems))


def need_tool(options: TritonOptions) -> Tool:
    """As ``open_tool``, with what helps in the refusal."""
    try:
        return open_tool(options)
    except AbsentError as problem:
        setting = "inference.triton.container"
        cure = f"({setting})" if options.container == "off" else "(install docker or podman for a GPU to score)"
        raise AbsentError(f"{problem} {cure}") from problem
    except EngineError as problem:
        raise EngineError(f"{problem}: start it, and let this user use it") from problem


def ask(command: str, *arguments: str, timeout: float = ASK_S, both: bool = False) -> str:
    """What the container engine answers, with what it says on standard error where ``both``.

    Raises AnswerError where it refuses, and EngineError where it takes longer than ``timeout`` s.
    """
    try:
        done = subprocess.run(
            [command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise EngineError(f"{Path(command).name} gave no answer within {timeout:g} s") from problem
    except OSError as problem:
        raise EngineError(f"{Path(command).name} gave no answer ({problem})") from problem
    if done.returncode != 0:
        raise AnswerError(_bare(done.stderr or done.stdout) or f"{Path(command).name} failed")
    return done.stdout + (done.stderr if both else "")


def short(text: str) -> str:
    """A message of the container engine, fit for the middle of a sentence."""
    return _bare(text)[:300].rstrip(" .")


def _bare(text: str) -> str:
    return _FRAME.sub("", " ".join(text.split())).strip(" .")
