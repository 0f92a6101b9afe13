"""Events become rows, marks and spans that an operator reads; a core that died is not told of twice."""

from __future__ import annotations

from dataclasses import replace

from app.window.ledger import KEPT, PAST, Ledger
from detection import LIMITS, Opinion
from detection.event import Contribution, Event
from telemetry import Channel, Severity
from widgets.model import Clock, Kind, Mark, Style

S = 1_000_000
NOW = Clock(10_000 * S)


def _event(
    key: int = 1,
    start: int = 100,
    end: int = 200,
    *,
    open_: bool = True,
    model: str = "ar",
    severity: Severity = Severity.WATCH,
    channels: tuple[tuple[str, float], ...] = (("eps/a", 0.7), ("eps/b", 0.299), ("eps/c", 0.001)),
    satellite: str = "SAT-001",
) -> Event:
    shares = tuple(Contribution(name, share, 2.0) for name, share in channels)
    reason = f"{channels[0][0]}: ar 6.1 x anything in the last 1,900 samples"
    return Event(key, satellite, start * S, end * S, open_, severity, model, "1", 3.5, shares, reason, ("robust_z",))


def test_a_finding_is_a_row_in_the_operators_words() -> None:
    ledger = Ledger()
    rows = ledger.take(1, [(0, _event())])
    assert [(row.satellite, row.sentence) for row in rows] == [("SAT-001", "finding opened: eps/a and 2 more")]
    (row,) = ledger.rows(NOW)
    assert row.title == "eps/a and 2 more"
    assert row.sentence == "Prediction error 6.1 × anything in the last 1,900 samples"
    assert row.seconded == ("robust z",)
    assert row.mark == Mark(Kind.FINDING, Style.FILLED)
    assert not row.alarm
    assert ledger.counts().findings == 1


def test_a_limit_is_an_alarm_of_its_severity() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event(model=LIMITS, severity=Severity.CRITICAL))])
    (row,) = ledger.rows(NOW)
    assert row.alarm
    assert row.mark.kind is Kind.CRITICAL
    assert ledger.counts().critical == 1
    assert ledger.finding_spans() == []


def test_channels_with_a_share_worth_the_name_are_marked() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event())])
    assert set(ledger.health()) == {"SAT-001/eps/a", "SAT-001/eps/b"}
    (span,) = ledger.finding_spans()
    assert span.keys == {"SAT-001/eps/a", "SAT-001/eps/b"}
    assert span.end is None


def test_an_event_that_ends_keeps_its_row_and_asks_for_an_answer_still() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event())])
    number = ledger.rows(NOW)[0].key
    rows = ledger.take(1, [(0, _event(end=300, open_=False))])
    assert [row.sentence for row in rows] == ["finding ended: eps/a and 2 more, after 3 min"]
    (row,) = ledger.rows(NOW)
    assert row.key == number
    assert row.mark.style is Style.RETURNED
    assert ledger.off_nominal({}) == []


def test_what_a_successor_of_a_dead_core_tells_again_is_the_same_row() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event(key=4))])
    number = ledger.rows(NOW)[0].key
    assert ledger.take(2, [(0, _event(key=1, start=105, end=260))]) == []
    assert [row.key for row in ledger.rows(NOW)] == [number]
    # Another satellite's, and one that has nothing to do with it in time, are others.
    ledger.take(2, [(0, _event(key=2, satellite="SAT-002")), (0, _event(key=3, start=900, end=950))])
    assert len(ledger.rows(NOW)) == 3


def test_stepping_goes_through_findings_in_the_order_of_time() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event(key=1, start=500, end=600)), (0, _event(key=2, start=100, end=150))])
    late, early = (row.key for row in ledger.rows(NOW))
    assert ledger.step(None, 1) == late
    assert ledger.step(late, -1) == early
    assert ledger.step(early, -1) == early
    assert ledger.step(early, 1) == late
    assert Ledger().step(None, 1) is None


def test_open_comes_before_ended_and_is_foremost() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event(key=1, start=100)), (0, _event(key=2, start=500, end=600, open_=False))])
    assert [row.open for row in ledger.rows(NOW)] == [True, False]
    assert ledger.foremost() == ledger.rows(NOW)[0].key


def test_there_is_a_bound() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event(key=i, start=10 * i, end=10 * i + 1)) for i in range(KEPT + 50)])
    assert len(ledger.rows(NOW)) == KEPT


