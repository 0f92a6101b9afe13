"""``perigee evaluate`` as it is typed: figures, one sentence where something cannot be used, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.cli.commands import run
from app.evaluation.result import EvaluationResult
from app.evaluation.run import choose
from app.paths import SEED_REPOSITORY
from inference import read_repository
from tests.app.conftest import DEADLINE_S, PERIGEE
from tests.evaluation.conftest import burst, cycle

NAMES = ["application", "bank", "transformer_timeseries", "vae_timeseries", "robust_z", "random"]


def write(folder: Path, length: int) -> Path:
    """Three channels, a burst in two of them, and labels of one."""
    for name in ("train", "test"):
        (folder / name).mkdir(parents=True)
    for number, name in enumerate(("A-1", "A-2", "A-3")):
        test = cycle(length, number + 10)
        if number:
            test = burst(test, length // 2, length // 2 + 30)
        np.save(folder / "train" / f"{name}.npy", cycle(1100, number)[:, None])
        np.save(folder / "test" / f"{name}.npy", test[:, None])
    label = f'A-2,"[[{length // 2}, {length // 2 + 40}]]"\n'
    (folder / "labeled_anomalies.csv").write_text("chan_id,anomaly_sequences\n" + label, encoding="utf-8")
    return folder


def test_figures_are_printed_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(write(tmp_path / "small mission", 900)), "--json"]) == 0
    out = capsys.readouterr()
    result = EvaluationResult.model_validate_json(out.out, strict=True)
    assert set(json.loads(out.out)) == {"dataset", "models", "paired"}
    assert (result.dataset, [model.name for model in result.models]) == ("small mission", NAMES)
    best, bank, *others = result.models
    assert (best.tp, best.fp, best.fn, best.precision, best.recall) == (1, 1, 0, 0.5, 1.0)
    assert best.f05 is not None and best.f05_corrected is not None and best.vus_pr is not None
    assert 0 < best.f05_corrected <= best.f05 < 1 and 0 < best.vus_pr < 1
    assert best.model_copy(update={"name": "", "seconds": 0}) == bank.model_copy(update={"name": "", "seconds": 0})
    assert [one.name for one in result.paired] == NAMES[1:]
    assert all(model.tp + model.fn == 1 for model in (best, bank, *others))


def test_one_model_is_compared_with_the_application(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(write(tmp_path / "mission", 600)), "--model", "bank"]) == 0
    out = capsys.readouterr()
    lines = out.out.splitlines()
    assert lines[0] == "mission: 3 channels, 1 labelled event; 2 channels without a label, nominal time only."
    assert [line.split()[0] for line in lines[2:4]] == ["application", "bank"]
    assert any(line.startswith("found, missed: labelled events") for line in lines[4:])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent"], "There is no folder absent: give a folder that holds train/, test/ and labeled_anomalies.csv."),
        (["."], "There is no folder train: give a folder that holds train/, test/ and labeled_anomalies.csv."),
        (
            ["mission", "--model", "vae"],
            'There is no model "vae" to evaluate; there is application, bank, transformer_timeseries, '
            "vae_timeseries, robust_z, random, or all.",
        ),
        (["mission", "--repository", "absent"], "The model repository absent cannot be read"),
        (["mission"], "mission/test/A-1.npy holds nan in row 0 of column 0"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(write(tmp_path / "mission", 100) / "test" / "A-1.npy", np.full((100, 1), np.nan))
    code = run(["evaluate", *arguments])
    out = capsys.readouterr()
    assert (code, out.out) == (2, ""), out
    (line,) = out.err.splitlines()
    assert line.startswith(f"perigee: {said}") and line.endswith("."), line


def test_models_are_chosen_by_name_and_the_application_always_comes_first() -> None:
    catalogue = read_repository(SEED_REPOSITORY)
    for names in ([], ["all"], ["bank", "all"]):
        chosen, cards, notes = choose(catalogue, names)
        assert (chosen, [card.name for card in cards], notes) == (NAMES, NAMES[2:4], [])
    chosen, cards, _ = choose(catalogue, ["random", "vae_timeseries", "random"])
    assert (chosen, [card.name for card in cards]) == (["application", "vae_timeseries", "random"], ["vae_timeseries"])
    assert choose(catalogue, ["bank"]) == (["application", "bank"], (), [])


def test_a_model_that_cannot_judge_is_said_and_left_out() -> None:
    catalogue = read_repository(SEED_REPOSITORY)
    first, *others = catalogue.cards
    hourly = replace(first, spec=replace(first.spec, sample_period=3_600_000_000))
    chosen, cards, notes = choose(replace(catalogue, cards=(hourly, *others)), [])
    assert first.name not in chosen and len(cards) == 2
    assert [note.partition(":")[0] for note in notes] == [f"{first.name} does not judge"]


@pytest.fixture
def long_run(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run of a minute and more, which has just begun to judge, in a process group of its own as in a terminal."""
    with subprocess.Popen(
        [str(PERIGEE), "evaluate", str(write(tmp_path / "mission", 500_000)), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "perigee: 0 of 3 channels judged.\n"
        yield process


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals to a process group")
def test_ctrl_c_ends_every_process_and_gives_no_figures_of_a_part(long_run: subprocess.Popen[str]) -> None:
    os.killpg(long_run.pid, signal.SIGINT)
    out, said = long_run.communicate(timeout=DEADLINE_S)  # the pipes end with the last process that holds them
    assert (long_run.returncode, out) == (130, "")
    assert said == (
        "perigee: Interrupted with 0 of 3 channels judged: figures of a part would be those of another data set, so "
        "none are given.\n"
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
def test_a_process_that_is_ended_from_outside_ends_the_run_with_a_sentence(long_run: subprocess.Popen[str]) -> None:
    children = Path(f"/proc/{long_run.pid}/task/{long_run.pid}/children").read_text().split()
    judging = [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    os.kill(judging[0], signal.SIGKILL)
    out, said = long_run.communicate(timeout=DEADLINE_S)
    assert (long_run.returncode, out) == (3, "")
    assert (
        said.startswith("perigee: Ended early. A process that judges was ended from outside") and said.count("\n") == 1
    )


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals to a process group")
def test_processes_that_judge_end_with_the_one_that_asked(long_run: subprocess.Popen[str]) -> None:
    long_run.kill()
    out, said = long_run.communicate(timeout=DEADLINE_S)
    assert (long_run.returncode, out) == (-signal.SIGKILL, "")
    assert "Traceback" not in said
