"""Fitting the two networks: a fixed number of steps from a fixed seed, under a clock that only ever stops them early.

Runs in the process of ``python -m training`` with a bounded number of torch threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.models import NEWEST, PatchTransformer, Vae, seen_part

BATCH = 256
THREADS = 1
"""Threads of torch. The products are small: one thread is nearly as fast as two on an idle machine and several times
faster on a busy one, and sums are then taken in one order whatever the machine has."""
DIVERGENCE = 2e-3
"""Weight of the divergence: small, because a window is mostly noiseless shape."""

Report = Callable[[str], None]
M = TypeVar("M", bound=nn.Module)


def set_up(seed: int) -> torch.Generator:
    """Make torch repeatable; the generator that sampling draws from."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)


def _relative(residual: Tensor, window: Tensor) -> Tensor:
    """Residuals in units of how much each window moves.

    A quiet window of a coarse channel counts as much as a busy one: a fault is looked for in both.
    """
    size = 0.03 + window.std(dim=1, keepdim=True)
    ratio = residual / size
    smooth: Tensor = torch.sqrt(ratio.square() + 0.01) - 0.1
    return smooth


def vae_loss(model: Vae, window: Tensor, generator: torch.Generator) -> Tensor:
    """Residual of the whole window, the newest samples twice, plus the weighted divergence."""
    seen = seen_part(window)
    decoded, divergence = model.learn(seen, generator)
    ratio = _relative(seen - decoded, seen)
    return ratio.mean() + ratio[:, -NEWEST:].mean() + DIVERGENCE * divergence.mean()


def transformer_loss(model: PatchTransformer, window: Tensor, generator: torch.Generator) -> Tensor:
    """Residual of the forecast."""
    seen = seen_part(window)
    forecast = model.forecast(seen[:, :-NEWEST])
    return _relative(seen[:, -NEWEST:] - forecast, seen).mean()


def fit(
    model: M,
    loss: Callable[[M, Tensor, torch.Generator], Tensor],
    windows: npt.NDArray[np.float32],
    steps: int,
    generator: torch.Generator,
    deadline: float,
    report: Report,
) -> int:
    """Train in place on windows (count, W) and return the steps taken.

    AdamW with a one-cycle rate. Fewer than ``steps`` only where ``time.monotonic()`` passed ``deadline``: such
    weights are good, but not those that the seed would give again.
    """
    data = torch.from_numpy(windows)
    best = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    rate = torch.optim.lr_scheduler.OneCycleLR(best, max_lr=2e-3, total_steps=steps, pct_start=0.1)
    model.train()
    running = 0.0
    for step in range(steps):
        rows = torch.randint(0, len(data), (BATCH,), generator=generator)
        best.zero_grad(set_to_none=True)
        value = loss(model, data[rows], generator)
        value.backward()  # type: ignore[no-untyped-call]  # torch declares it without types
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        best.step()
        rate.step()
        running += 0.02 * (value.item() - running) if step else value.item()
        if (step + 1) % 500 == 0:
            report(f"{type(model).__name__}: step {step + 1:,} of {steps:,}, loss {running:.4f}")
        if time.monotonic() > deadline:
            report(f"{type(model).__name__}: stopped by the clock after {step + 1:,} of {steps:,} steps")
            return step + 1
    model.eval()
    return steps
