"""A theme as the rasteriser sees it: one colour for each of the 256 sets of layers a pixel can lie in. Pure numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ECLIPSE, SPAN, GRID, HATCH, BAND, OUTSIDE, EXPECTED, TRACE = (np.uint8(1 << bit) for bit in range(8))
"""Layers, lowest first. Within a hatched stretch the grid's bit says where the hatch has a line."""

Pixels = npt.NDArray[np.uint32]
SEVERITIES = ("watch", "warning", "distress", "critical", "severe")


def rgb(text: str) -> int:
    """``#RRGGBB`` as 0xFFRRGGBB. Raises ValueError where it is not one."""
    if len(text) != 7 or text[0] != "#":
        raise ValueError(f"'{text}' is not a colour: #RRGGBB is needed.")
    return 0xFF000000 | int(text[1:], 16)


def mix(below: int, above: int, share: float) -> int:
    """``above`` laid over ``below`` with the opacity ``share``."""
    out = 0xFF000000
    for shift in (16, 8, 0):
        a, b = below >> shift & 255, above >> shift & 255
        out |= round(a + (b - a) * share) << shift
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Colours as 0xFFRRGGBB; ``lookup`` (256,) is indexed by a pixel's layers."""

    lookup: Pixels
    line: int
    late: int
    limit: int
    finding: int
    trace: int
    box: int
    box_edge: int
    severity: Mapping[str, int]


def palette(colours: Mapping[str, str], band_alpha: float) -> Palette:
    """The palette of a theme: token to ``#RRGGBB``. Raises KeyError for a token that is missing."""
    plot, eclipse, span = rgb(colours["plot"]), rgb(colours["eclipse"]), rgb(colours["finding_span"])
    hatch = rgb(colours["gap"])
    lookup = np.zeros(256, dtype=np.uint32)
    for bits in range(256):
        colour = span if bits & SPAN else eclipse if bits & ECLIPSE else plot
        if bits & HATCH:
            colour = hatch if bits & GRID else colour
        elif bits & GRID:
            colour = mix(colour, rgb(colours["line"]), 0.55) if bits & SPAN else rgb(colours["grid"])
        if bits & BAND:
            colour = mix(colour, rgb(colours["band"]), band_alpha)
        if bits & OUTSIDE:
            colour = rgb(colours["finding_fill"])
        if bits & EXPECTED:
            colour = rgb(colours["expected"])
        if bits & TRACE:
            colour = rgb(colours["trace"])
        lookup[bits] = colour
    return Palette(
        lookup=lookup,
        line=rgb(colours["line"]),
        late=rgb(colours["text_3"]),
        limit=rgb(colours["limit"]),
        finding=rgb(colours["finding"]),
        trace=rgb(colours["trace"]),
        box=rgb(colours["raised"]),
        box_edge=rgb(colours["line_strong"]),
        severity={name: rgb(colours[name]) for name in SEVERITIES},
    )
