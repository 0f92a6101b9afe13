"""What the judge finds of every kind of simulated fault, and what it says of nominal events and quiet days.

    python -m benchmarks.faults [--seeds 0-3] [--json FILE]

Each kind alone on one satellite: commissioned on an orbit and a half of its own flight, judged for three and a half
hours more (two orbits teach the cycle), then the fault for 20 minutes. A fault is found where an event touches it and
names one of its channels. With ``--provisional`` the satellite was never seen before, and is judged from its first
sample. Plain scores, cycle and silence open events.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

from detection import Commissioning, Event, Judge, Ruling
from simulator import open_simulation
from simulator.faults import Kind
from simulator.kinds import EVENTS, FAULTS
from simulator.request import START
from telemetry import Injected
from telemetry.clock import SECOND

ORBITS = 9000
"""Seconds that a satellite is commissioned on."""
ONSET, LENGTH = 21_600, 1200
AFTER = 900
"""Seconds judged after a fault's end, and within which an event that follows it is its own."""
KINDS = (*FAULTS, *EVENTS)


@dataclass(frozen=True, slots=True)
class Trial:
    """One kind on one satellite: the ``rank`` of the first of its channels in the event that found it, and of its
    ``main`` one (None: not found), samples of ``delay`` from the moment at which it could be seen at all, and
    ``others``: events that touch nothing.
    """

    kind: str
    channel: str
    seed: int
    nominal: bool
    hidden: bool
    rank: int | None
    main: int | None
    delay: float | None
    judge: str
    others: tuple[str, ...]


def judged(source: str, known: Sequence[Commissioning] = ()) -> tuple[Judge, list[Event], tuple[Injected, ...]]:
    """The judge of a simulation, its events as they are in the end, and the labels.

    Of a satellite that is known, what it was commissioned on is left out.
    """
    simulation = open_simulation(source)
    begin = max((one.stop for one in known), default=0)
    judge = Judge([], lambda model, windows: None, commissionings=known)
    last: dict[int, Event] = {}
    for frame in simulation.frames(threading.Event(), 600 * SECOND):
        if frame.times[0] >= begin:
            last.update((event.key, event) for event in judge.feed(frame).events)
    last.update((event.key, event) for event in judge.drain().events)
    return judge, sorted(last.values(), key=lambda event: event.start), simulation.injected


def commissioning(seed: int) -> list[Commissioning]:
    """What a satellite is like while nothing happens to it."""
    source = f"sim:quiet?satellites=1&seed={seed}&duration={ORBITS}"
    judge, _, _ = judged(source)
    judge.commission()
    judge.drain()
    return judge.commissioned(START, START + ORBITS * SECOND)


def trial(kind: Kind, seed: int, known: Sequence[Commissioning] = ()) -> Trial:
    """What is found of one kind."""
    table = "events" if kind.nominal else "faults"
    text = f'[[{table}]]\nkind = "{kind.name}"\nchannel = "{kind.main}"\nat = {ONSET}\nfor = {LENGTH}\n'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "one.toml"
        file.write_text(text, encoding="utf-8")
        source = f"sim:{file}?satellites=1&seed={seed}&duration={ONSET + LENGTH + AFTER}"
        _, events, (label,) = judged(source, known)
    rank, main, delay, judge, others = None, None, None, "", []
    for event in events:
        names = [one.name for one in event.channels]
        touches = event.start <= label.end + AFTER * SECOND and event.end >= label.start
        if touches and set(names) & set(label.channels):
            if rank is None:
                rank = 1 + min(names.index(name) for name in label.channels if name in names)
                main = names.index(kind.main) + 1 if kind.main in names else None
                judge = event.model
                delay = max(0.0, (event.start - label.visible) / SECOND)
        else:
            others.append(f"{event.model} {names[0]} at {(event.start - label.start) / SECOND:+.0f} s")
    return Trial(kind.name, kind.main, seed, kind.nominal, kind.hidden, rank, main, delay, judge, tuple(others))


