"""Whatever comes as telemetry: no crash, no warning, no NaN in a score that is told, and it is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detection import SISTERS, DetectionSettings, Flaws, Judge, WindowSpec
from detection.judge import Output
from telemetry import Channel, ChannelType, Frame, Group, Limit, Quality, Severity
from telemetry.clock import SECOND
from tests.detection.conftest import score_at_once

QUICK = DetectionSettings(fits=(40, 120), arm_after=120, history=512, rearm=20)
SPEC = WindowSpec("near", "3", "score", 16, 4)
N = 400
LARGE = 1e300


def checked(output: Output) -> None:
    """Every number that is told is one."""
    for event in output.events:
        assert np.isfinite(event.score) and event.score >= 1.0
        assert event.model == SISTERS or (event.threshold is not None and np.isfinite(event.threshold))
        assert event.onset is not None and event.peak is not None
        assert event.onset <= event.start <= event.peak <= event.end
        assert sum(one.share for one in event.channels) == pytest.approx(1.0)
        assert all(np.isfinite(one.score) for one in event.channels)
    for judged in output.judged:
        assert not np.isinf(judged.ratio).any()
        low, high = judged.low, judged.high
        np.testing.assert_array_equal(np.isnan(low), np.isnan(high))
        assert (np.isnan(low) | (low <= high)).all()
    for scored in output.scored:
        assert not np.isinf(scored.ratio).any()


def run(frames: list[Frame], rules: DetectionSettings = QUICK) -> Judge:
    judge = Judge([SPEC], score_at_once, rules)
    for one in frames:
        checked(judge.feed(one))
    checked(judge.drain())
    return judge


@st.composite
def column(draw: st.DrawFn) -> Any:
    """(N,) one channel: something plain, spoilt in a few places."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = draw(st.sampled_from([1e-300, 1e-9, 1.0, 1e9, LARGE]))
    plain = (
        random.standard_normal(N) * scale,
        np.full(N, draw(st.sampled_from([0.0, -0.0, 1.5, -1e9, 5e-324, LARGE, -LARGE]))),
        np.sin(np.arange(N) / 7) * scale,
        np.arange(N) * scale,
        np.full(N, np.nan),
        np.full(N, np.inf),
    )
    x = plain[draw(st.integers(0, len(plain) - 1))]
    odd = [np.nan, np.inf, -np.inf, 0.0, 1000 * scale, -1000 * scale, 1.7e308, -1.7e308, 5e-324]
    for _ in range(draw(st.integers(0, 4))):
        start, length = draw(st.integers(0, N - 1)), draw(st.sampled_from([1, 2, 30, N]))
        x[start : start + length] = draw(st.sampled_from(odd))
    return x


@st.composite
def stream(draw: st.DrawFn) -> list[Frame]:
    """Frames of one group of three channels, now and then late, twice, after a gap or before all that came."""
    types: list[ChannelType] = [draw(st.sampled_from(("f8", "i4", "bool"))), "f8", "f8"]
    limits = (Limit(Severity.WARNING, -100.0, 100.0),)
    channels = tuple(Channel("SAT", "", f"c{i}", type=kind, limits=limits) for i, kind in enumerate(types))
    group = Group("SAT", "g", channels, draw(st.sampled_from([SECOND, None])))
    columns = [draw(column()) for _ in types]
    frames, at, clock = [], 0, draw(st.sampled_from([0, 1_893_456_000 * SECOND, -(10**15)]))
    while at < N:
        n = min(draw(st.sampled_from([1, 2, 7, 60, N])), N - at)
        times = clock + np.arange(n, dtype=np.int64) * draw(st.sampled_from([SECOND, SECOND, 0, 1]))
        quality = None
        if draw(st.booleans()):
            flags = np.random.default_rng(at).integers(0, 16, n).astype(np.uint8)
            quality = (flags, None, flags[::-1].copy())
        frames.append(Frame(group, times, tuple(one[at : at + n] for one in columns), quality))
        step = draw(st.sampled_from([1, 1, 1, 0, -5, 60, 10**7, -(10**6)]))
        clock, at = int(times[-1]) + step * SECOND, at + n
    return frames


