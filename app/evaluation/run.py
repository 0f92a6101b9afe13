"""A data set judged recording by recording, in processes of their own, and the figures that come of it.

The processes are started afresh (``spawn``), so that none inherits a thread in the middle of something. What they
give back does not depend on how many there are or on who judged what.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection

from app.evaluation.errors import EvaluationError
from app.evaluation.judging import APPLICATION, PLAIN, RANDOM, Outcome, judge_recording
from app.evaluation.layout import Dataset, Recording
from detection import ROBUST_Z, Judge
from inference import Catalogue, ModelCard, Pool, open_engine

MOST_PROCESSES = 8
"""Each holds the models and about 200 MB."""
POLL_S = 0.2

Outcomes = dict[str, dict[str, Outcome]]
"""By recording, then by model."""


class BrokenRunError(Exception):
    """The judging ended early through no fault of what was asked; the text is a sentence with a cure."""


def choose(catalogue: Catalogue, names: Sequence[str]) -> tuple[list[str], tuple[ModelCard, ...], list[str]]:
    """The models to compare, the networks that are loaded, and sentences about those that cannot judge.

    ``names`` are those asked for, none or ``all`` for every one there is; a network that is not named is not loaded.
    The application comes first, asked for or not: everything is compared with it. Raises EngineError, and
    EvaluationError for a name that nothing has.
    """
    everything = not names or "all" in names
    networks = [*(card.name for card in catalogue.cards), *catalogue.broken]
    there = [APPLICATION, PLAIN, *networks, ROBUST_Z, RANDOM]
    for name in names:
        if name not in (*there, "all"):
            raise EvaluationError(f'There is no model "{name}" to evaluate; there is {", ".join(there)}, or all.')
    named = [name for name in names if name in networks]
    cards = catalogue.select(() if everything else named) if everything or named else ()
    judge = Judge([card.spec for card in cards], lambda model, windows: None)
    chosen = [APPLICATION, PLAIN, *judge.scored_by_model, ROBUST_Z, RANDOM]
    wanted = chosen if everything else [APPLICATION, *names]
    return [name for name in chosen if name in wanted], cards, [*catalogue.problems, *judge.notes]


class Evaluation:
    """The judging of ``dataset`` with ``cards``, for the models ``names``. ``done`` counts recordings that are judged.

    ``stop`` may be set by any thread, or by a signal's handler; all else is for one thread.
    """

    def __init__(
        self, dataset: Dataset, cards: Sequence[ModelCard], names: Sequence[str], stop: threading.Event
    ) -> None:
        self.done = 0
        self._dataset, self._cards, self._names, self._stop = dataset, tuple(cards), tuple(names), stop

    def run(self) -> Iterator[Outcomes | None]:
        """None several times a second while there is more to do; at last the outcomes, unless it was stopped.

        Once stopped, what is in hand is dropped: figures of a part would be those of another data set. Raises
        EvaluationError, EngineError, and BrokenRunError where a process ended by itself.
        """
        waiting = list(reversed(self._dataset.recordings))
        outcomes: Outcomes = {}
        count = min(MOST_PROCESSES, len(waiting), _cores())
        context = multiprocessing.get_context("spawn")
        lifeline, ours = context.Pipe(duplex=False)
        # However this ends, the processes do not outlast it: first goes the lifeline, then they are waited for.
        with ProcessPoolExecutor(count, context, _begin, (self._cards, lifeline)) as processes, lifeline, ours:
            running: dict[Future[dict[str, Outcome]], str] = {}
            while running or waiting:
                while waiting and len(running) <= count:
                    recording = waiting.pop()
                    with _interrupts_held():
                        running[processes.submit(_judge, recording, self._names)] = recording.name
                finished, _ = wait(running, POLL_S, FIRST_COMPLETED)
                if self._stop.is_set():
                    return
                for one in finished:
                    try:
                        outcomes[running.pop(one)] = one.result()
                    except BrokenProcessPool as problem:
                        raise BrokenRunError(
                            "A process that judges was ended from outside, perhaps for want of memory: close what "
                            "else runs, and evaluate once more."
                        ) from problem
                    self.done += 1
                yield None
        yield {recording.name: outcomes[recording.name] for recording in self._dataset.recordings}


def _cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C reaches every process of the terminal: one that is born in here does not hear it, and this one later."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# in a process that judges

_pool: Pool | None = None
_cards: tuple[ModelCard, ...] = ()


def _begin(cards: tuple[ModelCard, ...], lifeline: Connection) -> None:
    global _cards  # noqa: PLW0603 - a process that judges has one set of models for all its life
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _cards = cards
    threading.Thread(target=_end_with, args=(lifeline,), name="lifeline", daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    """Nothing is ever sent: it ends when whoever asked lets go of it, on purpose or by being killed."""
    lifeline.poll(None)
    os._exit(1)


def _judge(recording: Recording, names: tuple[str, ...]) -> dict[str, Outcome]:
    global _pool  # noqa: PLW0603 - opened at the first recording, where an error reaches whoever asked
    if _pool is None:
        _pool = Pool(open_engine("embedded", _cards), _cards)
    return judge_recording(recording, [card.spec for card in _cards], _pool, names)
