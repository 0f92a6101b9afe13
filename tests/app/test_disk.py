"""How many days the disk lasts is said from five minutes of growth on, and follows the disk."""

from __future__ import annotations

from app.disk import DAY_S, LEAST_S, LOOK_S, DiskOutlook

GB = 10**9


class Disk:
    """Counts how often it is asked for its free bytes."""

    def __init__(self, free: int) -> None:
        self.free = free
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return self.free


def test_nothing_is_said_before_there_is_growth_to_say_it_from() -> None:
    outlook = DiskOutlook(Disk(100 * GB), 0)
    assert outlook.days_left(5 * GB, 0.0) == -1
    assert outlook.days_left(6 * GB, LEAST_S - 1) == -1
    still = DiskOutlook(Disk(100 * GB), 0)
    still.days_left(5 * GB, 0.0)
    assert still.days_left(5 * GB, DAY_S) == -1


def test_days_are_what_is_free_beyond_the_reserve_at_the_growth_so_far() -> None:
    disk = Disk(101 * GB)
    outlook = DiskOutlook(disk, GB)
    outlook.days_left(7 * GB, 1000.0)  # an archive that was large before
    assert outlook.growth == 0
    assert outlook.days_left(17 * GB, 1000.0 + DAY_S) == 10
    assert outlook.growth == 10 * GB
    disk.free = 51 * GB
    assert outlook.days_left(27 * GB, 1000.0 + 2 * DAY_S) == 5
    disk.free = GB // 2  # under the reserve already
    assert outlook.days_left(37 * GB, 1000.0 + 3 * DAY_S) == 0


def test_the_disk_is_asked_now_and_then_and_not_every_time() -> None:
    disk = Disk(100 * GB)
    outlook = DiskOutlook(disk, 0)
    told = [outlook.days_left(round(GB * t), t) for t in (0.0, 2 * LEAST_S)]
    for _ in range(50):
        told.append(outlook.days_left(0, 2 * LEAST_S + LOOK_S / 2))
    assert disk.asked == 1
    assert told == [-1, *[told[1]] * 51]
