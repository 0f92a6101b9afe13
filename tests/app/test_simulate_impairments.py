"""What becomes of packets on a bad link: drawn from the seed, counted, and nothing invented."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.playing.impairments import REACH, BadLink, Fates, Impairments
from telemetry.clock import SECOND

SEEDS = st.integers(0, 2**63 - 1)
CHANCES = st.floats(0, 1)
LINKS = st.builds(Impairments, CHANCES, CHANCES, CHANCES, st.floats(0, 20))


def sent(how: Impairments, seed: int, count: int, cuts: tuple[int, ...] = ()) -> tuple[list[int], Fates]:
    """What arrives of ``count`` numbered packets, one a second, handed over in pieces that end at ``cuts``."""
    link: BadLink[int] = BadLink(how, seed)
    out: list[int] = []
    for first, last in pairwise(sorted({0, count, *(min(cut, count) for cut in cuts)})):
        out += link.offer((number * SECOND, number) for number in range(first, last))
        assert set(link.held).isdisjoint(range(last, count))
    out += link.rest()
    assert not list(link.held)
    return out, link.fates


@settings(max_examples=40)
@given(SEEDS, st.integers(0, 300))
def test_a_good_link_passes_everything_on_at_once_and_in_order(seed: int, count: int) -> None:
    assert not Impairments().any
    assert sent(Impairments(), seed, count) == (list(range(count)), Fates(offered=count))


@settings(max_examples=40)
@given(LINKS, SEEDS, st.integers(0, 200), st.lists(st.integers(0, 200), max_size=5))
def test_the_same_seed_gives_the_same_fate_however_packets_are_handed_over(
    how: Impairments, seed: int, count: int, cuts: list[int]
) -> None:
    assert sent(how, seed, count) == sent(how, seed, count, tuple(cuts))


@settings(max_examples=40)
@given(LINKS, SEEDS, st.integers(0, 200))
def test_what_arrives_was_sent_and_is_counted(how: Impairments, seed: int, count: int) -> None:
    out, fates = sent(how, seed, count)
    times = Counter(out)
    assert set(times) <= set(range(count)) and max(times.values(), default=0) <= 2
    assert (fates.offered, fates.lost) == (count, count - len(times))
    assert fates.doubled == sum(one == 2 for one in times.values())
    assert fates.arrived == len(out)
    first_copies = list(dict.fromkeys(out))
    assert fates.late == sum(number < max(first_copies[: i + 1]) for i, number in enumerate(first_copies))


@settings(max_examples=40)
@given(CHANCES, LINKS, SEEDS)
def test_which_are_lost_does_not_depend_on_what_else_happens(loss: float, other: Impairments, seed: int) -> None:
    alone, _ = sent(Impairments(loss=loss), seed, 200)
    among, _ = sent(Impairments(loss, other.duplicates, other.reorder, other.delay), seed, 200)
    assert set(alone) == set(among)


@settings(max_examples=40)
@given(st.floats(0.05, 0.95), SEEDS)
def test_the_shares_are_those_that_were_asked_for(chance: float, seed: int) -> None:
    count = 1000
    margin = 6 * (chance * (1 - chance) / count) ** 0.5  # six standard deviations
    _, lost = sent(Impairments(loss=chance), seed, count)
    assert abs(lost.lost / count - chance) < margin
    _, doubled = sent(Impairments(duplicates=chance), seed, count)
    assert abs(doubled.doubled / count - chance) < margin


@settings(max_examples=40)
@given(SEEDS)
def test_at_one_everything_is_lost_or_doubled(seed: int) -> None:
    assert sent(Impairments(loss=1.0), seed, 50)[0] == []
    assert sent(Impairments(duplicates=1.0), seed, 3)[0] == [0, 0, 1, 1, 2, 2]


@settings(max_examples=40)
@given(CHANCES, SEEDS)
def test_what_is_put_out_of_order_is_overtaken_by_a_few_at_the_most(chance: float, seed: int) -> None:
    out, _ = sent(Impairments(reorder=chance), seed, 300)
    assert sorted(out) == list(range(300))
    for place, number in enumerate(out):
        assert sum(other > number for other in out[:place]) <= REACH


def test_about_as_many_are_late_as_were_asked_for() -> None:
    _, fates = sent(Impairments(reorder=0.1), 7, 4000)
    assert 250 < fates.late <= 450


@settings(max_examples=40)
@given(st.floats(0.5, 30), SEEDS)
def test_nothing_is_held_back_longer_than_the_delay(delay: float, seed: int) -> None:
    link: BadLink[int] = BadLink(Impairments(delay=delay), seed)
    for number in range(200):
        for arrived in link.offer([(number * SECOND, number)]):
            assert number - arrived <= delay + 1
    link.rest()
    assert 0 < link.fates.held < 200 * delay * SECOND


def test_different_seeds_give_different_fates() -> None:
    lost = {tuple(sent(Impairments(loss=0.5), seed, 100)[0]) for seed in range(20)}
    assert len(lost) == 20
