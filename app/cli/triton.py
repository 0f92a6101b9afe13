"""``perigee triton``: the servers of this machine are brought, started, stopped, looked at and read."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from app import paths
from app.cli.errors import INTERRUPTED, OK, UsageError, complain
from app.cli.tritonresult import (
    InstallResult,
    StartResult,
    StatusResult,
    StopResult,
    place,
    remote,
    server,
)
from app.cli.tritontext import of_place, of_server, of_status
from app.interrupt import Interrupt
from app.settings import load
from app.triton import VARIABLE, notes, private_server, triton_options
from inference import EngineError, read_repository
from inference.triton import bundle, persistent
from inference.triton.image import fetch_image
from inference.triton.nvml import absent, read_graphics
from inference.triton.options import TritonOptions
from inference.triton.process import CRASH_LOG, tail
from inference.triton.remote import remote_state
from inference.triton.supply import attach, known
from inference.triton.survey import survey
from inference.triton.tool import need_tool

SEARCHED_LINES = 20_000
"""How far back ``logs --grep`` looks."""


def install(image: bool, settings: Sequence[str], *, as_json: bool) -> int:
    """Bring a private tritonserver, or the image; the exit code. Raises EngineError with what stood in the way."""
    stop = threading.Event()
    interrupted = Interrupt(stop.set)
    try:
        found, text = _image(_options(settings), stop) if image else _server(stop)
    except EngineError:
        if not interrupted.seen:
            raise
        kept = "what came so far is kept" if image else "no tritonserver was installed"
        complain(f"Interrupted; {kept}.")
        return INTERRUPTED
    finally:
        interrupted.restore()
    return _tell(found, text, as_json)


def _server(stop: threading.Event) -> tuple[InstallResult, str]:
    made = bundle.install(private_server(), complain, stop)
    found = InstallResult(kind="server", place=str(private_server()), version=bundle.VERSION)
    return found, f"tritonserver {bundle.VERSION} is installed: {made.program}"


def _image(options: TritonOptions, stop: threading.Event) -> tuple[InstallResult, str]:
    with _Steps() as steps:
        digest = fetch_image(need_tool(options), options, steps.show, stop)
    found = InstallResult(kind="image", place=options.image, version=digest)
    return found, f"The image {options.image} is here: {digest}"


def start(repository: Path | None, models: Sequence[str], settings: Sequence[str], *, as_json: bool) -> int:
    """Have a persistent server with the repository's models; the exit code. Raises EngineError with why not."""
    options = _options(settings)
    catalogue = read_repository(repository or paths.working_repository())
    cards = catalogue.select(models)
    for problem in (*catalogue.problems, *notes(options)):
        complain(problem)
    if not cards:
        complain(f"There is no model in {catalogue.folder} yet, so the server begins with none.")
    stop = threading.Event()
    interrupted = Interrupt(stop.set)
    try:
        started = persistent.start(options, cards, complain, stop)
    except EngineError:
        if not interrupted.seen:
            raise
        complain("Interrupted; no server was left behind.")
        return INTERRUPTED
    finally:
        interrupted.restore()
    (found,) = map(server, survey([started.record], options))
    if found.state != "running":
        cure = "start it again" if found.state == "ended" else "perigee triton stop ends it, then start again"
        raise EngineError(f"{of_server(found)[0]}: {cure}.")
    result = StartResult(started=started.fresh, refused=started.refused, outdated=started.outdated, server=found)
    for reason in result.refused:
        complain(f"Passed over: {reason}.")
    if not started.fresh:
        complain("It was running already; perigee triton stop ends it.")
    if result.outdated:
        complain(f"It holds another version of {', '.join(result.outdated)}, so sessions with yours will not use it.")
    return _tell(result, "\n".join(of_server(found)), as_json)


def stop(settings: Sequence[str], *, as_json: bool) -> int:
    """End persistent servers and orphans; the exit code."""
    ended, left = persistent.stop(_options(settings), complain)
    result = StopResult(ended=[place(one) for one in ended], left=[place(one) for one in left])
    lines = [f"Ended: {of_place(one)}" for one in result.ended]
    lines += [f"Left to its session: {of_place(one)}" for one in result.left]
    return _tell(result, "\n".join(lines) or "No Triton was running.", as_json)


def status(settings: Sequence[str], *, as_json: bool) -> int:
    """Every server that was started here or that the settings name, and how it does; the exit code."""
    options = _options(settings)
    servers = [server(one) for one in survey(known(options, complain), options)]
    result = StatusResult(
        servers=servers,
        remotes=[remote(remote_state(one)) for one in options.endpoints],
        graphics=read_graphics(),
        absent_gpus=absent(options.gpus),
    )
    return _tell(result, "\n".join(of_status(result)), as_json)


def logs(lines: int, grep: str, settings: Sequence[str]) -> int:
    """The newest lines of each server's log that contain ``grep``; without a server those of the last crash."""
    options = _options(settings)
    found = known(options, complain)
    read = SEARCHED_LINES if grep else lines
    texts = [(of_place(place(one)), attach(one, options).log(read)) for one in found]
    if not texts:
        texts = [("the server that crashed last", tail(options.state / CRASH_LOG, read))]
        if not texts[0][1]:
            complain("No Triton was started here, and none has crashed.")
            return OK
    for name, text in texts:
        complain(f"{name}:")
        matching = [line for line in text if grep.casefold() in line.casefold()]
        sys.stdout.write("".join(f"{line}\n" for line in matching[-lines:]))
        sys.stdout.flush()
    return OK


def _options(settings: Sequence[str]) -> TritonOptions:
    found, notices = load(paths.settings_file(), settings)
    for notice in notices:
        complain(notice)
    options = triton_options(found.inference.triton)
    if options is None:
        raise UsageError(f"Triton is switched off here ({VARIABLE}=off): take that out of the environment first.")
    return options


def _tell(result: BaseModel, text: str, as_json: bool) -> int:
    sys.stdout.write(result.model_dump_json(indent=2) + "\n" if as_json else f"{text}\n")
    return OK


class _Steps:
    """Progress that comes in many lines: one line that is written over on a terminal, elsewhere each once."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""

    def __enter__(self) -> _Steps:
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal and self._last:
            sys.stderr.write("\n")

    def show(self, text: str) -> None:
        if text == self._last:
            return
        self._last = text
        sys.stderr.write(f"\r\x1b[K{text[:100]}" if self._terminal else f"{text}\n")
        sys.stderr.flush()
