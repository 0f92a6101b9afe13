"""Processes that do one thing to an archive until they are killed, and say what was acknowledged.

``python -m tests.storage.dying_child`` reads a request a line (JSON: ``deed``, ``path``, ``turns``, ``delay_s``,
``spot``), forks a process that does the deed again and again, kills that one ``delay_s`` after so many turns, and
answers with what it acknowledged. A process made by ``fork`` has everything imported: a round takes a moment.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from storage import (
    Archive,
    Recorder,
    RecorderStatus,
    Retention,
    Upkeep,
    compact,
    door,
    durable,
    merge,
    retention,
    rewrite,
)
from storage import upkeep as upkeep_module
from storage.cells import DAY
from storage.encoder import Encoder
from telemetry import Frame
from telemetry.clock import SECOND
from tests.storage import dying_model as model

KEPT = Retention(values=1.0, seconds=1.0, minutes=2.0)
"""A minute's summary after a day, an hour's after two."""


TURN = "turn"
LIFETIME_S = 60
"""A process ends by itself after so long, should nobody be left to kill it."""


class Deed:
    """One process's work on an archive. ``say`` writes a line: a session and its acknowledged samples, or a turn."""

    def __init__(self, path: Path, say: Callable[[str], object]) -> None:
        self._path = path
        self._say = say
        self._numbers = itertools.count()
        self._handed_in = 0
        self._until: deque[tuple[int, int]] = deque()
        self._now = model.START

    def open(self) -> None:
        self.archive = Archive.open(self._path)
        self.session = self.archive.begin_session(started=0, origin="live", sources=["child"])
        self._say(f"{self.session} 0")

    def _next(self) -> list[Frame]:
        number = next(self._numbers)
        made = model.frames(self.session, number)
        self._handed_in += sum(one.count() for one in made)
        self._until.append((self._handed_in, model.START + number * model.STRIDE * SECOND))
        return made

    def _recorder(self, also: str = "") -> Recorder:
        def acknowledged(status: RecorderStatus) -> None:
            self._say(f"{self.session} {status.recorded_samples}{also}")
            while self._until and self._until[0][0] <= status.recorded_samples:
                self._now = self._until.popleft()[1]

        return Recorder(
            self.archive,
            reserve_bytes=0,
            interval_s=0.0,
            bound_values=8000,
            on_commit=acknowledged,
        )

    def _put_next(self, recorder: Recorder) -> None:
        for frame in self._next():
            assert recorder.put(self.session, frame, wait=True, timeout=60.0)

    def _record(self, also: str = "") -> NoReturn:
        recorder = self._recorder(also)
        while True:
            self._put_next(recorder)

    def _put_a_day(self, recorder: Recorder) -> None:
        for _ in range(DAY // (model.STRIDE * SECOND)):
            self._put_next(recorder)

    def _beside(self, work: Callable[[], object]) -> None:
        """Record, and do ``work`` again and again at the same time; a turn is one that found something to do."""
        threading.Thread(target=self._dying, args=(self._record,), daemon=True).start()
        while True:
            if work():
                self._say(TURN)

    @staticmethod
    def _dying(work: Callable[[], object]) -> None:
        try:
            work()
        finally:
            traceback.print_exc()
            os._exit(1)

    def commit(self) -> None:
        self.open()
        self._record(f"\n{TURN}")

    def checkpoint(self) -> None:
        door.CHECKPOINT = "64KB"
        self.open()

        def folded() -> bool:
            self.archive.checkpoint()
            return True

        self._beside(folded)

    def merge(self) -> None:
        merge.RUN_CHUNKS = 60
        self.open()
        self._beside(lambda: merge.merge(self.archive, least=1))

    def join(self) -> None:
        rewrite.AT_ONCE = 300
        self.open()
        samples = 0
        while True:
            for frame in self._next():
                batch = Encoder(*self.archive.claim()).encode([(self.session, frame)])
                self.archive.write(batch)
                self.archive.release()
                samples += batch.samples
                self._say(f"{self.session} {samples}")
            with self.archive.maintaining() as connection:
                rewrite.join_left(connection, 2**62)
            self._say(TURN)

    def expire(self) -> None:
        self.open()
        recorder = self._recorder()
        while True:
            self._put_a_day(recorder)
            if retention.expire(self.archive, KEPT, self._now):
                self._say(TURN)

    def compact(self) -> None:
        self.open()
        self._beside(lambda: compact.compact(self.archive, say=lambda *_: None, stop=threading.Event()))

    def upkeep(self) -> None:
        merge.RUN_CHUNKS = 60
        vars(upkeep_module)["merge"] = partial(merge.merge, least=1)
        self.open()
        upkeep, recorder = Upkeep(self.archive, KEPT, every_s=0.01, clock=lambda: self._now), self._recorder()
        while True:
            self._put_a_day(recorder)
            compact.compact(self.archive, say=lambda *_: None, stop=threading.Event())
            assert upkeep.status().error == ""
            if upkeep.status().expired:
                self._say(TURN)

    def migrate(self) -> None:
        self._say(TURN)
        self.open()
        signal.pause()


_SPOTS: dict[str, list[tuple[Any, str]]] = {
    "compact": [
        (compact._Copy, "begin"),
        (compact._Copy, "finish"),
        (Archive, "_let_go"),
        (durable, "put"),
        (durable, "sync_folder"),
        (Archive, "_open_again"),
    ],
    "merge": [(merge, "_new_run"), (merge, "_sort")],
    "join": [(rewrite, "insert")],
    "expire": [(retention, "_delete"), (retention, "insert"), (retention, "_delete_blocks")],
    "migrate": [(door.transaction, "__exit__")],
}
"""What is called on the way, in order; a process can be killed right before and right after each."""


def spots(deed: str) -> int:
    """How many places a process can be told to die at."""
    return 2 * len(_SPOTS.get(deed, []))


def die_at(deed: str, spot: int) -> None:
    """Be killed at a certain place, as hard as can be."""
    owner, name = _SPOTS[deed][spot // 2]
    function = getattr(owner, name)

    def dying(*arguments: Any, **named: Any) -> Any:
        if spot % 2:
            function(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def _child(request: dict[str, Any], out: int) -> NoReturn:
    signal.alarm(LIFETIME_S)
    try:
        if request["spot"] is not None:
            die_at(request["deed"], request["spot"])
        deed = Deed(Path(request["path"]), lambda line: os.write(out, f"{line}\n".encode()))
        getattr(deed, request["deed"])()
    finally:
        traceback.print_exc()
        os._exit(1)


def _round(request: dict[str, Any]) -> dict[str, Any]:
    end, out = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        _child(request, out)
    os.close(out)
    with os.fdopen(end, "rb") as said:
        lines, left = [], request["turns"]
        while left and (line := said.readline()):
            lines.append(line)
            left -= line == f"{TURN}\n".encode()
        select.select([], [], [], request["delay_s"])
        os.kill(child, signal.SIGKILL)
        lines.extend(said)
    _, status = os.waitpid(child, 0)
    acknowledged: dict[str, int] = {}
    for line in lines:
        if line.endswith(b"\n") and line != f"{TURN}\n".encode():
            session, samples = line.split()
            acknowledged[session.decode()] = int(samples)
    return {"killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, "acknowledged": acknowledged}


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_round(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
