"""How everything looks: the design tokens as a frozen ``Theme``, dark or light, and what Qt is told of it.

GUI thread. The values come from ``tokens.json``, which wins over any text about it. Painted views ask the theme
they were given for colours; the few stock widgets (fields, scroll bars, tool tips) take them from one stylesheet.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Any, Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from widgets.fonts import font, load_fonts, metrics

__all__ = ["PX", "Appearance", "Choice", "Theme", "apply", "font", "metrics", "palette", "stylesheet", "theme"]

Name = Literal["dark", "light"]
Choice = Literal["system", "dark", "light"]


def _tokens() -> dict[str, Any]:
    text = Path(__file__).with_name("tokens.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


_TOKENS = _tokens()
PX: MappingProxyType[str, int] = MappingProxyType(_TOKENS["px"])
"""Sizes in logical pixels, by token."""


@dataclass(frozen=True, slots=True, eq=False)
class Theme:
    """Colours by token. ``band_alpha`` is the opacity (0..1) of the band of expected values."""

    name: Name
    colors: MappingProxyType[str, str]
    band_alpha: float
    _made: dict[str, QColor] = field(default_factory=dict, repr=False)

    def hex(self, token: str) -> str:
        """``#RRGGBB`` of a token. Raises KeyError for one that does not exist."""
        return self.colors[token]

    def color(self, token: str) -> QColor:
        """The colour of a token, shared: nobody changes it. Raises KeyError for one that does not exist."""
        made = self._made.get(token)
        if made is None:
            made = self._made[token] = QColor(self.colors[token])
        return made


@cache
def theme(name: Name) -> Theme:
    """The dark or the light theme: one value each."""
    values = dict(_TOKENS[name])
    alpha = float(values.pop("band_alpha"))
    return Theme(name, MappingProxyType(values), alpha)


_QSS = Template(
    """
QLineEdit { background: $raised; color: $text; border: 1px solid $line_strong; border-radius: ${radius}px;
            padding: 0 8px 0 28px; selection-background-color: $text; selection-color: $canvas; }
QLineEdit:focus { border: 2px solid $focus; padding: 0 7px 0 27px; }
QLineEdit[plain="true"] { padding: 0 8px; }
QLineEdit[plain="true"]:focus { padding: 0 7px; }
QLineEdit[wrong="true"] { border: 2px solid $text; padding: 0 7px; }
QAbstractScrollArea[ring="true"] { border: 2px solid $panel; }
QAbstractScrollArea[ring="true"]:focus { border: 2px solid $focus; }
QScrollBar:vertical { background: transparent; width: 6px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 6px; margin: 0; }
QScrollBar::handle { background: $line_strong; border-radius: 2px; margin: 1px; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::handle:hover { background: $limit; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: $raised; color: $text; border: 1px solid $line_strong; padding: 4px 0; }
QMenu::item { padding: 5px 20px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $line; margin: 4px 0; }
QToolTip { background: $raised; color: $text; border: 1px solid $line_strong; padding: 4px 8px; }
"""
)


def stylesheet(look: Theme) -> str:
    """The one stylesheet, for the stock widgets. Weights are set by ``font``, which a stylesheet cannot do."""
    return _QSS.substitute(look.colors, radius=PX["radius"])


def palette(look: Theme) -> QPalette:
    """The same values for whatever Qt draws by itself, dialogs included."""
    made = QPalette()
    role = QPalette.ColorRole
    active = {
        role.Window: "panel",
        role.WindowText: "text",
        role.Base: "plot",
        role.AlternateBase: "panel",
        role.Text: "text",
        role.PlaceholderText: "text_3",
        role.Button: "raised",
        role.ButtonText: "text",
        role.BrightText: "text",
        role.Highlight: "selected",
        role.HighlightedText: "text",
        role.Accent: "text_2",
        role.ToolTipBase: "raised",
        role.ToolTipText: "text",
        role.Link: "text",
        role.LinkVisited: "text_2",
        role.Light: "line_strong",
        role.Midlight: "line",
        role.Mid: "line",
        role.Dark: "canvas",
        role.Shadow: "canvas",
    }
    for which, token in active.items():
        made.setColor(which, look.color(token))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, look.color("disabled"))
    return made


def apply(app: QApplication, look: Theme) -> None:
    """Give ``look`` to the whole program: fonts (once), palette, stylesheet."""
    load_fonts()
    if app.property("perigee_style") is None:
        app.setProperty("perigee_style", True)
        app.setStyle("Fusion")
        app.setFont(font(PX["font_13"]))
    app.setPalette(palette(look))
    app.setStyleSheet(stylesheet(look))


class Appearance(QObject):
    """Follows the system's colour scheme unless the operator chose a theme; keeps the program's look applied."""

    changed = Signal(object)
    """The new ``Theme``, already applied to the program; views still have to be given it."""

    def __init__(self, app: QApplication, choice: Choice = "system") -> None:
        super().__init__(app)
        self._app = app
        self._choice = choice
        self._look = self._wanted()
        apply(app, self._look)
        app.styleHints().colorSchemeChanged.connect(self._follow)

    @property
    def look(self) -> Theme:
        """The theme that is applied now."""
        return self._look

    def choose(self, choice: Choice) -> None:
        """Follow the system, or stay dark or light."""
        self._choice = choice
        self._follow()

    def _wanted(self) -> Theme:
        if self._choice != "system":
            return theme(self._choice)
        scheme = self._app.styleHints().colorScheme()
        # A desktop that says nothing gets the dark one: control rooms are dark.
        return theme("light" if scheme == Qt.ColorScheme.Light else "dark")

    def _follow(self, *_: object) -> None:
        wanted = self._wanted()
        if wanted is not self._look:
            self._look = wanted
            apply(self._app, wanted)
            self.changed.emit(wanted)
