"""Small labelled recordings, made in memory from seeds and written in telemanom's layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

Values = npt.NDArray[np.float64]
MakeFolder = Callable[..., Path]


def cycle(n: int, seed: int) -> Values:
    """(n,) of a cycle with noise that does nothing odd."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    values: Values = 5 + np.sin(2 * np.pi * t / 47 + seed) + 0.05 * rng.normal(size=n)
    return values


def burst(values: Values, start: int, end: int) -> Values:
    """The same with something odd from ``start`` to ``end``, both included."""
    odd = values.copy()
    odd[start : end + 1] += 3 * (-1.0) ** np.arange(end + 1 - start)
    return odd


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Writes ``parts`` (train and test by channel) and ``labels`` (text of the second column by channel)."""

    def make(parts: Mapping[str, tuple[Values, Values]], labels: Mapping[str, str] | None = None) -> Path:
        folder = tmp_path / "mission"
        for number, part in enumerate(("train", "test")):
            (folder / part).mkdir(parents=True)
            for name, values in parts.items():
                commands = np.zeros((len(values[number]), 2))
                np.save(folder / part / f"{name}.npy", np.column_stack([values[number], commands]))
        rows = "".join(f'{name},"{text}"\n' for name, text in (labels or {}).items())
        (folder / "labeled_anomalies.csv").write_text("chan_id,anomaly_sequences\n" + rows, encoding="utf-8")
        return folder

    return make
