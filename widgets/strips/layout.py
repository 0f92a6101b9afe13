"""Where everything lies: heights of strips, columns of the widget, in logical pixels. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from widgets.strips.spec import StripKind

AXIS_LEFT = 48
GUTTER = 76
AXIS_BOTTOM = 26
ENUM = 44
PAD = 7
"""Room above and below a trace within its strip."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Head width, and heights of a strip: at least, usually, at most (also when selected)."""

    head: int = 184
    least: int = 84
    usual: int = 112
    most: int = 136


WIDE = Sizes()
COMPACT = Sizes(head=148, usual=84)


@dataclass(frozen=True, slots=True)
class Layout:
    """``tops`` has one more entry than strips: strip i is ``tops[i]`` .. ``tops[i + 1]``, separator included."""

    head: int
    plot_left: int
    plot_width: int
    tops: tuple[int, ...]
    view_height: int

    @property
    def total(self) -> int:
        """Height of all strips."""
        return self.tops[-1]

    @property
    def gutter_left(self) -> int:
        """Where the gutter begins."""
        return self.plot_left + self.plot_width

    def strip_at(self, y: float) -> int | None:
        """The strip at a height counted from the first strip's top."""
        for i in range(len(self.tops) - 1):
            if self.tops[i] <= y < self.tops[i + 1]:
                return i
        return None

    def visible(self, scroll: int) -> tuple[int, int]:
        """First strip, and the one after the last, that show between ``scroll`` and ``scroll + view_height``."""
        first = next((i for i in range(len(self.tops) - 1) if self.tops[i + 1] > scroll), 0)
        bottom = scroll + self.view_height
        last = next((i for i in range(first, len(self.tops) - 1) if self.tops[i] >= bottom), len(self.tops) - 1)
        return first, last


def make_layout(width: int, height: int, kinds: Sequence[StripKind], selected: int | None, sizes: Sizes) -> Layout:
    """The layout of a widget of this size: strips share the height, within their bounds; more of them scroll."""
    view = max(0, height - AXIS_BOTTOM)
    heights = [ENUM if kind == "enum" else sizes.usual for kind in kinds]
    chosen = selected if selected is not None and kinds[selected] != "enum" else None
    flexible = [i for i, kind in enumerate(kinds) if kind != "enum" and i != chosen]
    if chosen is not None:
        heights[chosen] = sizes.most
    rest = view - sum(h for i, h in enumerate(heights) if i not in flexible)
    if flexible:
        share, spare = divmod(max(0, rest), len(flexible))
        for order, i in enumerate(flexible):
            heights[i] = min(max(share + (order < spare), sizes.least), sizes.most)
    if chosen is not None and flexible and heights[flexible[0]] <= sizes.least:
        # No room to raise the selected strip: a strip that pushes the others away is worse than an even one.
        heights[chosen] = max(heights[flexible[0]], min(sizes.most, sizes.usual))
    tops = [0]
    for one in heights:
        tops.append(tops[-1] + one)
    left = sizes.head + AXIS_LEFT
    return Layout(sizes.head, left, max(16, width - left - GUTTER), tuple(tops), view)
