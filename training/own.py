"""A model of the operator's own satellite: taught in a child process, held against its own past, published whole.

Torch is never imported here: the child (``training.learn``) has it, and is given arrays only. Any thread; blocks.
"""

from __future__ import annotations

import glob
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from detection import DetectionSettings
from detection.bound import Smoothing
from inference import EngineError, ModelCard, open_engine, parse_config, read_model
from inference.contract import stored
from inference.publish import publish_version
from telemetry.clock import SECOND, iso
from training.errors import TrainingError
from training.spans import BLOCKS, WINDOW, Lesson, Recording, lesson

STRIDE = 8
STEPS = {"vae": 1200, "transformer": 1500}
"""Steps of the fit of each network of a model, by kind."""
MOST_ALARMED, MOST_MISSED = 0.2, 1.0
"""Of a model that has learned something less of its own nominal time is in alarm, and it finds what is smaller: who
expects no more of a channel than its mean is wrong by one standard deviation.
"""
POLL_S = 0.2
NEEDED = ("torch", "onnx", "onnxscript")
Report = Callable[[float, float], None]
"""(share done from 0 to 1, seconds left)."""
Floats = npt.NDArray[np.float64]


class CancelledError(Exception):
    """The operator changed their mind; nothing was published."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be trained; ``satellite`` is empty for a model of every satellite that has the channels.

    ``steps`` are those of each network, 0 takes as many as the kind needs; ``minutes`` can only stop a fit early.
    """

    subsystems: tuple[str, ...]
    kind: str
    satellite: str = ""
    seed: int = 0
    minutes: float = 10.0
    steps: int = 0

    @property
    def name(self) -> str:
        """The model's name."""
        parts = (self.satellite, *(self.subsystems or ("own",)), self.kind)
        return "_".join(filter(None, (re.sub(r"[^a-z0-9]+", "_", part.lower()).strip("_") for part in parts)))


@dataclass(frozen=True, slots=True)
class Standing:
    """How one version does on nominal time.

    ``alarm_share`` of its windows lay above the threshold on some channel; what lasts is an alarm on half of the
    channels where it is more than ``least`` of their standard deviations.
    """

    version: str
    alarm_share: float
    least: float


@dataclass(frozen=True, slots=True)
class Trained:
    """What was published, and how it stands against what it replaces (None where it is the first)."""

    card: ModelCard
    channels: tuple[str, ...]
    period_s: float
    span: tuple[int, int]
    windows: int
    steps: int
    seconds: float
    parity_max_abs: float
    device: str
    now: Standing
    before: Standing | None
    notes: tuple[str, ...]


