"""A process that records until it is killed, and says what was acknowledged.

``python recording_child.py ARCHIVE [COMMITS]``: frames of ``LENGTH`` samples on ``WIDTH`` channels, a line with the
acknowledged samples after each commit; with COMMITS it kills itself, as hard as can be, right after that many.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

from storage import Archive, Recorder, RecorderStatus
from telemetry import Channel, Frame, Group

LENGTH = 50
WIDTH = 4


def main() -> None:
    commits = int(sys.argv[2]) if len(sys.argv) > 2 else None
    archive = Archive.open(Path(sys.argv[1]))
    session = archive.begin_session(started=0, origin="simulation", sources=["child"])

    def acknowledged(status: RecorderStatus) -> None:
        os.write(1, f"{status.recorded_samples}\n".encode())
        if status.commits == commits:
            os.kill(os.getpid(), signal.SIGKILL)

    recorder = Recorder(archive, reserve_bytes=0, interval_s=0.0, bound_values=2000, on_commit=acknowledged)
    group = Group("SAT-001", "g", tuple(Channel("SAT-001", "x", f"c{i}", type="f4") for i in range(WIDTH)))
    random = np.random.default_rng(3)
    at = 0
    while True:
        times = np.arange(at, at + LENGTH, dtype=np.int64) * 1000
        columns = tuple(random.normal(size=LENGTH).astype(np.float32) for _ in range(WIDTH))
        recorder.put(session, Frame(group, times, columns), wait=True, timeout=60.0)
        at += LENGTH


if __name__ == "__main__":
    main()
