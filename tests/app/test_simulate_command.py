"""``perigee simulate`` as it is typed: rates, progress, and one sentence where something cannot be used."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.cli.commands import run
from app.cli.simulate import with_options
from app.playing.address import Link, TableFile, read_address
from simulator import open_simulation
from telemetry.clock import SECOND

if TYPE_CHECKING:
    from tests.app.conftest import Start

MINUTE = ("simulate", "demo", "--duration", "60")


class Refused:
    """Runs ``perigee simulate demo`` for a minute, with options; the one sentence with which it ends."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *options: str) -> str:
        return self.command(*MINUTE, *options)

    def command(self, *arguments: str) -> str:
        code = run([*arguments])
        out = self._capsys.readouterr()
        assert (code, out.out) == (2, ""), out
        (line,) = out.err.splitlines()
        assert line.startswith("perigee: ") and line[-1] in ".?", line
        assert not any(mark in line for mark in ("Traceback", "Usage:", "Error:")), line
        return line.removeprefix("perigee: ")


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    return Refused(capsys)


# what is asked for


@pytest.mark.parametrize(
    ("scenario", "options", "spec"),
    [
        ("demo", (None, None, None), "sim:demo"),
        ("sim:demo", (None, 3, None), "sim:demo?seed=3"),
        ("sim:demo?seed=1&rate=2", (5, 3, 60.0), "sim:demo?rate=2&satellites=5&seed=3&duration=60"),
        ("load?channels=9", (None, 2**63 - 1, 0.25), f"sim:load?channels=9&seed={2**63 - 1}&duration=0.25"),
        ("demo?", (None, None, 1e10), "sim:demo?duration=10000000000"),
    ],
)
def test_options_replace_those_of_the_query(
    scenario: str, options: tuple[int | None, int | None, float | None], spec: str
) -> None:
    satellites, seed, duration = options
    assert with_options(scenario, satellites=satellites, seed=seed, duration=duration) == spec
    open_simulation(spec)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("fleet.csv", TableFile(Path("fleet.csv"), "csv")),
        ("a.b/FLEET.Parquet", TableFile(Path("a.b/FLEET.Parquet"), "parquet")),
        ("udp://127.0.0.1:4000", Link("udp", "127.0.0.1", 4000)),
        ("tcp://ground:65535/", Link("tcp", "ground", 65535)),
        ("tcp://[::1]:1", Link("tcp", "::1", 1)),
    ],
)
def test_where_it_is_played_to_is_found_by_scheme_and_suffix(text: str, address: TableFile | Link) -> None:
    assert read_address(text) == address


# rates


def test_without_a_target_the_rates_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "demo", "--satellites", "2", "--duration", "900"]) == 0
    out = capsys.readouterr().out
    head, *rows, last = out.splitlines()
    assert head.split() == ["group", "satellites", "channels", "samples", "samples/s"]
    found = {cells[0]: [float(cell.replace(",", "")) for cell in cells[1:]] for cells in map(str.split, rows)}
    source = open_simulation("sim:demo?satellites=2&duration=900")
    assert set(found) == {"all", *(group.name for group in source.groups)}
    samples = sum(frame.count() for frame in source.frames(threading.Event(), 60 * SECOND))
    assert found["all"][:3] == [2, sum(len(group.channels) for group in source.groups), samples]
    for column in (1, 2):
        assert sum(cells[column] for name, cells in found.items() if name != "all") == found["all"][column]
    assert re.fullmatch(r"900 s of telemetry in [\d.]+ s: [\d,.]+ telemetry seconds a second\.", last)


def test_a_set_speed_is_not_exceeded(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "quiet", "--satellites", "1", "--duration", "60", "--speed", "200"]) == 0
    speed = float(capsys.readouterr().out.split()[-5].replace(",", ""))
    assert 0 < speed <= 210


# progress


def test_elsewhere_than_on_a_terminal_progress_is_plain_lines(start: Start) -> None:
    process = start("simulate", "quiet", "--speed", "100")
    process.wait_for("samples")
    process.signal(signal.SIGINT)
    code, printed, said = process.end()
    assert code == 130
    assert printed.splitlines()[-1].endswith("telemetry seconds a second.")
    assert all(re.fullmatch(r"2030-\S+Z  [\d,]+ samples, [\d,]+x real time", line) for line in said), said


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system makes no pseudo-terminals")
def test_on_a_terminal_there_is_a_bar_that_comes_to_its_end() -> None:
    ours, theirs = os.openpty()
    code = "from app.cli import main; main(['simulate', 'quiet', '--duration', '20', '--speed', '50'])"
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # what Linux says when the last writer has gone
                break
            if not piece:
                break
            shown += piece
        printed = process.communicate(timeout=60)[0]
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0, text
    assert "━" in text and "100%" in text and "samples" in text
    assert "telemetry seconds a second." in printed and "\x1b" not in printed


