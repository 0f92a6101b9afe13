"""What the page Scoring says of the core's figures: calm while all is well, marked where something is not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from app.window.serving import NOW, PASSED, Rates, gone, scoring_view
from telemetry.clock import SECOND
from widgets.model import Mark
from widgets.scoring.model import ScoringView, Section

NOON = 1_900_000_800 * SECOND
WELL: dict[str, Any] = {
    "at": 100.0,
    "engine": {
        "kind": "triton",
        "detail": "container",
        "reason": "A container of this machine scores.",
        "since": NOON - 780 * SECOND,
        "interruptions": 0,
        "rescored": 0,
        "trouble": "",
    },
    "servers": [
        {
            "address": "127.0.0.1:8001",
            "detail": "container",
            "mine": True,
            "gpu": True,
            "runs": "tritonserver@sha256:0f",
            "metrics_port": 8002,
            "gpus": ["GPU-1"],
            "problem": "",
            "models": [
                {
                    "name": "vae",
                    "version": "1",
                    "calls": 50,
                    "windows": 1000,
                    "failed": 0,
                    "queue_us": 85.0,
                    "compute_us": 2410.0,
                    "ready": True,
                    "pending": 2,
                }
            ],
        }
    ],
    "graphics": {
        "driver": "580.82",
        "reason": "",
        "xids": [],
        "gpus": [
            {
                "name": "NVIDIA H100",
                "uuid": "GPU-1",
                "capability": [9, 0],
                "memory_used": 2_000_000_000,
                "memory_total": 80_000_000_000,
                "utilisation": 0.07,
                "power_w": 140.0,
                "power_limit_w": 700.0,
                "temperature_c": 51,
                "throttled": [],
                "ecc_corrected": 0,
                "ecc_uncorrected": 0,
            }
        ],
    },
    "pool": {
        "waiting": 2,
        "bound": 4096,
        "scored": {"vae": 900},
        "refused": {"vae": 0},
        "failed": {"vae": 0},
        "error": "",
        "workers": [
            {
                "name": "inference-0",
                "active": 32,
                "active_ms": 12.0,
                "batches": 60,
                "done": 900,
                "failed": 0,
                "retried": 0,
                "p50_ms": 2.44,
                "p95_ms": 3.5,
                "p99_ms": 5.0,
            }
        ],
    },
    "skipped": 0,
}


def told(**changes: object) -> dict[str, Any]:
    """``WELL``, with other values at paths such as ``engine__rescored``."""
    figures = copy.deepcopy(WELL)
    for path, value in changes.items():
        place: Any = figures
        *way, last = (int(step) if step.isdigit() else step for step in path.split("__"))
        for step in way:
            place = place[step]
        place[last] = value
    return figures


def view(**changes: object) -> ScoringView:
    return scoring_view(told(**changes), Rates(), NOON)


def sections(shown: ScoringView) -> list[Section]:
    return [shown.now, *shown.below, shown.pool]


def marks(shown: ScoringView) -> list[tuple[str, Mark]]:
    """Everything that is marked: a sentence, the first cell of a row, or the name of a fact."""
    found: list[tuple[str, Mark | None]] = []
    for one in sections(shown):
        found += [(remark.words, remark.mark) for remark in one.remarks]
        found += [(row.cells[0], row.mark) for row in one.table.rows]
        found += [(fact.name, fact.mark) for fact in one.facts]
    return [(words, mark) for words, mark in found if mark is not None]


def fact(shown: ScoringView, name: str) -> str:
    return next(one.value for section in sections(shown) for one in section.facts if one.name == name)


def test_while_all_is_well_nothing_is_marked_and_all_of_it_is_said() -> None:
    shown = view()
    assert marks(shown) == []
    assert (shown.title, shown.since) == ("Triton scores", "since 17:47:00, for 13 min")
    server, gpu = shown.below
    assert server.table.rows[0].cells == ("vae", "serving", "1\u2009000", "\u2013", "0.09", "2.41", "2")
    assert gpu.note == "NVIDIA H100, driver 580.82"
    assert [fact(shown, name) for name in ("Computes on", "Ended by", "Memory", "Power")] == [
        "1 GPU",
        "this session",
        "2.0 GB of 80 GB",
        "140 of 700 W",
    ]
    assert shown.pool.table.rows[0].cells == (
        "inference-0", "32 windows, 12 ms", "60", "900", "0", "0", "2.4", "3.5", "5.0",
    )  # fmt: skip
    assert fact(shown, "Waiting") == "2 of 4\u2009096"


@pytest.mark.parametrize(
    ("changes", "marked"),
    [
        ({"servers__0__problem": "It does not answer."}, ("It does not answer.", NOW)),
        ({"servers__0__models__0__ready": False}, ("vae", NOW)),
        ({"servers__0__models__0__failed": 3}, ("vae", PASSED)),
        ({"servers__0__gpus": []}, ("Computes on", NOW)),
        ({"graphics__gpus__0__throttled": ["heat (hardware)"]}, ("Slowed down", NOW)),
        ({"graphics__gpus__0__ecc_uncorrected": 1}, ("ECC errors", NOW)),
        (
            {"graphics__xids": ["Xid (PCI:0000:41:00): 79"]},
            ("1 Xid error since the machine started, the newest: Xid (PCI:0000:41:00): 79", NOW),
        ),
        ({"pool__workers__0__active_ms": 9000.0}, ("inference-0", NOW)),
        ({"pool__workers__0__failed": 32}, ("inference-0", PASSED)),
        (
            {"pool__failed": {"vae": 32}, "pool__error": "It does not answer."},
            ("32 windows failed, the newest: It does not answer.", PASSED),
        ),
        ({"pool__refused": {"vae": 9}}, ("Refused, the queue was full", PASSED)),
        ({"skipped": 9}, ("Skipped", PASSED)),
        ({"engine__interruptions": 1}, ("Interruptions", PASSED)),
    ],
)
def test_what_is_wrong_is_marked_and_nothing_else(changes: dict[str, object], marked: tuple[str, Mark]) -> None:
    assert marks(view(**changes)) == [marked]


def test_while_no_triton_serves_the_trouble_is_marked() -> None:
    reason = "The Triton is gone (killed), so the embedded ONNX Runtime scores until a Triton does."
    shown = view(
        engine__kind="embedded",
        engine__detail="CPUExecutionProvider",
        engine__reason=reason,
        engine__trouble="The Triton is gone (killed).",
        engine__interruptions=1,
        servers=[],
    )
    assert shown.title == "ONNX Runtime on the CPU scores"
    assert marks(shown) == [(reason, NOW), ("Interruptions", NOW)]


def test_a_triton_that_has_not_answered_yet_is_not_said_to_be_none() -> None:
    for at, kind, words in (
        (None, "triton", "It has not answered yet."),
        (None, "embedded", "No Triton scores now."),
        (1.0, "triton", "No Triton scores now."),
    ):
        shown = view(at=at, engine__kind=kind, servers=[])
        assert [one.words for one in shown.below[0].remarks] == [words]


def test_without_a_gpu_one_quiet_sentence_is_said() -> None:
    graphics: dict[str, object] = {"driver": "", "gpus": [], "reason": "no NVIDIA driver answers", "xids": None}
    shown = view(graphics=graphics, servers__0__gpus=None, servers__0__gpu=False)
    assert marks(shown) == []
    gpu = shown.below[-1]
    assert (gpu.title, [one.words for one in gpu.remarks]) == ("GPU", ["None: no NVIDIA driver answers."])


def test_an_embedded_engine_that_was_asked_for_is_calm() -> None:
    shown = view(engine__kind="embedded", engine__detail="CPUExecutionProvider", engine__since=0, servers=[])
    assert marks(shown) == []
    assert shown.since == "since the session began"


def test_windows_a_second_are_counted_between_readings() -> None:
    rates = Rates()
    key = "servers__0__models__0__windows"
    rates.take(told())
    assert rates.of("127.0.0.1:8001", "vae") is None
    rates.take(told())
    assert rates.of("127.0.0.1:8001", "vae") is None, "the same reading once more"
    rates.take(told(at=102.0, **{key: 1034}))
    assert rates.of("127.0.0.1:8001", "vae") == 17.0
    assert scoring_view(told(), rates, NOON).below[0].table.rows[0].cells[3] == "17.0"
    rates.take(told(at=103.0, **{key: 12}))
    assert rates.of("127.0.0.1:8001", "vae") is None, "it counts anew"
    for at in range(104, 110):
        rates.take(told(at=float(at), **{key: 12 + 40 * (at - 103)}))
    assert rates.of("127.0.0.1:8001", "vae") == 40.0
    assert rates.of("127.0.0.1:8001", "other") is None


def test_where_nobody_answers_the_reason_is_marked() -> None:
    assert marks(gone("There is no session now.")) == [("There is no session now.", NOW)]
