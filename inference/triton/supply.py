"""Where a Triton may come from, in the order in which they are tried; each refusal is a reason that is shown.

A candidate finds or starts a server and gives an engine over it. What it started, or took over from an owner that is
gone, it ends; what others own, or run elsewhere, it leaves alone.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference.card import ModelCard
from inference.errors import EngineError, ModelGoneError
from inference.triton import bundle, records
from inference.triton.client import Client
from inference.triton.container import ContainerServer, recover, start_container
from inference.triton.engine import TritonEngine
from inference.triton.image import digest_of
from inference.triton.options import Endpoint, TritonOptions, check_address
from inference.triton.process import ProcessServer, mark, start_process
from inference.triton.records import Record
from inference.triton.server import Server, endpoint
from inference.triton.tool import AbsentError, need_tool, open_tool

log = logging.getLogger(__name__)

PROBE_S = 2.0
END_S = 8.0
"""Deadline of ending a server: what it is scoring is finished in 2 to 5 s."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A server that scores: the engine over it, and the server itself where this program may end it."""

    engine: TritonEngine
    server: Server | None
    mine: bool

    def end(self, timeout: float = END_S) -> None:
        """Let the connections go, and end the server if it is this program's. What cannot be ended stays an orphan."""
        self.engine.close()
        if self.mine and self.server is not None:
            try:
                self.server.stop(timeout)
            except EngineError as problem:
                log.warning("%s", problem)


Candidate = Callable[[threading.Event, str], Seat | None]
"""Gives a seat, waiting no longer than its deadline or until the event is set; the text says why others were refused.
None where there is nothing to be tried; raises EngineError with the reason for its own refusal."""


def candidates(options: TritonOptions, cards: Sequence[ModelCard]) -> list[tuple[str, Candidate]]:
    """What ``--engine auto`` tries before the embedded engine, each with its name."""
    found: list[tuple[str, Candidate]] = [
        (f"the Triton at {one.address}", _Remote(one, options)) for one in options.endpoints
    ]
    found.append(("a Triton that stays", _Kept(options, cards)))
    found.append(("a container", Contained(options, cards)))
    found.append(("a tritonserver of this machine", _Local(options, cards)))
    return found


def fleet(named: str, options: TritonOptions) -> list[list[tuple[str, Candidate]]]:
    """The servers of ``HOST:PORT[,HOST:PORT]``, each a chain of its own. Raises EngineError for what is no address."""
    chains: list[list[tuple[str, Candidate]]] = []
    for address in map(check_address, named.split(",")):
        known = next((one for one in options.endpoints if one.address == address), None)
        one = known or Endpoint(address, options.tls, options.ca, options.headers)
        chains.append([(f"the Triton at {one.address}", _Remote(one, options))])
    return chains


def first(
    chain: Sequence[tuple[str, Candidate]], stop: threading.Event, settle: Callable[[Seat], None] = lambda seat: None
) -> Seat:
    """The first seat that can be had and that ``settle`` does not refuse. Raises EngineError with every refusal."""
    refusals: list[str] = []
    for name, candidate in chain:
        if stop.is_set():
            refusals.append("none is wanted any more")
            break
        try:
            seat = candidate(stop, "; ".join(refusals))
            if seat is None:
                continue
            try:
                settle(seat)
            except BaseException:
                seat.end()
                raise
            return seat
        except EngineError as problem:
            refusals.append(f"{name}: {str(problem).rstrip('.')}")
    raise EngineError(f"No Triton can be had ({'; '.join(refusals)}).")


class _Remote:
    """A server that runs elsewhere; never started, never ended."""

    def __init__(self, where: Endpoint, options: TritonOptions) -> None:
        self._where = where
        self._options = options

    def __call__(self, stop: threading.Event, refused: str) -> Seat:
        reason = f"The Triton at {self._where.address} is named, and it answers."
        engine = TritonEngine(self._where, self._options, "remote", reason, shared_server=True)
        try:
            engine.greet(PROBE_S)
        except EngineError:
            engine.close()
            raise
        return Seat(engine, None, mine=False)


class _Kept:
    """A tritonserver that ``perigee triton start`` has left running: no container engine has to answer for it."""

    def __init__(self, options: TritonOptions, cards: Sequence[ModelCard]) -> None:
        self._options = options
        self._cards = cards

    def __call__(self, stop: threading.Event, refused: str) -> Seat | None:
        with contextlib.suppress(EngineError):  # said by who looks for one to start
            program = _program(self._options).program
            return _kept(self._options, self._cards, "process", str(program), refused)
        return None


