"""What a commissioning found is stored, comes back to the bit, and makes another session judge as if it had gone on."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detection import Commissioning, CommissioningError, DetectionSettings, Event, Judge, Override, Thresholds
from detection.judge import Item
from detection.spec import WindowSpec
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND
from tests.detection.conftest import Matrix, score_at_once

SPEC = WindowSpec("near", "3", "score", 32, 8)
NOMINAL = 2400
LATER = 6000

Calm = Callable[..., Matrix]
MakeFrame = Callable[..., Frame]


def commissioned(values: Frame, settings: DetectionSettings | None = None) -> Judge:
    judge = Judge([SPEC], score_at_once, settings)
    judge.feed(values)
    judge.commission()
    judge.drain()
    return judge


def what(judge: Judge) -> Commissioning:
    (one,) = judge.commissioned(0, NOMINAL * SECOND)
    return one


def told(judge: Judge, items: list[Item]) -> tuple[Matrix, list[Event]]:
    """Every ratio, and the events as they are in the end."""
    last: dict[int, Event] = {}
    ratios = []
    for item in items:
        out = judge.feed(item)
        ratios += [judged.ratio for judged in out.judged]
        last.update((event.key, event) for event in out.events)
    last.update((event.key, event) for event in judge.drain().events)
    return np.concatenate(ratios).astype(np.float64), sorted(last.values(), key=lambda event: event.start)


def test_what_was_commissioned_comes_back_from_storage_to_the_bit(calm: Calm, frame: MakeFrame) -> None:
    one = what(commissioned(frame(calm(NOMINAL))))
    again = Commissioning.from_json(one.to_json())
    assert again.to_json() == one.to_json()
    assert (again.satellite, again.start, again.stop) == ("SAT", 0, NOMINAL * SECOND)
    assert set(again.channels) == {"c0", "c1", "c2"}
    for path, known in one.channels.items():
        assert again.channels[path].fit.weights.tobytes() == known.fit.weights.tobytes()
        assert set(known.measures) == {"bank", "robust_z", "near 3"}


def test_another_session_judges_as_the_one_that_was_commissioned(calm: Calm, frame: MakeFrame) -> None:
    values = calm(NOMINAL + 2000, seed=3)
    values[NOMINAL + 900 : NOMINAL + 960, 1] += 2.0
    judge = commissioned(frame(values[:NOMINAL]))
    later = frame(values[NOMINAL:], start=LATER)
    stored = Commissioning.from_json(what(judge).to_json())
    mine, events = told(judge, [later])
    theirs, others = told(Judge([SPEC], score_at_once, commissionings=[stored]), [later])
    (event,), (other,) = events, others
    assert (other.start, other.channels[0].name) == (event.start, "c1")
    assert other.model == event.model
    # The records are the same but for what they give up: block by block there, at once here.
    assert (np.isnan(mine[:60]) == np.isnan(theirs[:60])).all()
    known = np.isfinite(theirs[:890])
    assert known.sum() > 2000
    assert theirs[:890][known] == pytest.approx(mine[:890][known], rel=0.02)


def test_a_commissioned_session_judges_at_once_and_raises_nothing_while_it_rearms(calm: Calm, frame: MakeFrame) -> None:
    values = calm(NOMINAL + 600, seed=4)
    stored = what(commissioned(frame(values[:NOMINAL])))
    later = values[NOMINAL:]
    later[100:140, 0] += 3.0
    later[400:430, 2] += 3.0
    judge = Judge([], score_at_once, commissionings=[stored])
    ratios, (event,) = told(judge, [frame(later, start=LATER)])
    assert np.nanmax(ratios[100:140, 0]) > 1.5
    assert event.start // SECOND - LATER == pytest.approx(402, abs=4)
    assert event.channels[0].name == "c2"
    assert not judge.provisional
    assert not judge.notes


def test_a_channel_that_is_not_where_it_was_commissioned_is_told_of_once(calm: Calm, frame: MakeFrame) -> None:
    """It raises nothing, being so since before anything was seen; nobody would know otherwise."""
    values = calm(NOMINAL + 900, seed=5)
    stored = what(commissioned(frame(values[:NOMINAL])))
    later = values[NOMINAL:]
    later[:, 1] += 4.0
    judge = Judge([], score_at_once, commissionings=[stored])
    told(judge, [frame(later, start=LATER)])
    (note,) = judge.notes
    assert note.startswith("SAT/c1 is at 24")
    assert note.endswith("if that is as it should be, commission again.")


@pytest.mark.parametrize("item", ["commissioning", "thresholds"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_what_comes_between_two_samples_takes_effect_there_however_the_rest_is_cut(
    calm: Calm, frame: MakeFrame, quick: DetectionSettings, item: str, sizes: list[int]
) -> None:
    values = calm(900, seed=7)
    values[500:540, 0] += 1.2
    values[800:830, 2] += 1.5
    between: Item = (
        what(commissioned(frame(calm(NOMINAL, seed=7)), quick))
        if item == "commissioning"
        else Thresholds((Override("SAT/c0", 1.5), Override("SAT/*", 0.8)))
    )

    def items(cuts: list[int]) -> list[Item]:
        bounds = [0, *np.cumsum(cuts * (1 + 900 // sum(cuts))).tolist()]
        edges = sorted({0, 900, 477, *(bound for bound in bounds if bound < 900)})
        parts: list[Item] = [frame(values[a:b], start=a) for a, b in pairwise(edges)]
        parts.insert(edges.index(477), between)
        return parts

    ratios, events = told(Judge([SPEC], score_at_once, quick), items([900]))
    again, others = told(Judge([SPEC], score_at_once, quick), items(sizes))
    np.testing.assert_array_equal(again, ratios)
    assert others == events
    assert events


def test_a_channel_whose_type_has_changed_is_learned_anew_and_it_is_said(calm: Calm, frame: MakeFrame) -> None:
    stored = what(commissioned(frame(calm(NOMINAL))))
    group = Group("SAT", "g", (Channel("SAT", "", "c0", type="i8"), Channel("SAT", "", "c1")), SECOND)
    values = frame(calm(100, 2), group=group)
    codes = Frame(group, values.times, (np.arange(100), values.columns[1]))
    judge = Judge([], score_at_once, commissionings=[stored])
    judge.feed(codes)
    assert judge.provisional == {"SAT/c0"}
    (note,) = judge.notes
    assert "c0 changed type" in note and note.endswith("commission again.")


def test_a_model_that_was_not_commissioned_judges_nothing_on_what_was(calm: Calm, frame: MakeFrame) -> None:
    stored = what(commissioned(frame(calm(NOMINAL))))
    other = WindowSpec("near", "4", "score", 32, 8)
    judge = Judge([other], score_at_once, commissionings=[stored])
    out = judge.feed(frame(calm(900, seed=8), start=LATER))
    scored = [*out.scored, *judge.drain().scored]
    assert scored and all(np.isnan(one.ratio).all() for one in scored)


def test_a_factor_divides_the_ratios_of_the_channels_it_is_for(calm: Calm, frame: MakeFrame) -> None:
    stored = what(commissioned(frame(calm(NOMINAL))))
    later = frame(calm(500, seed=9), start=LATER)
    plain, _ = told(Judge([], score_at_once, commissionings=[stored]), [later])
    twice = Thresholds((Override("SAT/c1", 2.0), Override("*/c?", 1.0)))
    strict, _ = told(Judge([], score_at_once, thresholds=twice, commissionings=[stored]), [later])
    np.testing.assert_array_equal(strict[:, [0, 2]], plain[:, [0, 2]])
    known = np.isfinite(plain[:, 1])
    assert strict[known, 1] == pytest.approx(plain[known, 1] / 2, abs=1e-4)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda data: "{}",
        lambda data: "[]",
        lambda data: "no json",
        lambda data: json.dumps({**data, "form": 99}),
        lambda data: json.dumps({**data, "channels": {"c0": {}}}),
        lambda data: json.dumps(data).replace('"half":', '"half": -1, "x":'),
        lambda data: json.dumps(data).replace('"middle":', '"middle": NaN, "y":'),
        lambda data: json.dumps({**data, "start": "soon"}),
    ],
)
def test_what_is_no_commissioning_is_refused_with_a_sentence(
    calm: Calm, frame: MakeFrame, break_it: Callable[[dict[str, Any]], str]
) -> None:
    data = json.loads(what(commissioned(frame(calm(400)), DetectionSettings(fits=(100, 300)))).to_json())
    with pytest.raises(CommissioningError, match=r"^The commissioning .*\.$"):
        Commissioning.from_json(break_it(data))
