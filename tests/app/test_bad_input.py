"""Whatever cannot be used is one sentence on standard error and exit code 2: no traceback, no usage box."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

import duckdb
import pytest

from app.cli.commands import run
from app.paths import SEED_REPOSITORY
from inference import parse_config, render_config

if TYPE_CHECKING:
    from tests.app.conftest import Start

SIM = "sim:quiet?satellites=1&duration=60"
FAST = ("--headless", "--speed", "max", "--json")


def sentence(code: int, printed: str, said: str) -> str:
    """The one line that an operator reads; fails where there is anything else."""
    assert code == 2, said
    assert printed == ""
    lines = said.splitlines()
    assert len(lines) == 1, said
    text = lines[0].removeprefix("perigee: ")
    assert text != lines[0] and text[-1] in ".?" and text[0] != " ", text
    assert not any(mark in text for mark in ("Traceback", "Usage:", "\u2502", "\u256d", "Error:")), text
    return text


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Refused]:
    yield Refused(capsys, tmp_path)


class Refused:
    """Runs the command line in this process and gives the sentence with which it ends."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.archive = folder / "run.duckdb"

    def __call__(self, *arguments: str) -> str:
        code = run([*arguments])
        out = self._capsys.readouterr()
        return sentence(code, out.out, out.err)

    def source(self, text: str | Path, *options: str) -> str:
        said = self("monitor", str(text), *FAST, "--archive", str(self.archive), *options)
        assert not self.archive.exists()
        return said


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    rows = [f"2030-01-01T00:00:{second:02}Z,{second / 7}" for second in range(60)]
    path.write_text("\n".join(["time,voltage", *rows]) + "\n")
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return Path(copytree(SEED_REPOSITORY, tmp_path / "models"))


# sources


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("udp://127.0.0.1:4000", "a live link, which this version cannot read"),
        ("gopher://satellite", "no source of the kind 'gopher'"),
        ("", "is a folder"),
        ("sim:nothing", "There is no built-in simulation"),
        ("sim:", "the known ones are"),
        ("sim:demo?sed=7", 'knows no "sed"'),
        ("sim:demo?seed=", "has no value"),
        ("sim:demo?seed=seven", "cannot be used"),
        ("sim:demo?seed=1&seed=2", "twice"),
        ("sim:quiet?satellites=0", "cannot be used"),
        ("nowhere/nothing.csv", "There is no file"),
    ],
)
def test_a_source_that_is_not_known(refused: Refused, source: str, words: str) -> None:
    assert words in refused.source(source)


def test_two_sources_that_carry_the_same_satellites(refused: Refused) -> None:
    assert "both carry" in refused.source(SIM, "sim:quiet?satellites=1")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "is empty"),
        ("empty.parquet", b"", "is empty"),
        ("header.csv", b"time,voltage\n", "header.csv"),
        ("blank.csv", b"\n\n \n", "blank.csv"),
        ("damaged.parquet", b"PAR1" + bytes(200), "damaged.parquet"),
        ("cut.parquet", b"PAR1\x15\x04\x15", "cut.parquet"),
        ("words.csv", b"name,colour\nfoo,red\nbar,blue\nbaz,green\n", "words.csv"),
        ("numbers.csv", b"a,b\n3.5,1\n-2.25,1\n7.125,4\n-1.5,1\n", "--time"),
        ("binary.csv", bytes(range(256)) * 20, "binary.csv"),
        ("old.xls", b"\xd0\xcf\x11\xe0" + bytes(64), "Excel"),
    ],
)
def test_a_file_that_cannot_be_read_as_telemetry(
    refused: Refused, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert words in refused.source(file)
    assert file.read_bytes() == content


def test_a_folder_instead_of_a_file(refused: Refused, tmp_path: Path) -> None:
    assert "is a folder" in refused.source(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(refused: Refused, table: Path) -> None:
    table.chmod(0)
    assert "may not be read" in refused.source(table)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--time", "clock"], "clock"),
        (["--period", "often"], "--period"),
        (["--period", "-5s"], "--period"),
        (["--start", "yesterday"], "--start takes a time"),
    ],
)
def test_an_option_that_does_not_fit_the_file(refused: Refused, table: Path, options: list[str], words: str) -> None:
    assert words in refused.source(table, *options)


