"""Telemetry time against the wall, with a clock that the test turns."""

import threading

from app.pace import Pace
from telemetry.clock import SECOND


class Clock:
    """A wall clock that moves only when somebody waits on its event."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Waits(threading.Event):
    """An event whose waits take no time but move the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        self.clock.now += timeout or 0.0
        return self.is_set()


def test_at_a_set_speed_telemetry_arrives_when_the_wall_says() -> None:
    clock = Clock()
    stop = Waits(clock)
    pace = Pace(10.0, stop, clock=clock)
    assert pace.wait_for(0, lambda _: None)
    assert pace.wait_for(50 * SECOND, lambda _: None)
    assert abs(clock.now - 105.0) < 1e-9


def test_at_full_speed_nothing_waits() -> None:
    clock = Clock()
    stop = Waits(clock)
    pace = Pace(None, stop, clock=clock)
    assert all(pace.wait_for(t * SECOND, lambda _: None) for t in range(0, 10_000, 1000))
    assert not stop.waited


def test_history_goes_through_at_once_and_the_pace_begins_where_it_ends() -> None:
    clock = Clock()
    stop = Waits(clock)
    pace = Pace(1.0, stop, free=60 * SECOND, clock=clock)
    for t in range(0, 61, 10):
        assert pace.wait_for(t * SECOND, lambda _: None)
    assert not stop.waited
    assert pace.wait_for(65 * SECOND, lambda _: None)
    assert abs(clock.now - 105.0) < 1e-9


def test_what_cannot_hold_its_speed_says_how_far_it_is_behind() -> None:
    clock = Clock()
    pace = Pace(1.0, Waits(clock), clock=clock)
    pace.wait_for(0, lambda _: None)
    clock.now += 7.5
    pace.wait_for(5 * SECOND, lambda _: None)
    assert abs(pace.behind - 2.5) < 1e-9


def test_a_long_wait_reports_the_playback_position_every_second() -> None:
    clock = Clock()
    seen: list[int] = []
    pace = Pace(2.0, Waits(clock), clock=clock)
    pace.wait_for(0, seen.append)
    pace.wait_for(6 * SECOND, seen.append)
    assert seen == [2 * SECOND, 4 * SECOND]


def test_a_stop_ends_the_wait() -> None:
    clock = Clock()
    stop = Waits(clock)
    pace = Pace(1.0, stop, clock=clock)
    pace.wait_for(0, lambda _: None)
    stop.set()
    assert not pace.wait_for(3600 * SECOND, lambda _: None)


def test_paused_playback_stands_still_until_it_is_played() -> None:
    clock = Clock()
    seen: list[int] = []

    class Hand(Waits):
        """Presses play after ten seconds of standing still."""

        def wait(self, timeout: float | None = None) -> bool:
            if clock.now >= 110.0:
                pace.pause(False)
            return super().wait(timeout)

    pace = Pace(1.0, Hand(clock), clock=clock)
    pace.wait_for(0, seen.append)
    pace.pause(True)
    assert pace.paused
    assert pace.wait_for(2 * SECOND, seen.append)
    # Ten seconds paused, then two of playing; the clock of the session stood still meanwhile.
    assert abs(clock.now - 112.0) < 0.2
    assert max(seen, default=0) <= 2 * SECOND
    assert pace.behind < 0.2


def test_what_begins_paused_stands_still_where_its_history_ends() -> None:
    clock = Clock()

    class Hand(Waits):
        """Presses play after ten seconds of standing still."""

        def wait(self, timeout: float | None = None) -> bool:
            if clock.now >= 110.0:
                pace.pause(False)
            return super().wait(timeout)

    stop = Hand(clock)
    pace = Pace(1.0, stop, free=60 * SECOND, clock=clock, paused=True)
    for t in range(0, 61, 10):
        assert pace.wait_for(t * SECOND, lambda _: None)
    assert not stop.waited
    assert pace.wait_for(61 * SECOND, lambda _: None)
    assert abs(clock.now - 111.0) < 0.2


def test_a_step_lets_just_so_much_through() -> None:
    clock = Clock()
    stop = Waits(clock)
    pace = Pace(1.0, stop, clock=clock)
    pace.wait_for(0, lambda _: None)
    pace.pause(True)
    pace.step(10 * SECOND)
    assert all(pace.wait_for(t * SECOND, lambda _: None) for t in range(1, 11))
    assert not stop.waited
    assert pace.paused


def test_another_speed_holds_from_where_playback_stands() -> None:
    clock = Clock()
    pace = Pace(1.0, Waits(clock), clock=clock)
    pace.wait_for(0, lambda _: None)
    pace.wait_for(10 * SECOND, lambda _: None)
    pace.set_speed(100.0)
    pace.wait_for(1010 * SECOND, lambda _: None)
    assert abs(clock.now - 120.0) < 0.2
    pace.set_speed(None)
    assert pace.wait_for(10**6 * SECOND, lambda _: None)
    assert abs(clock.now - 120.0) < 0.2


def test_a_skip_goes_through_at_once_and_the_pace_holds_after_it() -> None:
    clock = Clock()
    pace = Pace(1.0, Waits(clock), clock=clock)
    pace.wait_for(0, lambda _: None)
    pace.skip_to(600 * SECOND)
    assert all(pace.wait_for(t * SECOND, lambda _: None) for t in range(60, 601, 60))
    assert clock.now == 100.0
    pace.wait_for(605 * SECOND, lambda _: None)
    assert abs(clock.now - 105.0) < 0.2


def test_a_skip_is_over_when_what_comes_next_has_to_wait() -> None:
    clock = Clock()
    pace = Pace(1.0, Waits(clock), clock=clock)
    pace.wait_for(0, lambda _: None)
    pace.wait_for(SECOND, lambda _: None)
    pace.skip_to(60 * SECOND + 500_000)
    pace.wait_for(30 * SECOND, lambda _: None)
    assert pace.skipping_to == 60 * SECOND + 500_000
    pace.wait_for(60 * SECOND, lambda _: None)
    pace.wait_for(61 * SECOND, lambda _: None)
    assert pace.skipping_to == 0