class _Local:
    """A tritonserver as a process of this user."""

    def __init__(self, options: TritonOptions, cards: Sequence[ModelCard]) -> None:
        self._options = options
        self._cards = cards

    def __call__(self, stop: threading.Event, refused: str) -> Seat:
        if not sys.platform.startswith("linux"):
            raise EngineError("tritonserver runs on Linux only, elsewhere in a container")
        found = _program(self._options)
        seat = _adopted(self._options, self._cards, "process", str(found.program), refused)
        if seat is not None:
            return seat
        server = start_process(found, self._options, False, stop)
        return _seat(server, self._options, _why(refused, "the tritonserver of this machine scores"), mine=True)


class Contained:
    """A container with the GPU. ``gpu`` False is for a machine without one: the product always asks for it."""

    def __init__(self, options: TritonOptions, cards: Sequence[ModelCard], gpu: bool = True) -> None:
        self._options = options
        self._cards = cards
        self._gpu = gpu

    def __call__(self, stop: threading.Event, refused: str) -> Seat:
        """See ``Candidate``."""
        tool = need_tool(self._options)
        recover(tool, self._options)
        try:
            image = digest_of(tool, self._options)
        except EngineError:
            _adopted(self._options, self._cards, "container", "", refused)  # none fits; orphans are ended all the same
            raise
        seat = _kept(self._options, self._cards, "container", image, refused)
        seat = seat or _adopted(self._options, self._cards, "container", image, refused)
        if seat is not None:
            return seat
        server = start_container(tool, self._options, False, stop, self._gpu)
        return _seat(server, self._options, _why(refused, "a container of this machine scores"), mine=True)


def _why(refused: str, who: str) -> str:
    return f"{refused[:1].upper()}{refused[1:]}; so {who}." if refused else f"{who[:1].upper()}{who[1:]}."


def _seat(server: Server, options: TritonOptions, reason: str, mine: bool) -> Seat:
    record = server.record
    try:
        engine = TritonEngine(
            endpoint(record),
            options,
            record.kind,
            reason,
            gpu=record.gpu,
            insist=record.kind == "container",
            shared_server=record.persistent,
        )
    except BaseException:
        if mine:
            server.stop(END_S)
        raise
    return Seat(engine, server, mine)


def known(options: TritonOptions, said: Callable[[str], None] = lambda text: None) -> list[Record]:
    """Every server that this user's programs have started here, oldest first, lost records of containers included.

    ``said`` is told where there is a container engine that cannot be asked for those.
    """
    try:
        recover(open_tool(options), options)
    except AbsentError:
        pass
    except EngineError as problem:
        said(
            f"Containers could not be asked for, since {str(problem).rstrip('.')}: start it, or set "
            "inference.triton.container to off; until then one whose record was lost is not named here."
        )
    return records.read(options.state)


def _program(options: TritonOptions) -> bundle.Bundle:
    return bundle.find(options.server, options.places, options.server_from)


def attach(record: Record, options: TritonOptions) -> Server:
    """The server of a record, as something that can be asked and ended."""
    if record.kind == "process":
        return ProcessServer(record, options.state)
    return ContainerServer(record, options)


def _kept(options: TritonOptions, cards: Sequence[ModelCard], kind: str, runs: str, refused: str) -> Seat | None:
    """A persistent server that fits."""
    for record in records.read(options.state):
        if record.kind == kind and record.persistent and _fits(record, options, cards, runs):
            reason = _why(refused, "a Triton that perigee triton start has started scores")
            return _seat(attach(record, options), options, reason, mine=False)
    return None


def _adopted(options: TritonOptions, cards: Sequence[ModelCard], kind: str, runs: str, refused: str) -> Seat | None:
    """An orphan that fits, taken over; one that does not fit, or does not answer, is ended."""
    for record in records.read(options.state):
        if record.kind != kind or not record.orphan:
            continue
        fits = _fits(record, options, cards, runs)
        mine = records.claim(options.state, record)
        if mine is None:
            continue  # somebody was faster
        if fits:
            reason = _why(refused, "a Triton whose owner ended without it was taken over and scores")
            return _seat(attach(mine, options), options, reason, mine=True)
        log.info("the server %s was left by a program that is gone, and is ended", record.instance)
        attach(mine, options).stop(1.0)
    return None


def _fits(record: Record, options: TritonOptions, cards: Sequence[ModelCard], runs: str) -> bool:
    return record.runs == runs and not attach(record, options).ended() and _same_models(record, cards)


def _same_models(record: Record, cards: Sequence[ModelCard]) -> bool:
    """Whether it answers, and holds no other version of a model under its name."""
    client = Client(endpoint(record))
    try:
        if not client.live(PROBE_S) or client.name() != mark(record.instance):
            return False
        for card in cards:
            try:
                if client.ready(card.name) and client.parameters(card.name).get("sha256") != card.sha256:
                    return False
            except ModelGoneError:
                continue
    except EngineError:
        return False
    finally:
        client.close()
    return True
