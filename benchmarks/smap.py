"""What the bank and each network find on NASA SMAP, judged by the program's own judge.

    PERIGEE_REAL_DATA=FOLDER python -m benchmarks.smap

54 channels, 68 labelled events, value column only; commissioned on the train part, then judged on the test part. Each
judge opens events alone (the bank is silenced for a network). An event that touches a labelled span is a hit. F is the
event-wise F0.5 whose precision is corrected by the share of nominal time that was not in alarm. Takes two minutes.
"""

from __future__ import annotations

import ast
import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.paths import SEED_REPOSITORY
from detection import DetectionSettings, Event, Judge, Policy, WindowSpec
from inference import Pool, open_engine, read_repository
from telemetry import Channel, Frame, Group

MINUTE = 60_000_000
GAP = 1000
"""Samples between the train and the test part."""
SILENT = DetectionSettings(networks_open=True, bank=Policy(margins=(1e9,) * 5))


@dataclass(slots=True)
class Tally:
    """Events found, false and missed; samples outside every label, and those of them in alarm."""

    hits: int = 0
    false: int = 0
    missed: int = 0
    nominal: int = 0
    alarmed: int = 0

    def row(self, name: str) -> str:
        """A line of the table."""
        quiet = 1 - self.alarmed / self.nominal
        precision = self.hits / max(1, self.hits + self.false) * quiet
        recall = self.hits / (self.hits + self.missed)
        score = 1.25 * precision * recall / (0.25 * precision + recall)
        return f"| {name} | {score:.3f} | {self.hits} | {self.false} | {self.missed} | {100 * (1 - quiet):.2f} % |"


def labels(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """First and last sample of each labelled event, by channel."""
    with (folder / "labeled_anomalies.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if (folder / "train" / f"{row['chan_id']}.npy").exists()]
    return {row["chan_id"]: ast.literal_eval(row["anomaly_sequences"]) for row in rows}


def judge_all(folder: Path, specs: list[WindowSpec], pool: Pool, settings: DetectionSettings) -> Tally:
    """Judge every channel."""
    tally = Tally()
    for name, spans in labels(folder).items():
        train, test = (np.load(folder / part / f"{name}.npy")[:, 0] for part in ("train", "test"))
        group = Group(name, "all", (Channel(name, "", name, span=(-1.0, 1.0)),), MINUTE)
        judge = Judge(specs, pool.submit, settings)
        judge.feed(Frame(group, np.arange(len(train)) * MINUTE, (train,)))
        judge.commission()
        begin = len(train) + GAP
        out = judge.feed(Frame(group, (begin + np.arange(len(test))) * MINUTE, (test,)))
        last: dict[int, Event] = {event.key: event for event in (*out.events, *judge.drain().events)}
        found = [(e.start // MINUTE - begin, e.end // MINUTE - begin) for e in last.values()]
        found = [span for span in found if span[1] >= 0]
        labelled, alarmed = np.zeros(len(test), dtype=bool), np.zeros(len(test), dtype=bool)
        for start, end in spans:
            labelled[start : end + 1] = True
        for start, end in found:
            alarmed[max(start, 0) : end + 1] = True
        hits = sum(any(a <= end and b >= start for a, b in found) for start, end in spans)
        tally.hits += hits
        tally.missed += len(spans) - hits
        tally.false += sum(not any(a <= end and b >= start for start, end in spans) for a, b in found)
        tally.nominal += int((~labelled).sum())
        tally.alarmed += int((alarmed & ~labelled).sum())
    return tally


def main() -> int:
    """Print the table."""
    root = os.environ.get("PERIGEE_REAL_DATA")
    if not root:
        print("PERIGEE_REAL_DATA names no folder of real telemetry.", file=sys.stderr)
        return 2
    folder = Path(root) / "smap"
    cards = read_repository(SEED_REPOSITORY).select(())
    engine = open_engine("auto", cards)
    pool = Pool(engine, cards)
    print("| judge | F | hits | false | missed | nominal time in alarm |\n|---|---|---|---|---|---|")
    print(judge_all(folder, [], pool, DetectionSettings()).row("bank"), flush=True)
    for card in cards:
        print(judge_all(folder, [card.spec], pool, SILENT).row(card.name), flush=True)
    pool.close(10.0)
    engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
