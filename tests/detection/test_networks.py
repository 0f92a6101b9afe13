"""What a network is asked, and what becomes of its answers."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from detection import DetectionSettings, Judge, Scored, WindowSpec
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND

SPEC = WindowSpec("near", "2", "reconstruction", 64, 8)
Scores = npt.NDArray[np.float32]


class Recording:
    """A model that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Scores] = []

    def __call__(self, model: str, windows: Scores) -> Future[Scores]:
        self.asked.append(windows)
        future: Future[Scores] = Future()
        future.set_result(np.abs(windows[:, -8:]).mean(axis=1))
        return future

    @property
    def windows(self) -> Scores:
        return np.concatenate(self.asked)


def scored(frames: list[Any], submit: Any, settings: DetectionSettings, spec: WindowSpec = SPEC) -> list[Scored]:
    judge = Judge([spec], submit, settings)
    out = [one for frame in frames for one in judge.feed(frame).scored]
    return [*out, *judge.drain().scored]


def stamps(found: list[Scored], channel: int = 0) -> list[int]:
    return [int(t) // SECOND for one in found for t, c in zip(one.times, one.channels, strict=True) if c == channel]


def test_a_window_ends_at_every_eighth_sample_once_there_is_a_location(calm: Any, frame: Any, quick: Any) -> None:
    model = Recording()
    found = scored([frame(calm(400, 1))], model, quick)
    assert stamps(found) == list(range(103, 400, 8))
    assert model.windows.dtype == np.float32 and model.windows.shape[1] == 64


def test_a_window_is_less_the_location_over_the_scale(frame: Any, quick: Any) -> None:
    x = (500.0 + 20 * np.sin(np.arange(400) / 7))[:, None]
    model = Recording()
    scored([frame(x)], model, quick)
    assert -1.3 < model.windows.min() < -0.8 and 0.8 < model.windows.max() < 1.3
    scale = 1.4826 * np.median(np.abs(x[:100] - np.median(x[:100])))
    shape = model.windows[0] * scale - (x[40:104, 0] - 500)
    assert np.ptp(shape) < 2.5, "the newest 64 samples, oldest first"


def test_the_location_follows_a_sample_at_a_time_and_is_frozen_in_alarm(frame: Any, quick: Any) -> None:
    rng = np.random.default_rng(2)
    x = 0.5 * rng.standard_normal((1200, 1))
    x[:, 0] += np.linspace(0, 1, 1200)
    x[1000:1150] += 30
    model = Recording()
    scored([frame(x)], model, quick)
    middle = np.median(model.windows, axis=1)
    drift = np.median(np.stack([x[i - 63 : i + 1, 0] for i in range(103, 1200, 8)]), axis=1)
    before = (1000 - 104) // 8
    # In units of the scale, which is about .5: the location has followed most of the drift.
    assert abs(middle[before - 20 : before].mean()) * 0.5 < abs(drift[before - 20 : before].mean()) * 0.6
    assert middle[-7] > 5, "60 scales or so away: the fault did not become the new middle"


def test_after_a_gap_no_score_until_nine_tenths_of_the_window_are_real(calm: Any, frame: Any, quick: Any) -> None:
    times = np.arange(600) * SECOND
    times[401:] += 500 * SECOND
    found = scored([frame(calm(600, 1), times=times)], Recording(), quick)
    after = [stamp - 500 - 401 for stamp in stamps(found) if stamp > 900]
    assert after[0] == 63, "sample 58 is the first with 90 %, 63 the first of those on the stride"
    assert after == list(range(63, 199, 8)), "and the stride is counted from the gap"


def test_a_window_with_more_than_a_tenth_missing_is_not_scored(calm: Any, frame: Any, quick: Any) -> None:
    x = calm(600, 1)
    x[300:600:3] = np.nan
    assert max(stamps(scored([frame(x)], Recording(), quick))) < 325


def test_codes_and_switches_are_not_shown_to_networks(quick: Any) -> None:
    group = Group("SAT", "g", (Channel("SAT", "", "mode", type="i4"), Channel("SAT", "", "on", type="bool")), SECOND)
    columns = (np.zeros(500, dtype=np.int32), np.zeros(500, dtype=bool))
    model = Recording()
    scored([Frame(group, np.arange(500) * SECOND, columns)], model, quick)
    assert model.asked == []


def test_a_full_queue_skips_windows_and_counts_them(calm: Any, frame: Any, quick: Any) -> None:
    judge = Judge([SPEC], lambda model, windows: None, quick)
    found = judge.feed(frame(calm(400))).scored
    count = sum(len(one.times) for one in found)
    assert count == judge.skipped == judge.skipped_by_model["near"] == 3 * 38
    assert judge.scored == 0
    assert all(one.skipped.all() and np.isnan(one.ratio).all() for one in found), "recorded as gaps in the scores"


def test_a_model_that_fails_skips_its_windows_and_stops_nothing(calm: Any, frame: Any, quick: Any) -> None:
    def fail(model: str, windows: Scores) -> Future[Scores]:
        future: Future[Scores] = Future()
        future.set_exception(RuntimeError("the engine died"))
        return future

    def short(model: str, windows: Scores) -> Future[Scores]:
        future: Future[Scores] = Future()
        future.set_result(np.zeros(1, dtype=np.float32))
        return future

    def cancelled(model: str, windows: Scores) -> Future[Scores]:
        future: Future[Scores] = Future()
        future.cancel()
        return future

    for broken in (fail, short, cancelled):
        judge = Judge([SPEC], broken, quick)
        assert all(one.skipped.all() for one in judge.feed(frame(calm(400))).scored)
        assert judge.skipped == 3 * 38


def test_scores_that_are_no_numbers_are_told_as_such(calm: Any, frame: Any, quick: Any) -> None:
    def absurd(model: str, windows: Scores) -> Future[Scores]:
        future: Future[Scores] = Future()
        future.set_result(np.resize(np.array([np.nan, np.inf, 1.0], dtype=np.float32), len(windows)))
        return future

    ratio = np.concatenate([one.ratio for one in scored([frame(calm(900))], absurd, quick)])
    assert np.isnan(ratio).sum() >= len(ratio) * 2 // 3 - 2


@pytest.mark.parametrize("opens", [False, True])
def test_a_network_opens_events_only_where_it_may(opens: bool, calm: Any, frame: Any, events: Any, quick: Any) -> None:
    asked = 0

    def alarmed(model: str, windows: Scores) -> Future[Scores]:
        nonlocal asked
        numbers = asked + np.arange(len(windows))
        asked += len(windows)
        future: Future[Scores] = Future()
        future.set_result(np.where((numbers >= 160) & (numbers < 170), 9.0, 0.5).astype(np.float32))
        return future

    found = events([frame(calm(1200, 2))], replace(quick, networks_open=opens), [SPEC], alarmed)
    assert ("near" in {event.model for event in found}) is opens
    assert all(event.version == "2" for event in found if event.model == "near")


def test_a_network_that_saw_the_same_seconds_the_event(calm: Any, frame: Any, events: Any, quick: Any) -> None:
    x = calm(1500)
    x[1000:1040, 1] += 6
    (event,) = events([frame(x)], quick, [SPEC], Recording())
    assert event.model != "near" and {"near", "robust_z"} <= set(event.seconded)


@pytest.mark.parametrize(
    "spec",
    [
        WindowSpec("m", "1", "score", 64, 8, channels=("*/eps/a", "*/eps/b")),
        WindowSpec("m", "1", "score", 64, 8, sample_period=5 * SECOND),
        WindowSpec("m", "1", "forecast", 64, 8),
        WindowSpec("m", "1", "score", 64, 0),
    ],
)
def test_a_model_that_cannot_be_asked_says_why(spec: WindowSpec, calm: Any, frame: Any, quick: Any) -> None:
    model = Recording()
    judge = Judge([spec], model, quick)
    judge.feed(frame(calm(500)))
    assert model.asked == []
    assert len(judge.notes) == 1 and judge.notes[0].startswith("m does not judge: ")
