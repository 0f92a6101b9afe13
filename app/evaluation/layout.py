"""Recordings with labelled events in telemanom's layout: ``train/NAME.npy``, ``test/NAME.npy``, one file of labels.

Column 0 of an array is the value, the others are commands, which are not judged. Rows are samples a minute apart.
Nothing is unpickled, and no more than column 0 is held. Pure reading; any thread.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.evaluation.errors import EvaluationError
from app.evaluation.labels import LABEL_FILE, read_labels, united
from app.evaluation.metrics import Spans
from detection import DetectionSettings

Values = npt.NDArray[np.float64]

LEAST_TRAIN = DetectionSettings().fits[0]
"""Samples that a commissioning needs."""
MOST_SAMPLES = 10_000_000
"""In one file: 19 years of minutes."""

_SCALED = (-1.0, 1.0)
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One channel: its two files, and the first and last test sample of each labelled event, none of which share one.

    ``span`` is the declared range of its values, None where none is known.
    """

    name: str
    train: Path
    test: Path
    spans: Spans
    span: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The recordings of a folder, by name."""

    name: str
    recordings: tuple[Recording, ...]


def read_dataset(folder: Path) -> Dataset:
    """The recordings of ``folder``, each looked at from end to end. Raises EvaluationError."""
    if folder.is_file():
        raise EvaluationError(
            f"{folder} is a file, and labelled recordings lie in a folder: give one that holds train/, test/ and "
            f"{LABEL_FILE}. One recording is watched with 'perigee monitor'."
        )
    for needed in (folder, folder / "train", folder / "test"):
        if not needed.is_dir():
            raise EvaluationError(
                f"There is no folder {needed}: give a folder that holds train/, test/ and {LABEL_FILE}."
            )
    train, test = _arrays(folder / "train"), _arrays(folder / "test")
    for name in sorted(train.keys() ^ test.keys()):
        there, missing = ("train", "test") if name in train else ("test", "train")
        raise EvaluationError(
            f"There is {folder / there / name}.npy and no {folder / missing / name}.npy: add it, or take the other out."
        )
    if not train:
        raise EvaluationError(f"{folder / 'train'} holds no .npy file: give a folder with a file a channel.")
    lengths: dict[str, int] = {}
    largest = 0.0
    for name in train:
        lengths[name] = len(read_values(test[name]))
        learned = read_values(train[name])
        if len(learned) < LEAST_TRAIN:
            raise EvaluationError(
                f"{train[name]} holds {_samples(len(learned))}, and to learn what is usual takes {LEAST_TRAIN}: give "
                "more of them, or take the channel's two files out."
            )
        largest = max(largest, float(np.abs(learned).max()))
    spans = read_labels(folder / LABEL_FILE, lengths)
    # Telemanom's recordings are published scaled to -1 .. 1. What only happens to be small does not end at 1 itself.
    span = _SCALED if abs(largest - _SCALED[1]) < _ROUNDING else None
    resolved = folder.resolve()
    return Dataset(
        name=os.fsencode(resolved.name or str(resolved)).decode("utf-8", "replace"),
        recordings=tuple(Recording(name, train[name], test[name], spans.get(name, united([])), span) for name in train),
    )


def read_values(path: Path) -> Values:
    """(n,) column 0 of the array in ``path``, n at least 1 and every value finite. Raises EvaluationError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an array that Python 2 wrote
            array = np.lib.format.open_memmap(path, mode="r")
    except OSError as problem:
        raise EvaluationError(f"{path} cannot be read ({problem.strerror or problem}): check the file.") from problem
    except Exception as problem:  # a header that was made up fails in a dozen ways
        why = str(problem).rstrip(".") or type(problem).__name__
        raise EvaluationError(
            f"{path} is not a whole .npy array of numbers ({why}): write it again with numpy.save."
        ) from problem
    if array.ndim != 2 or not array.shape[1]:
        raise EvaluationError(
            f"{path} has the shape {array.shape}: an array of (samples, columns) is asked for, the value in column 0."
        )
    if array.dtype.kind not in "fiub":
        raise EvaluationError(f"{path} holds {array.dtype} and no plain numbers: save it as float64.")
    if not 1 <= len(array) <= MOST_SAMPLES:
        raise EvaluationError(
            f"{path} holds {_samples(len(array))}, and from 1 to {MOST_SAMPLES:,} can be judged: give another part of "
            "the recording."
        )
    with np.errstate(over="ignore"):
        values = array[:, 0].astype(np.float64)
    (odd,) = np.nonzero(~np.isfinite(values))
    if len(odd):
        raise EvaluationError(
            f"{path} holds {values[odd[0]]} in row {odd[0]} of column 0: every sample needs a value, so repeat the one "
            "before it, or cut the row out."
        )
    return values


def _arrays(folder: Path) -> dict[str, Path]:
    try:
        return {path.stem: path for path in sorted(folder.glob("*.npy")) if path.is_file()}
    except OSError as problem:
        raise EvaluationError(
            f"{folder} cannot be read ({problem.strerror or problem}): check its rights."
        ) from problem


def _samples(number: int) -> str:
    return f"{number:,} sample{'' if number == 1 else 's'}"
