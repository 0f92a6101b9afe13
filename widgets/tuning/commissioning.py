"""Commissioning a satellite: on which span what is usual is learned, and how far that is. GUI thread."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from widgets.button import Button
from widgets.theme import PX, Theme
from widgets.tuning.model import CommissioningView, NominalSpan
from widgets.tuning.parts import Bar, Field, SectionHead, Segments, Sentence

LEARNING = "Learning: what is usual is still learned from the stream."
EXPLAINED = "A nominal span is a time when all was well: what happens in it counts as usual from then on."


class CommissioningPart(QWidget):
    """Handed a ``CommissioningView``."""

    commission_wanted = Signal(object, str)
    """On which ``NominalSpan``, and who wants it (may be empty)."""
    cancel_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._view = CommissioningView()
        self._head = SectionHead(theme)
        self.state = Sentence(theme, self)
        self._explained = Sentence(theme, self, "text_2", 12)
        self._explained.say(EXPLAINED)
        self.spans = Segments(
            theme, (("Proposed span", "Use the proposed span"), ("What the charts show", "Use what the charts show"))
        )
        self.span = Sentence(theme, self)
        self.remark = Sentence(theme, self, "text_2", 12)
        self.who = Field("Your name, kept with the commissioning")
        self.who.setPlaceholderText("Your name")
        self.who.setMaxLength(80)
        self.go = Button(theme, "Commission on this span", "primary")
        self._progress = QWidget()
        self.making = Sentence(theme, self, told=True)
        self.cancel = Button(theme, "Cancel", name="Cancel commissioning")
        self._bar = Bar(theme)
        self.outcome = Sentence(theme, self, "text", 12, told=True)
        self._lay_out()
        self._progress.hide()
        self.go.setEnabled(False)
        self.spans.chosen.connect(lambda _: self._show_span())
        self.who.returnPressed.connect(self.go.click)
        self.go.clicked.connect(self._commission)
        self.cancel.clicked.connect(self.cancel_wanted)

    def _lay_out(self) -> None:
        gap = PX["space_2"]
        row = QHBoxLayout()
        row.setSpacing(gap)
        row.addWidget(self.who, 1)
        row.addWidget(self.go)
        progress = QVBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.setSpacing(gap)
        words = QHBoxLayout()
        words.addWidget(self.making, 1)
        words.addWidget(self.cancel)
        progress.addLayout(words)
        progress.addWidget(self._bar)
        body = QVBoxLayout()
        body.setContentsMargins(14, PX["space_3"], 12, PX["space_4"])
        body.setSpacing(gap)
        body.addWidget(self.state)
        body.addSpacing(PX["space_1"])
        body.addWidget(self._explained)
        body.addWidget(self.spans, 0, Qt.AlignmentFlag.AlignLeft)
        chosen = QVBoxLayout()
        chosen.setSpacing(0)
        chosen.addWidget(self.span)
        chosen.addWidget(self.remark)
        body.addLayout(chosen)
        body.addLayout(row)
        body.addWidget(self._progress)
        body.addWidget(self.outcome)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._head)
        whole.addLayout(body)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        sentences = (self.state, self._explained, self.span, self.remark, self.making, self.outcome)
        for part in (self._head, self.spans, self._bar, *sentences):
            part.set_theme(theme)
        self.go.theme = self.cancel.theme = theme

    def set_view(self, view: CommissioningView) -> None:
        """Show this."""
        if view == self._view:
            return
        self._view = view
        note = "" if not view.satellite else "commissioned" if view.commissioned else "provisional"
        self._head.say(view.satellite, note)
        self.state.say(f"Commissioned on {view.commissioned}." if view.commissioned else LEARNING)
        share = f"{view.share:.0%}".replace("%", " %")
        self.making.say(f"Commissioning {view.making}: {share}" if view.making else "")
        self._bar.set_share(view.share)
        self._progress.setVisible(bool(view.making))
        self.outcome.say("" if view.making else view.outcome)
        self._show_span()

    def _chosen(self) -> NominalSpan | None:
        return (self._view.proposed, self._view.shown)[self.spans.choice]

    def _show_span(self) -> None:
        span, view = self._chosen(), self._view
        self.span.say(span.words if span is not None else "")
        self.remark.say(span.remark if span is not None else "" if self.spans.choice else view.why_not)
        self.go.setEnabled(span is not None and not view.making)

    def _commission(self) -> None:
        span = self._chosen()
        if span is not None:
            self.commission_wanted.emit(span, self.who.text().strip())
