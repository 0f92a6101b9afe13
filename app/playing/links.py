"""Telemetry over a link: UDP, a datagram a line, or TCP, one connection for the whole run. Used by one thread.

A TCP receiver that is slow is waited for, as long as it takes something now and then.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from app.playing.address import Link
from app.playing.impairments import BadLink, Impairments
from app.playing.report import fates_line
from app.playing.target import PlayError
from app.playing.windows import Window
from app.playing.wire import DATAGRAM, Packet, packets

CONNECT_S = 10.0
PATIENCE_S = 60.0
"""A receiver that takes nothing for this long has failed."""
GRACE_S = 2.0
"""The same, once the operator has asked for the end."""
_TICK_S = 0.1
_PIECE = 1 << 16


class _Wire(Protocol):
    most: int | None

    def send(self, lines: list[bytes]) -> None:
        """Send every line. Raises OSError or PlayError."""

    def close(self) -> None:
        """Give the socket back; may be called twice."""


class LinkTarget:
    """Lines over a link to ``to``; ``stop`` is set when the operator asks for the end. Raises PlayError."""

    def __init__(self, to: Link, impairments: Impairments, seed: int, stop: threading.Event) -> None:
        self._to = to
        self._link: BadLink[bytes] | None = BadLink(impairments, seed) if impairments.any else None
        try:
            self._wire: _Wire = _Datagrams(to) if to.scheme == "udp" else _Stream(to, stop)
        except (OSError, UnicodeError) as problem:
            raise _unreachable(to, problem) from problem
        self._sent = self._bytes = 0

    def take(self, window: Window) -> None:
        """Send the samples of ``window``, and what was held back until now."""
        made = packets(window, self._wire.most)
        self._send(self._passed(made) if self._link is not None else [line for _, line in made])

    def finish(self) -> None:
        """Send what is still held back, and hang up."""
        try:
            if self._link is not None:
                self._send(self._link.rest())
        finally:
            self._wire.close()

    def abandon(self) -> None:
        """Hang up."""
        self._wire.close()

    def report(self) -> list[str]:
        """What was sent, and what became of it on the way."""
        what = "datagrams" if self._to.scheme == "udp" else "lines"
        said = [f"{self._to}: {self._sent:,} {what}, {self._bytes:,} bytes."]
        return said if self._link is None else [*said, fates_line(self._link.fates, what[:-1], what)]

    def _passed(self, made: list[Packet]) -> list[bytes]:
        assert self._link is not None
        return self._link.offer(made)

    def _send(self, lines: list[bytes]) -> None:
        try:
            self._wire.send(lines)
        except OSError as problem:
            why = problem.strerror or str(problem)
            raise PlayError(
                f"{self._to} went away after {self._sent:,} lines ({why}): look at the receiver, and start again."
            ) from problem
        self._sent += len(lines)
        self._bytes += sum(map(len, lines))


class _Datagrams:
    most: int | None = DATAGRAM

    def __init__(self, to: Link) -> None:
        family, kind, protocol, _, self._address = _resolved(to, socket.SOCK_DGRAM)
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(self._address)  # sends nothing, but fails where no way leads there
        # Never connected itself: that a datagram found no receiver is no reason to stop sending.
        self._socket = socket.socket(family, kind, protocol)

    def send(self, lines: list[bytes]) -> None:
        for line in lines:
            self._socket.sendto(line, self._address)

    def close(self) -> None:
        self._socket.close()


class _Stream:
    most: int | None = None

    def __init__(
        self,
        to: Link,
        stop: threading.Event,
        patience: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._to, self._stop, self._patience, self._clock = to, stop, patience, clock
        self._socket = socket.create_connection((to.host, to.port), timeout=CONNECT_S)
        self._socket.settimeout(_TICK_S)

    def send(self, lines: list[bytes]) -> None:
        left = memoryview(b"".join(lines))
        moved = self._clock()
        while left:
            try:
                left = left[self._socket.send(left[:_PIECE]) :]
                moved = self._clock()
            except TimeoutError:
                if self._clock() - moved > (min(GRACE_S, self._patience) if self._stop.is_set() else self._patience):
                    raise PlayError(
                        f"{self._to} holds the connection but reads nothing any more: look at the receiver, and start "
                        "again."
                    ) from None

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the receiver was the first to hang up
        self._socket.close()


def _resolved(to: Link, kind: socket.SocketKind) -> tuple[Any, Any, int, str, Any]:
    return socket.getaddrinfo(to.host, to.port, type=kind)[0]


def _unreachable(to: Link, problem: Exception) -> PlayError:
    if isinstance(problem, ConnectionRefusedError):
        return PlayError(f"Nothing listens at {to}: start the receiver first, or give the port it listens on.")
    if isinstance(problem, TimeoutError):
        return PlayError(f"{to} does not answer: check that the address is right and no firewall is in between.")
    if isinstance(problem, socket.gaierror | UnicodeError):
        return PlayError(f"There is no host '{to.host}': check the name, or give an address such as 127.0.0.1.")
    why = getattr(problem, "strerror", None) or str(problem)
    return PlayError(f"{to} cannot be reached ({why}): check the address and the network.")
