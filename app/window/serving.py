"""What the page Scoring says, from the figures of the core. Pure; no Qt.

Grey until something is not as it should be: a filled mark where it is so now, one with an arrow where it was and has
passed. Times are UTC microseconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.window.status import scorer
from widgets import text
from widgets.model import Clock, Kind, Mark, Style
from widgets.scoring.model import Fact, Remark, Row, ScoringView, Section, Table

Told = Mapping[str, Any]

NOW = Mark(Kind.WARNING)
PASSED = Mark(Kind.WARNING, Style.RETURNED)
OVER = 6
"""Windows a second are counted over the newest so many readings."""
LONG_MS = 5_000.0
"""A batch that takes longer is held up by something."""

_REACHED = {"process": "a program on this machine", "container": "a container on this machine"}


class Rates:
    """Windows a second of each model of each server, from what it counted before."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, dict[tuple[str, str], int]]] = deque(maxlen=OVER)

    def take(self, figures: Told) -> None:
        """One answer of the core; one that has nothing new is none."""
        at = figures["at"]
        if at is not None and not (self._readings and self._readings[-1][0] == at):
            counts = {
                (server["address"], model["name"]): model["windows"]
                for server in figures["servers"]
                for model in server["models"]
            }
            self._readings.append((at, counts))

    def of(self, address: str, model: str) -> float | None:
        """Windows a second, None where it is not known yet, or the server has begun to count anew."""
        known = [(at, counts[address, model]) for at, counts in self._readings if (address, model) in counts]
        if len(known) < 2 or known[-1][1] < known[0][1]:
            return None
        return (known[-1][1] - known[0][1]) / (known[-1][0] - known[0][0])


def gone(why: str) -> ScoringView:
    """Where there is nobody to ask."""
    return ScoringView("Nothing scores", "no figures are to be had", Section("", remarks=(Remark(why, NOW),)))


def scoring_view(told: Told, rates: Rates, now: int) -> ScoringView:
    """The whole page; ``now`` is the time of day."""
    engine, servers = told["engine"], told["servers"]
    who = scorer(engine)
    since = "since the session began"
    if engine["since"]:
        since = f"since {text.moment(engine['since'], Clock(now))}, for {text.duration(now - engine['since'])}"
    interruptions = Fact(
        "Interruptions", text.number(engine["interruptions"]), mark=_passed(engine["interruptions"], engine["trouble"])
    )
    return ScoringView(
        title=f"{who[:1].upper()}{who[1:]} scores",
        since=since,
        now=Section(
            "",
            remarks=(Remark(engine["reason"], NOW if engine["trouble"] else None),),
            facts=(interruptions, Fact("Windows scored again", text.number(engine["rescored"]))),
        ),
        below=(*_servers(told, rates), *_graphics(told["graphics"], servers)),
        pool=_pool(told["pool"], told["skipped"]),
    )


def _passed(count: int, trouble: object = "") -> Mark | None:
    return None if not count else NOW if trouble else PASSED


# servers


def _servers(told: Told, rates: Rates) -> list[Section]:
    servers = told["servers"]
    if not servers:
        asking = told["at"] is None and told["engine"]["kind"] == "triton"
        return [Section("Server", remarks=(Remark("It has not answered yet." if asking else "No Triton scores now."),))]
    return [
        _server(one, "Server" if len(servers) == 1 else f"Server {number}", rates)
        for number, one in enumerate(servers, 1)
    ]


def _server(server: Told, title: str, rates: Rates) -> Section:
    detail = server["detail"]
    facts = [
        Fact("Reached as", _REACHED.get(detail, "a server elsewhere")),
        Fact("Ended by", "this session" if server["mine"] else "whoever started it"),
    ]
    if server["runs"]:
        facts.append(Fact("Image" if detail == "container" else "Program", server["runs"]))
    if server["gpus"] is not None:
        facts.append(Fact("Computes on", text.counted(len(server["gpus"]), "GPU") if server["gpus"] else "the CPU"))
    if server["gpu"] and server["gpus"] == []:
        facts[-1] = Fact("Computes on", "the CPU, although it was given a GPU", mark=NOW)
    rows = tuple(_model(one, rates.of(server["address"], one["name"])) for one in server["models"])
    columns = ("Model", "State", "Windows", "a second", "Queue ms", "Compute ms", "Pending")
    return Section(
        title,
        server["address"],
        remarks=(Remark(server["problem"], NOW),) if server["problem"] else (),
        table=Table(columns, rows, words=2) if rows else Table(),
        facts=tuple(facts),
    )


