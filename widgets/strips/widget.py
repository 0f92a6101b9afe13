"""The strip charts' door: what their owner hands in. GUI thread.

The owner's one timer calls ``tick`` (see ``canvas``), which does the work of a frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from widgets.strips.canvas import Canvas
from widgets.strips.colours import palette
from widgets.strips.layout import COMPACT, WIDE, Sizes
from widgets.strips.spec import FindingSpan, Floats, Spans, StripSpec, Times
from widgets.theme import Theme


class Strips(Canvas):
    """Live strip charts of any number of channels, one time axis.

    ``reader`` is asked for history on every zoom and pan; without one the widget keeps what it was given, the
    newest 200,000 samples a channel. Times are int64 UTC microseconds.
    """

    # what is shown

    def set_strips(self, specs: Sequence[StripSpec]) -> None:
        """Show these strips from top to bottom; the reader is asked for their history. Raises ValueError."""
        self.board.set_specs(specs)
        if self._chosen not in self.board.data.index:
            self._chosen = None
        self._overlay.forget()
        self._rearrange()

    def set_theme(self, look: Theme) -> None:
        """Another theme."""
        self._look = self._heads.look = self._overlay.look = look
        self.board.set_palette(palette(look.colors, look.band_alpha))
        self._rearrange()

    def set_sizes(self, sizes: Sizes) -> None:
        """Other widths of the head and heights of strips."""
        self._sizes = sizes
        self._rearrange()

    def set_compact(self, compact: bool) -> None:
        """Narrow heads and low strips, for windows under 1440 pixels wide."""
        self.set_sizes(COMPACT if compact else WIDE)

    def select(self, key: str | None) -> None:
        """Select a strip, which then is a little higher; emits nothing."""
        if key != self._chosen:
            self._chosen = key if key in self.board.data.index else None
            self._rearrange()
            self._reveal()

    # samples

    def reset(
        self,
        key: str,
        times: Times | None = None,
        values: Floats | None = None,
        expected_low: Floats | None = None,
        expected_high: Floats | None = None,
    ) -> None:
        """The whole history of a channel, or, where there is a reader, word that it has another one."""
        store, row = self.board.store, self.board.data.index.get(key)
        if times is not None and values is not None:
            store.forget(key)
            store.add(key, times, values)
            if expected_low is not None and expected_high is not None:
                store.add_expected(key, times, expected_low, expected_high)
        if row is not None:
            self.board.forget(row)

    def append(self, key: str, times: Times, values: Floats) -> None:
        """Add (n,) times and values of one channel; NaN is an absent sample."""
        self.append_group((key,), times, values.reshape(-1, 1))

    def append_group(self, keys: Sequence[str], times: Times, matrix: Floats) -> None:
        """Add (n,) times with (n, C) values of channels that arrive together; keys without a strip are ignored."""
        rows, columns = self.board.data.rows(keys)
        if self.board.own:
            for column in columns.tolist():
                self.board.store.add(keys[column], times, matrix[:, column])
        self.board.data.append(rows, times, matrix[:, columns])

    def append_expected(self, keys: Sequence[str], times: Times, low: Floats, high: Floats) -> None:
        """Add (n,) times with (n, C) lowest and highest expected values; infinite: not bounded, NaN: not known."""
        rows, columns = self.board.data.rows(keys)
        if self.board.own:
            for column in columns.tolist():
                self.board.store.add_expected(keys[column], times, low[:, column], high[:, column])
        self.board.data.expect(rows, times, low[:, columns], high[:, columns])

    # marks

    def set_eclipse(self, spans: Mapping[str, Spans]) -> None:
        """Spans of darkness by satellite."""
        self.board.set_eclipses(spans)

    def set_findings(self, findings: Iterable[FindingSpan]) -> None:
        """The findings to mark; unchanged ones cost nothing."""
        self.board.set_findings(findings)

    def set_gap_reason(self, key: str, text: str) -> None:
        """What is written on the gaps of a channel, ``out of contact``; ``no data`` otherwise."""
        self._overlay.reasons[key] = text

    def set_note(self, key: str, text: str) -> None:
        """A third line of a head in place of what is expected: ``over since 02:14:31``; empty: none."""
        self._notes[key] = text

    def reread(self, keys: Iterable[str]) -> None:
        """The reader knows more of the past of these channels."""
        for key in keys:
            row = self.board.data.index.get(key)
            if row is not None:
                self.board.data.reread(row)

    def set_trouble(self, sentence: str) -> None:
        """Why the past cannot be read, written where it is missing; empty: it is being read."""
        if sentence != self._overlay.trouble:
            self._overlay.trouble = sentence
            self.update()

    # time

    def set_now(self, now: int) -> None:
        """The clock: where live charts end, and by which a missing sample becomes a gap."""
        self.board.now = now

    def set_began(self, began: int | None) -> None:
        """When watching began: from then on a channel without samples has a gap, before it there is nothing."""
        self.board.began = began
        if began is not None:
            self.board.data.begin(began)

    def set_origin(self, origin: int | None) -> None:
        """Where times count from when they have no date of their own (shown as T+); None: UTC."""
        self.board.origin = origin
        self._rearrange()

    def set_span(self, span: int) -> None:
        """Microseconds from the left edge to the right one."""
        self.board.set_span(int(span))

    def set_live(self, live: bool) -> None:
        """Follow the clock, or stay where the charts are."""
        if not live and self.board.live:
            self.board.right_time = self.board.now
        self.board.live = live

    def set_right(self, right: int) -> None:
        """Leave live and show what ends at this time."""
        self.board.live = False
        self.board.set_right(right)

    def set_earliest(self, earliest: int | None) -> None:
        """Nothing was recorded before: the left edge goes no further."""
        self.board.earliest = earliest

    def set_cursor(self, on: bool) -> None:
        """A vertical line under the mouse, its time on the axis, the values there in the heads."""
        self._cursor_on = on
        self.setMouseTracking(on)
        if not on:
            self._move_cursor(None)

    @property
    def keys(self) -> list[str]:
        """The keys of the strips, those that can be seen first."""
        here, keys = self.board.sheet.arrangement, [spec.key for spec in self.board.specs]
        return keys[here.first : here.last] + keys[: here.first] + keys[here.last :]

    @property
    def stretch(self) -> tuple[int, int, int] | None:
        """Start and end (UTC microseconds) of what is drawn, and of a column; None before there is room for any."""
        board = self.board
        width = board.sheet.arrangement.width
        if width < 2 or not board.specs or not board.now:
            return None
        return (board.right - width + 1) * board.dt, (board.right + 1) * board.dt, board.dt

    @property
    def reach(self) -> int:
        """The longest span that shows anything, microseconds; 0 where that is not known."""
        return 0 if self.board.earliest is None else self.board.longest

    @property
    def span(self) -> int:
        """Microseconds shown."""
        return self.board.span

    @property
    def live(self) -> bool:
        """Whether the right edge follows the clock."""
        return self.board.live

    @property
    def right(self) -> int:
        """The time at the right edge."""
        return self.board.now if self.board.live else self.board.right_time

    @property
    def chosen(self) -> str | None:
        """The key of the selected strip."""
        return self._chosen
