"""Thresholds in the operator's words: of which channels, and how many findings are enough. GUI thread."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRegularExpression, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from widgets.button import Button
from widgets.theme import PX, Theme
from widgets.tuning.curve import Curve
from widgets.tuning.model import By, Scope, SetThreshold, ThresholdsView, Wish
from widgets.tuning.parts import Field, SectionHead, Segments, Sentence

_SCOPES = (
    ("Everything", "everything"),
    ("Satellite", "this satellite"),
    ("Subsystem", "this subsystem"),
    ("Channel", "this channel"),
)
_BY: tuple[By, ...] = ("findings", "share")
_WORDS = {"findings": ("About", "finding a day", "findings a day"), "share": ("At most",) + 2 * ("% of the time",)}
_USUAL = {"findings": "1", "share": "0.5"}
_MOST = {"findings": 9999.0, "share": 100.0}
_NEEDED = {"findings": "A number from 0 on is needed.", "share": "A number from 0 to 100 is needed."}
_NUMBER = QRegularExpression(r"\d{0,4}([.,]\d{0,3})?")
NOTHING = "Nothing is set: thresholds are as they were learned."
ORDER = "The first that fits a channel counts."


class SetRow(QWidget):
    """One threshold that is set, and the button that removes it."""

    def __init__(self, theme: Theme, row: SetThreshold) -> None:
        super().__init__()
        self.row = row
        self._words = Sentence(theme, self)
        self._words.say(row.words)
        self._meaning = Sentence(theme, self, "text_2", 12)
        self._meaning.say(row.meaning)
        self.remove = Button(theme, "Remove", name=f"Remove the threshold of {row.words}")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._words)
        words.addWidget(self._meaning)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, PX["space_1"], 0, PX["space_1"])
        whole.addLayout(words, 1)
        whole.addWidget(self.remove, 0, Qt.AlignmentFlag.AlignTop)

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._words.set_theme(theme)
        self._meaning.set_theme(theme)
        self.remove.theme = theme


class ThresholdsPart(QWidget):
    """Handed a ``ThresholdsView``; says each ``Wish`` as it is written, and when it is to be set."""

    wish_changed = Signal()
    set_wanted = Signal(object)
    """The ``Wish`` that the preview shown answers."""
    remove_wanted = Signal(str)
    """The pattern of the channels."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._view = ThresholdsView()
        self._amounts = dict(_USUAL)
        self._head = SectionHead(theme)
        self.scopes = Segments(theme, [(words, f"Threshold of {name}") for words, name in _SCOPES])
        self.scopes.choose(1)
        self._of = Sentence(theme, self, "text_2", 12)
        self.ways = Segments(theme, (("Findings a day", "Ask for findings a day"),
                                      ("Share of time", "Ask for a share of the time")))  # fmt: skip
        self._before, self._after = Sentence(theme, self), Sentence(theme, self)
        self.amount = Field("Number")
        self.amount.setFixedWidth(64)
        self.amount.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.amount.setValidator(QRegularExpressionValidator(_NUMBER, self))
        self.curve = Curve(theme)
        self.meaning = Sentence(theme, self, "text", 12, told=True)
        self.set = Button(theme, "Set", name="Set this threshold")
        self._none = Sentence(theme, self, "text_2", 12)
        self._none.say(NOTHING)
        self.rows: list[SetRow] = []
        self._lay_out()
        self._show_by()
        self.scopes.chosen.connect(lambda _: self._changed())
        self.ways.chosen.connect(lambda _: self._show_by())
        self.amount.textChanged.connect(self._typed)
        self.amount.returnPressed.connect(self.set.click)
        self.set.clicked.connect(lambda: self.set_wanted.emit(self._view.answered))

    def _lay_out(self) -> None:
        gap = PX["space_2"]
        sentence = QHBoxLayout()
        sentence.setSpacing(gap)
        for part in (self._before, self.amount, self._after):
            sentence.addWidget(part)
        for words in (self._before, self._after):
            words.setWordWrap(False)
            words.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        sentence.addStretch(1)
        sentence.addWidget(self.set)
        self._list = QVBoxLayout()
        self._list.setSpacing(0)
        body = QVBoxLayout()
        body.setContentsMargins(14, PX["space_3"], 12, PX["space_4"])
        body.setSpacing(gap)
        body.addWidget(self.scopes, 0)
        body.addWidget(self._of)
        body.addSpacing(PX["space_1"])
        body.addWidget(self.ways, 0, Qt.AlignmentFlag.AlignLeft)
        body.addLayout(sentence)
        body.addWidget(self.meaning)
        body.addWidget(self.curve)
        body.addWidget(self._none)
        body.addLayout(self._list)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._head)
        whole.addLayout(body)
        self._head.say("Thresholds", "")

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self._theme = theme
        for sentence in (self._of, self._before, self._after, self.meaning, self._none):
            sentence.set_theme(theme)
        for row in self.rows:
            row.set_theme(theme)
        for part in (self._head, self.scopes, self.ways, self.curve):
            part.set_theme(theme)
        self.set.theme = theme

    def set_view(self, view: ThresholdsView) -> None:
        """Show this."""
        if view == self._view:
            return
        before, self._view = self._view, view
        if view.scopes != before.scopes:
            self._show_scopes(view.scopes)
        if view.settled != before.settled:
            self._show_settled(view.settled)
        self._show_preview()

    def choose_scope(self, number: int) -> None:
        """Everything (0), the satellite, the subsystem or the channel (3)."""
        self.scopes.choose(number)
        self._changed()

    def wish(self) -> Wish | None:
        """What is asked for now; None where that is no number that it can be, or of nothing."""
        scope = self._scope()
        try:
            amount = float(self.amount.text().replace(",", "."))
        except ValueError:
            return None
        if scope is None or not scope.channels or not 0 <= amount <= _MOST[self._by]:
            return None
        return Wish(scope.channels, self._by, amount)

    @property
    def _by(self) -> By:
        return _BY[self.ways.choice]

    def _scope(self) -> Scope | None:
        return self._view.scopes[self.scopes.choice] if self._view.scopes else None

    def _show_scopes(self, scopes: Sequence[Scope]) -> None:
        for button, scope in zip(self.scopes.buttons, scopes, strict=True):
            button.setEnabled(bool(scope.channels))
        while not scopes[self.scopes.choice].channels:
            self.scopes.choose(self.scopes.choice - 1)
        self._changed()

    def _show_by(self) -> None:
        before, _, _ = _WORDS[self._by]
        self._before.say(before)
        self.amount.setText(self._amounts[self._by])
        self.amount.setAccessibleName("Findings a day" if self._by == "findings" else "Per cent of the time")
        self._changed()

    def _typed(self, words: str) -> None:
        self._amounts[self._by] = words
        self._changed()

    def _changed(self) -> None:
        wish, scope = self.wish(), self._scope()
        _, one, more = _WORDS[self._by]
        self._after.say(one if wish is not None and wish.amount == 1 else more)
        self._of.say("" if scope is None else scope.words)
        self._show_preview()
        self.wish_changed.emit()

    def _show_preview(self) -> None:
        view, wish = self._view, self.wish()
        preview = view.preview
        self.set.setEnabled(preview is not None and wish is not None and wish == view.answered)
        if wish is None:
            self.meaning.say(_NEEDED[self._by])
        else:
            self.meaning.say(view.refusal or (preview.words if preview is not None else ""))
        self.curve.set_preview(preview)

    def _show_settled(self, settled: Sequence[SetThreshold]) -> None:
        for row in self.rows:
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [SetRow(self._theme, one) for one in settled]
        above: QWidget = self.set
        for row in self.rows:
            channels = row.row.channels
            row.remove.clicked.connect(lambda _=False, channels=channels: self.remove_wanted.emit(channels))
            self._list.addWidget(row)
            self.setTabOrder(above, row.remove)
            above = row.remove
        self._none.say(ORDER if settled else NOTHING)
        self._head.say("Thresholds", f"{len(settled)} set" if settled else "")
