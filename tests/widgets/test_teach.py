"""The panel that trains a model: what it asks for, and what it says while it goes on."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from widgets.theme import theme
from widgets.watch import WatchView


def test_a_model_is_asked_for_once_its_span_is_known(qtbot: QtBot) -> None:
    view = WatchView(theme("dark"), QWidget())
    qtbot.addWidget(view)
    view.show()
    panel = view.teach
    assert panel.isHidden()
    with qtbot.waitSignal(view.teach_wanted):
        view.top.train.click()
    panel.ask("SAT-001", "eps")
    assert panel.isVisible() and not panel.train.isEnabled()
    panel.propose("Learns from 5 h 12 min without a finding.")
    panel.kinds[1].click()
    with qtbot.waitSignal(panel.wanted) as asked:
        panel.train.click()
    assert asked.args == ["eps", "transformer"]

    panel.progress(0.4, 23.0)
    assert panel.train.isHidden() and panel.close_button.text() == "Cancel"
    panel.ask("SAT-002", "aocs")
    assert panel.satellite == "SAT-001", "what is being trained stays what it was"
    with qtbot.waitSignal(panel.cancelled):
        panel.close_button.click()
    assert panel.isVisible(), "it closes when the core says that it has stopped"
    panel.finish("Training was cancelled; nothing was published.")
    assert "cancelled" in panel.accessibleName()
    panel.close_button.click()
    assert panel.isHidden()
