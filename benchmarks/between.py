"""What models between channels find of the faults that stay inside every channel's nominal range, beside the bank.

    python -m benchmarks.between [--seeds 5] [--days 1] [--kinds vae,transformer]

For each seed one satellite flies a nominal day, on which one model a set of subsystems is taught, and then a watch of
ten hours: once without a fault (alarms there are false), once with every hidden kind in turn, 20 minutes each. Each
judge opens events alone: the plain scores without models, the models with the plain scores silenced. A fault is found
where an event touches it in time and by one of its first three channels. Prints the table, and what it came from on
standard error; about six minutes a seed on a quiet machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from app.teaching import Wanted, from_source
from detection import BANK, DetectionSettings, Event, Judge, Policy, WindowSpec
from inference import ModelCard, Pool, open_engine
from simulator import open_simulation
from simulator.kinds import FAULTS
from simulator.spacecraft import Spacecraft
from telemetry import Injected, Source
from telemetry.clock import SECOND
from training.own import Ask, train_own

SETS = (("eps", "thermal"), ("aocs",))
HIDDEN = tuple(dict.fromkeys(kind.name for kind in FAULTS if kind.hidden))
WATCH_H = 10.0
EVERY_MIN, FOR_MIN = 100, 20
"""Faults begin so far apart (about an orbit, shifted by the seed), and last so long."""
SILENT = DetectionSettings(bank=Policy(margins=(1e9,) * len(BANK)))
START = 1893456000 * SECOND
HOUR = 3600 * SECOND
AFTER_S = 3600.0
"""A satellite is warm, or short of charge, for so long after what it seldom does."""


def flight(folder: Path, seed: int, hours: float, *, failing: bool = False) -> Source:
    """A nominal satellite of ``seed`` for so many hours; ``failing``: every hidden kind in its last ones."""
    text = f'[fleet]\nsatellites = 1\nduration = "{hours} h"\n'
    for number, kind in enumerate(HIDDEN if failing else ()):
        at = (hours - WATCH_H) * 60 + 30 + seed * 17 % 60 + number * EVERY_MIN
        text += f'[[faults]]\nkind = "{kind}"\nat = "{at:g} min"\nfor = "{FOR_MIN} min"\n'
    scenario = folder / f"{seed}-{failing}.toml"
    scenario.write_text(text, encoding="utf-8")
    return open_simulation(f"sim:{scenario}?seed={seed}")


def say(*words: object) -> None:
    """What the table came from."""
    print(*words, file=sys.stderr, flush=True)


def watch(source: Source, first: int, specs: Sequence[WindowSpec], pool: Pool, rules: DetectionSettings) -> list[Event]:
    """The events that begin at ``first`` (UTC us) or later; the stream is judged from two orbits before it on."""
    judge = Judge(specs, pool.submit, rules, groups=source.groups)
    told: dict[int, Event] = {}
    for frame in source.frames(threading.Event(), 60 * SECOND):
        if frame.times[-1] >= first - 3 * HOUR:
            told.update((event.key, event) for event in judge.feed(frame).events)
    told.update((event.key, event) for event in judge.drain(300.0).events)
    models = {spec.model for spec in specs}
    return [event for event in told.values() if event.end >= first and (not models or event.model in models)]


def found(events: Sequence[Event], fault: Injected) -> bool:
    """Whether an event touches ``fault`` in time and by one of its channels."""
    touching = [event for event in events if event.start <= fault.end and event.end >= fault.start]
    return any(not {one.name for one in event.channels[:3]}.isdisjoint(fault.channels) for event in touching)


def at_rarity(event: Event, seed: int) -> bool:
    """Whether a rare nominal event (a manoeuvre, a reset and its safe mode) touches ``event``, or was just over."""
    since, until = (event.start - START) / SECOND - AFTER_S, (event.end - START) / SECOND
    return bool(Spacecraft(seed, 0, SECOND).rarities(since, until))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--kinds", default="vae,transformer")
    given = parser.parse_args(arguments)
    hits: Counter[tuple[str, str]] = Counter()
    false: Counter[str] = Counter()
    rare: Counter[str] = Counter()
    alarmed: Counter[str] = Counter()
    fitting: Counter[str] = Counter()
    taught_us = round(given.days * 86_400) * SECOND
    hours = given.days * 24 + WATCH_H
    first = START + taught_us
    stop = threading.Event()
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            cards: dict[str, list[ModelCard]] = {"bank": []}
            for kind in given.kinds.split(","):
                for subsystems in SETS:
                    begun = time.monotonic()
                    recordings = from_source(flight(folder, seed, hours), Wanted(subsystems, last=first), stop)
                    made = train_own(
                        recordings, Ask(subsystems, kind, minutes=60.0), folder / "models", lambda *_: None, stop
                    )
                    cards.setdefault(kind, []).append(made.card)
                    fitting[kind] += round(time.monotonic() - begun)
                    say(seed, made.card.name, f"{len(made.channels)} channels, {made.seconds:.0f} s to fit", made.now)
            for judge, own in cards.items():
                engine = open_engine("embedded", own)
                pool = Pool(engine, own)
                specs, rules = [card.spec for card in own], SILENT if own else DetectionSettings()
                quiet = watch(flight(folder, seed, hours), first, specs, pool, rules)
                false[judge] += len(quiet)
                rare[judge] += sum(at_rarity(event, seed) for event in quiet)
                alarmed[judge] += sum(event.end - max(event.start, first) for event in quiet) // SECOND
                for event in quiet:
                    say(seed, judge, "false", f"{(event.start - first) / HOUR:.2f} h, {event.score:.2f}", event.reason)
                failing = flight(folder, seed, hours, failing=True)
                events = watch(failing, first, specs, pool, rules)
                for fault in failing.injected:
                    hit = found(events, fault)
                    hits[judge, fault.kind] += hit
                    say(seed, judge, fault.kind, "found" if hit else "missed", f"({fault.strength} sigma)")
                pool.close(10.0)
                engine.close()
    judges = ("bank", *given.kinds.split(","))
    print("\n| fault | " + " | ".join(judges) + " |\n|---" + "|---" * len(judges) + "|")
    for kind in HIDDEN:
        print(f"| {kind} | " + " | ".join(f"{hits[judge, kind]} of {given.seeds}" for judge in judges) + " |")
    total = given.seeds * len(HIDDEN)
    sums = [sum(hits[judge, kind] for kind in HIDDEN) for judge in judges]
    print("| all | " + " | ".join(f"{number} of {total}, {100 * number / total:.0f} %" for number in sums) + " |")
    span = given.seeds * WATCH_H * 3600
    print("| false events | " + " | ".join(str(false[judge]) for judge in judges) + " |")
    print("| of them at a rare nominal event | " + " | ".join(str(rare[judge]) for judge in judges) + " |")
    print("| nominal time in alarm | " + " | ".join(f"{100 * alarmed[judge] / span:.2f} %" for judge in judges) + " |")
    print(f"\nSeconds to train, both models of a seed: {dict(fitting)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
