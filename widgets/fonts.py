"""The program's fonts: IBM Plex Sans and Mono out of their packages, the system's fonts for what they lack.

GUI thread. Plex Sans is one variable file: a weight shows only when its axis is set as well as the weight, so
every font comes from ``font`` or ``mono``, and none from a stylesheet.
"""

from __future__ import annotations

import importlib.util
import logging
from functools import cache
from pathlib import Path

from PySide6.QtGui import QFont, QFontDatabase, QFontMetrics

log = logging.getLogger(__name__)

SANS = "IBM Plex Sans"
MONO = "IBM Plex Mono"
FALLBACK = (
    "IBM Plex Sans KR",
    "Noto Sans CJK KR",
    "NanumGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "DejaVu Sans",
)
"""Hangul first, in the order in which they look right beside Plex; DejaVu for the rest."""

_FILES = {
    "fontpkg_ibm_plex_sans": "IBMPlexSans[wdth,wght].ttf",
    "fontpkg_ibm_plex_mono": "IBMPlexMono-Regular.ttf",
}


def font_file(package: str, name: str) -> Path | None:
    """The file of a font package, found without importing it; None where it is not installed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations)), "files", name)
    return path if path.is_file() else None


@cache
def load_fonts() -> bool:
    """Make the bundled fonts known to Qt, once. False where one is missing: the system's font stands in."""
    complete = True
    for package, name in _FILES.items():
        path = font_file(package, name)
        if path is None or QFontDatabase.addApplicationFont(str(path)) < 0:
            log.warning("The font %s is not installed; the system's font is used instead.", name)
            complete = False
    return complete


@cache
def font(px: int, weight: int = 400) -> QFont:
    """Plex Sans of ``px`` logical pixels at ``weight`` (400, 500 or 600); shared: nobody changes it."""
    load_fonts()
    made = QFont([SANS, *FALLBACK])
    made.setPixelSize(px)
    made.setWeight(QFont.Weight(weight))
    made.setVariableAxis(QFont.Tag("wght"), float(weight))
    return made


@cache
def mono(px: int) -> QFont:
    """Plex Mono of ``px`` logical pixels, for logs and hashes; shared: nobody changes it."""
    load_fonts()
    made = QFont([MONO, *FALLBACK])
    made.setPixelSize(px)
    return made


@cache
def metrics(px: int, weight: int = 400) -> QFontMetrics:
    """Metrics of ``font(px, weight)``."""
    return QFontMetrics(font(px, weight))
