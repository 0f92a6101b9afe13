"""One recording is judged as in service, and one pass finds for each model what a judge of its own would find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.evaluation.judging import APPLICATION, GAP, MERGE, MINUTE, PLAIN, RANDOM, _judge, judge_recording
from app.evaluation.layout import Recording, read_dataset, read_values
from app.evaluation.metrics import merged
from app.paths import SEED_REPOSITORY
from detection import BANK, ROBUST_Z, DetectionSettings, Judge, Policy, WindowSpec
from inference import EngineError, FakeEngine, ModelCard, Pool, open_engine, read_repository
from telemetry import Channel, Frame, Group
from tests.evaluation.conftest import burst, cycle

if TYPE_CHECKING:
    from tests.evaluation.conftest import MakeFolder

SILENT = Policy(margins=(1e9,) * len(BANK))


@pytest.fixture(scope="module")
def cards() -> tuple[ModelCard, ...]:
    return read_repository(SEED_REPOSITORY).select()


@pytest.fixture(scope="module")
def pool(cards: tuple[ModelCard, ...]) -> Iterator[Pool]:
    engine = open_engine("embedded", cards)
    pool = Pool(engine, cards)
    yield pool
    pool.close(10.0)
    engine.close()


@pytest.fixture
def names(cards: tuple[ModelCard, ...]) -> list[str]:
    return [APPLICATION, PLAIN, *(card.name for card in cards), ROBUST_Z, RANDOM]


@pytest.fixture
def recording(make_folder: MakeFolder) -> Recording:
    """Two bursts, one of them labelled, and a shift that is labelled too."""
    test = burst(burst(cycle(1500, 2), 700, 730), 1000, 1020)
    test[1300:1330] += 4
    (one,) = read_dataset(
        make_folder({"A-1": (cycle(1200, 1), test)}, {"A-1": "[[690, 740], [1300, 1329]]"})
    ).recordings
    return one


def alarms(recording: Recording, specs: Sequence[WindowSpec], pool: Pool, how: DetectionSettings) -> list[list[int]]:
    """First and last test sample of each event of a judge that is set up as ``how`` says."""
    train, test = read_values(recording.train), read_values(recording.test)
    group = Group("s", "g", (Channel("s", "", "c", span=recording.span),), MINUTE)
    judge = Judge(specs, pool.submit, how)
    judge.feed(Frame(group, np.arange(len(train)) * MINUTE, (train,)))
    judge.commission()
    begin = len(train) + GAP
    out = judge.feed(Frame(group, (begin + np.arange(len(test))) * MINUTE, (test,)))
    last = {event.key: event for event in (*out.events, *judge.drain().events)}
    found = [[event.start // MINUTE - begin, event.end // MINUTE - begin] for event in last.values()]
    return sorted(span for span in found if span[1] >= 0)


def test_alarm_samples_that_are_merged_are_the_events_of_a_judge_of_its_own(
    recording: Recording, cards: tuple[ModelCard, ...], pool: Pool, names: list[str]
) -> None:
    specs = [card.spec for card in cards]
    traces = _judge(recording, specs, pool, names)
    found = {name: merged(trace.samples, MERGE).tolist() for name, trace in traces.items()}
    assert found[APPLICATION] == alarms(recording, specs, pool, DetectionSettings()) != []
    assert found[PLAIN] == alarms(recording, [], pool, DetectionSettings()) != []
    alone = DetectionSettings(robust_z_opens=True, bank=SILENT)
    assert found[ROBUST_Z] == alarms(recording, [], pool, alone) != []
    alone = DetectionSettings(networks_open=True, bank=SILENT)
    for spec in specs:
        assert found[spec.model] == alarms(recording, [spec], pool, alone) != []


def test_what_is_counted_fits_the_recording(
    recording: Recording, cards: tuple[ModelCard, ...], pool: Pool, names: list[str]
) -> None:
    outcomes = judge_recording(recording, [card.spec for card in cards], pool, names)
    assert list(outcomes) == names
    plain = outcomes[PLAIN]
    assert (plain.tally.tp, plain.tally.fp, plain.tally.fn) == (2, 1, 0)
    assert plain.tally.nominal == 1500 - 51 - 30
    assert 10 <= plain.tally.delays[0] <= 20  # the label begins 10 samples before the burst
    for name, outcome in outcomes.items():
        assert outcome.vus_pr is not None and 0 < outcome.vus_pr < 1, name
    assert min(outcomes[name].vus_pr or 0.0 for name in names if name != RANDOM) > (outcomes[RANDOM].vus_pr or 1.0)


def test_labels_change_no_alarm_and_a_second_run_changes_nothing(
    recording: Recording, cards: tuple[ModelCard, ...], pool: Pool, names: list[str]
) -> None:
    specs = [card.spec for card in cards]
    one = _judge(recording, specs, pool, names)
    other = _judge(replace(recording, spans=recording.spans[:0]), specs, pool, names)
    for name in names:
        assert np.array_equal(one[name].samples, other[name].samples)
        assert np.array_equal(one[name].scores, other[name].scores)
    outcomes = judge_recording(replace(recording, spans=recording.spans[:0]), specs, pool, names)
    assert {(outcome.vus_pr, outcome.vus_pr_reason) for outcome in outcomes.values()} == {
        (None, "no sample is labelled")
    }


def test_models_that_are_not_asked_change_nothing(
    recording: Recording, cards: tuple[ModelCard, ...], pool: Pool, names: list[str]
) -> None:
    specs = [card.spec for card in cards]
    whole = judge_recording(recording, specs, pool, names)
    for chosen in ([APPLICATION], [PLAIN], [names[3], RANDOM]):
        for name, outcome in judge_recording(recording, specs, pool, chosen).items():
            assert replace(outcome, seconds=0) == replace(whole[name], seconds=0), name


def test_scores_are_told_at_every_sample_and_never_before_they_are_known(
    recording: Recording, cards: tuple[ModelCard, ...], pool: Pool, names: list[str]
) -> None:
    specs = [card.spec for card in cards]
    for name, trace in _judge(recording, specs, pool, names).items():
        assert trace.scores.shape == (1500,) and np.isfinite(trace.scores).all(), name
    changed = read_values(recording.test).copy()
    changed[900:] = 0.0
    later = recording.test.with_name("later.npy")
    np.save(later, changed[:, None])
    before, after = (_judge(replace(recording, test=file), specs, pool, names) for file in (recording.test, later))
    for name in names:
        assert np.array_equal(before[name].scores[:900], after[name].scores[:900]), name
        one, other = (trace[name].samples for trace in (before, after))
        assert np.array_equal(one[one < 900], other[other < 900]), name


@pytest.mark.parametrize("length", [1, 2, 300])
def test_short_and_constant_recordings_are_judged(
    make_folder: MakeFolder, cards: tuple[ModelCard, ...], pool: Pool, names: list[str], length: int
) -> None:
    still = np.full(length, 7.5)
    folder = make_folder({"A-1": (np.full(300, 7.5), still)}, {"A-1": "[[0, 0]]"})
    (one,) = read_dataset(folder).recordings
    outcomes = judge_recording(one, [card.spec for card in cards], pool, names)
    for name, outcome in outcomes.items():
        counts = (outcome.tally.tp, outcome.tally.fp, outcome.tally.fn, outcome.tally.nominal)
        assert name == RANDOM or counts == (0, 0, 1, length - 1)
        assert length > 2 or outcome.vus_pr is None


def test_a_window_that_is_not_scored_is_an_error_and_no_figure(
    recording: Recording, cards: tuple[ModelCard, ...]
) -> None:
    engine = FakeEngine()
    for card in cards:
        engine.load(card)
    pool = Pool(engine, cards)
    pool.close(1.0)
    with pytest.raises(EngineError, match="windows of A-1 were not scored"):
        judge_recording(recording, [card.spec for card in cards], pool, [APPLICATION])


def test_labelled_events_of_a_real_mission_are_found_and_nothing_else_is(
    real_data: Path, cards: tuple[ModelCard, ...], pool: Pool, names: list[str]
) -> None:
    """Some of NASA SMAP's channels, for stuck values, steps, bursts and quiet channels."""
    chosen = [
        one for one in read_dataset(real_data / "smap").recordings if one.name in ("D-4", "E-8", "F-2", "P-1", "T-3")
    ]
    assert len(chosen) == 5
    for one in chosen:
        tally = judge_recording(one, [], pool, [APPLICATION])[APPLICATION].tally
        assert (tally.tp, tally.fp, tally.fn) == (len(one.spans), 0, 0), one.name
