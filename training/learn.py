"""``python -m training.learn FOLDER``: fit a model between channels. The child of ``training.own``; it has torch.

Arrays and JSON come in through ``FOLDER`` (``windows.npz``, ``task.json``). A small model repository goes out in it,
beside ``scores.npy``: what each network says of the block that it was fitted without. Each line on standard output is
JSON: how far it has come, then what was made, or an ``error``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # before torch: repeatable products on a GPU

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from inference import EngineError
from inference.publish import publish_version
from training.between import KINDS, NEWEST, Council, CrossTransformer, MaskedVae, seen_part
from training.export import PARITY, config_of, export, parity
from training.fit import set_up

BATCH = 128
RATE = 4e-3
EVERY_S = 0.5


def tell(**facts: object) -> None:
    """One line to the parent; that it has gone ends this process."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def fit(
    model: MaskedVae | CrossTransformer,
    values: Tensor,
    ends: Tensor,
    steps: int,
    seconds: float,
    seed: int,
    report: Callable[[float], None] = lambda _: None,
) -> int:
    """Train in place on windows of ``values`` (n, channels) that end at ``ends`` (k,); the steps taken.

    Fewer than ``steps`` only where ``seconds`` had passed: such weights are good, but the seed gives others next time.
    ``report`` is told the share that is done.
    """
    generator = torch.Generator(values.device).manual_seed(seed)
    best = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(best, max_lr=RATE, total_steps=steps, pct_start=0.1)
    before = torch.arange(1 - model.shape[0], 1, device=values.device)
    model.train()
    begun = told = time.monotonic()
    for step in range(steps):
        chosen = torch.randint(0, len(ends), (BATCH,), generator=generator, device=values.device)
        window = seen_part(values[ends[chosen][:, None] + before])
        residual, price = model.learn(window, generator)
        loss = torch.sqrt(residual.square() + 0.01).mean() + price
        best.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch declares it without types
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        best.step()
        rate.step()
        now = time.monotonic()
        if now - told > EVERY_S:
            told = now
            report(min(1.0, max((step + 1) / steps, (now - begun) / seconds)))
        if now - begun > seconds:
            return step + 1
    return steps


def judged(model: MaskedVae | CrossTransformer, values: Tensor, ends: Tensor) -> npt.NDArray[np.float32]:
    """(k, channels) how far the newest part of the windows that end at ``ends`` (k,) lies from what is expected."""
    model.eval()
    before = torch.arange(1 - model.shape[0], 1, device=values.device)
    parts = [torch.empty((0, model.shape[1]), device=values.device)]
    with torch.no_grad():
        for some in torch.split(ends, BATCH):
            window = seen_part(values[some[:, None] + before])
            parts.append((window[:, -NEWEST:] - model.expected(window)).mean(dim=1).abs())
    return np.asarray(torch.cat(parts).cpu().numpy())


def main(folder: Path) -> int:
    """Carry out the task in ``folder``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when this ends
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    arrays: dict[str, npt.NDArray[np.float32]] = dict(np.load(folder / "windows.npz"))
    set_up(task["seed"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    shape = (task["window"], arrays["values"].shape[1])
    values = torch.from_numpy(arrays["values"]).to(device)
    begun = time.monotonic()
    count, steps = task["networks"], 0
    members, scores = [], []
    for number in range(count):

        def report(done: float, before: int = number) -> None:
            share, spent = (before + done) / count, time.monotonic() - begun
            tell(done=share, left_s=max(0.0, min(spent / share - spent, task["seconds"] - spent)))

        member = KINDS[task["kind"]](shape).to(device)
        fitted, held_out = (torch.from_numpy(arrays[f"{what}_{number}"]).to(device) for what in ("fitted", "held_out"))
        seed = (task["seed"] * count + number) % (1 << 63)
        steps += fit(member, values, fitted, task["steps"], task["seconds"] / count, seed, report)
        scores.append(judged(member, values, held_out))
        members.append(member)
    seconds = time.monotonic() - begun
    tell(done=1.0, left_s=0.0)
    np.save(folder / "scores.npy", np.concatenate(scores))
    model = Council(members)
    data = export(model.cpu(), shape)
    facts = {**task["parameters"], "steps": str(steps)}
    try:
        card = publish_version(folder / "made", config_of(task["name"], data, facts), data)
        difference = parity(model, card.path.parent.parent, shape)
        if not difference <= PARITY:
            raise EngineError(
                f"The exported {task['name']} differs from the trained network by {difference:.1e}, more than "
                f"{PARITY:g}: nothing was published; train again with another --seed."
            )
    except EngineError as problem:
        tell(error=str(problem))
        return 1
    tell(steps=steps, seconds=seconds, parity_max_abs=difference, device=device)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
