"""One recording judged by the program's own judge: what the application finds, and what each model would find alone.

Commissioned on the train part; the test part follows after a gap, as after an outage in service, and nothing of it or
of its labels is known beforehand. Two judges look at it, each once: one set up as in a session, and one in which
everything may open an event. Both tell each alarm sample as an event of its own (``merge`` 0) with the names of all
that opened it, so that one pass separates the models.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.evaluation.layout import Recording, read_values
from app.evaluation.metrics import Floats, Samples, Tally, tally, within
from app.evaluation.vus import obstacle, vus_pr
from detection import BANK, ROBUST_Z, DetectionSettings, Event, Judge, Output, Submit, WindowSpec
from inference import EngineError, Pool
from telemetry import Channel, Frame, Group

APPLICATION = "application"
PLAIN = "bank"
RANDOM = "random"
MINUTE = 60_000_000
GAP = 1000
"""Samples between the train and the test part."""
SEED = 0
MERGE = DetectionSettings().merge
_PIECE = 10_000
_IN_SERVICE = DetectionSettings(merge=0)
_APART = replace(_IN_SERVICE, robust_z_opens=True, networks_open=True)
_NOISE = WindowSpec(RANDOM, "1", "score", window=2, stride=8)
# What robust z was at each sample is told by no judge, only its alarms: windows hold just that, so they are its score.
_DEVIATION = WindowSpec("deviation", "1", "score", window=2, stride=1)

Windows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one model made of one recording: counts, VUS-PR or why there is none, and seconds that judging took."""

    tally: Tally
    vus_pr: float | None
    vus_pr_reason: str
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """What one judge said of the test part: events, (n,) ratio of the bank, and (n,) ratio of each model asked."""

    events: list[Event]
    ratio: Floats
    by_model: dict[str, Floats]
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Trace:
    """Alarm samples of one model, for how many samples each stands, and (n,) scores."""

    samples: Samples
    held: int
    scores: Floats
    seconds: float


def judge_recording(
    recording: Recording, specs: Sequence[WindowSpec], pool: Pool, names: Sequence[str]
) -> dict[str, Outcome]:
    """The outcome of each of ``names``. ``specs`` are the models of a session; ``pool`` scores them.

    Raises EvaluationError where a file cannot be read, EngineError where a window was not scored.
    """
    traces = _judge(recording, specs, pool, names)
    length = len(next(iter(traces.values())).scores)
    labels = within(recording.spans, length)
    why = {name: obstacle(labels, trace.scores) for name, trace in traces.items()}
    told = [name for name in names if not why[name]]
    volumes = vus_pr(labels, np.stack([traces[name].scores for name in told])) if told else ()
    volume = dict(zip(told, volumes, strict=True))
    return {
        name: Outcome(
            tally=tally(trace.samples, recording.spans, length, reach=MERGE, held=trace.held),
            vus_pr=float(volume[name]) if name in volume else None,
            vus_pr_reason=why[name],
            seconds=trace.seconds,
        )
        for name, trace in traces.items()
    }


def _judge(recording: Recording, specs: Sequence[WindowSpec], pool: Pool, names: Sequence[str]) -> dict[str, _Trace]:
    train, test = read_values(recording.train), read_values(recording.test)
    traces: dict[str, _Trace] = {}
    if APPLICATION in names:
        said = _run(recording, train, test, specs, pool.submit, _IN_SERVICE)
        traces[APPLICATION] = _Trace(_samples(said.events, len(train)), 1, said.ratio, said.seconds)
    others = [name for name in names if name != APPLICATION]
    if not others:
        return traces
    asked = [spec for spec in specs if spec.model in names]
    asked += [_NOISE] if RANDOM in names else []
    asked += [_DEVIATION] if ROBUST_Z in names else []
    said = _run(recording, train, test, asked, _Submitter(recording.name, pool), _APART)
    for name in others:
        judges = set(BANK) if name == PLAIN else {name}
        events = [event for event in said.events if judges & {event.model, *event.seconded}]
        scores = said.ratio if name == PLAIN else said.by_model[_DEVIATION.model if name == ROBUST_Z else name]
        held = next((spec.stride for spec in asked if spec.model == name), 1)
        traces[name] = _Trace(_samples(events, len(train)), held, scores, said.seconds)
    return traces


def _run(
    recording: Recording,
    train: Floats,
    test: Floats,
    specs: Sequence[WindowSpec],
    submit: Submit,
    settings: DetectionSettings,
) -> _Pass:
    began = time.perf_counter()
    group = Group(recording.name, "all", (Channel(recording.name, "", recording.name, span=recording.span),), MINUTE)
    judge = Judge(specs, submit, settings)
    for frame in _frames(group, train, 0):
        judge.feed(frame)
    judge.commission()
    begin = len(train) + GAP
    outputs = [judge.feed(frame) for frame in _frames(group, test, begin)]
    outputs.append(judge.drain())
    if judge.skipped:
        raise EngineError(
            f"{judge.skipped} windows of {recording.name} were not scored, so its figures would be wrong: "
            "evaluate once more, or leave the model out with --model."
        )
    times = (begin + np.arange(len(test))) * MINUTE
    ratio = np.concatenate([judged.ratio[:, 0] for output in outputs for judged in output.judged])
    last = {event.key: event for output in outputs for event in output.events}
    return _Pass(
        events=sorted((event for event in last.values() if event.start >= times[0]), key=lambda event: event.start),
        ratio=np.nan_to_num(ratio).astype(np.float64),
        by_model={spec.model: _standing(spec.model, times, outputs) for spec in specs},
        seconds=time.perf_counter() - began,
    )


def _frames(group: Group, values: Floats, begin: int) -> Iterator[Frame]:
    """Minutes from number ``begin`` on, in pieces: what waits for scores stays small however long a recording is."""
    for start in range(0, len(values), _PIECE):
        part = values[start : start + _PIECE]
        yield Frame(group, (begin + start + np.arange(len(part))) * MINUTE, (part,))


def _standing(model: str, times: npt.NDArray[np.int64], outputs: Sequence[Output]) -> Floats:
    """(n,) the newest ratio of ``model`` at each of ``times``; 0 where it has none yet."""
    scored = [one for output in outputs for one in output.scored if one.model == model]
    stamps = np.concatenate([[times[0] - 1], *(one.times for one in scored)])
    ratios = np.concatenate([[0.0], *(one.ratio for one in scored)])
    stamps, ratios = stamps[stamps >= times[0] - 1], ratios[stamps >= times[0] - 1]
    standing: Floats = np.nan_to_num(ratios)[np.searchsorted(stamps, times, "right") - 1]
    return standing


def _samples(events: Sequence[Event], train: int) -> Samples:
    return np.array([event.start // MINUTE - train - GAP for event in events], dtype=np.int64)


class _Submitter:
    """Scores of the models come from ``pool``; those of the two that are no models are known at once."""

    def __init__(self, name: str, pool: Pool) -> None:
        # Scale-free noise: of tamer noise no sample ever is 1.75 times the record, and nothing would be compared.
        self._noise = np.random.default_rng([SEED, *name.encode("utf-8", "surrogateescape")])
        self._pool = pool

    def __call__(self, model: str, windows: Windows) -> Future[Windows] | None:
        if model == RANDOM:
            scores = np.abs(self._noise.standard_cauchy(len(windows))).astype(np.float32)
        elif model == _DEVIATION.model:
            scores = np.abs(windows[:, -1])
        else:
            return self._pool.submit(model, windows)
        known: Future[Windows] = Future()
        known.set_result(scores)
        return known
