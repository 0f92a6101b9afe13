"""An hour of the built-in fleet through the whole program: what it finds, what it records, and that both repeat."""

from __future__ import annotations

import csv
import math
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.cli.result import EventResult, InjectedResult, MonitorResult
from simulator import open_simulation
from telemetry.clock import SECOND

if TYPE_CHECKING:
    from tests.app.conftest import Run, Start

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]

HOUR = ("monitor", "sim:demo", "--headless", "--duration", "3600", "--json")
SPEED = 200.0


@pytest.fixture(scope="module", autouse=True)
def hours(start: Start) -> tuple[Run, Run, Run]:
    """The same hour three times, begun together before everything else here, as a script would.

    First at a set speed, which takes 18 s however fast the machine is, then twice at full speed.
    """
    return start(*HOUR, "--speed", f"{SPEED:g}"), start(*HOUR, "--speed", "max"), start(*HOUR, "--speed", "max")


@pytest.fixture(scope="module")
def fastest(hours: tuple[Run, Run, Run]) -> tuple[MonitorResult, MonitorResult]:
    _, first, second = hours
    return finished(first), finished(second)


def finished(run: Run) -> MonitorResult:
    code, printed, said = run.end()
    assert code == 0, said
    return MonitorResult.model_validate_json(printed, strict=True)


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    return datetime.fromisoformat(text)


def touches(event: EventResult, fault: InjectedResult) -> bool:
    overlap = moment(event.start) <= moment(fault.end) and moment(event.end) >= moment(fault.start)
    shared = {one.name for one in event.channels} & set(fault.channels)
    return event.satellite == fault.satellite and overlap and bool(shared)


def test_two_sources_given_together_are_both_recorded(start: Start, tmp_path: Path, ask: Ask) -> None:
    file = tmp_path / "bench.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["time", "Voltage (V)", "Current (A)"])
        for second in range(600):
            at = f"2030-01-01T00:{second // 60:02}:{second % 60:02}Z"
            out.writerow([at, 28 + math.sin(second / 30), "" if second % 10 == 0 else second / 100])
    simulation = "sim:quiet?satellites=1&seed=3&duration=600"
    run = start("monitor", str(file), simulation, "--headless", "--speed", "max", "--json", "--archive", "both.duckdb")
    result = finished(run)
    source = open_simulation(simulation)
    sent = sum(frame.count() for frame in source.frames(threading.Event(), 60 * SECOND))
    counts = ask(result.archive, "SELECT satellite, count(*) FROM samples GROUP BY ALL")
    assert sorted(counts) == sorted([("bench", 600 + 540), (source.groups[0].satellite, sent)])
    assert result.samples == result.recorded_samples == 600 + 540 + sent


def test_the_injected_fault_is_found_with_one_of_its_channels_first(
    fastest: tuple[MonitorResult, MonitorResult],
) -> None:
    result, _ = fastest
    (fault,) = result.injected
    led = [event.channels[0].name for event in result.events if touches(event, fault)]
    assert set(led) & set(fault.channels), result.events


def test_at_most_three_events_touch_no_fault(fastest: tuple[MonitorResult, MonitorResult]) -> None:
    result, _ = fastest
    (fault,) = result.injected
    others = [event for event in result.events if not touches(event, fault)]
    assert len(others) <= 3, others


def test_the_shares_of_an_event_sum_to_one_largest_first(fastest: tuple[MonitorResult, MonitorResult]) -> None:
    for event in fastest[0].events:
        shares = [one.contribution for one in event.channels]
        assert shares == sorted(shares, reverse=True)
        assert math.isclose(sum(shares), 1.0, abs_tol=1e-6 * len(shares))
        assert event.score > 1.0 and moment(event.start) <= moment(event.end)


def test_the_archive_holds_exactly_the_samples_that_are_reported(
    fastest: tuple[MonitorResult, MonitorResult], ask: Ask
) -> None:
    result, _ = fastest
    source = open_simulation("sim:demo?duration=3600")
    sent = sum(frame.count() for frame in source.frames(threading.Event(), 600 * SECOND))
    assert ask(result.archive, "SELECT count(*) FROM samples") == [(sent,)]
    assert result.samples == result.recorded_samples == sent
    assert ask(result.archive, "SELECT origin, samples FROM sessions") == [("simulation", sent)]


def test_the_archive_holds_the_events_that_are_reported(fastest: tuple[MonitorResult, MonitorResult], ask: Ask) -> None:
    result, _ = fastest
    found = ask(result.archive, "SELECT satellite, channels[1].name, model, open FROM events ORDER BY start, key")
    assert sorted(found) == sorted((one.satellite, one.channels[0].name, one.model, False) for one in result.events)


def test_both_models_score_and_nothing_is_skipped(fastest: tuple[MonitorResult, MonitorResult]) -> None:
    windows = fastest[0].windows
    assert set(windows.by_model) == {"vae_timeseries", "transformer_timeseries"}
    assert all(windows.by_model.values()) and sum(windows.by_model.values()) == windows.scored
    assert windows.skipped == 0
    assert fastest[0].engine.kind == "embedded" and fastest[0].engine.reason.endswith(".")


def test_the_same_seed_gives_the_same_events(fastest: tuple[MonitorResult, MonitorResult]) -> None:
    first, second = fastest
    assert first.events and first.events == second.events
    assert (first.samples, first.windows) == (second.samples, second.windows)


def test_runs_begun_together_record_into_files_of_their_own(fastest: tuple[MonitorResult, MonitorResult]) -> None:
    assert fastest[0].archive != fastest[1].archive


def test_at_a_set_speed_the_events_are_those_of_full_speed(
    hours: tuple[Run, Run, Run], fastest: tuple[MonitorResult, MonitorResult]
) -> None:
    """The last test here: what it waits for has been going on since the first."""
    result = finished(hours[0])
    assert result.elapsed_s >= 0.99 * 3600 / SPEED
    assert result.events == fastest[0].events
    assert result.recorded_samples == result.samples == fastest[0].samples