@pytest.mark.filterwarnings("ignore:Generating overly large repr")  # of an example that fails: it is wanted
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stream())
def test_whatever_comes_nothing_breaks_and_no_score_is_without_a_number(frames: list[Frame]) -> None:
    judge = run(frames)
    assert all(count >= 0 for one in judge.flaws.values() for count in astuple(one))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [np.nan, np.nan], [np.inf, 1.0]])
def test_a_stream_may_be_as_short_as_it_likes(values: list[float], frame: Callable[..., Frame]) -> None:
    judge = run([frame(np.array(values).reshape(-1, 1))])
    assert not judge.drain().events


def test_a_channel_that_never_moves_is_no_event_and_its_ratio_is_told(frame: Callable[..., Frame]) -> None:
    judge = Judge([], score_at_once, QUICK)
    output = judge.feed(frame(np.full((N, 1), 3.25)))
    assert not output.events and not judge.drain().events and not judge.flaws
    told = output.judged[0].ratio[200:]
    assert np.isfinite(told).all() and (told <= 1).all()


@pytest.mark.parametrize("value", [1e6, -1e300, 1.7e308])
def test_a_value_a_thousand_scales_away_is_an_event_with_a_number(
    value: float, calm: Callable[..., Any], frame: Callable[..., Frame]
) -> None:
    x = calm(N, 2)
    x[300:303, 0] = value
    judge = Judge([], score_at_once, QUICK)
    judge.feed(frame(x))
    (event,) = judge.drain().events
    assert event.channels[0].name == "c0" and np.isfinite(event.score) and event.score > 10


def test_a_channel_that_vanishes_and_comes_back_is_no_event(
    calm: Callable[..., Any], frame: Callable[..., Frame]
) -> None:
    x = calm(900, 2)
    x[300:500, 0] = np.nan
    judge = run([frame(x)])
    assert judge.flaws == {"SAT/c0": Flaws(missing=200)}
    assert not judge.drain().events


def flagged(x: Any, times: Any, bits: dict[int, Quality]) -> Frame:
    group = Group("SAT", "g", tuple(Channel("SAT", "", f"c{i}") for i in range(x.shape[1])), SECOND)
    flags = np.zeros(len(x), dtype=np.uint8)
    for row, bit in bits.items():
        flags[row] |= bit
    return Frame(group, np.asarray(times) * SECOND, tuple(np.ascontiguousarray(x.T)), (flags, None))


def test_every_kind_of_flaw_is_counted_on_its_channel() -> None:
    x = np.ones((6, 2))
    x[1, 1], x[2, 1] = np.nan, -np.inf
    first = flagged(x, [10, 11, 12, 13, 13, 14], {0: Quality.INVALID, 3: Quality.MISSING, 5: Quality.LATE})
    late = flagged(np.ones((3, 2)), [12, 13, 14], {2: Quality.REPEATED})
    jumped = flagged(np.ones((1, 2)), [-500], {})
    judge = Judge([], score_at_once, QUICK)
    for one in (first, late, jumped):
        checked(judge.feed(one))
    assert judge.flaws == {
        "SAT/c0": Flaws(missing=1, invalid=1, late=3, duplicate=2, jumped_back=1),
        "SAT/c1": Flaws(missing=1, infinite=1, late=2, duplicate=2, jumped_back=1),
    }


@given(cuts=st.lists(st.integers(1, 40), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_flaws_do_not_depend_on_the_cut(cuts: list[int]) -> None:
    random = np.random.default_rng(4)
    x = random.choice([1.0, 2.0, np.nan, np.inf], (60, 2))
    times = np.sort(random.integers(0, 50, 60))
    whole = flagged(x, times, {5: Quality.LATE, 6: Quality.INVALID, 7: Quality.MISSING})
    judges = Judge([], score_at_once, QUICK), Judge([], score_at_once, QUICK)
    judges[0].feed(whole)
    at = 0
    for turn in range(60):
        judges[1].feed(whole.part(at, at + cuts[turn % len(cuts)]))
        at = min(60, at + cuts[turn % len(cuts)])
    assert judges[0].flaws == judges[1].flaws
