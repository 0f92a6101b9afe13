"""The label file of telemanom's layout: which test samples of which channel belong to a labelled event. Any thread."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from app.evaluation.errors import EvaluationError
from app.evaluation.metrics import Spans

LABEL_FILE = "labeled_anomalies.csv"
LARGEST = 16 << 20
"""Bytes of a label file."""

MOST_EVENTS = 10_000
"""Labelled events of one channel."""
_LARGEST_SAMPLE = 1 << 62


def read_labels(path: Path, lengths: Mapping[str, int]) -> dict[str, Spans]:
    """The labelled events of each channel that has a row, of the channels whose test part has ``lengths`` samples.

    The rows of one channel are united, and labels that share a sample are one event. Columns other than ``chan_id``
    and ``anomaly_sequences`` are not looked at. Raises EvaluationError.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for line, row in _rows(path):
        name = row.get("chan_id") or ""
        if name not in lengths:
            raise EvaluationError(
                f"{path}, line {line}, labels the channel '{name[:80]}', of which there is no file in train/ and "
                "test/: add the two files, or take the row out."
            )
        found.setdefault(name, []).extend(_pairs(row.get("anomaly_sequences"), lengths[name], f"{path}, line {line},"))
        if len(found[name]) > MOST_EVENTS:
            raise EvaluationError(f"{path} has more than {MOST_EVENTS:,} labels of {name}: leave some of them out.")
    return {name: united(spans) for name, spans in found.items()}


def united(spans: list[tuple[int, int]]) -> Spans:
    """Inclusive ``spans`` in any order, those that share a sample as one."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return np.array(out, dtype=np.int64).reshape(-1, 2)


def _rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    """Line number and cells of each row."""
    try:
        if not path.is_file():
            raise EvaluationError(
                f"There is no {path}: write one with the columns chan_id and anomaly_sequences, a row a channel that "
                'has labels, such as A-1,"[[2149, 2349]]".'
            )
        if path.stat().st_size > LARGEST:
            raise EvaluationError(f"{path} is larger than {LARGEST >> 20} MB: that is no file of labels; give another.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            for column in ("chan_id", "anomaly_sequences"):
                if column not in (reader.fieldnames or ()):
                    raise EvaluationError(f"{path} has no column {column}: name it so in the first line.")
            return [(reader.line_num, row) for row in reader]
    except OSError as problem:
        raise EvaluationError(f"{path} cannot be read ({problem.strerror or problem}): check the file.") from problem
    except (csv.Error, UnicodeDecodeError) as problem:
        raise EvaluationError(f"{path} is no CSV file in UTF-8 ({problem}): write it again.") from problem


def _pairs(text: str | None, length: int, where: str) -> list[tuple[int, int]]:
    try:
        pairs = json.loads(text or "")
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise EvaluationError(
            f"{where} has no list of first and last samples in anomaly_sequences: write [[2149, 2349]], or [] for none."
        )
    for start, end in pairs:
        if not 0 <= start <= end < length:
            raise EvaluationError(
                f"{where} labels {start} to {end}, and the test part has samples 0 to {length - 1}: correct "
                "the label, or give the file that it belongs to."
            )
    return [(start, end) for start, end in pairs]


def _is_pair(pair: object) -> bool:
    return (
        isinstance(pair, list)
        and len(pair) == 2
        and all(type(number) is int and abs(number) <= _LARGEST_SAMPLE for number in pair)
    )
