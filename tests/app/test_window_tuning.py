"""One story through a real window and a real core: a satellite is commissioned, a threshold set and removed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.cli.watch import make_plan
from app.plan import Plan
from widgets.tuning.model import NominalSpan

if TYPE_CHECKING:
    from tests.app.conftest import Desk

Ask = Callable[[str | Path, str], list[tuple[object, ...]]]


def test_a_satellite_is_commissioned_and_a_threshold_is_set_and_removed(
    sit_down: Callable[[Plan], Desk], ask: Ask, tmp_path: Path
) -> None:
    plan = make_plan(["sim:quiet?satellites=1"], archive=tmp_path / "t.duckdb")
    desk = sit_down(replace(plan, history=1300.0))
    view = desk.window.view
    above, below = view.dock.tuning.commissioning, view.dock.tuning.thresholds
    desk.wait(lambda: view.channels.model.provisional == {"SAT-001"})
    desk.press(Qt.Key.Key_D)
    desk.wait(above.go.isEnabled)
    assert above.state.text().startswith("Learning")
    assert "without a finding" in above.remark.text()
    proposed = above.span.text()
    above.who.setText("Kim")
    QTest.keyClick(above.who, Qt.Key.Key_Return)
    assert above.making.text().startswith("Commissioning SAT-001")
    desk.wait(lambda: above.outcome.text().startswith("SAT-001 is commissioned: "))
    assert above.state.text() == f"Commissioned on {proposed}."
    desk.wait(lambda: not view.channels.model.provisional)

    below.scopes.buttons[0].click()
    below.ways.buttons[1].click()
    below.amount.setText("5")
    desk.wait(below.set.isEnabled)
    assert " of scores" in below.meaning.text()
    QTest.keyClick(below.amount, Qt.Key.Key_Return)
    desk.wait(lambda: bool(below.rows))
    assert below.rows[0].row.words == "Everything"
    assert below.rows[0].row.meaning.startswith("at most 5 % of the time, ")
    below.rows[0].remove.click()
    desk.wait(lambda: not below.rows)

    # What is chosen in the tree is what a threshold can be set for.
    view.selection_changed.emit("SAT-001/eps")
    assert [button.isEnabled() for button in below.scopes.buttons] == [True, True, True, False]

    # What the core will not do is a sentence on the page, and no toast.
    above.commission_wanted.emit(NominalSpan(1, 1, "", ""), "")
    desk.wait(lambda: above.outcome.text() == "A nominal span ends after it begins.")
    assert not view.toast.isVisible()
    desk.close()
    assert ask(tmp_path / "t.duckdb", "SELECT satellite, who FROM commissionings") == [("SAT-001", "Kim")]
