"""The queue between ingest and judge: bounded by weight, in order, never stuck on one heavy thing."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from app.bounded import BoundedQueue


@given(st.lists(st.integers(0, 30), max_size=40))
def test_things_leave_in_the_order_they_came(weights: list[int]) -> None:
    line: BoundedQueue[int] = BoundedQueue(25)
    got: list[int] = []
    for number, weight in enumerate(weights):
        while not line.put(number, weight, 0.0):
            got.append(line.get(0.0)[1] or 0)
    while (found := line.get(0.0))[0]:
        got.append(found[1] or 0)
    assert got == list(range(len(weights)))


def test_a_full_queue_refuses_and_one_heavy_thing_still_fits() -> None:
    line: BoundedQueue[str] = BoundedQueue(10)
    assert line.put("heavy", 1000, 0.0)
    assert not line.put("light", 1, 0.0)
    assert line.get(0.0) == (True, "heavy")
    assert line.put("light", 1, 0.0)


def test_a_waiting_writer_goes_on_when_there_is_room() -> None:
    line: BoundedQueue[int] = BoundedQueue(1)
    line.put(1, 1, 0.0)
    done = threading.Event()

    def write() -> None:
        line.put(2, 1, 10.0)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert line.get(1.0) == (True, 1)
    assert done.wait(10.0)
    assert line.get(1.0) == (True, 2)
    writer.join(10.0)
