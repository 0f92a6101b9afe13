"""The bar that plays: it shows what is told, and asks for what the operator presses."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from widgets.model import PlaybackView
from widgets.theme import theme
from widgets.transport import SPEEDS, STEP, Transport

AT = 1_893_456_000_000_000


@pytest.fixture
def bar(qtbot: QtBot) -> Transport:
    made = Transport(theme("dark"))
    qtbot.addWidget(made)
    made.resize(1000, made.height())
    made.set_playback(PlaybackView(AT, paused=False, speed=1.0, scenario="sim:demo"))
    made.show()
    return made


def test_play_and_pause_are_one_button_that_asks_for_the_other(bar: Transport, qtbot: QtBot) -> None:
    assert bar.play.accessibleName() == "Pause"
    with qtbot.waitSignal(bar.paused) as asked:
        bar.play.click()
    assert asked.args == [True]
    # It shows what is, not what was asked for.
    assert bar.play.accessibleName() == "Pause"
    bar.set_playback(PlaybackView(AT, paused=True, speed=1.0))
    assert bar.play.accessibleName() == "Play"
    assert bar.words() == "00:00:00, paused"


def test_the_speed_in_force_is_marked_and_another_is_asked_for(bar: Transport, qtbot: QtBot) -> None:
    assert [button.isChecked() for button in bar.speeds] == [True, False, False, False]
    for button, (_, speed) in zip(bar.speeds, SPEEDS, strict=True):
        with qtbot.waitSignal(bar.speed_chosen) as asked:
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert asked.args == [speed]
        assert bar.speeds[0].isChecked()
    bar.set_playback(PlaybackView(AT, paused=False, speed=None))
    assert [button.isChecked() for button in bar.speeds] == [False, False, False, True]


def test_a_step_is_ten_seconds(bar: Transport, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.stepped) as asked:
        bar.step.click()
    assert asked.args == [STEP]


def test_what_has_ended_cannot_be_played(bar: Transport) -> None:
    bar.set_playback(PlaybackView(AT, paused=False, speed=1.0, ended=True))
    assert not bar.play.isEnabled()
    assert bar.words() == "Ended at 00:00:00"
    bar.toggle()


def test_only_a_simulation_has_scenarios_and_faults(bar: Transport) -> None:
    assert not bar.scenario.isHidden()
    assert bar.fault.isHidden()
    bar.set_playback(PlaybackView(AT, False, 1.0, scenario="sim:demo", faults=(("Gyro bias", "gyro_bias"),)))
    assert not bar.fault.isHidden()
    bar.set_playback(PlaybackView(AT, False, 1.0))
    assert bar.scenario.isHidden()


def test_nothing_to_play_hides_the_bar(bar: Transport) -> None:
    assert bar.set_playback(None)
    assert bar.isHidden()
    assert bar.words() == ""


def test_a_skip_under_way_says_where_it_leads(bar: Transport) -> None:
    bar.set_playback(PlaybackView(AT, False, 1.0, until=AT + 600_000_000))
    assert bar.words() == "00:00:00, skipping to 00:10:00"
