"""Cells of text to numbers: a fast way for clean blocks, and one careful function that decides the rest.

The fast way (Arrow's cast of a whole block) and ``parse_number`` agree wherever the fast way succeeds.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry.files.column import Numbers

NULLS = frozenset({"", "nan", "na", "n/a", "#n/a", "null", "none", "nil", "nat", "<na>", "(null)", "-", "--", "---"})
"""What stands for no value, in lower case."""

_INTEGER = re.compile(r"[+-]?\d{1,400}", re.ASCII)
_REAL = re.compile(r"[+-]?(?:\d{1,400}\.?\d{0,400}|\.\d{1,400})(?:[eEdD][+-]?\d{1,9})?", re.ASCII)
_HEX = re.compile(r"[+-]?0[xX][0-9a-fA-F]{1,16}", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
_SPACED = re.compile(r"([+-]?\d{1,3}(?:[  \u202f'’]\d{3})+)(?=[.,]|$)", re.ASCII)
_BY_COMMAS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII)
_BY_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d*)?", re.ASCII)
_TRUTH = {"true": True, "false": False}
_ENOUGH = 100
_PROBE = 16


def parse_number(text: str, comma: bool = False) -> int | float | None:
    """The number that ``text`` is: an int, a float (also infinite), None where it stands for no value.

    ``comma`` says that the file writes decimal commas, which decides ``1,234`` and ``1.234.567``; grouped thousands,
    exponents with D, and hexadecimal integers are read too. Raises ValueError where it is no number.
    """
    text = text.strip().strip('"').strip()
    if text.lower() in NULLS:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    if not _REAL.fullmatch(text):
        if _HEX.fullmatch(text):
            return int(text, 16)
        if _INFINITE.fullmatch(text):
            return -math.inf if text[0] == "-" else math.inf
        text = _plain(text.replace("\u2212", "-"), comma)
        if _INTEGER.fullmatch(text):
            return int(text)
        if not _REAL.fullmatch(text):
            raise ValueError(text)
    return float(text.replace("d", "e").replace("D", "e"))


def _plain(text: str, comma: bool) -> str:
    """Without grouping, with a decimal point."""
    text = _SPACED.sub(lambda m: re.sub(r"[^\d+-]", "", m[1]), text, count=1)
    if "," not in text:
        return text.replace(".", "") if _BY_POINTS.fullmatch(text) and text.count(".") > 1 else text
    grouped = _BY_POINTS.fullmatch(text) and "." in text
    if grouped:
        return text.replace(".", "").replace(",", ".")
    if _BY_COMMAS.fullmatch(text) and (not comma or "." in text or text.count(",") > 1):
        return text.replace(",", "")
    return text.replace(",", ".", 1) if "." not in text else text


def _from_arrow(array: Any) -> Numbers:
    missing = array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None
    if pa.types.is_floating(array.type):
        values = array.to_numpy(zero_copy_only=False)
        nan = np.isnan(values)
        missing = nan if nan.any() else None
    else:
        values = array.fill_null(0).to_numpy(zero_copy_only=False) if array.null_count else array.to_numpy(False)
    return Numbers(values, missing)


def _cast(cells: Any, hexadecimal: bool) -> Numbers | None:
    # Arrow reads 0xFFFFFFFFFFFFFFFF as -1: blocks with hexadecimal numbers take the careful way.
    kinds = [pa.float64()] if hexadecimal else [pa.int64(), pa.uint64(), pa.float64()]
    for kind in kinds:
        try:
            # A cast that fails words an error for every cell: try it on a few before the whole block.
            for some in (cells[:_PROBE], cells[-_PROBE:]) if len(cells) > 4 * _PROBE else ():
                pc.cast(some, kind)
            return _from_arrow(pc.cast(cells, kind))
        except pa.ArrowInvalid:
            continue
    return None


def to_numbers(cells: Any, comma: bool = False, hexadecimal: bool = True, sure: bool = False) -> Numbers | None:
    """An Arrow array of strings as numbers; None where most of its cells are something else.

    Cells that are no number among numbers that are become missing and are counted in ``bad``. A block of
    nothing but ``true`` and ``false`` is bool. ``hexadecimal`` says that such numbers may occur. ``sure`` says that
    the column is one of numbers, however few there are in this block: the answer is never None.
    """
    clean = _cast(cells, hexadecimal)
    if clean is not None:
        return clean
    trimmed = pc.utf8_trim_whitespace(cells)
    if comma:
        # What was grouped has two points now and fails the cast.
        clean = _cast(pc.replace_substring(trimmed, ",", "."), hexadecimal)
    elif trimmed != cells:
        clean = _cast(trimmed, hexadecimal)
    return clean if clean is not None else _carefully(trimmed, comma, sure)


def _carefully(cells: Any, comma: bool, sure: bool) -> Numbers | None:
    head = cells.drop_null()[:_ENOUGH].to_pylist()
    if not sure and head and len(cells) > 10 * _ENOUGH and not any(_is_value(text, comma) for text in head):
        return None  # plain text: do not parse each of a million different cells to find that out
    coded = cells.dictionary_encode()
    labels: list[str] = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(len(labels)).to_numpy(zero_copy_only=False)
    counts = np.bincount(codes, minlength=len(labels) + 1)
    found: list[int | float | None] = []
    bad = good = 0
    examples: list[str] = []
    truths = {label.strip().lower() for label in labels} - NULLS
    if truths and truths <= set(_TRUTH):
        found = [_TRUTH.get(label.strip().lower()) for label in labels]
    else:
        for label, count in zip(labels, counts, strict=False):
            try:
                number = parse_number(label, comma)
                good += 0 if number is None else int(count)
            except ValueError:
                number = None
                bad += int(count)
                if len(examples) < 3:
                    examples.append(label.strip()[:24])
            found.append(number)
        if bad > good and not sure:
            return None
    return _of_labels([*found, None], codes, bad, tuple(examples))


def _of_labels(found: list[int | float | None], codes: Any, bad: int, examples: tuple[str, ...]) -> Numbers:
    real = [number for number in found if number is not None]
    absent = np.array([number is None for number in found])
    if real and all(isinstance(number, bool) for number in real):
        kind: Any = np.bool_
    elif all(isinstance(number, int) for number in real) and all(-(2**63) <= number < 2**64 for number in real):
        low, high = min(real, default=0), max(real, default=0)
        kind = np.int64 if high < 2**63 else np.uint64 if low >= 0 else np.float64
    else:
        kind = np.float64
    empty = math.nan if kind is np.float64 else 0
    values = np.array([empty if n is None else _within(n) if kind is np.float64 else n for n in found], dtype=kind)
    missing = absent[codes]
    return Numbers(values[codes], missing if missing.any() else None, bad, examples)


def _within(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if number > 0 else -math.inf


def _is_value(text: str, comma: bool) -> bool:
    try:
        return parse_number(text, comma) is not None
    except ValueError:
        return text.strip().lower() in _TRUTH
