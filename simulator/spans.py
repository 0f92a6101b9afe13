"""Spans of time as one ascending array of edges: begin, end, begin, end... Pure functions, any thread."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from simulator.chance import Floats

Span = tuple[float, float]


def edges_of(spans: Iterable[Span]) -> Floats:
    """The edges of the union of ``spans`` (seconds)."""
    union: list[list[float]] = []
    for begin, end in sorted(spans):
        if union and begin <= union[-1][1]:
            union[-1][1] = max(union[-1][1], end)
        elif end > begin:
            union.append([begin, end])
    return np.array(union, dtype=np.float64).reshape(-1)


def inside(edges: Floats, t: Floats) -> npt.NDArray[np.bool_]:
    """(n,) where ``t`` (n,) lies in a span; its end does not."""
    within: npt.NDArray[np.bool_] = np.searchsorted(edges, t, side="right") % 2 == 1
    return within


def eased(edges: Floats, t: Floats, tau: float) -> Floats:
    """(n,) 1 in a span and 0 outside, approached exponentially with ``tau`` seconds after each edge."""
    passed = np.searchsorted(edges, t, side="right")
    since = t - np.concatenate(((-np.inf,), edges))[passed]
    rest = np.exp(-since / tau)
    part: Floats = np.where(passed % 2 == 1, 1 - rest, rest)
    return part


def crossings(t: Floats, level: Floats) -> list[Span]:
    """Where ``level`` (n,), sampled at ``t`` and straight between, is above 0; open at either end of ``t``."""
    above = level > 0
    at = np.flatnonzero(above[1:] != above[:-1])
    edges = [float(t[i] + (t[i + 1] - t[i]) * level[i] / (level[i] - level[i + 1])) for i in at]
    if above[0]:
        edges.insert(0, float(t[0]))
    if above[-1]:
        edges.append(float(t[-1]))
    return list(zip(edges[::2], edges[1::2], strict=True))
