"""Servers that outlive whoever starts them: ``perigee triton start`` and ``stop``.

A persistent server belongs to nobody. Sessions find it by its record and leave it running.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference.card import ModelCard
from inference.errors import EngineError
from inference.steady import SteadyEngine
from inference.triton import bundle, records
from inference.triton.client import Client
from inference.triton.container import start_container
from inference.triton.engine import TritonEngine
from inference.triton.options import TritonOptions
from inference.triton.process import start_process
from inference.triton.records import Record
from inference.triton.server import Server, endpoint
from inference.triton.supply import END_S, attach, known
from inference.triton.tool import need_tool

ANSWER_S = 5.0
WARM_WINDOWS = 256
"""The largest batch that a model is warmed up with."""


@dataclass(frozen=True, slots=True)
class Started:
    """A persistent server that runs; ``fresh`` where it was started just now.

    ``refused`` says what was tried before it and could not be had. ``outdated`` are the models of which it holds
    another version than was asked for.
    """

    record: Record
    fresh: bool
    refused: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()


def start(
    options: TritonOptions, cards: Sequence[ModelCard], said: Callable[[str], None], stop: threading.Event
) -> Started:
    """The persistent server of this user, started with ``cards`` loaded and warm where there is none.

    A container with the GPU is tried first, then a process. ``said`` is told of each step, ``stop`` ends it. Raises
    EngineError with why none can be had.
    """
    there = _running(options)
    if there is not None:
        outdated = _outdated(there, cards)
        _complete(there, options, [card for card in cards if card.name not in outdated], said)
        return Started(there, fresh=False, outdated=outdated)
    refused: list[str] = []
    for name, opener in (("a container", _container), ("a tritonserver of this machine", _process)):
        said(f"starting {name}")
        try:
            server = opener(options, stop)
            _fill(server, options, cards, said, stop)
        except EngineError as problem:
            refused.append(f"{name}: {str(problem).rstrip('.')}")
            if stop.is_set():
                break
        else:
            return Started(server.record, fresh=True, refused=tuple(refused))
    raise EngineError(f"No Triton can be started ({'; '.join(refused)}).")


def stop(options: TritonOptions, said: Callable[[str], None]) -> tuple[list[Record], list[Record]]:
    """End persistent servers and those whose owner is gone: what was ended, and what belongs to a living session.

    ``said`` is told of each, and of what could not be asked. Raises EngineError, once the others have been ended, for
    one that could not be.
    """
    ended, left, problems = [], [], []
    for record in known(options, said):
        if not (record.persistent or record.orphan):
            left.append(record)
            continue
        mine = record if record.persistent else records.claim(options.state, record)
        if mine is None:
            continue  # a session was faster, and has it now
        said(f"ending the Triton at {record.address}")
        try:
            attach(mine, options).stop(END_S)
        except EngineError as problem:
            problems.append(str(problem))
        else:
            ended.append(record)
    if problems:
        raise EngineError(" ".join(problems))
    return ended, left


def _running(options: TritonOptions) -> Record | None:
    """The persistent server that answers; the records of those that have ended are cleared away.

    Raises EngineError for one that runs and does not answer.
    """
    # Those that are written down come first: a container engine that hangs is not waited for in vain.
    return _answering(records.read(options.state), options) or _answering(known(options), options)


def _answering(found: Sequence[Record], options: TritonOptions) -> Record | None:
    for record in found:
        if not record.persistent:
            continue
        server = attach(record, options)
        if server.ended():
            server.stop(1.0)
            continue
        client = Client(endpoint(record))
        try:
            if client.live(ANSWER_S):
                return record
        finally:
            client.close()
        raise EngineError(
            f"A Triton was started at {record.address} and does not answer: perigee triton stop ends it, then start "
            "again."
        )
    return None


def _outdated(record: Record, cards: Sequence[ModelCard]) -> tuple[str, ...]:
    client = Client(endpoint(record))
    try:
        return tuple(
            card.name
            for card in cards
            if client.ready(card.name) and client.parameters(card.name).get("sha256") != card.sha256
        )
    finally:
        client.close()


def _complete(record: Record, options: TritonOptions, cards: Sequence[ModelCard], said: Callable[[str], None]) -> None:
    """Load those of ``cards`` that the server does not hold. Raises EngineError where it will not take one."""
    engine = TritonEngine(endpoint(record), options, record.kind, "", gpu=record.gpu, shared_server=True)
    try:
        warm = SteadyEngine(engine, WARM_WINDOWS)
        for card in cards:
            said(f"loading {card.name}")
            warm.load(card)
    finally:
        engine.close()


def _container(options: TritonOptions, wanted: threading.Event) -> Server:
    return start_container(need_tool(options), options, True, wanted)


def _process(options: TritonOptions, wanted: threading.Event) -> Server:
    return start_process(bundle.find(options.server, options.places, options.server_from), options, True, wanted)


def _fill(
    server: Server,
    options: TritonOptions,
    cards: Sequence[ModelCard],
    said: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Load ``cards`` and warm them up; a server that will not take one is ended, since no session could use it."""
    record = server.record
    try:
        engine = TritonEngine(endpoint(record), options, record.kind, "", gpu=record.gpu)
        try:
            warm = SteadyEngine(engine, WARM_WINDOWS)
            for card in cards:
                if stop.is_set():
                    raise EngineError("it was no longer wanted")
                said(f"loading {card.name}")
                warm.load(card)
            if stop.is_set():
                raise EngineError("it was no longer wanted")
        finally:
            engine.close()
    except BaseException:
        server.stop(END_S)
        raise