# what cannot be used


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], 'There is no built-in simulation "nothing"'),
        (["recording.csv"], "There is no built-in simulation"),
        (["sim:"], "the known ones are"),
        (["demo?sed=7"], 'knows no "sed"'),
        (["demo?seed=1&seed=2"], "twice"),
        (["demo", "--satellites", "0"], "cannot be used"),
        (["demo", "--satellites", "many"], "--satellites takes a whole number, such as 7."),
        (["demo", "--seed", "-1"], "cannot be used"),
        (["demo", "--duration", "0"], "--duration takes seconds"),
        (["demo", "--duration", "nan"], "--duration takes seconds"),
        (["demo", "--speed", "fast"], "--speed takes a number from"),
        (["demo", "--too", "a.csv"], "--too"),
        ([], "'scenario'"),
    ],
)
def test_a_simulation_that_is_not_known(refused: Refused, arguments: list[str], words: str) -> None:
    assert words in refused.command("simulate", *arguments)


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("fleet", "the suffix says what is written"),
        ("", "the suffix says what is written"),
        ("fleet.xlsx", "the suffix says what is written"),
        ("kafka://host:9092", "a link of the kind 'kafka'"),
        ("udp://127.0.0.1", "names no port"),
        ("udp://127.0.0.1:", "names no port"),
        ("udp://[::1]", "names no port"),
        ("udp://127.0.0.1:0", "no number from 1 to 65535"),
        ("tcp://127.0.0.1:65536", "no number from 1 to 65535"),
        ("tcp://127.0.0.1:-1", "no number from 1 to 65535"),
        ("tcp://127.0.0.1:http", "no number from 1 to 65535"),
        ("tcp://:4000", "more or less than a host and a port"),
        ("tcp://127.0.0.1:4000/stream", "more or less than a host and a port"),
        ("tcp://me@127.0.0.1:4000", "more or less than a host and a port"),
        ("tcp://[::1:4000", "names no host"),
        ("tcp://no-such-host.invalid:4000", "There is no host 'no-such-host.invalid'"),
        (f"udp://{'x' * 80}.invalid:4000", "There is no host"),
    ],
)
def test_a_target_that_cannot_be_understood(refused: Refused, to: str, words: str) -> None:
    assert words in refused("--to", to)


def test_a_tcp_port_where_nobody_listens(refused: Refused) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    said = refused("--to", f"tcp://127.0.0.1:{port}")
    assert said == (
        f"Nothing listens at tcp://127.0.0.1:{port}: start the receiver first, or give the port it listens on."
    )


def test_a_file_that_cannot_be_made(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in refused("--to", str(tmp_path / "folder.csv"))
    assert "There is no folder" in refused("--to", str(tmp_path / "nowhere" / "fleet.csv"))
    assert "cannot be written" in refused("--to", str(tmp_path / f"{'x' * 300}.csv"))
    assert "cannot be written" in refused("--to", f"{tmp_path}/a\0b.csv")
    assert [one.name for one in tmp_path.iterdir()] == ["folder.csv"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system makes no named pipes in folders")
def test_a_pipe_is_not_replaced_by_a_file(refused: Refused, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    assert "a device or a pipe" in refused("--to", str(pipe))
    assert pipe.is_fifo()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(refused: Refused, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in refused("--to", str(tmp_path / "fleet.csv"))


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system sets no limit on the size of a file")
def test_a_disk_that_is_full_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit on the size of files fails where a full disk would."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        codes = [
            run(["simulate", "demo", "--duration", "3600", "--to", str(tmp_path / f)]) for f in ("a.csv", "a.parquet")
        ]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert codes == [3, 3]
    out = capsys.readouterr()
    assert out.out == "" and out.err.count("could not be written") == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--loss", "--duplicates", "--reorder"])
@pytest.mark.parametrize("value", ["-0.1", "1.5", "nan", "often"])
def test_a_probability_outside_0_to_1(refused: Refused, tmp_path: Path, option: str, value: str) -> None:
    assert option in refused("--to", str(tmp_path / "fleet.csv"), option, value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--loss", "0.1"], "say with --to where it goes"),
        (["--delay", "-1", "--to", "udp://127.0.0.1:9"], "--delay takes seconds from 0"),
        (["--delay", "inf", "--to", "udp://127.0.0.1:9"], "--delay takes seconds from 0"),
        (["--delay", "3", "--to", "fleet.csv"], "--delay is for links"),
        (["--labels", "faults.txt"], "ends in .json"),
        (["--labels", "nowhere/faults.json"], "There is no folder"),
    ],
)
def test_options_that_do_not_go_together(refused: Refused, options: list[str], words: str) -> None:
    assert words in refused(*options)


def test_an_endless_simulation_never_fills_the_disk_at_full_speed(refused: Refused, tmp_path: Path) -> None:
    said = refused.command("simulate", "demo", "--to", str(tmp_path / "fleet.csv"))
    assert "sim:demo has no end" in said and "--duration 3600" in said
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_could_not_be_read_back_is_not_written(refused: Refused, tmp_path: Path) -> None:
    said = refused.command("simulate", "load?channels=10000&duration=1", "--to", str(tmp_path / "fleet.csv"))
    assert "10,001 columns" in said
    assert list(tmp_path.iterdir()) == []