# options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sped", "max"], "--sped"),
        (["--speed"], "--speed"),
        (["--speed", "banana"], "not 'banana'"),
        (["--speed", "0"], "not '0'"),
        (["--speed", "-1"], "not '-1'"),
        (["--speed", "nan"], "not 'nan'"),
        (["--duration", "0"], "--duration takes seconds"),
        (["--duration", "inf"], "--duration takes seconds"),
        (["--duration", "long"], "--duration takes a number, such as 60."),
        (["--duration", "1e18"], "above 0 and at most 10000000000, such as 3600."),
        (["--set", "inference.wrokers=2"], "there is no setting"),
        (["--set", "inference.workers=many"], "inference.workers"),
        (["--set", "inference"], "--set takes key=value"),
        (["--engine", "triton"], "--engine auto"),
        (["--engine", "triton://127.0.0.1:8001"], "--engine auto"),
        (["--engine", "steam"], "There is no engine"),
        (["--model", "nobody"], 'There is no model "nobody"'),
        (["--repository", "nowhere"], "give a folder with --repository"),
    ],
)
def test_an_option_that_cannot_be_used(refused: Refused, options: list[str], words: str) -> None:
    assert words in refused.source(SIM, *options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["watch"], "watch"),
        (["monitor"], "'source'"),
        (["monitor", SIM, "--json"], "give --headless too"),
        (["--wrong"], "--wrong"),
    ],
)
def test_a_command_line_that_is_not_understood(refused: Refused, arguments: list[str], words: str) -> None:
    assert words in refused(*arguments)


# archives


def test_an_archive_that_another_process_holds(refused: Refused) -> None:
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(refused.archive)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        said = refused("monitor", SIM, *FAST, "--archive", str(refused.archive))
        holder.communicate(timeout=30)
    assert f"is in use by process {holder.pid}" in said


def test_a_file_that_is_no_archive_is_left_as_it_is(refused: Refused, table: Path) -> None:
    """The database would attach a CSV file as such, and keep nothing of what is written into it."""
    before = table.read_bytes()
    assert "is not an archive" in refused("monitor", SIM, *FAST, "--archive", str(table))
    assert table.read_bytes() == before
    assert sorted(one.name for one in table.parent.iterdir()) == [table.name]


def test_a_database_of_something_else_is_left_as_it_is(refused: Refused, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
    assert "not an archive of Perigee" in refused("monitor", SIM, *FAST, "--archive", str(other))
    with duckdb.connect(str(other), read_only=True) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("mine",)]


@pytest.mark.parametrize("archive", ["no_folder/run.duckdb", "."])
def test_an_archive_that_cannot_be_made(refused: Refused, tmp_path: Path, archive: str) -> None:
    assert "folder" in refused("monitor", SIM, *FAST, "--archive", str(tmp_path / archive))


# models


def damage(repository: Path, content: bytes, *, publish: bool = False) -> Path:
    """Put ``content`` in place of a model; with ``publish`` its config says that this is what it should be."""
    folder = repository / "vae_timeseries"
    model = folder / "1" / "model.onnx"
    model.write_bytes(content)
    if publish:
        file = folder / "config.pbtxt"
        config = parse_config(file.read_text())
        file.write_text(render_config(replace(config, parameters={**config.parameters, "sha256": digest(content)})))
    return model


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def onnx() -> bytes:
    return (SEED_REPOSITORY / "vae_timeseries" / "1" / "model.onnx").read_bytes()


@pytest.mark.parametrize("named", [[], ["--model", "vae_timeseries"]], ids=["all", "named"])
@pytest.mark.parametrize("publish", [False, True], ids=["unpublished", "published"])
@pytest.mark.parametrize("content", [onnx()[: len(onnx()) // 2], b"", b"not a model" * 99], ids=["cut", "none", "text"])
def test_a_corrupt_model(refused: Refused, repository: Path, content: bytes, publish: bool, named: list[str]) -> None:
    model = damage(repository, content, publish=publish)
    said = refused.source(SIM, "--repository", str(repository), *named)
    assert "vae_timeseries" in said and str(model) in said


def test_a_model_with_other_weights_than_were_published(refused: Refused, repository: Path) -> None:
    """It would load, and score with numbers that nobody trained."""
    content = bytearray(onnx())
    content[len(content) // 2] ^= 0xFF
    damage(repository, bytes(content))
    assert "another sha256" in refused.source(SIM, "--repository", str(repository))


def test_a_corrupt_model_that_is_not_asked_for_is_said_and_the_run_goes_on(
    repository: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    damage(repository, b"")
    archive = tmp_path / "run.duckdb"
    options = ("--repository", str(repository), "--model", "transformer_timeseries", "--archive", str(archive))
    assert run(["monitor", SIM, *FAST, *options]) == 0
    out = capsys.readouterr()
    assert "vae_timeseries" in out.err and '"transformer_timeseries"' in out.out


# the program as it is installed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["monitor", "nothing.csv", "--headless"], "There is no file 'nothing.csv'"),
        (["monitor", "sim:demo", "--headless", "--frobnicate"], "--frobnicate"),
        (["monitor", "sim:demo", "--headless", "--duration", "0"], "--duration takes seconds"),
    ],
)
def test_the_installed_program_says_it_the_same_way(start: Start, arguments: list[str], words: str) -> None:
    code, printed, said = start(*arguments).end()
    assert words in sentence(code, printed, "\n".join(said))


def test_a_model_that_is_corrupt_ends_the_installed_program_too(start: Start, repository: Path) -> None:
    damage(repository, onnx()[:1000])
    code, printed, said = start("monitor", SIM, *FAST, "--repository", str(repository)).end()
    assert "vae_timeseries" in sentence(code, printed, "\n".join(said))
