"""Windows scored a second through the background pool, against bare ONNX Runtime run on the same batches.

Both run on one core: the pool has one worker, and the bare session calls ``run`` in a loop on the caller's thread. The
pool's caller submits 16 windows at a time (what a judge has of one group every stride), and waits for the scores in
order; the bare loop is given the same windows in batches of 256 already put together. Turns are interleaved.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from inference import ModelCard, Pool, open_engine, read_repository

REPOSITORY = Path(__file__).resolve().parent.parent / "model_repository"
BATCH = 256
SUBMISSION = 16
TURNS = 15
WINDOWS = {"vae_timeseries": 256 * 160, "transformer_timeseries": 256 * 24}
"""Windows a turn: about an eighth of a second of each model."""


def _bare(card: ModelCard) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(card.path, options, providers=["CPUExecutionProvider"])


def _theirs(session: Any, windows: np.ndarray[Any, Any]) -> float:
    begun = time.perf_counter()
    for at in range(0, len(windows), BATCH):
        session.run(["score"], {"window": windows[at : at + BATCH]})
    return len(windows) / (time.perf_counter() - begun)


def _ours(pool: Pool, model: str, windows: np.ndarray[Any, Any]) -> float:
    begun = time.perf_counter()
    waiting: deque[Any] = deque()
    for at in range(0, len(windows), SUBMISSION):
        waiting.append(pool.submit(model, windows[at : at + SUBMISSION]))
        while waiting and waiting[0].done():
            waiting.popleft().result()
    for future in waiting:
        future.result(60.0)
    return len(windows) / (time.perf_counter() - begun)


def run() -> list[dict[str, Any]]:
    """Medians of both sides, and the median of the ratios of each turn."""
    cards = read_repository(REPOSITORY).select()
    engine = open_engine("embedded", cards)
    pool = Pool(engine, cards, workers=1, max_batch=BATCH)
    rng = np.random.default_rng(0)
    results = []
    try:
        for card in cards:
            session = _bare(card)
            windows = rng.normal(size=(WINDOWS[card.name], card.spec.window)).astype(np.float32)
            _ours(pool, card.name, windows), _theirs(session, windows)
            turns = []
            for turn in range(TURNS):
                if turn % 2:
                    theirs = _theirs(session, windows)
                    turns.append((_ours(pool, card.name, windows), theirs))
                else:
                    turns.append((_ours(pool, card.name, windows), _theirs(session, windows)))
            ours, theirs = (statistics.median(side) for side in zip(*turns, strict=True))
            results.append(
                {
                    "name": f"{card.name}: windows scored through the pool, against bare ONNX Runtime",
                    "ours": ours,
                    "theirs": theirs,
                    "unit": "windows/s",
                    "ratio": statistics.median(mine / its for mine, its in turns),
                    "aim": "at least 0.70x",
                }
            )
    finally:
        pool.close(10.0)
        engine.close()
    return results
