"""An event that is like one an operator judged rare nominal asks for nothing; anything else goes on asking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from detection import CYCLE, LIMITS, Contribution, DetectionSettings, Event, Judge, Ruling, Verdict
from detection.familiar import Familiar, alike
from telemetry import Frame, Severity
from telemetry.clock import SECOND

S = SECOND
REACH = 100 * S


def event(
    key: int = 1, start: int = 1000, length: int = 200, score: float = 3.0, model: str = "ar", **more: Any
) -> Event:
    shares = more.pop("shares", (("a", 0.7), ("b", 0.28), ("c", 0.02)))
    channels = tuple(Contribution(name, share, score) for name, share in shares)
    told = Event(key, "SAT", start * S, (start + length) * S, False, Severity.WATCH, model, "1", score, channels)
    return replace(told, **{"seconded": ("diff",), "threshold": 0.1, **more})


JUDGED = event(key=9, start=0)
Given = tuple[int, Verdict, int | None, int]
"""Key, verdict, session, and since when."""


@pytest.mark.parametrize(
    ("other", "like"),
    [
        (event(), True),
        (event(score=6.0), True),
        (event(score=6.01), False),
        (event(score=1.4), False),
        (event(score=1.4, threshold=0.25), True),
        (event(score=3.0, threshold=0.25), False),
        (event(score=3.0, threshold=None), True),
        (event(length=500), True),
        (event(length=501), False),
        (event(length=0), True),
        (event(shares=(("b", 0.6), ("a", 0.4))), True),
        (event(shares=(("a", 1.0),)), False),
        (event(shares=(("a", 0.7), ("b", 0.1), ("d", 0.2))), False),
        (event(shares=(("b", 0.9), ("a", 0.1))), False),
        (event(shares=(("d", 0.7), ("a", 0.3))), False),
        (event(model="diff", seconded=("ar",)), True),
        (event(model="diff", seconded=("z",)), False),
        (event(model="z", seconded=("ar",)), False),
        (event(model=LIMITS), False),
        (event(satellite="OTHER"), False),
    ],
)
def test_what_is_alike(other: Event, like: bool) -> None:
    assert alike(other, JUDGED, REACH) is like


SEEN = event(key=9, start=0, score=90.0, model="z", seconded=(CYCLE,))
ONLY = event(model=CYCLE, seconded=("robust_z",))


@pytest.mark.parametrize(
    ("other", "judged", "like"),
    [
        (ONLY, SEEN, True),
        (replace(ONLY, channels=ONLY.channels[1:2]), SEEN, True),
        (replace(ONLY, channels=(Contribution("d", 1.0, 3.0),)), SEEN, False),
        (replace(ONLY, end=ONLY.start + 501 * S), SEEN, False),
        (replace(ONLY, seconded=("z",)), SEEN, False),
        (ONLY, replace(SEEN, seconded=("ar",)), False),
        (ONLY, replace(SEEN, model=LIMITS), False),
        (ONLY, replace(SEEN, model=CYCLE, seconded=("z",)), True),
        (replace(ONLY, score=181.0), replace(SEEN, model=CYCLE), False),
    ],
)
def test_what_only_the_cycle_sees_is_like_what_others_saw_with_it(other: Event, judged: Event, like: bool) -> None:
    assert alike(other, judged, REACH) is like


def test_two_events_of_a_limit_are_never_alike() -> None:
    limits = event(model=LIMITS)
    assert not alike(limits, limits, REACH)


def told(*verdicts: Given, of: Event) -> str:
    familiar = Familiar()
    for key, verdict, session, since in verdicts:
        familiar.take(Ruling(replace(JUDGED, key=key, start=key * 86_400 * S), verdict, session), since * S)
    return familiar.likeness(of, 10**15)


def test_the_last_verdict_on_an_event_counts() -> None:
    rare: Given = (1, "rare nominal", 4, 0)
    assert told(rare, of=event()) == "like the one of 1970-01-02 that was judged rare nominal"
    assert told(rare, (1, "unsure", 4, 0), of=event()) == ""
    assert told(rare, (1, "unsure", 4, 0), (1, "rare nominal", 4, 0), of=event()) != ""
    assert told(rare, (1, "unsure", 5, 0), of=event()) != "", "of another session, so another event"


def test_of_several_that_are_alike_the_one_judged_last_decides() -> None:
    assert told((1, "rare nominal", 4, 0), (2, "true", 4, 0), of=event()) == ""
    assert "1970-01-02" in told((2, "true", 4, 0), (1, "rare nominal", 4, 0), of=event())
    assert "1970-01-02" in told((1, "rare nominal", 4, 0), (2, "false", 4, 0), of=event())


def test_a_verdict_counts_from_when_it_was_given() -> None:
    assert told((1, "rare nominal", 4, 999), of=event()) != ""
    assert told((1, "rare nominal", 4, 1000), of=event()) == ""
    assert told((1, "rare nominal", 4, 0), (1, "true", 4, 1000), of=event()) != ""


@pytest.fixture
def repeated(calm: Callable[..., Any]) -> Any:
    """The same short excursion twice, then one that is nothing like it."""
    x = calm(2600)
    for start in (700, 1300):
        x[start : start + 30, 1] += 4.0
    x[2000:2030, 2] += 30.0
    return x


def watch(
    frame: Callable[..., Frame], x: Any, rules: DetectionSettings, sizes: Sequence[int], at: int, *rulings: Ruling
) -> list[Event]:
    """The final events of ``x`` cut into frames, with ``rulings`` in the stream before row ``at``."""
    judge = Judge([], lambda model, windows: None, rules)
    found: dict[int, Event] = {}
    for first, last in ((0, at), (at, len(x))):
        turn = 0
        while first < last:
            step = min(sizes[turn % len(sizes)], last - first)
            found.update((one.key, one) for one in judge.feed(frame(x[first : first + step], start=first)).events)
            first, turn = first + step, turn + 1
        if last == at:
            for ruling in rulings:
                own = ruling.event if ruling.session is not None else found.get(ruling.event.key, ruling.event)
                found.update((one.key, one) for one in judge.feed(replace(ruling, event=own)).events)
    found.update((one.key, one) for one in judge.drain().events)
    return sorted(found.values(), key=lambda one: one.start)


@pytest.mark.parametrize("sizes", [[2600], [1], [7, 90, 33]])
def test_a_verdict_in_the_stream_makes_the_next_like_event_quiet_however_it_is_cut(
    frame: Callable[..., Frame], quick: DetectionSettings, repeated: Any, sizes: list[int]
) -> None:
    first = watch(frame, repeated, quick, [2600], 1000)[0]
    ruling = Ruling(first, "rare nominal")
    found = watch(frame, repeated, quick, sizes, 1000, ruling)
    assert [one.category for one in found] == ["anomaly", "rare nominal", "anomaly"]
    assert found[1].likeness == "like the one of 1970-01-01 that was judged rare nominal"
    assert found == watch(frame, repeated, quick, [50], 1000, ruling)


def test_without_a_verdict_and_after_another_one_nothing_is_quiet(
    frame: Callable[..., Frame], quick: DetectionSettings, repeated: Any
) -> None:
    plain = watch(frame, repeated, quick, [100], 1000)
    assert len(plain) == 3
    for verdicts in ((), ("true",), ("false",), ("unsure",), ("rare nominal", "true")):
        found = watch(frame, repeated, quick, [100], 1000, *(Ruling(plain[0], one) for one in verdicts))  # type: ignore[arg-type]
        assert found == plain


def test_an_event_judged_while_it_goes_on_is_known_as_it_ended(
    frame: Callable[..., Frame], quick: DetectionSettings, repeated: Any
) -> None:
    at = 708
    opened = watch(frame, repeated[:at], quick, [4], at)[0]
    final = watch(frame, repeated, quick, [4], at)[0]
    assert final.score > 2 * opened.score or final.end - final.start > opened.end - opened.start
    found = watch(frame, repeated, quick, [4], at, Ruling(opened, "rare nominal"))
    assert [one.category for one in found] == ["anomaly", "rare nominal", "anomaly"]


def test_what_was_judged_in_an_earlier_session_is_known_from_the_first_sample_on(
    frame: Callable[..., Frame], quick: DetectionSettings, repeated: Any
) -> None:
    earlier = replace(watch(frame, repeated, quick, [100], 0)[0], key=77)
    found = watch(frame, repeated, quick, [100], 0, Ruling(earlier, "rare nominal", session=3))
    assert [one.category for one in found] == ["rare nominal", "rare nominal", "anomaly"]
    assert np.all([one.likeness.startswith("like the one of") for one in found[:2]])
