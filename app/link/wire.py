"""One message on the socket: a JSON header, and a payload of bytes where the header says ``bytes``.

``multiprocessing.connection`` frames and authenticates (HMAC over a secret that only this user can read); its
``send`` and ``recv``, which pickle, are never used.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Any

HEADER_BOUND = 32 << 20
"""Bytes of a header at the most (10,000 events are about 5 MB)."""
PAYLOAD_BOUND = 512 << 20
SILENCE_S = 5.0
"""How long a client waits for the core's first word."""

Header = dict[str, Any]
Reply = Callable[[Header, bytes | None], None]
"""Sends an answer; raises LinkError when the other side is gone."""


class LinkError(Exception):
    """The other side is gone, or does not speak as it should; the text is a sentence."""


class GoneError(LinkError):
    """The other side is gone, so nothing more comes from it."""


def send(connection: Connection, header: Header, payload: bytes | None = None) -> None:
    """Send one message. Raises LinkError."""
    if payload is not None:
        header = {**header, "bytes": len(payload)}
    try:
        connection.send_bytes(json.dumps(header).encode())
        if payload is not None:
            connection.send_bytes(payload)
    except (OSError, ValueError) as problem:
        raise GoneError("The other side of the link is gone.") from problem


def receive(connection: Connection, timeout: float) -> tuple[Header, bytes] | None:
    """One message, or None where none came within ``timeout`` s. Raises LinkError."""
    try:
        if not connection.poll(timeout):
            return None
        header = json.loads(connection.recv_bytes(HEADER_BOUND))
        if not isinstance(header, dict):
            raise LinkError("The other side of the link sent something that is no message.")
        payload = connection.recv_bytes(PAYLOAD_BOUND) if "bytes" in header else b""
    except (OSError, EOFError) as problem:
        raise GoneError("The other side of the link is gone.") from problem
    except ValueError as problem:
        raise LinkError("The other side of the link sent something that is no message.") from problem
    return header, payload


def welcome(connection: Connection, secret: bytes) -> None:
    """The core's half of the mutual proof that both know ``secret``. Raises LinkError."""
    try:
        deliver_challenge(connection, secret)
        answer_challenge(connection, secret)
    except (AuthenticationError, OSError, EOFError) as problem:
        raise LinkError("A client without the secret was turned away.") from problem


def introduce(connection: Connection, secret: bytes) -> None:
    """The client's half. Raises LinkError, also where the core is silent."""
    try:
        if not connection.poll(SILENCE_S):
            raise LinkError("The core is there but does not answer.")
        answer_challenge(connection, secret)
        deliver_challenge(connection, secret)
    except (AuthenticationError, OSError, EOFError) as problem:
        raise LinkError("The core did not accept this client.") from problem