def test_what_was_expected_and_what_came_is_said_in_the_channels_unit() -> None:
    share = Contribution("eps/a", 1.0, 2.0, "", 12.1, 12.9, 10.4)
    found = replace(_event(), channels=(share, Contribution("eps/b", 0.0, 1.0)), onset=90 * S, peak=150 * S)
    ledger = Ledger({"SAT-001/eps/a": Channel("SAT-001", "eps", "a", "V")}.get)
    ledger.take(1, [(0, found)])
    (row,) = ledger.rows(NOW)
    assert [one.expected for one in row.departures] == ["expected 12.10 to 12.90\u2009V, was 10.40\u2009V", ""]
    assert (row.onset, row.peak) == (90 * S, 150 * S)


def test_a_finding_with_a_verdict_is_answered_and_says_whose_it_is() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event(key=1)), (0, _event(key=2, start=500, end=600))])
    ledger.take_opinions([(1, 1, Opinion(0, "true", "", "M. Keller")), (1, 2, Opinion(0, "unsure"))])
    rows = {row.start: row for row in ledger.rows(NOW)}
    assert {row.mark for row in rows.values()} == {Mark(Kind.FINDING, Style.OUTLINED)}
    assert rows[100 * S].state == "True, M. Keller"
    assert rows[500 * S].state == "Unsure, since 00:08:20"
    assert ledger.counts().findings == 0
    ledger.take_opinions([(1, 1, Opinion(5, "false"))])
    assert [row.verdict for row in ledger.rows(NOW) if row.start == 100 * S] == ["false"]


def test_a_finding_whose_verdict_was_taken_back_asks_again() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event(key=1))])
    ledger.take_opinions([(1, 1, Opinion(0, "true", "hot", "M. Keller"))])
    assert [(row.verdict, row.note) for row in ledger.rows(NOW)] == [("true", "hot")]
    # A core that came after one that died tells the same happening under another identity.
    ledger.take(2, [(0, _event(key=9))])
    ledger.take_opinions([(2, 9, Opinion(5, "taken back"))])
    assert [(row.verdict, row.note) for row in ledger.rows(NOW)] == [("", "")]
    assert ledger.counts().findings == 1


def test_a_verdict_that_comes_before_its_event_and_one_on_what_a_dead_core_told_are_kept() -> None:
    ledger = Ledger()
    ledger.take_opinions([(1, 4, Opinion(0, "true"))])
    ledger.take(1, [(0, _event(key=4))])
    ledger.take(2, [(0, _event(key=1, start=105, end=260))])
    assert [row.verdict for row in ledger.rows(NOW)] == ["true"]
    assert ledger.identity(ledger.rows(NOW)[0].key) == (2, 1)


def test_what_is_like_a_rare_nominal_one_is_listed_and_asks_for_nothing() -> None:
    ledger = Ledger()
    quiet = replace(_event(), category="rare nominal", likeness="like the one of 2030-01-02 that was judged so")
    ledger.take(1, [(0, quiet), (0, _event(key=2, start=50, end=60, open_=False))])
    asking, listed = sorted(ledger.rows(NOW), key=lambda row: row.start)
    assert (listed.quiet, listed.likeness, listed.state) == (True, quiet.likeness, "Rare nominal, since 00:01:40")
    assert ledger.counts().findings == 1
    assert [span.start for span in ledger.finding_spans()] == [50 * S]
    assert [span.start for span in ledger.spans()] == [50 * S]
    assert ledger.health()["SAT-001/eps/a"].style is Style.RETURNED
    assert ledger.foremost() == asking.key, "what is open and quiet gives way to what asks"


def test_a_verdict_does_not_answer_an_alarm() -> None:
    ledger = Ledger()
    ledger.take(1, [(0, _event(model=LIMITS, severity=Severity.CRITICAL))])
    ledger.take_opinions([(1, 1, Opinion(0, "rare nominal"))])
    assert ledger.rows(NOW)[0].mark == Mark(Kind.CRITICAL, Style.FILLED)


def test_events_of_earlier_sessions_stand_on_the_charts_and_ask_for_nothing() -> None:
    ledger = Ledger()
    ledger.take(2, [(0, _event(1, 5_000, 6_000))])
    ledger.take_past([(1, _event(1, 100, 200)), (2, _event(1, 5_000, 6_000)), (1, _event(2, 300, 400, model=LIMITS))])
    ledger.take_past([(1, _event(1, 100, 250))])
    assert [(one.start // S, one.end and one.end // S) for one in ledger.finding_spans()] == [(100, 250), (5_000, None)]
    assert [(one.start // S, one.open) for one in ledger.spans()] == [(300, False), (100, False), (5_000, True)]
    assert len(ledger.rows(NOW)) == ledger.counts().findings == 1
    ledger.take_past([(1, _event(key, key, key + 1)) for key in range(3, PAST + 9)])
    assert len(ledger.finding_spans()) == PAST + 1
    ledger.clear()
    assert ledger.finding_spans() == []
