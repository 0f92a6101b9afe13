"""The status strip and the banner: one word for the state, the worst trouble first."""

from __future__ import annotations

from app.counters import Counter
from app.window.status import About, Engine, Troubles, engine_of, source_name, status
from widgets.model import Kind, Notice, StatusView

WALL = 1_900_000_000_000_000
KNOWN = About("demo fleet, 3 satellites", Engine("Scored by ONNX Runtime on the CPU, 2 models", "No Triton.", True), 2)


def _counters(**values: int) -> list[int]:
    base = {"BEAT": 1, "LIVE": 1, "RECORDING": 1, "CLOCK": WALL, "DAYS_LEFT": -1} | values
    counters = [0] * 64
    for name, value in base.items():
        counters[Counter[name]] = value
    return counters


def _view(counters: list[int], known: About | None = KNOWN, attached: bool = True, failed: str = "") -> StatusView:
    return status(counters, known, WALL, attached, Troubles(failed), 1_000_000_000)


def _says(troubles: Troubles, **values: int) -> Notice | None:
    return troubles.notice(_counters(**values), 1_000_000_000)


def test_the_state_is_one_word() -> None:
    words = {
        "Live": _counters(),
        "Reading history": _counters(LIVE=0),
        "Playing": _counters(CLOCK=WALL - 3_600_000_000),
        "Ended": _counters(ENDED=1),
    }
    assert {word: _view(counters).state for word, counters in words.items()} == {w: w for w in words}
    starting = _view(_counters(), None, False)
    assert (starting.state, starting.recording) == ("Starting", None)
    # What cannot be said is not said: no green square beside a trouble.
    assert _view(_counters(), None, False, failed="No core.").recording is False
    assert _view(_counters(), attached=False).recording is False
    hung = status(_counters(), KNOWN, WALL, True, Troubles(), 10_000_000_000)
    assert (hung.state, hung.recording, hung.well) == ("No answer", None, False)


def test_figures_that_are_not_known_are_not_shown() -> None:
    view = _view(_counters())
    assert view.delay is None
    assert view.days_left is None
    assert _view(_counters(DAYS_LEFT=0)).days_left == 0


def test_the_banner_shows_the_worst_trouble() -> None:
    troubles = Troubles()
    assert _says(troubles) is None
    troubles.back = "It is back after 0.8 s."
    back = _says(troubles)
    assert back is not None
    assert (back.sentence, back.action) == ("It is back after 0.8 s.", "Dismiss")
    full = _says(troubles, RECORDING=0)
    assert full is not None
    assert full.mark.kind is Kind.CRITICAL
    assert "NOT RECORDING" in full.sentence
    troubles.lost_at = WALL
    lost = _says(troubles, RECORDING=0)
    assert lost is not None
    assert "NOT RECORDING since" in lost.sentence
    troubles.failed = "The disk is gone."
    failed = _says(troubles)
    assert failed is not None
    assert failed.sentence == "NOT RECORDING. The disk is gone."


def test_a_core_that_hangs_is_said_to() -> None:
    silent = Troubles().notice(_counters(BEAT=1), 5_000_000_000)
    assert silent is not None
    assert "no sign of life for 5 s" in silent.sentence


def test_a_source_is_called_what_an_operator_calls_it() -> None:
    assert source_name("sim:demo?seed=7&start=now") == "demo fleet"
    assert source_name("passes/nepalisat.csv") == "nepalisat.csv"


def test_the_strip_says_which_engine_scores_and_since_when_once_that_has_changed() -> None:
    served = {"kind": "triton", "detail": "process", "reason": "It is there.", "since": WALL, "interruptions": 0}
    assert engine_of(served, 2) == Engine("Scored by Triton on the CPU, 2 models", "It is there.", True)
    lost = {
        "kind": "embedded",
        "detail": "CPUExecutionProvider",
        "reason": "The Triton is gone, so the embedded ONNX Runtime scores until a Triton does.",
        "since": WALL,
        "interruptions": 1,
        "rescored": 24,
        "trouble": "The Triton is gone.",
    }
    engine = engine_of(lost, 2)
    assert engine.words == "Scored by ONNX Runtime on the CPU, 2 models, since 17:46:40" and not engine.well
    assert engine.reason.endswith("until a Triton does. 1 interruption; 24 windows scored again elsewhere.")
    assert engine_of({**served, "interruptions": 1}, 1).words == "Scored by Triton on the CPU, 1 model, since 17:46:40"
    assert engine_of({"kind": "embedded", "detail": "CUDAExecutionProvider"}, 1).words.startswith(
        "Scored by ONNX Runtime on CUDAExecutionProvider"
    )
    assert engine_of(served, 0).words == "Scored without models"
