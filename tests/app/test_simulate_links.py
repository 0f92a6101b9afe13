"""``perigee simulate --to udp://`` and ``tcp://``: real sockets, and what is in the lines."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from app.cli.commands import run
from app.playing.address import Link
from app.playing.links import _Stream
from app.playing.target import PlayError
from app.playing.windows import Window
from app.playing.wire import DATAGRAM, packets
from simulator import open_simulation
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND, parse_iso

FLEET = ("quiet", "--satellites", "1", "--duration", "20", "--speed", "max")
Sample = tuple[str, str, int]


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        yield receiver


@pytest.fixture
def tcp() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def address(scheme: str, of: socket.socket) -> str:
    return f"{scheme}://127.0.0.1:{of.getsockname()[1]}"


def received(receiver: socket.socket) -> list[bytes]:
    """Every datagram that waits: on this machine they are there once ``sendto`` has returned."""
    out: list[bytes] = []
    while True:
        try:
            out.append(receiver.recv(1 << 16))
        except BlockingIOError:
            return out


def simulated(spec: str) -> dict[Sample, dict[str, Any]]:
    """The exact values of each sample by satellite, group and time."""
    out: dict[Sample, dict[str, Any]] = {}
    for frame in open_simulation(spec).frames(threading.Event(), 60 * SECOND):
        columns = [column.tolist() for column in frame.columns]
        for row, time in enumerate(frame.times.tolist()):
            values = {c.path: column[row] for c, column in zip(frame.group.channels, columns, strict=True)}
            out[frame.group.satellite, frame.group.name, time] = values
    return out


def decoded(lines: list[bytes]) -> list[tuple[Sample, dict[str, Any]]]:
    out = []
    for line in lines:
        found = json.loads(line)
        assert list(found) == ["satellite", "group", "time", "values"]
        out.append(((found["satellite"], found["group"], parse_iso(found["time"])), found["values"]))
    return out


def test_every_sample_is_a_datagram_with_its_exact_values(udp: socket.socket) -> None:
    assert run(["simulate", *FLEET, "--to", address("udp", udp)]) == 0
    datagrams = received(udp)
    assert all(one.endswith(b"}\n") and one.count(b"\n") == 1 and len(one) <= DATAGRAM for one in datagrams)
    found = decoded(datagrams)
    assert dict(found) == simulated("sim:quiet?satellites=1&duration=20")
    assert len(dict(found)) == len(found)
    times = [time for (_, _, time), _ in found]
    assert times == sorted(times)


def test_a_tcp_receiver_gets_lines_and_then_the_end(tcp: socket.socket) -> None:
    assert run(["simulate", *FLEET, "--to", address("tcp", tcp)]) == 0
    connection, _ = tcp.accept()
    with connection, connection.makefile("rb") as stream:
        lines = stream.readlines()
    assert dict(decoded(lines)) == simulated("sim:quiet?satellites=1&duration=20")


def test_a_tcp_receiver_may_take_its_time(tcp: socket.socket) -> None:
    """More than the kernel holds in between: sending waits for the reader, and nothing is cut."""
    lines: list[bytes] = []

    def receive() -> None:
        connection, _ = tcp.accept()
        with connection, connection.makefile("rb") as stream:
            lines.extend(stream)

    reader = threading.Thread(target=receive)
    reader.start()
    fleet = ("load", "--satellites", "2", "--duration", "600", "--speed", "max")
    assert run(["simulate", *fleet, "--to", address("tcp", tcp)]) == 0
    reader.join(30)
    assert sum(map(len, lines)) > 1 << 22
    assert len(lines) == 600 * 2 * 5 and all(line.endswith(b"}\n") for line in lines)


def test_at_a_set_speed_telemetry_is_sent_when_it_is_due(udp: socket.socket) -> None:
    fleet = ("quiet", "--satellites", "1", "--duration", "20")
    assert run(["simulate", *fleet, "--speed", "100", "--to", address("udp", udp)]) == 0
    assert dict(decoded(received(udp))) == simulated("sim:quiet?satellites=1&duration=20")


def test_an_interrupted_connection_is_one_sentence_and_ends_early(
    tcp: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    def hang_up() -> None:
        connection, _ = tcp.accept()
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    rude = threading.Thread(target=hang_up)
    rude.start()
    assert run(["simulate", "quiet", "--speed", "max", "--to", address("tcp", tcp)]) == 3
    rude.join(30)
    out = capsys.readouterr()
    assert out.out == ""
    assert "perigee: Ended early. tcp://127.0.0.1:" in out.err and "went away after" in out.err


def test_a_receiver_that_reads_nothing_is_given_up(tcp: socket.socket) -> None:
    to = Link("tcp", "127.0.0.1", tcp.getsockname()[1])
    stream = _Stream(to, threading.Event(), patience=0.0)
    with pytest.raises(PlayError, match="reads nothing any more"):
        stream.send([bytes(1 << 20)] * 64)
    stream.close()
    stream.close()


def test_nobody_need_listen_to_datagrams(udp: socket.socket) -> None:
    gone = address("udp", udp)
    udp.close()
    assert run(["simulate", *FLEET, "--to", gone]) == 0


# a bad link


def test_what_is_lost_and_doubled_is_counted_and_the_same_again(
    udp: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = ("--loss", "0.2", "--duplicates", "0.1", "--reorder", "0.1", "--seed", "5", "--to", address("udp", udp))
    fleet = ("quiet", "--satellites", "1", "--duration", "60", "--speed", "max")
    arrived = []
    for _ in range(2):
        assert run(["simulate", *fleet, *bad]) == 0
        arrived.append(received(udp))
    assert arrived[0] == arrived[1]
    said = capsys.readouterr().out.splitlines()
    found = re.fullmatch(r"Of (\d+) datagrams (\d+) lost, (\d+) doubled, (\d+) out of order\.", said[1])
    assert found is not None, said
    offered, lost, doubled, late = map(int, found.groups())
    copies = Counter(arrived[0])
    assert offered == len(simulated("sim:quiet?satellites=1&duration=60&seed=5"))
    assert (lost, doubled) == (offered - len(copies), sum(one == 2 for one in copies.values()))
    assert lost > 30 and doubled > 15 and late > 10
    whole = simulated("sim:quiet?satellites=1&duration=60&seed=5")
    assert all(whole[key] == values for key, values in decoded(arrived[0]))


def test_delay_makes_telemetry_late_and_loses_none(udp: socket.socket) -> None:
    assert run(["simulate", *FLEET, "--delay", "5", "--to", address("udp", udp)]) == 0
    found = decoded(received(udp))
    assert dict(found) == simulated("sim:quiet?satellites=1&duration=20")
    times = [time for (_, _, time), _ in found]
    newest = np.maximum.accumulate(times)
    assert any(a > b for a, b in pairwise(times))
    assert int(np.max(newest - times)) <= 5 * SECOND


# lines


def test_a_sample_that_is_too_long_comes_in_parts() -> None:
    channels = tuple(Channel("A", "x", f"channel_{number:04d}") for number in range(500))
    frame = Frame(Group("A", "x", channels), np.array([0]), tuple(np.array([i / 7]) for i in range(500)))
    made = packets(Window((frame,)), DATAGRAM)
    assert len(made) > 1 and all(len(line) <= DATAGRAM for _, line in made)
    parts = [json.loads(line) for _, line in made]
    assert {(one["satellite"], one["group"], one["time"]) for one in parts} == {("A", "x", "1970-01-01T00:00:00Z")}
    joined: dict[str, float] = {}
    for one in parts:
        assert joined.keys().isdisjoint(one["values"])
        joined |= one["values"]
    assert joined == {channel.path: i / 7 for i, channel in enumerate(channels)}
    (line,) = packets(Window((frame,)))
    assert json.loads(line[1])["values"] == joined


def test_infinities_are_spelled_and_missing_values_left_out() -> None:
    group = Group("A", "x", tuple(Channel("A", "x", name) for name in "abc"))
    columns = tuple(np.array(values) for values in ([np.inf, np.nan], [-np.inf, np.nan], [1.5, np.nan]))
    (only,) = packets(Window((Frame(group, np.array([0, SECOND]), columns),)))
    strict = json.loads(only[1], parse_constant=pytest.fail)
    assert strict["values"] == {"x/a": "inf", "x/b": "-inf", "x/c": 1.5}
