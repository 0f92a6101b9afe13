"""A fault of the program's own, in a slot or in a thread, ends nothing: it is logged, and said in the window."""

from __future__ import annotations

import sys
import threading

import pytest
from PySide6.QtCore import QThread, QTimer
from pytestqt.qtbot import QtBot

from app.window.crash import MOST, Faults, catch_faults


@pytest.fixture
def faults(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Faults:
    for module in (sys, threading):
        monkeypatch.setattr(module, "excepthook", module.excepthook)  # put back afterwards
    return catch_faults()


def _fail() -> None:
    raise ZeroDivisionError("of the test's own")


@pytest.mark.logs("a fault")
def test_a_fault_in_a_slot_is_logged_with_its_traceback_and_said(
    faults: Faults, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    with qtbot.waitSignal(faults.met) as met:
        QTimer.singleShot(0, _fail)
    assert met.args == ["Perigee met a fault of its own and goes on. Recording is not affected; the log has details."]
    (record,) = (record for record in caplog.records if record.message == "a fault")
    assert "in _fail" in caplog.text
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.logs("a fault")
def test_a_fault_in_a_thread_is_said_on_the_gui_thread(faults: Faults, qtbot: QtBot) -> None:
    heard: list[QThread] = []
    faults.met.connect(lambda _: heard.append(QThread.currentThread()))
    with qtbot.waitSignal(faults.met):
        threading.Thread(target=_fail).start()
    assert heard == [faults.thread()]


@pytest.mark.logs("a fault")
def test_what_goes_wrong_in_every_frame_is_not_told_for_ever(faults: Faults, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    faults.met.connect(told.append)
    for _ in range(MOST + 5):
        faults.take(ZeroDivisionError, ZeroDivisionError(), None)
    assert len(told) == len(caplog.records) == MOST


def test_an_interrupt_is_no_fault(faults: Faults, caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    faults.met.connect(told.append)
    faults.take(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not told
    assert not caplog.records
