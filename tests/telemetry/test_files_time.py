"""When a row was: the time column by content, passes, restarts, disorder, repeats."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry import Frame, Quality, SourceError
from telemetry.clock import iso, parse_iso
from telemetry.files import FileSource, open_file
from telemetry.timebase import day_first, parse_label, parse_moment

YEAR_2000 = parse_iso("2000-01-01T00:00:00Z")
SECOND = 1_000_000
HOUR = 3600 * SECOND


def open_text(folder: Path, text: str, **how: object) -> FileSource:
    file = folder / "sat.csv"
    file.write_text(text)
    return open_file(file, **how)  # type: ignore[arg-type]  # passed on as they are


def flags(frame: Frame, channel: int) -> npt.NDArray[np.uint8]:
    known = None if frame.quality is None else frame.quality[channel]
    return np.zeros(len(frame), np.uint8) if known is None else known


def whole(source: FileSource) -> Frame:
    """The frames of a source as one, in the order they came."""
    cut = list(source.frames(threading.Event(), 10**15))
    columns = tuple(np.concatenate([f.columns[i] for f in cut]) for i in range(len(cut[0].columns)))
    quality = tuple(np.concatenate([flags(f, i) for f in cut]) for i in range(len(cut[0].columns)))
    return Frame(cut[0].group, np.concatenate([f.times for f in cut]), columns, quality)


def stamps(source: FileSource) -> list[str]:
    return [iso(t) for t in whole(source).times]


@pytest.mark.parametrize(
    "text",
    [
        "2020-11-09T12:00:01Z",
        "2020-11-09 12:00:01",
        "2020-11-09 12:00:01+00:00",
        "2020-11-09T21:00:01+0900",
        "2020-11-09T12:00:01.000000000Z",
        "20201109T120001Z",
        "2020-314T12:00:01",
        "2020/314 12:00:01.0",
        "2020:314:12:00:01.000",
        "2020/11/09 12:00:01 UTC",
        "09.11.2020 12:00:01",
        "9 Nov 2020 12:00:01",
        "09-Nov-2020 12:00:01,000",
        "Nov 9, 2020 12:00:01 PM",
        "Mon Nov  9 12:00:01 2020",
        "Mon, 09 Nov 2020 12:00:01 GMT",
        "2020-11-09 12:00:01.0000",
    ],
)
def test_dates_met_in_the_wild_are_one_moment(text: str) -> None:
    found = parse_moment(text)
    assert found is not None and found.kind == "moment" and iso(found.time) == "2020-11-09T12:00:01Z"


def test_a_leap_second_is_the_first_of_the_next_minute() -> None:
    found = parse_moment("2016-12-31T23:59:60Z")
    assert found is not None and iso(found.time) == "2017-01-01T00:00:00Z"


@pytest.mark.parametrize("text", ["2020-13-01", "2020-02-30", "3.5", "12.11", "20201109", "abc", "2021-366", "", "1:2"])
def test_numbers_and_impossible_dates_are_no_moments(text: str) -> None:
    assert parse_moment(text) is None


@given(st.datetimes())
def test_any_iso_time_is_read_to_the_microsecond(moment: object) -> None:
    found = parse_moment(str(moment))
    assert found is not None and found.time == parse_iso(str(moment))


def test_the_day_is_told_from_the_month_by_the_other_dates() -> None:
    assert day_first(["11/13/2020", "11/01/2020"]) == (False, True)
    assert day_first(["13/11/2020", "01/11/2020"]) == (True, True)
    # Consecutive days are likelier than the first of consecutive months.
    assert day_first(["11/01/2020", "11/02/2020", "11/03/2020"]) == (False, False)
    assert parse_label("Pass 9 Nov 2020, Kathmandu") == parse_iso("2020-11-09")
    assert parse_label("session_20201109_143000") == parse_iso("2020-11-09T14:30:00Z")
    assert parse_label("orbit 1204 of 2020") is None


@pytest.mark.parametrize(("scale", "name"), [(1, "unix"), (10**3, "ts"), (10**6, "x"), (10**9, "x")])
def test_epoch_numbers_are_known_by_their_magnitude(tmp_path: Path, scale: int, name: str) -> None:
    body = "".join(f"{(1_604_923_200 + k) * scale},{k}\n" for k in range(5))
    source = open_text(tmp_path, f"{name},a\n{body}")
    assert stamps(source)[:2] == ["2020-11-09T12:00:00Z", "2020-11-09T12:00:01Z"] and not source.relative


@pytest.mark.parametrize(("header", "step"), [("t", SECOND), ("time [ms]", 1000), ("elapsed_min", 60 * SECOND)])
def test_a_relative_time_begins_in_2000_in_the_unit_of_its_header(tmp_path: Path, header: str, step: int) -> None:
    source = open_text(tmp_path, f"{header},a\n0,1\n1,2\n2,3\n")
    assert whole(source).times.tolist() == [YEAR_2000 + k * step for k in range(3)]
    assert source.relative and source.groups[0].period == step
    later = open_text(tmp_path, f"{header},a\n0,1\n1,2\n2,3\n", start=0)
    assert whole(later).times.tolist() == [0, step, 2 * step] and not later.relative


def test_a_unit_in_the_header_outranks_a_magnitude(tmp_path: Path) -> None:
    body = "".join(f"{10**9 + k * 1000},{k}\n" for k in range(4))
    source = open_text(tmp_path, "time_us,a\n" + body)
    assert source.relative and whole(source).times[0] == YEAR_2000 + 10**9 and source.groups[0].period == 1000
    nanoseconds = open_text(tmp_path, "t [ns],a\n0,1\n2000,2\n4000,3\n")
    assert nanoseconds.groups[0].period == 2
    wrong = open_text(tmp_path, "time (s),a\n1604923200000,1\n1604923201000,2\n")
    assert stamps(wrong)[0] == "2020-11-09T12:00:00Z"


def test_integers_that_spell_a_date_are_one(tmp_path: Path) -> None:
    source = open_text(tmp_path, "time,a\n20200228235959,1\n20200229000000,2\n20200301000000,3\n")
    assert stamps(source) == ["2020-02-28T23:59:59Z", "2020-02-29T00:00:00Z", "2020-03-01T00:00:00Z"]
    daily = open_text(tmp_path, "date,a\n20200228,1\n20200229,2\n20200301,3\n")
    assert stamps(daily)[1] == "2020-02-29T00:00:00Z"


def test_a_label_on_the_first_row_of_a_pass_holds_for_the_others(tmp_path: Path) -> None:
    source = open_text(tmp_path, "session,t,a\n9 Nov 2020,0,1\n,1,2\n,2,3\n10 Nov 2020,0,4\n,1,5\n")
    assert [iso(first) for first, _ in source.passes] == ["2020-11-09T00:00:00Z", "2020-11-10T00:00:00Z"]


def test_a_date_and_a_time_of_day_make_one_time(tmp_path: Path) -> None:
    source = open_text(tmp_path, "Date,Time,a\n13/11/2020,23:59:59,1\n14/11/2020,00:00:00,2\n")
    assert stamps(source) == ["2020-11-13T23:59:59Z", "2020-11-14T00:00:00Z"]


def test_a_time_of_day_goes_on_over_midnight(tmp_path: Path) -> None:
    source = open_text(tmp_path, "clock,a\n23:59:58,1\n23:59:59,2\n00:00:00,3\n00:00:01,4\n")
    assert np.diff(whole(source).times).tolist() == [SECOND] * 3 and source.relative


def test_a_temperature_named_t_is_no_time(tmp_path: Path) -> None:
    body = "".join(f"{[20.5, 20.1, 20.9][k % 3]},{k}\n" for k in range(30))
    with pytest.raises(SourceError, match="no time column"):
        open_text(tmp_path, "T,a\n" + body)


def test_a_period_gives_times_where_no_column_does(tmp_path: Path) -> None:
    source = open_text(tmp_path, "a,b\n1,2\n3,1\n2,2\n", period=5 * SECOND)
    assert whole(source).times.tolist() == [YEAR_2000 + k * 5 * SECOND for k in range(3)]
    assert source.groups[0].period == 5 * SECOND and len(source.groups[0].channels) == 2
    dated = open_text(tmp_path, "day,a\n9 Nov 2020,1\n9 Nov 2020,2\n25 Nov 2020,3\n", period=SECOND)
    assert stamps(dated) == ["2020-11-09T00:00:00Z", "2020-11-09T00:00:01Z", "2020-11-25T00:00:00Z"]


def test_a_period_does_not_outrank_dates(tmp_path: Path) -> None:
    source = open_text(tmp_path, "time,a\n2020-01-01T00:00:00Z,1\n2020-01-01T00:00:02Z,2\n", period=SECOND)
    assert stamps(source) == ["2020-01-01T00:00:00Z", "2020-01-01T00:00:02Z"]
    assert any("period given was not needed" in note for note in source.notes)


def test_a_counter_named_as_the_time_is_counted_in_periods(tmp_path: Path) -> None:
    source = open_text(tmp_path, "n,a\n4,1\n5,2\n7,3\n", time="n", period=5 * SECOND)
    assert np.diff(whole(source).times).tolist() == [5 * SECOND, 10 * SECOND]


def test_the_named_column_wins(tmp_path: Path) -> None:
    rows = [f"2020-01-01T00:00:0{k}Z,2021-01-01T00:00:0{k}Z,{k}\n" for k in range(2)]
    text = "time,ground (UTC),a\n" + "".join(rows)
    assert stamps(open_text(tmp_path, text))[0] == "2020-01-01T00:00:00Z"
    assert stamps(open_text(tmp_path, text, time="Ground"))[0] == "2021-01-01T00:00:00Z"


def test_a_pass_ends_where_time_goes_back_to_its_first_value(tmp_path: Path) -> None:
    source = open_text(tmp_path, "t,a\n0,1\n1,2\n2,3\n0,4\n1,5\n0,6\n")
    zero = YEAR_2000
    two, three = zero + 2 * SECOND + HOUR, zero + 3 * SECOND + 2 * HOUR
    assert source.passes == ((zero, zero + 2 * SECOND), (two, two + SECOND), (three, three))
    assert whole(source).columns[0].tolist() == [1, 2, 3, 4, 5, 6] and source.groups[0].period == SECOND


def test_a_pass_ends_where_time_falls_by_more_than_a_hundred_median_steps(tmp_path: Path) -> None:
    def rows(fall: int) -> str:
        return "t,a\n" + "".join(f"{k},1\n" for k in range(300)) + "".join(f"{299 - fall + k}.5,2\n" for k in range(20))

    assert len(open_text(tmp_path, rows(101)).passes) == 2
    small = open_text(tmp_path, rows(50))
    assert len(small.passes) == 1 and np.all(np.diff(whole(small).times) > 0)


def test_a_pass_ends_where_the_session_changes_though_time_goes_on(tmp_path: Path) -> None:
    source = open_text(tmp_path, "session,t,a\nA,0,1\nA,1,2\nB,2,3\nB,3,4\n")
    assert [b - a for a, b in source.passes] == [SECOND, SECOND]
    assert source.passes[1][0] - source.passes[0][1] == HOUR


def test_labels_date_the_passes_and_a_start_outranks_them(tmp_path: Path) -> None:
    text = "label,t,a\n25 Nov 2020,0,1\n25 Nov 2020,5,2\n9 Nov 2020,0,3\n9 Nov 2020,5,4\n"
    dated = open_text(tmp_path, text)
    assert stamps(dated)[0] == "2020-11-09T00:00:00Z" and stamps(dated)[2] == "2020-11-25T00:00:00Z"
    assert whole(dated).columns[0].tolist() == [3, 4, 1, 2] and not dated.relative
    start = parse_iso("2024-05-06T00:00:00Z")
    assert open_text(tmp_path, text, start=start).passes[0] == (start, start + 5 * SECOND)


def test_passes_of_one_date_follow_one_another(tmp_path: Path) -> None:
    rows = [f"9 Nov 2020 {part},{t},{t}\n" for part in "AB" for t in (0, 5)]
    source = open_text(tmp_path, "pass,t,a\n" + "".join(rows))
    assert source.passes[1][0] == source.passes[0][1] + HOUR


def test_newest_first_is_played_oldest_first(tmp_path: Path) -> None:
    source = open_text(tmp_path, "time,a\n" + "".join(f"2020-01-01T00:00:{9 - k:02d}Z,{k}\n" for k in range(10)))
    assert whole(source).columns[0].tolist() == list(range(9, -1, -1)) and len(source.passes) == 1


def test_an_equal_row_is_dropped_and_a_different_one_is_flagged(tmp_path: Path) -> None:
    source = open_text(tmp_path, "t,a,b\n0,1,1\n1,2,2\n3,4,4\n2,3,3\n2,3,3\n3,5,4\n3,4,4\n4,,6\n4,6,\n")
    frame = whole(source)
    assert (frame.times - YEAR_2000).tolist() == [s * SECOND for s in (0, 1, 2, 3, 3, 4, 4)]
    assert frame.quality is not None and frame.quality[0] is not None
    # A cell that only completes the other row of its time is no second value.
    assert frame.quality[0].tolist() == [0, 0, 0, 0, Quality.REPEATED, Quality.MISSING, 0]
    assert frame.count() == 12 and any("2 rows were left out for repeating" in note for note in source.notes)


def test_absolute_times_stay_as_they_are_in_ascending_order(tmp_path: Path) -> None:
    early = "".join(f"2020-01-01T00:{k // 60:02d}:{k % 60:02d}Z,{k}\n" for k in range(300))
    late = "".join(f"2020-01-02T00:{k // 60:02d}:{k % 60:02d}Z,{k + 1000}\n" for k in range(300))
    source = open_text(tmp_path, "time,a\n" + late + early + early.replace(",", ",5"))
    frame = whole(source)
    assert len(frame) == 900 and np.all(np.diff(frame.times) >= 0) and len(source.passes) == 2
    assert stamps(source)[0] == "2020-01-01T00:00:00Z" and stamps(source)[-1] == "2020-01-02T00:04:59Z"
    assert any("overlap in time" in note for note in source.notes)


def test_rows_without_a_time_are_left_out_and_counted(tmp_path: Path) -> None:
    source = open_text(tmp_path, "time,a\n2020-01-01T00:00:00Z,1\nNaT,2\n,3\n2020-01-01T00:00:01Z,4\n")
    assert whole(source).columns[0].tolist() == [1, 4]
    assert "2 rows were left out for want of a time that can be read." in source.notes


@given(st.permutations(list(range(40))))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_in_any_order_are_played_in_the_order_of_time(tmp_path: Path, order: list[int]) -> None:
    body = "".join(f"2020-01-01T00:00:{k:02d}Z,{k}\n" for k in order)
    source = open_text(tmp_path, "time,a\n" + body)
    assert whole(source).columns[0].tolist() == list(range(40))


def test_a_start_at_the_end_of_the_calendar_is_answered_with_another_start(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="give another --start TIME"):
        open_text(tmp_path, "seconds,a\n0,1\n1,2\n2,3\n", start=parse_iso("9999-12-31T23:59:59Z"))
