"""The bank on real telemetry: a few of NASA SMAP's channels, commissioned on their own train part.

Event-wise, value column only, no padding: an alarm that touches a labelled span is a hit. All 54 channels give
52 hits, no false alarm and 16 misses; the ones here stand for stuck values, steps, bursts and quiet channels.
"""

from __future__ import annotations

import ast
import csv
from pathlib import Path

import numpy as np

from detection import Event, Judge
from telemetry import Channel, Frame, Group
from telemetry.clock import SECOND

MINUTE = 60 * SECOND
CHANNELS = ("A-4", "D-4", "E-3", "E-8", "F-2", "G-2", "P-1", "R-1", "S-1", "T-3")


def labels(data: Path) -> dict[str, list[tuple[int, int]]]:
    with (data / "smap" / "labeled_anomalies.csv").open() as file:
        return {row["chan_id"]: ast.literal_eval(row["anomaly_sequences"]) for row in csv.DictReader(file)}


def judged(data: Path, name: str) -> list[tuple[int, int]]:
    """First and last test sample of each event on a channel, after commissioning on its train part and a gap."""
    train, test = (np.load(data / "smap" / part / f"{name}.npy")[:, 0] for part in ("train", "test"))
    group = Group(name, "all", (Channel(name, "", name, span=(-1.0, 1.0)),), MINUTE)
    judge = Judge([], lambda model, windows: None)
    judge.feed(Frame(group, np.arange(len(train)) * MINUTE, (train,)))
    judge.commission()
    begin = len(train) + 1000
    out = judge.feed(Frame(group, (begin + np.arange(len(test))) * MINUTE, (test,)))
    last: dict[int, Event] = {event.key: event for event in (*out.events, *judge.drain().events)}
    spans = [(event.start // MINUTE - begin, event.end // MINUTE - begin) for event in last.values()]
    return [span for span in spans if span[1] >= 0]


def test_labelled_events_are_found_and_nothing_else_is(real_data: Path) -> None:
    known = labels(real_data)
    found, false = 0, 0
    for name in CHANNELS:
        spans = judged(real_data, name)
        found += sum(any(a <= end and b >= start for a, b in spans) for start, end in known[name])
        false += sum(not any(a <= end and b >= start for start, end in known[name]) for a, b in spans)
    total = sum(len(known[name]) for name in CHANNELS)
    assert (found, false) == (total, 0)