def _model(model: Told, rate: float | None) -> Row:
    ready, failed = model["ready"], model["failed"]
    notes = [] if ready else ["The server has lost it; it is being loaded again."]
    if failed:
        notes.append(f"{text.counted(failed, 'call')} failed.")
    return Row(
        (
            model["name"],
            "serving" if ready else "failed",
            text.number(model["windows"]),
            text.NONE if rate is None else text.number(rate, 1 if rate < 100 else 0),
            text.number(model["queue_us"] / 1000, 2),
            text.number(model["compute_us"] / 1000, 2),
            text.NONE if model["pending"] is None else text.number(model["pending"]),
        ),
        mark=_passed(failed) if ready else NOW,
        note=" ".join(notes),
    )


# GPUs


def _graphics(graphics: Told | None, servers: Sequence[Told]) -> list[Section]:
    if graphics is None:
        return []
    if not graphics["gpus"]:
        return [Section("GPU", remarks=(Remark(f"None: {graphics['reason']}."),))]
    used = {uuid for server in servers for uuid in server["gpus"] or ()}
    asked = any(server["gpus"] is not None for server in servers)
    title = "GPU" if len(graphics["gpus"]) == 1 else "GPU {}"
    first, *others = (
        Section(title.format(number), f"{gpu['name']}, driver {graphics['driver']}", facts=_gpu(gpu, used, asked))
        for number, gpu in enumerate(graphics["gpus"], 1)
    )
    # The driver's errors are told of all GPUs together, each line with the address of its own.
    xids = graphics["xids"]
    if xids:
        words = f"{text.counted(len(xids), 'Xid error')} since the machine started, the newest: {xids[-1]}"
        first = replace(first, remarks=(Remark(words, NOW),))
    else:
        words = "none" if xids is not None else "not to be read by this user"
        first = replace(first, facts=(*first.facts, Fact("Xid errors", words)))
    return [first, *others]


def _gpu(gpu: Told, used: set[str], asked: bool) -> tuple[Fact, ...]:
    facts = []
    if (busy := gpu["utilisation"]) is not None:
        facts.append(Fact("Busy", f"{text.number(100 * busy)} %", busy))
    if gpu["memory_used"] is not None and gpu["memory_total"]:
        held, total = gpu["memory_used"], gpu["memory_total"]
        facts.append(Fact("Memory", f"{text.size(held)} of {text.size(total)}", held / total))
    if (power := gpu["power_w"]) is not None:
        limit = gpu["power_limit_w"]
        words = f"{text.number(power)} of {text.number(limit)} W" if limit else f"{text.number(power)} W"
        facts.append(Fact("Power", words, power / limit if limit else None))
    if asked:
        facts.append(Fact("Scores here", "yes" if gpu["uuid"] in used else "no"))
    if (heat := gpu["temperature_c"]) is not None:
        facts.append(Fact("Temperature", f"{text.number(heat)} \u00b0C"))
    if (slowed := gpu["throttled"]) is not None:
        facts.append(Fact("Slowed down", f"by {', '.join(slowed)}" if slowed else "no", mark=NOW if slowed else None))
    corrected, uncorrected = gpu["ecc_corrected"], gpu["ecc_uncorrected"]
    if corrected is not None and uncorrected is not None:
        words = f"{text.number(corrected)} corrected, {text.number(uncorrected)} uncorrected"
        facts.append(Fact("ECC errors", words, mark=NOW if uncorrected else None))
    return tuple(facts)


# the pool


def _pool(pool: Told, skipped: int) -> Section:
    failed, refused = sum(pool["failed"].values()), sum(pool["refused"].values())
    facts = (
        Fact("Waiting", f"{text.number(pool['waiting'])} of {text.number(pool['bound'])}"),
        Fact("Scored", text.number(sum(pool["scored"].values()))),
        Fact("Skipped", text.number(skipped), mark=_passed(skipped)),
        Fact("Refused, the queue was full", text.number(refused), mark=_passed(refused)),
    )
    columns = ("Worker", "Now", "Batches", "Windows", "Failed", "Again", "p50 ms", "p95", "p99")
    return Section(
        "Workers",
        text.counted(len(pool["workers"]), "worker"),
        remarks=(Remark(f"{text.counted(failed, 'window')} failed, the newest: {pool['error']}", PASSED),)
        if failed
        else (),
        table=Table(columns, tuple(_worker(one) for one in pool["workers"]), words=2),
        facts=facts,
    )


def _worker(worker: Told) -> Row:
    active, held_up = worker["active"], worker["active_ms"] > LONG_MS
    doing = f"{text.counted(active, 'window')}, {_long(worker['active_ms'])}" if active else "waiting"
    counts = (text.number(worker[name]) for name in ("batches", "done", "failed", "retried"))
    delays = (text.number(worker[name], 1) for name in ("p50_ms", "p95_ms", "p99_ms"))
    mark = NOW if held_up else _passed(worker["failed"])
    note = "This batch takes unusually long." if held_up else ""
    return Row((worker["name"], doing, *counts, *delays), mark, note)


def _long(milliseconds: float) -> str:
    if milliseconds < 1000:
        return f"{text.number(milliseconds)} ms"
    return f"{text.number(milliseconds / 1000, 1)} s"
