"""``perigee train``: from a file to a model that the next ``perigee monitor`` uses, and what it refuses."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.cli.result import MonitorResult
from app.cli.teach import TrainResult
from app.teaching import DAY, MARGIN, Wanted, from_archive, from_source
from app.tutor import Tutor
from simulator import open_simulation
from storage import Archive, Reader, Recorder
from telemetry import Channel, Frame, Group, Injected, ListSource
from telemetry.clock import SECOND
from training.errors import TrainingError
from training.own import why_not

if TYPE_CHECKING:
    from tests.app.conftest import Start

needs_torch = pytest.mark.skipif(bool(why_not()), reason=why_not() or "torch is installed")
GROUP = Group("SAT-001", "eps", (Channel("SAT-001", "eps", "a"), Channel("SAT-001", "eps", "b")), SECOND)


def table(file: Path, n: int, begin: int = 0) -> Path:
    """A recording of a current that follows the size of a speed, and of a voltage that follows nothing."""
    t = np.arange(begin, begin + n)
    rng = np.random.default_rng(begin + 1)
    speed = 50 * np.sin(t / 40) + 30 * np.sin(t / 171) + rng.standard_normal(n)
    rows = np.stack([t, 0.2 + 0.01 * np.abs(speed), speed, 28 + 0.1 * rng.standard_normal(n)], axis=1)
    np.savetxt(file, rows, "%.6g", ",", header="t,current,speed,voltage", comments="")
    return file


@needs_torch
def test_a_model_of_a_recording_judges_the_next_one(start: Start, tmp_path: Path) -> None:
    nominal = table(tmp_path / "nominal.csv", 4000)
    code, printed, said = start("train", str(nominal), "--kind", "transformer", "--minutes", "0.02", "--json").end()
    assert code == 0, said
    made = TrainResult.model_validate_json(printed, strict=True)
    assert (made.name, made.version, made.channels) == ("own_transformer", "1", ["current", "speed", "voltage"])
    assert made.parity_max_abs < 1e-4 and made.replaced is None and any("Training" in line for line in said)

    today = table(tmp_path / "today.csv", 400, begin=9000)
    options = ("--headless", "--json", "--speed", "max", "--model", "own_transformer", "--model", "vae_timeseries")
    code, printed, said = start("monitor", str(today), *options).end()
    assert code == 0, said
    watched = MonitorResult.model_validate_json(printed, strict=True)
    assert watched.windows.by_model["own_transformer"] == (400 - 120) // 8 + 1 and watched.notes == []
    assert Path(made.path).parents[1].parent.name == "models", "in the user's folder, not beside the program"


@needs_torch
def test_ctrl_c_publishes_nothing(start: Start, tmp_path: Path) -> None:
    nominal = table(tmp_path / "nominal.csv", 4000)
    where = tmp_path / "models"
    where.mkdir()
    run = start("train", str(nominal), "--repository", str(where), "--minutes", "9")
    run.wait_for("Training 10 %")
    run.signal(signal.SIGINT)
    code, printed, said = run.end()
    assert (code, printed, list(where.iterdir())) == (130, "", [])
    assert said[-1] == "perigee: Stopped; nothing was published."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Give a source to learn from"),
        (["sim:quiet", "--archive", "x"], "Give a source to learn from"),
        (["--archive", "x"], "--archive needs --session"),
        (["sim:quiet", "--kind", "forest"], "--kind is vae or transformer"),
        (["sim:quiet", "--minutes", "0"], "--minutes takes a number above 0"),
        (["sim:quiet", "--repository", "/nope"], "There is no folder /nope: make it, or leave --repository out."),
        (["sim:quiet", "--from", "2030-01-02", "--to", "2030-01-01"], "Nothing lies from 2030-01-02 to 2030-01-01"),
        (["sim:quiet", "--out", "x"], "--out trains the reference models"),
    ],
)
def test_what_cannot_be_trained_is_one_line_with_a_cure(start: Start, arguments: list[str], words: str) -> None:
    code, printed, said = start("train", *arguments).end()
    assert (code, printed, len(said)) == (2, "", 1) and words in said[0]


def test_a_day_is_taken_of_a_source_that_never_ends_and_only_of_what_is_asked_for() -> None:
    (recording,) = from_source(open_simulation("sim:quiet?satellites=1"), Wanted(("comm",)), threading.Event())
    series = {one.channel.path: one for one in recording.series}
    assert {path.partition("/")[0] for path in series} == {"comm"}
    times = series["comm/backlog"].times
    assert times[-1] - times[0] == DAY and recording.odd == ()


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted(("eps",), "SAT-009"), "There is no satellite SAT-009: there is SAT-001"),
        (Wanted(("nose",)), "There is no subsystem nose: there is eps"),
        (Wanted(()), "with --subsystem: there is eps"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(wanted: Wanted, says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        from_source(open_simulation("sim:quiet?satellites=1&duration=10"), wanted, threading.Event())


def recorded(folder: Path, frame: Frame, *labels: Injected) -> tuple[Archive, int]:
    """An archive that holds ``frame``, and its session."""
    archive = Archive.open(folder / "a.duckdb")
    recorder = Recorder(archive)
    session = archive.begin_session(started=0, origin="import", sources=["x"], settings="{}", models="[]")
    archive.add_labels(session, labels)
    assert recorder.put(session, frame, wait=True, timeout=10.0)
    recorder.close(10.0)
    return archive, session


def test_an_archive_gives_what_a_source_does_and_says_what_was_not_nominal(tmp_path: Path) -> None:
    n = 500
    values = np.random.default_rng(0).normal(size=(2, n))
    frame = Frame(GROUP, np.arange(n) * SECOND, tuple(values))
    label = Injected("SAT-001", ("eps/a",), "wear", 100 * SECOND, 150 * SECOND, 100 * SECOND)
    nominal = Injected("SAT-001", ("eps/a",), "manoeuvre", 0, SECOND, 0, category="nominal")
    wanted = Wanted(("eps",), "SAT-001", 50 * SECOND, 449 * SECOND)
    source = ListSource([frame], injected=(label, nominal))
    (direct,) = from_source(source, wanted, threading.Event())
    archive, session = recorded(tmp_path, frame, label, nominal)
    (stored,) = from_archive(Reader(archive), session, wanted)
    archive.close()
    assert stored.odd == direct.odd == ((100 * SECOND - MARGIN, 150 * SECOND + MARGIN),)
    for one, other in zip(stored.series, direct.series, strict=True):
        assert one.channel == other.channel
        np.testing.assert_array_equal(one.times, other.times)
        np.testing.assert_array_equal(one.values, other.values)
    assert len(direct.series[0].times) == 400


@needs_torch
def test_a_core_says_how_the_training_that_it_was_asked_for_ended(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(2, 500))
    archive, session = recorded(tmp_path, Frame(GROUP, np.arange(500) * SECOND, tuple(values)))
    tutor = Tutor(archive, session, tmp_path / "models")
    asked: dict[str, Any] = {
        "do": "teach",
        "subsystem": "eps",
        "satellite": "SAT-001",
        "start": 0,
        "stop": 500 * SECOND,
    }
    assert tutor.answer({"do": "play"}) is None
    assert tutor.answer({**asked, "kind": "forest"}) == {"error": "There is no kind of network 'forest'."}
    assert tutor.answer({**asked, "kind": "vae"}) is not None
    tutor.join(10.0)
    told = tutor.answer({"do": "teaching"})
    assert told is not None and "too few to learn from" in str(told["said"])
    tutor.close(1.0)
    archive.close()
    assert not (tmp_path / "models").exists()
