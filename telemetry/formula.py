"""What an expression gives on a stream of samples: the same however the stream is cut. One thread owns a formula.

A number that is not finite is no value, and what is made of no value is none: a division by zero, the root of a
negative number and an overflow leave a gap. Truths are 1 and 0; every number but 0 is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from telemetry.expression import Apply, Name, Node, Number, parse
from telemetry.frame import Times
from telemetry.steps import Floats, Steps

_PLAIN: Mapping[str, Callable[..., npt.NDArray[np.generic]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "neg": np.negative,
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "atan2": np.arctan2,
    "hypot": np.hypot,
    "min": lambda *x: np.minimum.reduce(x),
    "max": lambda *x: np.maximum.reduce(x),
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
}


class Formula:
    """An expression and what it remembers of the stream. Raises ExpressionError."""

    def __init__(self, text: str) -> None:
        self._root = parse(text)
        self._steps: dict[int, Steps] = {}
        self._means: dict[int, _Mean] = {}

    @property
    def names(self) -> tuple[Name, ...]:
        """The channels that are named, each once, in the order of the text."""
        return tuple({one.text: one for one in reversed([*_names(self._root)])}.values())[::-1]

    def reset(self) -> None:
        """Forget what came before."""
        self._steps.clear()
        self._means.clear()

    def compute(self, times: Times, values: Mapping[str, Floats]) -> Floats:
        """(n,) results at ascending ``times``, NaN where there is none; ``values`` are (n,) by name."""
        with np.errstate(all="ignore"):
            return self._finite(self._value(self._root, times, values), len(times))

    def _value(self, node: Node, times: Times, values: Mapping[str, Floats]) -> Floats:
        if isinstance(node, Number):
            return np.full(len(times), node.value)
        if isinstance(node, Name):
            return self._finite(values[node.text], len(times))
        x = [self._value(one, times, values) for one in node.arguments]
        return self._finite(self._apply(node, times, x), len(times))

    def _apply(self, node: Apply, times: Times, x: list[Floats]) -> Floats:
        match node.function:
            case "previous":
                return self._remembered(node).before(times, x[0][None, :])[0].ravel()
            case "rate":
                return self._remembered(node).rates(times, x[0][None, :]).ravel()
            case "mean":
                return self._means.setdefault(id(node), _Mean(node.span)).take(times, x[0])
            case "where":
                return np.where(np.isnan(x[0]), np.nan, np.where(x[0] != 0, x[1], x[2]))
        result = np.asarray(_PLAIN[node.function](*x), dtype=np.float64)
        # Comparisons and truths of no value would else be 0 or 1.
        return np.where(np.logical_or.reduce([np.isnan(one) for one in x]), np.nan, result)

    def _remembered(self, node: Apply) -> Steps:
        return self._steps.setdefault(id(node), Steps(1))

    def _finite(self, x: Floats, n: int) -> Floats:
        return np.where(np.isfinite(x), x, np.nan)


class _Mean:
    """The mean of the values of the last ``span`` microseconds, the present one included."""

    def __init__(self, span: int) -> None:
        self._span = span
        self._times: Times = np.empty(0, dtype=np.int64)
        self._values: Floats = np.empty(0)

    def take(self, times: Times, x: Floats) -> Floats:
        here = ~np.isnan(x)
        stop = len(self._times) + np.cumsum(here)
        self._times = np.concatenate([self._times, times[here]])
        self._values = np.concatenate([self._values, x[here]])
        start = np.minimum(np.searchsorted(self._times, times - self._span, "right"), stop)
        # Each sum is taken over its own values: a running sum would depend on where the stream was cut.
        bounds = np.stack([start, stop], axis=1).ravel()
        sums = np.add.reduceat(np.append(self._values, 0.0), bounds)[::2] if len(times) else np.empty(0)
        out = np.where(stop > start, sums / np.maximum(stop - start, 1), np.nan)
        if len(times):
            old = int(np.searchsorted(self._times, times[-1] - self._span, "right"))
            self._times, self._values = self._times[old:], self._values[old:]
        return out


def _names(node: Node) -> Iterator[Name]:
    if isinstance(node, Name):
        yield node
    elif isinstance(node, Apply):
        for one in node.arguments:
            yield from _names(one)
