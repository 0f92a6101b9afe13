"""What the strip at the bottom and the banner say, from the core's counters. Pure but for the clock. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.counters import Counter, Counters
from telemetry.clock import SECOND
from widgets import text
from widgets.model import Kind, Mark, Notice, StatusView

SILENT_S = 3.0
"""A core that gives no sign of life for so long is said to hang."""
LIVE_WITHIN = 10 * SECOND
"""Telemetry no older than this is called live."""

_BAD = Mark(Kind.CRITICAL)
_GOOD = Mark(Kind.WATCH)


@dataclass(frozen=True, slots=True)
class About:
    """What a core said of itself once."""

    source: str
    engine: Engine
    models: int


@dataclass(frozen=True, slots=True)
class Engine:
    """What scores, in the words of the strip: ``well`` is false where that is not what was meant to."""

    words: str
    reason: str
    well: bool


def about(hello: Mapping[str, object]) -> About:
    """From the core's ``hello``."""
    sources = [source_name(str(one["name"])) for one in _items(hello["sources"])]
    satellites = {str(group["satellite"]) for group in _items(hello["groups"])}
    told, models = hello["engine"], hello["models"]
    count = len(models) if isinstance(models, list) else 0
    source = ", ".join(sources[:2]) + (f" and {len(sources) - 2} more" if len(sources) > 2 else "")
    engine = engine_of(told if isinstance(told, Mapping) else {}, count)
    return About(f"{source}, {text.counted(len(satellites), 'satellite')}", engine, count)


def engine_of(told: Mapping[str, object], models: int) -> Engine:
    """What scores, from what the core tells of it whenever that changes."""
    if not models:
        return Engine("Scored without models", str(told.get("reason", "")), True)
    words = f"Scored by {scorer(told)}, {text.counted(models, 'model')}"
    reason, since = str(told.get("reason", "")), told.get("since")
    if told.get("interruptions") and isinstance(since, int):
        # An operator who sees it change wants to know when it did.
        words += f", since {text.clock(since)}"
        times = text.counted(int(str(told["interruptions"])), "interruption")
        reason += f" {times}; {text.counted(int(str(told.get('rescored', 0))), 'window')} scored again elsewhere."
    return Engine(words, reason, not told.get("trouble"))


def scorer(told: Mapping[str, object]) -> str:
    """Who scores, in a few words."""
    detail = str(told.get("detail", ""))
    if told.get("kind") == "triton":
        return {"container": "Triton", "process": "Triton on the CPU"}.get(detail, "a Triton elsewhere")
    return "ONNX Runtime on the CPU" if "CPU" in detail else f"ONNX Runtime on {detail}"


def source_name(name: str) -> str:
    """``sim:demo?seed=7`` is the demo fleet; a file is its name."""
    if name.startswith("sim:"):
        return f"{name[4:].partition('?')[0]} fleet"
    return name.rpartition("/")[2] or name


def status(
    counters: Counters, known: About | None, wall: int, attached: bool, troubles: Troubles, monotonic_ns: int
) -> StatusView:
    """The status strip. ``wall`` is the time now, UTC microseconds."""
    if known is None:
        if troubles.failed:
            return StatusView("Not watching", "", well=False, recording=False)
        return StatusView("Starting", "", well=False, recording=None)
    c = counters
    if not attached:
        return StatusView("Not watching", known.source, well=False, recording=False, lost=int(c[Counter.LOST]))
    if silence(c, monotonic_ns) > SILENT_S:
        return StatusView("No answer", known.source, well=False, recording=None, lost=int(c[Counter.LOST]))
    return StatusView(
        state=state(c, wall),
        source=known.source,
        well=not c[Counter.ENDED],
        rate=float(c[Counter.RATE]),
        delay=int(c[Counter.DELAY_P50]) or None,
        waiting=int(c[Counter.WAITING]),
        bound=int(c[Counter.BOUND]),
        skipped=int(c[Counter.SKIPPED]),
        engine=known.engine.words,
        engine_reason=known.engine.reason,
        engine_well=known.engine.well,
        recording=bool(c[Counter.RECORDING]),
        size=int(c[Counter.ARCHIVE_BYTES]),
        days_left=int(c[Counter.DAYS_LEFT]) if c[Counter.DAYS_LEFT] >= 0 else None,
        growth=int(c[Counter.GROWTH]) or None,
        lost=int(c[Counter.LOST]),
        behind=int(c[Counter.BEHIND_MS]) * 1000 if c[Counter.LIVE] else 0,
    )


def silence(c: Counters, monotonic_ns: int) -> float:
    """Seconds since the core's last sign of life."""
    return (monotonic_ns - int(c[Counter.BEAT])) / 1e9 if c[Counter.BEAT] else 0.0


def state(c: Counters, wall: int) -> str:
    """One word for how telemetry comes in."""
    if c[Counter.ENDED]:
        return "Ended"
    if not c[Counter.LIVE]:
        return "Reading history"
    if c[Counter.PAUSED]:
        return "Paused"
    return "Live" if abs(wall - int(c[Counter.CLOCK])) < LIVE_WITHIN else "Playing"


@dataclass(slots=True)
class Troubles:
    """What stands in the banner, worst first."""

    failed: str = ""
    lost_at: int | None = None
    """The newest telemetry when the core died, until it is back."""
    back: str = ""
    """What is said of a core that is back, until the operator has read it."""

    def notice(self, counters: Counters, monotonic_ns: int) -> Notice | None:
        """The banner now."""
        if self.failed:
            return Notice(_BAD, f"NOT RECORDING. {self.failed}", "Try again")
        if self.lost_at is not None:
            at = text.clock(self.lost_at)
            return Notice(_BAD, f"NOT RECORDING since {at}: the recorder stopped by itself. It is being started again.")
        silent = silence(counters, monotonic_ns)
        if silent > SILENT_S:
            return Notice(_BAD, f"The recorder has given no sign of life for {silent:.0f} s.")
        if counters[Counter.BEAT] and not counters[Counter.RECORDING]:
            return Notice(_BAD, "NOT RECORDING: the archive cannot be written. Watching goes on.")
        if self.back:
            return Notice(_GOOD, self.back, "Dismiss")
        return None


def _items(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