def why_not() -> str:
    """Why no model can be trained here, empty where one can."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    return (
        f"Training needs {', '.join(missing)}, which the program does without otherwise: install the extra 'convert' "
        "(pip install perigee[convert], or make setup in the project's folder)."
    )


def train_own(
    recordings: Sequence[Recording], ask: Ask, repository: Path, report: Report, stop: threading.Event
) -> Trained:
    """Teach a model what is nominal in ``recordings``, and publish it as the next version of its name.

    Raises TrainingError, EngineError, OSError, and CancelledError where ``stop`` was set; nothing is published then.
    """
    if reason := why_not():
        raise TrainingError(reason)
    taught = lesson(recordings)
    with tempfile.TemporaryDirectory(prefix="perigee-train-") as folder:
        made = _learn(taught, ask, Path(folder), report, stop)
        draft = read_model(Path(folder) / "made" / ask.name)
        ends = checked(taught)
        scores = _smoothed(np.load(Path(folder) / "scores.npy"), ends)
        half = len(ends) // 2
        now = _standing("", scores[:, :, half:], _usual(scores[:, :, :half]), _usual(scores))
        places = tuple(
            replace(one, usual=usual, lasting=lasting)
            for one, (usual, lasting) in zip(taught.places, _usual(scores).T.tolist(), strict=True)
        )
        config = parse_config((draft.path.parent / "config.pbtxt").read_text(encoding="utf-8"))
        config = replace(config, parameters={**config.parameters, **stored(places)})
        before = predecessor(repository / ask.name, taught, half)
        if stop.is_set():
            raise CancelledError
        card = publish_version(repository, config, draft.path.read_bytes())
    return Trained(
        card=card,
        channels=taught.paths,
        period_s=taught.period / SECOND,
        span=(int(taught.times[0]), int(taught.times[-1])),
        windows=len(taught.ends),
        steps=int(made["steps"]),
        seconds=float(made["seconds"]),
        parity_max_abs=float(made["parity_max_abs"]),
        device=str(made["device"]),
        now=replace(now, version=card.version),
        before=before,
        notes=(*taught.notes, *_doubts(now)),
    )


def _doubts(now: Standing) -> list[str]:
    if now.alarm_share <= MOST_ALARMED and now.least < MOST_MISSED:
        return []
    return [
        f"The model has learned next to nothing: {100 * now.alarm_share:.1f} % of nominal windows are in alarm, and "
        f"what lasts is found from {now.least:.2f} standard deviations on. Train it longer, or on more nominal time."
    ]


def _learn(taught: Lesson, ask: Ask, folder: Path, report: Report, stop: threading.Event) -> dict[str, float | str]:
    """Run the child in ``folder``; what it says it made."""
    arrays: dict[str, npt.NDArray[Any]] = {"values": taught.values}
    arrays |= {f"fitted_{number}": rows for number, rows in enumerate(taught.fitted)}
    arrays |= {f"held_out_{number}": rows for number, rows in enumerate(_in_service(taught))}
    np.savez(folder / "windows.npz", **arrays)  # type: ignore[arg-type]  # numpy declares a flag among them
    whose = glob.escape(ask.satellite) if ask.satellite else "*"
    parameters = {
        "kind": "reconstruction",
        "sample_period": f"{taught.period / SECOND:g}",
        "channels": ",".join(f"{whose}/{glob.escape(path)}" for path in taught.paths),
        "scaling": "stored",
        "trained_on": f"{iso(int(taught.times[0]))} to {iso(int(taught.times[-1]))}",
        "trained_windows": str(len(taught.ends)),
        "network": ask.kind,
        "networks": str(BLOCKS),
        "seed": str(ask.seed),
        **stored(taught.places),
    }
    task = {
        "name": ask.name,
        "kind": ask.kind,
        "window": WINDOW,
        "networks": BLOCKS,
        "seed": ask.seed,
        "steps": ask.steps or STEPS[ask.kind],
        "seconds": ask.minutes * 60,
        "parameters": parameters,
    }
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    here = Path(__file__).resolve().parent.parent
    said: dict[str, float | str] = {}
    with (
        (folder / "stderr.txt").open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "training.learn", str(folder)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(here), os.environ.get("PYTHONPATH"))))},
        ) as child,
    ):
        listener = threading.Thread(target=_listen, args=(child, said, report), name="training", daemon=True)
        listener.start()
        try:
            while child.poll() is None:
                if stop.wait(POLL_S):
                    raise CancelledError
        finally:
            child.kill()
            child.wait()
            listener.join()
    if "error" in said:
        raise EngineError(str(said["error"]))
    if child.returncode or "steps" not in said:
        last = ((folder / "stderr.txt").read_text(encoding="utf-8", errors="replace").splitlines() or ["no word"])[-1]
        raise TrainingError(f"Training ended by itself ({last.strip()[:200]}): nothing was published; try again.")
    return said


def _listen(child: subprocess.Popen[str], said: dict[str, float | str], report: Report) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        facts = json.loads(line)
        if "done" in facts:
            report(float(facts["done"]), float(facts["left_s"]))
        else:
            said.update(facts)


def _in_service(taught: Lesson) -> list[npt.NDArray[np.int64]]:
    """Of the rows of each block that was held out, those at which a window ends in service."""
    return [rows[(taught.times[rows] // taught.period + 1) % STRIDE == 0] for rows in taught.held_out]


def checked(taught: Lesson) -> npt.NDArray[np.int64]:
    """The rows (n,) at which windows are scored that some network was fitted without, block by block."""
    return np.concatenate(_in_service(taught))


def scores_of(card: ModelCard, taught: Lesson) -> Floats:
    """(2, channels, n) scores of a version at the rows of ``checked``, smoothed a little and much.

    Its channels must be those of ``taught``, in that order; values are brought to the version's own scales.
    """
    theirs, ours = card.spec.places, taught.places
    scale = np.array([one.scale for one in ours]) / np.array([one.scale for one in theirs])
    shift = np.array([(a.location - b.location) / b.scale for a, b in zip(ours, theirs, strict=True)])
    values = (taught.values * scale + shift).astype(np.float32)
    ends = checked(taught)
    engine = open_engine("embedded", [card])
    try:
        parts = []
        for start in range(0, len(ends), card.max_batch_size):
            some = ends[start : start + card.max_batch_size]
            windows = values[some[:, None] + np.arange(1 - card.spec.window, 1)]
            parts.append(engine.infer(card.name, windows, ("score",))["score"])
    finally:
        engine.close()
    return _smoothed(np.concatenate(parts), ends)


def _smoothed(scores: npt.NDArray[np.float32], ends: npt.NDArray[np.int64]) -> Floats:
    raw = scores.astype(np.float64).T
    smoothing = Smoothing(DetectionSettings().between_alphas, STRIDE, len(raw))
    return smoothing.take(raw, np.isfinite(raw), np.diff(ends, prepend=-1) == STRIDE)


def _usual(scores: Floats) -> Floats:
    return np.asarray(scores.max(axis=2), dtype=np.float64)


def _standing(version: str, scores: Floats, before: Floats, usual: Floats) -> Standing:
    """Of ``scores`` (2, channels, n) held to the largest ``before``; of a model whose largest is ``usual``."""
    margins = np.array(DetectionSettings().between.margins)
    alarmed = (scores > margins[:, None, None] * np.maximum(before, 1e-3)[:, :, None]).any(axis=(0, 1))
    return Standing(version, float(alarmed.mean()), float(margins[1] * np.median(usual[1])))


def predecessor(folder: Path, taught: Lesson, half: int) -> Standing | None:
    """How the version that serves so far does on the time from row ``half`` of ``checked`` on.

    None where there is none that can be compared.
    """
    if not folder.exists():
        return None
    try:
        card = read_model(folder)
    except EngineError:
        return None
    spec = card.spec
    same = [pattern.partition("/")[2] for pattern in spec.channels] == [glob.escape(path) for path in taught.paths]
    if not same or (spec.window, spec.stride, spec.sample_period) != (WINDOW, STRIDE, taught.period):
        return None
    scores = scores_of(card, taught)
    unit = np.array([one.scale for one in spec.places]) / np.array([one.scale for one in taught.places])
    usual = np.array([[one.usual, one.lasting] for one in spec.places]).T
    return _standing(card.version, scores[:, :, half:], usual, usual * unit)
