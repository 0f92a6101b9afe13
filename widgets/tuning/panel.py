"""The page Detection of the right dock: commissioning above, thresholds below. GUI thread.

Handed values, it emits what the operator wants and decides nothing.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from widgets.theme import Theme
from widgets.tuning.commissioning import CommissioningPart
from widgets.tuning.thresholds import ThresholdsPart


class TuningPanel(QScrollArea):
    """Scrolls where the window is low."""

    opened = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.commissioning = CommissioningPart(theme)
        self.thresholds = ThresholdsPart(theme)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.commissioning)
        column.addWidget(self.thresholds)
        column.addStretch(1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFocusProxy(self.commissioning.spans)
        self.setAccessibleName("Detection")

    def set_theme(self, theme: Theme) -> None:
        """Draw with ``theme`` from now on."""
        self.commissioning.set_theme(theme)
        self.thresholds.set_theme(theme)

    def showEvent(self, event: QShowEvent) -> None:
        """Say so: what it shows is asked for only while somebody looks."""
        super().showEvent(event)
        self.opened.emit()