def again(kind: Kind, seed: int, known: Sequence[Commissioning]) -> bool:
    """Whether a nominal event is quiet when it comes again, an hour after an operator called the first rare nominal."""
    entry = f'[[events]]\nkind = "{kind.name}"\nchannel = "{kind.main}"\nfor = {LENGTH}\nat = '
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "two.toml"
        file.write_text(f"{entry}{ONSET}\n{entry}{ONSET + 3600}\n", encoding="utf-8")
        simulation = open_simulation(f"sim:{file}?satellites=1&seed={seed}&duration={ONSET + 3600 + LENGTH + AFTER}")
    judge = Judge([], lambda model, windows: None, commissionings=known)
    last: dict[int, Event] = {}
    judged = START + (ONSET + LENGTH + AFTER) * SECOND
    for frame in simulation.frames(threading.Event(), 600 * SECOND):
        if frame.times[0] >= judged > 0:
            for event in last.values():
                judge.feed(Ruling(event, "rare nominal"))
            judged = 0
        if frame.times[0] >= known[0].stop:
            last.update((event.key, event) for event in judge.feed(frame).events)
    last.update((event.key, event) for event in judge.drain().events)
    second = [event for event in last.values() if event.start >= START + (ONSET + 3600) * SECOND]
    return all(event.category == "rare nominal" for event in second)


def table(trials: Sequence[Trial]) -> str:
    """A row a kind, and what they come to."""
    rows = ["| kind | found | its main channel first, in three | median delay | by |", "|---|---|---|---|---|"]
    for kind in KINDS:
        mine = [one for one in trials if (one.kind, one.channel) == (kind.name, kind.main)]
        found = [one for one in mine if one.rank is not None]
        delays = [one.delay for one in found if one.delay is not None]
        first, three = (sum((one.main or 99) <= most for one in found) for most in (1, 3))
        what = "nominal" if kind.nominal else "hidden" if kind.hidden else ""
        judges = ", ".join(sorted({one.judge for one in found}))
        delay = f"{median(delays):.0f} s" if delays else ""
        name = f"{kind.name.replace('_', ' ')} ({kind.main}{', ' + what if what else ''})"
        rows.append(f"| {name} | {len(found)} of {len(mine)} | {first}, {three} | {delay} | {judges} |")
    return "\n".join(rows)


def summary(trials: Sequence[Trial]) -> str:
    """The figures that the aims name."""
    open_ = [one for one in trials if not (one.nominal or one.hidden)]
    found = [one for one in open_ if one.rank is not None]
    hidden = [one for one in trials if one.hidden]
    nominal = [one for one in trials if one.nominal]
    delays = [one.delay for one in found if one.delay is not None]
    first, three = (sum((one.rank or 99) <= most for one in found) for most in (1, 3))
    main, in_three = (sum((one.main or 99) <= most for one in found) for most in (1, 3))
    hours = (ONSET + LENGTH + AFTER) / 3600
    return (
        f"Seen on single channels: {len(found)} of {len(open_)} found, one of its channels first in {first}, in the "
        f"first three in {three}; its main channel first in {main}, in the first three in {in_three}; median delay "
        f"{median(delays):.0f} s.\nBetween channels: {sum(one.rank is not None for one in hidden)} of {len(hidden)} "
        f"found.\nNominal events: {sum(one.rank is None for one in nominal)} of {len(nominal)} quiet.\nEvents that "
        f"touch nothing: {sum(len(one.others) for one in trials)} in {len(trials)} runs of {hours:.1f} h."
    )


def of_seed(seed: int, provisional: bool) -> tuple[list[Trial], int]:
    """Every kind on one satellite; how many nominal events are quiet when they come again."""
    known = [] if provisional else commissioning(seed)
    quiet = 0 if provisional else sum(again(kind, seed, known) for kind in EVENTS)
    return [trial(kind, seed, known) for kind in KINDS], quiet


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="0-3")
    parser.add_argument("--provisional", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    first, _, last = asked.seeds.partition("-")
    begun = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        work = partial(of_seed, provisional=asked.provisional)
        done = list(pool.map(work, range(int(first), int(last or first) + 1)))
    trials = [one for some, _ in done for one in some]
    told = (
        ""
        if asked.provisional
        else f"Quiet when they come again: {sum(n for _, n in done)} of {len(done) * len(EVENTS)}."
    )
    print(table(trials), summary(trials), told, f"{time.perf_counter() - begun:.0f} s", sep="\n\n")
    for one in trials:
        for other in one.others:
            print(f"{one.kind} {one.channel} seed {one.seed}: {other}", file=sys.stderr)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in trials]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
