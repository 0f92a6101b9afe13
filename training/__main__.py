"""``python -m training``: train both reference models and write them in Triton's layout.

Nominal telemetry comes from the plain patterns and from a source that is named, not imported: training and the
simulator know nothing of each other, and either works without the other.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from inference import EngineError
from telemetry import Source, SourceError
from training.course import Course, train

SOURCE = "simulator:open_simulation"
NOMINAL = "sim:quiet?satellites=2&duration=9000&seed={seed}"
SEEDS = (9001, 9002)
"""Seeds of the nominal fleets: none that a demonstration or a test of detection would use."""


def nominal_sources(factory: str) -> list[Source]:
    """The simulator's quiet fleets, made by ``module:function``; none where that is not installed."""
    module, _, function = factory.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError:
        return []
    return [made(NOMINAL.format(seed=seed)) for seed in SEEDS]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; progress on stderr, 2 where something given was wrong."""
    default = Course()
    parser = argparse.ArgumentParser(prog="python -m training", description="Train the two reference models.")
    parser.add_argument("--out", type=Path, default=Path("model_repository"), help="the model repository to write to")
    parser.add_argument("--seed", type=int, default=default.seed, help="the same seed gives the same weights")
    parser.add_argument("--minutes", type=float, default=default.minutes, help="stop early after so many")
    parser.add_argument("--vae-steps", type=int, default=default.vae_steps)
    parser.add_argument("--transformer-steps", type=int, default=default.transformer_steps)
    parser.add_argument("--patterns-only", action="store_true", help="leave the simulator's nominal fleet out")
    given = parser.parse_args(arguments)
    course = Course(
        seed=given.seed,
        minutes=given.minutes,
        vae_steps=given.vae_steps,
        transformer_steps=given.transformer_steps,
    )
    try:
        sources = [] if given.patterns_only else nominal_sources(SOURCE)
        train(course, sources, given.out, _say)
    except (EngineError, SourceError) as problem:
        _say(str(problem))
        return 2
    except OSError as problem:
        _say(f"{given.out} cannot be written to ({problem.strerror or problem}): give another folder with --out.")
        return 2
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
