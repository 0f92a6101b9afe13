"""States that change, eclipses and contacts are told as they happen, however the samples are cut."""

from __future__ import annotations

import numpy as np
import pytest

from app.window.happenings import CHANGES_BOUND, Happenings
from telemetry import Channel, Group
from widgets.model import EventRow, SatelliteView

S = 1_000_000
STATES = Group(
    "SAT-001",
    "obc",
    (
        Channel("SAT-001", "obc", "mode", type="i4", states=((0, "Safe"), (1, "Imaging"))),
        Channel("SAT-001", "eps", "eclipse", type="bool"),
        Channel("SAT-001", "obc", "load", "%"),
    ),
    S,
)
CONTACT = Group("SAT-001", "contact", (Channel("SAT-001", "comm", "link_rssi", "dBm"),), S)


@pytest.mark.parametrize("piece", [1, 2, 7])
def test_a_state_that_changes_is_told_once(piece: int) -> None:
    mode = np.array([1, 1, np.nan, 1, 0, 0, 1])
    values = np.stack([mode, np.zeros(7), np.arange(7)], axis=1)
    times = np.arange(7, dtype=np.int64) * S
    seen = Happenings()
    rows: list[EventRow] = []
    for i in range(0, 7, piece):
        rows += seen.see(STATES, times[i : i + piece], values[i : i + piece])
    assert [(row.time // S, row.sentence) for row in rows] == [(4, "mode is Safe"), (6, "mode is Imaging")]


def test_eclipses_are_spans_and_a_word_of_the_satellite() -> None:
    dark = np.array([0, 1, 1, 0, 1], dtype=float)
    values = np.stack([np.ones(5), dark, np.zeros(5)], axis=1)
    seen = Happenings()
    rows = seen.see(STATES, np.arange(5, dtype=np.int64) * S, values)
    assert seen.eclipses == {"SAT-001": ((1 * S, 3 * S), (4 * S, None))}
    assert seen.satellites == [SatelliteView("SAT-001", "eclipse")]
    assert [row.sentence for row in rows] == ["eclipse began", "eclipse ended", "eclipse began"]


def test_contacts_begin_and_end_with_their_samples() -> None:
    seen = Happenings()
    rows = seen.see(CONTACT, np.array([10, 11, 12, 50, 51], dtype=np.int64) * S, np.zeros((5, 1)))
    assert [(row.time // S, row.sentence) for row in rows] == [(12, "contact ended"), (50, "contact began")]
    assert seen.pass_time([CONTACT], 53 * S) == []
    (row,) = seen.pass_time([CONTACT], 60 * S)
    assert (row.time // S, row.sentence) == (51, "contact ended")
    assert seen.pass_time([CONTACT], 70 * S) == []
    (row,) = seen.see(CONTACT, np.array([90], dtype=np.int64) * S, np.zeros((1, 1)))
    assert row.sentence == "contact began"


def test_a_state_that_flickers_does_not_flood_the_table() -> None:
    n = 10 * CHANGES_BOUND
    values = np.stack([np.arange(n) % 2, np.zeros(n), np.zeros(n)], axis=1).astype(float)
    assert Happenings().see(STATES, np.arange(n, dtype=np.int64) * S, values) == []
