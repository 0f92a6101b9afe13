"""One story through a real window, a real core and a real Triton: it serves, is killed, and comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.cli.watch import make_plan
from app.paths import runtime_folder
from app.plan import Plan
from app.window.corelink import CoreLink
from app.window.scoring import Scoring
from inference.triton import records
from widgets.scoring.model import ScoringView
from widgets.scoring.page import ScoringPage
from widgets.theme import theme

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from tests.app.conftest import Desk


def test_strip_and_page_say_that_a_triton_serves_was_killed_and_came_back(
    private_server: Path, sit_down: Callable[[Plan], Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    plan = make_plan(
        ["sim:quiet?satellites=1"], archive=tmp_path / "t.duckdb", settings=["inference.triton.container=off"]
    )
    desk = sit_down(plan)
    view = desk.window.view
    page = view.scoring

    def shown() -> str:
        return "\n".join(one.accessibleDescription() for one in page.left.sections)

    desk.wait(lambda: "Scored by Triton on the CPU, 2 models" in view.status.accessibleDescription())
    QTest.keyClick(view, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    desk.wait(
        lambda: page.heading.title == "Triton on the CPU scores" and "Model vae_timeseries, State serving" in shown()
    )
    assert "Interruptions 0" in shown() and "warning" not in shown()
    assert "Worker inference-0" in page.pool.sections[0].accessibleDescription()
    desk.wait(lambda: "Started GRPCInferenceService" in page.lines.text.toPlainText())
    page.lines.kinds.buttons[1].click()
    desk.wait(lambda: "# vae_timeseries" in page.lines.text.toPlainText())

    (server,) = records.read(runtime_folder() / "triton")
    os.kill(server.server.pid, signal.SIGKILL)
    desk.wait(lambda: page.heading.title == "ONNX Runtime on the CPU scores")
    assert "warning: The Triton is gone (the server was ended by signal 9)" in shown()
    assert "Scored by ONNX Runtime on the CPU" in view.status.accessibleDescription()

    desk.wait(lambda: page.heading.title == "Triton on the CPU scores" and "State serving" in shown())
    assert "warning: Interruptions 1" in shown() and "is gone" not in shown()
    assert "Scored by Triton on the CPU, 2 models, since " in view.status.accessibleDescription()


def test_figures_are_asked_for_only_while_the_page_is_shown(qtbot: QtBot, tmp_path: Path) -> None:
    link = CoreLink(make_plan(["sim:quiet"], archive=tmp_path / "t.duckdb"))
    page = ScoringPage(theme("dark"))
    qtbot.addWidget(page)
    scoring = Scoring(page, link)
    scoring._ask()
    assert scoring._question._asked is None and page.view == ScoringView()
    page.show()
    qtbot.waitUntil(lambda: page.heading.title == "Nothing scores")
    assert page.left.sections[0].accessibleDescription() == "warning: There is no session now."
    page.hide()
    scoring._ask()
    assert scoring._question._asked is None
    with qtbot.waitSignal(link.closed):
        link.close()


def test_a_triton_that_stays_is_started_and_stopped_from_the_page(
    private_server: Path, sit_down: Callable[[Plan], Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERIGEE_TRITON", str(private_server))
    plan = make_plan(["sim:quiet?satellites=1"], archive=tmp_path / "t.duckdb", engine="embedded")
    desk = sit_down(plan)
    foot = desk.window.view.scoring.foot
    QTest.keyClick(desk.window.view, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    foot.buttons["start"].click()
    desk.wait(lambda: "Triton at 127.0.0.1" in foot.words and foot.buttons["stop"].isEnabled())
    assert [one.persistent for one in records.read(runtime_folder() / "triton")] == [True]
    foot.buttons["stop"].click()
    desk.wait(lambda: foot.words.startswith("Ended: Triton at 127.0.0.1") and foot.buttons["start"].isEnabled())
    assert not records.read(runtime_folder() / "triton")
