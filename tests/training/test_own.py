"""A model of the operator's own telemetry: what it is taught, what it finds, and its end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detection import Event, Judge, WindowSpec
from inference import Pool, open_engine, read_repository
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND
from training.errors import TrainingError
from training.own import Ask, checked, predecessor, scores_of, train_own, why_not
from training.spans import BLOCKS, WINDOW, Recording, Series, lesson

needs_torch = pytest.mark.skipif(bool(why_not()), reason=why_not() or "torch is installed")
ASK = Ask(("eps",), "vae", steps=150)
NAMES = ("current", "speed", "voltage")


def satellite(
    n: int, seed: int, fault: tuple[int, int] | None = None
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(n, 3): the current follows the size of the speed, the voltage nothing; in a fault it stays at a usual value."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    speed = 50 * np.sin(t / 40) + 30 * np.sin(t / 171 + seed)
    current = 0.2 + 0.01 * np.abs(speed) + 0.01 * rng.standard_normal(n)
    if fault is not None:
        current[slice(*fault)] = 0.6 + 0.01 * rng.standard_normal(fault[1] - fault[0])
    return np.stack([current, speed + rng.standard_normal(n), 28 + 0.1 * rng.standard_normal(n)], axis=1)


def recording(n: int = 6000, seed: int = 1, odd: Sequence[tuple[int, int]] = (), **types: str) -> Recording:
    values = satellite(n, seed)
    times = np.arange(n) * SECOND
    channels = [Channel("SAT", "eps", name, type=types.get(name, "f8")) for name in NAMES]  # type: ignore[arg-type]
    return Recording("SAT", tuple(Series(c, times, values[:, i]) for i, c in enumerate(channels)), tuple(odd))


def judged(card_folder: Path, name: str, fault: tuple[int, int] | None) -> list[Event]:
    (card,) = read_repository(card_folder).select([name])
    engine = open_engine("embedded", [card])
    pool = Pool(engine, [card])
    group = Group("SAT", "g", tuple(Channel("SAT", "eps", one) for one in NAMES), SECOND)
    judge = Judge([card.spec], pool.submit, groups=[group])
    assert judge.notes == []
    values = satellite(3000, 1, fault)
    frame = Frame(group, (10_000 + np.arange(3000)) * SECOND, tuple(values.T.copy()))
    told = {event.key: event for event in judge.feed(frame).events}
    told.update((event.key, event) for event in judge.drain().events)
    assert judge.scored_by_model[name] == (3000 - 120) // 8 + 1  # from nine tenths of a window on
    pool.close(5.0)
    engine.close()
    return list(told.values())


@needs_torch
def test_a_model_that_was_just_trained_finds_a_fault_inside_every_nominal_range(tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    made = train_own([recording()], ASK, tmp_path, lambda done, left: told.append((done, left)), threading.Event())
    assert (made.card.name, made.card.version, made.channels, made.before) == (
        "eps_vae",
        "1",
        ("eps/current", "eps/speed", "eps/voltage"),
        None,
    )
    assert made.parity_max_abs < 1e-4 and made.now.alarm_share <= 0.01 and made.notes == (), made.now
    assert told[-1] == (1.0, 0.0)
    assert judged(tmp_path, "eps_vae", None) == []
    (event,) = [one for one in judged(tmp_path, "eps_vae", (1500, 1900)) if one.model == "eps_vae"]
    assert (11_500 * SECOND <= event.start <= 11_600 * SECOND, event.version) == (True, "1")
    assert event.channels[0].name == "eps/current"

    taught = lesson([recording()])
    half = len(checked(taught)) // 2
    least = np.array([[place.usual, place.lasting] for place in made.card.spec.places]).T
    together = scores_of(made.card, taught).max(axis=2)
    assert (together <= 1.0001 * least).all(), "a threshold is of the one network that had not seen the time"
    assert (together < 0.9 * least).any()
    before = predecessor(tmp_path / "eps_vae", taught, half)
    assert before is not None and (before.version, before.alarm_share) == ("1", 0.0)
    assert before.least == pytest.approx(made.now.least, rel=1e-4), "the next version is held against this one"
    moved = [replace(one, values=10 * one.values + 3) for one in recording().series]
    other = predecessor(tmp_path / "eps_vae", lesson([replace(recording(), series=tuple(moved))]), half)
    assert other is not None and other.alarm_share == 1.0, "in the scales of its own version"
    assert other.least == pytest.approx(before.least / 10, rel=1e-4), "and told in those of the next"
    assert predecessor(tmp_path / "nobody", taught, half) is None


@needs_torch
def test_a_model_that_was_hardly_trained_says_that_it_learned_next_to_nothing(tmp_path: Path) -> None:
    made = train_own([recording()], replace(ASK, steps=1), tmp_path, lambda *_: None, threading.Event())
    (note,) = made.notes
    assert note.startswith("The model has learned next to nothing: ")
    assert f"{100 * made.now.alarm_share:.1f} % of nominal windows are in alarm" in note
    assert f"from {made.now.least:.2f} standard deviations on" in note


@needs_torch
@pytest.mark.parametrize("kind", ["vae", "transformer"])
def test_the_same_seed_gives_the_same_weights_and_no_channel_sees_itself(kind: str) -> None:
    import torch

    from training.between import KINDS
    from training.fit import set_up
    from training.learn import fit

    taught = lesson([recording(2000)])
    values, ends = torch.from_numpy(taught.values), torch.from_numpy(taught.fitted[0])
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    states = []
    for _ in range(2):
        set_up(5)
        model = KINDS[kind]((WINDOW, 3))
        assert fit(model, values, ends, 4, 60.0, 5) == 4
        states.append(model.state_dict())
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(strict)
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    window = values[:WINDOW][None]
    for channel in range(3):
        other = window.clone()
        other[:, :, channel] += 1.0
        one, two = (model.expected(w)[:, :, channel] for w in (window, other))
        assert torch.equal(one, two), "what is expected of a channel owes nothing to it"


def test_constants_codes_counters_and_what_is_hardly_sent_teach_nothing() -> None:
    base = recording()
    n = 6000
    times = np.arange(n) * SECOND

    def series(name: str, values: object, kind: str = "f8") -> Series:
        return Series(Channel("SAT", "eps", name, type=kind), times, np.asarray(values, dtype=np.float64))  # type: ignore[arg-type]

    rare = np.full(n, np.nan)
    rare[:1000] = np.random.default_rng(0).normal(size=1000)
    more = (
        series("flat", np.full(n, 3.0)),
        series("mode", np.arange(n) // 100 % 3, "i4"),
        series("uptime", np.arange(n)),
        series("rare", rare),
        series("a,b", base.series[0].values),
    )
    taught = lesson([replace(base, series=(*base.series, *more))])
    assert taught.paths == ("eps/current", "eps/speed", "eps/voltage")
    for name, reason in (
        ("flat", "constant"),
        ("mode", "a code"),
        ("uptime", "a counter"),
        ("rare", "silent"),
        ("a,b", "comma"),
    ):
        assert any(f"eps/{name} " in note and reason in note for note in taught.notes), (name, taught.notes)


def test_channels_that_teach_nothing_are_counted_where_none_is_left() -> None:
    times = np.arange(6000) * SECOND
    flat = tuple(Series(Channel("SAT", "eps", f"c{n}"), times, np.ones(6000)) for n in range(40))
    code = Series(Channel("SAT", "eps", "mode", type="i4"), times, (np.arange(6000) % 3).astype(np.float64))
    with pytest.raises(TrainingError) as caught:
        lesson([Recording("SAT", (*flat, code))])
    assert str(caught.value).endswith("Left out: eps/c0, eps/c1, eps/c2 and 37 more (constant); eps/mode (a code).")


@needs_torch
def test_a_score_is_how_far_a_channel_lies_outside_of_what_all_the_networks_expect() -> None:
    import torch

    from training.between import NEWEST, Council, MaskedVae

    torch.manual_seed(3)
    members = [MaskedVae((WINDOW, 3)) for _ in range(3)]
    window = torch.zeros((3, WINDOW, 3))
    expected = torch.stack([member.expected(window).mean(dim=1) for member in members])
    low, high = expected.amin(dim=0), expected.amax(dim=0)
    assert (high - low).min() > 1e-3, "untrained, they disagree"

    def newest(values: torch.Tensor) -> torch.Tensor:
        """Scores of a window whose channel 0 is ``values`` (3,); no network sees it where it expects it."""
        moved = window.clone()
        moved[:, -NEWEST:, 0] = values[:, None]
        with torch.no_grad():
            scores: torch.Tensor = Council(members)(moved)[1][:, 0]
        return scores

    torch.testing.assert_close(newest(high[:, 0] + 0.5), torch.full((3,), 0.5))
    torch.testing.assert_close(newest(low[:, 0] - 0.25), torch.full((3,), 0.25))
    assert (newest((low[:, 0] + high[:, 0]) / 2) == 0).all(), "where they disagree nothing between them is odd"


def test_no_window_that_is_taught_touches_what_was_odd_and_none_is_both_fitted_and_held_out() -> None:
    odd = (2000 * SECOND, 2100 * SECOND)
    taught = lesson([recording(odd=[odd])])
    first = taught.times[taught.ends - WINDOW + 1]
    assert not ((first <= odd[1]) & (taught.times[taught.ends] >= odd[0])).any()
    assert len(taught.fitted) == len(taught.held_out) == BLOCKS
    for fitted, held_out in zip(taught.fitted, taught.held_out, strict=True):
        assert {*fitted, *held_out} <= {*taught.ends}
        assert np.abs(fitted[:, None] - held_out[None]).min() >= WINDOW, "no window of one lies in the other"
        assert len(held_out) == pytest.approx(len(taught.ends) / BLOCKS, rel=0.08)
    checked_rows = np.concatenate(taught.held_out)
    assert (np.diff(checked_rows) > 0).all(), "in order of time, each once"
    assert len(checked_rows) > 0.9 * len(taught.ends), "nearly all of the time sets the thresholds"


def test_what_is_taught_is_the_channel_in_its_own_scale() -> None:
    taught = lesson([recording()])
    fitted = taught.values[taught.ends]
    np.testing.assert_allclose(fitted.std(axis=0), 1.0, rtol=1e-3)
    np.testing.assert_allclose(np.median(fitted, axis=0), 0.0, atol=1e-3)
    assert (taught.period, {place.step for place in taught.places}) == (SECOND, {SECOND})


@pytest.mark.parametrize(("n", "says"), [(500, "too few to learn from"), (100, "not two channels")])
def test_too_little_to_learn_from_is_refused_in_a_sentence(n: int, says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        lesson([recording(n)])


def test_the_models_name_says_whose_it_is() -> None:
    assert Ask(("eps", "thermal"), "vae").name == "eps_thermal_vae"
    assert Ask((), "vae").name == "own_vae", "of a file that knows no subsystems"
    assert Ask(("AOCS",), "transformer", "SAT-001").name == "sat_001_aocs_transformer"


def test_a_model_binds_only_where_it_was_taught() -> None:
    spec = WindowSpec(
        "m",
        "1",
        "reconstruction",
        64,
        8,
        SECOND,
        ("SAT-001/eps/a", "SAT-001/eps/b"),
        "stored",
        lesson([recording()]).places[:2],
    )
    groups = [
        Group(name, "g", tuple(Channel(name, "eps", one) for one in "ab"), SECOND) for name in ("SAT-001", "SAT-002")
    ]
    judge = Judge([spec], lambda model, windows: None, groups=groups)
    assert judge.notes == []
