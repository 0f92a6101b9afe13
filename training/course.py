"""The whole course of training: gather, fit, publish. What ``python -m training`` runs, as a function.

Runs in the process that called it, with a bounded number of torch threads.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from telemetry import Source
from training.export import Published, publish
from training.fit import Report, fit, set_up, transformer_loss, vae_loss
from training.models import PatchTransformer, Vae
from training.nominal import plain_channels, source_channels, windows

VAE = "vae_timeseries"
TRANSFORMER = "transformer_timeseries"


@dataclass(frozen=True, slots=True)
class Course:
    """How much is learnt from how much. ``minutes`` only ever stops a fit early, and that is said."""

    seed: int = 0
    minutes: float = 4.0
    plain: int = 900
    plain_windows: int = 96
    source_windows: int = 240
    vae_steps: int = 9000
    transformer_steps: int = 2500


def gather(course: Course, sources: Sequence[Source], report: Report) -> tuple[npt.NDArray[np.float32], str]:
    """Training windows (n, WINDOW) and a sentence that says what they were cut from."""
    rng = np.random.default_rng(course.seed)
    parts = [windows(rng, plain_channels(rng, course.plain), course.plain_windows)]
    said = f"{course.plain} plain patterns"
    recorded = [channel for source in sources for channel in source_channels(source)]
    if recorded:
        parts.append(windows(rng, recorded, course.source_windows))
        said += f", {len(recorded)} channels of {', '.join(source.name for source in sources)}"
    together = np.concatenate(parts)
    report(f"{len(together):,} windows from {said}")
    return together, said


def train(course: Course, sources: Sequence[Source], out: Path, report: Report) -> list[Published]:
    """Fit both reference models and publish them under ``out``; the same course gives the same weights.

    Raises EngineError where a model that was fitted cannot be published.
    """
    begun = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    deadline = begun + course.minutes * 60
    data, said = gather(course, sources, report)
    generator = set_up(course.seed)
    # Half of the time that is left for each: the clock must not starve the second.
    halfway = time.monotonic() + (deadline - time.monotonic()) * 0.55
    vae, transformer = Vae(), PatchTransformer()
    newest = np.ascontiguousarray(data[:, -Vae.window :])
    taken = (
        fit(vae, vae_loss, newest, course.vae_steps, generator, halfway, report),
        fit(transformer, transformer_loss, data, course.transformer_steps, generator, deadline, report),
    )
    facts = {"trained_on": said, "trained_windows": str(len(data)), "seed": str(course.seed)}
    published = [
        publish(VAE, vae, out, {**facts, "steps": str(taken[0])}),
        publish(TRANSFORMER, transformer, out, {**facts, "steps": str(taken[1])}),
    ]
    for one in published:
        report(
            f"{one.name}: {one.size / 1024:.0f} KiB, parity with torch {one.parity_max_abs:.1e} at worst, "
            f"sha256 {one.sha256[:12]}"
        )
    report(f"done in {time.monotonic() - begun:.0f} s")
    return published
