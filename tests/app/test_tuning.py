"""What the operator settles of detection: commissionings and thresholds, asked of a real core, and kept."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import thresholds
from app.audit import note
from app.cli.watch import make_plan
from app.commissioning import LONGEST, MARGIN, Span, propose
from app.launch import attach, start, wait_ready
from app.link.client import CoreClient
from app.link.wire import LinkError
from app.paths import thresholds_file
from app.thresholds import SET, Preview, ThresholdError
from detection import CommissioningError, Override, Thresholds
from detection.event import Event, Judged
from storage import Archive, Reader, Recorder
from telemetry import Channel, Frame, Group, Severity
from telemetry.clock import SECOND

DEADLINE_S = 60.0
Ask = Callable[[str | Path, str], list[tuple[object, ...]]]


class Core:
    """A core of its own, and what it says."""

    def __init__(self, archive: Path, source: str, history: float) -> None:
        self.process = start(replace(make_plan([source], archive=archive), history=history))
        wait_ready(self.process)
        self._changed = threading.Condition()
        self.state: dict[str, Any] = {}
        self.notes: list[str] = []
        client = attach(archive, self._hear, lambda: None)
        assert client is not None
        self.client: CoreClient = client
        self.client.ask("hello")

    def _hear(self, news: dict[str, Any]) -> None:
        with self._changed:
            if news["news"] == "detection":
                self.state = news
            elif news["news"] == "notes":
                self.notes = news["notes"]
            self._changed.notify_all()

    def wait(self, what: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(what, DEADLINE_S), (self.state, self.notes)

    def request(self, do: str, **values: Any) -> dict[str, Any]:
        """The answer, or the refusal."""
        try:
            return self.client.ask(do, **values)
        except LinkError as problem:
            return {"error": str(problem)}

    def until(self, enough: Callable[[dict[str, Any]], bool], do: str, **values: Any) -> dict[str, Any]:
        """The first answer that is enough, as telemetry comes in."""
        end = time.monotonic() + DEADLINE_S
        while True:
            answer = self.request(do, **values)
            if "error" not in answer and enough(answer):
                return answer
            assert time.monotonic() < end, answer

    def job(self) -> dict[str, Any]:
        self.wait(lambda: bool((self.state.get("job") or {}).get("ended")))
        found: dict[str, Any] = self.state["job"]
        return found

    def stop(self) -> None:
        if self.process.poll() is None:
            self.client.ask("stop")
            self.client.join(DEADLINE_S)
            self.client.close()
            self.process.wait(DEADLINE_S)


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Callable[..., Core]]:
    cores: list[Core] = []

    def make(source: str = "sim:quiet?satellites=1", history: float = 2500.0) -> Core:
        cores.append(Core(tmp_path / "t.duckdb", source, history))
        return cores[-1]

    yield make
    for one in cores:
        try:
            one.stop()
        except (OSError, subprocess.TimeoutExpired):
            one.process.kill()


def test_a_satellite_is_commissioned_on_the_span_proposed_and_the_next_session_judges_by_it(
    core: Callable[..., Core], ask: Ask, tmp_path: Path
) -> None:
    first = core()
    first.wait(lambda: first.state.get("commissioned") == {})
    proposed = first.until(lambda _: True, "propose", satellite="SAT-001")
    assert proposed["stop"] - proposed["start"] >= 1000 * SECOND
    span = [proposed["start"], proposed["stop"]]
    first.client.ask("commission", satellite="SAT-001", start=span[0], stop=span[1], who="Kim")
    job = first.job()
    assert job["ended"] == "done" and job["channels"] > 20
    first.wait(lambda: "SAT-001" in first.state["commissioned"])
    assert first.state["commissioned"]["SAT-001"] == span
    first.stop()
    rows = ask(tmp_path / "t.duckdb", "SELECT satellite, who, len(channels) FROM commissionings")
    assert rows == [("SAT-001", "Kim", job["channels"])]
    (noted,) = ask(tmp_path / "t.duckdb", "SELECT what, object, before, after, who != '' FROM audit")
    assert noted == ("commission", "SAT-001", None, json.dumps(span), True)
    second = core()
    second.wait(lambda: any("judged by its nominal span" in note for note in second.notes))
    second.wait(lambda: "SAT-001" in second.state.get("commissioned", ()))


def test_a_commissioning_of_one_simulated_fleet_is_not_taken_for_another_of_the_same_names(
    core: Callable[..., Core],
) -> None:
    first = core()
    proposed = first.until(lambda _: True, "propose", satellite="SAT-001")
    first.client.ask("commission", satellite="SAT-001", start=proposed["start"], stop=proposed["stop"])
    assert first.job()["ended"] == "done"
    first.stop()
    second = core("sim:quiet?satellites=1&seed=99")
    second.wait(lambda: second.state.get("commissioned") == {})


def test_what_cannot_be_settled_is_refused_with_a_sentence(core: Callable[..., Core]) -> None:
    one = core(history=10.0)
    for do, values, words in (
        ("propose", {"satellite": "SAT-009"}, "No satellite SAT-009"),
        ("commission", {"satellite": "SAT-009", "start": 0, "stop": 1}, "No satellite SAT-009"),
        ("commission", {"satellite": "SAT-001", "start": 5, "stop": 5}, "ends after it begins"),
        ("commission", {"satellite": "SAT-001", "start": "soon", "stop": 5}, "cannot be set"),
        ("threshold", {"channels": "*", "factor": 0.1}, "between 0.6 and 1000"),
        ("threshold", {"channels": "*", "factor": "much"}, "cannot be set"),
        ("preview", {"channels": "NOBODY/*"}, "No scores of NOBODY/*"),
    ):
        answer = one.request(do, **values)
        assert words in answer["error"] and answer["error"].endswith("."), (do, values, answer)


def test_too_short_a_span_fails_with_a_sentence_and_changes_nothing(core: Callable[..., Core]) -> None:
    one = core(history=200.0)
    one.client.ask("commission", satellite="SAT-001", start=0, stop=60 * SECOND)
    job = one.job()
    assert job["ended"] == "failed" and "too little telemetry" in job["why"]
    assert one.state["commissioned"] == {}
    one.client.ask("commission", satellite="SAT-001", start=0, stop=60 * SECOND)
    one.wait(lambda: one.state["job"] == {**job, "number": 2})


def test_a_threshold_in_the_operators_words_is_previewed_set_and_kept(
    core: Callable[..., Core], ask: Ask, tmp_path: Path
) -> None:
    first = core()
    answer = first.until(lambda it: it["days"] > 0.02, "preview", channels="SAT-001/*", share_of_time=0.005)
    at = answer["factors"].index(answer["factor"])
    assert answer["share"][at] <= 0.005 and answer["now"] == 1.0
    assert sorted(answer["share"], reverse=True) == answer["share"]
    words = "at most 0.5 % of the time"
    first.client.ask("threshold", channels="SAT-001/*", factor=answer["factor"], meaning=words)
    first.wait(lambda: bool(first.state["thresholds"]))
    first.stop()
    kept = thresholds.load(thresholds_file())
    assert kept == Thresholds((Override("SAT-001/*", answer["factor"], words),))
    second = core()
    second.wait(lambda: bool(second.state.get("thresholds")))
    assert second.state["thresholds"][0]["meaning"] == words
    second.client.ask("threshold", channels="SAT-001/*", factor=None)
    second.wait(lambda: second.state["thresholds"] == [])
    second.stop()
    found = ask(tmp_path / "t.duckdb", "SELECT settings->'$.thresholds[0].meaning' FROM sessions ORDER BY session")
    assert found == [(None,), (f'"{words}"',)]
    noted = ask(
        tmp_path / "t.duckdb",
        "SELECT session, what, object, (before->>'factor')::DOUBLE, (after->>'factor')::DOUBLE, "
        "(after->'since'->>'SAT-001') IS NOT NULL, who != '' FROM audit ORDER BY time",
    )
    factor = answer["factor"]
    assert noted == [
        (1, "set threshold", "SAT-001/*", None, factor, True, True),
        (2, "set threshold", "SAT-001/*", factor, None, True, True),
    ]
    assert thresholds.load(thresholds_file()) == Thresholds()


def test_scores_are_previewed_with_the_factor_that_was_in_force_when_they_were_made(tmp_path: Path) -> None:
    """Twice the threshold all the time, judged by a factor of 1, from 20 minutes on 2, from 40 minutes on 1 again."""
    group = Group("SAT", "g", (Channel("SAT", "eps", "volts"),), SECOND)
    times = np.arange(3600, dtype=np.int64) * SECOND
    ratio = np.where((times > 1200 * SECOND) & (times <= 2400 * SECOND), 1.0, 2.0).astype(np.float32)[:, None]
    with Archive.open(tmp_path / "a.duckdb") as archive:
        session = archive.begin_session(started=0, origin="import", sources=["a.csv"])
        recorder = Recorder(archive, reserve_bytes=0)
        recorder.put(session, Frame(group, times, (np.ones(3600),)))
        recorder.put(session, Judged(group, times, ratio, ratio, ratio))
        assert recorder.close(10.0)
        note(archive, session, SET, "*", None, {"channels": "*", "factor": 2.0, "since": {"SAT": 1200 * SECOND}})
        note(archive, session, SET, "*", None, {"since": {"SAT": 2400 * SECOND}})
        note(archive, session + 1, SET, "*", None, {"channels": "*", "factor": 9.0, "since": {"SAT": 0}})
        found = thresholds.preview(Reader(archive), "SAT/*", Thresholds())
    assert set(found.share[found.factors < 2.0]) == {1.0} and set(found.share[found.factors > 2.0]) == {0.0}
    assert round(found.days * 1440) == 56, "the minute of a change and the one before are left out"


def event(start: int, end: int, going_on: bool = False) -> Event:
    return Event(1, "S", start * SECOND, end * SECOND, going_on, Severity.WATCH, "ar", "1", 2.0, ())


def test_the_longest_stretch_without_a_finding_is_proposed() -> None:
    hour = 3600
    events = [event(2 * hour, 2 * hour + 60), event(9 * hour, 9 * hour + 10, going_on=True)]
    gaps = [(5 * hour * SECOND, 5 * hour * SECOND + 1)]
    span = propose(0, 10 * hour * SECOND, SECOND, events, gaps)
    assert span == Span(5 * hour * SECOND + 1, 9 * hour * SECOND - MARGIN)
    assert propose(0, 3 * LONGEST, SECOND, []) == Span(2 * LONGEST, 3 * LONGEST)


def test_nothing_is_proposed_where_no_stretch_is_long_enough() -> None:
    with pytest.raises(CommissioningError, match="17 minutes on end"):
        propose(0, 900 * SECOND, SECOND, [])
    with pytest.raises(CommissioningError):
        propose(0, 2400 * SECOND, SECOND, [event(1200, 1201)])


def test_the_smallest_factor_that_is_enough_is_chosen() -> None:
    found = Preview(np.array([1.0, 2.0, 3.0]), np.array([9.0, 1.0, 0.0]), np.array([0.2, 0.004, 0.0]), 1.0, 1.0)
    assert (found.for_findings(1.0), found.for_findings(0.5), found.for_share(0.005)) == (2.0, 3.0, 2.0)
    # Where all of the time is above the threshold there is one finding, which is not few.
    endless = Preview(np.array([0.6, 1.0, 2.0]), np.array([0.2, 9.0, 0.5]), np.array([1.0, 0.2, 0.0]), 5.0, 1.0)
    assert endless.for_findings(1.0) == 2.0
    with pytest.raises(ThresholdError, match="see whether those findings are true"):
        found.for_findings(-1.0)


@pytest.mark.parametrize(
    "text",
    ["threshold = 3", "[[threshold]]\nchannels = 'x'",
     "[[threshold]]\nchannels='x'\nfactor='a'", "[[threshold]", "\xff",
     "[[threshold]]\nchannels='x'\nfactor=0.0", "[[threshold]]\nchannels='x'\nfactor=1.0\nx=1"],
)  # fmt: skip
def test_a_file_of_thresholds_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(ThresholdError, match=r"thresholds\.toml cannot be used"):
        thresholds.load(file)


def test_thresholds_come_back_from_their_file(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "thresholds.toml"
    one = Thresholds((Override('A"B/*', 1.1, "about 1 finding a day"), Override("*", 3.0)))
    thresholds.save(file, one)
    assert thresholds.load(file) == one
    assert thresholds.load(tmp_path / "none.toml") == Thresholds()
