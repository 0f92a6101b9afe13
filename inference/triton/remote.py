"""How the servers that run elsewhere do, as far as a session could use them. Any thread; takes up to ``3 * ASK_S``."""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import EngineError
from inference.triton.client import Client
from inference.triton.options import Endpoint

ASK_S = 2.5


@dataclass(frozen=True, slots=True)
class RemoteState:
    """A server that the settings name: its version and the models that are loaded there, or the ``reason`` why
    a session could not use it.
    """

    address: str
    reason: str
    version: str = ""
    models: tuple[str, ...] = ()


def remote_state(where: Endpoint) -> RemoteState:
    """Ask a server with the certificates and headers that a session would use. Never raises EngineError."""
    try:
        client = Client(where)
        try:
            version = client.version(ASK_S)
            client.models(ASK_S)  # who may not load models is refused here
            loaded = tuple(one.name for one in client.figures(ASK_S))
        finally:
            client.close()
    except EngineError as problem:
        return RemoteState(where.address, str(problem))
    return RemoteState(where.address, "", version, loaded)
