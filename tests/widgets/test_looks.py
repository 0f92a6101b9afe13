"""The theme, the fonts, the shapes: what can be read, told apart, and not be drawn wrongly without a word."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontInfo, QFontMetricsF, QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from widgets.button import Button
from widgets.fonts import SANS, font, load_fonts
from widgets.model import Kind, Mark, Style
from widgets.paint import painted
from widgets.shapes import pixmap
from widgets.theme import Appearance, Theme, palette, theme

LOOKS: tuple[Literal["dark", "light"], ...] = ("dark", "light")
KINDS = [kind for kind in Kind if kind is not Kind.NORMAL]


def contrast(one: QColor, other: QColor) -> float:
    """WCAG 2 contrast ratio."""

    def luminance(color: QColor) -> float:
        parts = (color.redF(), color.greenF(), color.blueF())
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", LOOKS)
def test_every_text_stands_out_from_the_grounds_it_is_written_on(name: Literal["dark", "light"]) -> None:
    look = theme(name)
    written = {
        "text": ("canvas", "panel", "plot", "raised", "selected", "hover", "finding_span"),
        "text_2": ("canvas", "panel", "plot", "raised", "selected"),
        "text_3": ("panel", "plot"),
        "primary_text": ("primary",),
        "finding": ("panel", "plot"),
        **{kind.value: ("panel", "plot") for kind in KINDS},
        **{f"on_{kind.value}": (f"fill_{kind.value}",) for kind in KINDS},
    }
    poor = [
        (ink, ground, round(contrast(look.color(ink), look.color(ground)), 2))
        for ink, grounds in written.items()
        for ground in grounds
        if contrast(look.color(ink), look.color(ground)) < 4.5
    ]
    assert not poor


@pytest.mark.parametrize("name", LOOKS)
def test_qt_is_told_the_same_colours(name: Literal["dark", "light"]) -> None:
    look = theme(name)
    told = palette(look)
    assert told.window().color() == look.color("panel")
    assert told.text().color() == look.color("text")


def test_both_themes_have_every_token() -> None:
    assert theme("dark").colors.keys() == theme("light").colors.keys()
    with pytest.raises(KeyError):
        theme("dark").color("no_such_token")


def test_a_chosen_theme_stays_and_is_told_once(qapp: QApplication, qtbot: QtBot) -> None:
    appearance = Appearance(qapp, "dark")
    told: list[Theme] = []
    appearance.changed.connect(told.append)
    appearance.choose("light")
    appearance.choose("light")
    assert told == [theme("light")]
    assert qapp.palette().window().color() == theme("light").color("panel")
    appearance.choose("dark")
    assert appearance.look is theme("dark")


def test_plex_is_used_and_its_weights_differ(qapp: QApplication) -> None:
    assert load_fonts()
    assert QFontInfo(font(13)).family() == SANS
    widths = [QFontMetricsF(font(13, weight)).horizontalAdvance("wheel_3_current") for weight in (400, 500, 600)]
    assert widths[0] < widths[1] < widths[2]


def test_digits_have_one_width_so_that_values_do_not_jitter(qapp: QApplication) -> None:
    for weight in (400, 600):
        widths = {QFontMetricsF(font(13, weight)).horizontalAdvance(digit) for digit in "0123456789"}
        assert len(widths) == 1


def image_of(mark: Mark, look: Theme, size: int = 18, ratio: float = 2.0) -> QImage:
    return pixmap(mark, size, ratio, look).toImage()


def inked(image: QImage) -> float:
    """Share of pixels that are not transparent."""
    alpha = [image.pixelColor(x, y).alphaF() for x in range(image.width()) for y in range(image.height())]
    return sum(alpha) / len(alpha)


@pytest.mark.parametrize("name", LOOKS)
def test_each_shape_is_told_apart_without_its_colour(name: Literal["dark", "light"], qapp: QApplication) -> None:
    masks = {}
    for kind, style in itertools.product(KINDS, (Style.FILLED, Style.OUTLINED, Style.RETURNED)):
        image = image_of(Mark(kind, style), theme(name))
        masks[kind, style] = tuple(
            image.pixelColor(x, y).alpha() > 127 for x in range(image.width()) for y in range(image.height())
        )
    for one, other in itertools.combinations(masks, 2):
        apart = sum(a != b for a, b in zip(masks[one], masks[other], strict=True)) / len(masks[one])
        assert apart > 0.02, (one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_filled_asks_louder_than_outlined(kind: Kind, qapp: QApplication) -> None:
    look = theme("dark")
    assert inked(image_of(Mark(kind), look)) > 1.2 * inked(image_of(Mark(kind, Style.OUTLINED), look))


@pytest.mark.parametrize("kind", KINDS)
def test_a_grey_shape_has_no_hue(kind: Kind, qapp: QApplication) -> None:
    image = image_of(Mark(kind, Style.GREY), theme("dark"))
    hues = [
        color.saturation()
        for x in range(image.width())
        for y in range(image.height())
        if (color := image.pixelColor(x, y)).alpha() > 200
    ]
    assert hues
    assert max(hues) < 60


def test_a_shape_is_drawn_once_for_its_size_and_screen(qapp: QApplication) -> None:
    look = theme("dark")
    assert pixmap(Mark(Kind.WATCH), 14, 1.0, look) is pixmap(Mark(Kind.WATCH), 14, 1.0, look)
    assert pixmap(Mark(Kind.WATCH), 14, 2.0, look).width() == 28


class Broken(QWidget):
    """Fails in the middle of its painting."""

    @painted
    def paintEvent(self, painter: QPainter) -> None:
        painter.fillRect(0, 0, 4, 4, Qt.GlobalColor.red)
        raise ValueError("an unexpected value")


@pytest.mark.logs("Broken could not be drawn")
def test_a_fault_in_painting_is_told_once_and_ends_nothing(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    widget = Broken()
    qtbot.addWidget(widget)
    widget.show()
    for _ in range(3):
        widget.grab()
    assert [record.getMessage() for record in caplog.records] == ["Broken could not be drawn"]


def test_checking_a_button_does_not_move_its_neighbours(qtbot: QtBot) -> None:
    button = Button(theme("dark"), "2 orbits", "segment")
    qtbot.addWidget(button)
    button.setCheckable(True)
    before = button.sizeHint()
    button.setChecked(True)
    assert button.sizeHint() == before
    assert button.accessibleName() == "2 orbits"
    assert button.focusPolicy() == Qt.FocusPolicy.TabFocus
