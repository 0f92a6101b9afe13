"""What may be asked of a simulation, and the sentence when it may not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import SCENARIOS, open_simulation
from simulator.request import KEYS, read_request
from telemetry import SourceError
from telemetry.clock import parse_iso


def test_what_is_not_said_has_its_default() -> None:
    request = read_request("demo")
    assert (request.satellites, request.seed, request.rate, request.duration) == (3, 7, 1.0, None)
    assert request.start == parse_iso("2030-01-01T00:00:00Z")


def test_everything_can_be_said() -> None:
    request = read_request("sim:quiet?satellites=64&seed=0&start=2029-12-31T23:00:00%2B01:00&rate=2.5&duration=1e3")
    assert (request.satellites, request.seed, request.rate, request.duration) == (64, 0, 2.5, 1000.0)
    assert request.start == parse_iso("2029-12-31T22:00:00Z")
    assert read_request("quiet?eclipse=35").eclipse == 35
    assert read_request("load?channels=1000&rate=10").channels == 1000


def test_now_is_the_clock_that_was_handed_in() -> None:
    assert read_request("demo?start=now", now=5_500_000_000_000_000).start == 5_500_000_000_000_000


def test_an_unknown_simulation_is_a_sentence_that_names_the_known_ones() -> None:
    with pytest.raises(SourceError) as caught:
        open_simulation("sim:dmeo")
    sentence = str(caught.value)
    assert all(name in sentence for name in SCENARIOS)
    assert "did you mean sim:demo?" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("spec", ["", "sim:", "sim:?seed=1", "Demo", "demo/x"])
def test_a_name_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(SourceError, match="demo, quiet and load"):
        open_simulation(spec)


@pytest.mark.parametrize(("scenario", "key"), [("demo", "speed"), ("demo", "channels"), ("load", "eclipse")])
def test_an_unknown_key_is_a_sentence_that_names_the_known_ones(scenario: str, key: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_simulation(f"sim:{scenario}?{key}=3")
    assert all(known in str(caught.value) for known in KEYS[scenario])


@pytest.mark.parametrize(
    "query",
    [
        *("satellites=0", "satellites=65", "satellites=3.5", "satellites=three", "satellites=", "satellites"),
        *("seed=-1", "seed=1.0", "seed=9223372036854775808", "seed=99999999999999999999999"),
        *("rate=0", "rate=-1", "rate=101", "rate=nan", "rate=inf", "rate=1_0", "rate=fast"),
        *("start=yesterday", "start=2030-13-01", "start=9999-12-31T23:59:59Z", "start="),
        *("duration=0", "duration=-5", "duration=1e999"),
    ],
)
def test_a_bad_value_is_a_sentence_with_an_example(query: str) -> None:
    with pytest.raises(SourceError, match=f"such as {query.partition('=')[0]}="):
        open_simulation(f"sim:demo?{query}")


@pytest.mark.parametrize(
    ("query", "cure"),
    [
        ("seed=9223372036854775808", "from 0 to 9223372036854775807"),
        ("start=9999-12-31", "from 1900 to 2900"),
        ("start=0001-01-01", "from 1900 to 2900"),
        ("duration=1e18", "at most 10000000000"),
    ],
)
def test_a_value_beyond_a_bound_is_told_the_bound(query: str, cure: str) -> None:
    with pytest.raises(SourceError, match=cure):
        read_request(f"demo?{query}", now=0)


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(SourceError, match="twice"):
        open_simulation("sim:demo?seed=1&seed=2")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_no_text_does_worse_than_a_sentence(text: str) -> None:
    try:
        read_request(f"demo?{text}", now=0)
    except SourceError as error:
        assert len(str(error)) > 10
